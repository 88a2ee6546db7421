"""The resistive heater of the cell: a Eurotherm controller, in K on our side and Celsius on its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

from ophyd import Component as Cpt
from ophyd import EpicsSignal, EpicsSignalRO, Kind
from ophyd.status import StatusBase

from lics_beamline.devices.alarm import value_of
from lics_beamline.devices.clock import ExperimentClock
from lics_beamline.devices.controller import Controller, ControllerTraits
from lics_beamline.devices.limited_signal import LimitedSignal
from lics_beamline.devices.motion import Motion
from lics_beamline.devices.optional_pv import OF_HEATER, OptionalPv, is_there
from lics_beamline.devices.quantity import Bounds, QuantitySignal, has_limits
from lics_beamline.devices.safe_condition import SafeCondition
from lics_beamline.devices.settling import ArrivalCriteria, check_target
from lics_beamline.errors import DidNotSettle
from lics_beamline.units import ZERO_CELSIUS_K

# One unit of the last digit that the controller shows in every channel (Eurotherm 2000: 0.1 K, K/min or %), and a tenth
# of it for rounding: a read-back that is no farther off says what was commanded.
READ_BACK_RESOLUTION: Final = 0.11
RAMP_OFF: Final = 0.0  # ramp of a controller that goes to its setpoint at once [K/min] (Eurotherm 2000: off)
OUTPUT_DOWN_PERCENT: Final = 0.5  # output that is taken for none: five units of its last digit; a choice


class Heater(Controller):
    """Temperature controller (synApps Eurotherm2k.db, with auto, output limit and contactor added).

    Parameters
    ----------
    prefix : str
        Prefix of the controller (``SIM:LICS:ET1:``).
    name : str
        Name in documents; ``heater``.
    clock : ExperimentClock
        Judges dwell and time-outs.
    limits_k : (float, float), optional
        Limits of the temperature [K]; the narrower of these and the PV's control limits binds.
    ramp_rate_k_per_min : float
        Ramp written with each setpoint [K/min] unless ``set`` is given another.
    tolerance_k : float
        Largest distance from its target at which the temperature has arrived [K].
    dwell_s : float
        Seconds of experiment it must stay; 75 s is the shortest that can be judged at 300 times the wall clock.
    stall_s : float
        Seconds of experiment without progress before a ramp is given up.
    ambient_k : float
        Setpoint of a heater made safe [K].
    output_high_percent : float
        Output limit that ``arm`` restores [%].
    """

    temperature_c = Cpt(EpicsSignalRO, "RBV_pvTemp", kind=Kind.omitted, auto_monitor=True)
    temperature_k = Cpt(QuantitySignal, derived_from="temperature_c", unit="K", offset=ZERO_CELSIUS_K, kind=Kind.hinted)
    setpoint_c = Cpt(LimitedSignal, "Setpoint", kind=Kind.omitted, auto_monitor=True)
    setpoint_k = Cpt(QuantitySignal, derived_from="setpoint_c", unit="K", offset=ZERO_CELSIUS_K, kind=Kind.normal)
    setpoint_readback_c = Cpt(EpicsSignalRO, "RBV_spTemp", kind=Kind.omitted, auto_monitor=True)
    setpoint_readback_k = Cpt(
        QuantitySignal,
        derived_from="setpoint_readback_c",
        unit="K",
        offset=ZERO_CELSIUS_K,
        kind=Kind.omitted,
        write_access=False,
    )
    ramp_rate_c_per_min = Cpt(LimitedSignal, "RBV_RampRate", write_pv="RampRate", kind=Kind.omitted, auto_monitor=True)
    ramp_rate_k_per_min = Cpt(QuantitySignal, derived_from="ramp_rate_c_per_min", unit="K/min", kind=Kind.config)
    output_percent = Cpt(EpicsSignalRO, "RBV_Output", kind=Kind.normal, auto_monitor=True)
    output_high_percent = Cpt(LimitedSignal, "OutputHigh", kind=Kind.config, auto_monitor=True)
    output_high_readback_percent = Cpt(EpicsSignalRO, "OutputHigh", kind=Kind.omitted, auto_monitor=True)
    proportional = Cpt(EpicsSignal, "P", kind=Kind.config)
    integral = Cpt(EpicsSignal, "I", kind=Kind.config)
    derivative = Cpt(EpicsSignal, "D", kind=Kind.config)
    auto = Cpt(EpicsSignal, "Auto", kind=Kind.config, string=True, auto_monitor=True)
    contactor = Cpt(EpicsSignal, "Contactor", kind=Kind.omitted, string=True)
    contactor_readback = Cpt(EpicsSignalRO, "Contactor_RBV", kind=Kind.config, string=True, auto_monitor=True)

    UNITS: ClassVar[Mapping[str, str]] = {
        "temperature_c": "C",
        "setpoint_c": "C",
        "setpoint_readback_c": "C",
        "ramp_rate_c_per_min": "C/min",
        "output_percent": "%",
        "output_high_percent": "%",
    }
    STATES: ClassVar[Mapping[str, tuple[tuple[str, ...], ...]]] = {"auto": (("Auto",),)}
    VITAL: ClassVar[tuple[str, ...]] = ("temperature_c", "setpoint_readback_c", "output_percent", "contactor_readback")
    OPTIONAL: ClassVar[Mapping[str, OptionalPv]] = OF_HEATER
    TRAITS: ClassVar[ControllerTraits] = ControllerTraits(
        instrument="heater",
        quantity="heater temperature",
        move="heater",
        unit="K",
        measured="temperature_k",
        setpoint="setpoint_k",
        setpoint_readback="setpoint_readback_k",
        resolution=READ_BACK_RESOLUTION,
        read_back_s=10.0,  # a write takes 1 s, reads back within 8 s (Eurotherm 2000, serial line), and 1 s spare
        safe_attempts=3,  # a choice
        at_the_panel="Cut its power at the panel.",
    )

    def __init__(
        self,
        prefix: str = "",
        *,
        name: str,
        clock: ExperimentClock,
        limits_k: tuple[float, float] | None = None,
        ramp_rate_k_per_min: float = 5.0,
        tolerance_k: float = 1.0,
        dwell_s: float = 90.0,
        stall_s: float = 600.0,
        ambient_k: float = 298.15,
        output_high_percent: float = 100.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(prefix, name=name, clock=clock, **kwargs)
        self.limits_k = limits_k
        self.ramp_k_per_min = ramp_rate_k_per_min
        self.tolerance_k = tolerance_k
        self.dwell_s = dwell_s
        self.stall_s = stall_s
        self.ambient_k = ambient_k
        self.allowed_output_percent = output_high_percent
        self._again: Callable[[], None] = lambda: None  # commands the newest ramp again
        self._rests = False

    def bounds(self) -> Bounds:
        """Return the limits of the temperature [K]; raises `OutsideEnvelope` when nothing limits it."""
        return Bounds.narrower(self.setpoint_k.limits, self.limits_k, what="heater temperature", unit="K")

    def set(self, temperature_k: float, *, ramp_rate_k_per_min: float | None = None, settle: bool = True) -> StatusBase:
        """Ramp to a temperature; done when it has stayed within tolerance for the dwell.

        Parameters
        ----------
        temperature_k : float
            Temperature asked for [K].
        ramp_rate_k_per_min : float, optional
            Ramp [K/min], above 0; default as constructed.
        settle : bool
            False for a plan that watches the ramp itself: done when ramp and setpoint have been read back.

        Raises
        ------
        OutsideEnvelope
            Beyond the limits of temperature or ramp.
        DidNotSettle
            If the heater cannot heat: manual, contactor open, or made safe.
        ClockTooFast
            If dwell or stall time cannot be judged at the speed of the world.
        """
        ramp = self.ramp_k_per_min if ramp_rate_k_per_min is None else ramp_rate_k_per_min
        check_target(temperature_k, what="heater temperature", unit="K")
        check_target(ramp, what="heater ramp", unit="K/min")
        self.bounds().check(temperature_k, "heater temperature")
        self._check_ramp(ramp)
        self._check_power(temperature_k)
        way_k = abs(temperature_k - float(self.temperature_k.get()))
        arrival = ArrivalCriteria(
            tolerance=self.tolerance_k,
            dwell_s=self.dwell_s,
            stall_s=self.stall_s,
            timeout_s=1.5 * 60.0 * way_k / ramp + 2 * self.stall_s + self.dwell_s,
        )

        def ramped(motion: Motion) -> None:
            motion.write(self.ramp_rate_k_per_min, ramp)
            self._agree(motion, self.ramp_rate_k_per_min, ramp, "heater ramp [K/min]")

        def again() -> None:
            self.ramp_rate_k_per_min.put(ramp)
            self.setpoint_k.put(temperature_k)

        self._rests = False
        motion = self._go(temperature_k, arrival, settle=settle, first=ramped)
        self._again = again
        return motion

    def arm(self) -> StatusBase:
        """Let a heater that was made safe heat again, without a jump: setpoint to the present temperature, then output.

        A contactor opened by the over-temperature trip stays open: somebody must look first.
        """
        return self._move(self._arm, "arming of the heater")

    def rest(self) -> None:
        """Let a ramp under way rest at the temperature of this moment; its status stays open until it goes on."""
        if self._motion is not None and not self._motion.done:
            self._motion.rest()
        elif self._watched_elsewhere:
            self._try_to_hold()
        self._rests = True

    def go_on(self) -> None:
        """Go on with a ramp that rests, from the temperature of this moment."""
        if self._motion is not None and not self._motion.done:
            self._motion.go_on()
        elif self._rests and self._watched_elsewhere:
            self._again()
        self._rests = False

    def stop(self, *, success: bool = False) -> None:
        """End a ramp under way and hold the temperature of this moment; one that rests already stays as it is.

        The engine stops what it has moved when it is paused, and a ramp that rests goes on afterwards.
        """
        if not self._rests:
            super().stop(success=success)

    def make_safe(self) -> StatusBase:
        """Make the heater safe, resting or not."""
        self._rests = False
        return super().make_safe()

    def safe_conditions(self) -> tuple[SafeCondition, ...]:
        """Return that no output is allowed, the setpoint is ambient, and no power flows: none, or an open contactor."""
        limit = SafeCondition.at_most(
            self.output_high_readback_percent, READ_BACK_RESOLUTION, what="heater output limit", unit="%", is_lock=True
        )
        return (
            *([limit] if is_there(self.output_high_readback_percent) else []),
            SafeCondition.at_most(
                self.setpoint_readback_k, self.ambient_k + READ_BACK_RESOLUTION, what="heater setpoint", unit="K"
            ),
            SafeCondition.at_most(
                self.output_percent,
                OUTPUT_DOWN_PERCENT,
                what="heater output",
                unit="%",
                or_else=lambda: bool(value_of(self.contactor_readback) == "Open"),
            ),
        )

    def _command_safe(self, motion: Motion) -> None:
        if is_there(self.output_high_percent):
            motion.write(self.output_high_percent, 0.0)
        motion.write(self.setpoint_k, self.ambient_k)
        if not is_there(self.output_high_percent):  # a controller that ramps down to ambient heats on its way there
            low, high = self.ramp_rate_k_per_min.limits
            if low <= RAMP_OFF or not has_limits(low, high):
                motion.write(self.ramp_rate_k_per_min, RAMP_OFF)

    def _arm(self, motion: Motion) -> None:
        self._command_setpoint(motion, self._present())
        if is_there(self.output_high_percent):
            allowed = self.allowed_output_percent
            motion.write(self.output_high_percent, allowed)
            self._agree(motion, self.output_high_readback_percent, allowed, "heater output limit [%]")
        if is_there(self.auto):
            motion.write(self.auto, "Auto")

    def _check_ramp(self, ramp_k_per_min: float) -> None:
        Bounds.narrower(self.ramp_rate_k_per_min.limits, (1e-3, 1e3), what="heater ramp", unit="K/min").check(
            ramp_k_per_min, "heater ramp"
        )

    def _check_power(self, temperature_k: float) -> None:
        hindrances = {
            "control is manual: set Auto": is_there(self.auto) and self.auto.get(use_monitor=False) != "Auto",
            "the contactor is open: find out why it tripped, then close it": self.contactor_readback.get(
                use_monitor=False
            )
            == "Open",
            "no output is allowed since it was made safe: heater.arm()": is_there(self.output_high_percent)
            and float(self.output_high_percent.get(use_monitor=False)) <= READ_BACK_RESOLUTION,
        }
        found = [hindrance for hindrance, there in hindrances.items() if there]
        if found:
            raise DidNotSettle(
                f"heater cannot go to {temperature_k:.1f} K: {'; '.join(found)}.", temperature_k=temperature_k
            )

    def _present(self) -> float:
        temperature_k = self._asked(self.temperature_c) + ZERO_CELSIUS_K
        bounds = self.bounds()
        return min(max(temperature_k, bounds.low), bounds.high)

    def _diagnosis(self) -> str:
        return (
            f"Output is {float(self.output_percent.get()):.0f} %, setpoint "
            f"{float(self.setpoint_readback_k.get()):.1f} K, contactor {self.contactor_readback.get()}. "
            "Check the heater leads, or lower the ramp in profile.toml."
        )
