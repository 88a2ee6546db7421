"""Input files for TOPAS: the data of a point and what a Rietveld refinement of the phases found starts from.

References
----------
A. A. Coelho, J. Appl. Cryst. 51, 210 (2018), and the TOPAS technical reference: ``LP_Factor(90)`` leaves the Lorentz
factor of a powder, 1/(sin^2 theta cos theta), and no polarisation.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from lics_beamline.exports.ascii_lines import write_lines
from lics_beamline.exports.columns import write_columns
from lics_beamline.exports.provenance import point_name, says, title
from lics_beamline.exports.reduced_run import ReducedPoint, ReducedRun
from lics_beamline.exports.starting_model import StartingModel, starting_models
from lics_beamline.exports.starting_width import starting_width
from lics_beamline.physics.unit_cell import FREE

BACKGROUND_TERMS: Final = 12  # air, Compton and diamond need so many
NAMES: Final = ("a", "b", "c", "al", "be", "ga")


def write_topas(run: ReducedRun, folder: Path) -> tuple[Path, ...]:
    """Write ``.xye`` and ``.inp`` of each reduced point.

    Parameters
    ----------
    run : ReducedRun
        The run to write.
    folder : Path
        Folder to write to; made if absent.

    Returns
    -------
    tuple of Path
        The data files, then the inputs.
    """
    data = write_columns(run, folder, layout="xye")
    return (*data, *(_input(run, point, folder) for point in run.points if point.reduced))


def _input(run: ReducedRun, point: ReducedPoint, folder: Path) -> Path:
    width = starting_width(run.pattern(point)).fwhm_deg
    lines = [
        *(f"' {line}" for line in (title(run, point), *says(run, point))),
        "r_wp 0",
        f'xdd "{point_name(point)}.xye" xye_format',
        "   bkg @ " + " ".join("0" for _ in range(BACKGROUND_TERMS)),
        "   LP_Factor(90)  ' polarisation is corrected in the data",
        f"   lam ymin_on_ymax 0.0001 la 1 lo {run.wavelength_angstrom:.6f} lh 0",
        f"   TCHZ_Peak_Type(, 0, , 0, @, {width**2:.6f}, , 0, , 0, , 0)",
    ]
    for model in starting_models(run, point):
        lines += _structure(model)
    path = folder / f"{point_name(point)}.inp"
    return write_lines(path, lines)


def _structure(model: StartingModel) -> list[str]:
    structure = model.structure
    return [
        "   str",
        f'      phase_name "{model.name}"',
        f'      space_group "{structure.space_group.replace(" ", "")}"',
        *(f"      {entry}" for entry in _cell(model)),
        "      scale @ 1e-5",
        *(
            f"      site {site.label} x {site.x:.6f} y {site.y:.6f} z {site.z:.6f} "
            f"occ {site.element} {site.occupancy:.4f} beq {site.b_iso_angstrom2:.4f}"
            for site in structure.sites
        ),
    ]


def _cell(model: StartingModel) -> list[str]:
    """Cell parameters: free ones refined, equal ones tied to the first, fixed ones as numbers."""
    entries = []
    places = FREE[model.system]
    for number, (name, place) in enumerate(zip(NAMES, places, strict=True)):
        value = model.structure.cell.numbers[number]
        if not isinstance(place, int):
            entries.append(f"{name} {value:g}")
        elif places.index(place) == number:
            entries.append(f"{name} @ {value:.6f}")
        else:
            entries.append(f"{name} = Get({NAMES[places.index(place)]});")
    return entries
