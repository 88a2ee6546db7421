"""Hunts on random cells with grains of random thresholds: the simulators' world stepped without Channel Access."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np

from lics_beamline.control.ladder import End, Go, HuntDecision, HuntGoal, Stay, begin, step
from lics_beamline.physics.transition import SeenShare, TransitionEstimate
from lics_beamline.plans.hunt import DETECTABLE_SHARE
from lics_simulators.preset import read_preset
from worlds.stepped_world import Bench, Case, Stepper, random_case, shipped_settings

EXPOSURE_S = 120.0
NOISE = 0.02  # of a share, or of an amount relative to its largest: grains and texture
TEXTURE = (
    0.25  # relative: rings of one phase too strong against another's, the same in all plates: a third on real ones
)
PARENT_NOISE = 0.07  # relative, of the amount of the parent: few grains, few lines
REFERENCE_K = 298.0
HOT_K = 498.0


@dataclass(frozen=True)
class HuntCase:
    """A cell, its sample, and what is hunted in it."""

    case: Case
    decays: bool
    median_gpa: float
    detection: float


def hunt_case(seed: int, *, decays: bool) -> HuntCase:
    """A random cell of usual gain, with grains whose median, spread and time constant nobody knows beforehand.

    Onset at 298 K: median 2.75-3.15 GPa, spread 0.08-0.18, time constant 300-600 s. Dissociation at 498 K: median
    1.65-2.05 GPa, spread 0.03-0.07, time constant 60-120 s. Detection limit 0.5-6 %.
    """
    draw = np.random.default_rng([seed, 20261124, int(decays)])
    usual, sample = random_case(seed), read_preset("volumetric").contents
    kinetics = sample.kinetics
    if decays:
        tau_s = draw.uniform(60.0, 120.0) / math.exp(kinetics.activation_k * (1.0 / HOT_K - 1.0 / REFERENCE_K))
        median_gpa = draw.uniform(1.65, 2.05)
        kinetics = dataclasses.replace(
            kinetics,
            decay_gpa=median_gpa,
            decay_sd_gpa=draw.uniform(0.03, 0.07),
            decay_s=tau_s,
        )
    else:
        median_gpa = draw.uniform(2.75, 3.15)
        kinetics = dataclasses.replace(
            kinetics,
            formation_gpa=median_gpa,
            formation_sd_gpa=draw.uniform(0.08, 0.18),
            formation_s=draw.uniform(300.0, 600.0),
        )
    curve = dataclasses.replace(usual.preset.cell.load_curve, gain_gpa_per_bar=draw.uniform(0.12, 0.4))
    preset = dataclasses.replace(
        read_preset("volumetric"),
        cell=dataclasses.replace(usual.preset.cell, load_curve=curve),
        contents=dataclasses.replace(sample, kinetics=kinetics),
        ambient_k=HOT_K if decays else REFERENCE_K,
    )
    return HuntCase(
        case=dataclasses.replace(usual, preset=preset),
        decays=decays,
        median_gpa=median_gpa,
        detection=draw.uniform(0.005, 0.06),
    )


class HuntBench(Bench):
    """A bench with a sample in the beam and plates that tell its share, or its amount."""

    def __init__(self, hunted: HuntCase):
        super().__init__(hunted.case)
        self.hunted = hunted
        self.texture = math.exp(float(self.draw.normal(0.0, TEXTURE)))
        self.approaching = Stepper(self, settings=shipped_settings())

    def approach(self, target_gpa: float, direction: int) -> str:
        return self.approaching(target_gpa, direction)

    def plate(self, since_s: float) -> SeenShare:
        """Ruby, then an exposure: the mean share meanwhile, noisy; nothing below the limit of detection."""
        reading = None
        while reading is None or abs(reading.pressure_gpa - self.true_gpa()) > 0.05:  # a wild one is seen as such
            reading = self.read()
        began_s = self.world.time_s
        before = self.world.contents.grains.alloy_fraction
        self.world.advance(EXPOSURE_S)
        share = 0.5 * (before + self.world.contents.grains.alloy_fraction)
        parent = (1.0 - share) * (1.0 + float(self.draw.normal(0.0, PARENT_NOISE)))
        if not self.hunted.decays:  # areas of two phases are compared: noise of each plate, and a texture common to all
            odds = self.texture * share / max(1.0 - share, 1e-9)
            share = odds / (1.0 + odds)
        measured = share + float(self.draw.normal(0.0, NOISE))
        if min(share, measured) < self.hunted.detection:
            measured = 0.0
        dose = 1.7e5 if self.hunted.decays else 1.0  # an amount has no unit that anybody knows
        return SeenShare(
            time_s=began_s + 0.5 * EXPOSURE_S,
            since_s=since_s,
            pressure_gpa=reading.pressure_gpa,
            sigma_gpa=reading.sigma_gpa,
            value=dose * min(measured, math.inf if self.hunted.decays else 1.0),
            value_sigma=dose * NOISE,
            limit=DETECTABLE_SHARE if measured == 0.0 else 0.0,
            parent=math.nan if self.hunted.decays or parent < DETECTABLE_SHARE else 4.0e-3 * parent,
            parent_sigma=4.0e-3 * PARENT_NOISE * max(parent, DETECTABLE_SHARE),
        )


@dataclass(frozen=True)
class HuntScore:
    """How a hunt went."""

    seed: int
    ended: End
    knows: TransitionEstimate | None
    off_gpa: float
    points: int
    hours: float
    furthest_gpa: float


def goal_of(decays: bool, *, within_gpa: float = 0.05) -> HuntGoal:
    """What is hunted, as an experiment would say it; the time constant is a guess."""
    return HuntGoal(
        decays=decays,
        direction=-1 if decays else +1,
        start_gpa=2.4,
        last_gpa=1.2 if decays else 3.7,
        within_gpa=within_gpa,
        least_step_gpa=0.04,
        tau_s=200.0 if decays else 400.0,
        most_points=60,
    )


def hunt(hunted: HuntCase) -> HuntScore:
    """Hunt by the ladder."""
    bench = HuntBench(hunted)
    if hunted.decays:
        bench.approach(4.0, +1)
        bench.wait(1200.0)
    envelope, goal = shipped_settings().envelope, goal_of(hunted.decays)
    bench.highest_gpa = bench.lowest_gpa = bench.true_gpa()
    began_s, since_s = bench.world.time_s, math.nan
    decision: HuntDecision = begin(goal, envelope=envelope)
    while not isinstance(decision.command, End):
        command = decision.command
        if isinstance(command, Go):
            setting_out_s = bench.world.time_s
            bench.approach(command.pressure_gpa, goal.direction)
            since_s = 0.5 * (setting_out_s + bench.world.time_s)
            bench.wait(command.dwell_s)
        elif isinstance(command, Stay):
            bench.wait(command.wait_s)
        decision = step(decision.state, bench.plate(since_s), envelope=envelope)
    knows = decision.state.knows
    return HuntScore(
        seed=hunted.case.seed,
        ended=decision.command,
        knows=knows,
        off_gpa=knows.median_gpa - hunted.median_gpa if knows else math.nan,
        points=decision.state.points,
        hours=(bench.world.time_s - began_s) / 3600.0,
        furthest_gpa=bench.lowest_gpa if hunted.decays else bench.highest_gpa,
    )


def plain_off_gpa(hunted: HuntCase, *, step_gpa: float, dwell_s: float) -> tuple[float, int]:
    """Walk a plain leg of equal steps, a plate each; return the error of the half-way pressure, and how many plates."""
    bench = HuntBench(hunted)
    if hunted.decays:
        bench.approach(4.0, +1)
        bench.wait(1200.0)
    goal = goal_of(hunted.decays)
    pressures, left = [], []
    target_gpa = goal.start_gpa
    while not left or (left[-1] > 0.5 and goal.direction * (goal.last_gpa - target_gpa) >= 0.0):
        bench.approach(target_gpa, goal.direction)
        bench.wait(dwell_s)
        seen = bench.plate(bench.world.time_s)
        pressures.append(seen.pressure_gpa)
        left.append(seen.value / 1.7e5 if hunted.decays else 1.0 - seen.value)
        target_gpa = target_gpa + goal.direction * step_gpa
    if len(left) < 2 or left[-1] > 0.5:
        return math.nan, len(left)
    part = (left[-2] - 0.5) / (left[-2] - left[-1])
    return pressures[-2] + part * (pressures[-1] - pressures[-2]) - hunted.median_gpa, len(left)
