"""What a run says, in words, of what the paper says in words, and of where the paper is at odds with itself."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from lics_beamline.analysis.compression import Compressions
from lics_beamline.analysis.paper_values import (
    COLD_K,
    HOT_K,
    PRINTED_CELLS,
    PRINTED_EXPANSION,
    PRINTED_KEPT_GPA,
    PRINTED_ONSET_GPA,
    PRINTED_WHOLE_GPA,
)
from lics_beamline.analysis.transition import Bracket, Halo, PhaseTransition
from lics_beamline.exports.reduced_run import ReducedRun

SEEN_SIGMA: Final = 5.0  # a halo must stand this clear of how the background scatters
ABOUT_GPA: Final = 0.3  # "about 3 GPa": engineering reading of the word, the step between the paper's points


def statements(
    run: ReducedRun, alloy: Compressions | None, seen: PhaseTransition, liquid: Halo | None
) -> tuple[str, ...]:
    """Return the statements.

    Parameters
    ----------
    run : ReducedRun
        The run.
    alloy : Compressions, optional
        Isotherms of the alloy.
    seen : PhaseTransition
        Coming and going of the alloy.
    liquid : Halo, optional
        Diffuse light that came when it went.
    """
    return (
        *_onset(seen),
        *_dissociation(seen),
        *_liquid(run, seen, liquid),
        *_lithium(run),
        *_expansion(alloy),
    )


def _onset(seen: PhaseTransition) -> Iterator[str]:
    if not seen.appears:
        yield "Onset: the alloy was not seen to come."
        return
    low, high = seen.appears[0].pressures_gpa
    agrees = abs(high - PRINTED_ONSET_GPA) <= ABOUT_GPA or low <= PRINTED_ONSET_GPA <= high
    text = (
        f"Onset at {seen.appears[0].after.temperature_k:.0f} K: no line of the alloy at {low:.2f} GPa, its lines at "
        f"{high:.2f} GPa (systematic {seen.appears[0].systematic_gpa:.2f} GPa)"
    )
    if math.isfinite(seen.half_gpa):
        text += f"; half of the crystalline sample at {seen.half_gpa:.2f} GPa"
    if math.isfinite(seen.whole_gpa):
        text += f", all but 5 % of it at {seen.whole_gpa:.2f} GPa"
    verdict = "in agreement" if agrees else "not in agreement"
    yield f"{text}. The paper: from about {PRINTED_ONSET_GPA:g} GPa, complete at {PRINTED_WHOLE_GPA:g} GPa; {verdict}."


def _dissociation(seen: PhaseTransition) -> Iterator[str]:
    if not seen.disappears:
        yield "Dissociation: the alloy was not seen to go."
        return
    last = seen.disappears[-1]
    low, high = last.pressures_gpa
    verdict = _beside(last, PRINTED_KEPT_GPA)
    yield (
        f"Dissociation at {last.after.temperature_k:.0f} K: the alloy's lines are there at {high:.2f} GPa and gone at "
        f"{low:.2f} GPa (systematic {last.systematic_gpa:.2f} GPa). The paper: kept to {PRINTED_KEPT_GPA:g} GPa, gone "
        f"below; {verdict}."
    )


def _beside(bracket: Bracket, printed_gpa: float) -> str:
    low, high = bracket.pressures_gpa
    room = bracket.systematic_gpa
    return "in agreement" if low - room <= printed_gpa <= high + room else "not in agreement"


def _liquid(run: ReducedRun, seen: PhaseTransition, liquid: Halo | None) -> Iterator[str]:
    if not seen.disappears or liquid is None:
        return
    after = seen.disappears[-1].after
    roles = {phase.name: phase.role for phase in run.sought}
    crystals = [phase.name for phase in after.phases if roles.get(phase.name) == "sample"]
    lines = f"lines of {', '.join(crystals)}" if crystals else "no line of crystalline Cs or Li"
    clear = liquid.excess / liquid.sigma if liquid.sigma > 0.0 else math.inf
    diffuse = (
        f"a halo came about {liquid.two_theta_deg:.1f} deg (2 pi/Q = {liquid.spacing_angstrom:.2f} A), "
        f"{100 * liquid.excess:.0f} % of the background and {clear:.0f} times its scatter"
        if clear >= SEEN_SIGMA
        else "no halo stands out"
    )
    yield (
        f"What is left at {after.pressure_gpa:.2f} GPa and {after.temperature_k:.0f} K: {lines}; {diffuse}. The paper "
        "speaks of elemental solids; liquid Cs is what its melting curve has there (Jayaraman, Newton and McDonough, "
        "Phys. Rev. 159, 527 (1967)). The conflict is reported, not decided by a halo alone."
    )


def _lithium(run: ReducedRun) -> Iterator[str]:
    if not any(point.phase("li-bcc") for point in run.points):
        yield (
            "No line of crystalline Li was found at any point. As a powder it is 0.1 % of Cs 110 and lies under Cs "
            "211: its absence says nothing, and neither does this run on the paper's solid lithium."
        )


def _expansion(alloy: Compressions | None) -> Iterator[str]:
    found = alloy.recorded.expansion if alloy is not None else None
    if alloy is None or found is None:
        return
    parts = {}
    for times, reading in ((3.0, "volumetric"), (1.0, "linear")):
        distances = []
        for gpa, printed in PRINTED_EXPANSION:
            each = alloy.quantity(
                lambda one, gpa=gpa, times=times: times * one.expansion.linear_per_k(gpa),  # type: ignore[misc]
                times * found.linear_sigma_per_k(gpa),
            )
            distances.append(f"{(each.value - printed) / each.sigma:+.1f}")
        parts[reading] = " and ".join(distances)
    yield (
        f"The paper calls 1.7e-4 and 1.1e-4 /K linear. This run's volumetric expansion is {parts['volumetric']} of its "
        f"own standard deviations from them, its linear one {parts['linear']}."
    )
    hot_gpa, printed, sigma = next((gpa, a, e) for kelvin, gpa, a, e in PRINTED_CELLS if kelvin == HOT_K)
    least = min(value for _, value in PRINTED_EXPANSION)
    edge = found.cold.volume_angstrom3(hot_gpa) ** (1.0 / 3.0)
    linear, volumetric = (edge * (1.0 + value * (HOT_K - COLD_K)) for value in (least, least / 3.0))
    most = max(value for _, value in PRINTED_EXPANSION)
    printed_hot = f"{printed:.3f}(3)"
    hot_edge = edge * (1.0 + most / 3.0 * (HOT_K - COLD_K))
    yield (
        f"The tension inside the paper: from a = {edge:.3f} A at {COLD_K:.0f} K and {hot_gpa:g} GPa, even the smaller "
        f"of its expansions taken as linear makes {linear:.3f} A at {HOT_K:.0f} K, {(linear - printed) / sigma:.0f} of "
        f"its standard deviations from the printed {printed_hot}; taken as volumetric, its two make {volumetric:.3f} "
        f"to {hot_edge:.3f} A. Read as volumetric the printed numbers are consistent with each other: consistent, not "
        "proven."
    )
