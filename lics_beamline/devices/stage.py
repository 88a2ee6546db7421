"""The sample stage: four motors, the oscillation during an exposure, and positions with names."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import and_
from typing import Any, ClassVar

from ophyd import Component as Cpt
from ophyd import Device, EpicsMotor, Kind
from ophyd.status import StatusBase

from lics_beamline.devices.limited_signal import LimitedSignal
from lics_beamline.devices.motion import finished
from lics_beamline.devices.settling import check_target
from lics_beamline.errors import OutsideEnvelope

AXES = ("x", "y", "z", "omega")


class Stage(Device):
    """Motors that bring the cell into the X-ray beam or the ruby into the laser.

    Parameters
    ----------
    prefix : str
        Prefix of the motors (``SIM:LICS:STAGE:``).
    name : str
        Name in documents; ``stage``.
    positions : mapping
        Named positions: axis (``x``, ``y``, ``z`` [mm], ``omega`` [deg]) to value, for each name. Axes left out stay.
    """

    x = Cpt(EpicsMotor, "x", kind=Kind.normal)
    y = Cpt(EpicsMotor, "y", kind=Kind.normal)
    z = Cpt(EpicsMotor, "z", kind=Kind.normal)
    omega = Cpt(EpicsMotor, "omega", kind=Kind.normal)
    oscillation_deg = Cpt(LimitedSignal, "OscRange", kind=Kind.config, auto_monitor=True)

    UNITS: ClassVar[Mapping[str, str]] = {"oscillation_deg": "deg"}

    def __init__(
        self,
        prefix: str = "",
        *,
        name: str,
        positions: Mapping[str, Mapping[str, float]] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(prefix, name=name, **kwargs)
        self.positions = {place: dict(axes) for place, axes in (positions or {}).items()}
        for place, axes in self.positions.items():
            for axis, value in axes.items():
                if axis not in AXES:
                    raise ValueError(f"stage position {place!r} names axis {axis!r}; there are {', '.join(AXES)}.")
                check_target(value, what=f"stage {axis} at {place!r}", unit="mm or deg")

    @property
    def hints(self) -> dict[str, list[str]]:
        """Hint nothing: it stands still while others move. A motor that is scanned hints itself."""
        return {"fields": []}

    def go_to(self, place: str) -> StatusBase:
        """Move to a named position; done when every axis named by it is there.

        Raises
        ------
        OutsideEnvelope
            If no position has this name.
        """
        if place not in self.positions:
            raise OutsideEnvelope(
                f"stage knows no position {place!r}; it knows {', '.join(sorted(self.positions)) or 'none'}. Name it "
                "in profile.toml.",
                place=place,
            )
        moves = [getattr(self, axis).set(value) for axis, value in self.positions[place].items()]
        return reduce(and_, moves) if moves else finished(self)
