"""What S. Desgreniers, J. S. Tse, T. Matsuoka, Y. Ohishi and J. J. Tse printed, and what a run recovers of it.

Science Advances 1, e1500669 (2015), doi 10.1126/sciadv.1500669. Distances to the paper are in its own standard
deviations where it prints any. Nothing here knows the truth of a simulated world.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from lics_beamline.analysis.compression import Compression, Compressions
from lics_beamline.analysis.paper_values import (
    COLD_K,
    DENSITY_AT,
    HOT_K,
    LITHIUM_B,
    NOT_RECOVERABLE,
    PRINTED_CELLS,
    PRINTED_EXPANSION,
    PRINTED_HEATING,
    PRINTED_OCCUPANCY,
    PRINTED_RWP,
    RIETVELD_AT,
)
from lics_beamline.analysis.quantity import MeasuredQuantity
from lics_beamline.analysis.statement import statements
from lics_beamline.analysis.structure import ask_site, rival_fits
from lics_beamline.analysis.transition import halo, transition
from lics_beamline.errors import OutsideCalibration, RefinementFailed
from lics_beamline.exports.reduced_run import ReducedPoint, ReducedRun
from lics_beamline.refinement.density import SiteFinding
from lics_beamline.refinement.rietveld import RietveldFit
from lics_beamline.refinement.site_question import question_about
from lics_beamline.refinement.structural_model import read_model

Kind = Literal["cell", "pressure", "expansion", "ratio", "occupancy"]

ALLOY: Final = "alloy"
FAR_K, FAR_GPA = 10.0, 0.5  # a point farther from where the paper measured is another one
REACH_GPA: Final = 0.3  # farther beyond its last point an isotherm is not believed: its error would not hold that


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A printed number and what the run says of it.

    Parameters
    ----------
    name : str
        Name of the claim.
    kind : {"cell", "pressure", "expansion", "ratio", "occupancy"}
        Angstrom, GPa, 1/K, or a plain number.
    printed, printed_sigma : float
        As in the paper; NaN where it prints no standard deviation.
    recovered : MeasuredQuantity, optional
        None where the run does not tell.
    remark : str
        A note for the reader.
    """

    name: str
    kind: Kind
    printed: float
    printed_sigma: float
    recovered: MeasuredQuantity | None
    remark: str = ""

    @property
    def distance(self) -> float:
        """Recovered less printed; NaN where nothing was recovered."""
        return math.nan if self.recovered is None else self.recovered.value - self.printed

    @property
    def distance_esd(self) -> float:
        """Distance in printed standard deviations; NaN where there are none."""
        return self.distance / self.printed_sigma


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PaperStructure:
    """Structure by the patterns, at the points of the paper.

    Parameters
    ----------
    fits : tuple of RietveldFit
        Models A and B, the best first; empty where that could not be done.
    finding : SiteFinding, optional
        Verdict on lithium; None where it could not be asked.
    rietveld_point, density_point : ReducedPoint, optional
        Points of the refinement and of the density; None where the run has none.
    rietveld_missing, density_missing : str
        Reason for which there is none; empty where there is one.
    """

    fits: tuple[RietveldFit, ...]
    finding: SiteFinding | None
    rietveld_point: ReducedPoint | None
    density_point: ReducedPoint | None
    rietveld_missing: str
    density_missing: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PaperTable:
    """The paper's table.

    Parameters
    ----------
    claims : tuple of Claim
        Numbers.
    statements : tuple of str
        What the run says of what the paper says in words, and where the paper is at odds with itself.
    not_recoverable : tuple of str
        Claims that no such data can support.
    structure : PaperStructure
        Models A and B, and the verdict on lithium.
    """

    claims: tuple[Claim, ...]
    statements: tuple[str, ...]
    not_recoverable: tuple[str, ...]
    structure: PaperStructure


def paper_table(run: ReducedRun, compressions: tuple[Compressions, ...]) -> PaperTable:
    """Compare a run with the paper.

    Parameters
    ----------
    run : ReducedRun
        A sweep along the paper's path, or part of it: what is missing is said.
    compressions : tuple of Compressions
        Isotherms of its phases.
    """
    alloy = next((each for each in compressions if each.recorded.phase == ALLOY), None)
    structure = _structure(run)
    seen = transition(run, ALLOY)
    liquid = halo(run, seen.disappears[-1]) if seen.disappears else None
    claims = (
        *(_cell_claim(alloy, *printed) for printed in PRINTED_CELLS),
        _heating_claim(run),
        *(_expansion_claim(alloy, gpa, printed, "volumetric") for gpa, printed in PRINTED_EXPANSION),
        *(_expansion_claim(alloy, gpa, printed, "linear") for gpa, printed in PRINTED_EXPANSION),
        _ratio_claim(structure),
        _occupancy_claim(structure),
    )
    return PaperTable(
        claims=claims,
        statements=statements(run, alloy, seen, liquid),
        not_recoverable=NOT_RECOVERABLE,
        structure=structure,
    )


def nearest(run: ReducedRun, temperature_k: float, pressure_gpa: float) -> ReducedPoint | None:
    """Return the point with the alloy nearest to a state; None where none is near."""
    near = [
        point
        for point in run.points
        if point.reduced
        and point.phase(ALLOY)
        and abs(point.temperature_k - temperature_k) < FAR_K
        and abs(point.pressure_gpa - pressure_gpa) < FAR_GPA
    ]
    return min(near, key=lambda point: abs(point.pressure_gpa - pressure_gpa), default=None)


def _recovered(
    alloy: Compressions | None,
    value: Callable[[Compression], float],
    sigma: Callable[[Compression], float],
) -> MeasuredQuantity | None:
    if alloy is None:
        return None
    try:
        return alloy.quantity(value, sigma)
    except OutsideCalibration:
        return None


def _cell_claim(
    alloy: Compressions | None, temperature_k: float, pressure_gpa: float, printed: float, sigma: float
) -> Claim:
    hot = temperature_k > COLD_K
    chosen = _isotherm_near(alloy, temperature_k)
    recovered, remark = None, "no isotherm of the alloy at this temperature"
    if alloy is not None and chosen is not None:
        measured_k = alloy.recorded.isotherms[chosen].temperature_k

        def edge(compression: Compression) -> float:
            expansion = compression.expansion
            if expansion is None:
                return math.cbrt(compression.isotherms[chosen].volume_angstrom3(pressure_gpa))
            return math.cbrt(expansion.volume_angstrom3(pressure_gpa, temperature_k))

        def edge_sigma(compression: Compression) -> float:
            isotherm = compression.isotherms[chosen]
            volume = isotherm.volume_angstrom3(pressure_gpa)
            return isotherm.volume_sigma_angstrom3(pressure_gpa) / 3.0 / volume ** (2.0 / 3.0)

        low, high = alloy.recorded.isotherms[chosen].pressures_gpa
        remark = f"isotherm at {measured_k:.1f} K"
        if alloy.recorded.expansion is not None:
            remark += f", brought to {temperature_k:.0f} K by the expansion found"
        if low - REACH_GPA <= pressure_gpa <= high + REACH_GPA:
            recovered = _recovered(alloy, edge, edge_sigma)
        else:
            remark = f"outside the isotherm, which holds from {low:.1f} to {high:.1f} GPa"
    if pressure_gpa == 4.8 and not hot:
        remark += "; printed without an error, +-0.01 A is the last digit"
    return Claim(
        name=f"a at {temperature_k:.0f} K, {pressure_gpa:g} GPa",
        kind="cell",
        printed=printed,
        printed_sigma=sigma,
        recovered=recovered,
        remark=remark,
    )


def _isotherm_near(alloy: Compressions | None, temperature_k: float) -> int | None:
    found = () if alloy is None else alloy.recorded.isotherms
    near = [i for i, each in enumerate(found) if abs(each.temperature_k - temperature_k) < FAR_K]
    return min(near, key=lambda i: abs(found[i].temperature_k - temperature_k), default=None)


def _heating_claim(run: ReducedRun) -> Claim:
    """Compare the rise of pressure on heating, brought to the paper's 200 K by its own slope."""
    ordered = sorted((point for point in run.points if point.reduced), key=lambda point: point.index)
    heated = [i for i, point in enumerate(ordered) if point.stroke == "heating"]
    before, after = PRINTED_HEATING
    recovered, remark = None, "no heating leg"
    if heated and heated[0] > 0:
        start, end = ordered[heated[0] - 1], ordered[heated[-1]]
        slope = (end.pressure_gpa - start.pressure_gpa) / (end.temperature_k - start.temperature_k)
        rise = slope * (HOT_K - COLD_K)
        hot = end.pressure_systematic_gpa
        cold = start.pressure_systematic_gpa
        recovered = MeasuredQuantity(
            value=before + rise,
            statistical=math.hypot(start.pressure_sigma_gpa, end.pressure_sigma_gpa),
            # What both readings share - scale, chip - cancels in their difference; the rest of the hot one remains.
            terms={"temperature correction, thermocouple": math.sqrt(max(hot**2 - cold**2, 0.0))},
        )
        remark = (
            f"{start.pressure_gpa:.2f} GPa at {start.temperature_k:.1f} K to {end.pressure_gpa:.2f} GPa at "
            f"{end.temperature_k:.1f} K, scaled to 200 K and laid on 8 GPa"
        )
    return Claim(
        name="P after heating 298 to 498 K from 8 GPa",
        kind="pressure",
        printed=after,
        printed_sigma=math.nan,
        recovered=recovered,
        remark=remark,
    )


def _expansion_claim(
    alloy: Compressions | None, gpa: float, printed: float, reading: Literal["volumetric", "linear"]
) -> Claim:
    times = 3.0 if reading == "volumetric" else 1.0
    recovered, remark = None, "no two isotherms"
    if alloy is not None and alloy.recorded.expansion is not None:
        low, high = alloy.recorded.expansion.pressures_gpa
        remark = f"outside the pressures that both isotherms hold for, {low:.1f} to {high:.1f} GPa"
        if low - REACH_GPA <= gpa <= high + REACH_GPA:
            remark = "mean from the cold to the hot isotherm; printed as linear"
            recovered = _recovered(
                alloy,
                lambda each: times * each.expansion.linear_per_k(gpa) if each.expansion else math.nan,
                lambda each: times * each.expansion.linear_sigma_per_k(gpa) if each.expansion else math.nan,
            )
    return Claim(
        name=f"alpha at {gpa:g} GPa, read as {reading}",
        kind="expansion",
        printed=printed,
        printed_sigma=math.nan,
        recovered=recovered,
        remark=remark,
    )


def _ratio_claim(found: PaperStructure) -> Claim:
    named = {fit.name: fit for fit in found.fits}
    point = found.rietveld_point
    recovered, remark = None, found.rietveld_missing
    if len(named) == 2 and point is not None:
        a, b = (named[name].agreement.r_wp_subtracted for name in ("A", "B"))
        recovered = MeasuredQuantity(value=a / b, statistical=0.0, terms={})
        remark = (
            f"point {point.index + 1}: Rwp {100 * a:.1f} % and {100 * b:.1f} %, background taken off; that the paper's "
            "are is our inference from Rp > Rwp. The ratio follows the exposure; B of lithium in A is held at 2 A^2"
        )
    return Claim(
        name="Rwp(A)/Rwp(B) at 498 K, 5 GPa",
        kind="ratio",
        printed=PRINTED_RWP[0] / PRINTED_RWP[1],
        printed_sigma=math.nan,
        recovered=recovered,
        remark=remark,
    )


def _occupancy_claim(asked: PaperStructure) -> Claim:
    recovered, remark = None, asked.density_missing
    finding, point = asked.finding, asked.density_point
    if finding is not None and point is not None:
        remark = f"point {point.index + 1}: {finding.verdict}"
        found = finding.occupancy
        if found is not None:
            recovered = MeasuredQuantity(
                value=found.value, statistical=found.sigma_statistical, terms={"B of lithium": found.sigma_thermal}
            )
        else:
            remark += f". {' '.join(finding.reasons)}"
    return Claim(
        name="lithium at the centre, occupancy",
        kind="occupancy",
        printed=PRINTED_OCCUPANCY,
        printed_sigma=math.nan,
        recovered=recovered,
        remark=remark,
    )


def _structure(run: ReducedRun) -> PaperStructure:
    """Refine and ask where the paper did; what cannot be done is said, the rest of the table does not suffer."""
    rietveld_point, density_point = nearest(run, *RIETVELD_AT), nearest(run, *DENSITY_AT)
    fits: tuple[RietveldFit, ...] = ()
    finding: SiteFinding | None = None
    missing = [
        f"no point with the alloy near {kelvin:.0f} K and {gpa:g} GPa" for kelvin, gpa in (RIETVELD_AT, DENSITY_AT)
    ]
    if rietveld_point is not None:
        try:
            fits = rival_fits(run, rietveld_point, [read_model(Path(name)) for name in ("A", "B")])
        except RefinementFailed as error:
            missing[0] = f"point {rietveld_point.index + 1}: {error}"
    if density_point is not None:
        low, likely, high = LITHIUM_B
        model = read_model(Path("B"))
        question = question_about(model.structure, "Li1", b_low_angstrom2=low, b_high_angstrom2=high)
        try:
            finding = ask_site(run, density_point, model, replace(question, b_angstrom2=likely))
        except RefinementFailed as error:
            missing[1] = f"point {density_point.index + 1}: {error}"
    return PaperStructure(
        fits=fits,
        finding=finding,
        rietveld_point=rietveld_point,
        density_point=density_point,
        rietveld_missing=missing[0],
        density_missing=missing[1],
    )
