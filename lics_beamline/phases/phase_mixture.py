"""Lines of several phases fitted to one pattern together.

Every line of every phase has an area of its own, which leans on what the phase's scale and structure give it: texture
and grains make lines stronger or weaker, by a factor that is not known. So two phases share a line that both have, and
a phase whose strongest line lies under another's is told by the rest. The areas follow from one set of linear equations
of which those of any choice of phases are a part.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.phases.cell_fit import SPACING_AGREEMENT
from lics_beamline.phases.pattern_light import MOST_WEIGHT_SIGMAS, PatternLight, weighted_median
from lics_beamline.phases.phase_candidates import PeakPlaces, PhaseHere, worth_lines
from lics_beamline.physics.unit_cell import UnitCell

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]

REACH_FWHM: Final = 10.0  # of the usual line on either side: a Lorentzian has 3 % of its area beyond
WIDTH_RANGE: Final = (0.6, 1.8)  # of a phase's lines over those of the pattern: size and strain
LEAST_STRENGTH: Final = 0.03  # of the strongest line: texture makes weaker ones stronger by more than their own share
LOW_QUANTILE: Final = 0.3  # of areas over strengths, which other phases' lines only enlarge
LARGEST_STEP_FWHM: Final = 0.5  # that a line may move in one step of the cells
PLACE_SIGMAS: Final = 3.0  # by which a line may be off
TEXTURE_SPREAD: Final = 0.35  # relative spread of areas where phases are decided upon: strong texture, few grains
MOST_OF_DUE: Final = 1.0 + 3.0 * TEXTURE_SPREAD  # times its area by structure and scale: more is not all its own
SURE_SIGMAS: Final = 3.0  # of an area that is more
NO_LEANING: Final = 1e-9  # weight of the structure's say where areas are free: keeps lines of one place apart


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PhaseCandidate:
    """A phase with a cell that it may have.

    Parameters
    ----------
    sought : PhaseHere
        The phase.
    cell : UnitCell
        The cell.
    width : float
        Width of its lines over the usual one of the pattern.
    worth : ndarray of int, shape (lines,)
        Which of its lines are fitted.
    """

    sought: PhaseHere
    cell: UnitCell
    width: float
    worth: Places

    @classmethod
    def of(cls, sought: PhaseHere, cell: UnitCell, places: PeakPlaces, seen: PatternLight) -> PhaseCandidate:
        """Return a candidate whose lines are as wide as the peaks where its cell puts them."""
        worth = worth_lines(sought)
        log_spacing = np.log(sought.spacings(cell)[worth])
        nearest = places.nearest(log_spacing)
        at = np.unique(nearest[np.abs(places.log_d[nearest] - log_spacing) < places.reach[nearest]])
        width = 1.0
        if at.size:
            peaks = [places.peaks[place] for place in at.tolist()]
            usual = seen.fwhm(np.array([peak.two_theta_deg for peak in peaks]))
            weight = np.array([min(peak.significance, MOST_WEIGHT_SIGMAS) for peak in peaks])
            width = weighted_median(np.array([peak.fwhm_deg for peak in peaks]) / usual, weight)
        return cls(sought=sought, cell=cell, width=float(np.clip(width, *WIDTH_RANGE)), worth=worth)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MixtureFit:
    """Areas of the lines of a choice of candidates, fitted together.

    Parameters
    ----------
    chosen : tuple of int
        Which candidates.
    gain : float
        Drop of chi2, less what it costs that areas lean on structures, against a pattern without lines.
    scale : ndarray, shape (phases,)
        Area over strength of each phase [area of the pattern / electrons^2].
    area : ndarray, shape (lines,)
        Area of each line [area of the pattern].
    area_sigma : ndarray, shape (lines,)
        Standard deviations; NaN where they were not asked for.
    scale_covariance : ndarray, shape (phases, phases)
        Of the scales; NaN where it was not asked for.
    """

    chosen: tuple[int, ...]
    gain: float
    scale: Array
    area: Array
    area_sigma: Array
    scale_covariance: Array


class Mixture:
    """Candidates on a pattern, any choice of which can be fitted together.

    Parameters
    ----------
    seen : PatternLight
        The pattern.
    candidates : sequence of PhaseCandidate
        Phases with cells.
    """

    def __init__(self, seen: PatternLight, candidates: Sequence[PhaseCandidate]) -> None:
        self.seen = seen
        self.candidates = list(candidates)
        ends = np.cumsum([0, *(one.worth.size for one in self.candidates)])
        self.rows = [np.arange(begin, end) for begin, end in itertools.pairwise(ends)]
        count = int(ends[-1])
        strengths = [one.sought.strength[one.worth] for one in self.candidates]
        self.strength = np.concatenate([*strengths, np.zeros(0)])
        self.unit = np.concatenate([*(np.maximum(s, LEAST_STRENGTH * s.max()) for s in strengths), np.zeros(0)])
        self.centre, self.fwhm, self.right = np.zeros(count), np.zeros(count), np.zeros(count)
        self.first = np.zeros(count, dtype=np.int64)
        reach = math.ceil(REACH_FWHM * float(seen.fwhm(seen.x).max()) / seen.step)
        self.shape, self.slope = np.zeros((count, 2 * reach + 1)), np.zeros((count, 2 * reach + 1))
        self.matrix = np.zeros((count, count))
        self.start = np.zeros(len(self.candidates))  # scales of each alone
        if self.candidates:
            self._draw(range(len(self.candidates)))

    def rows_of(self, chosen: Sequence[int]) -> Places:
        """Return the places of the lines of candidates among all lines."""
        return np.concatenate([self.rows[k] for k in chosen])

    def fit(
        self,
        chosen: Sequence[int],
        *,
        texture: float | Sequence[float],
        start: Sequence[float] | Array,
        beside: MixtureFit | None = None,
        free: int | None = None,
        loose: Flags | None = None,
        errors: bool = False,
    ) -> MixtureFit | None:
        """Fit a choice of candidates to the pattern.

        Parameters
        ----------
        chosen : sequence of int
            Which.
        texture : float or sequence of float
            Relative spread of the areas of lines about what structure and scale give them, of each phase.
        start : sequence of float
            Scales at which the spread is taken.
        beside : MixtureFit, optional
            Lines whose light is taken off before; default none.
        free : int, optional
            The candidate whose areas do not lean on its structure.
        loose : ndarray of bool, shape (lines,), optional
            Lines whose areas do not, for they have light of others; default none.
        errors : bool
            Whether errors are asked for.

        Returns
        -------
        MixtureFit or None
            None where a phase is nowhere in the pattern.
        """
        begun = np.asarray(start, dtype=np.float64)
        if not np.all(begun > 0.0):
            return None
        rows = self.rows_of(chosen)
        of = np.repeat(np.arange(len(chosen)), [self.rows[k].size for k in chosen])
        lines, phases = np.arange(rows.size), rows.size + np.arange(len(chosen))
        unit = begun[of] * self.unit[rows]
        ratio = self.strength[rows] / self.unit[rows]
        stiff = np.broadcast_to(np.asarray(texture, dtype=np.float64), len(chosen))[of] ** -2.0
        if free is not None:
            stiff = np.where(of == list(chosen).index(free), NO_LEANING, stiff)
        if loose is not None:
            stiff = np.where(loose, NO_LEANING, stiff)
        light = self.right[rows]
        if beside is not None:
            light = light - self.matrix[rows][:, self.rows_of(beside.chosen)] @ beside.area
        equations = np.zeros((rows.size + len(chosen), rows.size + len(chosen)))
        equations[: rows.size, : rows.size] = self.matrix[rows][:, rows] * unit * unit[:, None]
        equations[lines, lines] += stiff
        equations[lines, phases[of]] = equations[phases[of], lines] = -stiff * ratio
        equations[phases, phases] = np.bincount(of, stiff * ratio**2, len(chosen))
        right = np.concatenate([light * unit, np.zeros(len(chosen))])
        try:
            inverse = np.linalg.inv(equations) if errors else None
            solution = np.linalg.solve(equations, right) if inverse is None else inverse @ right
        except np.linalg.LinAlgError:
            return None
        told = np.full_like(equations, math.nan) if inverse is None else inverse
        return MixtureFit(
            chosen=tuple(chosen),
            gain=float(right @ solution),
            scale=solution[phases] * begun,
            area=solution[lines] * unit,
            area_sigma=np.sqrt(np.maximum(np.diag(told)[lines], 0.0)) * unit,
            scale_covariance=told[phases][:, phases] * begun * begun[:, None],
        )

    def covered(self, fit: MixtureFit) -> Flags:
        """Tell which lines have so much more than structure and scale give them that another phase's lies upon them."""
        rows = self.rows_of(fit.chosen)
        more = []
        for k in fit.chosen:
            mine, strength = np.isin(rows, self.rows[k]), self.strength[self.rows[k]]
            most = MOST_OF_DUE * weighted_median(fit.area[mine] / strength, strength) * strength
            more.append(fit.area[mine] > most + SURE_SIGMAS * fit.area_sigma[mine])
        return np.concatenate(more)

    def move(self, fit: MixtureFit) -> None:
        """Move the lines of the candidates of a fit to where one step of their cells (Gauss and Newton) puts them.

        Lines that others' lie upon follow, but do not tell where. The fit needs its errors.
        """
        from lics_beamline.phases.phase_equations import overlaps

        rows = self.rows_of(fit.chosen)
        first, shape, slope = self.first[rows], self.shape[rows], self.slope[rows]
        bent, crossed = np.zeros((rows.size, rows.size)), np.zeros((rows.size, rows.size))
        overlaps(first, slope, first, slope, self.seen.weight, bent)
        overlaps(first, slope, first, shape, self.seen.weight, crossed)
        left = self._along(rows, self.slope) - crossed @ fit.area  # what the areas leave, along the slopes of the lines
        turns = [
            -2.0
            * np.degrees(np.tan(np.radians(self.centre[self.rows[k]]) / 2.0))[:, None]
            * one.sought.log_slope[one.worth]
            for k, one in ((k, self.candidates[k]) for k in fit.chosen)
        ]
        by_cell = np.zeros((rows.size, sum(turn.shape[1] for turn in turns)))
        line, number = 0, 0
        for turn in turns:
            by_cell[line : line + turn.shape[0], number : number + turn.shape[1]] = turn
            line, number = line + turn.shape[0], number + turn.shape[1]
        by_cell *= np.where(self.covered(fit), 0.0, fit.area)[:, None]
        change = np.linalg.lstsq(by_cell.T @ bent @ by_cell, by_cell.T @ left, rcond=None)[0]
        number = 0
        for k, turn in zip(fit.chosen, turns, strict=True):
            one, strain = self.candidates[k], change[number : number + turn.shape[1]]
            number += turn.shape[1]
            far = float(np.max(np.abs(turn @ strain) / self.fwhm[self.rows[k]]))
            system = one.sought.phase.system
            strain = strain * min(1.0, LARGEST_STEP_FWHM / max(far, 1e-12))
            cell = UnitCell.from_free(one.cell.free(system) * np.exp(strain), system)
            if one.sought.unlikeness(cell) < 1.0:
                self.candidates[k] = replace(one, cell=cell)
        self._draw(fit.chosen)

    def displaced(self, fit: MixtureFit, which: int) -> Flags:
        """Tell which lines of a candidate the pattern has elsewhere, by more than lines of one cell vary."""
        from lics_beamline.phases.phase_equations import overlaps

        rows, every = self.rows[which], self.rows_of(fit.chosen)
        first, slope = self.first[rows], self.slope[rows]
        crossed, bent = np.zeros((rows.size, every.size)), np.zeros((rows.size, rows.size))
        overlaps(first, slope, self.first[every], self.shape[every], self.seen.weight, crossed)
        overlaps(first, slope, first, slope, self.seen.weight, bent)
        area = fit.area[np.isin(every, rows)]
        told = np.maximum(np.diag(bent) * area**2, 1e-300)
        shift = (self._along(rows, self.slope) - crossed @ fit.area) * area / told
        allowed = 2.0 * np.degrees(np.tan(np.radians(self.centre[rows]) / 2.0)) * SPACING_AGREEMENT
        return np.asarray(np.abs(shift) > np.hypot(allowed, PLACE_SIGMAS / np.sqrt(told)))

    def _draw(self, which: Sequence[int]) -> None:
        """Place the lines of candidates by their cells and bring the sums over the pattern up to date."""
        from lics_beamline.phases.phase_equations import draw_lines, overlaps

        seen, rows = self.seen, self.rows_of(which)
        for k in which:
            one, mine = self.candidates[k], self.rows[k]
            sine = seen.wavelength_angstrom / (2.0 * one.sought.spacings(one.cell)[one.worth])
            self.centre[mine] = 2.0 * np.degrees(np.arcsin(np.minimum(sine, 1.0)))
            self.fwhm[mine] = one.width * seen.fwhm(self.centre[mine])
        first = np.zeros(rows.size, dtype=np.int64)
        shape, slope = np.zeros((2, rows.size, self.shape.shape[1]))
        draw_lines(
            float(seen.x[0]),
            seen.step,
            seen.x.size,
            self.centre[rows],
            self.fwhm[rows],
            seen.mixing,
            first,
            shape,
            slope,
        )
        self.first[rows], self.shape[rows], self.slope[rows] = first, shape, slope
        sums = np.zeros((rows.size, self.first.size))
        overlaps(first, shape, self.first, self.shape, seen.weight, sums)
        self.matrix[rows] = sums
        self.matrix[:, rows] = sums.T
        self.right[rows] = self._along(rows, self.shape)
        for k in which:
            self.start[k] = self._low_scale(self.rows[k])

    def _along(self, rows: Places, shape: Array) -> Array:
        """Return the weighted sums of the pattern under lines."""
        bins = self.first[rows][:, None] + np.arange(shape.shape[1])
        inside = (bins >= 0) & (bins < self.seen.x.size)
        light = (self.seen.weight * self.seen.light)[np.clip(bins, 0, self.seen.x.size - 1)]
        return np.asarray(np.sum(shape[rows] * inside * light, axis=1))

    def _low_scale(self, rows: Places) -> float:
        """Return a scale of a phase that other phases' lines disturb little, at which a fit may begin."""
        weight = np.diag(self.matrix)[rows]
        told = rows[weight > 0.0]
        if not told.size:
            return 0.0
        ratio = self.right[told] / weight[weight > 0.0] / self.strength[told]
        order = np.argsort(ratio)
        share = np.cumsum(self.strength[told][order])
        return float(max(ratio[order][np.searchsorted(share, LOW_QUANTILE * share[-1])], 0.0))
