"""The isobar on cells of the stepped world; fifty others are in ``tests/benchmarks/test_heating.py``."""

import dataclasses
import math

import pytest
from worlds.stepped_world import TUNING, Heated, HotBench, changed, heated_case, isobar_score

from lics_beamline.control.command import Abort, AbortCause, Ramp
from lics_beamline.control.heating import prior_of
from lics_beamline.control.heating_state import HeatingGoal, HeatingPhase
from lics_beamline.control.isobar import IsobarCourse
from lics_beamline.control.request import Request

CELLS = 6


def along_5_gpa(bench):
    return Heated(bench, pressure_gpa=5.0)


def course_of(drive):
    return IsobarCourse(prior=prior_of(drive.settings, None), settings=drive.settings)


@pytest.fixture(scope="module")
def heated():
    """One cell heated along 5 GPa: every reading and what was decided."""
    bench = HotBench(heated_case(TUNING + 3, start_gpa=5.0))
    drive = along_5_gpa(bench)
    drive(bench.approach())
    return drive.decisions


def test_5_gpa_is_held_within_0_1_gpa_from_298_to_498_k_and_the_load_never_rises():
    for seed in range(CELLS):
        score = isobar_score(heated_case(TUNING + seed, start_gpa=5.0), along_5_gpa)
        assert score.ended == "done"
        assert score.furthest_gpa < 0.1
        assert score.load_rise_bar < 0.05  # what the controller of the gas swings by


def test_the_dead_band_is_crossed_before_the_ramp_begins(heated):
    phases = [decision.state.phase for _, decision in heated]
    began = next(n for n, (_, d) in enumerate(heated) if isinstance(d.command, Ramp) and d.command.on)
    assert set(phases[:began]) <= {HeatingPhase.READY, HeatingPhase.CROSS}
    assert HeatingPhase.CROSS not in phases[began:]
    first, last = heated[0][0].load_bar, heated[began][0].load_bar
    assert first - last == pytest.approx(2 * (5.285 + 0.106 * 34.0), rel=0.15), "2r of this cell, whose u is 34 bar"


def test_no_load_above_that_of_the_reading_is_ever_commanded(heated):
    for reading, decision in heated:
        if isinstance(decision.command, Ramp) and decision.command.bleed_to_bar is not None:
            assert decision.command.bleed_to_bar <= reading.load_bar + 1e-9


def test_slope_and_gain_of_the_cell_are_learned(heated):
    last = heated[-1][1].outlook
    first = next(d.outlook for _, d in heated if d.outlook.slope)
    assert last.slope.sigma_gpa_per_k < 0.4 * first.slope.sigma_gpa_per_k
    assert last.gain.error < first.gain.error


def test_the_ramp_yields_where_the_gas_cannot_follow():
    bench = HotBench(dataclasses.replace(heated_case(TUNING + 4, start_gpa=5.0), thermal_gpa_per_k=0.012))
    drive = along_5_gpa(bench)
    drive.settings = changed(drive.settings, membrane={"slew_bar_per_s": 0.0025})  # 0.15 bar/min, some 0.3 are needed
    approached = bench.approach()
    highest = []
    bench.world.steppers.append(lambda now_s, dt_s: highest.append(bench.true_gpa()))
    assert drive(approached) == "done"
    assert any(decision.state.phase is HeatingPhase.HELD for _, decision in drive.decisions)
    assert max(highest) < 5.1


def test_a_cell_without_gas_to_let_out_ends_the_leg_and_says_so():
    case = heated_case(TUNING + 1, start_gpa=5.0)
    cell = dataclasses.replace(case.case.preset.cell, friction_bar=16.0, friction_per_bar=0.0)
    low = dataclasses.replace(
        case,
        start_gpa=1.0,
        case=dataclasses.replace(case.case, preset=dataclasses.replace(case.case.preset, cell=cell)),
    )
    bench = HotBench(low)
    drive = Heated(bench, pressure_gpa=1.0)
    ended = drive(bench.approach())
    assert "lowest that may be" in ended
    assert drive.decisions[-1][1].command.cause is AbortCause.UNREACHABLE
    assert not any(isinstance(d.command, Ramp) and d.command.on for _, d in drive.decisions)


def test_a_pressure_that_heat_does_not_bring_back_is_lost_and_no_gas_is_let_in():
    """Friction lets go faster than heat presses: the pressure falls at a load that may not rise."""
    case = heated_case(TUNING + 3, start_gpa=5.0)
    case = dataclasses.replace(case, thermal_gpa_per_k=0.0005)
    bench = HotBench(case)
    drive = along_5_gpa(bench)
    loads = []
    approached = bench.approach()
    bench.world.steppers.append(lambda now_s, dt_s: loads.append(bench.world.membrane.load_bar))
    ended = drive(approached)
    assert "heat does not bring it back" in ended
    assert max(loads) <= loads[0] + 0.05


def test_a_dead_ruby_holds_ramp_and_gas_and_then_ends_the_leg(heated):
    began = next(n for n, (_, d) in enumerate(heated) if d.state.phase is HeatingPhase.RAMP)
    _, on_the_way = heated[began + 5]
    state, now_s = on_the_way.state, on_the_way.state.estimate.newest.time_s
    bench = HotBench(heated_case(TUNING + 3, start_gpa=5.0))
    drive = along_5_gpa(bench)
    course = course_of(drive)
    for _ in range(drive.settings.approach.most_doubts):
        decision = course.step(state, None, now_s + 20.0)
        assert not decision.command.on
        assert decision.command.bleed_to_bar is None
        state = decision.state
    assert isinstance(course.step(state, None, now_s + 20.0).command, Abort)


def test_a_stop_is_obeyed_from_every_state_and_sticks(heated):
    bench = HotBench(heated_case(TUNING + 3, start_gpa=5.0))
    drive = along_5_gpa(bench)
    course = course_of(drive)
    goal = HeatingGoal(temperature_k=495.0, end_k=495.0, ramp_k_per_min=5.0, soak_s=0.0, pressure_gpa=5.0)
    for state in (course.begin(goal), *(decision.state for _, decision in heated[::40])):
        stopped = course.step(state, None, 0.0, request=Request.STOP)
        assert stopped.command.cause is AbortCause.STOPPED
        assert course.begin(goal, after=stopped.state).phase is HeatingPhase.ABORT


def test_an_outlook_says_what_the_load_of_now_would_come_to(heated):
    told = [decision.outlook.final for _, decision in heated if decision.outlook.final]
    assert told[0].gpa > 5.5, "at the load of now heat would press"
    assert told[-1].gpa == pytest.approx(5.0, abs=0.1)
    assert not math.isnan(told[-1].sigma_gpa)


@pytest.mark.parametrize(("off_bar", "said"), [(+0.5, "has risen"), (-1.5, "it leaks")])
def test_gas_that_goes_its_own_way_holds_the_ramp(heated, off_bar, said):
    began = next(n for n, (_, d) in enumerate(heated) if d.state.phase is HeatingPhase.RAMP)
    state, newest = heated[began + 20][1].state, heated[began + 20][1].state.estimate.newest
    drive = along_5_gpa(HotBench(heated_case(TUNING + 3, start_gpa=5.0)))
    reading = dataclasses.replace(newest, time_s=newest.time_s + 20.0, load_bar=newest.load_bar + off_bar)
    decision = course_of(drive).step(state, reading, reading.time_s + 2.0)
    assert not decision.command.on
    assert said in decision.state.reason


def test_the_next_leg_begins_at_the_edge_of_unloading_with_the_gain_that_the_isobar_has_learned(heated):
    state = heated[-1][1].state
    course = course_of(along_5_gpa(HotBench(heated_case(TUNING + 3, start_gpa=5.0))))
    creeping = dataclasses.replace(course, prior=dataclasses.replace(course.prior, edge=+1, coming_gpa=0.02))
    after = creeping.prior_after(state)
    assert (after.edge, after.gain, after.coming_gpa) == (-1, state.estimate.gain, 0.0)
    untouched = creeping.prior_after(course.begin(state.goal))
    assert (untouched.edge, untouched.gain, untouched.coming_gpa) == (+1, course.prior.gain, 0.0)
