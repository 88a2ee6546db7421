"""The ladder of a hunt: one way only, shrinking, patient, and no further than the envelope."""

import dataclasses
import itertools
import math

import pytest
from scipy.stats import norm
from worlds.hunting_world import goal_of, hunt, hunt_case
from worlds.stepped_world import HELD_OUT, shipped_settings

from lics_beamline.control.ladder import DWELL_TIME_CONSTANTS, End, Go, Stay, begin, step
from lics_beamline.physics.transition import SeenShare

ENVELOPE = shipped_settings().envelope
TAU_S = 450.0


def ladder(*, median_gpa=2.95, spread_gpa=0.13, lands=0.0, envelope=ENVELOPE, **changed):
    """A hunt on grains that react at once and without noise: every command, with what was seen before it."""
    goal = dataclasses.replace(goal_of(False), **changed)
    decision, told, now_s, since_s, pressure, rungs = begin(goal, envelope=envelope), [], 0.0, 0.0, 0.0, []
    while True:
        told.append((decision.command, rungs[-1] if rungs else None))
        if isinstance(decision.command, End):
            return told, decision.state
        if isinstance(decision.command, Go):
            pressure, since_s = decision.command.pressure_gpa + lands, now_s
            now_s += decision.command.dwell_s
        else:
            now_s += decision.command.wait_s
        now_s += 120.0
        share = float(norm.cdf((pressure - median_gpa) / spread_gpa)) * (1.0 - math.exp(-(now_s - since_s) / TAU_S))
        seen = SeenShare(
            time_s=now_s,
            since_s=since_s,
            pressure_gpa=pressure,
            sigma_gpa=0.005,
            value=share,
            value_sigma=0.02,
            parent=1.0 - share,
            parent_sigma=0.05,
        )
        rungs.append(seen)
        decision = step(decision.state, seen, envelope=envelope)


def test_steps_go_one_way_and_shrink_once_something_is_seen():
    told, state = ladder()
    rungs = [command.pressure_gpa for command, _ in told if isinstance(command, Go)]
    steps = [after - before for before, after in itertools.pairwise(rungs)]
    assert min(steps) >= 0.04 - 1e-9
    assert steps[0] == pytest.approx(0.1)
    assert steps == sorted(steps, reverse=True)
    assert steps[-1] < 0.9 * steps[0]
    assert told[-1][0].found
    assert state.knows.median_gpa == pytest.approx(2.95, abs=0.03)


def test_no_rung_is_left_before_three_time_constants():
    told, _ = ladder()
    for command, seen in told[1:]:
        if isinstance(command, Go):
            assert (
                seen.time_s - seen.since_s >= DWELL_TIME_CONSTANTS * 0.6 * TAU_S
            )  # the time constant as estimated then


def test_the_first_rung_at_which_something_reacts_is_watched_by_repeated_patterns():
    told, _ = ladder()
    stays = [seen.pressure_gpa for command, seen in told if isinstance(command, Stay)]
    assert len(stays) >= 2
    assert len(set(stays)) < len(stays)


def test_the_ladder_ends_short_of_the_median_where_that_is_known_well_enough():
    _, state = ladder()
    assert state.seen[-1].pressure_gpa < 2.95 + 0.02


def test_the_envelope_vetoes_a_rung():
    told, _ = ladder(envelope=ENVELOPE.model_copy(update={"pressure_gpa": (0.0, 2.65)}))
    assert not told[-1][0].found
    assert "the envelope forbids the next rung" in told[-1][0].reason
    assert max(command.pressure_gpa for command, _ in told if isinstance(command, Go)) <= 2.65


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"last_gpa": 2.7}, "last rung"),
        ({"start_gpa": 3.2}, "at the first rung"),
        ({"most_points": 3}, "3 points were allowed"),
    ],
)
def test_a_hunt_that_cannot_succeed_says_why(changed, says):
    told, _ = ladder(**changed)
    assert not told[-1][0].found
    assert says in told[-1][0].reason


def test_a_plate_that_tells_nothing_is_repeated_and_three_in_a_row_end_the_hunt():
    decision = begin(goal_of(False), envelope=ENVELOPE)
    for _ in range(2):
        decision = step(decision.state, None, envelope=ENVELOPE)
        assert isinstance(decision.command, Stay)
    decision = step(decision.state, None, envelope=ENVELOPE)
    assert isinstance(decision.command, End)
    assert "told nothing" in decision.command.reason


@pytest.mark.parametrize("decays", [False, True])
def test_on_stepped_cells_the_median_is_found_within_what_was_asked(decays):
    for seed in (HELD_OUT, HELD_OUT + 1):
        score = hunt(hunt_case(seed, decays=decays))
        assert score.ended.found, score.ended.reason
        assert abs(score.off_gpa) <= 0.05
        low, high = ENVELOPE.pressure_gpa
        assert low <= score.furthest_gpa <= high
