"""Patterns as columns of text: .xy (2theta, intensity), .xye (with its standard error), .chi (as FIT2D writes it)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from lics_beamline.exports.layouts import FIRST_COLUMN_UNITS
from lics_beamline.exports.provenance import point_name, says, title
from lics_beamline.exports.reduced_run import ReducedPoint, ReducedRun

Layout = Literal["xy", "xye", "chi"]


def write_columns(run: ReducedRun, folder: Path, *, layout: Layout) -> tuple[Path, ...]:
    """Write one file a point that was reduced.

    Parameters
    ----------
    run : ReducedRun
        The run to write.
    folder : Path
        Folder to write to; made if absent.
    layout : {"xy", "xye", "chi"}
        Two columns, three, or two below the heading of FIT2D.

    Returns
    -------
    tuple of Path
        The files, in the order of the points. Points that failed and empty bins are left out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return tuple(_write(run, point, folder, layout) for point in run.points if point.reduced)


def _write(run: ReducedRun, point: ReducedPoint, folder: Path, layout: Layout) -> Path:
    path = folder / f"{point_name(point)}.{layout}"
    if layout == "chi":
        return write_chi(path, (point.two_theta_deg, point.intensity), title(run, point))
    columns = [point.two_theta_deg, point.intensity]
    if layout == "xye":
        columns.append(point.intensity_sigma)
    return write_pattern(path, columns, says(run, point))


def write_chi(path: Path, columns: Sequence[npt.NDArray[np.float64]], name: str) -> Path:
    """Write one pattern in the layout of FIT2D: title, what each axis is, number of points, two columns.

    Parameters
    ----------
    path : Path
        The file.
    columns : sequence of ndarray, shape (bins,)
        2theta [deg] and intensity [counts a pixel]; empty bins (NaN) are left out.
    name : str
        The title.
    """
    table = rows(columns)
    header = "\n".join((name, "2-Theta Angle (Degrees)", "Intensity", f"       {len(table)}"))
    np.savetxt(path, table, fmt=("%14.6e", "%14.6e"), header=header, comments="")
    return path


def rows(columns: Sequence[npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
    """Return columns of a pattern as rows, shape (bins that are not empty, columns)."""
    table = np.column_stack(columns)
    return table[np.isfinite(table).all(axis=1)]


def write_pattern(
    path: Path, columns: Sequence[npt.NDArray[np.float64]], lines: Sequence[str], *, unit: str = "2theta"
) -> Path:
    """Write one pattern.

    Parameters
    ----------
    path : Path
        The file.
    columns : sequence of ndarray, shape (bins,)
        First column, intensity [counts a pixel], and optionally its standard error; empty bins (NaN) are left out.
    lines : sequence of str
        Comment lines.
    unit : {"2theta", "q", "d"}
        What the first column is, as in `FIRST_COLUMN_UNITS`.
    """
    table = rows(columns)
    header = "\n".join(
        (
            *lines,
            f"columns: {FIRST_COLUMN_UNITS[unit]}  intensity [counts a pixel]"
            + ("  standard error" if len(columns) > 2 else ""),
        )
    )
    np.savetxt(
        path, table, fmt=("%.5f" if unit == "2theta" else "%.7f", *["%.8g"] * (table.shape[1] - 1)), header=header
    )
    return path
