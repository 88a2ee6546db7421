"""Rietveld refinement of structural models, through rietx: the only door to it.

A refinement starts from cells and widths of a pattern fit without structure (`pattern_fit`), because the program finds
nothing from a cell 1 % off. The pattern was corrected for polarisation, so the program must not do it again.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import RefinementFailed
from lics_beamline.patterns.pattern import Pattern
from lics_beamline.patterns.second_line import SECOND_SHARE
from lics_beamline.physics.structure import Site
from lics_beamline.physics.unit_cell import UnitCell
from lics_beamline.refinement.agreement import Agreement, agreement
from lics_beamline.refinement.fit_choice import FitChoice
from lics_beamline.refinement.line_width import NAMES as WIDTH_NAMES
from lics_beamline.refinement.pattern_fit import PatternFit, fit_pattern
from lics_beamline.refinement.projection import usable
from lics_beamline.refinement.structural_model import StructuralModel

Array = npt.NDArray[np.float64]

UNPOLARISED_BEAM: Final = 1.0  # rietx: the factor is then 1 at every angle; 0 would be cos^2 of it
B_LIMITS_ANGSTROM2: Final = (0.0, 25.0)  # engineering values: beyond, an atom is not where the model has it
ANY_RADIUS_MM: Final = 185.0  # of a diffractometer: only the shift of lines over it is known, not the sample's in mm
OCCUPANCY_LIMIT: Final = 1.5  # above 1, so that a wrong site shows itself


@dataclass(frozen=True, slots=True, kw_only=True)
class RietveldChoice:
    """Settings of the refinement of models.

    Parameters
    ----------
    pattern : FitChoice
        Range, background, widths.
    shared_b : bool
        Give all atoms of a phase one B, where any of them is refined.
    method : {"rietveld", "le-bail"}
        Whether atoms give the intensities, or these are extracted and only cells and lines are refined.
    """

    pattern: FitChoice = field(default_factory=FitChoice)
    shared_b: bool = False
    method: Literal["rietveld", "le-bail"] = "rietveld"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefinedSite:
    """An atom after refinement.

    Parameters
    ----------
    site : Site
        The atom with its refined numbers.
    occupancy_sigma, b_sigma_angstrom2 : float
        Standard errors; 0 where held.
    """

    site: Site
    occupancy_sigma: float
    b_sigma_angstrom2: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CalculatedReflection:
    """|F|^2 of a family by the refined model.

    Parameters
    ----------
    h, k, l : int
        One of the family.
    multiplicity : int
        Planes of the family.
    two_theta_deg : float
        Angle of the reflection [deg].
    squared : float
        |F|^2 [electrons^2], with dispersion.
    """

    h: int
    k: int
    l: int  # noqa: E741  the crystallographer's name
    multiplicity: int
    two_theta_deg: float
    squared: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RefinedPhase:
    """A phase after refinement.

    Parameters
    ----------
    name : str
        Name of its model.
    cell, cell_sigma : UnitCell
        Cell and standard errors in the same places; 0 where symmetry fixes the number.
    sites : tuple of RefinedSite
        Its atoms.
    reflections : tuple of CalculatedReflection
        By rising angle.
    """

    name: str
    cell: UnitCell
    cell_sigma: UnitCell
    sites: tuple[RefinedSite, ...]
    reflections: tuple[CalculatedReflection, ...]

    def site(self, label: str) -> RefinedSite:
        """Return the atom of a label."""
        return next(each for each in self.sites if each.site.label == label)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RietveldFit:
    """A refined pattern.

    Parameters
    ----------
    phases : tuple of RefinedPhase
        The model first, then what else is there.
    two_theta_deg, observed, sigma, calculated, background : ndarray, shape (bins used,)
        The pattern and what describes it.
    agreement : Agreement
        R factors and chi^2.
    error_factor : float
        By which the program enlarged its errors for correlated bins.
    converged : bool
        False where the search stopped before it came to rest.
    remarks : tuple of str
        Warnings of the program.
    """

    phases: tuple[RefinedPhase, ...]
    two_theta_deg: Array
    observed: Array
    sigma: Array
    calculated: Array
    background: Array
    agreement: Agreement
    error_factor: float
    converged: bool
    remarks: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.phases[0].name


def rank(
    pattern: Pattern,
    models: Sequence[StructuralModel],
    others: Sequence[StructuralModel] = (),
    choice: RietveldChoice | None = None,
) -> tuple[RietveldFit, ...]:
    """Refine rival models of one phase and put the best first, by the background-subtracted weighted R.

    Parameters
    ----------
    pattern : Pattern
        The pattern.
    models : sequence of StructuralModel
        Rivals; cells within a line's width of where they are (`find_cell`).
    others : sequence of StructuralModel
        Other phases in the pattern, whichever rival is right.
    choice : RietveldChoice, optional
        Settings of the refinement.
    """
    fits = [refine(pattern, (model, *others), choice) for model in models]
    return tuple(sorted(fits, key=lambda fit: fit.agreement.r_wp_subtracted))


def refine(pattern: Pattern, models: Sequence[StructuralModel], choice: RietveldChoice | None = None) -> RietveldFit:
    """Refine models against a pattern.

    Parameters
    ----------
    pattern : Pattern
        Corrected for polarisation and solid angle.
    models : sequence of StructuralModel
        One for each phase; cells within a line's width of where they are (`find_cell`).
    choice : RietveldChoice, optional
        Settings of the refinement.

    Raises
    ------
    RefinementFailed
        If the pattern cannot bear the fit, or a phase vanishes from it.
    """
    from threadpoolctl import threadpool_limits

    choice = choice or RietveldChoice()
    start = fit_pattern(pattern, tuple(model.phase() for model in models), choice.pattern)
    with threadpool_limits(limits=1, user_api="blas"):
        return _refine(pattern, models, choice, start)


def _refine(
    pattern: Pattern, models: Sequence[StructuralModel], choice: RietveldChoice, start: PatternFit
) -> RietveldFit:
    import rietx

    data = usable(pattern, choice.pattern)
    structure = rietx.Structure(
        phases=[_phase(model, phase.cell) for model, phase in zip(models, start.phases, strict=True)]
    )
    refinement = rietx.Refinement(structure, _instrument(pattern, choice, start), history=False)
    if choice.shared_b:
        for index in range(len(models)):
            refinement.tie_equal([f"phases.{index}.atoms.*.biso"])
    with warnings.catch_warnings():
        # The program looks for peaks in a smooth pattern, to judge widths; flat ones are of no consequence.
        warnings.filterwarnings("ignore", message="some peaks have a (prominence|width) of 0")
        result = refinement.fit(
            rietx.PatternData(
                two_theta=data.two_theta_deg.tolist(), intensity=data.intensity.tolist(), sigma=data.sigma.tolist()
            ),
            mode="lebail" if choice.method == "le-bail" else "rietveld",
            plan=rietx.RefinementPlan(stages=_stages(models, choice)),
            telemetry=False,  # it writes ./.rietx/runs otherwise
        )
    if choice.method == "rietveld":
        _check_scales(result, models)
    return _result(refinement, result, models)


def _phase(model: StructuralModel, cell: UnitCell) -> Any:
    import rietx

    def number(value: float, low: float = -np.inf, high: float = np.inf) -> Any:
        return rietx.Parameter(value=value, min=low, max=high)

    names = ("a", "b", "c", "alpha", "beta", "gamma")
    return rietx.Phase(
        name=model.name,
        space_group=model.space_group,
        cell=rietx.Cell(**{name: number(value) for name, value in zip(names, cell.numbers, strict=True)}),
        atoms=[
            rietx.Atom(
                label=site.label,
                species=site.element,
                x=number(site.x),
                y=number(site.y),
                z=number(site.z),
                occ=number(site.occupancy, 0.0, OCCUPANCY_LIMIT),
                biso=number(site.b_iso_angstrom2, *B_LIMITS_ANGSTROM2),
            )
            for site in model.sites
        ],
        scale=number(1e-6, 0.0),
    )


def _instrument(pattern: Pattern, choice: RietveldChoice, start: PatternFit) -> Any:
    import rietx

    instrument = rietx.Instrument.debye_scherrer(pattern.wavelength_angstrom, polarization=UNPOLARISED_BEAM)
    if choice.pattern.second_angstrom is not None:
        weight = rietx.Parameter(value=SECOND_SHARE, min=0.0)
        instrument.source.lines.append(rietx.EmissionLine(wavelength=choice.pattern.second_angstrom, weight=weight))
    instrument.background = rietx.BackgroundChebyshev.with_terms(choice.pattern.background_terms)
    refined = {number.name: number.value for number in start.refined}
    for name, value in zip(WIDTH_NAMES, choice.pattern.widths.numbers, strict=True):
        getattr(instrument.profile, name).value = refined.get(name, value)  # the same letters mean the same there
    if "shift" in refined and choice.pattern.shift == "zero":
        instrument.zero_shift.value = refined["shift"]
    if "shift" in refined and choice.pattern.shift == "off-axis":
        instrument.geometry = rietx.Geometry(kind="bragg_brentano", goniometer_radius_mm=ANY_RADIUS_MM)
        instrument.geometry.sample_displacement.value = -np.radians(refined["shift"]) * ANY_RADIUS_MM / 2.0
    return instrument


def _stages(models: Sequence[StructuralModel], choice: RietveldChoice) -> list[Any]:
    import rietx

    positions: list[str] = []
    motions: list[str] = []
    names = {"occupancy": "occ", "b": "biso"}
    for p, model in enumerate(models):
        for a, flags in enumerate(model.refined):
            motions += [f"phases.{p}.atoms.{a}.{names[flag]}" for flag in sorted(flags & names.keys())]
            if flags - names.keys():  # the program moves an atom along what its site leaves free, not along x, y, z
                positions.append(f"phases.{p}.atoms.{a}.dof.*")
    lines = [f"instrument.profile.{name}" for name in choice.pattern.refined_widths]
    shifts = {"zero": "instrument.zero_shift", "off-axis": "instrument.geometry.sample_displacement"}
    lines += [shifts[choice.pattern.shift]] if choice.pattern.shift in shifts else []
    if choice.method == "le-bail":
        return [
            rietx.Stage("background", ["instrument.background.*"]),
            rietx.Stage("lines", ["phases.*.cell.*", *lines]),
        ]
    stages = [
        rietx.Stage("strength", ["phases.*.scale", "instrument.background.*"]),
        rietx.Stage("lines", ["phases.*.cell.*", *lines]),
    ]
    stages += [rietx.Stage("motion", motions)] if motions else []
    stages += [rietx.Stage("positions", positions)] if positions else []
    return stages


def _check_scales(result: Any, models: Sequence[StructuralModel]) -> None:
    found = {each.path: each for each in result.parameters}
    for index, model in enumerate(models):
        scale = found.get(f"phases.{index}.scale")
        if scale is None or not scale.value > 0.0 or scale.at_bound:
            raise RefinementFailed(
                f"{model.name} vanished from the refinement: its scale went to zero. Check its cell "
                f"(a = {model.cell.a_angstrom:.4f} angstrom) against the pattern, or leave the phase out.",
                phase=model.name,
            )


def _result(refinement: Any, result: Any, models: Sequence[StructuralModel]) -> RietveldFit:
    found = {each.path: each for each in result.parameters}
    observed, calculated, background, sigma = (
        np.asarray(values, dtype=np.float64)
        for values in (result.y_obs, result.y_calc, result.y_background, result.sigma)
    )
    rows = refinement.reflection_table()
    fitted = refinement.fitted_structure
    return RietveldFit(
        phases=tuple(
            _refined_phase(model, index, found, fitted.phases[index], [row for row in rows if row.phase_index == index])
            for index, model in enumerate(models)
        ),
        two_theta_deg=np.asarray(result.two_theta, dtype=np.float64),
        observed=observed,
        sigma=sigma,
        calculated=calculated,
        background=background,
        agreement=agreement(observed, calculated, background, sigma, free=int(result.statistics.n_free_parameters)),
        error_factor=float(result.statistics.esd_inflation or 1.0),
        converged=result.status == "converged",
        remarks=tuple(f"{each.code}: {each.message}" for each in result.diagnostics if each.level != "info"),
    )


def _refined_phase(
    model: StructuralModel, index: int, found: dict[str, Any], fitted: Any, rows: list[Any]
) -> RefinedPhase:
    names = ("a", "b", "c", "alpha", "beta", "gamma")
    path = f"phases.{index}"
    cell = [float(getattr(fitted.cell, name).value) for name in names]
    return RefinedPhase(
        name=model.name,
        cell=UnitCell(**dict(zip(UnitCell.__dataclass_fields__, cell, strict=True))),
        cell_sigma=UnitCell(
            **{
                field_name: _sigma(found, f"{path}.cell.{name}")
                for field_name, name in zip(UnitCell.__dataclass_fields__, names, strict=True)
            }
        ),
        sites=tuple(
            RefinedSite(
                site=replace(
                    site,
                    x=float(atom.x.value),
                    y=float(atom.y.value),
                    z=float(atom.z.value),
                    occupancy=float(atom.occ.value),
                    b_iso_angstrom2=float(atom.biso.value),
                ),
                occupancy_sigma=_sigma(found, f"{path}.atoms.{number}.occ"),
                b_sigma_angstrom2=_sigma(found, f"{path}.atoms.{number}.biso"),
            )
            for number, (site, atom) in enumerate(zip(model.sites, fitted.atoms, strict=True))
        ),
        reflections=tuple(
            CalculatedReflection(
                h=row.h,
                k=row.k,
                l=row.l,
                multiplicity=row.multiplicity,
                two_theta_deg=row.two_theta,
                squared=row.f_squared,
            )
            for row in sorted(rows, key=lambda row: row.two_theta)
        ),
    )


def _sigma(found: dict[str, Any], path: str) -> float:
    row = found.get(path)
    return float(row.stderr) if row is not None and row.stderr is not None else 0.0
