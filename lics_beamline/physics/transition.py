"""The median threshold of a sample's grains, from how much of it has reacted at rising (or falling) pressures.

Grains of a powder do not transform together: each has a threshold of its own, and beyond it it reacts with a time
constant. What a sample shows at a moment is a share of that story. So the first trace tells of the weakest grains, and
what is comparable between samples is the median; it is estimated from the whole story at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

SPREAD_GPA: Final = 0.1  # usual standard deviation of thresholds in a powder; engineering estimate
SPREAD_FACTOR: Final = 2.5  # one standard deviation of that expectation; a choice
TAU_FACTOR: Final = 3.0  # of the expected time constant: an order of magnitude either way is two to it; a choice
LEAST_SIGMA: Final = 0.02  # of a share: no plate tells it better, for grains and texture; engineering estimate
ODDS_FACTOR: Final = (
    1.35  # one standard deviation of shares: vibrations and texture of two phases; engineering estimate
)
BEYOND_GPA: Final = 0.5  # the median may lie so far outside of what was visited
SPREAD_VALUES: Final = 15  # values of the grid
TAU_VALUES: Final = 15
ODDS_VALUES: Final = 9
MEDIAN_VALUES: Final = 61
FINE_GRID_SIGMAS: Final = 5.0  # standard deviations that the second, finer grid reaches to either side


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenShare:
    """Amount of a phase that one pattern showed.

    Parameters
    ----------
    time_s : float
        Middle of the exposure [s].
    since_s : float
        Since when the sample had been at this pressure [s]; patterns of one stay share it.
    pressure_gpa, sigma_gpa : float
        Pressure and its standard deviation [GPa].
    value, value_sigma : float
        Share of the phase that grows, 0 to 1; of one that decays, its amount in units of any kind.
    limit : float
        Share below which the phase would not have been seen; 0 where it was.
    parent, parent_sigma : float
        Amount of what the growing phase is made from, in units of any kind; NaN where not seen.
    """

    time_s: float
    since_s: float
    pressure_gpa: float
    sigma_gpa: float
    value: float
    value_sigma: float
    limit: float = 0.0
    parent: float = math.nan
    parent_sigma: float = math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitionEstimate:
    """Estimate of the thresholds.

    Parameters
    ----------
    median_gpa, sigma_gpa : float
        Median threshold and its standard deviation [GPa], statistical.
    spread_gpa, spread_sigma_gpa : float
        Standard deviation of the thresholds, and how well it is known [GPa].
    tau_s, tau_sigma_s : float
        Time constant of the reaction, and how well it is known [s].
    passed : float
        Share of the grains whose threshold the last pressure has passed, 0 to 1.
    misfit : float
        Chi-squared a degree of freedom of the best description; above 1 the errors are enlarged by it.
    """

    median_gpa: float
    sigma_gpa: float
    spread_gpa: float
    spread_sigma_gpa: float
    tau_s: float
    tau_sigma_s: float
    passed: float
    misfit: float


def transition(seen: Sequence[SeenShare], *, direction: int, decays: bool, tau_s: float) -> TransitionEstimate:
    """Estimate the median threshold of the grains from one-sided observations.

    Parameters
    ----------
    seen : sequence of SeenShare
        In the order of time, of a sample whose pressure went one way only; at least one.
    direction : int
        +1 where it rose, -1 where it fell.
    decays : bool
        Whether the phase decays; its amount at the beginning is then found with the rest.
    tau_s : float
        Expected time constant [s]; it may be wrong by an order of magnitude.

    Returns
    -------
    TransitionEstimate
        Means and standard deviations of the posterior on a grid.

    Notes
    -----
    Thresholds are normal with median m and standard deviation s. Grains between the pressures of two stays begin to
    react when the second begins: with z = (P - m) / s (times `direction`),
    R(t) = sum_k [Phi(z_k) - Phi(z_{k-1})] (1 - exp(-(t - t_k) / tau)). The prior of m is flat to `BEYOND_GPA` outside
    of the pressures visited, those of s and tau are log-normal. A share by ring intensities is wrong by a factor of its
    odds, the same in all patterns; how much is gone of the parent, against its amount at the beginning, tells the
    factor. Its prior is log-normal too.
    """
    stays = [tuple(group) for _, group in groupby(seen, key=lambda one: one.since_s)]
    reached = np.array([np.mean([direction * one.pressure_gpa for one in stay]) for stay in stays])
    story = _Story(
        furthest=np.maximum.accumulate(reached),
        since_s=np.array([stay[0].since_s for stay in stays]),
        stay=np.repeat(np.arange(len(stays)), [len(stay) for stay in stays]),
        time_s=np.array([one.time_s for one in seen]),
        value=np.array([one.value for one in seen]),
        value_sigma=np.array([one.value_sigma for one in seen]),
        limit=np.array([one.limit for one in seen]),
        parent=np.array([one.parent for one in seen]),
        parent_sigma=np.array([one.parent_sigma for one in seen]),
        pressure_sigma=np.array([one.sigma_gpa for one in seen]),
        decays=decays,
    )
    spreads = np.geomspace(SPREAD_GPA / SPREAD_FACTOR**2.5, SPREAD_GPA * SPREAD_FACTOR**1.75, SPREAD_VALUES)
    taus = np.geomspace(tau_s / TAU_FACTOR**2.5, tau_s * TAU_FACTOR**2.5, TAU_VALUES)
    low, high = float(story.furthest[0]) - BEYOND_GPA, float(story.furthest[-1]) + BEYOND_GPA
    coarse = _posterior(story, np.linspace(low, high, 2 * MEDIAN_VALUES), spreads, taus, tau_s)
    reach = FINE_GRID_SIGMAS * max(coarse.median_sigma, 0.5 * (high - low) / MEDIAN_VALUES)
    medians = np.linspace(max(coarse.median - reach, low), min(coarse.median + reach, high), MEDIAN_VALUES)
    fine = _posterior(story, medians, spreads, taus, tau_s)
    return TransitionEstimate(
        median_gpa=direction * fine.median,
        sigma_gpa=fine.median_sigma,
        spread_gpa=fine.spread,
        spread_sigma_gpa=fine.spread_sigma,
        tau_s=fine.tau,
        tau_sigma_s=fine.tau_sigma,
        passed=fine.passed,
        misfit=fine.misfit,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Story:
    """The observations as arrays; pressures times the direction, so that they rise."""

    furthest: Array
    since_s: Array
    stay: npt.NDArray[np.int_]
    time_s: Array
    value: Array
    value_sigma: Array
    limit: Array
    parent: Array
    parent_sigma: Array
    pressure_sigma: Array
    decays: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Posterior:
    median: float
    median_sigma: float
    spread: float
    spread_sigma: float
    tau: float
    tau_sigma: float
    passed: float
    misfit: float


def _posterior(story: _Story, medians: Array, spreads: Array, taus: Array, expected_tau_s: float) -> _Posterior:
    from scipy.special import ndtr

    z = (story.furthest[None, None, :] - medians[:, None, None]) / spreads[None, :, None]  # median, spread, stay
    passed = ndtr(z)
    share = np.diff(passed, axis=2, prepend=0.0)
    lasted_s = story.time_s[:, None] - story.since_s[None, :]  # observation, stay
    reacted_of_stay = 1.0 - np.exp(-np.maximum(lasted_s, 0.0)[None, :, :] / taus[:, None, None])  # tau, obs, stay
    reacted = np.einsum("msk,tok->msto", share, reacted_of_stay, optimize=True)
    slope = np.exp(-0.5 * z**2) / (math.sqrt(2.0 * math.pi) * spreads[None, :, None])
    doubt = (slope[:, :, story.stay] * story.pressure_sigma) ** 2  # of the share, for the pressure
    prior = (np.log(spreads / SPREAD_GPA) / math.log(SPREAD_FACTOR)) ** 2
    prior = prior[None, :, None] + ((np.log(taus / expected_tau_s) / math.log(TAU_FACTOR)) ** 2)[None, None, :]
    if story.decays:
        chi2, log_variance = _of_amount(1.0 - reacted, doubt, story.value, story.value_sigma, story.limit)
        told = len(story.value)
        chi2, prior = chi2[..., None], prior[..., None]
    else:
        factors = np.linspace(-2.5, 2.5, ODDS_VALUES)
        variance = (np.maximum(story.value_sigma, LEAST_SIGMA) ** 2 + doubt)[:, :, None, :]
        log_variance = np.sum(np.log(variance), axis=-1)
        there = np.isfinite(story.parent) & np.isfinite(story.parent_sigma)
        told = len(story.value) + max(int(there.sum()) - 1, 0)
        chi2 = np.stack([_of_share(reacted, variance, ODDS_FACTOR**factor, story) for factor in factors], axis=-1)
        if there.sum() > 1:
            left = 1.0 - reacted[..., there]
            more, _ = _of_amount(left, doubt[..., there], story.parent[there], story.parent_sigma[there], 0.0)
            chi2 = chi2 + more[..., None]
        prior = prior[..., None] + factors**2
    misfit = float(chi2.min()) / max(told - 3, 1)
    cost = chi2 / max(misfit, 1.0) + log_variance[..., None] + prior
    weight = np.exp(-0.5 * (cost - cost.min()))
    weight /= weight.sum()

    weight = weight.sum(axis=3)

    def moments(values: Array, axes: tuple[int, int]) -> tuple[float, float]:
        of_values = weight.sum(axis=axes)
        mean = float(np.sum(of_values * values))
        return mean, math.sqrt(max(float(np.sum(of_values * (values - mean) ** 2)), 0.0))

    median, median_sigma = moments(medians, (1, 2))
    spread, spread_sigma = moments(spreads, (0, 2))
    tau, tau_sigma = moments(taus, (0, 1))
    return _Posterior(
        median=median,
        median_sigma=median_sigma,
        spread=spread,
        spread_sigma=spread_sigma,
        tau=tau,
        tau_sigma=tau_sigma,
        passed=float(np.sum(weight.sum(axis=2) * passed[:, :, -1])),
        misfit=misfit,
    )


def _of_share(reacted: Array, variance: Array, odds: float, story: _Story) -> Array:
    """Return chi-squared of shares whose odds are wrong by a factor, over median, spread and time constant."""
    shown = odds * reacted / (1.0 - reacted + odds * reacted)
    off = np.where(story.limit > 0.0, np.maximum(shown - story.limit, 0.0), story.value - shown)
    return np.asarray(np.sum(off**2 / variance, axis=-1))


def _of_amount(left: Array, doubt: Array, value: Array, sigma: Array, limit: Array | float) -> tuple[Array, Array]:
    """Return chi-squared of amounts, and the sum of their log variances; the amount at the beginning is fitted."""
    scale = float(np.max(np.abs(value))) or 1.0
    value, sigma = value / scale, sigma / scale
    variance = (np.maximum(sigma, LEAST_SIGMA) ** 2 + doubt)[:, :, None, :]
    seen = np.broadcast_to(np.asarray(limit) <= 0.0, value.shape)
    weight = np.where(seen, 1.0, 0.0) / variance
    begun = np.sum(value * left * weight, axis=-1) / np.maximum(np.sum(left**2 * weight, axis=-1), 1e-12)
    off = np.where(seen, value - begun[..., None] * left, begun[..., None] * np.maximum(left - limit, 0.0))
    return np.asarray(np.sum(off**2 / variance, axis=-1)), np.asarray(np.sum(np.log(variance), axis=-1))
