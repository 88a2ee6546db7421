"""Lines of a pattern: found where it curves as under one, fitted, judged by counting, looked for again in what is left.

Two questions are asked apart. Whether a line is there: its height over the error that background and neighbours leave
at its place, as counting has it; how well a pseudo-Voigt describes it does not matter. Where it is: there the misfit
counts, and enlarges the error. Widths are those of lines and not of bins: a list does not hang on their number.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.lines.found_line import FoundLine, groups_of, is_pair
from lics_beamline.lines.line_candidates import candidates
from lics_beamline.lines.line_fit import LineFit, ProfileLine, fit_lines, light, light_of_all
from lics_beamline.lines.lone_lines import LoneLine, least_gain, quantile, weighted_median
from lics_beamline.patterns.pattern import Pattern
from lics_beamline.physics.robust_scatter import SIGMA_OVER_MAD

Array = npt.NDArray[np.float64]

CANDIDATE_SHARE: Final = 0.6  # of the significance asked for: what a candidate must show, before it is fitted
LATER_SHARE: Final = 0.6  # the same, once the usual width is known and fewer are tried
DIM_SHARE: Final = 0.85  # of the significance asked for, once the others are known
WIDTH_SCATTER: Final = 0.25  # of the logs of the widths in one pattern: strain and grains are of each phase
MOST_TRIALS: Final = 3  # of one place: neighbours found meanwhile may make it a line
MOST_ROUNDS: Final = 12  # of looking at what the lines found so far leave; a third finds the last of crowded ones
FIRST_SHARE: Final = 3.0  # a candidate so many times weaker than a neighbour waits until that one is fitted
NEIGHBOURHOOD_FWHM: Final = 6.0  # of the neighbour's, within which its wings may look like lines
BROAD_TIMES: Final = 2.5  # times the usual width: looks like background
NARROW_TIMES: Final = 2.5  # times less than the usual width: looks like grains
TAKEN_FWHM: Final = 0.3  # nearer to a known line than this is no other
REACH_FWHM: Final = 4.0  # fitted beyond the outermost line
PLACED_FWHM: Final = 0.5  # a line whose place is less sure is what its neighbours' misfit leaves
SHAPE_SIGMAS: Final = 20.0  # of a lone line that shows how well a pseudo-Voigt describes lines
SHOULDER_SHARE: Final = 0.02  # of a line so close: only lone lines tell a weaker one from what the shape leaves
ONE_FWHM: Final = 0.5  # of two lines closer than this the weaker is none
RETRIED_WIDTH: Final = 1.3  # times the width of others: a refused line so much wider is tried as narrow as they are
ONE_BINS: Final = 1.5  # nor are there two where no bin lies between
REACH_BINS: Final = 5.0  # and as many bins at least, for lines within one
WIDEST_OF_RANGE: Final = 0.024  # of the pattern's range: a broader line is background
STIFF_OF_RANGE: Final = 0.1  # period above which what varies is background
NOISE_BLOCKS: Final = 80  # parts of the range in each of which the noise of the background is one number
WING_SHARE: Final = 0.3  # of a line's Lorentzian that its light may lack: no background is read off there
LIGHT_SHARE: Final = 0.1  # of a line's light that its fit may lack
LEVEL_SIGMAS: Final = 3.0  # of a bin; what is below says nothing of how its noise grows with light
LEAST_VARIANCE: Final = 1e-6  # of the median: bins without any count have no variance of their own


class LineSearch:
    """The lines of one pattern, as far as they are known.

    Parameters
    ----------
    pattern : Pattern
        The pattern.
    good : ndarray of bool, shape (bins,)
        Bins that have an intensity.
    significance : float
        Least height of a line over the error that background and neighbours leave at its place.
    """

    def __init__(self, pattern: Pattern, good: npt.NDArray[np.bool_], significance: float) -> None:
        index = np.arange(good.size)
        self.pattern = pattern
        self.good = good
        self.significance = significance
        # A copy: loops would be compiled once more, which takes seconds, for numbers that cannot be written to.
        self.x: Array = np.array(pattern.two_theta_deg)
        self.step = pattern.step_deg
        self.y = np.interp(index, index[good], pattern.intensity[good])
        variance = np.interp(index, index[good], pattern.sigma[good] ** 2)
        # Of neighbouring bins: the error of a bin of few counts follows its counts, and would pull the fit down.
        self.variance = np.convolve(np.pad(variance, 1, mode="edge"), [0.25, 0.5, 0.25], "valid")
        self.usual_variance = float(np.median(self.variance))
        self.first, self.last = (float(self.x[good][end]) for end in (0, -1))
        self.widest_bins = WIDEST_OF_RANGE * good.size
        self.known: list[FoundLine] = []
        self.trials: npt.NDArray[np.int64] = np.zeros(good.size, dtype=np.int64)  # of each bin that were refused
        self.light: Array = np.zeros(good.size)
        self.background: Array = np.zeros(good.size)
        self.usual_fwhm: float | None = None
        self.usual_mixing = 0.5
        self._stock: tuple[list[FoundLine], Array] = ([], self.light)
        self._lone: list[LoneLine] | None = []
        self._count()
        self.scale = self._scale()

    def found(self, *, dim: bool = False) -> list[FoundLine]:
        """Look for lines, fit them, and look again at what they leave; return those to be listed.

        `dim` ones come last: beside lines that are known, and as wide as they are, less tells a line from noise.
        """
        self._look(refit=True)
        if dim and self.usual_fwhm:
            self.significance *= DIM_SHARE
            self.trials = np.minimum(self.trials, MOST_TRIALS - 1)
            self._look(refit=False)
        return [one for one in self.known if self._stands(one)]

    def _look(self, *, refit: bool) -> None:
        """Look for lines until there are no more; `refit`: the second time all are fitted once more."""
        looked_again = not refit
        for turn in range(MOST_ROUNDS):
            again = refit and turn == 1  # because the background is known now
            before, trials = len(self.known), self.trials.copy()
            new = [] if again else self._new_lines()
            if not new and not again and not looked_again:
                # What was refused is tried once more at the end, when all its neighbours are known.
                looked_again = True
                self.trials = np.minimum(self.trials, MOST_TRIALS - 1)
                new = self._new_lines()
            if not new and not again:
                break
            # The strongest first: what is fitted is taken off beside the others.
            for group in sorted(
                groups_of(self.known + new), key=lambda group: max(one.sigmas for one in group), reverse=True
            ):
                if again or any(one.fit is None for one in group):
                    self._fit(group)
            self.known = [one for one in self.known if one.fit is not None]
            if len(self.known) <= before:  # what was refused has no new neighbours, and would be refused again
                self.trials[self.trials > trials] = MOST_TRIALS
            self._take_stock()

    def background_under(self, one: FoundLine) -> float:
        """Return the background under a line [unit of the pattern]."""
        straight = one.fit.background(one.line.centre) if one.fit else 0.0
        return straight + float(np.interp(one.line.centre, self.x, self.background))

    def _new_lines(self) -> list[FoundLine]:
        """Return the candidates in what the known lines leave, the strongest of each neighbourhood first.

        What is broad may be what lines not yet found add up to, and is looked at when there are no others.
        """
        usual = self.usual_fwhm / self.step if self.usual_fwhm else None
        new = self._standing_out(0.5 * usual, BROAD_TIMES * usual) if usual else []
        if new:
            return new
        new = self._standing_out(0.0, self.widest_bins)
        usual = usual or float(np.median([one.line.fwhm for one in new] or [self.step])) / self.step
        return [one for one in new if one.line.fwhm < BROAD_TIMES * max(usual, 1.0) * self.step] or new

    def _standing_out(self, narrowest_bins: float, widest_bins: float) -> list[FoundLine]:
        found = candidates(
            self.y - self.light - self.background,
            self.scale**2 * self._counting(self.light),
            threshold=(LATER_SHARE if self.usual_fwhm else CANDIDATE_SHARE) * self.significance,
            narrowest_bins=narrowest_bins,
            widest_bins=min(max(widest_bins, 2.0), self.widest_bins),
        )
        free = self.good.copy()
        for often in np.flatnonzero(self.trials >= MOST_TRIALS).tolist():
            free[max(often - 1, 0) : often + 2] = False
        centre = np.array([known.line.centre for known in self.known])
        near = TAKEN_FWHM * np.array([known.line.fwhm for known in self.known])
        for begin, end in zip(
            *(self.x.searchsorted(side).tolist() for side in (centre - near, centre + near)), strict=True
        ):
            free[begin:end] = False
        found = [one for one in found if free[one.bin]]
        place, fwhm, sigmas = np.array([(one.bin, one.fwhm_bins, one.sigmas) for one in found]).reshape(-1, 3).T
        beside = np.abs(place[:, None] - place) < NEIGHBOURHOOD_FWHM * fwhm
        waits = np.any(beside & (sigmas > FIRST_SHARE * sigmas[:, None]), axis=1)
        return [
            FoundLine(
                line=ProfileLine(
                    centre=float(self.x[one.bin]), fwhm=one.fwhm_bins * self.step, mixing=self.usual_mixing
                ),
                sigmas=one.sigmas,
            )
            for one, later in zip(found, waits.tolist(), strict=True)
            if not later
        ]

    def _fit(self, group: list[FoundLine]) -> None:
        """Fit a group, and leave out the worst of its lines until all are lines."""
        rest = [one for one in self.known if one not in group]
        beside = self.light - self._light_of([one for one in group if one.fit is not None])
        while group:
            reach = [max(REACH_FWHM * one.line.fwhm, REACH_BINS * self.step) for one in group]
            first = min(one.line.centre - far for one, far in zip(group, reach, strict=True))
            last = max(one.line.centre + far for one, far in zip(group, reach, strict=True))
            here = slice(int(self.x.searchsorted(first, "right")), int(self.x.searchsorted(last)))
            others = beside[here]
            fit = self._fitted([one.line for one in group], here, others)
            judged = [] if fit is None else self._judged(fit, here, others)
            worst = self._worst(judged, group)
            if worst is None and fit is not None:
                worst = self._needless(judged, fit, here, others)
            if worst is None:
                break
            if narrower := self._narrower(group, judged, worst):
                group = [*group[:worst], narrower, *group[worst + 1 :]]
                continue
            self.trials[np.argmin(np.abs(self.x - group[worst].line.centre))] += 1
            group = group[:worst] + group[worst + 1 :]
            if len(parts := groups_of(group)) > 1:  # what held them together was no line: a hump between them
                fitted = [one for one in group if one.fit is not None]
                self.known, self.light = rest + fitted, beside + self._light_of(fitted)
                for part in parts:
                    self._fit(part)
                return
        else:
            judged = []
        self.known = rest + judged
        self.light = beside + self._light_of(judged)

    def _narrower(self, group: list[FoundLine], judged: list[FoundLine], worst: int) -> FoundLine | None:
        """Return a new line that was refused, to be tried as narrow as the others; None where it was so.

        Beside a brighter line the light of a shoulder looks wide, and a fit begun so wide ends across both.
        """
        begun, others = group[worst], [one.line.fwhm for one in judged if self._shadows(one.line, judged[worst].line)]
        usual = min([self.usual_fwhm or math.inf, *others])
        if not others or begun.fit or min(begun.line.fwhm, judged[worst].line.fwhm) <= RETRIED_WIDTH * usual:
            return None
        return replace(begun, line=replace(begun.line, fwhm=usual))

    def _fitted(self, lines: list[ProfileLine], here: slice, others: Array) -> LineFit | None:
        x, y, sigma = self.x[here], self.y[here] - self.background[here] - others, self.fit_sigma[here]
        if not self.good[here].all():
            use = self.good[here]
            x, y, sigma = x[use], y[use], sigma[use]
        return fit_lines(x, y, sigma, lines, step=self.step, usual_fwhm=self.usual_fwhm)

    def _light_of(self, found: list[FoundLine]) -> Array:
        return light_of_all([one.line for one in found], self.x, self.step)

    def _needless(self, judged: list[FoundLine], fit: LineFit, here: slice, others: Array) -> int | None:
        """Return which of close lines the others can do without, with their widths and wings fitted anew."""
        free = np.count_nonzero(self.good[here])

        def loss(left_out: list[FoundLine]) -> float:
            rest = [replace(one.line, mixing=self.usual_mixing) for one in judged if one not in left_out]
            alone = self._fitted(rest, here, others)
            return math.inf if alone is None else (alone.chi2 - fit.chi2) * free

        for k, one in enumerate(judged):
            close = [other for other in judged if is_pair(one.line, other.line)]
            above = [other for other in close if other.line.height > one.line.height]
            below = [other for other in close if other.line.height < one.line.height]
            if above and loss([one]) < self._least_gain([one], fit.chi2, above, here):
                return k
            # One on either side may hold the other up, where both are the wings of the line between.
            if len(below) > 1 and loss(below) < len(below) * self._least_gain(below, fit.chi2, [one], here):
                return min((other.sigmas, judged.index(other)) for other in below)[1]
        return None

    def _least_gain(self, lines: list[FoundLine], chi2: float, stronger: list[FoundLine], here: slice) -> float:
        """Return how much chi2 each of some lines beside stronger ones must gain."""
        bright = light_of_all([one.line for one in stronger], self.x[here], self.step)
        squares = float(np.sum((bright / self.fit_sigma[here]) ** 2))
        first, last = self.x[here][0], self.x[here][-1]
        return least_gain(
            [one for one in self.lone if not first < one.centre < last],
            squares,
            self.significance**2 * max(1.0, chi2),
            is_dim=min(one.line.height for one in lines) < SHOULDER_SHARE * max(one.line.height for one in stronger),
        )

    def _judged(self, fit: LineFit, here: slice, others: Array) -> list[FoundLine]:
        """Return the lines of a fit with the errors that background and neighbours leave of their heights."""
        from lics_beamline.lines.line_equations import squares_of_heights

        x = self.x[here]
        each = light(fit.lines, x, self.step)
        height = np.array([line.height for line in fit.lines])
        own, told = np.empty(height.size), np.empty(height.size)
        squares_of_heights(
            each,
            height,
            others,
            self.scale**2 * self.dark[here],
            self.scale**2 * self.gain[here],
            self.good[here],
            own,
            told,
        )
        judged = []
        for k, line in enumerate(fit.lines):
            judged.append(
                FoundLine(
                    line=line,
                    fit=fit,
                    sigmas=line.height * math.sqrt(told[k]),
                    height_sigma=1.0 / math.sqrt(max(told[k], 1e-12 * own[k], 1e-300)),
                    centre_sigma=self.pattern.correlation * float(fit.centre_sigma[k]) * math.sqrt(max(1.0, fit.chi2)),
                )
            )
        return judged

    def _worst(self, judged: list[FoundLine], begun: list[FoundLine]) -> int | None:
        """Return which line of a group is least one; None where all are."""
        if not judged:
            return int(np.argmin([one.line.height for one in begun]))
        faults: list[tuple[float, int]] = []
        for k, one in enumerate(judged):
            line = one.line
            sigmas = line.height / one.height_sigma
            wide = line.fwhm > self.widest_bins * self.step
            twin = any(self._shadows(other.line, line) for other in judged if other is not one)
            if wide or twin or sigmas < CANDIDATE_SHARE * self.significance * self._unlike(line):
                faults.append((sigmas, k))
        return min(faults)[1] if faults else None

    def _shadows(self, other: ProfileLine, line: ProfileLine) -> bool:
        """Tell whether a line is too close to a stronger one to be another."""
        apart, width = abs(line.centre - other.centre), max(line.fwhm, other.fwhm)
        return apart < max(ONE_FWHM * width, ONE_BINS * self.step) and line.height < other.height

    def _stands(self, one: FoundLine) -> bool:
        """Tell whether a line is one to list."""
        line = one.line
        inside = self.first + line.fwhm < line.centre < self.last - line.fwhm
        placed = one.centre_sigma < PLACED_FWHM * max(line.fwhm, self.step)
        # What fitting place and width gains from noise alone, one of chi2 for each, is not the line's.
        told = one.sigmas**2 - 2.0
        return inside and placed and told >= (self.significance * self._unlike(line)) ** 2 + self._strange(line)

    def _unlike(self, line: ProfileLine) -> float:
        """Return how much more a line must stand out for its width: much broader ones look like background."""
        if self.usual_fwhm is None:
            return 1.0
        narrow = self.usual_fwhm / (NARROW_TIMES * math.hypot(line.fwhm, 0.5 * self.step))
        return max(1.0, line.fwhm / (BROAD_TIMES * self.usual_fwhm), narrow) ** 2

    def _strange(self, line: ProfileLine) -> float:
        """Return the chi2 that the width of a line has by itself, as those of the others are."""
        if self.usual_fwhm is None:
            return 0.0
        wider = math.hypot(line.fwhm, 0.5 * self.step) / math.hypot(self.usual_fwhm, 0.5 * self.step)
        return (math.log(wider) / WIDTH_SCATTER) ** 2

    def _take_stock(self) -> None:
        """Bring light, background and noise up to date."""
        self.light = self._light_of(self.known)
        sure = [one for one in self.known if one.line.height > 3.0 * self.significance * one.height_sigma]
        if len(sure) >= 3:
            self.usual_fwhm = weighted_median([(one.line.fwhm, one.sigmas) for one in sure])
            self.usual_mixing = weighted_median([(one.line.mixing, one.sigmas) for one in sure])
        self.background = self._smooth_background()
        self._count()
        self.scale = self._scale()
        self._stock, self._lone = (self.known, self.light), None

    @property
    def lone(self) -> list[LoneLine]:
        """The lone lines as of the last stock: asked for only where lines are close, and told once."""
        if self._lone is None:
            self._lone = self._lone_lines(*self._stock)
        return self._lone

    def _lone_lines(self, known: list[FoundLine], shown: Array) -> list[LoneLine]:
        lone = []
        parts = (shown / self.fit_sigma) ** 2
        for group in groups_of(known):
            one = group[0]
            if len(group) > 1 or one.fit is None or one.sigmas < SHAPE_SIGMAS:
                continue
            far = max(REACH_FWHM * one.line.fwhm, REACH_BINS * self.step)
            here = slice(*self.x.searchsorted((one.line.centre - far, one.line.centre + far)).tolist())
            bins = int(np.count_nonzero(self.good[here]))
            lacking = (one.fit.chi2 - 1.0) * bins
            squares = float(parts[here].sum())
            is_seen = lacking > 2.0 * math.sqrt(2.0 * bins)  # two standard deviations of a chi2
            lone.append(
                LoneLine(centre=one.line.centre, lacking=lacking / squares if is_seen else 0.0, squares=squares)
            )
        return lone

    def _smooth_background(self) -> Array:
        """Return what varies slowly: the smoothest curve through what the lines leave (Whittaker 1923)."""
        from lics_beamline.lines.line_equations import smooth_curve

        # Wings that a fit has missed must not become background, which the next fit would leave them to.
        wings = light_of_all([replace(one.line, mixing=1.0) for one in self.known], self.x, self.step)
        doubt = (LIGHT_SHARE * self.light) ** 2 + (WING_SHARE * wings) ** 2
        weight = self.good / (self.scale**2 * self.variance + doubt)
        weight /= quantile(weight[self.good], 0.5)
        curve = self.y - self.light
        smooth_curve(weight, (STIFF_OF_RANGE * self.y.size / (2.0 * math.pi)) ** 4, curve)
        return curve

    def _counting(self, more: Array, here: slice = slice(None)) -> Array:
        """Return the variance of the background under more light, as counting has it."""
        return self.dark[here] + self.gain[here] * np.maximum(more, 0.0)

    def _count(self) -> None:
        """Take the variance of the background alone and that of each unit of light, from where there is little."""
        from scipy.ndimage import uniform_filter1d

        size = self.y.size
        level = self.background if self.known else self.y
        share = np.clip(level / np.maximum(level + self.light, 1e-300), 0.0, 1.0) if self.known else np.ones(size)
        # Where a background was taken off, its noise stays: no level tells it from that of a little light.
        share[np.maximum(level, self.light) < LEVEL_SIGMAS * np.sqrt(self.variance)] = 1.0
        width = max(8, size // NOISE_BLOCKS)
        whole = size // width * width
        middles = np.arange(0.5 * width, whole, width)
        parts = (self.variance * np.maximum(share, 0.01))[:whole].reshape(-1, width)
        dark = quantile(parts, 0.5 if self.known else 0.4)
        levels = quantile(level[:whole].reshape(-1, width), 0.5)
        places = np.arange(size)
        dark = np.maximum(dark, LEAST_VARIANCE * self.usual_variance)
        self.dark = np.interp(places, middles, dark)
        lit = levels > LEVEL_SIGMAS * np.sqrt(dark)
        bright = self.light > LEVEL_SIGMAS * np.sqrt(self.dark)
        if lit.any():
            self.gain = np.interp(places, middles[lit], dark[lit] / levels[lit])
        elif bright.any():
            slope = float(np.median((self.variance[bright] - self.dark[bright]) / self.light[bright]))
            self.gain = np.full(size, max(slope, 0.0))  # below zero it is chance: light takes no noise away
        else:
            self.gain = np.zeros(size)
        expected = self._counting(self.light)
        width = max(3, round((self.usual_fwhm or 0.0) / self.step))
        self.fit_sigma = np.sqrt(expected * uniform_filter1d(self.variance, width) / uniform_filter1d(expected, width))

    def _scale(self) -> float:
        """Return by how much the pattern scatters more than its errors say, 1 or more."""
        rest = self.y - self.light
        rough = rest[1:-1] - 0.5 * (rest[2:] + rest[:-2])
        expected = self.variance[1:-1] + 0.25 * (self.variance[2:] + self.variance[:-2])
        ratio = (np.abs(rough) / np.sqrt(expected))[self.good[1:-1]]
        # A quarter of the bins are surely between the lines; of a normal distribution it is within 0.3186.
        scatter = SIGMA_OVER_MAD * float(quantile(ratio, 0.5)) if self.known else float(quantile(ratio, 0.25)) / 0.3186
        return max(self.pattern.correlation, scatter if scatter > 1.15 else 1.0)
