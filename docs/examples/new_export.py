"""An export: one JSON file a point, with pattern and pressure."""

from __future__ import annotations

import json
from pathlib import Path

from lics_beamline.exports.provenance import point_name
from lics_beamline.exports.reduced_run import ReducedRun


def write_json(run: ReducedRun, folder: Path) -> tuple[Path, ...]:
    """Write one file a point that was reduced.

    Parameters
    ----------
    run : ReducedRun
        What to write.
    folder : Path
        Where to; made if absent.

    Returns
    -------
    tuple of Path
        The files, in the order of the points.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for point in run.points:
        if not point.reduced:
            continue
        path = folder / f"{point_name(point)}.json"
        content = {
            "pressure_gpa": point.pressure_gpa,
            "pressure_sigma_gpa": point.pressure_sigma_gpa,
            "temperature_k": point.temperature_k,
            "wavelength_angstrom": run.wavelength_angstrom,
            "two_theta_deg": point.two_theta_deg.tolist(),
            "intensity": point.intensity.tolist(),
        }
        path.write_text(json.dumps(content), encoding="utf-8")
        written.append(path)
    return tuple(written)
