"""Patterns for FullProf: data files of its free format with errors, Ins = 10.

References
----------
J. Rodriguez-Carvajal, FullProf manual, "Ins = 10": XYDATA, five heading lines of which the second and third may state
interpolation and temperature, then 2theta, intensity, standard error.
"""

from __future__ import annotations

from pathlib import Path

from lics_beamline.exports.ascii_lines import write_lines
from lics_beamline.exports.columns import rows
from lics_beamline.exports.fullprof_control import write_control
from lics_beamline.exports.provenance import point_name, says, title
from lics_beamline.exports.reduced_run import ReducedPoint, ReducedRun


def write_fullprof(run: ReducedRun, folder: Path) -> tuple[Path, ...]:
    """Write a ``.dat`` and a ``.pcr`` of each reduced point.

    Parameters
    ----------
    run : ReducedRun
        The run to write.
    folder : Path
        Folder to write to; made if absent.

    Returns
    -------
    tuple of Path
        The files, two a point.
    """
    folder.mkdir(parents=True, exist_ok=True)
    points = [point for point in run.points if point.reduced]
    return tuple(path for point in points for path in (_data(run, point, folder), write_control(run, point, folder)))


def _data(run: ReducedRun, point: ReducedPoint, folder: Path) -> Path:
    table = rows((point.two_theta_deg, point.intensity, point.intensity_sigma))
    lines = [
        "XYDATA",
        f"INTER 1.0 1.0 0 {run.pattern(point).step_deg:.7f}",
        "! temperature not known" if point.image else f"TEMP {point.temperature_k:.2f}",
        *(f"! {line}" for line in says(run, point)),
        f"! {title(run, point)}",
        *(f"{x:12.5f} {y:16.7g} {e:16.7g}" for x, y, e in table),
    ]
    path = folder / f"{point_name(point)}.dat"
    return write_lines(path, lines)
