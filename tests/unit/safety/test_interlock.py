"""When the guard trips: the pure step, without process, file or instrument."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_beamline.safety.interlock import (
    BLIND_S,
    HEARTBEAT_S,
    InterlockAction,
    InterlockLimits,
    InterlockReading,
    InterlockState,
    TripCause,
    step,
)

LIMITS = InterlockLimits(gasket_k=512.5, ruby_s=900.0, rising_bar=0.15)
ROOM = {"gasket": 298.2, "cell": 298.1, "membrane": 298.0, "ambient": 297.9}
WELL = InterlockReading(
    wall_s=100.0,
    experiment_s=0.0,
    thermocouples_k=ROOM,
    beat=1,
    spectrum=7,
    load_bar=20.0,
    setpoint_bar=20.0,
    effort_percent=3.0,
    unsafe=("membrane_control is On",),
    contactor_closed=True,
)


def go_on(moments, watch=None):
    """The decision after a sequence of moments."""
    decision = None
    for seen in moments:
        decision = step(watch or InterlockState(), seen, LIMITS)
        watch = decision.watch
    return decision


def after(wall_s, speed=60.0, **changes):
    """A well moment `wall_s` later, with another sign of life, but for what changes."""
    alive = {"wall_s": WELL.wall_s + wall_s, "experiment_s": wall_s * speed, "beat": 1 + int(2 * wall_s)}
    return replace(WELL, **{**alive, **changes})


def test_while_all_is_well_nothing_is_done():
    decision = go_on([after(tenth / 10) for tenth in range(200)])
    assert not decision.actions
    assert not decision.warnings
    assert decision.watch.trip is None


@pytest.mark.parametrize("reading_k", [-9725.85, -2300.0, float("nan"), float("inf"), 1700.0])
@pytest.mark.parametrize("place", list(ROOM))
def test_an_open_thermocouple_trips_at_once_wherever_it_is(place, reading_k):
    decision = go_on([WELL, after(0.1, thermocouples_k={**ROOM, place: reading_k})])
    assert InterlockAction.MAKE_SAFE in decision.actions
    assert place in decision.watch.trip.says


def test_over_temperature_trips_and_cuts_the_power_past_the_controller():
    hot = {**ROOM, "gasket": 513.0}
    decision = go_on([WELL, after(0.1, thermocouples_k=hot)])
    assert decision.actions == {InterlockAction.MAKE_SAFE, InterlockAction.CUT_POWER}
    assert "513.0 K, the limit is 512.5 K" in decision.watch.trip.says
    assert not go_on([WELL, after(0.1, thermocouples_k={**ROOM, "gasket": 512.0})]).actions


def test_a_thermocouple_that_does_not_answer_is_told_at_once_and_trips_after_a_while():
    silent = {**ROOM, "gasket": None}
    decision = go_on([after(second / 2, thermocouples_k=silent) for second in range(int(2 * BLIND_S))])
    assert not decision.actions
    assert "gasket does not answer since 30 s" in decision.warnings[0]
    decision = step(decision.watch, after(BLIND_S + 0.5, thermocouples_k=silent), LIMITS)
    assert decision.watch.trip.cause is TripCause.BLIND


def test_an_engine_that_falls_silent_trips_within_five_seconds_and_one_that_says_farewell_ends_the_watch():
    stopped = [after(tenth / 10, beat=1) for tenth in range(50)]
    tripped_after_s = next(
        seen.wall_s - WELL.wall_s for number, seen in enumerate(stopped) if go_on(stopped[: number + 1]).watch.trip
    )
    assert HEARTBEAT_S < tripped_after_s < HEARTBEAT_S + 0.2 < 5.0
    decision = go_on([*stopped[:30], after(3.0, farewell=True), after(30.0, farewell=True, beat=1)])
    assert decision.actions == {InterlockAction.END}
    assert decision.watch.trip is None


def test_a_dead_engine_trips_at_once_and_the_guard_ends_only_when_all_is_safe():
    decision = go_on([WELL, after(0.1, engine_gone=True)])
    assert decision.actions == {InterlockAction.MAKE_SAFE}
    still = step(decision.watch, after(0.3, engine_gone=True), LIMITS)
    assert InterlockAction.END not in still.actions
    safe = step(still.watch, after(0.6, engine_gone=True, unsafe=()), LIMITS)
    assert safe.actions == {InterlockAction.END}
    assert safe.watch.trip.cause is TripCause.ENGINE


def test_a_load_may_not_rise_on_a_stale_ruby_and_may_rise_on_a_fresh_one():
    rising = {"load_bar": 20.0, "setpoint_bar": 26.0}
    moments = [after(tenth / 10, **rising) for tenth in range(160)]  # 960 s of experiment
    assert go_on(moments).watch.trip.cause is TripCause.RUBY
    fresh = [replace(seen, spectrum=seen.spectrum + number // 100) for number, seen in enumerate(moments)]
    assert go_on(fresh).watch.trip is None
    falling = [replace(seen, setpoint_bar=10.0) for seen in moments]
    assert go_on(falling).watch.trip is None


def test_high_effort_is_warned_of_after_half_a_minute_of_experiment_and_a_leak_after_a_whole_one():
    struggling = [after(tenth / 10, effort_percent=100.0) for tenth in range(13)]  # 6 s of experiment each
    assert go_on(struggling[:5]).warnings == ()
    warned = go_on(struggling[:9])
    assert (warned.watch.trip, warned.actions) == (None, frozenset())
    assert "100 % effort since more than 30 s" in warned.warnings[0]
    tripped = go_on(struggling)
    assert tripped.watch.trip.cause is TripCause.LEAK
    assert tripped.warnings == ()
    interrupted = [*struggling[:8], after(0.85, effort_percent=10.0), *struggling[9:]]
    assert go_on(interrupted).watch.trip is None
    assert go_on(interrupted).warnings == ()


def test_an_effort_that_is_no_number_counts_as_a_leak():
    struggling = [after(tenth / 10, effort_percent=float("nan")) for tenth in range(13)]
    assert go_on(struggling).watch.trip.cause is TripCause.LEAK


MOMENTS = st.lists(
    st.builds(
        dict,
        pause_s=st.floats(0.01, 3.0),
        gasket_k=st.one_of(st.none(), st.sampled_from([298.0, 498.0, 530.0, -9725.85, float("nan")])),
        beats=st.booleans(),
        farewell=st.booleans(),
        engine_gone=st.booleans(),
        load_bar=st.one_of(st.none(), st.floats(0.0, 100.0)),
        effort=st.sampled_from([0.0, 95.0]),
        unsafe=st.booleans(),
    ),
    min_size=1,
    max_size=60,
)


def play(moments):
    """Every moment with the decision it led to."""
    watch, wall_s, beat = InterlockState(), 0.0, 1
    for moment in moments:
        wall_s += moment["pause_s"]
        beat += moment["beats"]
        seen = replace(
            WELL,
            wall_s=wall_s,
            experiment_s=60.0 * wall_s,
            thermocouples_k={**ROOM, "gasket": moment["gasket_k"]},
            beat=beat,
            farewell=moment["farewell"],
            engine_gone=moment["engine_gone"],
            load_bar=moment["load_bar"],
            effort_percent=moment["effort"],
            unsafe=("membrane_control is On",) if moment["unsafe"] else (),
        )
        decision = step(watch, seen, LIMITS)
        yield seen, decision
        watch = decision.watch


@given(MOMENTS)
def test_what_has_tripped_stays_tripped_and_is_made_safe_again_whenever_it_is_not(moments):
    trip = None
    for seen, decision in play(moments):
        if trip is not None:
            assert decision.watch.trip is trip
            assert (InterlockAction.MAKE_SAFE in decision.actions) == bool(seen.unsafe)
        trip = decision.watch.trip


@given(MOMENTS)
def test_it_is_never_silent_on_a_dead_thermocouple(moments):
    for seen, decision in play(moments):
        gasket_k = seen.thermocouples_k["gasket"]
        if gasket_k is None:
            assert decision.warnings
        elif not 0.0 < gasket_k < 512.5:
            assert decision.watch.trip is not None


def test_a_guard_that_was_kept_from_looking_itself_blames_nobody_until_it_has_looked_again():
    last = after(1.0)
    frozen = replace(last, wall_s=last.wall_s + 20.0)  # the computer slept, and the engine has not had its turn yet
    assert not go_on([last, frozen]).actions
    hung = [replace(frozen, wall_s=frozen.wall_s + tenth / 10) for tenth in range(30)]
    assert go_on([last, frozen, *hung]).watch.trip.cause is TripCause.ENGINE


@given(MOMENTS)
def test_it_trips_within_five_seconds_of_the_last_sign_of_life(moments):
    last_beat, heard_s = None, 0.0
    for seen, decision in play(moments):
        if seen.beat != last_beat:
            last_beat, heard_s = seen.beat, seen.wall_s
        if not seen.farewell and seen.wall_s - heard_s > 5.0:
            assert decision.watch.trip is not None


@given(MOMENTS)
def test_only_a_person_lets_it_go_on_and_not_while_the_cause_is_there(moments):
    for seen, decision in play(moments):
        if decision.watch.trip is not None:
            well = replace(
                seen, thermocouples_k=ROOM, acknowledged=True, beat=seen.beat + 1, engine_gone=False, effort_percent=0.0
            )
            open_still = replace(well, thermocouples_k={**ROOM, "gasket": -9725.85})
            assert step(decision.watch, replace(well, setpoint_bar=0.0), LIMITS).watch.trip is None
            assert step(decision.watch, open_still, LIMITS).watch.trip.cause is TripCause.OPEN


def test_a_controlled_load_without_value_is_told_at_once_and_trips_after_a_while():
    controlled = after(0.0, controls=True)
    gone = {"load_bar": None, "setpoint_bar": None, "controls": None}
    decision = go_on([controlled, *(after(1 + second / 2, **gone) for second in range(int(2 * BLIND_S)))])
    assert not decision.actions
    assert "does not say its load since 30 s" in decision.warnings[0]
    decision = step(decision.watch, after(BLIND_S + 1.5, **gone), LIMITS)
    assert decision.watch.trip.cause is TripCause.LOAD
    assert "does not say its load since 30 s" in decision.watch.trip.says


def test_a_load_that_nobody_controls_may_be_silent():
    shut = after(0.0, controls=False)
    gone = {"load_bar": None, "setpoint_bar": None, "controls": None}
    decision = go_on([shut, *(after(1 + second / 2, **gone) for second in range(int(4 * BLIND_S)))])
    assert decision.watch.trip is None
    assert not decision.warnings


def test_a_load_that_falls_silent_while_it_rises_counts_as_rising_on_a_stale_ruby():
    rising = {"load_bar": 20.0, "setpoint_bar": 25.0, "controls": True}
    gone = {"load_bar": None, "setpoint_bar": None, "controls": None}
    moments = [after(tenth / 10, **(rising if tenth < 20 else gone)) for tenth in range(200)]
    decision = go_on(moments)
    assert decision.watch.trip.cause is TripCause.RUBY


def test_a_spectrometer_that_counts_from_0_again_has_not_given_a_new_spectrum():
    rising = {"load_bar": 20.0, "setpoint_bar": 25.0}
    moments = [after(tenth / 10, spectrum=7 if tenth < 100 else 0, **rising) for tenth in range(200)]
    assert go_on(moments).watch.trip.cause is TripCause.RUBY


REST = {"unsafe": (), "at_work": (), "silent": ()}
WORK = {"unsafe": ("membrane control is On",), "at_work": ("membrane control is On (safe: Off)",), "silent": ()}
GONE = {"unsafe": ("membrane control does not answer",), "at_work": (), "silent": ("membrane control",)}


def test_a_farewell_ends_the_watch_of_a_beamline_at_rest_and_not_of_one_that_is_left_at_work():
    begun = [after(0.0, **REST), after(1.0, **WORK)]
    at_rest = go_on([*begun, after(2.0, **REST), after(2.1, **REST, farewell=True)])
    assert at_rest.actions == {InterlockAction.END}
    left = go_on([*begun, after(2.0, **WORK, farewell=True)])
    assert not left.actions, "a monitor may be late"
    left = go_on([after(5.5, **WORK, farewell=True)], left.watch)
    assert left.watch.trip.cause is TripCause.LEFT
    assert "membrane control is On" in left.watch.trip.says
    assert left.actions == {InterlockAction.MAKE_SAFE}


def test_what_was_at_work_and_does_not_answer_any_more_keeps_the_guard_until_it_has_been_read_back_as_safe():
    begun = go_on([after(0.0, **REST), after(1.0, **WORK), after(2.0, **GONE), after(3.0, **GONE, farewell=True)])
    lost = go_on([after(3.0 + second, **GONE, farewell=True) for second in range(1, 600)], begun.watch)
    assert lost.watch.trip.cause is TripCause.LEFT
    assert "no answer whether it is at rest: membrane control" in lost.watch.trip.says
    assert lost.actions == {InterlockAction.MAKE_SAFE}, "again and again"
    back = go_on([after(603.0, **REST, farewell=True)], lost.watch)
    assert back.actions == {InterlockAction.END}


def test_what_others_had_at_work_before_is_theirs_unless_the_engine_took_it():
    theirs = go_on([after(0.0, **WORK), after(9.0, **WORK, farewell=True), after(19.0, **WORK, farewell=True)])
    assert theirs.actions == {InterlockAction.END}
    taken = go_on([after(0.0, **WORK), after(1.0, **WORK, holds=True), after(9.0, **WORK, farewell=True)])
    assert go_on([after(19.0, **WORK, farewell=True)], taken.watch).watch.trip.cause is TripCause.LEFT


@pytest.mark.parametrize("end", [{"farewell": True}, {"engine_gone": True}])
def test_a_beamline_that_somebody_else_holds_is_not_touched_whatever_becomes_of_the_engine(end):
    held = {"foreign": "process 4711 on elsewhere", **WORK}
    hot = go_on([after(0.0, **held, thermocouples_k={**ROOM, "gasket": 700.0}), after(9.0, **held, beat=1)])
    assert not hot.actions
    assert hot.watch.trip is None
    over = go_on([after(10.0, **held, **end)], hot.watch)
    assert over.actions == {InterlockAction.END}
    assert over.watch.trip is None


def test_instruments_that_made_themselves_safe_are_a_trip_until_a_person_has_looked():
    tripped = go_on([after(0.0), after(1.0, watchdog="the watchdog of the instruments tripped at noon.")])
    assert tripped.watch.trip.cause is TripCause.WATCHDOG
    assert "at noon" in tripped.watch.trip.says
    assert go_on([after(2.0, acknowledged=True)], tripped.watch).watch.trip is None


def test_where_nothing_can_cut_the_power_over_temperature_tells_a_person_to():
    hot = replace(WELL, thermocouples_k={**ROOM, "gasket": 513.0}, contactor_closed=False)
    decision = step(InterlockState(), hot, replace(LIMITS, power_can_be_cut=False))
    assert decision.actions == {InterlockAction.MAKE_SAFE}
    assert "cut it at the panel, now" in decision.watch.trip.says
