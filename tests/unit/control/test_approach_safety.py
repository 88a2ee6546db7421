"""Safety of the approach as properties: random cells, sensors that lie or die, gas that leaks, and random commands."""

import dataclasses
import math

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from worlds.stepped_world import shipped_settings

from lics_beamline.control.approach import ApproachPhase, begin, held_at, step
from lics_beamline.control.cell_estimate import PressureReading
from lics_beamline.control.command import Abort, Hold, LoadTo, ReadAgain
from lics_beamline.control.request import Request
from lics_simulators.cell import Cell, SaturatingLoadCurve
from lics_simulators.preset import read_preset

SETTINGS = shipped_settings(envelope={"pressure_gpa": (0.0, 6.0)})
RULES, ENVELOPE = SETTINGS.approach, SETTINGS.envelope
MARGIN_GPA = 0.5  # between envelope and safety limit: larger than the largest slip
HOTTEST_K = 318.0
CELL = read_preset("volumetric").cell


class Approaching(RuleBasedStateMachine):
    """One cell, driven by the pure step through whatever the sensors say."""

    @initialize(
        gain=st.floats(0.3, 3.0),
        friction=st.floats(0.5, 2.0),
        creep=st.floats(0.05, 0.20),
        slip_gpa=st.floats(0.0, 0.4),
        target_gpa=st.floats(0.3, 6.0),
        seed=st.integers(0, 999),
    )
    def load_a_cell(self, gain, friction, creep, slip_gpa, target_gpa, seed):
        steepness = 0.22 * gain
        self.cell = Cell(
            dataclasses.replace(
                CELL,
                friction_bar=3.0 * friction,
                friction_per_bar=0.06 * friction,
                creep_fraction=creep,
                slips_per_bar=0.2 if slip_gpa > 0 else 0.0,
                slip_low_bar=0.5 * slip_gpa / steepness,
                slip_high_bar=slip_gpa / steepness,
                load_curve=SaturatingLoadCurve(
                    start_gpa=0.12, free_travel_bar=6.0, gain_gpa_per_bar=steepness, ceiling_gpa=20.0
                ),
            ),
            np.random.default_rng(seed),
        )
        self.now_s, self.load_bar, self.temperature_k = 0.0, 0.0, 298.0
        self.point_k = 298.0
        self.state = begin(target_gpa, +1, temperature_k=self.point_k)
        self.cut_short: float | None = None
        self.highest_gpa = self.last_lie_gpa = 0.0
        self.last_given: PressureReading | None = None

    def pass_time(self, seconds, *, load_bar=None, slew=SETTINGS.membrane.slew_bar_per_s):
        goal = self.load_bar if load_bar is None else load_bar
        spent = 0.0
        while spent < seconds or abs(goal - self.load_bar) > 1e-9:
            self.load_bar += min(max(goal - self.load_bar, -slew * 2.0), slew * 2.0)
            self.cell.step(2.0, self.load_bar, self.temperature_k)
            self.highest_gpa = max(self.highest_gpa, self.cell.pressure_gpa)
            spent += 2.0
        self.now_s += spent

    def true_reading(self, **changes):
        reading = PressureReading(
            time_s=self.now_s,
            load_bar=self.load_bar,
            pressure_gpa=self.cell.pressure_gpa,
            sigma_gpa=0.003,
            temperature_k=self.temperature_k,
            supply_bar=120.0,
        )
        return dataclasses.replace(reading, **changes)

    def tell(self, reading, *, age_s=4.0, request=None):
        """Hand a reading to the step, obey the command, and check what must hold of every command."""
        if age_s > 0:
            self.pass_time(age_s)
        before = self.state
        decision = step(before, reading, self.now_s, settings=SETTINGS, request=request)
        command, self.state = decision.command, decision.state
        if before.phase is ApproachPhase.ABORT:
            assert isinstance(command, Abort), "an abort is sticky"
            assert decision.state == before
        if request is Request.STOP:
            assert isinstance(command, Abort), "a stop is obeyed from every state"
        if isinstance(command, LoadTo):
            self.check_move(before, reading, command)
            self.move(command)
        elif isinstance(command, ReadAgain):
            self.pass_time(command.after_s)
        else:
            assert isinstance(command, Hold | Abort)
        self.last_given = reading

    def move(self, command):
        """Go to a load; where a person holds it on its way, the step is told so and begins anew from there."""
        if self.cut_short is None:
            self.pass_time(75.0, load_bar=command.load_bar, slew=command.slew_bar_per_s)
            return
        part_bar = self.load_bar + self.cut_short * (command.load_bar - self.load_bar)
        self.cut_short = None
        self.pass_time(75.0, load_bar=part_bar, slew=command.slew_bar_per_s)
        self.state = held_at(self.state, self.load_bar)

    def check_move(self, before, reading, command):
        assert reading is not None, "no load moves without a reading"
        assert reading.is_finite(), "nor on one that is no number"
        assert 0.0 <= self.now_s - reading.time_s <= RULES.stale_s, "nor on a stale one"
        last = before.estimate.last
        assert last is None or reading.time_s > last.time_s, "nor twice on the same one"
        assert self.state.estimate.last == reading, "nor on one that is not believed"
        assert last is not None or before.doubted is not None, "nor on the first ever without a second"
        assert not self.state.paused_by_request, "nor while a person holds"
        assert abs(reading.temperature_k - self.point_k) <= RULES.temperature_band_k, "nor out of the temperature band"
        moved = self.state.direction * (command.load_bar - reading.load_bar)
        assert 0.0 < moved <= RULES.largest_step_bar + 1e-9
        assert ENVELOPE.load_bar[0] <= command.load_bar <= ENVELOPE.load_bar[1] + 1e-9
        if command.load_bar > reading.load_bar:
            assert self.state.direction > 0, "a load rises on the upstroke only"
            assert command.load_bar <= ENVELOPE.supply_fraction * reading.supply_bar + 1e-9, "nor above the supply"
            ENVELOPE.check_load(
                command.load_bar,
                now_bar=reading.load_bar,
                pressure_gpa=reading.pressure_gpa - 1e-9,
                supply_bar=reading.supply_bar,
                steepest_gain_gpa_per_bar=RULES.steepest_gain_gpa_per_bar,
            )
        recent = [move.bar for move in self.state.moves if move.time_s > self.now_s - RULES.budget_s]
        assert sum(map(abs, recent)) <= RULES.budget_bar + 1e-9, "the budget of gas is kept"

    @rule(noise=st.floats(-3.0, 3.0))
    def read(self, noise):
        self.tell(self.true_reading(pressure_gpa=self.cell.pressure_gpa + 0.003 * noise))

    @rule(readings=st.integers(2, 8))
    def go_on_for_a_while(self, readings):
        for _ in range(readings):
            self.tell(self.true_reading())

    @rule(lie_gpa=st.floats(-3.0, 3.0))
    def read_a_lie(self, lie_gpa):
        """Lies do not agree with each other: two in a row that do are a pressure to whoever reads them."""
        if abs(lie_gpa - self.last_lie_gpa) < 0.3:
            lie_gpa = -3.0 if self.last_lie_gpa > 0 else 3.0
        self.last_lie_gpa = lie_gpa
        self.tell(self.true_reading(pressure_gpa=self.cell.pressure_gpa + lie_gpa))

    @rule()
    def read_nothing(self):
        self.tell(None)

    @rule(
        field=st.sampled_from(["pressure_gpa", "sigma_gpa", "load_bar", "temperature_k"]),
        value=st.sampled_from([math.nan, math.inf, -math.inf]),
    )
    def read_no_number(self, field, value):
        self.tell(self.true_reading(**{field: value}))

    @rule(age_s=st.floats(RULES.stale_s + 1.0, 1e4))
    def read_something_stale(self, age_s):
        self.tell(self.true_reading(time_s=self.now_s - age_s))

    @precondition(lambda self: self.last_given is not None)
    @rule()
    def read_the_same_again(self):
        self.tell(self.last_given)

    @rule(rise_k=st.floats(-20.0, 20.0))
    def change_the_temperature(self, rise_k):
        self.temperature_k = min(max(self.temperature_k + rise_k, 290.0), HOTTEST_K)
        self.pass_time(60.0)

    @rule(off_k=st.floats(RULES.temperature_band_k + 0.01, 200.0), sense=st.sampled_from([-1.0, 1.0]))
    def read_out_of_band(self, off_k, sense):
        self.tell(self.true_reading(temperature_k=self.point_k + sense * off_k))

    @rule()
    def come_back_into_the_band(self):
        self.temperature_k = self.point_k
        self.pass_time(60.0)

    @rule(fraction=st.floats(0.0, 1.0))
    def hold_the_next_step_on_its_way(self, fraction):
        self.cut_short = fraction

    @rule(readings=st.integers(0, 4), hours=st.floats(0.0, 5.0), leak_bar=st.floats(0.0, 0.2))
    def hold_for_long_and_continue(self, readings, hours, leak_bar):
        for _ in range(readings):
            self.tell(self.true_reading(), request=Request.PAUSE)
        self.pass_time(60.0)
        self.now_s += 3600.0 * hours  # nothing happens but creep, which is over by then
        self.load_bar = max(self.load_bar - leak_bar, 0.0)
        self.tell(self.true_reading(), request=Request.CONTINUE)

    @rule(leak_bar=st.floats(0.0, 3.0))
    def leak(self, leak_bar):
        self.load_bar = max(self.load_bar - leak_bar, 0.0)

    @rule(supply_bar=st.floats(0.0, 60.0))
    def read_with_little_supply(self, supply_bar):
        self.tell(self.true_reading(supply_bar=supply_bar))

    @rule(request=st.sampled_from([Request.PAUSE, Request.CONTINUE]))
    def ask(self, request):
        self.tell(self.true_reading(), request=request)

    @rule(readable=st.booleans())
    def stop(self, readable):
        self.tell(self.true_reading() if readable else None, request=Request.STOP)

    @rule(
        target_gpa=st.floats(0.3, 6.0), direction=st.sampled_from([+1, -1]), point_k=st.sampled_from([298.0, HOTTEST_K])
    )
    def begin_again(self, target_gpa, direction, point_k):
        aborted = self.state.phase is ApproachPhase.ABORT
        self.point_k = point_k
        self.state = begin(target_gpa, direction, after=self.state, temperature_k=point_k)
        assert (self.state.phase is ApproachPhase.ABORT) == aborted, "an abort outlives the approach it ended"

    @invariant()
    def a_stop_would_be_obeyed_now(self):
        if hasattr(self, "state"):
            decision = step(self.state, None, self.now_s, settings=SETTINGS, request=Request.STOP)
            assert isinstance(decision.command, Abort)
            again = step(decision.state, self.true_reading(), self.now_s, settings=SETTINGS)
            assert isinstance(again.command, Abort), "and it is sticky"

    @invariant()
    def the_pressure_stays_within_the_envelope_and_its_margin(self):
        heating_gpa = CELL.thermal_gpa_per_k * (HOTTEST_K - 298.0)  # judged by the plan of the heating leg
        assert getattr(self, "highest_gpa", 0.0) <= ENVELOPE.pressure_gpa[1] + MARGIN_GPA + heating_gpa


TestApproaching = Approaching.TestCase
TestApproaching.settings = settings(
    max_examples=150,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
