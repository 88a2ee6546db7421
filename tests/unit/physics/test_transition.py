"""The median threshold of grains, against an ensemble whose kinetics an integrator of differential equations solves."""

import dataclasses
import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.stats import norm

from lics_beamline.physics.transition import SeenShare, transition

MEDIAN, SPREAD, TAU_S = 2.95, 0.13, 450.0


def integrated(pressures_gpa, *, dwell_s, direction=+1, decays=False, noise=0.0, looks=1, tau_s=TAU_S):
    """What an ensemble shows whose rate equations are solved numerically, grain by grain."""
    thresholds = norm.ppf((np.arange(400) + 0.5) / 400, direction * MEDIAN, SPREAD)
    draw, reacted, seen, now_s = np.random.default_rng(5), np.zeros(400), [], 0.0
    for pressure_gpa in pressures_gpa:
        active = direction * pressure_gpa > thresholds
        since_s = now_s
        for _ in range(looks):
            lasts_s = dwell_s / looks
            reacted = solve_ivp(
                lambda _, x, active=active: np.where(active, (1.0 - x) / tau_s, 0.0), (0.0, lasts_s), reacted, rtol=1e-8
            ).y[:, -1]
            now_s += lasts_s
            share = float(reacted.mean()) + float(draw.normal(0.0, noise))
            seen.append(
                SeenShare(
                    time_s=now_s,
                    since_s=since_s,
                    pressure_gpa=pressure_gpa,
                    sigma_gpa=0.005,
                    value=7.0 * (1.0 - share) if decays else share,
                    value_sigma=(7.0 if decays else 1.0) * 0.02,
                )
            )
    return seen


@pytest.mark.parametrize(("direction", "decays"), [(+1, False), (-1, True)])
def test_the_median_is_that_of_the_grains_however_short_of_equilibrium_the_patterns_were(direction, decays):
    way = np.linspace(2.5, 3.2, 10) if direction > 0 else np.linspace(3.4, 2.7, 10)
    found = transition(
        integrated(way, dwell_s=0.6 * TAU_S, direction=direction, decays=decays),
        direction=direction,
        decays=decays,
        tau_s=1000.0,
    )
    assert found.median_gpa == pytest.approx(MEDIAN, abs=0.02)
    assert abs(found.median_gpa - MEDIAN) < 2.0 * found.sigma_gpa
    assert found.spread_gpa == pytest.approx(SPREAD, abs=0.03)


def test_repeated_patterns_of_one_stay_tell_the_time_constant():
    found = transition(integrated([2.6, 2.9], dwell_s=4 * TAU_S, looks=10), direction=1, decays=False, tau_s=1500.0)
    assert found.tau_s == pytest.approx(TAU_S, rel=0.25)
    assert found.tau_sigma_s < 0.25 * found.tau_s


def test_where_nothing_has_reacted_the_median_is_known_to_lie_beyond_and_no_better():
    found = transition(integrated([2.3, 2.4, 2.5], dwell_s=3 * TAU_S), direction=1, decays=False, tau_s=TAU_S)
    assert found.median_gpa > 2.5
    assert found.sigma_gpa > 0.1


def test_a_median_not_reached_is_extrapolated_with_an_error_that_covers_it():
    offs = []
    for last_gpa in (2.80, 2.85, 2.90):
        seen = integrated(np.linspace(2.5, last_gpa, 6), dwell_s=3 * TAU_S, noise=0.02)
        found = transition(seen, direction=1, decays=False, tau_s=TAU_S)
        offs.append((found.median_gpa - MEDIAN) / found.sigma_gpa)
    assert math.hypot(*offs) < 3.5


def test_patterns_that_contradict_each_other_enlarge_the_error():
    smooth = integrated(np.linspace(2.5, 3.1, 10), dwell_s=3 * TAU_S)
    rough = integrated(np.linspace(2.5, 3.1, 10), dwell_s=3 * TAU_S, noise=0.15)
    a, b = (transition(seen, direction=1, decays=False, tau_s=TAU_S) for seen in (smooth, rough))
    assert a.misfit < 1.0 < b.misfit
    assert b.sigma_gpa > 1.5 * a.sigma_gpa


def test_shares_wrong_by_a_factor_of_their_odds_are_mended_by_what_is_gone_of_the_parent():
    seen = integrated(np.linspace(2.5, 3.05, 9), dwell_s=3 * TAU_S)
    draw, wrong, told = np.random.default_rng(3), [], []
    for one in seen:
        odds = 1.5 * one.value / (1.0 - one.value)
        shown = dataclasses.replace(one, value=odds / (1.0 + odds))
        left = 40.0 * (1.0 - one.value) * (1.0 + 0.02 * float(draw.standard_normal()))
        wrong.append(shown)
        told.append(dataclasses.replace(shown, parent=left, parent_sigma=1.0))
    alone, mended = (transition(each, direction=1, decays=False, tau_s=TAU_S) for each in (wrong, told))
    assert abs(alone.median_gpa - MEDIAN) < 2.0 * alone.sigma_gpa, "the factor is in the error"
    assert mended.median_gpa == pytest.approx(MEDIAN, abs=0.02)
    assert abs(mended.median_gpa - MEDIAN) < 0.6 * abs(alone.median_gpa - MEDIAN)
    assert mended.sigma_gpa < 0.6 * alone.sigma_gpa


def test_a_phase_not_seen_contradicts_no_share_below_the_limit_of_seeing_it():
    seen = integrated([2.6, 2.7, 2.75], dwell_s=3 * TAU_S)
    blind = [dataclasses.replace(one, value=0.0, limit=0.07) for one in seen]
    sharp = [dataclasses.replace(one, value=0.0) for one in seen]
    a, b = (transition(each, direction=1, decays=False, tau_s=TAU_S) for each in (blind, sharp))
    assert a.median_gpa - 2.0 * a.sigma_gpa < MEDIAN
    assert a.passed > b.passed
