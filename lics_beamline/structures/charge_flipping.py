"""Phases that no atom gives: charge flipping, from the intensities of rings to densities in P1.

A density of atoms is nearly zero in most of the cell. Starting from random phases the density below a small threshold
changes its sign, the phases of what comes out are kept and the amplitudes are those of the data; now and then that ends
in a density of atoms, at an arbitrary origin. No contents, no symmetry, no positivity is put in. Families of planes
that share a ring, which a powder does not part, share its intensity as the density of the cycle before has it.

References
----------
G. Oszlanyi and A. Suto, Acta Cryst. A60, 134 (2004), doi 10.1107/S0108767303027569; A61, 147 (2005): weak planes.
J. S. Wu, K. Leinenweber, J. C. H. Spence and M. O'Keeffe, Nat. Mater. 5, 647 (2006), doi 10.1038/nmat1687: powders.
L. Palatinus and G. Chapuis, J. Appl. Cryst. 40, 786 (2007), doi 10.1107/S0021889807029238: threshold, normalization.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.physics.scattering_factor import form_factor
from lics_beamline.physics.unit_cell import space_group
from lics_beamline.refinement.structure_factors import StructureFactors
from lics_beamline.structures.arrangement import USUAL_B_ANGSTROM2
from lics_beamline.structures.plane_family import Planes, planes_of, representative, turns_of

Array = npt.NDArray[np.float64]
Waves = npt.NDArray[np.complex128]
Indices = npt.NDArray[np.int64]

STARTS_TRIED: Final = 12  # of random phases: most small structures come out of every third
FLIPPING_CYCLES: Final = 240  # of a start
POSITIVE_CYCLES: Final = 30  # at its end, with what is below the threshold set to zero: the density settles
THRESHOLD_SIGMAS: Final = 1.1  # of the density's root mean square; 1.0 to 1.2 in Superflip
WEAK_SHARE: Final = 0.2  # of the planes: their phases are turned by a quarter, their amplitudes left free
SHARING_CYCLES: Final = 5  # between two divisions of rings among their families
GRID_PER_INDEX: Final = 3  # points along an axis for its largest Miller index
SEED_OF_STARTS: Final = 20040134  # of the starts: the same data give the same densities
SAME_S: Final = 1e-4  # relative, of planes of one ring
B_OF_SHARPENING: Final = 0.5 * USUAL_B_ANGSTROM2  # atoms are made narrow, less than to points: those ripple


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FlippedPhases:
    """A density that charge flipping ended in.

    Parameters
    ----------
    planes : ndarray of int64, shape (n, 3)
        Miller indices of all planes with an amplitude, Friedel mates included.
    waves : ndarray of complex128, shape (n,)
        Structure factors, sharpened, at an arbitrary origin [the strongest has 1].
    residual : float
        Sum of the differences of amplitudes before those of the data are put in, over the sum of these: 0 to 1.
    skewness : float
        Third moment of the density over the 3/2th power of its second: a few for atoms, 0 for noise.
    turns : ndarray of int64, shape (m, 3, 3)
        Rotations that were taken to make planes equal.
    """

    planes: Planes
    waves: Waves
    residual: float
    skewness: float
    turns: Planes


class ChargeFlipping:
    """Finds phases of the rings of a powder.

    Parameters
    ----------
    factors : StructureFactors
        The rings.
    turns : ndarray of int64, shape (m, 3, 3)
        Rotations of the Laue class that is tried: planes that they carry into each other are equal.
    elements : sequence of str
        That the cell may have: their mean form factor sharpens the amplitudes.
    """

    def __init__(self, factors: StructureFactors, turns: Planes, elements: Sequence[str]) -> None:
        self._turns = turns
        self._planes, self._family, self._ring = _families(factors, turns)
        self._count = np.bincount(self._family).astype(np.float64)
        self._square = factors.squared.clip(0.0)
        s = 0.5 * np.sqrt(factors.cell.inverse_d_squared(self._planes))
        self._form = _mean_form(elements, s)
        self._has_shared = len(self._ring) > len(factors.groups)
        self._half = np.array([next(index for index in plane if index) > 0 for plane in self._planes.tolist()])
        self._shape = tuple(_points(int(largest)) for largest in np.abs(self._planes).max(axis=0))
        self._at = _places(self._planes, self._shape)
        self._unseen = _places(_below(factors), self._shape)

    def densities(self) -> tuple[FlippedPhases, ...]:
        """Return what the starts ended in, the smallest residual first."""
        found = [self._ended(np.random.default_rng((SEED_OF_STARTS, start))) for start in range(STARTS_TRIED)]
        return tuple(sorted(found, key=lambda one: one.residual))

    def phased(self, model: Waves) -> Waves:
        """Return sharpened structure factors with the phases of a model: twice those of the data less the model's.

        Parameters
        ----------
        model : ndarray of complex128, shape (planes,)
            Structure factors of the model, thermal motion included, on any scale.
        """
        sharp = model / self._form
        size = np.maximum(np.abs(sharp), 1e-300)
        amplitude = self._amplitudes(size)
        scale = float(amplitude @ size) / max(float(size @ size), 1e-300)
        return np.asarray((2.0 * amplitude - scale * size) * sharp / size)

    @property
    def planes(self) -> Planes:
        """Miller indices of all planes that have an amplitude, Friedel mates included."""
        return self._planes

    def _ended(self, random: np.random.Generator) -> FlippedPhases:
        amplitude = self._amplitudes(np.ones(len(self._planes)))
        weak = amplitude < np.quantile(amplitude, WEAK_SHARE)
        quarter = np.where(self._half, 1j, -1j)[weak]
        grid = np.zeros(self._shape, dtype=np.complex128)
        grid.flat[self._at] = amplitude * np.exp(2j * np.pi * random.random(len(self._planes)))
        density = np.fft.ifftn(grid).real  # the real part: Friedel mates have opposite phases
        residual = 1.0
        for cycle in range(FLIPPING_CYCLES + POSITIVE_CYCLES):
            settles = cycle >= FLIPPING_CYCLES
            low = density < THRESHOLD_SIGMAS * density.std()
            changed = np.fft.fftn(np.where(low, 0.0 if settles else -density, density))
            there = changed.flat[self._at]
            size = np.maximum(np.abs(there), 1e-300)
            if self._has_shared and cycle % SHARING_CYCLES == 0:
                amplitude = self._amplitudes(size)
            residual = _residual(amplitude, size)
            new = amplitude * there / size
            if not settles:
                new[weak] = quarter * there[weak]
            grid[...] = 0.0
            grid.flat[0] = changed.flat[0]
            grid.flat[self._unseen] = changed.flat[self._unseen]
            grid.flat[self._at] = new
            density = np.fft.ifftn(grid).real
        rough = density - density.mean()
        return FlippedPhases(
            planes=self._planes,
            waves=grid.flat[self._at] / max(float(amplitude.max()), 1e-300),
            residual=residual,
            skewness=float(np.mean(rough**3) / max(float(np.mean(rough**2)), 1e-300) ** 1.5),
            turns=self._turns,
        )

    def _amplitudes(self, size: Array) -> Array:
        """Return sharpened amplitudes of all planes; families share their rings as sharpened amplitudes do so far."""
        power = np.bincount(self._family, weights=(size * self._form) ** 2) / self._count
        whole = np.bincount(self._ring, weights=self._count * power)
        planes = np.bincount(self._ring, weights=self._count)
        share = power * (planes / np.maximum(whole, 1e-300))[self._ring]
        return np.sqrt((self._square[self._ring] * share)[self._family]) / self._form


def _mean_form(elements: Sequence[str], s_per_angstrom: Array) -> Array:
    """Return what atoms scatter over what they do forward, in the mean, thermal motion in part included."""
    each = [form_factor(one, s_per_angstrom) / float(form_factor(one, np.zeros(1))[0]) for one in elements]
    return np.asarray(np.mean(each, axis=0) * np.exp(-B_OF_SHARPENING * s_per_angstrom**2))


def _families(factors: StructureFactors, turns: Planes) -> tuple[Planes, Indices, Indices]:
    """Return all planes, the family of each, and the ring of each family."""
    of_rings = turns_of(factors.space_group)
    planes: list[tuple[int, ...]] = []
    family: list[int] = []
    ring: list[int] = []
    for number, group in enumerate(factors.groups):
        known: dict[tuple[int, ...], int] = {}
        for reflection in group.reflections:
            for plane in sorted(planes_of((reflection.h, reflection.k, reflection.l), of_rings)):
                stands = representative(plane, turns)
                if stands not in known:
                    known[stands] = len(ring)
                    ring.append(number)
                planes.append(plane)
                family.append(known[stands])
    return np.array(planes, dtype=np.int64), np.array(family, dtype=np.int64), np.array(ring, dtype=np.int64)


def _below(factors: StructureFactors) -> Planes:
    """Return the planes of wider spacing than the first ring that are not left out: nobody has measured them."""
    reach = [math.ceil(2.0 * factors.s_per_angstrom.min() * edge) for edge in factors.cell.numbers[:3]]
    every = np.array(np.meshgrid(*[np.arange(-most, most + 1) for most in reach])).reshape(3, -1).T
    s = 0.5 * np.sqrt(factors.cell.inverse_d_squared(every).clip(0.0))
    operations = space_group(factors.space_group).operations()
    there = (s > 0.0) & (s < (1.0 - SAME_S) * factors.s_per_angstrom.min())
    kept = [plane for plane in every[there].tolist() if not operations.is_systematically_absent(plane)]
    return np.array(kept, dtype=np.int64).reshape(-1, 3)


def _places(planes: Planes, shape: tuple[int, ...]) -> Indices:
    return np.asarray(np.ravel_multi_index(tuple(planes.T), shape, mode="wrap"), dtype=np.int64)


def _points(largest: int) -> int:
    from scipy.fft import next_fast_len

    return int(next_fast_len(max(GRID_PER_INDEX * largest, 2 * largest + 2), real=True))


def _residual(wanted: Array, found: Array) -> float:
    scale = float(wanted @ found) / max(float(found @ found), 1e-300)
    return float(np.abs(wanted - scale * found).sum() / max(float(wanted.sum()), 1e-300))
