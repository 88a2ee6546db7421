"""Arrangements of atoms held against the intensities of rings at several points at once.

Each point has a scale of its own; an element has one B at all of them, which grows with the temperature as that of a
classical oscillator does (James, The Optical Principles of the Diffraction of X-rays, 1948). A ring is the mean over
its planes, split into the families of the arrangement's own group: those of a lower one may differ where the lattice
has them alike.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from lics_beamline.physics.scattering_factor import dispersion, form_factor
from lics_beamline.physics.unit_cell import UnitCell
from lics_beamline.refinement.structure_factors import StructureFactors
from lics_beamline.structures.arrangement import USUAL_B_ANGSTROM2, Arrangement
from lics_beamline.structures.plane_family import Planes, planes_of, representative, turns_of
from lics_beamline.structures.ring_intensities import RingIntensities
from lics_beamline.structures.wyckoff_position import operations_of

Array = npt.NDArray[np.float64]

B_LIMITS_ANGSTROM2: Final = (0.3, 9.0)  # of an atom in a crystal: from diamond to what nearly melts
USUAL_OCCUPANCY: Final = 0.8  # where a search for one begins
MOST_OCCUPANCY: Final = 1.3  # above 1, so that a wrong element shows itself
MOST_EVALUATIONS: Final = 15  # of a fit; most need 8
SCAN_STEPS: Final = 16  # of a free coordinate before it is refined
MOST_SCANNED: Final = 2  # free coordinates that are scanned; with more they begin where the arrangement has them
SCANS_REFINED: Final = 2  # of the best places of a scan
SAME_SQUARES: Final = 1e-3  # relative to the strongest ring: arrangements alike to it are one to a powder


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedArrangement:
    """An arrangement as it fits.

    Parameters
    ----------
    arrangement : Arrangement
        With its fitted coordinates.
    b_angstrom2, occupancy : dict of str to float
        B of each element at the temperature of the first point [angstrom^2], and the share of its places that is taken.
    chi_squared : float
        Sum over all rings of all points; where atoms are hidden, with what their number does to the errors: -2 ln of
        the likelihood, but for a number that all arrangements share.
    numbers : int
        Fitted ones.
    """

    arrangement: Arrangement
    b_angstrom2: dict[str, float]
    occupancy: dict[str, float]
    chi_squared: float
    numbers: int


class ArrangementFit:
    """Holds arrangements against intensities.

    Parameters
    ----------
    points : sequence of RingIntensities
        The points.
    elements : sequence of str
        All elements that are asked about.
    """

    def __init__(self, points: Sequence[RingIntensities], elements: Sequence[str]) -> None:
        self._points = tuple(points)
        self._elements = tuple(elements)
        self._families: dict[bytes, _Families] = {}
        self._whitened = []
        for point in self._points:
            root = np.linalg.cholesky(point.factors.covariance)
            self._whitened.append((np.linalg.inv(root), point.factors))

    @property
    def cell(self) -> UnitCell:
        """Cell of the first point, the most telling."""
        return self._points[0].cell

    @property
    def rings(self) -> int:
        """Rings of all points."""
        return sum(len(point.factors.groups) for point in self._points)

    @property
    def points(self) -> int:
        """Points."""
        return len(self._points)

    def fit(
        self, arrangement: Arrangement, hidden: Mapping[str, int] | None = None, *, partly: str = ""
    ) -> FittedArrangement:
        """Fit scales, B and free coordinates.

        Parameters
        ----------
        arrangement : Arrangement
            Atoms.
        hidden : mapping of str to int, optional
            Atoms that are there as well, nobody knows where: they enlarge the errors.
        partly : str, optional
            Element whose places may be taken in part.
        """
        from scipy.optimize import least_squares

        here = self._problem(arrangement, hidden)
        elements = arrangement.elements
        count, taken = len(elements), len(elements) + bool(partly)

        def numbers_of(numbers: Array) -> tuple[Array, Array, Array]:
            occupancy = np.array([numbers[count] if element == partly else 1.0 for element in elements])
            return numbers[:count], occupancy, numbers[taken:]

        usual = [*[USUAL_B_ANGSTROM2] * count, *[USUAL_OCCUPANCY] * (taken - count)]
        lower = [*[B_LIMITS_ANGSTROM2[0]] * count, *[0.0] * (taken - count), *[-np.inf] * arrangement.freedom]
        upper = [*[B_LIMITS_ANGSTROM2[1]] * count, *[MOST_OCCUPANCY] * (taken - count), *[np.inf] * arrangement.freedom]
        best: Any = None
        for start in self._starts(here, arrangement):
            found = least_squares(
                lambda numbers: here.residual(*numbers_of(numbers)),
                np.concatenate([usual, start]),
                bounds=(lower, upper),
                x_scale=np.concatenate([np.ones(count), np.full(taken - count, 0.2), np.full(start.size, 0.02)]),
                max_nfev=MOST_EVALUATIONS,
                xtol=1e-5,
                ftol=1e-6,
            )
            if best is None or found.cost < best.cost:
                best = found
        b, occupancy, free = numbers_of(best.x)
        return FittedArrangement(
            arrangement=arrangement.moved(free % 1.0),
            b_angstrom2=dict(zip(elements, b.tolist(), strict=True)),
            occupancy=dict(zip(elements, occupancy.tolist(), strict=True)),
            chi_squared=2.0 * float(best.cost) + here.spread(b, occupancy, free),
            numbers=best.x.size + self.points,
        )

    def signature(self, arrangement: Arrangement) -> tuple[float, ...]:
        """Return what a powder sees of an arrangement without freedom: equal for those it cannot tell apart."""
        here = self._problem(arrangement)
        one = np.ones(len(arrangement.elements))
        squares = here.squares(USUAL_B_ANGSTROM2 * one, one, arrangement.free)
        every = np.concatenate(squares)
        return tuple(np.round(every / max(float(every.max()), 1e-12) / SAME_SQUARES).tolist())

    def squares(self, fitted: FittedArrangement) -> tuple[Array, ...]:
        """|F|^2 of each ring of each point [electrons^2]."""
        arrangement = fitted.arrangement
        b = np.array([fitted.b_angstrom2[element] for element in arrangement.elements])
        occupancy = np.array([fitted.occupancy[element] for element in arrangement.elements])
        return self._problem(arrangement).squares(b, occupancy, arrangement.free)

    def _problem(self, arrangement: Arrangement, hidden: Mapping[str, int] | None = None) -> _SiteProblem:
        return _SiteProblem(self._families_of(arrangement.space_group), arrangement, self._whitened, hidden or {})

    def _starts(self, here: _SiteProblem, arrangement: Arrangement) -> list[Array]:
        if not 0 < arrangement.freedom <= MOST_SCANNED:
            return [arrangement.free]
        steps = (np.arange(SCAN_STEPS) + 0.37) / SCAN_STEPS  # none of them special
        trials = [np.array(trial) for trial in itertools.product(steps, repeat=arrangement.freedom)]
        one = np.ones(len(arrangement.elements))
        misfits = [float(np.sum(here.residual(USUAL_B_ANGSTROM2 * one, one, trial) ** 2)) for trial in trials]
        return [trials[index] for index in np.argsort(misfits)[:SCANS_REFINED]]

    def _families_of(self, space_group: str) -> _Families:
        rotations = operations_of(space_group)[0]
        key = np.unique(np.round(rotations).astype(np.int8), axis=0).tobytes()
        if key not in self._families:
            self._families[key] = _Families(self._points, rotations, self._elements)
        return self._families[key]


class _Families:
    """Planes of the rings of all points, one of each family of a group, and what an atom of each element scatters."""

    def __init__(self, points: Sequence[RingIntensities], rotations: Array, elements: Sequence[str]) -> None:
        turns = np.unique(np.round(rotations).astype(np.int64), axis=0)
        places: dict[tuple[int, ...], int] = {}
        rows = []
        for point in points:
            of_point = []
            of_rings = turns_of(point.factors.space_group)
            for group in point.factors.groups:
                weights: dict[int, int] = {}
                for reflection in group.reflections:
                    for plane in planes_of((reflection.h, reflection.k, reflection.l), of_rings):
                        family = representative(plane, turns)
                        index = places.setdefault(family, len(places))
                        weights[index] = weights.get(index, 0) + 1
                of_point.append(weights)
            rows.append(of_point)
        self.planes: Planes = np.array(list(places), dtype=np.int64)
        self.means = []
        for of_point in rows:
            mean = np.zeros((len(of_point), len(places)))
            for row, weights in enumerate(of_point):
                for index, weight in weights.items():
                    mean[row, index] = weight
            self.means.append(mean / mean.sum(axis=1, keepdims=True))
        self.s = np.array([0.5 * np.sqrt(point.cell.inverse_d_squared(self.planes)) for point in points])
        warmth = np.array([point.at.temperature_k for point in points]) / points[0].at.temperature_k
        self.damping = warmth[:, None] * self.s**2  # of an amplitude, times B at the first point
        wavelength = points[0].factors.wavelength_angstrom
        self.form = {
            element: form_factor(element, self.s.ravel()).reshape(self.s.shape) + dispersion(element, wavelength).real
            for element in elements
        }
        self._turned: dict[str, tuple[Array, npt.NDArray[np.complex128]]] = {}
        self.absorbed = {element: dispersion(element, wavelength).imag for element in elements}

    def turned(self, space_group: str) -> tuple[Array, npt.NDArray[np.complex128]]:
        """Return the planes as each operation of a group turns them, and the phases by which it shifts them."""
        if space_group not in self._turned:
            rotations, translations = operations_of(space_group)
            self._turned[space_group] = (
                np.einsum("ni,oij->noj", self.planes, rotations),
                np.exp(2j * np.pi * self.planes @ translations.T),
            )
        return self._turned[space_group]

    def hidden(self, atoms: Mapping[str, int]) -> Array:
        """|F|^2 of each plane at each point of atoms anywhere, in the mean over where [electrons^2]."""
        power = np.zeros(self.s.shape)
        for element, number in atoms.items():
            power += number * (self.form[element] * np.exp(-USUAL_B_ANGSTROM2 * self.damping)) ** 2
        return power


_White: TypeAlias = tuple[Array, StructureFactors]  # inverse root of the covariance, and what it is of


def _scale(wanted: Array, model: Array) -> float:
    return max(float(model @ wanted) / max(float(model @ model), 1e-300), 0.0)


def _doubted(factors: StructureFactors, model: Array, doubt: Array) -> tuple[float, Array]:
    """Return the scale of the data, and their errors with what is hidden: it comes on that scale, too."""
    scale = max(float(np.median(factors.squared) / max(float(np.median(model)), 1e-300)), 0.0)
    sigma = factors.sigma
    for _ in range(2):
        sigma = np.hypot(factors.sigma, scale * doubt)
        scale = _scale(factors.squared / sigma, model / sigma)
    return scale, sigma


class _SiteProblem:
    """One arrangement and the data."""

    def __init__(
        self,
        families: _Families,
        arrangement: Arrangement,
        whitened: Sequence[_White],
        hidden: Mapping[str, int],
    ) -> None:
        self._families, self._arrangement, self._whitened = families, arrangement, whitened
        self._elements = arrangement.elements
        self._hidden = hidden
        # Operations are what they are for all arrangements of a group, so they are kept with its planes
        self._turned, self._shift = families.turned(arrangement.space_group)
        self._fixed = None if arrangement.freedom else self._waves(arrangement.free)

    def residual(self, b_angstrom2: Array, occupancy: Array, free: Array) -> Array:
        """Observed less calculated over the errors, each point on its best scale."""
        found = []
        for (inverse_root, factors), model, doubt in self._rows(b_angstrom2, occupancy, free):
            if doubt is None:
                wanted, white = inverse_root @ factors.squared, inverse_root @ model
                found.append(wanted - _scale(wanted, white) * white)
            else:
                scale, sigma = _doubted(factors, model, doubt)
                found.append((factors.squared - scale * model) / sigma)
        return np.concatenate(found)

    def spread(self, b_angstrom2: Array, occupancy: Array, free: Array) -> float:
        """Return twice the sum of the logarithms of errors that hidden atoms enlarge, over those without them."""
        total = 0.0
        for (_, factors), model, doubt in self._rows(b_angstrom2, occupancy, free):
            if doubt is not None:
                total += 2.0 * float(np.sum(np.log(_doubted(factors, model, doubt)[1] / factors.sigma)))
        return total

    def squares(self, b_angstrom2: Array, occupancy: Array, free: Array) -> tuple[Array, ...]:
        """|F|^2 of each ring of each point [electrons^2]."""
        waves = self._fixed if self._fixed is not None else self._waves(free)
        plain = np.zeros(self._families.s.shape, dtype=np.complex128)
        absorbed = np.zeros_like(plain)
        for element, b, taken in zip(self._elements, b_angstrom2, occupancy, strict=True):
            damped = taken * np.exp(-b * self._families.damping) * waves[element]
            plain += self._families.form[element] * damped
            absorbed += self._families.absorbed[element] * damped
        power = np.abs(plain) ** 2 + np.abs(absorbed) ** 2
        return tuple(mean @ row for mean, row in zip(self._families.means, power, strict=True))

    def _rows(self, b_angstrom2: Array, occupancy: Array, free: Array) -> Iterator[tuple[_White, Array, Array | None]]:
        """Yield for each point its data, its squares, and how far hidden atoms may put these off [electrons^2]."""
        there = self.squares(b_angstrom2, occupancy, free)
        for white, mean, hidden, squares in zip(
            self._whitened, self._families.means, self._families.hidden(self._hidden), there, strict=True
        ):
            yield white, squares, 2.0 * np.sqrt(squares * (mean @ hidden)) + mean @ hidden if self._hidden else None

    def _waves(self, free: Array) -> dict[str, npt.NDArray[np.complex128]]:
        found: dict[str, npt.NDArray[np.complex128]] = {}
        operations = self._shift.shape[1]
        for one in self._arrangement.moved(free).occupied:
            wave = (np.exp(2j * np.pi * self._turned @ one.place) * self._shift).sum(axis=1)
            wave *= one.position.multiplicity / operations
            found[one.element] = found.get(one.element, 0.0) + wave
        return found
