"""A pattern that was integrated elsewhere, fitted with phases that a person names: peaks, cells, agreement.

Nothing is fitted here: peaks, identification, search of the cell, Pawley, Le Bail and Rietveld are those that recorded
runs are reduced and refined with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from lics_beamline.analysis.chance_cell import doubt_of_cell
from lics_beamline.analysis.line_shift import SEEN_CHI2_SHARE, Kind, LineShift, start_of_shift
from lics_beamline.analysis.phase_light import PhaseLight, phase_light
from lics_beamline.analysis.quantity import written
from lics_beamline.errors import ProfileError, RefinementFailed
from lics_beamline.lines.emission_doublet import EmissionDoublet, as_of_alpha1, doubled_lines, hidden_doublet
from lics_beamline.lines.peaks import Peak, find_peaks
from lics_beamline.patterns.pattern import Pattern
from lics_beamline.patterns.pattern_file import GivenPattern
from lics_beamline.phases.identification import EXPLAINED_FWHM, UNKNOWN_PEAK_SIGMAS, FoundPhase, identify
from lics_beamline.phases.phase import CrystalPhase
from lics_beamline.physics.crystal import powder_lines
from lics_beamline.physics.unit_cell import NAMES, free_names, lattice_system
from lics_beamline.refinement.agreement import Agreement
from lics_beamline.refinement.cell_search import find_cell
from lics_beamline.refinement.fit_choice import FitChoice
from lics_beamline.refinement.line_width import LineWidths
from lics_beamline.refinement.pattern_fit import PatternFit, fit_pattern
from lics_beamline.refinement.powder_phase import PowderPhase
from lics_beamline.refinement.projection import usable
from lics_beamline.refinement.rietveld import RietveldChoice, RietveldFit, refine
from lics_beamline.refinement.structural_model import StructuralModel, read_model, read_model_text

Array = npt.NDArray[np.float64]
Method = Literal["pawley", "le-bail", "rietveld"]

WITHIN_RELATIVE: Final = (
    0.02  # relative change of the edges that a cell is sought by; 6 GPa for a bulk modulus of 100 GPa
)
# An equation of state is asked for where a pressure is known; here the cell of the CIF is the expectation itself.
ANY_BULK_MODULUS_GPA: Final = 100.0
ANY_BULK_MODULUS_SLOPE: Final = 4.0
# Peaks are tried against all free numbers of a cell at once: with many of them and a wide window that takes for ever.
FEW_FREE_NUMBERS: Final = 2
WITHIN_OF_MANY_RELATIVE: Final = 0.003  # relative; of a cell at the temperature and pressure of its CIF
LEFT_OUT_FWHM: Final = 3.0  # to either side of a peak that no phase explains
GAUSSIAN_PART: Final = 0.7  # of the width of a line that a search starts from: the rest is Lorentzian
LORENTZIAN_PART: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class SoughtPhase:
    """A phase that a person named, and how it was found.

    Parameters
    ----------
    model : StructuralModel
        Structure as given, in the cell that starts the fit.
    found : FoundPhase, optional
        Where peaks were indexed by it.
    reason : str
        Why it is not in the fit; empty where it is.
    light : PhaseLight, optional
        What it has of the light of all lines at most; of one that is not in the fit.
    """

    model: StructuralModel
    found: FoundPhase | None = None
    reason: str = ""
    light: PhaseLight | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PhaseFit:
    """What a pattern showed of some phases.

    Parameters
    ----------
    peaks : tuple of Peak
        All peaks.
    sought : tuple of SoughtPhase
        In the order they were named.
    unknown : tuple of Peak
        Peaks that none of the phases explains; the fit leaves them out, as one of them would draw a cell away.
    fit : PatternFit or RietveldFit
        The fit of the phases that are there.
    wavelength_angstrom : float
        The one that was fitted with [angstrom]: the given one, or K-alpha 1 where lines come twice.
    notes : tuple of str
        What was found otherwise than it was given.
    shift : LineShift
        By how much all lines are off, as it was fitted with the cells.
    """

    peaks: tuple[Peak, ...]
    sought: tuple[SoughtPhase, ...]
    unknown: tuple[Peak, ...]
    fit: PatternFit | RietveldFit
    wavelength_angstrom: float
    notes: tuple[str, ...] = ()
    shift: LineShift = LineShift()  # noqa: RUF009  frozen

    @property
    def unknown_share(self) -> float:
        """Part of the area of all peaks that none of the phases explains."""
        return sum(peak.area for peak in self.unknown) / max(sum(peak.area for peak in self.peaks), 1e-300)

    @property
    def agreement(self) -> Agreement:
        """How well the fit agrees."""
        return self.fit.agreement


def fit_phases(
    given: GivenPattern,
    cifs: Sequence[Path],
    *,
    method: Method = "pawley",
    two_theta_deg: tuple[float, float] | None = None,
    within: float = WITHIN_RELATIVE,
    shift: Kind | Literal["found"] = "found",
    shared_b: bool = False,
    second_angstrom: float | None = None,
) -> PhaseFit:
    """Find the peaks of a pattern, the phases that explain them, and fit these.

    Parameters
    ----------
    given : GivenPattern
        The pattern.
    cifs : sequence of Path
        Phases that may be there, with cells near those of the pattern; the first is the main one.
    method : {"pawley", "le-bail", "rietveld"}
        Free intensities solved with the rest, free intensities extracted, or those of the atoms.
    two_theta_deg : tuple of float, optional
        Angles used [deg]; default all.
    within : float
        How far the edges of a cell may be from those of its model, as a fraction.
    shift : {"found", "none", "zero", "off-axis"}
        What shift of all lines is refined. "found": of a pattern of a tube (two wavelengths) that of a sample beside
        the axis, where it is seen; of others none, and one that is seen is told.
    shared_b : bool
        One B for all atoms of a phase.
    second_angstrom : float, optional
        A second wavelength, half as strong as that of the pattern [angstrom]: K-alpha 2 of a tube. Default: found where
        lines come twice.

    Raises
    ------
    RefinementFailed
        If none of the phases is found, or the pattern cannot bear the fit.
    """
    pattern = given.pattern
    usable(pattern, FitChoice(two_theta_deg=two_theta_deg))  # too narrow a range is refused before anything is sought
    peaks = find_peaks(pattern, two_theta_deg=two_theta_deg)
    choice = FitChoice(two_theta_deg=two_theta_deg, widths=_widths(peaks))
    notes: tuple[str, ...] = ()
    if second_angstrom is not None:
        tube = EmissionDoublet(element="", alpha1_angstrom=pattern.wavelength_angstrom, alpha2_angstrom=second_angstrom)
        peaks = as_of_alpha1(peaks, tube)
        choice = replace(choice, second_angstrom=second_angstrom)
    elif doubled := doubled_lines(peaks, pattern.wavelength_angstrom):
        notes = (doubled.said(pattern.wavelength_angstrom),)
        pattern = replace(pattern, wavelength_angstrom=doubled.doublet.alpha1_angstrom)
        choice = replace(choice, second_angstrom=doubled.doublet.alpha2_angstrom)
        places = {peak.two_theta_deg for peak in doubled.companions}
        found = find_peaks(pattern, two_theta_deg=two_theta_deg)
        peaks = tuple(peak for peak in found if peak.two_theta_deg not in places)
    elif hidden := hidden_doublet(peaks, pattern.wavelength_angstrom):
        notes = (hidden,)
    search = _PhaseSearch(pattern=pattern, peaks=peaks, cifs=tuple(cifs), within=within, choice=choice)
    of_tube = choice.second_angstrom is not None
    kind: Kind = ("off-axis" if of_tube else "zero") if shift == "found" else shift
    start = start_of_shift(kind, search.explained) if of_tube or shift != "found" else LineShift(kind=kind)
    sought = search.sought(start)
    there = [each.model for each in sought if not each.reason]
    if not there:
        raise RefinementFailed(
            f"{given.source}: {len(peaks)} peaks, and no phase is found within {100 * within:g} % of its cell: "
            + " ".join(each.reason for each in sought)
            + " Widen --within, give other phases; an unknown cell is not indexed here."
            + "".join(f" Besides: {remark}." for remark in given.remarks),
            peaks=len(peaks),
        )
    while True:
        unknown = search.unexplained(there, start)
        left_out = search.left_out(unknown, there, start)
        now = replace(choice, excluded_deg=left_out, shift_start=start.value_deg)
        try:
            result, fit, kind, more = _fitted(pattern, there, now, method, shift, kind, shared_b=shared_b)
        except RefinementFailed as error:
            faint = search.faintest(there, start, named=error.facts.get("phase"))
            if faint is None:
                raise
            there.remove(faint)
            reason = f"{faint.name}: not seen for sure, and in no fit beside the others: {error}"
            sought = tuple(replace(one, reason=reason) if one.model is faint else one for one in sought)
        else:
            break
    found_shift = LineShift() if fit is None else LineShift.of(fit, kind)
    cells = [phase.cell for phase in result.phases]
    beside = [model.in_cell(cell).phase() for model, cell in zip(there, cells, strict=True)]
    return PhaseFit(
        peaks=peaks,
        sought=tuple(search.limited(one, beside, found_shift) for one in sought),
        unknown=unknown,
        fit=result,
        wavelength_angstrom=pattern.wavelength_angstrom,
        notes=notes + more,
        shift=found_shift,
    )


def _fitted(
    pattern: Pattern,
    there: Sequence[StructuralModel],
    choice: FitChoice,
    method: Method,
    shift: Kind | Literal["found"],
    kind: Kind,
    *,
    shared_b: bool,
) -> tuple[PatternFit | RietveldFit, PatternFit | None, Kind, tuple[str, ...]]:
    """Return the fit of the phases that are there, the Pawley fit that tells a shift, its kind, and what to say."""
    phases = tuple(model.phase(own_strain=model is not there[0]) for model in there)
    fit: PatternFit | None = None
    notes: tuple[str, ...] = ()
    if shift == "found":
        fit, kind, notes = _with_shift(pattern, phases, choice, kind)
    choice = replace(choice, shift=kind)
    if method == "pawley":
        fit = fit or fit_pattern(pattern, phases, choice)
        return fit, fit, kind, notes
    result = refine(pattern, there, RietveldChoice(pattern=choice, shared_b=shared_b, method=method))
    if fit is None and kind != "none":  # a Pawley fit alone tells the shift
        fit = fit_pattern(pattern, phases, choice)
    return result, fit, kind, notes


def _with_shift(
    pattern: Pattern, phases: tuple[PowderPhase, ...], choice: FitChoice, kind: Kind
) -> tuple[PatternFit | None, Kind, tuple[str, ...]]:
    """Return the fit with a shift of all lines where one is to be kept, its kind, and what is to be said of it.

    A tube's diffractometer leaves the sample beside its axis; the calibration of an area detector leaves no shift, and
    one that is seen there may as well be something else.
    """
    fit = fit_pattern(pattern, phases, replace(choice, shift=kind))
    found = LineShift.of(fit, kind)
    if not found.is_seen(fit):
        return None, "none", ()
    if kind == "zero":
        return (
            None,
            "none",
            (
                f"a shift of all lines by {found} would lower chi2 to {fit.agreement.chi_squared:.2f} and give "
                f"{_cells(fit)}: --shift zero fits with it, where the zero of the angles is not known better.",
            ),
        )
    fits: dict[Kind, PatternFit] = {kind: fit, "zero": fit_pattern(pattern, phases, replace(choice, shift="zero"))}
    chi2 = {each: one.agreement.chi_squared for each, one in fits.items()}
    kept: Kind = "zero" if chi2["zero"] < (1.0 - SEEN_CHI2_SHARE) * chi2[kind] else kind
    other: Kind = kind if kept == "zero" else "zero"
    return (
        fits[kept],
        kept,
        (
            f"all lines are off by {LineShift.of(fits[kept], kept)}: fitted with the cells. Were it "
            f"{LineShift.of(fits[other], other)}, chi2 would be {chi2[other]:.2f} for {chi2[kept]:.2f}, with "
            f"{_cells(fits[other])}: --shift {other}.",
        ),
    )


def _cells(fit: PatternFit) -> str:
    """Return the free numbers of the cells of a fit."""
    told = []
    for phase in fit.phases:
        numbers = zip(NAMES, phase.cell.numbers, phase.cell_sigma.numbers, strict=True)
        free = free_names(lattice_system(phase.structure_factors.space_group))
        told.append(", ".join([phase.name, *(f"{n} {written(v, e)}" for n, v, e in numbers if n in free)]))
    return "; ".join(told)


def _widths(peaks: Sequence[Peak]) -> LineWidths:
    """Return widths that start a search: those of the peaks themselves."""
    if not peaks:
        return LineWidths()
    fwhm = median(peak.fwhm_deg for peak in peaks)
    return LineWidths(w_deg2=(GAUSSIAN_PART * fwhm) ** 2, x_deg=LORENTZIAN_PART * fwhm, y_deg=0.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _PhaseSearch:
    """What phases are looked for with: the pattern, its peaks, the files of the phases, how far cells may be off."""

    pattern: Pattern
    peaks: tuple[Peak, ...]
    cifs: tuple[Path, ...]
    within: float
    choice: FitChoice

    def sought(self, shift: LineShift) -> tuple[SoughtPhase, ...]:
        """Give each phase the cell that its peaks say, or the one that a search finds beside those known already."""
        models = self._models()
        found = self._identified(models, shift)
        pattern, peaks = shift.undone(self.pattern), self._undone(shift)
        sought = [
            SoughtPhase(model=model.in_cell(found[place].cell), found=found[place])
            if place in found
            else SoughtPhase(model=model, reason="not searched for")
            for place, model in enumerate(models)
        ]
        for place, model in enumerate(models):
            if place in found:
                continue
            known = tuple(each.model.phase() for each in sought if not each.reason)
            sought[place] = _seen(_searched(pattern, model, known, self.choice, self.within), peaks, pattern)
        return tuple(sought)

    def explained(self, shift: LineShift) -> float:
        """Return the part of the area of all peaks that the phases explain where a shift puts them."""
        there = [each.model for each in self.sought(shift) if not each.reason]
        area = sum(peak.area for peak in (self.unexplained(there, shift) if there else self.peaks))
        return 1.0 - area / max(sum(peak.area for peak in self.peaks), 1e-300)

    def unexplained(self, models: Sequence[StructuralModel], shift: LineShift) -> tuple[Peak, ...]:
        """Return the strong peaks that are near no line of the cells that were found."""
        lines = self._angles(models, self.peaks, shift)
        return tuple(
            peak
            for peak in self.peaks
            if peak.significance >= UNKNOWN_PEAK_SIGMAS
            and not np.any(np.abs(lines - peak.two_theta_deg) < EXPLAINED_FWHM * peak.fwhm_deg)
        )

    def left_out(
        self, unknown: Sequence[Peak], models: Sequence[StructuralModel], shift: LineShift
    ) -> tuple[tuple[float, float], ...]:
        """Return the ranges of unknown peaks that have no line of a phase within [deg]."""
        lines = self._angles(models, unknown, shift)
        ranges = [
            (peak.two_theta_deg - LEFT_OUT_FWHM * peak.fwhm_deg, peak.two_theta_deg + LEFT_OUT_FWHM * peak.fwhm_deg)
            for peak in unknown
        ]
        return tuple((low, high) for low, high in ranges if not np.any((lines > low) & (lines < high)))

    def faintest(
        self, models: Sequence[StructuralModel], shift: LineShift, named: str | None
    ) -> StructuralModel | None:
        """Return the phase that is not seen for sure beside others, the named one or the faintest; None if all are."""
        if len(models) < 2:
            return None
        lights = [(model, self._light(model, [o.phase() for o in models if o is not model], shift)) for model in models]
        unsure = {model.name: light.sigmas for model, light in lights if light is not None and not light.is_seen}
        faint = named if named in unsure else min(unsure, key=lambda name: unsure[name], default=None)
        return next((model for model in models if model.name == faint), None)

    def limited(self, sought: SoughtPhase, others: Sequence[PowderPhase], shift: LineShift) -> SoughtPhase:
        """Say of a phase that is not in the fit how much of it there may be."""
        light = self._light(sought.model, others, shift) if sought.reason else None
        if light is None:
            return sought
        return replace(sought, reason=f"{sought.reason} It has {light}.", light=light)

    def _light(self, model: StructuralModel, others: Sequence[PowderPhase], shift: LineShift) -> PhaseLight | None:
        try:
            return phase_light(shift.undone(self.pattern), model, others, self.choice)
        except RefinementFailed:
            return None

    def _models(self) -> list[StructuralModel]:
        models = [read_model(path) for path in self.cifs]
        twice = {model.name for model in models if sum(model.name == other.name for other in models) > 1}
        if twice:
            raise ProfileError(
                f"two phases are called {sorted(twice)[0]}: results could not be told apart. Rename one of the files.",
                name=sorted(twice)[0],
            )
        return models

    def _undone(self, shift: LineShift) -> tuple[Peak, ...]:
        return shift.undone_peaks(self.peaks, self.pattern.wavelength_angstrom)

    def _identified(self, models: Sequence[StructuralModel], shift: LineShift) -> Mapping[int, FoundPhase]:
        """Return what the identification of recorded runs finds, by place."""
        found = identify(
            self._undone(shift),
            candidates(self.cifs, models, self.within),
            pattern=shift.undone(self.pattern),
            pressure_gpa=0.0,
            temperature_k=298.0,
        )
        return {int(phase.name.removeprefix("phase-")): phase for phase in found.phases}

    def _angles(self, models: Sequence[StructuralModel], peaks: Sequence[Peak], shift: LineShift) -> Array:
        """Return where all lines of some cells are, a little beyond the last of some peaks [deg]."""
        d_min = min((peak.d_angstrom for peak in peaks), default=np.inf)
        d = [line.d_angstrom for model in models for line in powder_lines(model.cell, model.space_group, 0.98 * d_min)]
        second = self.choice.second_angstrom
        wavelengths = (self.pattern.wavelength_angstrom, *((second,) if second else ()))
        sines = np.outer(wavelengths, 1.0 / (2.0 * np.array(d))).ravel()
        bragg = 2.0 * np.degrees(np.arcsin(np.minimum(sines, 1.0)))
        return bragg + shift.at(bragg)


def _seen(sought: SoughtPhase, peaks: Sequence[Peak], pattern: Pattern) -> SoughtPhase:
    """Leave out a phase whose cell lies well by chance."""
    doubt = "" if sought.reason else doubt_of_cell(sought.model, peaks, pattern.wavelength_angstrom)
    return SoughtPhase(model=sought.model, reason=doubt) if doubt else sought


def _searched(
    pattern: Pattern, model: StructuralModel, known: tuple[PowderPhase, ...], choice: FitChoice, within: float
) -> SoughtPhase:
    """Stretch the cell of a model until its lines fall on lines: a little first, as a search far takes long."""
    reason, stretched = "", 1.0
    for reach in (WITHIN_OF_MANY_RELATIVE, within)[WITHIN_OF_MANY_RELATIVE >= within :]:
        try:
            cell = find_cell(pattern, model.phase(), known, within=reach, choice=choice).cell
        except RefinementFailed as error:
            reason = str(error)
            stretched = float(error.facts.get("stretched", 1.0))
        else:
            return SoughtPhase(model=model.in_cell(cell))
    return SoughtPhase(model=model.in_cell(model.cell.strained(stretched)), reason=reason)


def candidates(cifs: Sequence[Path], models: Sequence[StructuralModel], within: float) -> list[CrystalPhase]:
    """Return the phases as the identification of recorded runs knows them, named by their place."""
    narrow = min(within, WITHIN_OF_MANY_RELATIVE)
    return [
        CrystalPhase(
            name=f"phase-{place}",
            cif=read_model_text(path),
            bulk_modulus_gpa=ANY_BULK_MODULUS_GPA,
            bulk_modulus_slope=ANY_BULK_MODULUS_SLOPE,
            window=within if len(free_names(lattice_system(models[place].space_group))) <= FEW_FREE_NUMBERS else narrow,
            doubt_gpa=0.0,
        )
        for place, path in enumerate(cifs)
    ]
