"""Everything about the points of a run but the patterns, as one table of comma-separated values."""

from __future__ import annotations

import csv
from dataclasses import fields
from pathlib import Path
from typing import Final

from lics_beamline.exports.reduced_run import ARRAYS, OF_UNKNOWN, UNNAMED, PhaseInPoint, ReducedPoint, ReducedRun

FORMULA_BEGINS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")  # OWASP, CSV Injection
OF_A_PHASE: Final = ("a", "b", "c", "a_sigma", "fraction")


def write_table(run: ReducedRun, folder: Path) -> tuple[Path, ...]:
    """Write ``points.csv``: a line a point, also for points that failed, in the order of the path.

    Parameters
    ----------
    run : ReducedRun
        The run to write.
    folder : Path
        Folder to write to; made if absent.

    Returns
    -------
    tuple of Path
        The one file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    columns = [
        field.name for field in fields(ReducedPoint) if field.name not in (*ARRAYS, *OF_UNKNOWN, "phases", "image")
    ]
    columns += UNNAMED if any(point.unknown_phases for point in run.points) else []
    columns += ["image"] if any(point.image for point in run.points) else []
    names = list(dict.fromkeys(phase.name for point in run.points for phase in point.phases))
    path = folder / "points.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow([*columns, "phases", *(safe_cell(f"{name} {what}") for name in names for what in OF_A_PHASE)])
        for point in sorted(run.points, key=lambda point: point.index):
            found = " ".join(phase.name for phase in point.phases)
            of_phases = [value for name in names for value in _of_phase(point.phase(name))]
            table.writerow([*(_written(getattr(point, column)) for column in columns), safe_cell(found), *of_phases])
    return (path,)


def _of_phase(phase: PhaseInPoint | None) -> tuple[object, ...]:
    """Return the columns of one phase; empty ones where it was not found."""
    if phase is None:
        return ("",) * len(OF_A_PHASE)
    return (*(phase.cell.get(edge, "") for edge in ("a", "b", "c")), phase.cell_sigma["a"], phase.fraction)


def _written(value: object) -> object:
    if isinstance(value, tuple):
        between = ", " if any(isinstance(part, str) for part in value) else " "
        value = between.join(str(part) for part in value)
    return safe_cell(value)


def safe_cell(value: object) -> object:
    """Return what may stand in a cell: a text that a spreadsheet would take for a formula gets an apostrophe before it.

    Parameters
    ----------
    value : object
        A number stays what it is, and so does a text that is one: ``-1.2``.
    """
    if not isinstance(value, str) or not value.lstrip(" ").startswith(FORMULA_BEGINS):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value
