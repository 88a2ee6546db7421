import numpy as np
import pytest

from lics_beamline.phases.line_evidence import OtherLines, line_evidence

FEW = OtherLines.of(np.array([10.0, 3.0]), np.full(2, 0.07), 28.0)
MANY = OtherLines.of(np.geomspace(1.0, 100.0, 200), np.full(200, 0.07), 28.0)


def evidence(area, *, due=10.0, sigma=0.3, others=MANY):
    return float(line_evidence(np.array([area]), np.array([sigma]), np.array([due]), texture=0.35, others=others)[0])


@pytest.mark.parametrize("others", [FEW, MANY])
def test_a_line_that_is_as_it_should_be_speaks_for_a_phase_and_one_that_is_missing_against_it(others):
    assert evidence(10.0, others=others) > 0.5
    assert evidence(0.0, others=others) < -1.5


def test_a_line_that_is_far_too_strong_says_nothing_where_there_are_many_others():
    assert abs(evidence(60.0)) < 1.0


def test_a_line_speaks_louder_where_fewer_others_could_be_there_by_chance():
    assert evidence(10.0, others=FEW) > evidence(10.0, others=MANY) + 1.0


def test_a_line_below_its_error_says_nothing():
    assert abs(evidence(0.1, due=0.1, sigma=1.0)) < 0.3


def test_a_pattern_without_a_line_that_nobody_knows_has_some_chance_of_one():
    nothing = OtherLines.of(np.zeros(0), np.zeros(0), 28.0)
    assert 0.0 < nothing.chance < 0.1
    assert evidence(10.0, others=nothing) > 0.5
