"""What is known of the structure of an unknown phase, in lines and in rows of tables."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from lics_beamline.analysis.quantity import written
from lics_beamline.analysis.row import ReportRow
from lics_beamline.structures.arrangement import Arrangement
from lics_beamline.structures.unknown_structure import RefinedCandidate, UnknownStructure

MODEL_HEADING: Final = ("model", "group", "volume", "log10 odds", "Rwp %", "chi2", "atoms: place, occupancy, B (A^2)")
MOST_CONTENTS_TOLD: Final = 8


def structure_lines(found: UnknownStructure) -> Iterator[str]:
    """Yield what is known of a structure, line by line."""
    search, best, refined = found.search, found.best, found.refined
    if search is None or best is None:
        yield f"structure not decided: {'; '.join(found.reasons)}"
        return
    yield (
        f"structure {found.verdict}: {best.content} in {best.arrangement.space_group}, {places_text(best.arrangement)}"
    )
    rings = found.rings[0]
    overlapped = ", ".join(rings.overlapped) or "none"
    yield (
        f"rings: {rings.observed} of {len(rings.factors.groups)} seen at point {rings.at.number} and at "
        f"{len(found.rings)} points in all; families that share one: {overlapped}"
    )
    contents = ", ".join(f"{each} {each.volume_ratio:.2f}" for each in search.contents[:MOST_CONTENTS_TOLD])
    more = len(search.contents) - MOST_CONTENTS_TOLD
    atoms = ", ".join(f"{element} {volume:.1f}" for element, volume in found.atomic_angstrom3.items())
    yield (
        f"contents by volume ({rings.cell.volume_angstrom3:.1f} A^3 over that of the elements, {atoms} A^3 an atom): "
        f"{contents}{f' and {more} more' if more > 0 else ''}"
    )
    yield (
        f"{search.tried} arrangements tried{'' if search.complete else ', not all that there are'}; chi^2 of the rings "
        f"{search.chi_squared:.2f}; odds to one with {best.arrangement.elements[0]} elsewhere "
        f"{_odds(search.heavy_log_odds)}"
    )
    if refined is not None:
        light = refined.phases[0].sites[-1]
        if light.occupancy_sigma:
            yield (
                f"{light.site.label} takes {written(light.site.occupancy, light.occupancy_sigma)} of its places, by "
                "refinement of the whole pattern"
            )
    if found.density is not None:
        yield (
            f"density: of largest entropy from a uniform one, signs from {best.arrangement.elements[0]} alone, which "
            f"decides {found.density.signed} of {found.density.rings}; its maxima "
            f"{'are' if found.density.shows_light else 'are NOT'} where the model has its atoms"
        )
    if found.flipped is not None:
        yield (
            "charge flipping, told of no atom: symmetry of the group "
            f"{found.flipped.agreement:.2f}, correlation with the model {found.flipped.correlation:.2f}; its highest "
            f"maxima {'are' if found.flipped.shows_atoms else 'are NOT'} where the model has its atoms"
        )
    if search.flipped is not None:
        groups = ", ".join(f"{one.space_group} {one.agreement:.2f}" for one in search.flipped.settled)
        yield (
            "no arrangement of few free coordinates explains the rings; charge flipping ended in densities with the "
            f"symmetry of {groups or 'no group that remains'} (1 is all of it; the best "
            f"{search.flipped.best_agreement:.2f})"
        )
    if found.surface is not None:
        yield (
            f"equation of state of {found.surface.readings} cells: V0 {found.surface.equation.volume0_angstrom3:.2f} "
            f"A^3, K0 {found.surface.equation.bulk_modulus_gpa:.1f} GPa, K' "
            f"{found.surface.equation.bulk_modulus_slope:.2f}, thermal pressure "
            f"{1e3 * found.surface.equation.thermal_pressure_gpa_per_k:.2f} MPa/K"
            + (f" (held: {', '.join(found.surface.held)})" if found.surface.held else "")
        )


def places_text(arrangement: Arrangement) -> str:
    """Return which element is where: ``Cs 0 0 0; Li 0.5 0.5 0.5``."""
    return "; ".join(
        f"{one.element} {' '.join(f'{number:.4g}' for number in one.place.tolist())}" for one in arrangement.occupied
    )


def model_rows(found: UnknownStructure) -> list[ReportRow]:
    """Return the rows of the table of models."""
    return [_model_row(model) for model in found.models]


def _model_row(model: RefinedCandidate) -> ReportRow:
    candidate, fit = model.candidate, model.fit
    if fit is None:
        figures, atoms = ("-", "-"), f"{places_text(candidate.arrangement)}; {model.reason}"
    else:
        figures = (f"{100.0 * fit.agreement.r_wp_subtracted:.2f}", f"{fit.agreement.chi_squared:.2f}")
        atoms = "; ".join(
            f"{each.site.label} {each.site.x:.4g} {each.site.y:.4g} {each.site.z:.4g}, "
            f"{written(round(each.site.occupancy, 3), each.occupancy_sigma)}, "
            f"{written(round(each.site.b_iso_angstrom2, 3), each.b_sigma_angstrom2)}"
            for each in fit.phases[0].sites
        )
    return ReportRow(
        cells=(
            str(candidate.content) if fit is None else fit.name,
            candidate.arrangement.space_group,
            f"{candidate.volume_ratio:.2f}",
            f"{candidate.log_odds / math.log(10.0):.1f}",
            *figures,
            atoms,
        )
    )


def site_heading(found: UnknownStructure) -> tuple[str, ...]:
    """Return the heading of the table of maxima: of the density of largest entropy, or of charge flipping."""
    height = "height (of the highest)" if found.density is None else "height (e/A^3)"
    return ("maximum at", height, "electrons", "atom of the model")


def site_rows(found: UnknownStructure) -> list[ReportRow]:
    """Return the rows of the table of maxima of the density."""
    opinion = found.density or found.flipped
    if opinion is None:
        return []
    return [
        ReportRow(
            cells=(
                " ".join(f"{number:.3f}" for number in site.position),
                f"{site.height:.2f}",
                f"{site.electrons:.2f}" if math.isfinite(site.electrons) else "-",
                site.atom or "none",
            )
        )
        for site in opinion.sites
    ]


def _odds(log_odds: float) -> str:
    if math.isinf(log_odds):
        return "infinite: there is no other place for it"
    return f"10^{log_odds / math.log(10.0):.0f} to 1"
