"""The membrane of the cell: a GE Druck PACE5000 controls its gas pressure, which we call load."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from ophyd import Component as Cpt
from ophyd import EpicsSignal, EpicsSignalRO, Kind
from ophyd.status import StatusBase

from lics_beamline.devices.alarm import value_of
from lics_beamline.devices.clock import ExperimentClock
from lics_beamline.devices.controller import Controller, ControllerTraits
from lics_beamline.devices.leak import struggles
from lics_beamline.devices.lease import LeaseHolder, foreign
from lics_beamline.devices.limited_signal import LimitedSignal
from lics_beamline.devices.loading import Loading
from lics_beamline.devices.long_text import LongTextRO
from lics_beamline.devices.motion import Motion
from lics_beamline.devices.optional_pv import OF_MEMBRANE, OptionalPv
from lics_beamline.devices.quantity import Bounds, has_limits
from lics_beamline.devices.safe_condition import SafeCondition
from lics_beamline.devices.settling import ArrivalCriteria, Settling, check_target
from lics_beamline.errors import Busy, DidNotSettle, OutsideEnvelope

logger = logging.getLogger(__name__)

LEASE_WALL_S: Final = 30.0  # for the controller to say who holds it [s of wall clock]; only a hang is caught
VENTING: Final = ("In progress", "Vent in progress")  # of the simulated controller, and of the ip module's database
SLEW_RESOLUTION_BAR_PER_S: Final = 5e-5  # of the read-back of the slew: a tenth of the lowest slew


class Membrane(Controller):
    """Membrane gas pressure controller (PACE5000.db of the EPICS ip module, with source, limits flag and lease added).

    Parameters
    ----------
    prefix : str
        Prefix of the controller (``SIM:LICS:PC1:``).
    name : str
        Name in documents; ``membrane``.
    clock : ExperimentClock
        Judges dwell and time-outs.
    limits_bar : (float, float), optional
        Limits of the load [bar]; the narrower of these and the PV's control limits binds.
    slew_limits_bar_per_s : (float, float), optional
        Limits of the slew [bar/s], likewise.
    tolerance_bar : float
        Largest distance from its target at which the load has arrived [bar].
    dwell_s : float
        Seconds of experiment it must stay; 75 s is the shortest that can be judged at 300 times the wall clock.
    stall_s : float
        Seconds of experiment without progress before a move is given up.
    """

    load_bar = Cpt(EpicsSignalRO, "Pressure_RBV", kind=Kind.hinted, auto_monitor=True)
    setpoint_bar = Cpt(LimitedSignal, "Setpoint", kind=Kind.normal, auto_monitor=True)
    setpoint_readback_bar = Cpt(EpicsSignalRO, "Setpoint_RBV", kind=Kind.omitted, auto_monitor=True)
    effort_percent = Cpt(EpicsSignalRO, "Effort_RBV", kind=Kind.normal, auto_monitor=True)
    slew_bar_per_s = Cpt(LimitedSignal, "Slew_RBV", write_pv="Slew", kind=Kind.config, auto_monitor=True)
    source_bar = Cpt(EpicsSignalRO, "Source_RBV", kind=Kind.config, auto_monitor=True)
    control = Cpt(EpicsSignal, "Control", kind=Kind.omitted, string=True)
    control_readback = Cpt(EpicsSignalRO, "Control_RBV", kind=Kind.config, string=True, auto_monitor=True)
    in_limits = Cpt(EpicsSignalRO, "InLimits_RBV", kind=Kind.omitted, string=True, auto_monitor=True)
    vent = Cpt(EpicsSignal, "Vent", kind=Kind.omitted, string=True)
    vent_readback = Cpt(EpicsSignalRO, "Vent_RBV", kind=Kind.omitted, string=True, auto_monitor=True)
    units = Cpt(EpicsSignalRO, "Units_RBV", kind=Kind.config, string=True)
    error = Cpt(EpicsSignalRO, "Error_RBV", kind=Kind.omitted, string=True, auto_monitor=True)
    model = Cpt(LongTextRO, "Model_RBV", kind=Kind.config)
    lease = Cpt(EpicsSignal, "Lease", kind=Kind.omitted, string=True, auto_monitor=True)

    UNITS: ClassVar[Mapping[str, str]] = {
        "load_bar": "bar",
        "setpoint_bar": "bar",
        "setpoint_readback_bar": "bar",
        "source_bar": "bar",
        "slew_bar_per_s": "bar/s",
        "effort_percent": "%",
    }
    SAYS: ClassVar[Mapping[str, str]] = {"units": "BAR"}
    STATES: ClassVar[Mapping[str, tuple[tuple[str, ...], ...]]] = {  # each by any of its names
        **dict.fromkeys(("control", "control_readback"), (("Off",), ("On",))),
        "vent_readback": (VENTING,),
    }
    VITAL: ClassVar[tuple[str, ...]] = ("load_bar", "setpoint_readback_bar", "effort_percent", "control_readback")
    OPTIONAL: ClassVar[Mapping[str, OptionalPv]] = OF_MEMBRANE
    TRAITS: ClassVar[ControllerTraits] = ControllerTraits(
        instrument="membrane",
        quantity="membrane load",
        move="membrane load",
        unit="bar",
        measured="load_bar",
        setpoint="setpoint_bar",
        setpoint_readback="setpoint_readback_bar",
        resolution=0.01,  # of the setpoint's read-back
        read_back_s=5.0,  # control mode reads back up to 2 s after the command (PACE5000 on the ip module)
        safe_attempts=5,  # to shut the valves; a choice
        at_the_panel="Close the gas at the panel.",
    )

    def __init__(
        self,
        prefix: str = "",
        *,
        name: str,
        clock: ExperimentClock,
        limits_bar: tuple[float, float] | None = None,
        slew_limits_bar_per_s: tuple[float, float] | None = None,
        tolerance_bar: float = 0.05,
        dwell_s: float = 75.0,
        stall_s: float = 300.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(prefix, name=name, clock=clock, **kwargs)
        self.limits_bar = limits_bar
        self.slew_limits_bar_per_s = slew_limits_bar_per_s
        self.tolerance_bar = tolerance_bar
        self.dwell_s = dwell_s
        self.stall_s = stall_s
        self.lease_name = LeaseHolder.of_process(os.getpid()).name

    def bounds(self) -> Bounds:
        """Return the limits of the load [bar]; raises `OutsideEnvelope` when nothing limits it."""
        return Bounds.narrower(self.setpoint_bar.limits, self.limits_bar, what="membrane load", unit="bar")

    def slew_bounds(self) -> Bounds:
        """Return the limits of the slew [bar/s]; raises `OutsideEnvelope` when nothing limits it."""
        return Bounds.narrower(
            self.slew_bar_per_s.limits, self.slew_limits_bar_per_s, what="membrane slew", unit="bar/s"
        )

    def set(self, load_bar: float, *, settle: bool = True) -> StatusBase:
        """Move the load at the present slew; done when it has stayed within tolerance for the dwell.

        Parameters
        ----------
        load_bar : float
            Load asked for [bar].
        settle : bool
            False for a plan that watches the gas itself: done when the setpoint has been read back.

        Raises
        ------
        OutsideEnvelope
            Beyond the limits, or a rise above the supply, where it would never arrive.
        DidNotSettle
            If the controller only measures: a setpoint would move nothing.
        ClockTooFast
            If dwell or stall time cannot be judged at the speed of the world.
        """
        check_target(load_bar, what="membrane load", unit="bar")
        self.bounds().check(load_bar, "membrane load")
        source_bar = float(self.source_bar.get(use_monitor=False))
        if load_bar > max(source_bar, float(self.load_bar.get(use_monitor=False))):
            raise OutsideEnvelope(
                f"membrane load was asked for {load_bar:g} bar; the supply gives {source_bar:g} bar, so it would never "
                "arrive. Open or change the bottle, or ask for less.",
                load_bar=load_bar,
                source_bar=source_bar,
            )
        control = self.control_readback.get(use_monitor=False)
        if control != "On":
            raise DidNotSettle(
                f"membrane control is {control}: a setpoint of {load_bar:g} bar would move "
                "nothing. Arm the membrane first: membrane.arm().",
                load_bar=load_bar,
            )
        slew_bar_per_s = max(float(self.slew_bar_per_s.get()), 1e-6)
        way_bar = abs(load_bar - float(self.load_bar.get()))
        arrival = ArrivalCriteria(
            tolerance=self.tolerance_bar,
            dwell_s=self.dwell_s,
            stall_s=self.stall_s,
            timeout_s=1.5 * way_bar / slew_bar_per_s + self.stall_s + self.dwell_s,
        )
        return self._go(load_bar, arrival, settle=settle)

    def set_slew(self, slew_bar_per_s: float) -> StatusBase:
        """Set how fast the load may change [bar/s], verified by read-back; within its limits."""
        check_target(slew_bar_per_s, what="membrane slew", unit="bar/s")
        self.slew_bounds().check(slew_bar_per_s, "membrane slew")

        def steps(motion: Motion) -> None:
            motion.write(self.slew_bar_per_s, slew_bar_per_s)
            self._agree(
                motion,
                self.slew_bar_per_s,
                slew_bar_per_s,
                "membrane slew [bar/s]",
                resolution=SLEW_RESOLUTION_BAR_PER_S,
            )

        return Motion(self, steps, what="membrane slew")

    def arm(self) -> StatusBase:
        """Take the lease and begin to control without a jump: setpoint to the load of this moment, then control on.

        Each is verified. While the lease is held, other clients can shut the valves and nothing else.

        Raises
        ------
        DidNotSettle
            While the membrane vents. From the status when a read-back never agrees; a command whose read-back lags is
            waited for, never repeated.
        Busy
            From the status when another client holds the lease.
        """
        if self.vent_readback.get(use_monitor=False) in VENTING:
            raise DidNotSettle("membrane is venting and cannot be armed. Wait until the vent is complete.")
        return self._move(self._arm, "arming of the membrane")

    def safe_conditions(self) -> tuple[SafeCondition, ...]:
        """Return that the valves are shut, so that the gas is kept; armed it holds its load, which is no danger."""
        return (SafeCondition.reads(self.control_readback, "Off", what="membrane control", is_lock=True),)

    def take(self) -> StatusBase:
        """Take the lease and nothing else: who holds it holds the beamline.

        Raises
        ------
        Busy
            From the status when another client holds it, with who and since when.
        """
        return Motion(self, self._take_lease, what="taking the lease of the membrane")

    def require_free(self) -> None:
        """Refuse while another client holds the lease.

        Raises
        ------
        Busy
            With who and since when; nothing was touched.
        """
        holder = foreign(str(self.lease.get(use_monitor=False)), os.getpid())
        if holder:
            raise Busy(
                f"the beamline is held: its membrane is leased to {holder}. Nothing was touched. Wait until that sweep "
                f"has ended, or end it; if it is dead, write an empty string to {self.lease.pvname}.",
                holder=holder,
            )

    def foreign_holder(self) -> str:
        """Return which other client holds the lease, for people; empty where none does, is dead, or nobody answers."""
        return foreign(str(value_of(self.lease) or ""), os.getpid())

    def release(self) -> None:
        """Give back the lease, if it is ours: other clients may move the membrane again."""
        if self.lease.connected and self.lease.get(use_monitor=False) == self.lease_name:
            self.lease.put("")

    def _command_safe(self, motion: Motion) -> None:
        motion.write(self.control, "Off")  # never vents

    def _leave_safe(self) -> None:
        self.release()

    def _arm(self, motion: Motion) -> None:
        self._take_lease(motion)
        if self.control_readback.get(use_monitor=False) == "On":
            return
        self._command_setpoint(motion, self._present())
        motion.write(self.control, "On")
        self._await(
            motion, self.control_readback, lambda said: bool(said == "On"), what="membrane control", wanted="On"
        )

    def _take_lease(self, motion: Motion) -> None:
        self.require_free()
        said = str(self.lease.get(use_monitor=False))
        holder = LeaseHolder.read(said)
        if holder is not None and holder.is_process(os.getpid()):
            self.lease_name = said
        else:
            self.lease_name = LeaseHolder.of_process(os.getpid()).name
            if said:
                motion.write(self.lease, "", wait=True, timeout=LEASE_WALL_S)  # of a process that is dead
        motion.write(self.lease, self.lease_name, wait=True, timeout=LEASE_WALL_S)
        self.require_free()  # a record of EPICS base takes every name: another client may have written at this moment

    def _settling(self, target: float, arrival: ArrivalCriteria) -> Settling:
        return Loading(
            self,
            effort_percent=self.effort_percent,
            setpoint_bar=self.setpoint_readback_bar,
            clock=self.clock,
            signal=self.load_bar,
            target=target,
            arrival=arrival,
            what=self.TRAITS.move,
            unit=self.TRAITS.unit,
            look_at=self._diagnosis,
        )

    def _command_setpoint(self, motion: Motion, target: float) -> None:
        # A client that was cut off and came back is another one to the controller until it says its name again. A
        # record of EPICS base takes every name: one that another client has written since is not written over.
        self.require_free()
        motion.write(self.lease, self.lease_name)
        super()._command_setpoint(motion, target)

    def _present(self) -> float:
        load_bar = self._asked(self.load_bar)
        low, high = self.setpoint_bar.limits
        return min(max(load_bar, low), high) if has_limits(low, high) else load_bar

    def _hold(self) -> None:
        if struggles(float(self.effort_percent.get(use_monitor=False))):
            logger.error("membrane cannot hold its load: a leak or an empty supply; its valves are shut")
            self.control.put("Off")
        elif self.control_readback.get(use_monitor=False) == "On":
            super()._hold()

    def _diagnosis(self) -> str:
        effort_percent = float(self.effort_percent.get())
        leak = " Look for a leak or a low supply." if struggles(effort_percent) else ""
        return (
            f"Effort is {effort_percent:.0f} %, setpoint {float(self.setpoint_readback_bar.get()):.2f} bar, supply "
            f"{float(self.source_bar.get()):.1f} bar, error {self.error.get()!r}.{leak} Look at the controller."
        )
