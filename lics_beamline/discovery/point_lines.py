"""The lines of one point of a sweep, with what is known of each: what lines are followed by, and how they travel."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from lics_beamline.errors import JournalError
from lics_beamline.lines.peaks import Peak
from lics_beamline.patterns.pattern import Pattern
from lics_beamline.phases.identification import UNKNOWN_PEAK_SIGMAS, Identification
from lics_beamline.physics.line_shape import area_of_unit_line

COLUMN_COUNT: Final = 11  # of a line in a text
NOTHING: Final = "-"  # stands for what nobody knows, in a text
UNKNOWN: Final = "?"  # the phase of a line that nothing explains, in a text
MOST_LINES: Final = 10_000  # of a point: a pattern has no more bins


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenLine:
    """A line of a point.

    Parameters
    ----------
    peak : Peak
        Its fit.
    phase : str
        Phase that it was indexed by; empty where none was.
    hkl : tuple of int, or None
        Its indices in that phase.
    unknown : bool
        Whether it is strong and nothing explains it. A line may be neither indexed nor unknown: a weak one, or one that
        may belong to a phase that was not found.
    graininess : float
        Relative azimuthal scatter of its ring; NaN where it was not measured.
    """

    peak: Peak
    phase: str = ""
    hkl: tuple[int, int, int] | None = None
    unknown: bool = False
    graininess: float = math.nan

    @property
    def is_explained(self) -> bool:
        """Whether a phase explains it, or may: it was indexed, or it is strong and was not told as unknown."""
        return bool(self.phase) or (not self.unknown and self.peak.significance >= UNKNOWN_PEAK_SIGMAS)

    @property
    def label(self) -> str:
        """Phase and indices; empty where it was not indexed."""
        return f"{self.phase} {self.hkl}" if self.phase else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointLines:
    """Lines of one point.

    Parameters
    ----------
    lines : tuple of SeenLine
        By rising angle; empty where the pattern has none.
    wavelength_angstrom : float
        X-ray wavelength [angstrom].
    pressure_gpa, temperature_k : float
        Where the sample was.
    range_deg : tuple of float
        First and last angle of the pattern: beyond them no line can be seen [deg].
    number : int
        Of the point, from 1, as people call it.
    """

    lines: tuple[SeenLine, ...]
    wavelength_angstrom: float
    pressure_gpa: float
    temperature_k: float
    range_deg: tuple[float, float]
    number: int


def seen_lines(peaks: Sequence[Peak], found: Identification, pattern: Pattern | None = None) -> tuple[SeenLine, ...]:
    """Return the lines of a pattern with what explains them; without those whose fit tells no place or height.

    Parameters
    ----------
    peaks : sequence of Peak
        All peaks of the pattern.
    found : Identification
        What was found in them.
    pattern : Pattern, optional
        Tells how grainy their rings are.
    """
    indexed = {
        each.peak: (phase.name, each.line.hkl) for phase in reversed(found.phases) for each in reversed(phase.lines)
    }
    unknown = set(found.unknown)
    return tuple(
        SeenLine(
            peak=peak,
            phase=indexed[peak][0] if peak in indexed else "",
            hkl=indexed[peak][1] if peak in indexed else None,
            unknown=peak in unknown,
            graininess=_graininess(pattern, peak),
        )
        for peak in sorted(peaks, key=lambda peak: peak.two_theta_deg)
        if _is_followable(
            peak.two_theta_sigma_deg, peak.height, peak.height_sigma, peak.fwhm_deg, peak.mixing, peak.background
        )
    )


def _graininess(pattern: Pattern | None, peak: Peak) -> float:
    if pattern is None or pattern.graininess is None:
        return math.nan
    return float(pattern.graininess[int(np.argmin(np.abs(pattern.two_theta_deg - peak.two_theta_deg)))])


def lines_text(lines: Iterable[SeenLine]) -> str:
    """Return lines as text, one a row: angle, its error, height, its error, width, mixing, background, spots, grains.

    Then the phase (`?`: nothing explains it, `-`: not indexed) and its indices.
    """
    return "\n".join(_row(line) for line in lines)


def _row(line: SeenLine) -> str:
    peak = line.peak
    numbers = (
        f"{peak.two_theta_deg:.6f} {peak.two_theta_sigma_deg:.6g} {peak.height:.6g} {peak.height_sigma:.6g} "
        f"{peak.fwhm_deg:.6g} {peak.mixing:.4f} {peak.background:.6g}"
    )
    spots = NOTHING if peak.rejected_fraction is None else f"{peak.rejected_fraction:.4g}"
    grains = NOTHING if math.isnan(line.graininess) else f"{line.graininess:.4g}"
    phase = line.phase or (UNKNOWN if line.unknown else NOTHING)
    hkl = ",".join(str(index) for index in line.hkl) if line.hkl else NOTHING
    return f"{numbers} {spots} {grains} {phase} {hkl}"


def lines_of(text: str, *, wavelength_angstrom: float) -> tuple[SeenLine, ...]:
    """Read lines from their text.

    Parameters
    ----------
    text : str
        As `lines_text` gives it.
    wavelength_angstrom : float
        X-ray wavelength [angstrom].

    Raises
    ------
    JournalError
        If it is no such text.
    """
    rows = text.splitlines()
    if len(rows) > MOST_LINES:
        raise JournalError(
            f"event of a reduced run: {len(rows)} lines in a pattern, and {MOST_LINES} are the most. Take the journal "
            "from a copy.",
            field="lines",
        )
    return tuple(_line(row, wavelength_angstrom) for row in rows)


def _is_followable(
    sigma: float, height: float, height_sigma: float, fwhm: float, mixing: float, background: float
) -> bool:
    """Whether the numbers of a fit are such that its line can be followed."""
    known = all(math.isfinite(each) for each in (sigma, height, height_sigma, fwhm, mixing, background))
    return known and sigma >= 0.0 and min(height, height_sigma, fwhm) > 0.0


def _line(row: str, wavelength_angstrom: float) -> SeenLine:
    cells = row.split()
    try:
        if len(cells) != COLUMN_COUNT:
            raise ValueError(f"{len(cells)} columns of {COLUMN_COUNT}")
        two_theta, sigma, height, height_sigma, fwhm, mixing, background = (float(cell) for cell in cells[:7])
        spots = None if cells[7] == NOTHING else float(cells[7])
        grains = math.nan if cells[8] == NOTHING else float(cells[8])
        if not (0.0 < two_theta < 180.0 and _is_followable(sigma, height, height_sigma, fwhm, mixing, background)):
            raise ValueError("no angle, width or height of a line")
        hkl = None
        if cells[10] != NOTHING:
            h, k, l = (int(index) for index in cells[10].split(","))  # noqa: E741
            hkl = (h, k, l)
    except ValueError as error:
        raise JournalError(
            f"event of a reduced run: lines has the row {row!r:.60}, which is none: {error!s:.80}. Take the journal "
            "from a copy.",
            field="lines",
        ) from None
    theta = math.radians(two_theta) / 2.0
    d = wavelength_angstrom / (2.0 * math.sin(theta))
    peak = Peak(
        two_theta_deg=two_theta,
        two_theta_sigma_deg=sigma,
        d_angstrom=d,
        d_sigma_angstrom=d / math.tan(theta) * math.radians(sigma) / 2.0,
        height=height,
        height_sigma=height_sigma,
        area=height * area_of_unit_line(fwhm, mixing),
        fwhm_deg=fwhm,
        mixing=mixing,
        background=background,
        rejected_fraction=spots,
    )
    phase = "" if cells[9] in (UNKNOWN, NOTHING) else cells[9]
    return SeenLine(peak=peak, phase=phase, hkl=hkl if phase else None, unknown=cells[9] == UNKNOWN, graininess=grains)


def point_lines(
    data: Mapping[str, Any], *, number: int, wavelength_angstrom: float, range_deg: tuple[float, float]
) -> PointLines | None:
    """Return the lines of the point that the data of an event describe; None where phases were not sought in it.

    Parameters
    ----------
    data : mapping
        Data of an event of a derived run; of one that was reduced before lines were recorded, None is returned.
    number : int
        Of the point, from 1.
    wavelength_angstrom : float
        X-ray wavelength [angstrom].
    range_deg : tuple of float
        First and last angle of the pattern [deg].
    """
    if not data.get("reduced") or "lines" not in data:
        return None
    pressure, temperature = float(data["pressure_gpa"]), float(data["temperature_k"])
    if not (math.isfinite(pressure) and math.isfinite(temperature)):
        return None
    return PointLines(
        lines=lines_of(str(data["lines"]), wavelength_angstrom=wavelength_angstrom),
        wavelength_angstrom=wavelength_angstrom,
        pressure_gpa=pressure,
        temperature_k=temperature,
        range_deg=range_deg,
        number=number,
    )
