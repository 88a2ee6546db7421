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
Flags = npt.NDArray[np.bool_]

SAME_SPACING: Final = 1e-4  # relative: lines of one lattice closer than this are one
MOST_LINES: Final = 24  # of a lattice, by falling spacing: further out they lie too densely to tell
SAME_PLACE_FWHM: Final = 0.2  # between a peak and where the lattice has it
BY_CHANCE: Final = 1e-6  # that so many peaks lie where the lattice has lines: they are no chance
CUBES_ALIKE: Final = (
    "P",
    "I",
)  # of edges a and sqrt(2) a: h^2 + k^2 + l^2 of 1 to 6 of the one are 2 to 12 of the other
MOST_SQUARES: Final = 30  # h^2 + k^2 + l^2 of the primitive one of them up to which these are looked for
SIGNS_NEEDED: Final = 2  # lines that only the other one has and are seen, or that only this one has and are not


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


def is_nearly_another(
    centring: str,
    a_angstrom: float,
    squares: npt.NDArray[np.int64],
    seen: Flags,
    less: Flags,
    peak_deg: Array,
    fwhm_deg: Array,
    *,
    wavelength_angstrom: float,
) -> bool:
    """Tell whether the lines of a cube are rather those of the one that is nearly alike, of which nobody knows.

    A body-centred cube of edge sqrt(2) a and a primitive one of edge a have most lines in common. Of a phase none of
    whose own lines is seen, what it lacks and what is seen of the other one are signs against it.

    Parameters
    ----------
    centring : str
        Of the lattice of the phase: only P and I have one that is nearly alike.
    a_angstrom : float
        Its edge [angstrom].
    squares : ndarray of int64, shape (lines,)
        h^2 + k^2 + l^2 of its lines.
    seen, less : ndarray of bool, shape (lines,)
        Those that are seen, and those that are far less than they should be.
    peak_deg, fwhm_deg : ndarray, shape (peaks,)
        Angles and widths of peaks that no other phase explains [deg].
    wavelength_angstrom : float
        X-ray wavelength [angstrom].
    """
    if centring not in CUBES_ALIKE:
        return False
    unit = 1 if centring == "P" else 2  # of the squares of the phase, in those of the primitive cube
    primitive = _sums_of_three_squares(2 * MOST_SQUARES)
    centred = {number // 2 for number in primitive if number % 2 == 0}
    primitive = {number for number in primitive if number <= MOST_SQUARES}
    of_phase, of_other = (primitive, centred) if centring == "P" else (centred, primitive)
    own = np.isin(squares, [unit * number for number in of_phase - of_other])
    if np.any(seen & own):
        return False
    sine = wavelength_angstrom / (2.0 * a_angstrom) * np.sqrt([unit * number for number in of_other - of_phase])
    angle = 2.0 * np.degrees(np.arcsin(sine[sine < 1.0]))
    there = np.any(np.abs(peak_deg - angle[:, None]) < SAME_PLACE_FWHM * fwhm_deg, axis=1)
    return bool(np.count_nonzero(there) + np.count_nonzero(less & own) >= SIGNS_NEEDED)


def _sums_of_three_squares(most: int) -> set[int]:
    roots = range(math.isqrt(most) + 1)
    every = {h * h + k * k + l * l for h in roots for k in roots for l in roots}  # noqa: E741
    return {number for number in every if 0 < number <= most}
