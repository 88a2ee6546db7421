"""Patterns in NeXus and other HDF5 files: one-dimensional NXdata of pyFAI, of this program's export, of beamlines."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import ProfileError
from lics_beamline.files.given_file import READER_FAULTS
from lics_beamline.files.stored_scale import StoredScale
from lics_beamline.patterns.column_heading import NO_ABSCISSA
from lics_beamline.patterns.pattern_table import (
    LONGEST_WAVELENGTH_ANGSTROM,
    SHORTEST_WAVELENGTH_ANGSTROM,
    Abscissa,
    PatternTable,
    abscissa_of,
    refused,
)

if TYPE_CHECKING:
    from h5py import Dataset, Group

Array = npt.NDArray[np.float64]

ERRORS: Final = ("errors", "error", "uncertainties")  # of a signal, by NXdata and its older and newer customs
MOST_LISTED: Final = 6  # patterns that a message names
# A wavelength in nm or m is told by its unit or by its size: none in angstrom is that small.
ANGSTROM_OF: Final = {"nm": 10.0, "m": 1e10, "meter": 1e10, "metre": 1e10}


@dataclass(frozen=True, slots=True, kw_only=True)
class _PatternPlace:
    group: Group
    signal: Dataset
    axis: Dataset
    row: int | None

    @property
    def name(self) -> str:
        return str(self.group.name) + ("" if self.row is None else f":{self.row + 1}")


def parse_nexus(path: Path, *, chosen: str | None = None, given: Abscissa | None = None) -> PatternTable:
    """Read a pattern from a NeXus file.

    Parameters
    ----------
    path : Path
        The file.
    chosen : str, optional
        Number of the pattern from 1, or its path in the file, where there are several.
    given : {"2theta", "q", "q-nm", "d"}, optional
        What a person says that the axis is.

    Raises
    ------
    ProfileError
        If the file is damaged, holds no pattern but images, or several patterns.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return _table(_chosen(file, chosen, str(path)), str(path), given)
    except ProfileError:
        raise
    except READER_FAULTS as error:
        raise refused(str(path), f"cannot be read as HDF5: {str(error)[:120]}. Copy it again.") from None


def _chosen(file: Group, chosen: str | None, source: str) -> _PatternPlace:
    places = _places(file)
    if chosen is None:
        standing = _by_default(file)
        if standing is not None:
            own = [place for place in places if place.group.name == standing]
            places = own or places
        if len(places) == 1:
            return places[0]
    else:
        named = [place for number, place in enumerate(places, start=1) if chosen in (str(number), place.name)]
        if len(named) == 1:
            return named[0]
    if not places:
        raise refused(
            source,
            "holds no NXdata of intensities over one axis of 2theta, q or d: images, or patterns without their axis. "
            "Integrate images by lics reduce; export patterns with their axis.",
            reason="no pattern",
        )
    names = ", ".join(place.name for place in places[:MOST_LISTED]) + (" ..." if len(places) > MOST_LISTED else "")
    raise refused(
        source,
        f"holds {len(places)} patterns: {names}. Choose one by --pattern, its number or its path.",
        patterns=len(places),
    )


def _by_default(file: Group) -> str | None:
    """Return the group that the file itself shows first, if that is data."""
    group: Any = file
    while "default" in group.attrs and _text(group.attrs["default"]) in group:
        group = group[_text(group.attrs["default"])]
    return str(group.name) if "signal" in group.attrs else None


def _places(file: Group) -> list[_PatternPlace]:
    import h5py

    found: list[_PatternPlace] = []

    def visit(_: str, item: Any) -> None:
        if isinstance(item, h5py.Group):
            found.extend(_of(item))

    file.visititems(visit)
    return found


def _of(group: Group) -> list[_PatternPlace]:
    """Return the patterns of an NXdata: one, or one a row where only the last axis is of an angle or a spacing."""
    import h5py

    named = _text(group.attrs["signal"]) if "signal" in group.attrs else _older_signal(group)
    if not named:
        return []
    signal = group.get(named)
    axes = [_text(name) for name in np.atleast_1d(group.attrs.get("axes", []))] or _older_axes(group, signal)
    if not isinstance(signal, h5py.Dataset) or signal.ndim not in (1, 2) or len(axes) not in (1, signal.ndim):
        return []
    axis = group.get(axes[-1])
    if not isinstance(axis, h5py.Dataset) or axis.ndim != 1 or axis.shape[0] != signal.shape[-1]:
        return []
    if signal.ndim == 1:
        return [_PatternPlace(group=group, signal=signal, axis=axis, row=None)]
    first = group.get(axes[0]) if len(axes) == 2 else None
    if isinstance(first, h5py.Dataset) and axes[0].lower().startswith(("chi", "azim")):
        return []  # a cake
    return [_PatternPlace(group=group, signal=signal, axis=axis, row=row) for row in range(signal.shape[0])]


def _older_signal(group: Group) -> str:
    """Return the data set that says of itself that it is the signal, as before 2014; empty without one."""
    import h5py

    own = (name for name, item in group.items() if isinstance(item, h5py.Dataset))
    return next((name for name in own if _text(group[name].attrs.get("signal", "")) == "1"), "")


def _older_axes(group: Group, signal: Any) -> list[str]:
    """Return the axes that a signal names, between colons, or those that say of themselves which one they are."""
    import h5py

    if not isinstance(signal, h5py.Dataset):
        return []
    if "axes" in signal.attrs:
        return [name.strip() for name in re.split("[:,]", _text(signal.attrs["axes"]).strip("[] "))]
    own = {name: item for name, item in group.items() if isinstance(item, h5py.Dataset) and "axis" in item.attrs}
    return sorted(own, key=lambda name: _text(own[name].attrs["axis"])) if len(own) == signal.ndim else []


def _table(place: _PatternPlace, source: str, given: Abscissa | None) -> PatternTable:
    row = ... if place.row is None else place.row
    sigma = None
    signal = place.signal.name.rsplit("/", 1)[-1]
    for name in (*(f"{signal}_{ending}" for ending in ERRORS), *ERRORS, "sigma"):
        errors = place.group.get(name)
        if errors is not None and errors.shape == place.signal.shape:
            sigma = StoredScale.of(errors).values(errors[row])
            break
    return PatternTable(
        layout=f"NeXus {place.name}",
        abscissa=StoredScale.of(place.axis).values(place.axis[()]),
        intensity=StoredScale.of(place.signal).values(place.signal[row]),
        sigma=sigma,
        unit=_unit(place.axis, source, given),
        wavelengths_angstrom=_wavelengths(place.group),
    )


def _unit(axis: Dataset, source: str, given: Abscissa | None) -> Abscissa | None:
    """Return what an axis is by its unit, else by its long name, else by its name: pyFAI calls q a polar angle."""
    units = _text(axis.attrs.get("units", ""))
    name = axis.name.rsplit("/", 1)[-1]
    if given is None and NO_ABSCISSA.match(name):
        raise refused(
            source,
            f"is over {name!r}, and not over 2theta, q or d. Export it over one of these, or say by --unit which of "
            "them it is.",
            reason="abscissa",
        )
    for words in ("", _text(axis.attrs.get("long_name", "")), name):
        if (unit := abscissa_of(f"{words} {units}", source=source, given=given)) is not None:
            return unit
    if given is None and units and "deg" not in units.lower() and units != "\N{DEGREE SIGN}":
        raise refused(
            source,
            f"has the axis {name!r} in {units[:20]!r}: neither 2theta in degrees, q in "
            "1/angstrom or 1/nm, nor d in angstrom. Export it over one of these, or say by --unit which of them it is.",
            reason="abscissa",
        )
    return None


def _wavelengths(group: Group) -> tuple[float, ...]:
    """Return the wavelengths of the entry that a group is in [angstrom], each once."""
    import h5py

    entry = group
    while entry.parent.name != "/":
        entry = entry.parent
    found: list[float] = []

    def visit(name: str, item: Any) -> None:
        if not isinstance(item, h5py.Dataset):
            return
        last = name.rsplit("/", 1)[-1]
        if last in ("wavelength", "incident_wavelength") and item.size == 1 and item.dtype.kind in "fiu":
            factor = ANGSTROM_OF.get(_text(item.attrs.get("units", "")).lower())
            value = float(np.ravel(item[()])[0])
            found.append(value * (factor or (1e10 if value < 1e-8 else 1.0)))
        elif last in ("configuration", "data") and item.shape == () and item.dtype.kind in "OS":
            found.extend(_configured(_text(item[()])))

    entry.visititems(visit)
    return tuple(
        dict.fromkeys(
            round(value, 7) for value in found if SHORTEST_WAVELENGTH_ANGSTROM < value < LONGEST_WAVELENGTH_ANGSTROM
        )
    )


def _configured(text: str) -> list[float]:
    """Return the wavelength of a configuration of pyFAI, which is in m."""
    try:
        content = json.loads(text)
        value = content.get("wavelength") or content.get("poni", {}).get("wavelength")
        return [1e10 * float(value)] if value else []
    except (ValueError, AttributeError, TypeError, RecursionError):
        return []


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
