"""The X-ray beam: ring current, energy, incident-beam monitor, attenuator and shutter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from ophyd import Component as Cpt
from ophyd import Device, EpicsSignal, EpicsSignalRO, Kind
from ophyd.status import StatusBase

from lics_beamline.devices.alarm import value_of
from lics_beamline.devices.clock import ExperimentClock, WallClock
from lics_beamline.devices.limited_signal import LimitedSignal
from lics_beamline.devices.motion import Motion
from lics_beamline.devices.safe_condition import SafeCondition, faults
from lics_beamline.errors import DidNotSettle

SHUTTER_READ_BACK_S: Final = 10.0  # for the shutter to read back; a choice, far above the second a shutter takes
SAFE_ATTEMPTS: Final = 5  # to close it, each as long as that at most; without an answer each takes a second
POSITIONS: Final = ("Closed", "Open")


class Shutter(Device):
    """A shutter that is where its read-back says, not where it was sent.

    Parameters
    ----------
    prefix : str
        Its PV; the read-back has ``_RBV`` appended.
    name : str
        Name in documents.
    """

    command = Cpt(EpicsSignal, "", kind=Kind.omitted, string=True, auto_monitor=True)
    state = Cpt(EpicsSignalRO, "_RBV", kind=Kind.normal, string=True, auto_monitor=True)

    def set(self, position: str) -> StatusBase:
        """Move to ``"Open"`` or ``"Closed"``; the status fails with `DidNotSettle` when the read-back never agrees."""
        if position not in POSITIONS:
            raise ValueError(f"a shutter is {' or '.join(POSITIONS)}, not {position!r}.")

        def steps(motion: Motion) -> None:
            motion.write(self.command, position)
            motion.read_back(
                self.state,
                lambda now: now == position,
                clock=self.parent.clock,
                patience_s=SHUTTER_READ_BACK_S,
                what="beam shutter",
                wanted=position,
            )

        return Motion(self, steps, what="beam shutter")

    @property
    def is_open(self) -> bool:
        """Whether the read-back says so."""
        return bool(value_of(self.state) == "Open")

    def stop(self, *, success: bool = False) -> None:
        """Do nothing: a shutter is never half way."""


class Beam(Device):
    """The beam as it reaches the cell.

    Parameters
    ----------
    prefix : str
        Prefix (``SIM:LICS:BEAM:``).
    name : str
        Name in documents; ``beam``.
    clock : ExperimentClock
        Judges how long the shutter may take.
    """

    i0_cps = Cpt(EpicsSignalRO, "I0_RBV", kind=Kind.hinted, auto_monitor=True)
    ring_current_ma = Cpt(EpicsSignalRO, "RingCurrent_RBV", kind=Kind.normal, auto_monitor=True)
    energy_kev = Cpt(EpicsSignalRO, "Energy_RBV", kind=Kind.config, auto_monitor=True)
    attenuator = Cpt(LimitedSignal, "Attenuator", kind=Kind.normal, auto_monitor=True)
    shutter = Cpt(Shutter, "Shutter", kind=Kind.normal)

    UNITS: ClassVar[Mapping[str, str]] = {
        "i0_cps": "counts/s",
        "ring_current_ma": "mA",
        "energy_kev": "keV",
    }

    STATES: ClassVar[Mapping[str, tuple[tuple[str, ...], ...]]] = dict.fromkeys(
        ("shutter.command", "shutter.state"), tuple((each,) for each in POSITIONS)
    )
    VITAL: ClassVar[tuple[str, ...]] = ("i0_cps", "ring_current_ma", "shutter.state")

    def __init__(self, prefix: str = "", *, name: str, clock: ExperimentClock, **kwargs: Any) -> None:
        super().__init__(prefix, name=name, **kwargs)
        self.clock = clock

    def light(self) -> StatusBase:
        """Wait until X-rays are on the monitor; the status fails with `DidNotSettle` when none come."""

        def steps(motion: Motion) -> None:
            motion.read_back(
                self.i0_cps,
                lambda i0_cps: i0_cps > 0.0,
                clock=self.clock,
                patience_s=SHUTTER_READ_BACK_S,
                what="incident-beam monitor",
                wanted="counts, the shutter being open",
            )

        return Motion(self, steps, what="X-rays")

    def stored(self, least_ma: float, *, patience_s: float) -> StatusBase:
        """Wait until the ring stores at least `least_ma` [mA], for `patience_s` [s of experiment] at most."""

        def steps(motion: Motion) -> None:
            motion.read_back(
                self.ring_current_ma,
                lambda current_ma: current_ma >= least_ma,
                clock=self.clock,
                patience_s=patience_s,
                what="ring current",
                wanted=f"{least_ma:g} mA or more",
            )

        return Motion(self, steps, what="stored beam")

    def safe_conditions(self) -> tuple[SafeCondition, ...]:
        """Return that the shutter is closed."""
        return (SafeCondition.reads(self.shutter.state, "Closed", what="beam shutter"),)

    def unsafe(self, *, armed: bool = False) -> tuple[str, ...]:
        """Return a phrase where the shutter is not closed or does not say so; nothing of it is ever `armed`."""
        return faults(self.safe_conditions(), armed=armed)

    def make_safe(self) -> StatusBase:
        """Close the shutter, again until it reads back closed, also while the world's clock stands still."""

        def steps(motion: Motion) -> None:
            if not motion.make_safe(
                lambda motion: motion.write(self.shutter.command, "Closed"),
                self.safe_conditions(),
                clock=WallClock(),
                attempts=SAFE_ATTEMPTS,
                patience_s=SHUTTER_READ_BACK_S,
            ):
                said = "; ".join(self.unsafe()) or "it was read back too late"
                raise DidNotSettle(f"the shutter could not be closed: {said}. Close it at its panel.")

        return Motion(self, steps, what="beam shutter")

    def stop(self, *, success: bool = False) -> None:
        """Do nothing: no part moves for longer than a shutter."""
