"""Lines of the tables of an analysis, as text: the same on the screen and in a report."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from lics_beamline.analysis.compression import Compressions
from lics_beamline.analysis.overview import Overview
from lics_beamline.analysis.paper import Claim, Kind
from lics_beamline.analysis.quantity import written
from lics_beamline.analysis.transition import Bracket, PhaseTransition

UNITS: Final[dict[Kind, str]] = {"cell": "A", "pressure": "GPa", "expansion": "1e-4/K", "ratio": "", "occupancy": ""}
DIGITS: Final[dict[Kind, int]] = {"cell": 4, "pressure": 2, "expansion": 2, "ratio": 2, "occupancy": 2}
OWN: Final = "own"  # what a distance is counted in where the paper prints no standard deviation

CLAIM_HEADING: Final = ("quantity", "unit", "printed", "recovered", "stat.", "syst.", "distance", "remark")
ISOTHERM_HEADING: Final = ("phase", "T (K)", "points", "P (GPa)", "V0 (A^3)", "K0 (GPa)", "K'", "chi^2", "dV/V (syst.)")
TRANSITION_HEADING: Final = ("phase", "comes between (GPa)", "half at (GPa)", "goes between (GPa)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    """One line of a table.

    Parameters
    ----------
    cells : tuple of str
        One for each column.
    """

    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """Unit in which a budget is shown.

    Parameters
    ----------
    unit : str
        Its name.
    scale : float
        Factor from the number to the one shown.
    """

    unit: str
    scale: float


SHOWN_BUDGETS: Final[dict[Kind, Unit]] = {
    "cell": Unit(unit="1e-3 A", scale=1e3),
    "expansion": Unit(unit="1e-6/K", scale=1e6),
}


def claim_row(claim: Claim) -> ReportRow:
    """Return the line of one claim of the paper."""
    scale = 1e4 if claim.kind == "expansion" else 1.0
    digits = DIGITS[claim.kind]
    found = claim.recovered
    printed = written(scale * claim.printed, scale * claim.printed_sigma)
    if not claim.printed_sigma > 0.0:
        printed = f"{scale * claim.printed:.3g}"
    if found is None:
        return ReportRow(cells=(claim.name, UNITS[claim.kind], printed, "-", "-", "-", "-", claim.remark))
    if claim.printed_sigma > 0.0:
        distance = f"{claim.distance_esd:+.1f} esd"
    elif found.sigma > 0.0:
        distance = f"{scale * claim.distance:+.{digits}f} ({claim.distance / found.sigma:+.1f} {OWN})"
    else:
        distance = f"{scale * claim.distance:+.{digits}f}"
    terms = found.largest()
    remark = claim.remark + (f"; mostly {', '.join(terms)}" if terms and found.systematic > found.statistical else "")
    errors = [f"{scale * each:.{digits}f}" if each > 0.0 else "-" for each in (found.statistical, found.systematic)]
    if claim.kind == "expansion":
        errors = [f"{scale * each:.3f}" for each in (found.statistical, found.systematic)]
    return ReportRow(
        cells=(
            claim.name,
            UNITS[claim.kind],
            printed,
            f"{scale * found.value:.{digits}f}",
            *errors,
            distance,
            remark,
        )
    )


def budget_rows(claims: Sequence[Claim]) -> tuple[ReportRow, ...]:
    """Return the systematic terms of claims, a line for each term and a column for each claim, the heading first."""
    shown = [claim for claim in claims if claim.recovered is not None and claim.kind in SHOWN_BUDGETS]
    names = dict.fromkeys(name for claim in shown for name in (claim.recovered.terms if claim.recovered else ()))
    heading = ReportRow(
        cells=("systematic term", *(f"{claim.name} ({SHOWN_BUDGETS[claim.kind].unit})" for claim in shown))
    )
    return (
        heading,
        *(
            ReportRow(
                cells=(
                    name,
                    *(
                        f"{SHOWN_BUDGETS[claim.kind].scale * claim.recovered.terms.get(name, 0.0):.2f}"
                        for claim in shown
                        if claim.recovered is not None
                    ),
                )
            )
            for name in names
        ),
    )


def isotherm_rows(found: Compressions) -> Iterator[ReportRow]:
    """Yield the lines of the isotherms of a phase."""
    for index, isotherm in enumerate(found.recorded.isotherms):
        low, high = isotherm.pressures_gpa
        middle = 0.5 * (low + high)
        volume = found.quantity(lambda each, i=index, p=middle: each.isotherms[i].volume_angstrom3(p))  # type: ignore[misc]
        equation, sigmas = isotherm.equation, isotherm.sigmas
        yield ReportRow(
            cells=(
                found.recorded.phase,
                f"{isotherm.temperature_k:.1f}",
                f"{len(isotherm.readings)}",
                f"{low:.2f}-{high:.2f}",
                written(equation.volume0_angstrom3, sigmas[0]),
                written(equation.bulk_modulus_gpa, sigmas[1]),
                written(equation.bulk_modulus_slope, sigmas[2]) if sigmas[2] else "4 (held)",
                f"{isotherm.chi_squared:.{2 if isotherm.chi_squared < 100.0 else 3}g}",
                f"{100 * volume.systematic / volume.value:.2f} %",
            )
        )


def transition_row(found: PhaseTransition) -> ReportRow:
    """Return the line of what becomes of a phase."""
    return ReportRow(
        cells=(
            found.phase,
            _brackets(found.appears) or "there from the first point on",
            f"{found.half_gpa:.2f}" if math.isfinite(found.half_gpa) and found.appears else "-",
            _brackets(found.disappears) or "stays",
        )
    )


def unnamed_line(overview: Overview) -> str:
    """Return what there is to say of phases that the recipe does not have; empty where there are none."""
    names = [each.phase for each in overview.unnamed]
    if not names:
        return ""
    uid = str(overview.run.start.get("uid", ""))[:8]
    are = "is a phase" if len(names) == 1 else "are phases"
    return (
        f"{', '.join(names)} {are} that the recipe does not have: lics discover {uid} tells lines, lattice and atoms."
    )


def expansion_lines(overview: Overview) -> Iterator[str]:
    """Yield what is known of the expansion and the thermal pressure of each phase with two isotherms."""
    for each in overview.with_expansion:
        expansion = each.recorded.expansion
        if expansion is None:
            continue
        low, high = expansion.pressures_gpa
        for gpa in (low, high):
            alpha = each.quantity(
                lambda one, gpa=gpa: one.expansion.volumetric_per_k(gpa),  # type: ignore[misc]
                expansion.volumetric_sigma_per_k(gpa),
            )
            yield (
                f"{each.recorded.phase} at {gpa:.2f} GPa, mean from {expansion.cold.temperature_k:.0f} to "
                f"{expansion.hot.temperature_k:.0f} K: alpha_V {1e4 * alpha.value:.2f}, alpha_L "
                f"{1e4 * alpha.value / 3:.2f} in 1e-4/K (alpha_V +- {1e4 * alpha.statistical:.3f} statistical, "
                f"{1e4 * alpha.systematic:.2f} systematic, mostly {', '.join(alpha.largest(2))})"
            )
        volume = expansion.hot.volume_angstrom3(0.5 * (low + high))
        rise = each.quantity(lambda one, v=volume: one.expansion.thermal_pressure_gpa_per_k(v))  # type: ignore[misc]
        yield (
            f"{each.recorded.phase} at {volume:.2f} A^3: thermal pressure {1e3 * rise.value:.2f} +- "
            f"{1e3 * rise.systematic:.2f} MPa/K"
        )


def _brackets(found: tuple[Bracket, ...]) -> str:
    return ", ".join(
        f"{each.pressures_gpa[0]:.2f} and {each.pressures_gpa[1]:.2f} ({each.after.temperature_k:.0f} K)"
        for each in found
    )
