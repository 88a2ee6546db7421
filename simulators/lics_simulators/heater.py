"""The resistive heater and its controller: ramp, PID, dead time, radiation, an independent contactor."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaterParameters:
    """One heated cell and its controller. Design values of the world.

    Parameters
    ----------
    heat_capacity_j_per_k : float
        Of everything that gets hot [J/K].
    loss_w_per_k, radiation_w_per_k4 : float
        Loss by conduction [W/K] and by radiation [W/K^4].
    max_power_w : float
        Power at 100 % output [W].
    dead_time_s : float
        Age of the temperature the controller sees [s].
    gain_w_per_k, integral_s, derivative_s : float
        PID settings at start.
    sample_lag_s, sample_gradient : float
        Lag of the sample behind the gasket [s] and the fraction of the gasket's rise above ambient that it gets.
    trip_k, reset_k : float
        The contactor opens above `trip_k` [K] and can be closed again below `reset_k` [K].
    break_trip_s : float
        A broken sensor takes the output away at once and opens the contactor after this time [s]; 0 for a controller
        that does not notice: it goes on with the last temperature it saw.
    ramp_k_per_min : float
        Ramp at start [K/min].
    """

    heat_capacity_j_per_k: float
    loss_w_per_k: float
    radiation_w_per_k4: float
    max_power_w: float
    dead_time_s: float
    gain_w_per_k: float
    integral_s: float
    derivative_s: float
    sample_lag_s: float
    sample_gradient: float
    trip_k: float
    reset_k: float
    break_trip_s: float
    ramp_k_per_min: float


class Heater:
    """Temperatures of the cell, and the controller in automatic or manual mode.

    Parameters
    ----------
    parameters : HeaterParameters
        Numbers of this heater.
    ambient_k : float
        Temperature of the hutch [K].

    Attributes
    ----------
    gasket_k, sample_k : float
        True temperatures [K].
    seen_k : float
        What the controller's own sensor says, dead time ago [K].
    setpoint_k, ramp_k_per_min : float
        Target and ramp; a ramp of 0 means none: the working setpoint jumps.
    output_percent : float
        Output of the controller, 0 to 100.
    output_high_percent : float
        Highest output the controller gives.
    is_auto, contactor_is_closed, is_tripped : bool
        Mode, contactor, and whether a trip, over-temperature or broken sensor, has latched it open.
    sensor_is_open : bool
        Whether the controller's own sensor is broken.
    welded_percent : float or None
        Power that a welded relay gives whatever the controller says [%]; None for a sound one.
    band_k, integral_s, derivative_s : float
        Proportional band [K], integral and derivative time [s].
    """

    CONTROL_S = 0.5  # period of the control loop, design value

    def __init__(self, parameters: HeaterParameters, ambient_k: float) -> None:
        p = self.parameters = parameters
        self.ambient_k = ambient_k
        self.gasket_k = self.sample_k = self.seen_k = ambient_k
        self.setpoint_k = self.working_setpoint_k = ambient_k
        self.ramp_k_per_min = p.ramp_k_per_min
        self.band_k = p.max_power_w / p.gain_w_per_k
        self.integral_s = p.integral_s
        self.derivative_s = p.derivative_s
        self.output_high_percent = 100.0
        self.output_percent = 0.0
        self.is_auto = True
        self.contactor_is_closed = True
        self.is_tripped = False
        self.sensor_is_open = False
        self.welded_percent: float | None = None
        self._broken_s = 0.0
        self._integral_percent = 0.0
        self._since_control_s = 0.0
        self._delayed: deque[tuple[float, float]] = deque()
        self._age_s = 0.0
        self._last_error_k = 0.0

    def set_setpoint(self, setpoint_k: float) -> None:
        """Change the target; the working setpoint ramps from the temperature of now."""
        self.setpoint_k = setpoint_k
        self.working_setpoint_k = setpoint_k if self.ramp_k_per_min <= 0.0 else self.seen_k
        self._last_error_k = self.working_setpoint_k - self.seen_k  # a new setpoint is no kick

    def set_auto(self, *, auto: bool) -> None:
        """Automatic, taken over without a bump; or manual, which keeps the output of now."""
        if auto and not self.is_auto:
            self.working_setpoint_k = self.seen_k if self.ramp_k_per_min > 0.0 else self.setpoint_k
            self._integral_percent = self.output_percent
        self.is_auto = auto

    def set_output_high(self, percent: float) -> None:
        """Limit the output, which obeys at once in either mode."""
        self.output_high_percent = percent
        self.output_percent = min(self.output_percent, percent)

    def power_up(self) -> None:
        """Be as after a power cut: manual without output, and the contactor open until somebody closes it."""
        self.is_auto = False
        self.output_percent = self._integral_percent = 0.0
        self.contactor_is_closed = False
        self.setpoint_k = self.working_setpoint_k = self.ambient_k

    def set_contactor(self, *, closed: bool) -> bool:
        """Open or close the contactor; return whether it obeyed.

        A tripped one closes only when the cell has cooled and the sensor is whole.
        """
        if closed and self.is_tripped and (self.gasket_k >= self.parameters.reset_k or self.sensor_is_open):
            return False
        self.contactor_is_closed = closed
        if closed:
            self.is_tripped = False
        return True

    def step(self, dt_s: float) -> None:
        """Advance by `dt_s` seconds."""
        p = self.parameters
        percent = self.output_percent if self.welded_percent is None else self.welded_percent
        power = p.max_power_w * percent / 100.0 if self.contactor_is_closed else 0.0
        loss = p.loss_w_per_k * (self.gasket_k - self.ambient_k)
        loss += p.radiation_w_per_k4 * (self.gasket_k**4 - self.ambient_k**4)
        self.gasket_k += dt_s * (power - loss) / p.heat_capacity_j_per_k
        rise = self.ambient_k + p.sample_gradient * (self.gasket_k - self.ambient_k)
        self.sample_k -= (rise - self.sample_k) * math.expm1(-dt_s / p.sample_lag_s)
        self._age_s += dt_s
        self._delayed.append((self._age_s, self.gasket_k))
        while self._delayed and self._delayed[0][0] <= self._age_s - p.dead_time_s:
            seen_k = self._delayed.popleft()[1]
            if not self.sensor_is_open:
                self.seen_k = seen_k
        self._broken_s = self._broken_s + dt_s if self.sensor_is_open else 0.0
        if self.gasket_k > p.trip_k or (self._notices_break and self._broken_s >= p.break_trip_s):
            self.contactor_is_closed = False
            self.is_tripped = True
        self._since_control_s += dt_s
        if self._since_control_s >= self.CONTROL_S - 1e-9:
            self._control(self._since_control_s)
            self._since_control_s = 0.0

    @property
    def _notices_break(self) -> bool:
        return self.sensor_is_open and self.parameters.break_trip_s > 0.0

    def _control(self, dt_s: float) -> None:
        if self._notices_break:
            self.output_percent = self._integral_percent = 0.0
            return
        if self.ramp_k_per_min > 0.0:
            reach = self.ramp_k_per_min / 60.0 * dt_s
            self.working_setpoint_k += min(max(self.setpoint_k - self.working_setpoint_k, -reach), reach)
        else:
            self.working_setpoint_k = self.setpoint_k
        error = self.working_setpoint_k - self.seen_k
        slope = (error - self._last_error_k) / dt_s
        self._last_error_k = error
        if not self.is_auto:
            return
        proportional = 100.0 * (error + self.derivative_s * slope) / self.band_k
        integral = self._integral_percent
        if self.integral_s > 0.0:
            integral += 100.0 * error * dt_s / (self.integral_s * self.band_k)
        wanted = proportional + integral
        self.output_percent = min(max(wanted, 0.0), self.output_high_percent)
        winds_up = (wanted > self.output_high_percent and error > 0.0) or (wanted < 0.0 and error < 0.0)
        if not winds_up:
            self._integral_percent = integral
