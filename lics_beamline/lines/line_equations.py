"""The loops of the list of lines: shapes averaged over bins, and the least squares of neighbouring ones, compiled.

A pattern takes some fifty fits of one to ten lines, of ten steps each; interpreted, they took ten times as long. Import
this where it is used: numba takes a second to load.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from lics_beamline.lines.compilation import compiled, compiled_part

MOST_STEPS: Final = 40  # of a fit; one that begins at the right lines takes five to ten
CHI2_STEP: Final = 1e-3  # change of chi2 at which a fit ends: places are then within a thirtieth of their errors
FIRST_DAMPING: Final = 1e-3  # relative to the diagonal, of the first step (Marquardt 1963)
LEAST_DAMPING: Final = 1e-8  # and of the last: a square of rounding errors can be solved still
MOST_DAMPING: Final = 1e6  # above which no step is any better
MOST_LOG_WIDTH: Final = 0.7  # change of the log of a width in one step
LOG_WIDTH_DOUBT: Final = 0.7  # of the widths of a pattern's lines about the usual one: a factor of two
MIXING_DOUBT: Final = 0.5  # of the mixing about the middle of its range: a dim line says nothing of its wings
# Where bins are wide beside a line, it is averaged over three places in a bin (Gauss-Legendre), exact to u^5.
BIN_PLACE: Final = 0.5 * math.sqrt(0.6)  # of the outer two, in bins from the middle
OUTER_SHARE: Final = 5.0 / 18.0
MIDDLE_SHARE: Final = 8.0 / 18.0
COARSE_FWHM_BINS: Final = 6.0  # lines narrower than this are averaged: at 6 bins the middle is 1 % off the mean
NEAR_FWHM: Final = 0.6  # of the wider: maxima nearer than this are of one line
SPIKE_TIMES: Final = 5.0 / 3.0  # the threshold: narrow maxima below that are no lines by themselves
ONE_OVER_SPIKES: Final = 1.4  # a line over the root of squares of its own noise's maxima; of resolved lines it is 1
LN_2: Final = math.log(2.0)
DARK_SQUARE: Final = 60.0  # half widths squared from which a Gaussian is 1e-18
DEPENDENT_SHARE: Final = 1e-9  # part of a shape's square left by the others, below which they make it up


@compiled_part
def _shape(u: float, mixing: float) -> tuple[float, float, float]:
    """Return a pseudo-Voigt of height 1 and its slopes by `u` and mixing, as `physics.line_shape` says them."""
    square = u * u
    lorentz = 1.0 / (1.0 + square)
    gauss = math.exp(-LN_2 * square) if square < DARK_SQUARE else 0.0
    by_u = -2.0 * u * (mixing * lorentz * lorentz + (1.0 - mixing) * LN_2 * gauss)
    return mixing * lorentz + (1.0 - mixing) * gauss, by_u, lorentz - gauss


@compiled_part
def in_bin(u: float, bin_width: float, mixing: float) -> tuple[float, float, float, float]:
    """Return the same averaged over a bin of so many half widths (0: its middle), and the slope by the log of width."""
    value, by_u, by_mixing = _shape(u, mixing)
    by_log = -u * by_u
    if bin_width > 0.0:
        low, high = u - BIN_PLACE * bin_width, u + BIN_PLACE * bin_width
        low_value, low_by_u, low_by_mixing = _shape(low, mixing)
        high_value, high_by_u, high_by_mixing = _shape(high, mixing)
        value = MIDDLE_SHARE * value + OUTER_SHARE * (low_value + high_value)
        by_log = MIDDLE_SHARE * by_log - OUTER_SHARE * (low * low_by_u + high * high_by_u)
        by_u = MIDDLE_SHARE * by_u + OUTER_SHARE * (low_by_u + high_by_u)
        by_mixing = MIDDLE_SHARE * by_mixing + OUTER_SHARE * (low_by_mixing + high_by_mixing)
    return value, by_u, by_log, by_mixing


@compiled
def add_light(
    x: Any, centre: Any, half: Any, height: Any, mixing: Any, near: Any, step: float, row: Any, added: Any
) -> None:
    """Add what each line adds at each place.

    Parameters
    ----------
    x : ndarray, shape (places,)
        Angle [deg], rising.
    centre, half, height, mixing : ndarray, shape (lines,)
        Place and half width [deg], height and Lorentz fraction.
    near : ndarray of int, shape (2, lines)
        First place that each line is averaged over its bin, and the first beyond, where it is a Lorentzian alone.
    step : float
        Width of a bin [deg].
    row : ndarray of int, shape (lines,)
        Row of `added` that each line is added to.
    added : ndarray, shape (rows, places)
        Is added to.
    """
    for k in range(centre.size):
        inverse = 1.0 / half[k]
        light = added[row[k]]
        begin, end = near[0, k], near[1, k]
        width = step * inverse if half[k] < 0.5 * COARSE_FWHM_BINS * step else 0.0
        for i in range(begin, end):
            light[i] += height[k] * in_bin((x[i] - centre[k]) * inverse, width, mixing[k])[0]
        far = height[k] * mixing[k]
        for first, last in ((0, begin), (end, x.size)):
            for i in range(first, last):
                u = (x[i] - centre[k]) * inverse
                light[i] += far / (1.0 + u * u)


@compiled_part
def _equations(
    x: Any, t: Any, y: Any, weight: Any, leaning: Any, step: float, p: Any, slope: Any, square: Any, pull: Any
) -> tuple[float, float]:
    """Write the normal equations of lines `p`; return chi2 of the places, and of what the lines lean on.

    `p` is centres, logs of half widths, heights, level, slope, mixing; of `square`, what is below the diagonal counts.
    """
    count = leaning.size
    size = p.size
    mixing = p[size - 1]
    for a in range(size):
        pull[a] = 0.0
        for b in range(size):
            square[a, b] = 0.0
    coarse = False
    inverse = np.empty(count)  # of the half widths
    for k in range(count):
        inverse[k] = math.exp(-p[count + k])
        coarse = coarse or 1.0 < 0.5 * COARSE_FWHM_BINS * step * inverse[k]
    chi2 = 0.0
    for i in range(x.size):
        model = p[size - 3] + p[size - 2] * t[i]
        by_mixing = 0.0
        for k in range(count):
            value, by_u, by_log, mixed = in_bin(
                (x[i] - p[k]) * inverse[k], step * inverse[k] if coarse else 0.0, mixing
            )
            height = p[2 * count + k]
            slope[k] = -height * by_u * inverse[k] * weight[i]
            slope[count + k] = height * by_log * weight[i]
            slope[2 * count + k] = value * weight[i]
            by_mixing += height * mixed
            model += height * value
        slope[size - 3] = weight[i]
        slope[size - 2] = t[i] * weight[i]
        slope[size - 1] = by_mixing * weight[i]
        misfit = weight[i] * (y[i] - model)
        chi2 += misfit * misfit
        for a in range(size):
            pull[a] += slope[a] * misfit
            for b in range(a + 1):
                square[a, b] += slope[a] * slope[b]
    doubt = 0.0
    for k in range(count, 2 * count):
        off = (leaning[k - count] - p[k]) / LOG_WIDTH_DOUBT
        square[k, k] += 1.0 / LOG_WIDTH_DOUBT**2
        pull[k] += off / LOG_WIDTH_DOUBT
        doubt += off * off
    off = (0.5 - mixing) / MIXING_DOUBT
    square[size - 1, size - 1] += 1.0 / MIXING_DOUBT**2
    pull[size - 1] += off / MIXING_DOUBT
    return chi2, doubt + off * off


@compiled_part
def _changed(
    square: Any, pull: Any, first: int, last: int, damping: float, factor: Any, scale: Any, change: Any
) -> bool:
    """Write the change that part of the equations ask for, their diagonal scaled to 1 and damped; False if none.

    By Cholesky's factor; what is outside the part does not change.
    """
    for a in range(change.size):
        change[a] = 0.0
    for a in range(first, last):
        scale[a] = 1.0 / math.sqrt(max(square[a, a], 1e-300))
    for a in range(first, last):
        for b in range(first, a + 1):
            left = square[a, b] * scale[a] * scale[b]
            if a == b:
                left += damping
            for c in range(first, b):
                left -= factor[a, c] * factor[b, c]
            if a > b:
                factor[a, b] = left / factor[b, b]
            elif left > 0.0:
                factor[a, a] = math.sqrt(left)
            else:
                return False
    for a in range(first, last):
        left = pull[a] * scale[a]
        for b in range(first, a):
            left -= factor[a, b] * change[b]
        change[a] = left / factor[a, a]
    for a in range(last - 1, first - 1, -1):
        left = change[a]
        for b in range(a + 1, last):
            left -= factor[b, a] * change[b]
        change[a] = left / factor[a, a]
    for a in range(first, last):
        change[a] *= scale[a]
    return True


@compiled_part
def _bounded(p: Any, change: Any, least: Any, most: Any, tried: Any) -> None:
    """Write where a change leads, kept to its bounds: centres by half a width, widths by a factor of two a step."""
    size = p.size
    count = (size - 3) // 3
    for a in range(size):
        step = change[a]
        if a < count:
            half = math.exp(p[count + a])
            step = min(max(step, -half), half)
        elif a < 2 * count:
            step = min(max(step, -MOST_LOG_WIDTH), MOST_LOG_WIDTH)
        tried[a] = p[a] + step
        if a < 2 * count:
            tried[a] = min(max(tried[a], least[a]), max(most[a], least[a]))
    tried[size - 1] = min(max(tried[size - 1], 0.0), 1.0)


@compiled
def solve_lines(
    x: Any, t: Any, y: Any, weight: Any, leaning: Any, least: Any, most: Any, step: float, p: Any, error: Any
) -> float:
    """Fit lines, heights first, then all by Levenberg and Marquardt.

    Parameters
    ----------
    x, t, y, weight : ndarray, shape (places,)
        Angle [deg], the same from -1 to 1, intensity, and one over its error.
    leaning : ndarray, shape (lines,)
        Logs of half widths that the lines lean on.
    least, most : ndarray, shape (2 x lines,)
        Bounds of centres and logs of half widths.
    step : float
        Width of a bin [deg].
    p : ndarray, shape (3 x lines + 3,)
        Centres, logs of half widths, heights, level, slope, mixing: where to begin, and what was found.
    error : ndarray, shape (3 x lines + 3,)
        The standard errors found.

    Returns
    -------
    float
        Chi2 of the places; negative where the fit did not end.
    """
    count = leaning.size
    size = p.size
    square, pull = np.empty((size, size)), np.empty(size)
    tried_square, tried_pull = np.empty((size, size)), np.empty(size)
    factor, scale, slope = np.empty((size, size)), np.empty(size), np.empty(size)
    change, tried = np.zeros(size), np.empty(size)
    last = size - 1
    _equations(x, t, y, weight, leaning, step, p, slope, square, pull)
    if not _changed(square, pull, 2 * count, last, LEAST_DAMPING, factor, scale, change):
        return -1.0
    for a in range(2 * count, last):
        p[a] += change[a]
    counted, doubt = _equations(x, t, y, weight, leaning, step, p, slope, square, pull)
    damping = FIRST_DAMPING
    for _ in range(MOST_STEPS):
        held = (p[size - 1] <= 0.0 and pull[size - 1] < 0.0) or (p[size - 1] >= 1.0 and pull[size - 1] > 0.0)
        last = size - 1 if held else size
        gain = -1.0
        if _changed(square, pull, 0, last, damping, factor, scale, change):
            _bounded(p, change, least, most, tried)
            tried_counted, tried_doubt = _equations(
                x, t, y, weight, leaning, step, tried, slope, tried_square, tried_pull
            )
            gain = counted + doubt - tried_counted - tried_doubt
        if gain >= 0.0:
            for a in range(size):
                p[a] = tried[a]
            square, tried_square = tried_square, square
            pull, tried_pull = tried_pull, pull
            enough = gain < CHI2_STEP * max(1.0, (counted + doubt) / x.size)
            counted, doubt = tried_counted, tried_doubt
            damping = max(0.1 * damping, LEAST_DAMPING)
            if enough:
                break
        else:
            damping *= 10.0
            if not damping <= MOST_DAMPING:
                break
    last = size if 0.0 < p[size - 1] < 1.0 else size - 1
    for a in range(last):
        for b in range(size):
            pull[b] = 1.0 if b == a else 0.0
        if not _changed(square, pull, 0, last, 0.0, factor, scale, change):
            return -1.0
        error[a] = math.sqrt(max(change[a], 0.0))
    if last < size:
        error[last] = 0.0
    for a in range(size):
        if not math.isfinite(p[a]):
            return -1.0
    return counted


@compiled
def squares_of_heights(
    each: Any, height: Any, others: Any, dark: Any, gain: Any, use: Any, own: Any, told: Any
) -> None:
    """Write what counting says of the height of each line, as one over its error squared.

    Parameters
    ----------
    each : ndarray, shape (lines, places)
        What each line adds.
    height : ndarray, shape (lines,)
        Their heights.
    others : ndarray, shape (places,)
        What lines add that are not among them.
    dark, gain : ndarray, shape (places,)
        Variance where there is no line, and that of each unit of light.
    use : ndarray of bool, shape (places,)
        Places that count.
    own, told : ndarray, shape (lines,)
        Is given what the shape alone says, and what background and neighbours leave of it.
    """
    lines, places = each.shape
    size = lines + 2
    square, row = np.empty((size, size)), np.empty(size)
    for k in range(lines):
        # The line in question comes last, so that the last pivot of the elimination is what the others leave of it.
        square[:, :] = 0.0
        for i in range(places):
            if not use[i]:
                continue
            light = others[i]
            n = 0
            for other in range(lines):
                if other != k:
                    light += each[other, i]
                    row[n] = each[other, i] / (height[other] if height[other] != 0.0 else 1.0)
                    n += 1
            row[n], row[n + 1] = 1.0, 2.0 * i / (places - 1) - 1.0
            row[n + 2] = each[k, i] / (height[k] if height[k] != 0.0 else 1.0)
            weight = 1.0 / (dark[i] + gain[i] * max(light, 0.0))
            for a in range(size):
                for b in range(a + 1):
                    square[a, b] += weight * row[a] * row[b]
        own[k] = square[size - 1, size - 1]
        for a in range(size - 1):
            pivot = square[a, a]
            for b in range(a):
                pivot -= square[a, b] * square[a, b]
            dependent = pivot <= DEPENDENT_SHARE * square[a, a]
            square[a, a] = 0.0 if dependent else math.sqrt(pivot)
            for c in range(a + 1, size):
                left = square[c, a]
                for b in range(a):
                    left -= square[c, b] * square[a, b]
                square[c, a] = 0.0 if dependent else left / square[a, a]
        left = own[k]
        for b in range(size - 1):
            left -= square[size - 1, b] * square[size - 1, b]
        told[k] = max(left, 0.0)


@compiled_part
def _is_top(curve: Any, i: int, threshold: float) -> bool:
    """Tell whether a curve has a maximum in a bin that rises above the dips beside it."""
    height = curve[i]
    if not (height >= threshold and height > curve[i - 1] and height >= curve[i + 1]):
        return False
    for turn in (-1, 1):
        dip, j = height, i + turn
        while 0 <= j < curve.size and curve[j] <= height:
            dip = min(dip, curve[j])
            j += turn
        if not height - dip >= threshold:
            return False
    return True


@compiled
def tops(curves: Any, fwhm_bins: Any, threshold: float, found: Any) -> int:
    """Write the places where curves, from narrow to wide, have maxima; return their number.

    Parameters
    ----------
    curves : ndarray, shape (widths, bins)
        Curvature over its noise.
    fwhm_bins : ndarray, shape (widths,)
        Full width of the lines that each is for [bins].
    threshold : float
        Least height of a maximum, and least rise over the dips beside it.
    found : ndarray, shape (bins, 3)
        Is given bin, width and height of each.
    """
    count = 0
    for row in range(fwhm_bins.size):
        curve, fwhm = curves[row], fwhm_bins[row]
        for i in range(1, curve.size - 1):
            if not _is_top(curve, i, threshold):
                continue
            near, nearest, squares, spikes = 0, -1, 0.0, True
            for k in range(count):
                if abs(found[k, 0] - i) < NEAR_FWHM * max(fwhm, found[k, 1]):
                    near += 1
                    nearest = k
                    squares += found[k, 2] ** 2
                    spikes = spikes and found[k, 2] < SPIKE_TIMES * threshold
            if near == 1 and found[nearest, 2] >= curve[i]:
                continue
            if near > 1:
                if not (spikes and curve[i] > ONE_OVER_SPIKES * math.sqrt(squares)):
                    continue
                # Of few counts, the noise of one line has several maxima: what it is as a whole goes before them.
                kept = 0
                for k in range(count):
                    if not abs(found[k, 0] - i) < NEAR_FWHM * max(fwhm, found[k, 1]):
                        for column in range(3):
                            found[kept, column] = found[k, column]
                        kept += 1
                count, near = kept, 0
            place = nearest if near == 1 else count
            if near == 0:
                if count == found.shape[0]:
                    continue
                count += 1
            found[place, 0], found[place, 1], found[place, 2] = i, fwhm, curve[i]
    return count


@compiled
def smooth_curve(weight: Any, stiffness: float, y: Any) -> None:
    """Replace `y` by the curve that is smoothest for its misfit: few weighted squares, and squares of its curvature.

    The equations have five bands; they are solved by elimination from the first bin on and back (Whittaker 1923).
    """
    size = y.size
    first, second = np.zeros(size), np.zeros(size)  # bands of the factor beside its diagonal
    before, before_last = 0.0, 0.0  # pivots of the two bins before
    for i in range(size):
        inside = 6.0 if 2 <= i < size - 2 else (1.0 if i in (0, size - 1) else 5.0)
        pivot = weight[i] + stiffness * inside
        beside = stiffness * (-2.0 if i in (0, size - 2) else -4.0)
        y[i] *= weight[i]
        if i > 0:
            pivot -= first[i - 1] ** 2 * before
            beside -= first[i - 1] * second[i - 1] * before
            y[i] -= first[i - 1] * y[i - 1]
        if i > 1:
            pivot -= second[i - 2] ** 2 * before_last
            y[i] -= second[i - 2] * y[i - 2]
        if i < size - 1:
            first[i] = beside / pivot
        if i < size - 2:
            second[i] = stiffness / pivot
        weight[i] = pivot
        before_last, before = before, pivot
    for i in range(size - 1, -1, -1):
        y[i] /= weight[i]
        if i < size - 1:
            y[i] -= first[i] * y[i + 1]
        if i < size - 2:
            y[i] -= second[i] * y[i + 2]
