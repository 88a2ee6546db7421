"""Everything about the points of a run but the patterns, as one table of comma-separated values."""

from __future__ import annotations

import csv
from dataclasses import fields
from pathlib import Path

from lics_beamline.exports.reduced_run import ARRAYS, ReducedPoint, ReducedRun


def write_table(run: ReducedRun, folder: Path) -> tuple[Path, ...]:
    """Write ``points.csv``: a line a point, also for points that failed, in the order of the path.

    Parameters
    ----------
    run : ReducedRun
        What to write.
    folder : Path
        Where to; made if absent.

    Returns
    -------
    tuple of Path
        The one file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    columns = [field.name for field in fields(ReducedPoint) if field.name not in ARRAYS]
    path = folder / "points.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(columns)
        for point in sorted(run.points, key=lambda point: point.index):
            table.writerow([_cell(getattr(point, column)) for column in columns])
    return (path,)


def _cell(value: object) -> object:
    return " ".join(value) if isinstance(value, tuple) else value
