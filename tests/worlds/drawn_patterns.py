"""``python -m tests.worlds.drawn_patterns --patterns N --seed S``: patterns of known lines, and the score of a list.

Lines, background and counts are drawn here with nothing of the analysis but the class that holds a pattern. What a list
is held against is the drawing: which lines a counter could tell, which of them are listed, what is listed beside them.
"""

import argparse
import math
from dataclasses import dataclass

import numpy as np

from lics_beamline.patterns.pattern import Pattern

WAVELENGTH_ANGSTROM = 0.41373
SURE_SIGMAS = 6.0  # lines above this are asked for
LISTED_SIGMAS = 5.0  # what a line must show to be listed: noise alone shows it once in some hundred patterns
CLOSE_FWHM = 1.5  # lines nearer than this are half resolved
FAINT_SIGMAS = 1.0  # a listed line is none of the drawn ones where only fainter ones are near
OVERLAP_FWHM = 3.0  # lines closer than this are fitted together
FITTED_FWHM = 4.0  # beyond the outermost of them
FITTED_BINS = 5.0  # and as many bins at least
FINE = 8  # points in a bin over which a line is averaged, as the pixels of a ring do


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnLine:
    """A line that was drawn.

    `sigmas`: its counts within its own full width at half height over the square root of all *other* counts there
    (background and neighbours): what a counter that knows the place says of it. The width is that of the line as it is
    binned. `seen`: the curve without noise has a maximum of its own here, within half a width: not only a shoulder of a
    neighbour.
    """

    two_theta_deg: float
    fwhm_deg: float
    height: float
    sigmas: float
    seen: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drawing:
    """A drawn pattern and its lines.

    `mixing`: Lorentz fraction of all its lines; `variance`: of each bin, as the curve without noise has it.
    """

    pattern: Pattern
    lines: tuple[DrawnLine, ...]
    mixing: float
    variance: np.ndarray


def _shape(x, centre, fwhm, mixing, step):
    """A pseudo-Voigt of height 1, averaged over each bin."""
    offsets = (np.arange(FINE) + 0.5) / FINE - 0.5
    u = 2.0 * (x[:, None] + step * offsets - centre) / fwhm
    return (mixing / (1.0 + u**2) + (1.0 - mixing) * np.exp(-math.log(2.0) * u**2)).mean(axis=1)


def draw(seed, *, bins=None, closest_fwhm=1.0):
    """Draw a pattern of 2 to 30 lines; another number of bins keeps what is sampled, not its noise."""
    rng = np.random.default_rng(seed)
    drawn_bins = round(math.exp(rng.uniform(math.log(500), math.log(5000))))
    bins = bins or drawn_bins
    low = rng.uniform(2.0, 8.0)
    high = low + rng.uniform(15.0, 28.0)
    edges = np.linspace(low, high, bins + 1)
    x, step = 0.5 * (edges[1:] + edges[:-1]), (high - low) / bins
    fwhm = math.exp(rng.uniform(math.log(0.05), math.log(0.15)))
    broadening = rng.uniform(1.0, 2.0)  # of the second of two phases
    mixing = rng.uniform(0.0, 1.0)
    background = 1.0 + rng.uniform(0.0, 2.0) * np.exp(-(x - low) / rng.uniform(2.0, 8.0))
    for _ in range(rng.integers(0, 4)):  # gasket, glass, liquid
        centre, width = rng.uniform(low, high), rng.uniform(0.8, 4.0)
        background += rng.uniform(0.1, 2.0) * np.exp(-0.5 * ((x - centre) / width) ** 2)
    # Counts of the background in a bin of a hundredth of a degree: dim plate to bright photon counter.
    pixels = math.exp(rng.uniform(math.log(3.0), math.log(3e4))) * step / 0.01 * x / x.mean()

    centres, widths = [], []
    wanted = rng.integers(2, 31)
    for _ in range(50 * wanted):
        if len(centres) == wanted:
            break
        width = fwhm * (broadening if rng.uniform() < 0.5 else 1.0)
        if centres and rng.uniform() < 0.4:  # beside another
            k = rng.integers(len(centres))
            centre = centres[k] + rng.choice((-1.0, 1.0)) * rng.uniform(1.0, 3.0) * max(width, widths[k])
        else:
            centre = rng.uniform(low + 0.5, high - 0.5)
        free = all(abs(centre - c) > closest_fwhm * max(width, w) for c, w in zip(centres, widths, strict=True))
        if free and low + 0.5 < centre < high - 0.5:
            centres.append(centre)
            widths.append(width)

    # Heights between a tenth of what can be told and a hundred times the background
    shapes, heights = [], []
    for centre, width in zip(centres, widths, strict=True):
        shape = _shape(x, centre, width, mixing, step)
        near = shape > 0.5 * shape.max()
        sigma = 1.0 / math.sqrt(float(np.sum(pixels[near] / background[near])))
        heights.append(min(sigma * math.exp(rng.uniform(math.log(1.0), math.log(3000.0))), 100.0))
        shapes.append(shape)
    light = [height * shape for height, shape in zip(heights, shapes, strict=True)]
    curve = background + np.sum(light, axis=0)
    tops = x[1:-1][(curve[1:-1] >= curve[:-2]) & (curve[1:-1] > curve[2:])]
    lines = []
    for k, (centre, width) in enumerate(zip(centres, widths, strict=True)):
        near = shapes[k] >= 0.5 * shapes[k].max()
        own = float(np.sum((pixels * light[k])[near]))
        others = float(np.sum((pixels * (curve - light[k]))[near]))
        lines.append(
            DrawnLine(
                two_theta_deg=centre,
                fwhm_deg=width,
                height=heights[k],
                sigmas=own / math.sqrt(others),
                seen=any(abs(top - centre) < 0.5 * width + step for top in tops),
            )
        )
    counts = rng.poisson(pixels * curve).astype(float)
    pattern = Pattern(
        two_theta_deg=x,
        intensity=counts / pixels,
        sigma=np.sqrt(np.maximum(counts, 1.0)) / pixels,
        wavelength_angstrom=WAVELENGTH_ANGSTROM,
    )
    return Drawing(
        pattern=pattern,
        lines=tuple(sorted(lines, key=lambda line: line.two_theta_deg)),
        mixing=mixing,
        variance=curve / pixels,
    )


def told_sigmas(drawing, line):
    """Return the height of a line over its error where nothing else is known either (Cramer and Rao).

    `DrawnLine.sigmas` takes background and neighbours for known. A list has to fit them: heights, places and widths of
    the lines that overlap, their mixing and a straight background. What of the line these cannot make up is all that
    anybody can tell of it; a shoulder of 8 sigmas may keep 3.
    """
    x, step = drawing.pattern.two_theta_deg, drawing.pattern.step_deg
    group = {line}
    while more := {
        other
        for other in drawing.lines
        if other.sigmas > FAINT_SIGMAS
        and other not in group
        and any(
            abs(other.two_theta_deg - one.two_theta_deg) < OVERLAP_FWHM * max(other.fwhm_deg, one.fwhm_deg)
            for one in group
        )
    }:
        group |= more
    far = [max(FITTED_FWHM * one.fwhm_deg, FITTED_BINS * step) for one in group]
    low = min(one.two_theta_deg - reach for one, reach in zip(group, far, strict=True))
    high = max(one.two_theta_deg + reach for one, reach in zip(group, far, strict=True))
    here = (x > low) & (x < high)
    x, error = x[here], np.sqrt(drawing.variance[here])

    def shape(one, mixing=drawing.mixing, moved=0.0, widened=0.0):
        return _shape(x, one.two_theta_deg + moved, one.fwhm_deg + widened, mixing, step)

    others = [np.ones(x.size), x - x.mean()]
    others.append(sum(one.height * (shape(one, mixing=1.0) - shape(one, mixing=0.0)) for one in group))
    for one in group - {line}:
        little = 1e-3 * one.fwhm_deg
        others.append(shape(one))
        others.append(one.height * (shape(one, moved=little) - shape(one, moved=-little)) / little)
        others.append(one.height * (shape(one, widened=little) - shape(one, widened=-little)) / little)
    columns = np.array(others) / error
    basis, _ = np.linalg.qr((columns / np.linalg.norm(columns, axis=1)[:, None]).T)
    own = line.height * shape(line) / error
    return float(np.linalg.norm(own - basis @ (basis.T @ own)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What a list got of many drawings.

    `sure`: drawn lines above `SURE_SIGMAS`; `found`: those of them that are listed, within half a width and a bin;
    `seen`, `seen_found`: those of both that have a maximum of their own; `told`, `told_found`: those of both that are
    above `SURE_SIGMAS` also where background and neighbours have to be fitted (`told_sigmas`). `expected`: how many of
    `sure` anybody lists who asks for `LISTED_SIGMAS` of what a fit can tell, with the noise that it has. `missed`: of
    those not listed, how many a fit cannot tell, have no maximum of their own, are nearer to another line than
    `CLOSE_FWHM`, or none of these, each counted where it first belongs. `listed`: all listed
    lines; `false`: those of them at no drawn line above `FAINT_SIGMAS`, or at one that is listed already. `pulls`:
    errors of the places of the lines found over what the list says of them.
    """

    sure: int
    found: int
    seen: int
    seen_found: int
    told: int
    told_found: int
    expected: float
    missed: dict[str, int]
    listed: int
    false: int
    pulls: tuple[float, ...]

    def __str__(self):
        pulls = np.array(self.pulls)
        spread = (
            f"; pulls {pulls.mean():+.3f}, {pulls.std():.3f}, robust {1.4826 * np.median(np.abs(pulls)):.3f}"
            if pulls.size
            else ""
        )
        return (
            f"found {self.found} of {self.sure} ({self.found / max(self.sure, 1):.2%}), "
            f"of those with a maximum {self.seen_found} of {self.seen} ({self.seen_found / max(self.seen, 1):.2%}), "
            f"of those that a fit can tell {self.told_found} of {self.told} "
            f"({self.told_found / max(self.told, 1):.2%}); "
            f"anybody who asks for {LISTED_SIGMAS:g} sigma lists {self.expected:.1f} "
            f"({self.expected / max(self.sure, 1):.2%}); "
            f"missed {', '.join(f'{count} {why}' for why, count in self.missed.items())}; "
            f"false {self.false} of {self.listed} ({self.false / max(self.listed, 1):.2%})" + spread
        )


def _why_missed(drawing, k, *, is_told):
    line = drawing.lines[k]
    others = drawing.lines[:k] + drawing.lines[k + 1 :]
    apart = (abs(o.two_theta_deg - line.two_theta_deg) / max(o.fwhm_deg, line.fwhm_deg) for o in others)
    if not is_told:
        return "that no fit can tell"
    if not line.seen:
        return "without a maximum"
    return "half resolved" if min(apart, default=math.inf) < CLOSE_FWHM else "else"


def score(drawings, listing):
    """Return the score of `listing`, which gives (position, its sigma or None) of each line of a pattern [deg]."""
    sure = found = seen = seen_found = told = told_found = listed = false = 0
    pulls = []
    expected, missed = 0.0, dict.fromkeys(("that no fit can tell", "without a maximum", "half resolved", "else"), 0)
    for drawing in drawings:
        step = drawing.pattern.step_deg
        entries = sorted(listing(drawing.pattern))
        pairs = sorted(
            (abs(entry[0] - line.two_theta_deg), e, k)
            for e, entry in enumerate(entries)
            for k, line in enumerate(drawing.lines)
            if line.sigmas > FAINT_SIGMAS and abs(entry[0] - line.two_theta_deg) < 0.5 * line.fwhm_deg + step
        )
        line_of, taken = {}, set()
        for _, e, k in pairs:
            if e not in line_of and k not in taken:
                line_of[e] = k
                taken.add(k)
        listed += len(entries)
        false += len(entries) - len(line_of)
        asked = {k for k, line in enumerate(drawing.lines) if line.sigmas > SURE_SIGMAS}
        sure += len(asked)
        found += len(asked & taken)
        tops = {k for k in asked if drawing.lines[k].seen}
        seen += len(tops)
        seen_found += len(tops & taken)
        told_of = {k: told_sigmas(drawing, drawing.lines[k]) for k in asked}
        fitted = {k for k in asked if told_of[k] > SURE_SIGMAS}
        expected += sum(0.5 * math.erfc((LISTED_SIGMAS - sigmas) / math.sqrt(2.0)) for sigmas in told_of.values())
        for k in asked - taken:
            missed[_why_missed(drawing, k, is_told=k in fitted)] += 1
        told += len(fitted)
        told_found += len(fitted & taken)
        pulls += [
            (entries[e][0] - drawing.lines[k].two_theta_deg) / entries[e][1]
            for e, k in line_of.items()
            if k in asked and entries[e][1]
        ]
    return Score(
        sure=sure,
        found=found,
        seen=seen,
        seen_found=seen_found,
        told=told,
        told_found=told_found,
        expected=expected,
        missed=missed,
        listed=listed,
        false=false,
        pulls=tuple(pulls),
    )


def peaks_of(pattern):
    """The list of the analysis, as `lics reduce` gives it."""
    from lics_beamline.lines.peaks import find_peaks

    return [(peak.two_theta_deg, peak.two_theta_sigma_deg) for peak in find_peaks(pattern, dim=True)]


def prominences_of(pattern, sigmas=5.0):
    """An independent list: maxima of the smoothed pattern whose prominence stands out from counting, by scipy."""
    from scipy.ndimage import gaussian_filter1d
    from scipy.signal import find_peaks

    width = max(0.03 / pattern.step_deg, 0.5)  # a standard deviation of the smoothing: of a line of 0.07 deg
    smooth = gaussian_filter1d(pattern.intensity, width)
    noise = np.sqrt(gaussian_filter1d(pattern.sigma**2, width) / max(2.0 * math.sqrt(math.pi) * width, 1.0))
    top, facts = find_peaks(smooth, prominence=0.0, wlen=max(round(2.0 / pattern.step_deg), 5))
    return [
        (float(pattern.two_theta_deg[i]), None)
        for i, rise in zip(top, facts["prominences"], strict=True)
        if rise > sigmas * noise[i]
    ]


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.worlds.drawn_patterns", description=__doc__)
    parser.add_argument("--patterns", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    drawings = [draw(options.seed + k) for k in range(options.patterns)]
    for name, listing in (("lics", peaks_of), ("scipy.signal.find_peaks", prominences_of)):
        print(f"{name}: {score(drawings, listing)}")  # noqa: T201


if __name__ == "__main__":
    main()
