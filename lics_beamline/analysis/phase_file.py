"""An unknown phase as files: a CIF of its structure, and a phase that a recipe can name at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lics_beamline.analysis.quantity import written
from lics_beamline.errors import RefinementFailed
from lics_beamline.files.whole_file import write_whole
from lics_beamline.physics.unit_cell import space_group
from lics_beamline.refinement.rietveld import RefinedPhase, RefinedSite
from lics_beamline.structures.unknown_structure import UnknownStructure
from lics_beamline.units import KPA_PER_GPA

USUAL_WINDOW: Final = 0.015  # half width of the search as a fraction of a spacing, as of the library's phases
WIDE_WINDOW: Final = 0.025  # where the bulk modulus or the thermal pressure is a guess


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseFiles:
    """The files of a phase: ``unknown-1.cif`` and ``unknown-1.toml``, which names it."""

    cif: Path
    phase: Path


def write_phase_files(found: UnknownStructure, folder: Path, *, run: str) -> PhaseFiles:
    """Write the structure of an unknown phase as a CIF, and the phase as a recipe names it.

    Parameters
    ----------
    found : UnknownStructure
        Decided, with an equation of state.
    folder : Path
        Folder to write to; made if absent.
    run : str
        Named in the files.

    Raises
    ------
    RefinementFailed
        If its structure is not decided: files would pass it on as if it were.
    """
    refined, surface = found.refined, found.surface
    if not found.is_decided or refined is None or surface is None:
        raise RefinementFailed(
            f"the structure of {found.name} is not decided: {'; '.join(found.reasons) or 'no pattern was refined'}",
            phase=found.name,
        )
    folder.mkdir(parents=True, exist_ok=True)
    name = found.name.replace(" ", "-")
    cif, phase = folder / f"{name}.cif", folder / f"{name}.toml"
    write_whole(cif, _cif(found, refined.phases[0], name, run))
    equation = surface.equation
    held = f"; not determined, held: {', '.join(surface.held)}" if surface.held else ""
    is_guess = bool({"K0", "thermal pressure"} & set(surface.held))
    write_whole(
        phase,
        f"# {found.name} of run {run}: structure {found.verdict}. Cells of {surface.readings} points, which Vinet's "
        f"equation\n# meets to {100.0 * surface.misfit_relative:.2f} % of the volume{held}.\n"
        f'name = "{name}"\nrole = "sample"\ncif = "{cif.name}"\n'
        f"volume0_angstrom3 = {equation.volume0_angstrom3:.5f}\n"
        f"bulk_modulus_gpa = {equation.bulk_modulus_gpa:.4f}\n"
        f"bulk_modulus_slope = {equation.bulk_modulus_slope:.4f}\n"
        f"thermal_pressure_gpa_per_k = {equation.thermal_pressure_gpa_per_k:.5e}\n"
        f"window = {WIDE_WINDOW if is_guess else USUAL_WINDOW}\n",
    )
    return PhaseFiles(cif=cif, phase=phase)


def _cif(found: UnknownStructure, phase: RefinedPhase, name: str, run: str) -> str:
    from gemmi import cif

    best, rings = found.best, found.rings[0]
    group = space_group(best.arrangement.space_group if best else "P 1")
    document = cif.Document()
    block = document.add_new_block(name)
    numbers = zip(phase.cell.numbers, phase.cell_sigma.numbers, strict=True)
    tags = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
    pairs = {
        "_chemical_name_common": cif.quote(f"{found.name}, structure {found.verdict}"),
        "_diffrn_ambient_pressure": f"{rings.at.pressure_gpa * KPA_PER_GPA:.0f}",
        "_diffrn_ambient_temperature": f"{rings.at.temperature_k:.1f}",
        "_refine_special_details": cif.quote(f"point {rings.at.number} of run {run}; see the report beside this file"),
        **{f"_cell_{tag}": written(*number) for tag, number in zip(tags, numbers, strict=True)},
        "_space_group_name_H-M_alt": cif.quote(str(group.xhm())),
    }
    for tag, value in pairs.items():
        block.set_pair(tag, value)
    symmetry = block.init_loop("_space_group_symop_", ["operation_xyz"])
    for operation in group.operations():
        symmetry.add_row([cif.quote(operation.triplet())])
    columns = ["label", "type_symbol", "fract_x", "fract_y", "fract_z", "occupancy", "B_iso_or_equiv"]
    atoms = block.init_loop("_atom_site_", columns)
    for site in phase.sites:
        atoms.add_row(_row(site))
    return str(document.as_string())


def _row(refined: RefinedSite) -> list[str]:
    site = refined.site
    return [
        site.label,
        site.element,
        *(f"{number:.10g}" for number in (site.x, site.y, site.z)),
        written(round(site.occupancy, 4), refined.occupancy_sigma),
        written(round(site.b_iso_angstrom2, 3), refined.b_sigma_angstrom2),
    ]
