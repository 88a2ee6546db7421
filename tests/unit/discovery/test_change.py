import pytest
from worlds.listed_lines import lines, point

from lics_beamline.discovery.survey import Survey

SPACINGS = (3.10, 2.19, 1.79, 1.55, 1.37)
FRESH = (2.83, 2.00, 1.66)
STEP_GPA = 0.3


def changes(of_point, points=6):
    survey = Survey()
    for index in range(points):
        survey.take(point(index + 1, STEP_GPA * index, of_point(index, STEP_GPA * index)))
    return survey.changes


def test_nothing_changes_where_lines_only_move():
    assert changes(lambda _, pressure: lines(SPACINGS, pressure, compressibility=0.04)) == ()


def test_lines_that_come_are_told_with_the_points_between_which_they_did():
    [change] = changes(
        lambda index, pressure: lines(SPACINGS, pressure) + (lines(FRESH, pressure) if index >= 3 else [])
    )
    assert (change.before.number, change.after.number) == (3, 4)
    assert [line.kind for line in change.lines] == ["came"] * 3
    assert change.significance > 10.0


def test_lines_that_go_are_told():
    [change] = changes(
        lambda index, pressure: lines(SPACINGS, pressure) + (lines(FRESH, pressure) if index < 3 else [])
    )
    assert (change.before.number, change.after.number) == (3, 4)
    assert [line.kind for line in change.lines] == ["went"] * 3


@pytest.mark.parametrize("factor", [0.25, 4.0])
def test_a_change_of_exposure_is_no_change_of_the_sample(factor):
    def exposed(index, pressure):
        bright = factor if index >= 3 else 1.0
        return lines(SPACINGS, pressure, significance=60.0 * bright) + (
            lines(FRESH, pressure, significance=7.0 * bright) if 7.0 * bright > 5.0 else []
        )

    assert changes(exposed) == ()


def test_lines_near_the_threshold_come_and_go_without_being_told():
    assert (
        changes(
            lambda index, pressure: (
                lines(SPACINGS, pressure) + (lines(FRESH, pressure, significance=10.5) if index % 2 else [])
            )
        )
        == ()
    )


def test_lines_that_cross_by_compression_are_no_change():
    def crossing(_, pressure):
        soft = lines((2.36, 1.955), pressure, compressibility=0.06)
        hard = lines((2.21, 1.83), pressure, compressibility=0.001)
        if any(abs(s.peak.two_theta_deg - h.peak.two_theta_deg) < 0.09 for s, h in zip(soft, hard, strict=True)):
            return lines(SPACINGS, pressure) + lines((2.21, 1.83), pressure, compressibility=0.001, significance=100.0)
        return lines(SPACINGS, pressure) + hard + soft

    assert changes(crossing, points=9) == ()


def test_a_single_line_that_comes_is_no_change():
    assert changes(lambda index, pressure: lines(SPACINGS, pressure) + lines(FRESH[: index >= 3], pressure)) == ()


def test_lines_that_split_are_told_as_split():
    def split(index, pressure):
        if index < 3:
            return lines(SPACINGS, pressure, significance=100.0)
        halves = [d * factor for d in SPACINGS[:3] for factor in (1.004, 0.996)]
        return lines(SPACINGS[3:], pressure, significance=100.0) + lines(halves, pressure, significance=50.0)

    [change] = changes(split)
    assert {line.kind for line in change.lines} == {"split"}
    assert len(change.lines) == 3
