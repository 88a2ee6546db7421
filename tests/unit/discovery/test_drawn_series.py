"""Whole sweeps with a drawn unknown phase beside caesium and rhenium, from their patterns on."""

import pytest
from worlds.drawn_series import draw, score, surveyed

SHORT_SEED = 3001  # neither of those that were tuned by (1000-2029) nor of those that are scored by
SCORED_SEED = 7000


def test_an_unknown_phase_is_told_at_its_first_point_with_its_lines():
    series = draw(SHORT_SEED)
    got = score(series, *surveyed(series))
    assert (got.noticed, got.alarms) == (True, 0)
    assert got.strays <= 1


def test_known_phases_that_change_into_each_other_are_no_unknown_one():
    series = draw(SHORT_SEED, unknown=False)
    assert score(series, *surveyed(series)).alarms == 0


@pytest.mark.long
def test_of_forty_unknown_phases_nearly_all_are_told_where_they_come_and_put_together():
    scores = [score(series, *surveyed(series)) for series in map(draw, range(SCORED_SEED, SCORED_SEED + 40))]
    assert sum(each.noticed for each in scores) >= 38
    assert sum(each.strays <= 1 for each in scores) >= 35


@pytest.mark.long
def test_two_hundred_points_without_an_unknown_phase_give_one_false_alarm_at_most():
    alarms = points = 0
    for seed in range(SCORED_SEED, SCORED_SEED + 20):
        series = draw(seed, unknown=False)
        alarms += score(series, *surveyed(series)).alarms
        points += len(series.points)
    assert points >= 200
    assert alarms <= 1
