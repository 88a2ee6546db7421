"""Which candidates are in a pattern: the best is added while it is a phase of its own beside those that are there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.phases.lattice_lines import is_lattice_of_another, is_nearly_another
from lics_beamline.phases.line_evidence import BY_CHANCE_FWHM, OtherLines, line_evidence
from lics_beamline.phases.pattern_light import weighted_median
from lics_beamline.phases.phase_mixture import TEXTURE_SPREAD, Flags, Mixture, MixtureFit
from lics_beamline.physics.unit_cell import free_names

Array = npt.NDArray[np.float64]

LEAST_GAIN: Final = 60.0  # of chi2, by a phase that is there: eight standard deviations
UNLIKELY_CHI2: Final = 4.0  # of a cell at the edge of the window of its equation of state
LEAST_LIGHT: Final = 2e-3  # of the light of all lines: less is made of what profiles leave of strong ones
SEEN_SIGMAS: Final = 4.0  # of the area of a line that is seen
EXPECTED_SIGMAS: Final = 6.0  # of the area by structure and scale of a line that must be seen
LACKING_SIGMAS: Final = 2.0  # by which a line that is missing is below what may be called seen
SEEN_SHARE: Final = 0.25  # of that area, or it of the area, in a line that is seen
LESS_SHARE: Final = 0.5  # of that area, below which a line is less than texture leaves it
SEEN_LIGHT: Final = 0.2  # of the light that all lines of a phase are due, that is due to those that are seen
MISSING_SHARE: Final = 0.2  # of what is seen of a phase, that may be missing where it would be seen
LEAST_EVIDENCE: Final = 10.0  # logarithm of how much likelier the areas must be with a phase than without
SURE_EVIDENCE: Final = 20.0  # of a phase that goes before those that are less likely and explain more
MADE_SHARE: Final = 0.5  # of the area of a peak, of lines that made it
CELL_STEPS: Final = 2  # in which cells follow the pattern
MOST_ROUNDS: Final = 3  # of looking what is left for other phases, once the cells follow the pattern


class PhaseDecision:
    """A decision about the candidates of a mixture, whose cells it lets follow the pattern.

    Parameters
    ----------
    mixture : Mixture
        Candidates on a pattern.
    """

    def __init__(self, mixture: Mixture) -> None:
        self.mixture = mixture
        self._fits: dict[tuple[int, ...], MixtureFit | None] = {}
        self._refused: set[int] = set()

    def found(self) -> list[int]:
        """Return which candidates are there."""
        chosen: list[int] = []
        for _ in range(MOST_ROUNDS):
            before = len(chosen)
            while (best := self._best_beside(chosen)) is not None:
                chosen.append(best)
            if len(chosen) == before:
                break
            for _ in range(CELL_STEPS):
                if (fit := self._fit(chosen)) is not None:
                    fit = self.mixture.fit(chosen, texture=TEXTURE_SPREAD, start=fit.scale, errors=True)
                if fit is not None:
                    self.mixture.move(fit)
                    self._fits.clear()
            chosen = self._needed(chosen)
        return chosen

    def _fit(self, chosen: Sequence[int]) -> MixtureFit | None:
        """Fit some candidates together, with the spread of areas about the scales that a first fit gives."""
        key = tuple(chosen)
        if key not in self._fits:
            known = self._fits.get(key[:-1])
            start = self.mixture.start[list(key)]
            if known is not None:
                start[:-1] = known.scale
            fit = self.mixture.fit(key, texture=TEXTURE_SPREAD, start=start)
            self._fits[key] = None if fit is None else self.mixture.fit(key, texture=TEXTURE_SPREAD, start=fit.scale)
        return self._fits[key]

    def _gain(self, fit: MixtureFit | None) -> float:
        """Return what a fit gains, less what it costs that cells are far from their equations of state."""
        if fit is None or not np.all(fit.scale > 0.0):
            return -math.inf
        candidates = [self.mixture.candidates[k] for k in fit.chosen]
        return fit.gain - UNLIKELY_CHI2 * sum(one.sought.unlikeness(one.cell) ** 2 for one in candidates)

    def _best_beside(self, chosen: list[int]) -> int | None:
        """Return the candidate that explains most of what others leave, if it is there; None where none is."""
        mixture = self.mixture
        names = {mixture.candidates[k].sought.phase.name for k in chosen}
        beside = self._fit(chosen) if chosen else None
        base = self._gain(beside) if chosen else 0.0
        promising = []
        for k, one in enumerate(mixture.candidates):
            if one.sought.phase.name not in names and k not in self._refused:
                alone = mixture.fit([k], texture=TEXTURE_SPREAD, start=mixture.start[[k]], beside=beside)
                if alone is not None and alone.scale[0] > 0.0:
                    alone = mixture.fit([k], texture=TEXTURE_SPREAD, start=alone.scale, beside=beside)
                if (gain := self._gain(alone)) > LEAST_GAIN:
                    promising.append((gain, k))
        promising.sort(reverse=True)
        likely: int | None = None
        for name in dict.fromkeys(mixture.candidates[k].sought.phase.name for _, k in promising):
            cells = [k for _, k in promising if mixture.candidates[k].sought.phase.name == name]
            more = [k for k in cells if self._gain(self._fit([*chosen, k])) - base > LEAST_GAIN]
            # By evidence: lines that nobody knows of let a wrong cell explain more than the right one
            best = max(more, key=lambda k: self._likelihood(k, [*chosen, k]), default=None)
            says = -math.inf if best is None else self._evidence(best, [*chosen, best], placed=False)
            if says > SURE_EVIDENCE:  # goes first: a phase may explain much by lines that are another one's
                return best
            likely = best if likely is None and says > LEAST_EVIDENCE else likely
        return likely

    def _needed(self, chosen: list[int]) -> list[int]:
        """Leave out the candidates that are no phases beside the others, the least first."""
        while chosen:
            whole = self._gain(self._fit(chosen))
            without = {k: [other for other in chosen if other != k] for k in chosen}
            gains = sorted((whole - (self._gain(self._fit(rest)) if rest else 0.0), k) for k, rest in without.items())
            out = next(
                (
                    k
                    for gain, k in gains
                    if gain < LEAST_GAIN or self._evidence(k, chosen, placed=True) <= LEAST_EVIDENCE
                ),
                None,
            )
            if out is None:
                break
            self._refused.add(out)
            chosen = without[out]
        return chosen

    def _likelihood(self, which: int, chosen: Sequence[int]) -> float:
        """Return the evidence for a phase in just this cell, less what it costs that the cell is not as expected."""
        one = self.mixture.candidates[which]
        return self._evidence(which, chosen, placed=True) - 0.5 * UNLIKELY_CHI2 * one.sought.unlikeness(one.cell) ** 2

    def _evidence(self, which: int, chosen: Sequence[int], *, placed: bool) -> float:
        """Return the logarithm of how much likelier the areas of a phase's lines are with it, beside others.

        It is minus infinity where what makes a phase is not there. With `placed`, lines must be where its cell has
        them: so it is once the cells have followed the pattern.
        """
        mixture, fit = self.mixture, self._fit(chosen)
        alone = (
            None
            if fit is None
            else mixture.fit(chosen, texture=TEXTURE_SPREAD, start=fit.scale, free=which, errors=True)
        )
        if fit is None or alone is None:
            return -math.inf
        one, rows = mixture.candidates[which], mixture.rows[which]
        mine = np.flatnonzero(np.isin(mixture.rows_of(chosen), rows))
        area, sigma, strength = alone.area[mine], alone.area_sigma[mine], mixture.strength[rows]
        told = 1.0 / (1.0 + (sigma / (TEXTURE_SPREAD * fit.scale[list(chosen).index(which)] * strength)) ** 2)
        # The middle one of the scales that the lines say, for some may have another phase's light
        due = strength * max(weighted_median(area / strength, told * strength), 0.0)
        inside = (mixture.centre[rows] > mixture.seen.first_deg) & (mixture.centre[rows] < mixture.seen.last_deg)
        there = inside & ~mixture.displaced(alone, which) if placed else inside
        seen = there & (area > SEEN_SIGMAS * sigma) & (area > SEEN_SHARE * due) & (area < due / SEEN_SHARE)
        missing = inside & (due > EXPECTED_SIGMAS * sigma) & (area + LACKING_SIGMAS * sigma < SEEN_SHARE * due)
        less = inside & (area + LACKING_SIGMAS * sigma < LESS_SHARE * due)
        lacking = [one.sought.lines[k].hkl for k in one.worth[missing].tolist()]
        is_phase = (
            bool(np.count_nonzero(seen) > len(free_names(one.sought.phase.system)))
            and float(due[seen].sum()) > SEEN_LIGHT * float(due[inside].sum())
            and float(due.sum()) > LEAST_LIGHT * float(np.maximum(fit.area, 0.0).sum())
            and not any(hkl in one.sought.phase.markers for hkl in lacking)
            and float(due[missing].sum()) <= MISSING_SHARE * float(np.minimum(area, due)[seen].sum())
            and not (placed and self._is_anothers_lattice(fit, which))
            and not (placed and self._is_nearly_another(fit, which, seen, less))
        )
        if not is_phase:
            return -math.inf
        each = line_evidence(area, sigma, due, texture=TEXTURE_SPREAD, others=self._others(fit, which))
        # A line that the pattern has elsewhere is no line of the phase: it may hide one, but speaks for none
        return float(np.sum(np.where(there, each, np.minimum(each, 0.0))[inside]))

    def _is_anothers_lattice(self, fit: MixtureFit, which: int) -> bool:
        """Tell whether what no other phase explains has lines of a lattice that has all of a phase's, and more."""
        one, seen, strange = self.mixture.candidates[which], self.mixture.seen, self._strange(fit, which)
        cells = [one.cell]
        if one.sought.phase.system == "cubic" and one.sought.phase.structure.space_group[0] == "I":
            cells.append(one.cell.strained(3.0**0.5))  # its h^2 + k^2 + l^2 are three times those of the phase
        return any(
            is_lattice_of_another(
                cell,
                one.sought.spacings(one.cell),
                seen.peak_deg[strange],
                seen.peak_fwhm[strange],
                range_deg=(seen.first_deg, seen.last_deg),
                wavelength_angstrom=seen.wavelength_angstrom,
            )
            for cell in cells
        )

    def _is_nearly_another(self, fit: MixtureFit, which: int, seen: Flags, less: Flags) -> bool:
        """Tell whether what no other phase explains is rather of the lattice that is nearly the phase's."""
        one, light, strange = self.mixture.candidates[which], self.mixture.seen, self._strange(fit, which)
        if one.sought.phase.system != "cubic":
            return False
        return is_nearly_another(
            one.sought.phase.structure.space_group[0],
            one.cell.a_angstrom,
            np.sum(one.sought.hkl[one.worth] ** 2, axis=1),
            seen,
            less,
            light.peak_deg[strange],
            light.peak_fwhm[strange],
            wavelength_angstrom=light.wavelength_angstrom,
        )

    def _others(self, fit: MixtureFit, which: int) -> OtherLines:
        """Return what is to be expected of the lines that no other phase of a fit makes."""
        seen, strange = self.mixture.seen, self._strange(fit, which)
        return OtherLines.of(seen.peak_area[strange], seen.peak_fwhm[strange], seen.last_deg - seen.first_deg)

    def _strange(self, fit: MixtureFit, which: int) -> Flags:
        """Tell which peaks the phases of a fit but one do not make."""
        mixture, seen = self.mixture, self.mixture.seen
        rows = mixture.rows_of(fit.chosen)
        made = ~np.isin(rows, mixture.rows[which])
        near = np.abs(seen.peak_deg[:, None] - mixture.centre[rows][made]) < BY_CHANCE_FWHM * seen.peak_fwhm[:, None]
        return np.asarray((near * fit.area[made]).sum(axis=1) < MADE_SHARE * seen.peak_area)
