"""What a structure has in its cell, against the formula and the number of formula units that its file states."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from lics_beamline.files.written_number import UNSIGNED_NUMBER

ELEMENT: Final = re.compile(rf"([A-Z][a-z]?)\s*({UNSIGNED_NUMBER})?\s*")
UNEQUAL_SHARE: Final = 0.05  # of an element's share; a wrong position makes 1/4 of it or more, a rounded formula 0.02


def elements_of(formula: str) -> dict[str, float]:
    """Return the atoms of each element in a formula like ``Al2 Mg O4``; nothing where it is written otherwise."""
    found: dict[str, float] = {}
    place = 0
    for match in ELEMENT.finditer(formula):
        if match.start() != place:
            return {}
        place = match.end()
        element = _isotopeless(match[1])
        found[element] = found.get(element, 0.0) + float(match[2] or 1.0)
    return found if place == len(formula) else {}


def contradiction(content: Mapping[str, float], formula: str, units: float | None) -> str:
    """Return how the content of a cell differs from its formula, in words; empty where it does not.

    Parameters
    ----------
    content : mapping of str to float
        Atoms of each element in the cell.
    formula : str
        Sum formula; one that cannot be read contradicts nothing.
    units : float or None
        Formula units in the cell, where stated; otherwise only the shares are compared.

    Notes
    -----
    Hydrogen that is in the formula and not among the atoms is passed over: X-rays often do not show it.
    """
    stated = elements_of(formula)
    there: dict[str, float] = {}
    for element, number in content.items():
        there[_isotopeless(element)] = there.get(_isotopeless(element), 0.0) + number
    if not stated or not any(there.values()):
        return ""
    if "H" not in there:
        stated.pop("H", None)
    if not any(stated.values()):
        return ""
    scale = units or sum(there.values()) / sum(stated.values())
    for element in sorted({*there, *stated}):
        wanted, found = scale * stated.get(element, 0.0), there.get(element, 0.0)
        if abs(found - wanted) > UNEQUAL_SHARE * max(found, wanted):
            stated_units = f" and Z = {units:g}" if units else ""
            return f"{found:.4g} {element} in the cell, where formula {formula!r}{stated_units} make {wanted:.4g}"
    return ""


def _isotopeless(element: str) -> str:
    return "H" if element == "D" else element
