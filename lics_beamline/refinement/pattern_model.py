"""A powder pattern as a sum of lines: their profiles, and how these change with cell, shift and widths.

What is linear - one strength a ring, the background - is left out: a fit solves it at each step (`pattern_fit`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import RefinementFailed
from lics_beamline.patterns.second_line import SECOND_SHARE
from lics_beamline.physics.line_shape import area_of_unit_line, pseudo_voigt
from lics_beamline.physics.unit_cell import UnitCell, free_names, lattice_system
from lics_beamline.refinement.line_width import NAMES as WIDTH_NAMES
from lics_beamline.refinement.line_width import LineWidths, shapes
from lics_beamline.refinement.powder_phase import PowderPhase, PowderRing

Array = npt.NDArray[np.float64]
Shift = Literal["none", "zero", "off-axis", "along-beam"]

FARTHEST_CELL_CHANGE: Final = 0.03  # relative change of a cell's number in one fit: more, and lines have changed places
LARGEST_SINE: Final = 0.9999  # of theta: a line beyond is none
SLOPE_STEP_RELATIVE: Final = 1e-6  # relative step of the numerical slopes of 2theta by a cell's numbers


class Lines(NamedTuple):
    """Lines of all phases: centre [deg], weight of each in its ring, slopes of the centres by each parameter."""

    centre_deg: Array
    weight: Array
    slopes: Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PatternModel:
    """Lines of some phases over the bins of a pattern.

    Parameters
    ----------
    two_theta_deg : ndarray, shape (bins,)
        Bin centres, rising [deg].
    wavelength_angstrom : float
        X-ray wavelength [angstrom].
    phases : tuple of PowderPhase
        The phases.
    rings : tuple of tuple of PowderRing
        Their rings.
    widths : LineWidths
        Widths that start the search.
    refined_widths : tuple of str
        Those of u, v, w, x, y that are free.
    shift : {"none", "zero", "off-axis", "along-beam"}
        A shift of all lines: by a constant angle [deg]; by one times the cosine of theta, as of a sample beside the
        axis of a diffractometer [deg]; or as of a sample moved along the beam in front of a flat detector.
    shift_start : float
        Where the search for the shift starts, in its unit.
    reach : float
        A line is drawn this many FWHM to either side.
    second_angstrom : float, optional
        A second wavelength, at which each line comes again [angstrom].
    """

    two_theta_deg: Array
    wavelength_angstrom: float
    phases: tuple[PowderPhase, ...]
    rings: tuple[tuple[PowderRing, ...], ...]
    widths: LineWidths
    refined_widths: tuple[str, ...]
    shift: Shift
    reach: float
    second_angstrom: float | None = None
    shift_start: float = 0.0

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the free parameters: ``alloy a``, ``shift``, ``w``, ``re-hcp y``."""
        names: list[str] = []
        for phase in self.phases:
            if phase.refine_cell:
                names += [f"{phase.name} {name}" for name in free_names(lattice_system(phase.space_group))]
        names += ["shift"] if self.shift != "none" else []
        names += self.refined_widths
        names += [f"{phase.name} y" for phase in self.phases if phase.own_strain]
        return tuple(names)

    @property
    def ring_count(self) -> int:
        """Rings of all phases."""
        return sum(len(rings) for rings in self.rings)

    @property
    def ring_of_line(self) -> npt.NDArray[np.int64]:
        """Ring of each line, shape (lines,)."""
        return np.repeat(np.arange(self.ring_count), [len(ring.lines) for rings in self.rings for ring in rings])

    def start(self) -> Array:
        """Return the parameters that the search starts from."""
        return np.array(
            [
                *(number for phase in self.phases if phase.refine_cell for number in _free(phase)),
                *([self.shift_start] if self.shift != "none" else []),
                *(self.widths.numbers[WIDTH_NAMES.index(name)] for name in self.refined_widths),
                *(0.0 for phase in self.phases if phase.own_strain),
            ]
        )

    @property
    def cell_numbers(self) -> int:
        """Number of the parameters, the first ones, that are numbers of cells."""
        return self._first_of_cell(len(self.phases))

    def lower_bounds(self) -> Array:
        """Return the least values of the parameters: widths are not negative, cells stay near their start."""
        positive = {"u", "w", "x", "y"} | {f"{phase.name} y" for phase in self.phases if phase.own_strain}
        lower = np.array([0.0 if name in positive else -np.inf for name in self.names])
        lower[: self.cell_numbers] = (1.0 - FARTHEST_CELL_CHANGE) * self.start()[: self.cell_numbers]
        return lower

    def upper_bounds(self) -> Array:
        """Return the largest values of the parameters: cells stay near their start."""
        upper = np.full(len(self.names), np.inf)
        upper[: self.cell_numbers] = (1.0 + FARTHEST_CELL_CHANGE) * self.start()[: self.cell_numbers]
        return upper

    def check_cells(self, parameters: Array) -> None:
        """Refuse cells that ran away.

        Raises
        ------
        RefinementFailed
            If a number of a cell rests at a bound.
        """
        at = parameters[: self.cell_numbers]
        change = np.abs(at / self.start()[: self.cell_numbers] - 1.0)
        if np.any(change > 0.999 * FARTHEST_CELL_CHANGE):
            worst = int(np.argmax(change))
            raise RefinementFailed(
                f"the cell ran away: {self.names[worst]} went from {self.start()[worst]:.4f} to {at[worst]:.4f}, "
                f"{100 * FARTHEST_CELL_CHANGE:.0f} % is the limit. Start from a better cell, or leave the phase out.",
                number=self.names[worst],
                phase=self.names[worst].rpartition(" ")[0],
            )

    def cell(self, parameters: Array, index: int) -> UnitCell:
        """Return the cell of a phase."""
        phase = self.phases[index]
        if not phase.refine_cell:
            return phase.cell
        first = self._first_of_cell(index)
        return UnitCell.from_free(parameters[first:], lattice_system(phase.space_group))

    def cell_slopes(self, parameters: Array, index: int) -> Array:
        """Slopes of a, b, c, alpha, beta, gamma of a phase by all parameters, shape (6, parameters)."""
        slopes = np.zeros((6, parameters.size))
        if self.phases[index].refine_cell:
            system = lattice_system(self.phases[index].space_group)
            first = self._first_of_cell(index)
            for k in range(first, first + len(free_names(system))):
                moved = parameters.copy()
                moved[k] += 1.0
                slopes[:, k] = np.subtract(self.cell(moved, index).numbers, self.cell(parameters, index).numbers)
        return slopes

    def width_numbers(self, parameters: Array) -> Array:
        """Return u, v, w, x, y, shape (5,)."""
        numbers = np.array(self.widths.numbers)
        first = self.names.index(self.refined_widths[0]) if self.refined_widths else 0
        for offset, name in enumerate(self.refined_widths):
            numbers[WIDTH_NAMES.index(name)] = parameters[first + offset]
        return numbers

    def lines(self, parameters: Array) -> Lines:
        """Places of the lines, and the share of its ring's strength that each has."""
        return self._shifted(parameters, self._unshifted(parameters))

    def _unshifted(self, parameters: Array) -> Lines:
        """Return the lines where their spacings have them.

        Notes
        -----
        A ring's strength is |F|^2: a family weighs m / (sin^2(theta) cos(theta) V^2), with theta that of its spacing
        (B. E. Warren, X-ray Diffraction (1969), eq. 4.7). Polarisation and solid angle were corrected per pixel.
        """
        bragg: list[Array] = []
        weights: list[Array] = []
        slopes: list[Array] = []
        for index, rings in enumerate(self.rings):
            lines = [line for ring in rings for line in ring.lines]
            hkl = np.array([(line.reflection.h, line.reflection.k, line.reflection.l) for line in lines]).reshape(-1, 3)
            cell = self.cell(parameters, index)
            angle = self._bragg_deg(cell, hkl)
            by_parameter = np.zeros((parameters.size, len(lines)))
            if self.phases[index].refine_cell:
                first = self._first_of_cell(index)
                for k in range(first, first + len(free_names(lattice_system(self.phases[index].space_group)))):
                    step = SLOPE_STEP_RELATIVE * max(abs(parameters[k]), 1.0)
                    up, down = parameters.copy(), parameters.copy()
                    up[k] += step
                    down[k] -= step
                    rise = self._bragg_deg(self.cell(up, index), hkl) - self._bragg_deg(self.cell(down, index), hkl)
                    by_parameter[k] = rise / (2.0 * step)
            theta = np.radians(angle) / 2.0
            planes = np.array([line.multiplicity for line in lines], dtype=np.float64)
            bragg.append(angle)
            weights.append(planes / (np.sin(theta) ** 2 * np.cos(theta) * cell.volume_angstrom3**2))
            slopes.append(by_parameter)
        return Lines(
            centre_deg=np.concatenate(bragg), weight=np.concatenate(weights), slopes=np.concatenate(slopes, axis=1)
        )

    def profiles(self, parameters: Array) -> Profiles:
        """Return the profile of each ring at the parameters."""
        lines = self._shifted(parameters, self._doubled(self._unshifted(parameters)))
        numbers = np.repeat(self.width_numbers(parameters)[:, None], lines.centre_deg.size, axis=1)
        own = [index for index, phase in enumerate(self.phases) if phase.own_strain]
        members = [sum(len(ring.lines) for ring in rings) for rings in self.rings]
        times = 1 if self.second_angstrom is None else 2
        phase_of_line = np.tile(np.repeat(np.arange(len(self.phases)), members), times)
        for offset, index in enumerate(own):
            numbers[4, phase_of_line == index] += parameters[parameters.size - len(own) + offset]
        shape = shapes(numbers, lines.centre_deg)
        slots = self._width_slots(own, phase_of_line)
        ring_of_line = np.tile(self.ring_of_line, times)
        reach = self.reach * shape.fwhm_deg
        first = np.searchsorted(self.two_theta_deg, lines.centre_deg - reach)
        count = np.searchsorted(self.two_theta_deg, lines.centre_deg + reach) - first
        line = np.repeat(np.arange(count.size), count)
        bins = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
        fwhm, mixing = shape.fwhm_deg[line], shape.mixing[line]
        u = 2.0 * (self.two_theta_deg[bins] - lines.centre_deg[line]) / fwhm
        curve = pseudo_voigt(u, mixing)
        unit = area_of_unit_line(1.0, 1.0), area_of_unit_line(1.0, 0.0)
        area = mixing * unit[0] + (1.0 - mixing) * unit[1]
        height = lines.weight[line] / (fwhm * area)
        return Profiles(
            bins=bins,
            ring=ring_of_line[line],
            line=line,
            value=height * curve.value,
            by_centre=-2.0 * height * curve.by_u / fwhm,
            by_fwhm=-height * (curve.by_u * u + curve.value) / fwhm,
            by_mixing=height * (curve.by_mixing - curve.value * (unit[0] - unit[1]) / area),
            centre_slopes=lines.slopes,
            fwhm_slopes=np.einsum("pwl,wl->pl", slots, shape.fwhm_slopes),
            mixing_slopes=np.einsum("pwl,wl->pl", slots, shape.mixing_slopes),
            shape=(self.two_theta_deg.size, self.ring_count),
        )

    def _doubled(self, lines: Lines) -> Lines:
        """Return the lines and, where there is a second wavelength, after them the same lines at it."""
        if self.second_angstrom is None:
            return lines
        theta = np.radians(lines.centre_deg) / 2.0
        sine = np.minimum(np.sin(theta) * self.second_angstrom / self.wavelength_angstrom, LARGEST_SINE)
        second = np.arcsin(sine)
        slope = self.second_angstrom / self.wavelength_angstrom * np.cos(theta) / np.cos(second)
        first_share = 1.0 / (1.0 + SECOND_SHARE)
        there = np.where(sine < LARGEST_SINE, first_share * SECOND_SHARE, 0.0)
        return Lines(
            centre_deg=np.concatenate([lines.centre_deg, 2.0 * np.degrees(second)]),
            weight=np.concatenate([first_share * lines.weight, there * lines.weight]),
            slopes=np.concatenate([lines.slopes, lines.slopes * slope], axis=1),
        )

    def _width_slots(self, own: list[int], phase_of_line: npt.NDArray[np.int64]) -> Array:
        """Which width of which line each parameter moves, shape (parameters, 5, lines)."""
        names = self.names
        slots = np.zeros((len(names), len(WIDTH_NAMES), phase_of_line.size))
        first = len(names) - len(own) - len(self.refined_widths)
        for offset, name in enumerate(self.refined_widths):
            slots[first + offset, WIDTH_NAMES.index(name)] = 1.0
        for offset, index in enumerate(own):
            slots[len(names) - len(own) + offset, 4, phase_of_line == index] = 1.0
        return slots

    def _shifted(self, parameters: Array, lines: Lines) -> Lines:
        if self.shift == "none":
            return lines
        place = self.names.index("shift")
        value = parameters[place]
        angle, slopes = np.radians(lines.centre_deg), lines.slopes.copy()
        if self.shift in ("zero", "off-axis"):
            slopes[place] = 1.0 if self.shift == "zero" else np.cos(angle / 2.0)
            return lines._replace(centre_deg=lines.centre_deg + value * slopes[place], slopes=slopes)
        tangent = np.tan(angle) * (1.0 - value)
        slopes *= (1.0 - value) / np.cos(angle) ** 2 / (1.0 + tangent**2)
        slopes[place] = np.degrees(-np.tan(angle) / (1.0 + tangent**2))
        return lines._replace(centre_deg=np.degrees(np.arctan(tangent)), slopes=slopes)

    def _bragg_deg(self, cell: UnitCell, hkl: npt.NDArray[np.int64]) -> Array:
        sine = 0.5 * self.wavelength_angstrom * np.sqrt(cell.inverse_d_squared(hkl))
        return 2.0 * np.degrees(np.arcsin(np.minimum(sine, 1.0)))

    def _first_of_cell(self, index: int) -> int:
        before = (phase for phase in self.phases[:index] if phase.refine_cell)
        return sum(len(free_names(lattice_system(phase.space_group))) for phase in before)


class Profiles(NamedTuple):
    """Profiles of all lines, entry by entry: bin, ring, line, value and slopes; then slopes of the lines themselves."""

    bins: npt.NDArray[np.int64]
    ring: npt.NDArray[np.int64]
    line: npt.NDArray[np.int64]
    value: Array
    by_centre: Array
    by_fwhm: Array
    by_mixing: Array
    centre_slopes: Array
    fwhm_slopes: Array
    mixing_slopes: Array
    shape: tuple[int, int]

    def matrix(self) -> Array:
        """Return the profile of each ring, shape (bins, rings)."""
        bins, rings = self.shape
        flat = np.bincount(self.bins * rings + self.ring, weights=self.value, minlength=bins * rings)
        return np.asarray(flat, dtype=np.float64).reshape(bins, rings)

    def slopes(self, strengths: Array) -> Array:
        """Slopes of the calculated pattern by each parameter at given strengths, shape (bins, parameters)."""
        strength = strengths[self.ring]
        kinds = (
            (self.by_centre, self.centre_slopes),
            (self.by_fwhm, self.fwhm_slopes),
            (self.by_mixing, self.mixing_slopes),
        )
        columns = np.empty((self.shape[0], len(self.centre_slopes)))
        for k in range(len(self.centre_slopes)):
            moved = np.zeros_like(strength)
            for by, slope in kinds:
                if slope[k].any():
                    moved += by * slope[k, self.line]
            columns[:, k] = np.bincount(self.bins, weights=strength * moved, minlength=self.shape[0])
        return columns


def _free(phase: PowderPhase) -> Array:
    return phase.cell.free(lattice_system(phase.space_group))
