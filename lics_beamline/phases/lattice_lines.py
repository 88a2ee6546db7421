"""Lines that a lattice has and a structure on it does not: where they are seen as well, another phase has the lattice.

A diamond has the lines 111, 220 and 311 of its cube. A primitive cubic crystal of the same edge has these too, with
100, 110, 200, 210 beside them, and where that crystal is compressed its edge passes that of the diamond. The two cannot
be told by the lines that both have; by those that only one has they can.
"""

from __future__ import annotations

import itertools
import math
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.physics.unit_cell import UnitCell

Array = npt.NDArray[np.float64]

SAME_SPACING: Final = 1e-4  # relative: lines of one lattice closer than this are one
MOST_LINES: Final = 24  # of a lattice, by falling spacing: further out they lie too densely to tell
SAME_PLACE_FWHM: Final = 0.2  # between a peak and where the lattice has it
BY_CHANCE: Final = 1e-6  # that so many peaks lie where the lattice has lines: they are no chance


def is_lattice_of_another(
    cell: UnitCell,
    spacing: Array,
    peak_deg: Array,
    fwhm_deg: Array,
    *,
    range_deg: tuple[float, float],
    wavelength_angstrom: float,
) -> bool:
    """Tell whether more peaks than by chance lie where a cell has lines and a structure in it has none.

    Parameters
    ----------
    cell : UnitCell
        The cell.
    spacing : ndarray, shape (lines,)
        Spacings of the lines of the structure [angstrom].
    peak_deg, fwhm_deg : ndarray, shape (peaks,)
        Angles and widths of peaks that nothing explains [deg].
    range_deg : tuple of float
        First and last angle of the pattern [deg].
    wavelength_angstrom : float
        X-ray wavelength [angstrom].
    """
    from scipy.stats import binom

    if not peak_deg.size:
        return False
    sine = wavelength_angstrom / (2.0 * _spacings_without(cell, spacing, range_deg, wavelength_angstrom))
    angle = 2.0 * np.degrees(np.arcsin(sine))
    hits = np.any(np.abs(peak_deg - angle[:, None]) < SAME_PLACE_FWHM * fwhm_deg, axis=1)
    chance = min(2.0 * SAME_PLACE_FWHM * float(fwhm_deg.sum()) / (range_deg[1] - range_deg[0]), 1.0)
    return bool(binom.sf(np.count_nonzero(hits) - 1, hits.size, chance) < BY_CHANCE)


def _spacings_without(
    cell: UnitCell, spacing: Array, range_deg: tuple[float, float], wavelength_angstrom: float
) -> Array:
    """Return the largest spacings of a cell in a range of angle, but for those given [angstrom]."""
    most, least = (wavelength_angstrom / 2.0 / math.sin(math.radians(angle) / 2.0) for angle in range_deg)
    reach = [math.ceil(edge / least) for edge in cell.numbers[:3]]
    every = np.array(list(itertools.product(range(reach[0] + 1), *(range(-n, n + 1) for n in reach[1:]))))
    found = np.unique(cell.inverse_d_squared(every[np.any(every != 0, axis=1)])) ** -0.5
    found = found[(found < most) & (found > least)]
    found = found[np.insert(-np.diff(np.log(found)) > SAME_SPACING, 0, True)] if found.size else found
    new = np.all(np.abs(np.log(found[:, None] / spacing)) > SAME_SPACING, axis=1)
    return np.asarray(found[new][:MOST_LINES])
