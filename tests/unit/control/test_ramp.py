"""The ramp at a held load: when it goes on, when it is held, and when the leg ends."""

import dataclasses
import math

import pytest
from worlds.stepped_world import changed, shipped_settings

from lics_beamline.control.cell_estimate import PressureReading
from lics_beamline.control.command import Abort, AbortCause, Hold, Ramp
from lics_beamline.control.gain import Gain
from lics_beamline.control.heating import Prior
from lics_beamline.control.heating_state import HeatingGoal, HeatingPhase
from lics_beamline.control.ramp import HeldLoadCourse
from lics_beamline.control.request import Request

SETTINGS = shipped_settings()
PRIOR = Prior(
    cell=SETTINGS.cell_model,
    heating=SETTINGS.heating,
    approach=SETTINGS.approach,
    gain=Gain(gpa_per_bar=0.16, error=0.05),
    edge=+1,
)
GOAL = HeatingGoal(temperature_k=498.0, end_k=498.0, ramp_k_per_min=5.0, soak_s=60.0)


class Oven:
    """A cell by hand: `pressure_gpa` of the temperature, read every 20 s while the ramp is on or held."""

    def __init__(self, pressure_gpa, *, settings=SETTINGS, goal=GOAL):
        self.pressure_gpa, self.course = pressure_gpa, HeldLoadCourse(prior=PRIOR, settings=settings)
        self.state = self.course.begin(goal)
        self.time_s, self.temperature_k, self.load_bar = 0.0, 298.0, 53.0
        self.decisions = []

    def read(self, **changed):
        reading = PressureReading(
            time_s=self.time_s,
            load_bar=self.load_bar,
            pressure_gpa=self.pressure_gpa(self.temperature_k),
            sigma_gpa=0.004,
            temperature_k=self.temperature_k,
        )
        return dataclasses.replace(reading, **changed)

    def step(self, reading, *, request=None):
        decision = self.course.step(self.state, reading, self.time_s + 2.0, request=request)
        self.state = decision.state
        self.decisions.append(decision)
        self.time_s += 20.0
        if isinstance(decision.command, Ramp) and decision.command.on:
            self.temperature_k = min(self.temperature_k + 5.0 / 3.0, GOAL.temperature_k)
        return decision

    def run(self, until=lambda oven: False):
        while not until(self):
            decision = self.step(self.read())
            if not isinstance(decision.command, Ramp):
                return decision
        return self.decisions[-1]


def rising(gpa_per_k, start_gpa=5.0):
    return lambda temperature_k: start_gpa + gpa_per_k * (temperature_k - 298.0)


def warm(oven, to_k=330.0):
    oven.run(until=lambda one: one.temperature_k >= to_k)
    return oven


def test_the_ramp_begins_when_readings_at_rest_agree_and_ends_after_the_soak():
    oven = Oven(rising(0.008))
    ended = oven.run()
    on = [decision.command.on for decision in oven.decisions[:-1]]
    assert on.index(True) == SETTINGS.heating.first_readings - 1
    assert isinstance(ended.command, Hold)
    assert ended.state.phase is HeatingPhase.DONE
    assert oven.temperature_k > 496.0
    assert all(d.command.bleed_to_bar is None for d in oven.decisions[:-1]), "a held load is not commanded"


def test_a_leg_predicted_to_leave_the_envelope_never_begins_and_says_pressure_limit_and_temperature():
    low = changed(SETTINGS, envelope={"pressure_gpa": (0.0, 6.0)})
    oven = Oven(rising(0.008), settings=low)
    ended = oven.run()
    assert isinstance(ended.command, Abort)
    assert ended.command.cause is AbortCause.UNREACHABLE
    assert not any(isinstance(d.command, Ramp) and d.command.on for d in oven.decisions)
    for part in ("GPa at 498 K", "limit is 6.00 GPa", "held at 298 K"):
        assert part in ended.command.reason


def test_a_ramp_that_makes_more_pressure_than_was_predicted_is_held_before_the_limit_is_met():
    low = changed(SETTINGS, envelope={"pressure_gpa": (0.0, 8.0)})
    oven = Oven(rising(0.02), settings=low)  # 9 GPa at the end, where the prior says 6.6
    ended = oven.run()
    assert ended.command.cause is AbortCause.UNREACHABLE
    assert any(isinstance(d.command, Ramp) and d.command.on for d in oven.decisions)
    assert oven.pressure_gpa(oven.temperature_k) < 7.0, "the limit is 8 GPa"
    assert ended.outlook.final.gpa > 8.0


def test_one_wild_reading_holds_the_ramp_and_is_forgotten():
    oven = warm(Oven(rising(0.008)))
    held = oven.step(oven.read(pressure_gpa=6.3))
    assert isinstance(held.command, Ramp)
    assert not held.command.on
    assert held.state.phase is HeatingPhase.HELD
    assert "surprises" in held.state.reason
    again = oven.step(oven.read())
    assert again.command.on
    assert not again.state.estimate.jumps
    assert 6.3 not in {reading.pressure_gpa for reading in again.state.estimate.readings}


def test_a_jump_that_is_confirmed_is_believed_and_the_prediction_is_said_anew():
    oven = warm(Oven(rising(0.008)))
    shown = oven.state.shown
    oven.pressure_gpa = rising(0.008, start_gpa=5.3)
    assert not oven.step(oven.read()).command.on
    after = oven.step(oven.read())
    assert after.command.on
    assert len(after.state.estimate.jumps) == 1
    assert after.state.shown is not shown
    assert after.outlook.final.gpa == pytest.approx(5.3 + 1.6, abs=0.15)


def test_the_prediction_is_said_again_after_its_first_20_k():
    oven = Oven(rising(0.008))
    oven.run(until=lambda one: one.state.estimate is not None)
    first = oven.state.shown
    warm(oven, 315.0)
    assert oven.state.shown is first
    warm(oven, 322.0)
    assert oven.state.shown is not first
    assert oven.state.shown.at(498.0).sigma_gpa < 0.3 * first.at(498.0).sigma_gpa


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"time_s": -400.0}, "s old"),
        ({"pressure_gpa": math.nan}, "not finite"),
        ({"load_bar": 52.0}, "leaks"),
    ],
)
def test_no_ramp_goes_on_over_a_reading_that_cannot_be_believed_and_not_for_ever_without(changed, said):
    oven = warm(Oven(rising(0.008)))
    for _ in range(SETTINGS.approach.most_doubts):
        held = oven.step(oven.read(**changed))
        assert not held.command.on
        assert said in held.state.reason
    ended = oven.step(None)
    assert isinstance(ended.command, Abort)
    assert ended.command.cause is AbortCause.UNREADABLE
    assert isinstance(oven.step(oven.read()).command, Abort), "an abort stays one"


def test_a_pause_holds_the_ramp_until_continued_and_a_stop_is_obeyed_from_every_state():
    oven = warm(Oven(rising(0.008)))
    assert not oven.step(oven.read(), request=Request.PAUSE).command.on
    assert not oven.step(oven.read()).command.on
    assert oven.step(oven.read(), request=Request.CONTINUE).command.on
    stopped = oven.step(oven.read(), request=Request.STOP)
    assert stopped.command.cause is AbortCause.STOPPED
    assert oven.course.begin(GOAL, after=stopped.state).phase is HeatingPhase.ABORT
    for fresh in (Oven(rising(0.008)), warm(Oven(rising(0.008)), 497.0)):
        assert fresh.step(None, request=Request.STOP).command.cause is AbortCause.STOPPED


def test_what_a_ramp_taught_is_believed_on_the_next_of_its_leg():
    oven = warm(Oven(rising(0.012)), 348.0)
    again = oven.course.begin(dataclasses.replace(GOAL, temperature_k=498.0), after=oven.state)
    assert again.estimate.at(498.0).gpa == pytest.approx(5.0 + 2.4, abs=0.1)


def test_a_thermocouple_that_never_reads_the_target_does_not_keep_the_leg_from_ending():
    oven = Oven(rising(0.008), goal=dataclasses.replace(GOAL, temperature_k=499.9, end_k=499.9))
    assert oven.run().state.phase is HeatingPhase.DONE
