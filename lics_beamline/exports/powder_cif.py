"""Patterns as powder CIF, one data block a point.

References
----------
B. H. Toby, International Tables for Crystallography G (2006), ch. 3.3: the powder dictionary. The weight of a point is
one over its variance; pressures are in kPa, temperatures in K (core dictionary).
"""

from __future__ import annotations

import math
from pathlib import Path

from lics_beamline.exports.columns import rows
from lics_beamline.exports.provenance import point_name, says, title
from lics_beamline.exports.reduced_run import ReducedPoint, ReducedRun
from lics_beamline.units import KPA_PER_GPA


def write_powder_cif(run: ReducedRun, folder: Path) -> tuple[Path, ...]:
    """Write a ``.cif`` of each reduced point.

    Parameters
    ----------
    run : ReducedRun
        The run to write.
    folder : Path
        Folder to write to; made if absent.

    Returns
    -------
    tuple of Path
        The files, in the order of the points.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return tuple(_write(run, point, folder) for point in run.points if point.reduced)


def _known(value: float, digits: str) -> str:
    """Return a number, or what a CIF has for one that nobody knows."""
    return f"{value:{digits}}" if math.isfinite(value) else "?"


def _write(run: ReducedRun, point: ReducedPoint, folder: Path) -> Path:
    from gemmi import cif

    table = rows((point.two_theta_deg, point.intensity, point.intensity_sigma))
    document = cif.Document()
    block = document.add_new_block(point_name(point).replace("+", "p"))
    pairs = {
        "_pd_block_id": cif.quote(f"{run.start['uid']}|{point.index}|lics_beamline"),
        "_pd_meas_info_author_name": cif.quote(str(run.start.get("operator", "")) or "?"),
        "_chemical_name_common": cif.quote(run.sample or "?"),
        "_diffrn_ambient_pressure": _known(point.pressure_gpa * KPA_PER_GPA, ".0f"),
        "_diffrn_ambient_temperature": _known(point.temperature_k, ".2f"),
        "_diffrn_radiation_probe": "x-ray",
        "_diffrn_radiation_wavelength": f"{run.wavelength_angstrom:.6f}",
        "_pd_proc_number_of_points": str(len(table)),
        "_pd_proc_2theta_range_min": f"{table[0, 0]:.5f}",
        "_pd_proc_2theta_range_max": f"{table[-1, 0]:.5f}",
        "_pd_proc_2theta_range_inc": f"{run.pattern(point).step_deg:.7f}",
        "_pd_proc_info_data_reduction": cif.quote("\n".join((title(run, point), *says(run, point)))),
    }
    for tag, value in pairs.items():
        block.set_pair(tag, value)
    loop = block.init_loop("_pd_proc_", ["2theta_corrected", "intensity_total", "ls_weight"])
    for angle, intensity, sigma in table:
        loop.add_row([f"{angle:.5f}", f"{intensity:.7g}", f"{sigma**-2:.9g}"])
    path = folder / f"{point_name(point)}.cif"
    document.write_file(str(path))
    return path
