"""How a density makes structure factors and how the multipliers of constraints make a density: one linear map, twice.

Everything is per electron: a normalised density p sums to 1 over the cell, and what it gives is F/F(000). A constraint
wants the component of F along its phase and none across it; a group of families wants their root mean square, which is
linear along the direction of the present structure factors (Euler's theorem on a homogeneous function).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import OutsideCalibration
from lics_beamline.physics.unit_cell import space_group
from lics_beamline.refinement.amplitudes import Amplitudes
from lics_beamline.refinement.density_grid import DensityGrid, Orbits

FloatArray = npt.NDArray[np.float64]
ComplexArray = npt.NDArray[np.complex128]
Index = tuple[int, int, int]

DENSE_NUMBERS: Final = 20_000_000  # largest matrix kept, 160 MB; beyond, Fourier transforms take its place
ZERO_COMPONENT: Final = 1.0e-9  # a component below this is absent by symmetry


class Basis(Protocol):
    """The linear map between a normalised density on orbits and F/F(000) of single families."""

    @property
    def orbits(self) -> Orbits:
        """Points of the grid, sorted by symmetry."""

    def factors(self, density: FloatArray) -> ComplexArray:
        """F/F(000) of each family, from a density [1 a point] on the orbits."""

    def field(self, weight: ComplexArray) -> FloatArray:
        """Real part of sum conj(weight) exp(2 pi i h.r), meaned over each orbit."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OrbitBasis:
    """A matrix with one row a point of the asymmetric unit: quickest where symmetry is high and rings are few."""

    orbits: Orbits
    cosines: FloatArray  # (families, orbits): real part of exp(2 pi i h.r), meaned over each orbit
    sines: FloatArray | None  # imaginary part; None where every reflection is centric about the origin

    def factors(self, density: FloatArray) -> ComplexArray:
        """F/F(000) of each family, from a density [1 a point] on the orbits."""
        per_orbit = density * self.orbits.size
        imaginary = 0.0 if self.sines is None else 1j * (self.sines @ per_orbit)
        return np.asarray(self.cosines @ per_orbit + imaginary, dtype=np.complex128)

    def field(self, weight: ComplexArray) -> FloatArray:
        """Real part of sum conj(weight) exp(2 pi i h.r), meaned over each orbit."""
        return self.rows(weight[None, :])[0]

    def rows(self, weights: ComplexArray) -> FloatArray:
        """Fields of many sets of weights at once, shape (sets, orbits)."""
        even = np.asarray(weights.real @ self.cosines, dtype=np.float64)
        return even if self.sines is None else even + weights.imag @ self.sines


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FourierBasis:
    """Fast Fourier transforms over the whole cell: for low symmetry or many rings.

    Parameters
    ----------
    orbits : Orbits
        Points of the grid, sorted by symmetry.
    read_from : ndarray of int, shape (families,)
        Where in the half spectrum a structure factor is found.
    is_mirrored : ndarray of bool, shape (families,)
        Whether its Friedel mate is found there.
    write_to, family : ndarray of int, shape (terms,)
        Places of the half spectrum that the wave of a family fills.
    conjugate, plain : ndarray of complex128, shape (terms,)
        What they are filled with: ``conj(weight) conjugate + weight plain``.
    """

    orbits: Orbits
    read_from: npt.NDArray[np.int64]
    is_mirrored: npt.NDArray[np.bool_]
    write_to: npt.NDArray[np.int64]
    family: npt.NDArray[np.int64]
    conjugate: ComplexArray
    plain: ComplexArray

    @classmethod
    def of(cls, orbits: Orbits, waves: Sequence[Mapping[Index, complex]]) -> FourierBasis:
        """Make one from the waves of families: equivalent indices and the share of each, the first representative."""
        read_from, is_mirrored = [], []
        terms: dict[tuple[int, int], tuple[complex, complex]] = {}
        for number, wave in enumerate(waves):
            for rank, (index, share) in enumerate(wave.items()):
                mate: Index = (-index[0], -index[1], -index[2])
                own, other = _half_place(index, orbits.shape), _half_place(mate, orbits.shape)
                if rank == 0:
                    read_from.append(own if own is not None else other)
                    is_mirrored.append(own is None)
                for place, conjugate, plain in ((own, share, 0j), (other, 0j, share.conjugate())):
                    if place is not None:  # the real part is half a wave and half its conjugate
                        before = terms.get((place, number), (0j, 0j))
                        terms[place, number] = (before[0] + 0.5 * conjugate, before[1] + 0.5 * plain)
        return cls(
            orbits=orbits,
            read_from=np.array(read_from, dtype=np.int64),
            is_mirrored=np.array(is_mirrored),
            write_to=np.array([place for place, _ in terms], dtype=np.int64),
            family=np.array([number for _, number in terms], dtype=np.int64),
            conjugate=np.array([pair[0] for pair in terms.values()]),
            plain=np.array([pair[1] for pair in terms.values()]),
        )

    def factors(self, density: FloatArray) -> ComplexArray:
        """F/F(000) of each family, from a density [1 a point] on the orbits."""
        import scipy.fft

        found = scipy.fft.rfftn(self.orbits.spread(density)).ravel()[self.read_from]  # of exp(-2 pi i h.r)
        return np.where(self.is_mirrored, found, np.conj(found))

    def field(self, weight: ComplexArray) -> FloatArray:
        """Real part of sum conj(weight) exp(2 pi i h.r), meaned over each orbit."""
        import scipy.fft

        shape = self.orbits.shape
        half = np.zeros((shape[0], shape[1], shape[2] // 2 + 1), dtype=np.complex128)
        here = weight[self.family]
        half.ravel()[self.write_to] = np.conj(here) * self.conjugate + here * self.plain
        spread = scipy.fft.irfftn(half, s=shape, norm="forward", overwrite_x=True)
        return np.asarray(spread.ravel()[self.orbits.first_point], dtype=np.float64)


def _half_place(index: Index, shape: tuple[int, int, int]) -> int | None:
    """Place of an index in a raveled half spectrum; None where only its mate is there."""
    h, k, l_index = (number % points for number, points in zip(index, shape, strict=True))
    half = shape[2] // 2 + 1
    return (h * shape[1] + k) * half + l_index if l_index < half else None


def basis_for(amplitudes: Amplitudes, grid: DensityGrid, *, largest_matrix: int = DENSE_NUMBERS) -> Basis:
    """Make the map for all families of some amplitudes.

    Parameters
    ----------
    amplitudes : Amplitudes
        The reflections.
    grid : DensityGrid
        Grid of the density.
    largest_matrix : int
        Numbers that a matrix may hold; Fourier transforms take the place of a larger one.

    Raises
    ------
    OutsideCalibration
        The grid does not fit the symmetry, is too coarse for the highest reflection, or belongs to another space group;
        or a reflection is absent by symmetry.
    """
    if grid.space_group != amplitudes.space_group:
        raise OutsideCalibration(
            f"the grid is of {grid.space_group}, the amplitudes of {amplitudes.space_group}. Use one space group."
        )
    orbits = grid.orbits()
    operations = space_group(grid.space_group).operations()
    waves = []
    for group in amplitudes.groups:
        for reflection in group.reflections:
            hkl = [reflection.h, reflection.k, reflection.l]
            if operations.is_systematically_absent(hkl):
                raise OutsideCalibration(f"reflection {reflection} is absent in {grid.space_group}. Leave it out.")
            wave: dict[Index, complex] = {(hkl[0], hkl[1], hkl[2]): 0j}
            for operation in operations:
                h, k, l_index = operation.apply_to_hkl(hkl)
                turn = complex(np.exp(-1j * operation.phase_shift(hkl)))
                wave[h, k, l_index] = wave.get((h, k, l_index), 0j) + turn / len(operations)
            _check_sampling(grid, str(reflection), np.array(list(wave)))
            waves.append(wave)
    fourier = FourierBasis.of(orbits, waves)
    if len(waves) * orbits.size.size > largest_matrix:
        return fourier
    unit = np.eye(len(waves), dtype=np.complex128)
    cosines = np.array([fourier.field(row) for row in unit])
    sines = np.array([fourier.field(1j * row) for row in unit])
    has_sines = bool(np.any(np.abs(sines) > ZERO_COMPONENT))
    return OrbitBasis(orbits=orbits, cosines=cosines, sines=sines if has_sines else None)


def _check_sampling(grid: DensityGrid, reflection: str, members: npt.NDArray[np.int64]) -> None:
    for axis in range(3):
        highest = int(np.abs(members[:, axis]).max())
        if highest > grid.largest_index(axis):
            raise OutsideCalibration(
                f"a grid of {grid.shape[axis]} points along {'abc'[axis]} tells indices apart up to "
                f"{grid.largest_index(axis)}, reflection {reflection} needs {highest}. Use at least "
                f"{2 * highest + 1} points.",
                reflection=reflection,
                shape=grid.shape,
            )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Columns:
    """Constraints as real linear functionals of the density: ``value = Re(conj(direction) . F/F(000))``.

    Parameters
    ----------
    direction : ndarray of complex128, shape (columns, families)
        One row a functional.
    target : ndarray, shape (columns,)
        What it should be: amplitude/F(000), or 0 across a phase.
    variance : ndarray, shape (columns,)
        Its variance, weight included.
    """

    direction: ComplexArray
    target: FloatArray
    variance: FloatArray


def columns(amplitudes: Amplitudes, basis: Basis, factors: ComplexArray, weight: FloatArray) -> Columns:
    """Write constraints as linear functionals along the present structure factors.

    Parameters
    ----------
    amplitudes : Amplitudes
        Amplitudes that the density is to have.
    basis : Basis
        The map.
    factors : ndarray of complex128, shape (families,)
        Structure factors whose proportions share the groups [any scale].
    weight : ndarray, shape (groups,)
        Weight of each constraint; variances are divided by it.
    """
    families = factors.size
    directions, targets, variances = [], [], []
    start = 0
    for group, amplitude, sigma, phased, one in zip(
        amplitudes.groups, amplitudes.amplitude, amplitudes.sigma, amplitudes.phased, weight, strict=True
    ):
        place = slice(start, start + len(group.reflections))
        start = place.stop
        variance = (sigma / amplitudes.electrons) ** 2 / one
        if len(group.reflections) == 1:
            phase = phased / np.abs(phased)
            rows, wanted = [phase, 1j * phase], [amplitude, 0.0]
        else:
            multiplicity = np.array(group.multiplicities, dtype=np.float64)
            total = multiplicity.sum()
            present = factors[place] if np.any(np.abs(factors[place]) > ZERO_COMPONENT) else phased
            mean = np.sqrt((multiplicity * np.abs(present) ** 2).sum() / total)
            rows, wanted = [multiplicity * present / (total * mean)], [amplitude]
        for row, value in zip(rows, wanted, strict=True):
            full = np.zeros(families, dtype=np.complex128)
            full[place] = row
            if value == 0.0 and not np.any(np.abs(basis.field(full)) > ZERO_COMPONENT):
                continue  # a centric reflection has nothing across its phase
            directions.append(full)
            targets.append(value / amplitudes.electrons)
            variances.append(variance)
    return Columns(direction=np.array(directions), target=np.array(targets), variance=np.array(variances))
