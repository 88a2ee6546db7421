"""A frame over scattering angle and azimuth, on which a ring of a powder is a straight line: a cake.

Azimuths are pyFAI's, from axis 2 towards axis 1 as the geometry's orientation has them, -180 to 180 deg. Each pixel
counts in one cell, as in a pattern, and spots are kept: a cake is there to show them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.frames.counts import Counts

Array = npt.NDArray[np.float64]

HALF_TURN_DEG: Final = 180.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cake:
    """A frame over scattering angle and azimuth.

    Parameters
    ----------
    two_theta_deg : ndarray, shape (angles,)
        Centres of the columns [deg].
    azimuth_deg : ndarray, shape (azimuths,)
        Centres of the rows [deg].
    intensity : ndarray, shape (azimuths, angles)
        Mean corrected counts a pixel; NaN where there is no pixel.
    weight : ndarray, shape (azimuths, angles)
        What the counts of a cell were divided by: solid angle times polarisation, added up over its pixels.
    counted : ndarray of int64, shape (azimuths, angles)
        Pixels of each cell.
    wavelength_angstrom : float
        X-ray wavelength [angstrom].
    """

    two_theta_deg: Array
    azimuth_deg: Array
    intensity: Array
    weight: Array
    counted: npt.NDArray[np.int64]
    wavelength_angstrom: float


def cake_of(
    frame: Counts,
    used: npt.NDArray[np.bool_],
    weight: npt.NDArray[np.float32],
    *,
    two_theta_deg: npt.NDArray[np.floating],
    azimuth_deg: npt.NDArray[np.floating],
    range_deg: tuple[float, float],
    cells: tuple[int, int],
    wavelength_angstrom: float,
) -> Cake:
    """Sort the pixels of a frame into cells of angle and azimuth.

    Parameters
    ----------
    frame : ndarray of int32 or float32, shape (rows, columns)
        Counts, less what is none of the sample.
    used : ndarray of bool
        Pixels that count.
    weight : ndarray of float32
        By which counts are divided: solid angle, polarisation, response.
    two_theta_deg, azimuth_deg : ndarray
        Of each pixel [deg].
    range_deg : tuple of float
        Where the first column begins and the last ends [deg].
    cells : tuple of int
        Columns and rows: over the range, and over a whole turn.
    wavelength_angstrom : float
        X-ray wavelength [angstrom].
    """
    (low, high), (columns, rows) = range_deg, cells
    inside = np.flatnonzero(used & (two_theta_deg >= low) & (two_theta_deg <= high))
    column = _place(two_theta_deg.ravel()[inside], low, high, columns)
    row = _place(azimuth_deg.ravel()[inside], -HALF_TURN_DEG, HALF_TURN_DEG, rows)
    cell = row * columns + column
    of_pixel = weight.ravel()[inside].astype(np.float64)
    counts = np.bincount(cell, weights=frame.ravel()[inside].astype(np.float64), minlength=rows * columns)
    weights: Array = np.bincount(cell, weights=of_pixel, minlength=rows * columns).astype(np.float64)
    intensity = np.divide(counts, weights, out=np.full(rows * columns, np.nan), where=weights > 0.0)
    return Cake(
        two_theta_deg=low + (np.arange(columns) + 0.5) * (high - low) / columns,
        azimuth_deg=-HALF_TURN_DEG + (np.arange(rows) + 0.5) * 2.0 * HALF_TURN_DEG / rows,
        intensity=intensity.reshape(rows, columns),
        weight=weights.reshape(rows, columns),
        counted=np.bincount(cell, minlength=rows * columns).reshape(rows, columns).astype(np.int64),
        wavelength_angstrom=wavelength_angstrom,
    )


def _place(values: npt.NDArray[np.floating], low: float, high: float, cells: int) -> npt.NDArray[np.intp]:
    number = np.floor((values.astype(np.float64) - low) * (cells / (high - low)))
    return np.clip(number, 0, cells - 1).astype(np.intp)
