"""Gains as they are learned: what one lesson may change, and what a step must allow for."""

import pytest

from lics_beamline.control.gain import UNLOADING_GAIN_RATIO, Gain, LearnedGain

LIMITS = (0.02, 0.7)


def taught(gains, pressure_gpa, direction, gpa_per_bar):
    return gains.learn(
        pressure_gpa,
        direction,
        moved_bar=5.0,
        answer_gpa=5.0 * gpa_per_bar,
        error_gpa=0.01,
        limits_gpa_per_bar=LIMITS,
    )


def test_what_a_lesson_says_beyond_what_is_believed_at_once_stays_as_doubt():
    wrong = Gain(gpa_per_bar=0.02, error=0.7)
    once = wrong.weighed(Gain(gpa_per_bar=0.2, error=0.07))
    assert once.gpa_per_bar == pytest.approx(0.04, rel=0.02)
    assert once.at_most() > 0.2, "the next step allows for what the lesson said"
    later = once
    for _ in range(4):
        later = later.weighed(Gain(gpa_per_bar=0.2, error=0.07))
    assert later.gpa_per_bar == pytest.approx(0.2, rel=0.1)
    assert later.error < 0.1, "and the doubt goes when lessons agree"


def test_lessons_that_agree_sharpen_a_gain():
    once = Gain(gpa_per_bar=0.2, error=0.2).weighed(Gain(gpa_per_bar=0.21, error=0.1))
    assert 0.2 < once.gpa_per_bar < 0.21
    assert once.error < 0.1


def test_unloading_allows_for_the_gain_that_loading_taught_there():
    loading = taught(LearnedGain(), 2.75, +1, 0.4)
    unloading = taught(loading, 3.6, -1, 0.25)
    assert unloading.most_between(3.3, 2.8, -1) >= 0.4 * UNLOADING_GAIN_RATIO * 0.999
    only_own = taught(LearnedGain(), 3.6, -1, 0.25)
    assert only_own.most_between(3.3, 2.8, -1) < 0.35


def test_before_any_lesson_no_gain_is_excluded():
    assert LearnedGain().most_between(1.0, 2.0, +1) == float("inf")
