"""Headings of a table of frames: which quantity a column holds, and in which unit. What has no unit is not guessed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from lics_beamline.units import ZERO_CELSIUS_K

FILE, FRAME, SAMPLE, COMMENT, STROKE = "file", "frame", "sample", "comment", "stroke"
PRESSURE, TEMPERATURE, EXPOSURE, WAVELENGTH = "pressure", "temperature", "exposure", "wavelength"
MEASURED: Final = (PRESSURE, TEMPERATURE, EXPOSURE, WAVELENGTH)

NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    FILE: ("file", "filename", "file name", "image", "image file", "frame file", "frame name", "name", "path"),
    FRAME: ("frame", "frame number", "frame no", "image number"),
    PRESSURE: ("p", "pressure", "press"),
    TEMPERATURE: ("t", "temperature", "temp"),
    EXPOSURE: ("exposure", "exposure time", "exp time", "count time"),
    SAMPLE: ("sample", "sample name"),
    COMMENT: ("comment", "comments", "remark", "remarks", "note", "notes"),
    STROKE: ("stroke", "direction"),
    WAVELENGTH: ("wavelength", "lambda", "\N{GREEK SMALL LETTER LAMDA}"),
}
ERROR_WORDS: Final = ("+-", "error", "err", "sigma", "esd", "std", "sd", "uncertainty", "unc", "delta", "d", "u")
ONLY_BEFORE_A_NAME: Final = ("d", "u", "delta")  # alone, a spacing or anything
ERROR_NAMES: Final = {"dp": PRESSURE, "dt": TEMPERATURE, "up": PRESSURE, "ut": TEMPERATURE}


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnUnit:
    """A unit a column may have.

    Parameters
    ----------
    factor, offset : float
        Number times `factor` plus `offset` is in our unit: GPa, K, s, angstrom.
    """

    factor: float
    offset: float = 0.0


_CELSIUS: Final = ColumnUnit(factor=1.0, offset=ZERO_CELSIUS_K)
_ANGSTROM: Final = ColumnUnit(factor=1.0)
UNITS: Final[Mapping[str, Mapping[str, ColumnUnit]]] = {
    PRESSURE: {
        "GPa": ColumnUnit(factor=1.0),
        "kbar": ColumnUnit(factor=0.1),
        "bar": ColumnUnit(factor=1e-4),
        "MPa": ColumnUnit(factor=1e-3),
        "TPa": ColumnUnit(factor=1e3),
    },
    TEMPERATURE: {
        "K": ColumnUnit(factor=1.0),
        "C": _CELSIUS,
        "\N{DEGREE SIGN}C": _CELSIUS,
        "degC": _CELSIUS,
    },
    EXPOSURE: {
        "s": ColumnUnit(factor=1.0),
        "sec": ColumnUnit(factor=1.0),
        "ms": ColumnUnit(factor=1e-3),
        "min": ColumnUnit(factor=60.0),
    },
    WAVELENGTH: {
        "A": _ANGSTROM,
        "angstrom": _ANGSTROM,
        "\N{LATIN CAPITAL LETTER A WITH RING ABOVE}": _ANGSTROM,
        "nm": ColumnUnit(factor=10.0),
        "pm": ColumnUnit(factor=0.01),
    },
}
_IN_BRACKETS: Final = re.compile(r"^(.*?)[(\[]([^)\]]*)[)\]](.*)$")
_BEHIND_SLASH: Final = re.compile(r"^(.*)/\s*([^/]+)$")
_LAST_WORD: Final = re.compile(r"^(.*)[_ ]([^_ ]+)$")
_EXAMPLES: Final = {PRESSURE: "P (GPa)", TEMPERATURE: "T (K)", EXPOSURE: "exposure (s)", WAVELENGTH: "wavelength (A)"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table.

    Parameters
    ----------
    heading : str
        As the table has it.
    quantity : str
        What it holds; empty for what is not used.
    is_error : bool
        Whether it holds the standard deviation of the quantity.
    unit : ColumnUnit or None
        None where the quantity has none, or the heading says none.
    fault : str
        What is wrong with the heading, and what to do; empty where nothing is.
    """

    heading: str
    quantity: str = ""
    is_error: bool = False
    unit: ColumnUnit | None = None
    fault: str = ""


def columns_of(headings: list[str]) -> tuple[Column, ...]:
    """Return what the columns of a table hold; an error without a name of its own belongs to the column before it."""
    columns: list[Column] = []
    for heading in headings:
        columns.append(_column(heading, columns[-1] if columns else None))
    units = {each.quantity: each.unit for each in columns if not each.is_error}
    columns = [
        each if not (each.is_error and each.unit is None and not each.fault) else _with_unit(each, units)
        for each in columns
    ]
    if not any(column.quantity == FILE for column in columns):  # who has one frame a file calls the file so
        columns = [Column(heading=each.heading, quantity=FILE) if each.quantity == FRAME else each for each in columns]
    return tuple(columns)


def _column(heading: str, before: Column | None) -> Column:
    text = re.sub("\N{PLUS-MINUS SIGN}|\\+/-", "+-", unicodedata.normalize("NFKC", heading).strip())
    name, said = _split(text)
    words = re.sub(r"[_.:\s]+", " ", name).strip().lower()
    quantity, is_error = _quantity(words)
    if words == "t" and said in UNITS[EXPOSURE]:
        quantity = EXPOSURE
    if is_error and not quantity and before is not None:
        quantity = before.quantity if before.quantity in MEASURED else ""
    if not quantity:
        return Column(heading=heading)
    if quantity not in MEASURED:
        return Column(heading=heading, quantity=quantity)
    if is_error and not said:
        return Column(heading=heading, quantity=quantity, is_error=True)
    unit = _unit(quantity, said)
    fault = "" if unit is not None else _no_unit(quantity, said)
    return Column(heading=heading, quantity=quantity, is_error=is_error, unit=unit, fault=fault)


def _with_unit(error: Column, units: Mapping[str, ColumnUnit | None]) -> Column:
    """Return an error without a unit of its own in that of its quantity."""
    if error.quantity in units:
        return replace(error, unit=units[error.quantity])
    return replace(error, fault=f"there is no column of {error.quantity} that it could be the error of. Add one")


def _split(text: str) -> tuple[str, str]:
    """Return name and unit of a heading: ``P (GPa)``, ``T/K``, ``pressure_gpa``."""
    if found := _IN_BRACKETS.match(text):
        return f"{found.group(1)} {found.group(3)}", found.group(2).strip()
    if found := _BEHIND_SLASH.match(text):
        return found.group(1), found.group(2).strip()
    found = _LAST_WORD.match(text)
    if found and any(_unit(quantity, found.group(2)) for quantity in MEASURED):
        return found.group(1), found.group(2)
    return text, ""


def _quantity(words: str) -> tuple[str, bool]:
    """Return the quantity of a name, and whether it is the error of it."""
    named = {name: quantity for quantity, names in NAMES.items() for name in names}
    if words in named:
        return named[words], False
    if words in ERROR_NAMES:
        return ERROR_NAMES[words], True
    parts = words.split()
    rest = " ".join(part for part in parts if part not in ERROR_WORDS)
    if len(rest) < len(words) and (words not in ONLY_BEFORE_A_NAME if not rest else named.get(rest) in MEASURED):
        return named.get(rest, ""), True
    return "", False


def _unit(quantity: str, said: str) -> ColumnUnit | None:
    units = UNITS[quantity]
    if said in units:
        return units[said]
    alike = [unit for name, unit in units.items() if name.lower() == said.lower() and said != "mPa"]
    return alike[0] if alike else None


def _no_unit(quantity: str, said: str) -> str:
    known = ", ".join(UNITS[quantity])
    if said:
        return f"{said!r} is no unit of {quantity} that is read: {known}. Convert it, or mend the heading"
    return f"the unit of {quantity} is not said, and none is guessed. Write it in the heading: {_EXAMPLES[quantity]}"
