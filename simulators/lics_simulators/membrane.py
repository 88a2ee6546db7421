"""The gas controller of the membrane: slew, control, vent, effort, supply. A PACE5000 as its clients see it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum


class Vent(IntEnum):
    """State of the vent, in the order of its enumeration."""

    OK = 0
    IN_PROGRESS = 1
    COMPLETE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class MembraneParameters:
    """One gas controller. Engineering values.

    Parameters
    ----------
    supply_bar : float
        Pressure of the gas bottle behind the regulator [bar].
    response_s : float
        Lag of the gas behind the controller's internal ramp [s].
    control_lag_s : float
        Time until a change of control mode is read back [s].
    vent_s : float
        Time constant of venting [s].
    leak_per_s : float
        Fraction of the gas lost each second.
    noise_bar : float
        Standard deviation of one reading [bar].
    full_effort_bar_per_s : float
        Flow at which the valves are wide open [bar/s].
    """

    supply_bar: float
    response_s: float
    control_lag_s: float
    vent_s: float
    leak_per_s: float
    noise_bar: float
    full_effort_bar_per_s: float


class Membrane:
    """Gas in the membrane and the controller that holds it.

    Parameters
    ----------
    parameters : MembraneParameters
        Numbers of this controller.

    Attributes
    ----------
    load_bar : float
        Pressure of the gas [bar, gauge]: the load on the cell.
    setpoint_bar, slew_bar_per_s : float
        Setpoint and rate asked for [bar, bar/s].
    effort_percent : float
        Opening of the valves, 0 to 100 [%].
    control_read_back : bool
        Control mode as the controller reports it, late.
    vent : Vent
        State of the vent.
    speaks_psi : bool
        Whether the controller has been switched to pounds per square inch.
    """

    MAX_SETPOINT_BAR = 150.0
    MIN_SLEW_BAR_PER_S = 0.0005
    MAX_SLEW_BAR_PER_S = 0.05
    IN_LIMITS_BAR = 0.02  # half-width of the controller's own "in limits" band, engineering value
    VENTED_BAR = 0.02  # below this the vent is complete, engineering value

    def __init__(self, parameters: MembraneParameters) -> None:
        self.parameters = parameters
        self.load_bar = 0.0
        self.setpoint_bar = 0.0
        self.slew_bar_per_s = 0.01
        self.effort_percent = 0.0
        self.control_on = False
        self.control_read_back = False
        self.vent = Vent.OK
        self.speaks_psi = False
        self._ramp_bar = 0.0
        self._mode_left_s = 0.0

    @property
    def is_in_limits(self) -> bool:
        """Whether the controller is on and the gas is at its setpoint."""
        return self.control_on and abs(self.load_bar - self.setpoint_bar) < self.IN_LIMITS_BAR

    def set_control(self, *, on: bool) -> None:
        """Control (valves at work) or measure (valves shut, the gas stays). Control ends a vent."""
        if on == self.control_on:
            return
        self.control_on = on
        self._mode_left_s = self.parameters.control_lag_s
        self._ramp_bar = self.load_bar
        if on:
            self.vent = Vent.OK

    def set_vent(self, *, on: bool) -> None:
        """Open the membrane to air, which ends control; or end venting."""
        if on:
            self.set_control(on=False)
            self.vent = Vent.IN_PROGRESS
        else:
            self.vent = Vent.OK

    def step(self, dt_s: float) -> None:
        """Advance by `dt_s` seconds."""
        p = self.parameters
        if self.control_read_back != self.control_on:
            self._mode_left_s -= dt_s
            if self._mode_left_s <= 0.0:
                self.control_read_back = self.control_on
        leak_bar_per_s = p.leak_per_s * self.load_bar
        self.load_bar -= leak_bar_per_s * dt_s
        self.effort_percent = 0.0
        if self.vent is Vent.IN_PROGRESS:
            self.load_bar *= math.exp(-dt_s / p.vent_s)
            if self.load_bar < self.VENTED_BAR:
                self.load_bar = 0.0
                self.vent = Vent.COMPLETE
        elif self.control_on:
            self._regulate(dt_s, leak_bar_per_s)

    def _regulate(self, dt_s: float, leak_bar_per_s: float) -> None:
        p = self.parameters
        reach = self.slew_bar_per_s * dt_s
        self._ramp_bar += min(max(self.setpoint_bar - self._ramp_bar, -reach), reach)
        # The supply feeds through an orifice: flow dies away over the last bar below the supply pressure.
        most_bar_per_s = p.full_effort_bar_per_s * min(max(p.supply_bar - self.load_bar, 0.0), 1.0)
        wanted = -(self._ramp_bar - self.load_bar) * math.expm1(-dt_s / p.response_s) + leak_bar_per_s * dt_s
        moved = min(wanted, most_bar_per_s * dt_s)
        self.load_bar = max(self.load_bar + moved, 0.0)
        if moved < wanted:
            self.effort_percent = 100.0
        else:
            self.effort_percent = min(100.0 * abs(moved) / dt_s / p.full_effort_bar_per_s, 100.0)
