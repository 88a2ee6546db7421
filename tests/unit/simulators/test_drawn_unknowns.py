"""Series of patterns without plates: the same again for a seed, and the lines of their phases where these are."""

import numpy as np
import pytest
from worlds.drawn_unknowns import elements_alone, series, unknown_of


@pytest.fixture(scope="module")
def drawn():
    return series(101, pressures_gpa=(1.3, 2.3))


def excess(pattern, two_theta_deg):
    """Light of a line over that of its neighbourhood, in its own standard errors."""
    off = np.abs(pattern.two_theta_deg - two_theta_deg)
    line, beside = off < 0.03, (off > 0.2) & (off < 0.6)
    level = np.percentile(pattern.intensity[beside], 25)
    return float(np.sum(pattern.intensity[line] - level) / np.sqrt(np.sum(pattern.sigma[line] ** 2)))


def strongest(phase):
    return max(phase.lines, key=lambda line: line[2])[1]


def test_a_series_is_the_same_again_for_its_seed(drawn):
    again = series(101, pressures_gpa=(1.3, 2.3))
    for one, other in zip(drawn.points, again.points, strict=True):
        np.testing.assert_array_equal(one.pattern.intensity, other.pattern.intensity)
        assert one.ruby_gpa == other.ruby_gpa


def test_the_lines_of_the_unknown_are_there_from_its_pressure_on(drawn):
    before, after = drawn.points
    assert before.true_gpa < drawn.unknowns[0].from_gpa < after.true_gpa
    assert before.of("unknown") is None
    assert drawn.first("unknown") == 1
    place = strongest(after.of("unknown"))
    assert excess(after.pattern, place) > 20.0
    assert excess(before.pattern, place) < 5.0


def test_its_shares_are_those_of_the_mass_in_the_hole(drawn):
    for point in drawn.points:
        assert sum(phase.share for phase in point.truth) == pytest.approx(1.0)
        assert point.of("re-hcp").share == 0.0


def test_counts_scatter_as_their_errors_say():
    bright, dim = (series(101, pressures_gpa=(1.3,), exposures=e).points[0].pattern for e in (4.0, 1.0))
    beside = np.all(
        [
            np.abs(bright.two_theta_deg - line[1]) > 0.3
            for phase in series(101, pressures_gpa=(1.3,)).points[0].truth
            for line in phase.lines
        ],
        axis=0,
    )
    apart = (bright.intensity - 4.0 * dim.intensity) / np.hypot(bright.sigma, 4.0 * dim.sigma)
    assert beside.sum() > 50
    assert np.std(apart[beside]) == pytest.approx(1.0, abs=4 / np.sqrt(2 * beside.sum()))


def test_a_series_is_of_the_lattice_system_asked_for_or_of_the_elements_alone():
    (cubic,) = series(7, preset=unknown_of("cubic"), pressures_gpa=(3.5,)).unknowns
    assert len(set(cubic.edges_angstrom)) == 1
    alone = series(7, preset=elements_alone(), pressures_gpa=(3.5,))
    assert alone.unknowns == ()
    assert {phase.name for phase in alone.points[0].truth} == {"re-hcp", "cs-fcc", "li-bcc"}


@pytest.mark.parametrize("seed", range(200, 206))
def test_an_unknown_is_a_tenth_of_the_mass_and_more_once_it_is_there(seed):
    assert series(seed, pressures_gpa=(3.8,)).first("unknown", share=0.10) == 0
