"""Whole sweeps with a drawn unknown phase beside caesium and rhenium, from their patterns on."""

from worlds.drawn_series import draw, score, surveyed

SHORT_SEED = 3001  # neither of those that were tuned by (1000-2029) nor of those of the benchmark


def test_an_unknown_phase_is_told_at_its_first_point_with_its_lines():
    series = draw(SHORT_SEED)
    got = score(series, *surveyed(series))
    assert (got.noticed, got.alarms) == (True, 0)
    assert got.strays <= 1


def test_known_phases_that_change_into_each_other_are_no_unknown_one():
    series = draw(SHORT_SEED, unknown=False)
    assert score(series, *surveyed(series)).alarms == 0
