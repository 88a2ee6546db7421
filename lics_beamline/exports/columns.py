"""Patterns as columns of text: .xy (2theta, intensity) and .xye (with its standard error)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from lics_beamline.exports.reduced_run import ReducedPoint, ReducedRun

Layout = Literal["xy", "xye"]


def write_columns(run: ReducedRun, folder: Path, *, layout: Layout) -> tuple[Path, ...]:
    """Write one file a point that was reduced.

    Parameters
    ----------
    run : ReducedRun
        What to write.
    folder : Path
        Where to; made if absent.
    layout : {"xy", "xye"}
        Two columns, or three.

    Returns
    -------
    tuple of Path
        The files, in the order of the points. Points that failed and empty bins are left out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return tuple(_write(run, point, folder, layout) for point in run.points if point.reduced)


def _write(run: ReducedRun, point: ReducedPoint, folder: Path, layout: Layout) -> Path:
    columns = [point.two_theta_deg, point.intensity]
    if layout == "xye":
        columns.append(point.intensity_sigma)
    path = folder / f"point-{point.index:03d}_{point.pressure_gpa:.2f}GPa_{point.temperature_k:.0f}K.{layout}"
    return write_pattern(
        path,
        columns,
        (
            f"{run.start.get('sample', {}).get('name', '')}, point {point.index}, {point.leg}",
            f"P = {point.pressure_gpa:.4f} +- {point.pressure_sigma_gpa:.4f} (stat) "
            f"+- {point.pressure_systematic_gpa:.4f} (syst) GPa, T = {point.temperature_k:.2f} K, "
            f"load = {point.load_bar:.3f} bar",
            f"wavelength = {run.wavelength_angstrom:.6f} angstrom",
            f"raw run {run.start['raw_uid']}, recipe {run.start['recipe_digest']}",
        ),
    )


def write_pattern(path: Path, columns: Sequence[npt.NDArray[np.float64]], says: Sequence[str]) -> Path:
    """Write one pattern.

    Parameters
    ----------
    path : Path
        The file.
    columns : sequence of ndarray, shape (bins,)
        2theta [deg], intensity [counts a pixel], and optionally its standard error; empty bins (NaN) are left out.
    says : sequence of str
        Comment lines.
    """
    table = np.column_stack(columns)
    table = table[np.isfinite(table).all(axis=1)]
    header = "\n".join(
        (
            *says,
            "polarisation and solid angle are corrected: switch both off in the refinement",
            "columns: 2theta [deg]  intensity [counts a pixel]" + ("  standard error" if len(columns) > 2 else ""),
        )
    )
    np.savetxt(path, table, fmt=("%.5f", *["%.6g"] * (table.shape[1] - 1)), header=header)
    return path
