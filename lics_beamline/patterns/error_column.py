"""Whether the third column of a pattern is what it is taken for: the standard errors of its intensities.

Errors are about as large as intensities scatter between neighbouring points, and small against intensities that are
large against their own scatter. A background, a fit, another axis and the time of counting are not.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.patterns.pattern_table import refused
from lics_beamline.physics.robust_scatter import scatter_of

Array = npt.NDArray[np.float64]

SECOND_DIFFERENCE: Final = math.sqrt(6.0)  # standard deviation of y[i-1] - 2 y[i] + y[i+1] over that of y
FEW_COUNTS: Final = 2.0  # below, variances and weights are kept from zero, and an error is near its intensity
SAME_VARIANCE: Final = 0.02  # relative: variance over intensity, of errors with three digits
SAME_COLUMN: Final = 1e-3  # relative: the same number, rounded
ALIKE_SHARE: Final = 0.9  # of the points that have counts
LEAST_LIT: Final = 50  # points that tell: fewer are alike by chance
NOISE_SHARE: Final = (0.1, 10.0)  # errors over the scatter of intensities that are interpolated, or of other pixels
SURE_SHARE: Final = (0.5, 2.0)  # the same, of errors that need no other sign; a choice
# Power of the intensity that errors go with: 1/2 by counting, 0 where all are alike, -1/2 of errors in per cent where
# those are of counting, -1 where those are alike; halfway.
LEAST_POWER: Final = -0.25
POINTS_APART: Final = (1, 2, 4, 8, 16)  # over which that is told: farther ones have other pixels and times of counting
STEEP_SHARE: Final = 0.02  # of the steps, those of the largest rise or fall
LARGEST_ERROR: Final = 0.25  # of an intensity: with 16 counts, of which no more is asked; a choice


def check_no_unit_weight(intensity: Array, sigma: Array, *, source: str) -> None:
    """Refuse errors that are one number everywhere, and not about what the intensities scatter by: weights of one.

    Parameters
    ----------
    intensity, sigma : ndarray, shape (points,)
        Of a pattern, and what is taken for its errors.
    source : str
        Name of the file, for the message.

    Raises
    ------
    ProfileError
        If they are.
    """
    known = sigma[np.isfinite(sigma)]
    share = _over_scatter(intensity, sigma)
    if known.size and np.ptp(known) == 0.0 and share and not SURE_SHARE[0] < share < SURE_SHARE[1]:
        raise refused(
            source,
            f"has the error {known[0]:.4g} everywhere, which is {share:.3g} times the scatter of the intensities: "
            "weights of one, as it seems. Give --errors counts or scatter, or --errors file to take it as it is.",
            reason="errors",
            ratio=share,
        )


def with_errors_of_none(intensity: Array, sigma: Array) -> Array:
    """Return errors with that of one count where nothing was counted, and a program wrote the root of nothing.

    Parameters
    ----------
    intensity, sigma : ndarray, shape (points,)
        Of a pattern. Points without intensity and error stay without where errors are not the roots of counts: there
        they are empty.
    """
    lit = np.isfinite(intensity) & (sigma > 0.0) & (intensity > 0.0)
    none = (intensity == 0.0) & (sigma == 0.0)
    if not none.any() or np.count_nonzero(lit) < LEAST_LIT:
        return sigma
    count = sigma[lit] ** 2 / intensity[lit]
    usual = float(np.median(count))
    is_counted = np.mean(np.abs(count / usual - 1.0) < SAME_VARIANCE) > ALIKE_SHARE
    return np.where(none, usual, sigma) if is_counted else sigma


def check_no_weight(intensity: Array, sigma: Array, *, source: str) -> None:
    """Refuse errors that are the intensities themselves, or one over them: variances of counts, or their weights.

    Parameters
    ----------
    intensity, sigma : ndarray, shape (points,)
        Of a pattern, and what is taken for its errors.
    source : str
        Name of the file, for the message.

    Raises
    ------
    ProfileError
        If they are.
    """
    lit = np.isfinite(intensity) & (sigma > 0.0) & (intensity > FEW_COUNTS)
    for power, what in ((1.0, "the intensity itself: a variance, or a copy"), (-1.0, "one over it: a weight")):
        same = np.abs(sigma[lit] / intensity[lit] ** power - 1.0) < SAME_COLUMN
        if np.count_nonzero(same) > ALIKE_SHARE * max(same.size, LEAST_LIT):
            raise refused(
                source,
                f"has for the error of an intensity {what}. Give --columns 1 2 to leave it out, or --errors counts.",
                reason="columns",
            )


def check_no_share(intensity: Array, sigma: Array, *, source: str) -> None:
    """Refuse errors that are smaller where the intensity is larger: in per cent of it, a share of it, or weights.

    Parameters
    ----------
    intensity, sigma : ndarray, shape (points,)
        Of a pattern, and what is taken for its errors.
    source : str
        Name of the file, for the message.

    Raises
    ------
    ProfileError
        If they are.
    """
    power, _ = power_of_errors(intensity, sigma)
    if power < LEAST_POWER:
        raise refused(
            source,
            f"has errors that go as the intensity to the power {power:.2f} between neighbouring points: smaller where "
            "it is larger. They are in per cent of it, or weights. Give --columns 1 2 to leave them out, multiply "
            "them by the intensity, or give --errors file to take them as they are.",
            reason="columns",
            power=power,
        )


def power_of_errors(intensity: Array, sigma: Array) -> tuple[float, float]:
    """Return the power of the intensity that errors go with between neighbouring points, and how much it rises there.

    Parameters
    ----------
    intensity, sigma : ndarray, shape (points,)
        Of a pattern, and their errors.

    Returns
    -------
    power : float
        By the steepest rises and falls; 0 where too few points tell.
    rise : float
        Of the logarithm of the intensity, in the median of these.
    """
    lit = np.isfinite(intensity) & (sigma > 0.0) & (intensity > 0.0)
    if np.count_nonzero(lit) < LEAST_LIT:
        return 0.0, 0.0
    logs = np.log(np.array([intensity[lit], sigma[lit]]))
    rise, with_it = np.concatenate([logs[:, step:] - logs[:, :-step] for step in POINTS_APART], axis=1)
    steep = (np.abs(rise) >= np.quantile(np.abs(rise), 1.0 - STEEP_SHARE)) & (rise != 0.0)
    if not steep.any():
        return 0.0, 0.0
    return float(np.median(with_it[steep] / rise[steep])), float(np.median(np.abs(rise[steep])))


def check_unnamed(intensity: Array, column: Array, *, source: str) -> None:
    """Refuse three columns without names of which the last may be no error: a background, a fit, another axis, a time.

    Parameters
    ----------
    intensity, column : ndarray, shape (points,)
        Of a pattern.
    source : str
        Name of the file, for the message.

    Raises
    ------
    ProfileError
        If it may be none; the message says why.
    """
    if _is_monotonic(intensity):
        raise refused(
            source,
            "has for intensities a column that only rises or only falls, as an axis does. Give --columns with the "
            "numbers of abscissa, intensity and error: --columns 1 3.",
            reason="columns",
        )
    good = np.isfinite(intensity) & (column > 0.0)
    share = _over_scatter(intensity, column)
    level = float(np.median(intensity[good])) if share else 0.0
    is_sure = SURE_SHARE[0] < share < SURE_SHARE[1]
    why = ""
    if _is_monotonic(column):
        why = "only rises or only falls, as an axis does"
    elif not is_sure and np.ptp(column[np.isfinite(column)]) == 0.0:
        why = f"is {column[0]:.4g} everywhere"
    elif not is_sure and np.median(column) > LARGEST_ERROR * level:
        why = f"has the median {np.median(column):.4g} where that of the intensities is {level:.4g}: background, or fit"
    elif not NOISE_SHARE[0] < share < NOISE_SHARE[1]:
        why = f"has the median {np.median(column):.4g}"
    if why:
        raise refused(
            source,
            f"has a third column without a name that {why}. It is {share:.3g} times the scatter of the intensities, so "
            "it may be no error. Give --columns 1 2 to leave it out, 1 2 3 to take it.",
            reason="columns",
            ratio=share,
        )


def _over_scatter(intensity: Array, column: Array) -> float:
    """Return what is taken for errors over how intensities scatter between neighbours; 0 where too few points tell."""
    good = np.isfinite(intensity) & (column > 0.0)
    if np.count_nonzero(good) < LEAST_LIT:
        return 0.0
    noise = scatter_of(np.diff(intensity[good], 2)) / SECOND_DIFFERENCE
    return float(np.median(column[good])) / noise if noise > 0.0 else math.inf


def _is_monotonic(column: Array) -> bool:
    """Tell whether a column only rises or only falls, which nothing does that was counted."""
    steps = np.diff(column[np.isfinite(column)])
    return bool(np.all(steps > 0.0) or np.all(steps < 0.0))
