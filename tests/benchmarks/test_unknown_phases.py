"""Unknown phases of drawn sweeps: whether each is told where it comes with its own lines, and none where there is none.

Run apart: ``python -m pytest -s tests/benchmarks/test_unknown_phases.py``. What is drawn is said in
`tests/worlds/drawn_series.py`.
"""

from worlds.drawn_series import draw, score, surveyed

FIRST_SEED = 27_000  # seeds that no choice of a constant has seen
SERIES, POINTS = 40, 200
LEAST_NOTICED, LEAST_TOGETHER, MOST_ALARMS = 38, 35, 1


def test_nearly_all_unknown_phases_are_told_where_they_come_and_put_together(record):
    scores = [score(series, *surveyed(series)) for series in map(draw, range(FIRST_SEED, FIRST_SEED + SERIES))]
    noticed = sum(each.noticed for each in scores)
    together = sum(each.strays <= 1 for each in scores)
    record(noticed=noticed, together=together, of=SERIES)
    assert noticed >= LEAST_NOTICED
    assert together >= LEAST_TOGETHER


def test_points_without_an_unknown_phase_give_one_false_alarm_at_most(record):
    alarms, points, seed = 0, 0, FIRST_SEED
    while points < POINTS:
        series = draw(seed, unknown=False)
        alarms += score(series, *surveyed(series)).alarms
        points += len(series.points)
        seed += 1
    record(false_alarms=alarms, points=points)
    assert alarms <= MOST_ALARMS
