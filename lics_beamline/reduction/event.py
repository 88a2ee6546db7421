"""What of a reduced point goes into its event: the fields a recipe gives rise to, and their values."""

from __future__ import annotations

import math
from typing import Any, Final

from lics_beamline import schema
from lics_beamline.discovery.point_lines import lines_text
from lics_beamline.discovery.survey import Finding
from lics_beamline.physics.gauge import GaugeReading
from lics_beamline.physics.unit_cell import free_names
from lics_beamline.reduction.point import GivenState, PointReduction
from lics_beamline.reduction.recipe import Recipe

MASKED_WORTH_A_NOTE: Final = 0.1  # more of the plate under mask than any beam stop covers
UNKNOWN_AREA_DOUBT: Final = (
    0.2  # relative, of the area of all lines of a phase: grains, texture, lines hidden by others
)
NEW_PHASE_PEAKS: Final = 2  # unknown peaks that are worth a note: one may be a spot that was not rejected


def fields_of(recipe: Recipe) -> tuple[schema.Field, ...]:
    """Return the fields of the points that a recipe reduces: those of every point, and those of its phases."""
    of_phases = [
        field
        for phase in recipe.phases
        for field in schema.phase_fields(phase.field, free_names(phase.system), of_sample=phase.role == "sample")
    ]
    return (*schema.reduced_fields(recipe.frames.bins), *of_phases)


def _of_phases(reduced: PointReduction, recipe: Recipe) -> dict[str, float]:
    """Return the fields of the phases that were found; of the sample's others, that there is none of them."""
    fields: dict[str, float] = {}
    if any(found.role == "sample" for found in reduced.phases):
        fields = {f"{phase.field}_fraction": 0.0 for phase in recipe.phases if phase.role == "sample"}
    for found in reduced.phases:
        begins = found.name.replace("-", "_")
        for name, number, sigma in zip(
            free_names(found.system), found.cell.free(found.system), found.sigma, strict=True
        ):
            unit = "angstrom" if name in ("a", "b", "c") else "deg"
            fields |= {f"{begins}_{name}_{unit}": float(number), f"{begins}_{name}_sigma_{unit}": sigma}
        fields |= {f"{begins}_scale": found.scale, f"{begins}_scale_sigma": found.scale_sigma}
        if found.role == "sample":
            fields |= {f"{begins}_fraction": found.fraction, f"{begins}_fraction_sigma": found.fraction_sigma}
    return fields


def _of_state(state: GaugeReading | GivenState) -> dict[str, float]:
    """Return pressure and temperature with what they rest on; NaN for what was not measured here."""
    if isinstance(state, GivenState):
        return {
            "temperature_k": state.temperature_k,
            "pressure_gpa": state.pressure_gpa,
            "pressure_sigma_gpa": state.pressure_sigma_gpa,
            "pressure_systematic_gpa": math.nan,
            "ruby_r1_nm": math.nan,
            "ruby_r1_sigma_nm": math.nan,
            "ruby_temperature_k": math.nan,
        }
    return {
        "temperature_k": state.temperature.kelvin,
        "pressure_gpa": state.pressure.gpa,
        "pressure_sigma_gpa": state.pressure.sigma_gpa,
        "pressure_systematic_gpa": state.pressure.systematic_gpa,
        "ruby_r1_nm": state.line.r1_nm,
        "ruby_r1_sigma_nm": state.line.r1_sigma_nm,
        "ruby_temperature_k": state.pressure.temperature_k,
    }


def _note(reduced: PointReduction) -> str:
    """Return what to look at, for people."""
    notes = []
    if reduced.pattern.masked_fraction > MASKED_WORTH_A_NOTE:
        masked = f"{100.0 * reduced.pattern.masked_fraction:.0f} % of the plate is masked"
        notes.append(f"{masked}: shadow or saturation. Look at the image.")
    if isinstance(reduced.state, GaugeReading) and reduced.state.line.doubt:
        notes.append(f"{reduced.state.line.doubt[0].upper()}{reduced.state.line.doubt[1:]}")
    notes += [f"{warning[0].upper()}{warning[1:]}" for warning in reduced.warnings]
    missing = _not_given(reduced.state)
    if missing:
        notes.append(f"{missing} was not given: no phase was sought.")
    if len(reduced.unknown) >= NEW_PHASE_PEAKS:
        spacings = ", ".join(f"{peak.d_angstrom:.3f}" for peak in reduced.unknown)
        notes.append(f"{len(reduced.unknown)} peaks of no phase of the recipe, perhaps a new one: d = {spacings} A.")
    return " ".join(notes)


def _not_given(state: GaugeReading | GivenState) -> str:
    """Return what of pressure and temperature nobody gave; empty where nothing is missing."""
    if not isinstance(state, GivenState):
        return ""
    given = (("pressure", state.pressure_gpa), ("temperature", state.temperature_k))
    return " and ".join(name for name, value in given if not math.isfinite(value))


def event_data(reduced: PointReduction, recipe: Recipe) -> dict[str, Any]:
    """Return a reduced point as the data of an event; phases that were not found have no fields in it.

    Parameters
    ----------
    reduced : PointReduction
        The point.
    recipe : Recipe
        The recipe it was reduced by.
    """
    pattern = reduced.pattern
    return {
        **_of_state(reduced.state),
        "two_theta_deg": pattern.two_theta_deg,
        "intensity": pattern.intensity,
        "intensity_sigma": pattern.sigma,
        "graininess": pattern.graininess,
        "rejected_fraction": pattern.rejected_fraction,
        **_of_phases(reduced, recipe),
        "unknown_peaks": len(reduced.unknown),
        "unknown_d_angstrom": " ".join(f"{peak.d_angstrom:.4f}" for peak in reduced.unknown),
        "lines": lines_text(reduced.lines),
        "phases": ",".join(phase.name for phase in reduced.phases),
        "reduced": True,
        "note": _note(reduced),
    }


def finding_data(finding: Finding, recipe: Recipe) -> dict[str, Any]:
    """Return what a point adds to what is known of unknown phases, as data of its event.

    Parameters
    ----------
    finding : Finding
        What the point added.
    recipe : Recipe
        Says which phases are of the sample.
    """
    sample = {phase.name for phase in recipe.phases if phase.role == "sample"}
    unknown = sum(line.peak.area for phase in finding.phases for line in phase.newest_lines)
    known = sum(line.peak.area for line in finding.point.lines if line.phase in sample)
    part = unknown / (unknown + known) if unknown else 0.0
    return {
        "unknown_phases": ",".join(phase.name for phase in finding.phases),
        "unknown_fraction": part,
        "unknown_fraction_sigma": UNKNOWN_AREA_DOUBT * part * (1.0 - part),
        "new_phases": ",".join(finding.new),
        "changes": str(finding.change) if finding.change is not None else "",
    }
