"""The pure step of an approach: what it commands after each kind of reading. Whole cells: test_approach_on_cells.py."""

import math
from dataclasses import astuple, replace

import pytest
from worlds.stepped_world import changed, shipped_settings

from lics_beamline.control.approach import ApproachOutcome, ApproachPhase, acknowledged, begin, held_at, step
from lics_beamline.control.cell_estimate import CellEstimate, PressureReading
from lics_beamline.control.command import Abort, AbortCause, Hold, LoadTo, ReadAgain
from lics_beamline.control.creep import Creep
from lics_beamline.control.gain import LearnedGain
from lics_beamline.control.request import Request

SETTINGS = shipped_settings()
RULES, ENVELOPE = SETTINGS.approach, SETTINGS.envelope
START = PressureReading(
    time_s=1000.0, load_bar=20.0, pressure_gpa=3.0, sigma_gpa=0.003, temperature_k=298.0, supply_bar=120.0
)
TAUGHT = LearnedGain().learn(
    3.0, +1, moved_bar=5.0, answer_gpa=1.0, error_gpa=0.02, limits_gpa_per_bar=RULES.gain_limits_gpa_per_bar
)


def decide(state, reading, *, now_s=None, request=None, settings=SETTINGS):
    now_s = (reading.time_s + 5.0 if reading else 0.0) if now_s is None else now_s
    return step(state, reading, now_s, settings=settings, request=request)


def known(target_gpa=5.0, direction=+1, last=START, moving=True):
    """An approach in a cell that is known to answer 0.2 GPa/bar and to be at rest."""
    estimate = CellEstimate(
        direction=direction,
        gains=TAUGHT,
        last=last,
        before_gpa=last.pressure_gpa,
        creep=Creep.over(last.pressure_gpa),
        moving=moving,
        rest_gpa=last.pressure_gpa,
        teacher=last,
        taught_from_gpa=last.pressure_gpa,
    )
    return replace(begin(target_gpa, direction), estimate=estimate)


def later(seconds=100.0, *, after=START, **changes):
    return replace(after, time_s=after.time_s + seconds, **changes)


def test_nothing_moves_before_a_second_reading_has_confirmed_the_first():
    first = decide(begin(5.0, +1), START)
    assert isinstance(first.command, ReadAgain)
    second = decide(first.state, later(6.0))
    assert isinstance(second.command, LoadTo)
    assert second.command.load_bar > START.load_bar


def test_before_a_gain_is_learned_a_step_is_small_enough_for_the_steepest_cell():
    first = decide(begin(3.5, +1), START)
    command = decide(first.state, later(6.0)).command
    steepest = RULES.gain_gpa_per_bar * RULES.gain_range[1]
    assert (command.load_bar - START.load_bar) * steepest <= 0.5 + RULES.tolerance_gpa


def test_an_unloaded_cell_is_brought_in_one_step_to_where_it_may_begin_to_answer():
    unloaded = replace(START, load_bar=0.0, pressure_gpa=0.12)
    first = decide(begin(0.5, +1), unloaded)
    assert decide(first.state, later(6.0, after=unloaded)).command.load_bar == RULES.silent_below_bar


def test_with_a_gain_learned_the_step_goes_nearly_all_the_way_and_not_beyond():
    command = decide(known(4.0), later()).command
    assert 0.6 < (command.load_bar - START.load_bar) * 0.2 < 1.0


@pytest.mark.parametrize("direction", [+1, -1])
def test_every_load_goes_further_in_the_direction_of_the_stroke(direction):
    target = START.pressure_gpa + direction * 1.0
    command = decide(known(target, direction), later()).command
    assert isinstance(command, LoadTo)
    assert direction * (command.load_bar - START.load_bar) > 0


def test_a_wild_reading_moves_nothing_and_two_that_contradict_it_undo_it():
    wild = decide(known(), later(pressure_gpa=2.0))
    assert isinstance(wild.command, ReadAgain)
    assert wild.state.estimate.last == START
    sane = decide(wild.state, later(106.0))
    assert isinstance(sane.command, ReadAgain)
    again = decide(sane.state, later(112.0))
    assert isinstance(again.command, LoadTo)
    assert again.state.estimate.creep.end_gpa == pytest.approx(3.0, abs=0.01)


def test_a_wild_reading_that_looks_as_expected_does_not_hide_a_jump_seen_just_before():
    jumped = decide(known(5.0), later(load_bar=20.5, pressure_gpa=3.5))
    wild = decide(jumped.state, later(106.0, load_bar=20.5, pressure_gpa=3.1))  # 0.5 bar of 0.2 GPa/bar
    assert wild.state.estimate.last == START
    third = decide(wild.state, later(112.0, load_bar=20.5, pressure_gpa=3.5))
    assert isinstance(third.command, ReadAgain)
    fourth = decide(third.state, later(118.0, load_bar=20.5, pressure_gpa=3.5))
    assert fourth.state.estimate.last.pressure_gpa == 3.5


def test_the_readings_that_first_teach_a_gain_are_looked_at_twice():
    state = begin(5.0, +1)
    state = replace(state, estimate=replace(known().estimate, gains=LearnedGain(), teacher=START, taught_from_gpa=3.0))
    first = decide(state, later(load_bar=22.0, pressure_gpa=3.05))  # 0.4 GPa are true: 0.05 would teach 0.025 GPa/bar
    assert isinstance(first.command, ReadAgain)
    assert first.state.estimate.gains == LearnedGain()
    truth = decide(first.state, later(106.0, load_bar=22.0, pressure_gpa=3.4))
    confirmed = decide(truth.state, later(112.0, load_bar=22.0, pressure_gpa=3.4))
    assert confirmed.state.estimate.gain(3.4).gpa_per_bar > 0.15


def test_a_jump_that_a_second_reading_confirms_is_believed_but_teaches_no_gain():
    jumped = decide(known(5.0), later(load_bar=20.5, pressure_gpa=3.5))
    assert isinstance(jumped.command, ReadAgain)
    confirmed = decide(jumped.state, later(106.0, load_bar=20.5, pressure_gpa=3.5))
    assert confirmed.state.estimate.slipped
    assert confirmed.state.estimate.gain(3.5).gpa_per_bar == pytest.approx(0.2, rel=0.05)


def test_a_confirmed_fall_on_the_upstroke_is_a_blow_out_and_aborts():
    fallen = later(pressure_gpa=2.0)
    decision = decide(decide(known(), fallen).state, later(6.0, after=fallen))
    assert decision.command.cause is AbortCause.UNREADABLE
    assert "gasket" in decision.command.reason


def test_the_step_after_a_slip_is_not_learned_from():
    estimate = replace(known().estimate, skipped=1, slipped=True)
    quiet = estimate.after(later(load_bar=21.0, pressure_gpa=3.17), SETTINGS)
    assert quiet.gains == estimate.gains
    assert quiet.after(later(200.0, load_bar=22.0, pressure_gpa=3.36), SETTINGS).gains != estimate.gains


def test_a_stick_slip_does_not_make_the_next_step_large():
    stuck = later(load_bar=26.0, pressure_gpa=3.05)  # 6 bar answered by 0.05 GPa only
    first = decide(known(8.0), stuck)
    second = decide(first.state, later(6.0, after=stuck))
    assert second.command.load_bar - 26.0 <= RULES.largest_step_bar
    assert second.state.estimate.most_gpa_per_bar(5.0, RULES) > 0.15


def test_what_a_cell_that_sticks_still_owes_is_taken_off_the_next_step():
    reading = later()
    free_bar = decide(known(4.0), reading).command.load_bar - reading.load_bar
    owing = replace(known(4.0), estimate=replace(known(4.0).estimate, owed_gpa=0.1))
    owing_bar = decide(owing, reading).command.load_bar - reading.load_bar
    assert owing_bar / free_bar == pytest.approx(0.9, abs=0.01), "1 GPa is to go, and 0.1 GPa of it will come by itself"


@pytest.mark.parametrize("field", ["pressure_gpa", "sigma_gpa", "load_bar", "temperature_k", "time_s"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_reading_that_is_no_number_moves_nothing(field, value):
    decision = decide(known(), replace(later(), **{field: value}), now_s=1105.0)
    assert isinstance(decision.command, ReadAgain)
    assert decision.state.phase is ApproachPhase.PAUSE


@pytest.mark.parametrize("age_s", [RULES.stale_s + 1.0, -1.0])
def test_a_reading_from_long_ago_or_from_the_future_moves_nothing(age_s):
    decision = decide(known(), later(), now_s=1100.0 + age_s)
    assert isinstance(decision.command, ReadAgain)


def test_the_same_reading_again_moves_nothing():
    assert isinstance(decide(known(), START).command, ReadAgain)


def test_gas_that_is_not_where_it_was_commanded_is_never_chased():
    state = replace(known(), commanded_bar=20.0)
    sinking = later(load_bar=19.0)
    for _ in range(RULES.most_doubts):
        decision = decide(state, sinking)
        assert isinstance(decision.command, ReadAgain)
        state, sinking = decision.state, later(80.0, after=sinking, load_bar=sinking.load_bar - 0.5)
    decision = decide(state, sinking)
    assert decision.command.cause is AbortCause.UNREADABLE
    assert "leaks" in decision.command.reason


def test_without_readings_it_waits_and_then_aborts_for_good():
    state = known()
    for _ in range(RULES.most_doubts):
        decision = decide(state, None)
        assert isinstance(decision.command, ReadAgain)
        state = decision.state
    aborted = decide(state, None).state
    assert aborted.phase is ApproachPhase.ABORT
    for request in (None, *(one for one in Request)):
        assert isinstance(decide(aborted, later(), request=request).command, Abort)
    assert isinstance(decide(begin(6.0, -1, after=aborted), later()).command, Abort)
    assert acknowledged(aborted).phase is ApproachPhase.APPROACH


def test_a_temperature_that_changed_makes_the_pressure_be_read_twice():
    hotter = later(temperature_k=320.0, pressure_gpa=3.01)
    first = decide(known(), hotter)
    assert isinstance(first.command, ReadAgain)
    assert isinstance(decide(first.state, later(6.0, after=hotter)).command, LoadTo)


def test_within_tolerance_and_at_rest_it_holds_as_reached():
    decision = decide(known(3.02), later())
    assert isinstance(decision.command, Hold)
    assert decision.state.outcome is ApproachOutcome.REACHED


def test_within_tolerance_but_still_creeping_it_settles_first():
    state = known(3.02)
    state = replace(state, estimate=replace(state.estimate, creep=Creep(end_gpa=3.15, crept_gpa=1.90)))
    decision = decide(state, later(5.0))
    assert decision.state.phase is ApproachPhase.SETTLE
    assert isinstance(decision.command, ReadAgain)


def test_a_reading_within_the_dead_time_after_a_step_decides_nothing():
    moved = decide(known(4.0), later())
    load_bar = moved.command.load_bar
    soon_s = 0.5 * RULES.dead_time_s + (load_bar - START.load_bar) / SETTINGS.membrane.slew_bar_per_s
    decision = decide(
        moved.state, later(100.0 + soon_s, load_bar=load_bar, pressure_gpa=3.0 + 0.19 * (load_bar - 20.0))
    )
    assert decision.state.phase is ApproachPhase.SETTLE


def test_far_beyond_the_target_it_says_passed_after_a_second_look_and_does_not_go_back():
    first = decide(known(2.8), later())
    assert isinstance(first.command, ReadAgain)
    decision = decide(first.state, later(200.0))
    assert isinstance(decision.command, Hold)
    assert decision.state.outcome is ApproachOutcome.PASSED


def test_a_held_pressure_is_approached_again_only_when_it_falls_far_short():
    held = replace(known(3.0), outcome=ApproachOutcome.REACHED, phase=ApproachPhase.HOLD)
    little, much = 0.9 * RULES.reapproach_gpa, 1.1 * RULES.reapproach_gpa
    for short_gpa, command in ((little, Hold), (much, LoadTo)):
        fallen = later(pressure_gpa=3.0 - short_gpa)
        decision = decide(decide(held, fallen).state, later(6.0, after=fallen))
        assert isinstance(decision.command, command)


def test_a_pause_holds_until_a_person_continues():
    paused = decide(known(), later(), request=Request.PAUSE)
    assert paused.state.phase is ApproachPhase.PAUSE
    still = decide(paused.state, later(200.0))
    assert isinstance(still.command, ReadAgain)
    assert still.state.readings == 0
    assert isinstance(decide(still.state, later(300.0), request=Request.CONTINUE).command, LoadTo)


@pytest.mark.parametrize("direction", [+1, -1])
def test_no_load_moves_while_the_cell_is_out_of_band_of_its_points_temperature_and_an_end_comes(direction):
    state = replace(known(3.0 + direction, direction), temperature_k=START.temperature_k)
    assert isinstance(decide(state, later()).command, LoadTo)
    off_k = RULES.temperature_band_k + 0.1
    for hot in (later(temperature_k=298.0 + off_k), later(temperature_k=298.0 - off_k)):
        held = decide(state, hot)
        assert isinstance(held.command, ReadAgain)
        assert isinstance(decide(held.state, later(200.0)).command, LoadTo), "back in the band it goes on"
    decision, seconds = held, 100.0
    while isinstance(decision.command, ReadAgain):
        seconds += 80.0
        decision = decide(decision.state, later(seconds, temperature_k=298.0 + off_k))
    assert decision.command.cause is AbortCause.UNREADABLE
    assert "303.1 K, 5.1 K from the 298.0 K of this point (5 K is the limit)" in decision.command.reason


@pytest.mark.parametrize("slip_gpa", [0.2, 0.4])  # 0.1 in a step of 1.2 GPa is within the error of the gain
def test_a_slip_beyond_what_gain_and_noise_explain_teaches_no_gain(slip_gpa):
    moved = decide(known(), later())
    load_bar = moved.command.load_bar
    jumped_gpa = 3.0 + 0.2 * (load_bar - START.load_bar) + slip_gpa
    seen = later(500.0, load_bar=load_bar, pressure_gpa=jumped_gpa)
    looked = decide(moved.state, seen)
    again = decide(looked.state, later(6.0, after=seen))
    assert again.state.estimate.last.pressure_gpa == jumped_gpa, "the point is approached from where it landed"
    before, after = (one.state.estimate.gains.at(4.0, +1) for one in (moved, again))
    assert after.gpa_per_bar == pytest.approx(before.gpa_per_bar, rel=1e-9)
    assert again.state.estimate.most_gpa_per_bar(5.0, RULES) >= moved.state.estimate.most_gpa_per_bar(5.0, RULES), (
        "and the next step allows for no less"
    )


def test_a_step_held_on_its_way_is_decided_anew_from_the_load_it_was_held_at():
    moved = decide(known(), later())
    half_bar = 0.5 * (START.load_bar + moved.command.load_bar)
    there = later(500.0, load_bar=half_bar, pressure_gpa=3.0 + 0.2 * (half_bar - START.load_bar))
    assert decide(moved.state, there).state.doubts == 1, "nobody told it that the load was held"
    held = held_at(moved.state, half_bar)
    assert held.moves[-1].bar == pytest.approx(half_bar - START.load_bar)
    decision = decide(held, there)
    assert decision.state.doubts == 0
    assert isinstance(decision.command, LoadTo)


def test_a_target_that_the_supply_cannot_reach_is_refused_before_anything_moves_with_both_numbers():
    poor = later(supply_bar=35.0)  # 80 % of it is 28 bar; 8 GPa needs about 40
    decision = decide(known(8.0), poor)
    assert decision.command.cause is AbortCause.UNREACHABLE
    assert "28.0 bar" in decision.command.reason


def test_no_load_is_commanded_beyond_the_supply_before_anything_is_learned():
    poor = replace(START, supply_bar=25.1)
    first = decide(begin(3.05, +1), poor)
    assert decide(first.state, later(6.0, after=poor)).command.load_bar <= 0.8 * 25.1


def test_gas_moved_within_the_budget_time_is_limited():
    tight = changed(SETTINGS, approach={"budget_bar": 3.0})
    first = decide(known(8.0), later(), settings=tight)
    assert first.command.load_bar - 20.0 == pytest.approx(3.0)
    moved = later(500.0, load_bar=23.0, pressure_gpa=3.6)
    assert isinstance(decide(first.state, moved, settings=tight).command, ReadAgain)
    more = changed(SETTINGS, approach={"budget_bar": 7.0})
    assert RULES.largest_step_bar < 7.0
    assert decide(first.state, moved, settings=more).command.load_bar - 23.0 == pytest.approx(4.0), "3 of 7 are spent"
    assert isinstance(decide(first.state, later(250.0, after=moved), settings=tight).command, LoadTo)


def test_a_steep_cell_is_loaded_more_slowly_so_that_the_pressure_rate_is_capped():
    command = decide(decide(begin(5.0, +1), START).state, later(6.0)).command
    steepest = RULES.gain_gpa_per_bar * RULES.gain_range[1]
    assert command.slew_bar_per_s * steepest * 60.0 <= RULES.most_gpa_per_min + 1e-9
    assert decide(known(), later()).command.slew_bar_per_s == SETTINGS.membrane.slew_bar_per_s


def test_unloading_ends_as_lowest_when_there_is_no_gas_left():
    empty = replace(START, load_bar=0.01, pressure_gpa=0.4)
    decision = decide(known(0.2, -1, last=empty), later(after=empty))
    assert isinstance(decision.command, Hold)
    assert decision.state.outcome is ApproachOutcome.LOWEST


def test_a_cell_that_never_answers_is_given_up():
    state, reading = begin(3.5, +1), START
    while not isinstance((decision := decide(state, reading)).command, Abort):
        load_bar = decision.command.load_bar if isinstance(decision.command, LoadTo) else reading.load_bar
        state, reading = decision.state, later(150.0, after=reading, load_bar=load_bar)
    assert decision.command.cause is AbortCause.GAVE_UP
    assert decision.state.readings == RULES.most_readings


def test_the_step_changes_nothing_it_was_given():
    state = known()
    before = replace(state)
    decide(state, later())
    assert astuple(state) == astuple(before)  # by tuples, in which a NaN is itself


def test_a_target_that_the_steepest_cell_could_not_reach_on_the_supply_is_refused_before_the_first_move():
    unloaded = replace(START, load_bar=0.0, pressure_gpa=0.12, supply_bar=10.0)  # 8 bar may be used
    steepest_gpa = 8.0 * RULES.gain_gpa_per_bar * RULES.gain_range[1]
    for target_gpa, refused in ((0.12 + 1.02 * steepest_gpa, True), (0.12 + 0.98 * steepest_gpa, False)):
        first = decide(begin(target_gpa, +1), unloaded)
        command = decide(first.state, later(6.0, after=unloaded)).command
        assert isinstance(command, Abort) == refused
        assert not refused or command.cause is AbortCause.UNREACHABLE


def test_on_the_downstroke_gas_is_let_out_without_any_supply():
    command = decide(known(2.0, -1), later(supply_bar=0.0)).command
    assert isinstance(command, LoadTo)
    assert command.load_bar < START.load_bar
    ENVELOPE.check_load(
        command.load_bar, now_bar=START.load_bar, pressure_gpa=3.0, supply_bar=0.0, steepest_gain_gpa_per_bar=0.7
    )
