"""Approaches on random cells: the simulators' world stepped without Channel Access, and whoever drives its membrane."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from lics_beamline.control import approach
from lics_beamline.control.cell_estimate import PressureReading
from lics_beamline.control.command import LoadTo, Ramp, ReadAgain
from lics_beamline.control.heating import prior_of
from lics_beamline.control.heating_state import HeatingDecision, HeatingGoal, HeatingPhase
from lics_beamline.control.isobar import IsobarCourse
from lics_beamline.control.ramp import HeldLoadCourse
from lics_beamline.control.settings import ControlSettings
from lics_beamline.profile import read_profile
from lics_simulators.cell import Cell, SaturatingLoadCurve
from lics_simulators.equation_of_state import REFERENCE_K
from lics_simulators.preset import Preset, read_preset
from lics_simulators.world import World

DEFAULT_GAIN = 0.22  # GPa/bar of the default world
DWELL_S = 75.0  # of the membrane
RUBY_S = 6.0  # of experiment for one reading, fit included
EXPOSURE_S = 300.0  # the pressure is watched so long after it was declared reached
START_GPA = 0.12
RUBY_GPA_PER_K = 0.0205  # a ruby 1 K hotter reads so much more, near 500 K


def shipped_settings(**tables: dict[str, object]) -> ControlSettings:
    """The settings of the simulated profile, with other values in some of its tables."""
    return changed(read_profile("simulated").values, **tables)


def changed(settings: ControlSettings, **tables: dict[str, object]) -> ControlSettings:
    """Settings with other values in some of their tables: ``envelope={"pressure_gpa": (0.0, 6.0)}``."""
    return settings.model_copy(
        update={name: getattr(settings, name).model_copy(update=values) for name, values in tables.items()}
    )


@dataclass(frozen=True)
class Case:
    """One cell, its ruby, and the targets asked of it."""

    preset: Preset
    seed: int
    sigma_gpa: float
    outliers: float
    up_gpa: tuple[float, ...]
    down_gpa: tuple[float, ...]
    gain: float = math.nan


def random_case(seed: int) -> Case:
    """A cell with 0.3-3 times the gain, 0.5-2 times the friction, 5-20 % of creep, slips, a noisy ruby and targets."""
    draw = np.random.default_rng([seed, 20261122])
    gain = DEFAULT_GAIN * 3.0 ** draw.uniform(math.log(0.3) / math.log(3.0), 1.0)
    friction = 2.0 ** draw.uniform(-1.0, 1.0)
    ceiling = draw.uniform(8.0, 25.0)
    slip_gpa = draw.uniform(0.0, 0.04)
    temperature_k = 498.0 if draw.random() < 0.3 else 298.0  # hot cells creep faster, rub less and bend below 3 GPa
    if temperature_k > 298.0:  # below 2 GPa heat multiplies the gain, which may be 3 times the usual one in all
        gain = min(gain, 3.0 * DEFAULT_GAIN / 1.66)
    preset = read_preset("ceo2")  # a calibrant in the beam: the sample of an approach is the cell
    cell = dataclasses.replace(
        preset.cell,
        friction_bar=3.0 * friction,
        friction_per_bar=0.06 * friction,
        creep_fraction=draw.uniform(0.05, 0.20),
        slips_per_bar=draw.uniform(0.0, 0.5),
        slip_low_bar=0.3 * slip_gpa / gain,
        slip_high_bar=slip_gpa / gain,
        load_curve=SaturatingLoadCurve(
            start_gpa=START_GPA, free_travel_bar=6.0, gain_gpa_per_bar=gain, ceiling_gpa=ceiling
        ),
    )
    most_gpa = min(8.5, cell.load_curve.pressure_gpa((80.0 - 3.0 * friction) / (1.0 + 0.06 * friction)))
    least_gpa = cell.load_curve.pressure_gpa((3.0 * friction + 1.5) / (1.0 - 0.06 * friction)) + 0.1
    up = _targets(draw, START_GPA + 0.25, most_gpa, 4)
    down = tuple(reversed(_targets(draw, least_gpa, up[-1] - 0.2, 3))) if up[-1] - 0.3 > least_gpa else ()
    return Case(
        preset=dataclasses.replace(preset, cell=cell, ambient_k=temperature_k),
        seed=seed,
        sigma_gpa=draw.uniform(0.002, 0.006),
        outliers=0.02,
        up_gpa=up,
        down_gpa=down,
        gain=gain,
    )


def _targets(draw: np.random.Generator, low: float, high: float, count: int) -> tuple[float, ...]:
    found = sorted(draw.uniform(low, high, count))
    return tuple(round(float(b), 3) for a, b in itertools.pairwise([found[0] - 1.0, *found]) if b - a > 0.2)


class Bench:
    """A world at the hands of whoever drives it: load, wait, read. Keeps what really happened for the scoring."""

    def __init__(self, case: Case):
        self.case = case
        self.world = World(seed=case.seed, preset=case.preset)
        self.draw = np.random.default_rng([case.seed, 7])
        self.world.membrane.set_control(on=True)
        self.readings = 0
        self.highest_gpa = self.lowest_gpa = self.true_gpa()
        self.world.steppers.append(self._watch)

    def true_gpa(self) -> float:
        return self.world.cell.pressure_gpa

    def load_bar(self) -> float:
        return self.world.membrane.load_bar + float(self.draw.normal(0.0, 0.002))

    def load_to(self, load_bar: float, slew_bar_per_s: float) -> None:
        membrane = self.world.membrane
        membrane.slew_bar_per_s, membrane.setpoint_bar = slew_bar_per_s, load_bar
        while abs(membrane.load_bar - load_bar) > 0.05:
            self.world.advance(2.0)
        self.world.advance(DWELL_S)

    def wait(self, seconds: float) -> None:
        self.world.advance(seconds)

    def read(self) -> PressureReading | None:
        """One ruby reading: noisy, sometimes wild, sometimes none."""
        began_s = self.world.time_s
        self.world.advance(RUBY_S)
        self.readings += 1
        pressure = self.true_gpa() + float(self.draw.normal(0.0, self.case.sigma_gpa))
        chance = self.draw.random()
        if chance < self.case.outliers:
            pressure += float(self.draw.choice([-1.0, 1.0]) * self.draw.uniform(0.1, 2.0))
        elif chance < 1.5 * self.case.outliers:
            return None
        return PressureReading(
            time_s=began_s,
            load_bar=self.load_bar(),
            pressure_gpa=pressure,
            sigma_gpa=self.case.sigma_gpa,
            temperature_k=self.case.preset.ambient_k,
            supply_bar=120.0,
        )

    def _watch(self, now_s: float, dt_s: float) -> None:
        pressure = self.world.cell.pressure_gpa
        self.highest_gpa, self.lowest_gpa = max(self.highest_gpa, pressure), min(self.lowest_gpa, pressure)

    def score(self, drive: Callable[[float, int], str], target_gpa: float, direction: int) -> Score:
        """Let somebody go to a target, then watch the pressure for the time of an exposure."""
        self.highest_gpa = self.lowest_gpa = self.true_gpa()
        began_s, readings = self.world.time_s, self.readings
        ended = drive(target_gpa, direction)
        landed_gpa, took_s = self.true_gpa(), self.world.time_s - began_s
        self.world.advance(EXPOSURE_S)
        extreme = self.highest_gpa if direction > 0 else self.lowest_gpa
        return Score(
            seed=self.case.seed,
            target_gpa=target_gpa,
            direction=direction,
            ended=ended,
            off_gpa=landed_gpa - target_gpa,
            passed_gpa=direction * (extreme - target_gpa),
            seconds=took_s,
            readings=self.readings - readings,
        )


@dataclass(frozen=True)
class Score:
    """How one approach went."""

    seed: int
    target_gpa: float
    direction: int
    ended: str
    off_gpa: float
    passed_gpa: float
    seconds: float
    readings: int


class Stepper:
    """The state machine of the project."""

    name = "approach.step"

    def __init__(self, bench: Bench, *, settings: ControlSettings):
        self.bench, self.settings = bench, settings
        self.state: approach.ApproachState | None = None
        self.decisions: list[tuple[PressureReading | None, approach.ApproachDecision]] = []

    def __call__(self, target_gpa: float, direction: int) -> str:
        state = approach.begin(target_gpa, direction, after=self.state)
        while True:
            reading = self.bench.read()
            decision = approach.step(state, reading, self.bench.world.time_s, settings=self.settings)
            self.decisions.append((reading, decision))
            self.state = state = decision.state
            if isinstance(decision.command, LoadTo):
                self.bench.load_to(decision.command.load_bar, decision.command.slew_bar_per_s)
            elif isinstance(decision.command, ReadAgain):
                self.bench.wait(decision.command.after_s)
            else:
                return str(state.outcome) if state.outcome else state.reason


class Integral:
    """A plain PI loop on the ruby reading, tuned for the default cell: it knows neither friction nor sides."""

    name = "PI loop"

    def __init__(self, bench: Bench, **_: object):
        self.bench = bench

    def __call__(self, target_gpa: float, direction: int) -> str:
        near, sum_gpa, base_bar = 0, 0.0, self.bench.world.membrane.setpoint_bar
        for _ in range(60):
            reading = self.bench.read()
            if reading is None:
                continue
            error = target_gpa - reading.pressure_gpa
            near = near + 1 if abs(error) <= 0.03 else 0
            if near == 2:
                return "reached"
            sum_gpa += error
            load = base_bar + (0.4 * error + 0.4 * sum_gpa) / DEFAULT_GAIN
            self.bench.load_to(min(max(load, 0.0), 96.0), 1.0 / 60.0)
        return "gave up"


class Recipe:
    """What a person does by hand: 2 bar while far, 0.5 nearer, 0.1 at the end; waits, reads, never goes back."""

    name = "fixed steps by hand"

    def __init__(self, bench: Bench, **_: object):
        self.bench = bench

    def __call__(self, target_gpa: float, direction: int) -> str:
        for _ in range(150):
            reading = self.bench.read()
            if reading is None:
                continue
            left = direction * (target_gpa - reading.pressure_gpa)
            if left <= 0.03:
                return "reached"
            bar = 2.0 if left > 1.0 else 0.5 if left > 0.2 else 0.1
            load = self.bench.world.membrane.setpoint_bar + direction * bar
            self.bench.load_to(min(max(load, 0.0), 96.0), 1.0 / 60.0)
        return "gave up"


def walk(case: Case, driver: Callable[..., Callable[[float, int], str]]) -> Iterator[Score]:
    """Take a cell up and down through its targets."""
    bench = Bench(case)
    drive = driver(bench, settings=shipped_settings())
    for target in case.up_gpa:
        yield bench.score(drive, target, +1)
    for target in case.down_gpa:
        yield bench.score(drive, target, -1)


@dataclass(frozen=True)
class Figures:
    """What many approaches come to."""

    approaches: int
    within: float
    passed_005: float
    passed_010: int
    median_s: float
    p95_s: float
    median_readings: float
    p95_readings: float
    worst_passed_gpa: float


def figures(scores: list[Score]) -> Figures:
    """Return the share reached within 0.05 GPa, the share passed by more than 0.05, and how many by more than 0.10."""
    return Figures(
        approaches=len(scores),
        within=float(np.mean([abs(one.off_gpa) <= 0.05 for one in scores])),
        passed_005=float(np.mean([one.passed_gpa > 0.05 for one in scores])),
        passed_010=int(sum(one.passed_gpa > 0.10 for one in scores)),
        median_s=float(np.median([one.seconds for one in scores])),
        p95_s=float(np.percentile([one.seconds for one in scores], 95)),
        median_readings=float(np.median([one.readings for one in scores])),
        p95_readings=float(np.percentile([one.readings for one in scores], 95)),
        worst_passed_gpa=float(max(one.passed_gpa for one in scores)),
    )


class HotCell(Cell):
    """A cell whose thermal pressure depends on the pressure it makes, and bends with temperature.

    ``dP/dT = thermal (P / P0)^exponent`` at a held transmitted load, with `thermal` at `P0` and 298 K, times
    ``1 + 2 bend (T - 298) / 200`` ; below 2 GPa in proportion, as in the simulators' own cell.
    """

    def __init__(self, heated: HeatedCase, generator: np.random.Generator):
        super().__init__(dataclasses.replace(heated.case.preset.cell, thermal_gpa_per_k=0.0), generator)
        self.heated = heated
        self.thermal_gpa = 0.0
        self.last_k = REFERENCE_K

    def step(self, dt_s: float, load_bar: float, temperature_k: float) -> None:
        super().step(dt_s, load_bar, temperature_k)
        heated, full_gpa = self.heated, self.parameters.thermal_full_gpa
        pressure_gpa = max(self.pressure_gpa + self.thermal_gpa, 0.01)
        slope = heated.thermal_gpa_per_k * (pressure_gpa / heated.start_gpa) ** heated.exponent
        slope *= 1.0 + 2.0 * heated.bend * (temperature_k - REFERENCE_K) / 200.0
        self.thermal_gpa += slope * min(self.pressure_gpa / full_gpa, 1.0) * (temperature_k - self.last_k)
        self.last_k = temperature_k
        self.pressure_gpa += self.thermal_gpa


@dataclass(frozen=True)
class HeatedCase:
    """One cell to be heated: from which pressure, by which stroke it came there, and what heat does to it."""

    case: Case
    start_gpa: float
    direction: int
    thermal_gpa_per_k: float
    exponent: float
    bend: float


TUNING, HELD_OUT = 1000, 5000  # first seeds of worlds to tune on, and of worlds to be judged by


def heated_case(seed: int, *, start_gpa: float | None = None) -> HeatedCase:
    """A cell whose thermal pressure is 4-12 MPa/K and depends on pressure and friction; half of it is friction's part.

    Friction 0.5-2 times the usual, 15-35 % of it let go over 150-250 K, gain 0.5-2 times, creep 5-20 %, slips up to
    0.02 GPa, ruby noise 2-6 MPa, 1 reading in 100 wild, thermocouples off by up to 1.5 K. One in five comes from above.
    """
    draw = np.random.default_rng([seed, 20261123])
    own = draw.uniform(0.0, 1.0)
    rubbing = draw.uniform(0.0, 1.0)
    friction = 2.0 ** (2.0 * rubbing - 1.0)
    gain = DEFAULT_GAIN * 2.0 ** draw.uniform(-1.0, 1.0)
    direction = +1 if start_gpa is not None or draw.random() < 0.8 else -1
    ceiling = draw.uniform(12.0, 40.0)
    slip_gpa = draw.uniform(0.0, 0.02)
    preset = read_preset("ceo2")
    cell = dataclasses.replace(
        preset.cell,
        friction_bar=3.0 * friction,
        friction_per_bar=0.06 * friction,
        friction_relief=draw.uniform(0.15, 0.35),
        relief_over_k=draw.uniform(150.0, 250.0),
        creep_fraction=draw.uniform(0.05, 0.20),
        slips_per_bar=draw.uniform(0.0, 0.5),
        slip_low_bar=0.3 * slip_gpa / gain,
        slip_high_bar=slip_gpa / gain,
        load_curve=SaturatingLoadCurve(
            start_gpa=START_GPA, free_travel_bar=6.0, gain_gpa_per_bar=gain, ceiling_gpa=ceiling
        ),
    )
    most_gpa = min(8.5, cell.load_curve.pressure_gpa((80.0 - 3.0 * friction) / (1.0 + 0.06 * friction)))
    start = draw.uniform(3.0, max(most_gpa, 3.1)) if start_gpa is None else start_gpa
    return HeatedCase(
        case=Case(
            preset=dataclasses.replace(preset, cell=cell),
            seed=seed,
            sigma_gpa=draw.uniform(0.002, 0.006),
            outliers=0.01,
            up_gpa=(start,),
            down_gpa=(),
            gain=gain,
        ),
        start_gpa=start,
        direction=direction,
        thermal_gpa_per_k=1e-3 * (4.0 + 8.0 * 0.5 * (own + rubbing)),
        exponent=draw.uniform(-0.5, 0.5),
        bend=draw.uniform(-0.05, 0.05),
    )


class HotBench(Bench):
    """A bench whose cell can be heated, and whose ruby is corrected at the temperature that a thermocouple tells."""

    def __init__(self, heated: HeatedCase):
        super().__init__(heated.case)
        self.heated = heated
        self.world.cell = HotCell(heated, self.world.random("cell", 0))
        self.readings = 0

    def read(self) -> PressureReading | None:
        """One reading; a temperature that is 1 K wrong costs 0.0205 GPa, which the sample's lag on a ramp does too."""
        reading = super().read()
        if reading is None:
            return None
        world = self.world
        gasket_k = world.thermocouples.read_k(0, self.draw)
        ruby_k = world.preset.ambient_k + world.preset.heater.sample_gradient * (gasket_k - world.preset.ambient_k)
        return dataclasses.replace(
            reading,
            temperature_k=ruby_k,
            pressure_gpa=reading.pressure_gpa - RUBY_GPA_PER_K * (ruby_k - world.heater.sample_k),
        )

    def approach(self) -> approach.ApproachState:
        """Bring the cell to where heating begins, by the state machine of the project."""
        drive = Stepper(self, settings=shipped_settings())
        if self.heated.direction > 0:
            drive(self.heated.start_gpa, +1)
        else:
            drive(self.heated.start_gpa + 0.8, +1)
            drive(self.heated.start_gpa, -1)
        return drive.state

    def ramp_to(self, gasket_k: float, rate_k_per_min: float) -> None:
        self.world.heater.ramp_k_per_min = rate_k_per_min
        self.world.heater.set_setpoint(gasket_k)

    def hold_ramp(self) -> None:
        self.world.heater.set_setpoint(self.world.heater.seen_k)


class Heated:
    """A pure step that heats a bench: at a held load, or along an isobar."""

    def __init__(self, bench: HotBench, *, pressure_gpa: float = math.nan, rate_k_per_min: float = 5.0):
        self.bench, self.rate_k_per_min = bench, rate_k_per_min
        self.settings = shipped_settings()
        self.pressure_gpa = pressure_gpa
        self.decisions: list[tuple[PressureReading | None, HeatingDecision]] = []
        self.crossed_s = math.nan
        self.began_bar = math.nan

    def __call__(self, approached: approach.ApproachState, gasket_k: float = 498.0, soak_s: float = 300.0) -> str:
        """Heat to a temperature of the gasket, and say how it ended."""
        bench, ambient_k = self.bench, self.bench.world.preset.ambient_k
        target_k = ambient_k + bench.world.preset.heater.sample_gradient * (gasket_k - ambient_k)
        goal = HeatingGoal(
            temperature_k=target_k,
            end_k=target_k,
            ramp_k_per_min=self.rate_k_per_min,
            soak_s=soak_s,
            pressure_gpa=self.pressure_gpa,
        )
        kind = HeldLoadCourse if math.isnan(self.pressure_gpa) else IsobarCourse
        course = kind(prior=prior_of(self.settings, approached), settings=self.settings)
        state, on = course.begin(goal), False
        while True:
            reading = bench.read()
            decision = course.step(state, reading, bench.world.time_s)
            self.decisions.append((reading, decision))
            state, command = decision.state, decision.command
            if not isinstance(command, Ramp):
                bench.hold_ramp()
                return state.reason if state.phase is HeatingPhase.ABORT else str(state.phase)
            if command.on and math.isnan(self.crossed_s):
                self.crossed_s = bench.world.time_s
            if command.on and not on:
                bench.ramp_to(gasket_k, self.rate_k_per_min)
            elif on and not command.on:
                bench.hold_ramp()
            on = command.on
            if command.bleed_to_bar is not None:
                bench.world.membrane.slew_bar_per_s = command.slew_bar_per_s
                bench.world.membrane.setpoint_bar = command.bleed_to_bar
            bench.wait(command.after_s)


@dataclass(frozen=True)
class FinalErrors:
    """How far predictions of the final pressure were off, and the rise itself [GPa]."""

    rise_gpa: float
    learned_gpa: float
    sigma_gpa: float
    prior_gpa: float
    default_gpa: float
    repeated_gpa: float
    line_gpa: float


DEFAULT_GPA_PER_K = 0.008  # what somebody who read the paper takes: 8 -> 9.6 GPa over 200 K


def final_errors(heated: HeatedCase) -> FinalErrors:
    """Heat a cell at a held load; score what was predicted when the thermocouple had risen by 20 K."""
    bench = HotBench(heated)
    approached = bench.approach()
    drive = Heated(bench)
    drive.settings = changed(drive.settings, envelope={"pressure_gpa": (0.0, 30.0)})  # every leg goes to its end
    ended = drive(approached)
    if ended != "done":
        raise RuntimeError(f"seed {heated.case.seed}: {ended}")
    truth_gpa = bench.true_gpa()
    told = [(d.state.estimate, d.outlook.final) for _, d in drive.decisions if d.state.estimate and d.outlook.final]
    before, first_k = told[0][1], told[0][0].readings[0].temperature_k
    drift, learned = next(one for one in told if one[0].newest.temperature_k >= first_k + 20.0)
    end_k, newest = learned.temperature_k, drift.newest
    temperatures_k = np.array([reading.temperature_k for reading in drift.readings])
    pressures_gpa = np.array([reading.pressure_gpa for reading in drift.readings])
    at_rest_gpa = float(np.mean(pressures_gpa[temperatures_k < first_k + 0.5]))
    slope = (newest.pressure_gpa - at_rest_gpa) / (newest.temperature_k - first_k)
    return FinalErrors(
        rise_gpa=truth_gpa - at_rest_gpa,
        learned_gpa=learned.gpa - truth_gpa,
        sigma_gpa=learned.sigma_gpa,
        prior_gpa=before.gpa - truth_gpa,
        default_gpa=at_rest_gpa + DEFAULT_GPA_PER_K * (end_k - first_k) - truth_gpa,
        repeated_gpa=newest.pressure_gpa + slope * (end_k - newest.temperature_k) - truth_gpa,
        line_gpa=float(np.polyval(np.polyfit(temperatures_k, pressures_gpa, 1), end_k)) - truth_gpa,
    )


@dataclass(frozen=True)
class IsobarScore:
    """How far a pressure went from that of its isobar, while the dead band was crossed too."""

    ended: str
    furthest_gpa: float
    crossing_s: float
    load_rise_bar: float

    @property
    def held(self) -> bool:
        return self.ended == "done" and self.furthest_gpa <= 0.1


def isobar_score(
    heated: HeatedCase, driver: Callable[[HotBench], Callable[[approach.ApproachState], str]]
) -> IsobarScore:
    """Let somebody heat a cell at 5 GPa, and look at the sample itself all the way, soak included."""
    bench = HotBench(heated)
    approached = bench.approach()
    pressures, loads, began_s = [], [], bench.world.time_s
    bench.world.steppers.append(lambda now_s, dt_s: pressures.append(bench.true_gpa()))
    bench.world.steppers.append(lambda now_s, dt_s: loads.append(bench.world.membrane.load_bar))
    drive = driver(bench)
    ended = drive(approached)
    return IsobarScore(
        ended=ended,
        furthest_gpa=float(np.max(np.abs(np.array(pressures) - heated.start_gpa))),
        crossing_s=getattr(drive, "crossed_s", began_s) - began_s,
        load_rise_bar=float(np.max(np.array(loads) - np.minimum.accumulate(loads))),
    )


def bleed_on_the_error(bench: HotBench) -> Callable[[approach.ApproachState], str]:
    """Somebody who lets gas out whenever the pressure is above, and waits for nothing."""

    def drive(approached: approach.ApproachState) -> str:
        bench.ramp_to(498.0, 5.0)
        target_gpa, began_s = bench.heated.start_gpa, bench.world.time_s
        while bench.world.time_s < began_s + 2700.0:
            bench.wait(15.0)
            reading = bench.read()
            if reading is not None and 0.02 < reading.pressure_gpa - target_gpa < 1.0:
                out_bar = (reading.pressure_gpa - target_gpa) / DEFAULT_GAIN
                bench.world.membrane.setpoint_bar = max(bench.load_bar() - out_bar, 0.0)
        return "done"

    return drive
