"""What a file of a pattern holds, before it is believed: columns, what each is said to be, the words that say it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import ProfileError
from lics_beamline.files.written_number import UNSIGNED_NUMBER

Array = npt.NDArray[np.float64]

Abscissa = Literal["2theta", "q", "q-nm", "d"]  # [deg], [1/angstrom], [1/nm], [angstrom]

LONGEST_WAVELENGTH_ANGSTROM: Final = 5.0  # powder diffraction with X-rays: chromium is 2.3
SHORTEST_WAVELENGTH_ANGSTROM: Final = 0.05  # 250 keV

NUMBER: Final = re.compile(rf"[+-]?{UNSIGNED_NUMBER}([eEdD][+-]?\d+)?")
_FLIGHT: Final = re.compile(r"time[\s_-]*of[\s_-]*flight|\btof\b|micro-?sec|\u00b5s|\u03bcs|\busec", re.IGNORECASE)
_RADIANS: Final = re.compile(
    r"(2[\s_-]*th\w*|2[\s_-]*\u03b8|two[\s_-]*theta|tth|polar[\s_]*angle)[\s_,;:\[(-]*m?rad", re.IGNORECASE
)
_TWO_THETA: Final = re.compile(r"2[\s_-]*th|2[\s_-]*\u03b8|two[\s_-]*theta|\btth\b|polar[\s_]*angle", re.IGNORECASE)
_VECTOR: Final = re.compile(r"\bq([\s_\[(,^-]|$)|scattering[\s_-]*vector|momentum", re.IGNORECASE)
_PER_NM: Final = re.compile(r"nm|nano", re.IGNORECASE)
_PER_ANGSTROM: Final = re.compile(r"ang|\u00e5|\u212b|\ba\b|_a\b|a\^?-1|1/a", re.IGNORECASE)
_SPACING: Final = re.compile(
    r"\bd([\s_-]*spacing)?[\s_]*[\[(]?[\s_]*(ang|\u00e5|\u212b|a\b)|d[\s_-]*spacing", re.IGNORECASE
)
_OTHER: Final = re.compile(
    r"\br_mm\b|\bradius\b|radial[\s_-]*distance|\bchi[\s_\[(]*(deg|rad)|azimuth|d\s*\*\s*2|\b1\s*/\s*d(\b|2)|log10"
    r"|\bq\s*(\^|\*\*)?\s*[2\u00b2]|\bs\s*[\[(]\s*(1\s*/|nm|a)|sin\W*(th\w*|\u03b8)\W*/",
    re.IGNORECASE,
)
# Wavelength (nm) = 0.04133, wavelength 41.33 pm, Lambda1 (A): 1.5406, wavelength Cu Ka1 1.5406. What stands behind a
# colon counts, if no number with decimals or a unit is before it; digits of a name are none.
_WAVELENGTH: Final = re.compile(
    r"(?:wave[\s_-]*length|lambda|\u03bb)(?!\s*/\s*\d)"
    r"((?:(?:(?!\d*[.,]\d|(?<![\[(])\d+e[+-]?\d|\d\s*(?:a|ang\w*|\u00e5|\u212b|[np]m)\b)[^\n:=,;]){0,24}[:=])?"
    r"(?:(?<=[^\W\d])\d+(?![.,]?\d)|\d(?=\s+\d)|[^\d\n+.-]){0,24})"
    r"(?!(?<=[^\W\d])\d+(?![.,]?\d))[+]?((?:\d+(?:[.,]\d*)?|\.\d+)(?:e[+-]?\d+)?)"
    r"(?=[\s\])]*([a-z\u00e5\u212b\u00b5\u03bc]*))",
    re.IGNORECASE,
)
_UNIT_BEFORE: Final = re.compile(r"(?<![a-z])(nm|pm|[u\u00b5\u03bc]m|m|a|ang\w*|\u00e5|\u212b)(?![a-z\d])")
_ANGSTROM_OF: Final = {"nm": 10.0, "m": 1e10, "pm": 0.01, "um": 1e4, "a": 1.0, "ang": 1.0}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PatternTable:
    """What a file of a pattern holds.

    Parameters
    ----------
    layout : str
        What the file was taken for: ``GSAS STD``.
    abscissa, intensity : ndarray, shape (rows,)
        As in the file; NaN where the format knows empty bins.
    sigma : ndarray, shape (rows,), optional
        Standard errors, where the file has any.
    sigma_said : bool
        Whether the file or its format says that these are errors; False where a third column has no name.
    unit : {"2theta", "q", "q-nm", "d"}, optional
        What the abscissa is said to be.
    wavelengths_angstrom : tuple of float
        Wavelengths that the file names [angstrom]; more than one of a doublet.
    counted : bool
        Whether the format says that intensities are counts.
    remarks : tuple of str
        What a person should know of how it was read.
    """

    layout: str
    abscissa: Array
    intensity: Array
    sigma: Array | None = None
    sigma_said: bool = True
    unit: Abscissa | None = None
    wavelengths_angstrom: tuple[float, ...] = ()
    counted: bool = False
    remarks: tuple[str, ...] = ()


def refused(source: str, wrong: str, /, **facts: Any) -> ProfileError:
    """Return the refusal of a file: its name, what is wrong and what to do."""
    return ProfileError(f"{source}: {wrong}", file=source, **facts)


def abscissa_of(words: str, *, source: str, given: Abscissa | None = None) -> Abscissa | None:
    """Return what words say of an abscissa; None where they say nothing.

    Parameters
    ----------
    words : str
        The name of a column or an axis with its unit: ``2th_deg``, ``q [1/nm]``.
    source : str
        Name of the file, for messages.
    given : {"2theta", "q", "q-nm", "d"}, optional
        What a person says that it is, where the words may lack a unit.

    Raises
    ------
    ProfileError
        If they say what no fit of this program takes: radians, time of flight, an azimuth, a radius; or q without
        its unit.
    """
    if _FLIGHT.search(words):
        raise refused(
            source,
            "is a time-of-flight pattern, and only patterns of one wavelength are fitted here. Use GSAS-II or FullProf "
            "for it.",
            reason="time of flight",
        )
    if _RADIANS.search(words):
        raise refused(
            source, "is binned in radians. Integrate it again in degrees (pyFAI: unit 2th_deg).", reason="radians"
        )
    if _OTHER.search(words):
        raise refused(
            source,
            f"is no pattern over 2theta, q or d but over {words.strip()[:40]!r}. Integrate it again (pyFAI: "
            "unit 2th_deg).",
            reason="abscissa",
        )
    if _TWO_THETA.search(words):
        return "2theta"
    if _VECTOR.search(words):
        if _PER_NM.search(words):
            return "q-nm"
        if _PER_ANGSTROM.search(words):
            return "q"
        if given:
            return given
        raise refused(
            source,
            f"is over q and does not say in which unit ({words.strip()[:40]!r}). Give --unit q for 1/angstrom or "
            "--unit q-nm for 1/nm.",
            reason="unit",
        )
    return "d" if _SPACING.search(words) else None


def wavelengths_in(words: str) -> tuple[float, ...]:
    """Return the wavelengths that words name [angstrom], each once: ``Wavelength: 4.1e-11 m``."""
    found = []
    for before, number, after in _WAVELENGTH.findall(words):
        said = _UNIT_BEFORE.findall(before.lower())
        unit = (said[-1] if said else after.lower()).replace("\u00b5", "u").replace("\u03bc", "u")
        factor = _ANGSTROM_OF.get("ang" if unit.startswith(("ang", "\u00e5", "\u212b")) else unit)
        if number.rstrip(".,").isdigit() and factor is None and not before.rstrip().endswith((":", "=")):
            continue  # wavelength of 3 May, wavelength run 2
        value = float(number.replace(",", "."))
        value *= factor or (1e10 if value < 1e-8 else 1.0)  # no number of angstrom is that small
        if SHORTEST_WAVELENGTH_ANGSTROM < value < LONGEST_WAVELENGTH_ANGSTROM:
            found.append(value)
    return tuple(dict.fromkeys(found))
