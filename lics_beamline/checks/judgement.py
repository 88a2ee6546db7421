"""Judging an experiment before the first move: rules with number, limit and remedy, and the forecast they rest on.

The rules are beside this file, one file a subject. What they judge is a value, so that each can be tried without
hardware; the rules that need the beamline judge what was read from it (``live.py``).
"""

from __future__ import annotations

import math
from typing import Final

from lics_beamline.checks import (
    exposure,
    geometry,
    heating,
    hunt,
    isobar,
    live,
    load,
    path,
    pressure,
    record,
    time,
)
from lics_beamline.checks.case import Case
from lics_beamline.checks.finding import Finding, Rule, findings
from lics_beamline.checks.inspection import inspect
from lics_beamline.checks.place import Place
from lics_beamline.control.cell_model import CellModel
from lics_beamline.control.forecast import Pace, Track, forecast
from lics_beamline.control.plate_cycle import PlateCycle
from lics_beamline.devices.beamline import Beamline, Report
from lics_beamline.experiment import Experiment
from lics_beamline.plans.sweep import Manner
from lics_beamline.profile import Profile

GROUPS: Final[tuple[tuple[str, tuple[Rule[Case], ...]], ...]] = (
    ("path", path.RULES),
    ("load", load.RULES),
    ("heating", heating.RULES),
    ("isobar", isobar.RULES),
    ("hunt", hunt.RULES),
    ("pressure", pressure.RULES),
    ("exposure", exposure.RULES),
    ("geometry", geometry.RULES),
    ("time", time.RULES),
    ("record", record.RULES),
)


def pace_of(profile: Profile) -> Pace:
    """Return how fast things go with a profile."""
    values = profile.values
    return Pace(
        slew_bar_per_s=values.membrane.slew_bar_per_s,
        wait_s=values.approach.wait_s + values.membrane.dwell_s,
        ruby_s=values.ruby.acquire_time_s * values.ruby.accumulations,
        ramp_dwell_s=values.heater.dwell_s,
        plates=PlateCycle(
            read_s=values.plate.read_s,
            erase_s=values.plate.erase_s,
            swap_s=values.plate.swap_s,
            overlapped=values.plate.overlapped,
        ),
        ambient_k=values.heater.ambient_k,
        tolerance_gpa=values.approach.tolerance_gpa,
        step_fraction=values.approach.step_fraction,
        largest_step_bar=values.approach.largest_step_bar,
    )


def cell_model_of(profile: Profile) -> CellModel:
    """Return what a profile expects of its cell."""
    prior = profile.values.cell_model
    return CellModel(
        start_gpa=prior.start_gpa,
        free_travel_bar=prior.free_travel_bar,
        gain_gpa_per_bar=prior.gain_gpa_per_bar,
        ceiling_gpa=prior.ceiling_gpa,
        friction_bar=prior.friction_bar,
        friction_per_bar=prior.friction_per_bar,
        friction_relief_per_k=prior.friction_relief_per_k,
        thermal_gpa_per_k=prior.thermal_gpa_per_k,
        thermal_full_gpa=prior.thermal_full_gpa,
        gain_doubt=prior.gain_doubt,
        friction_doubt=prior.friction_doubt,
        thermal_doubt=prior.thermal_doubt,
    )


def predicted(experiment: Experiment, profile: Profile) -> Track:
    """Return load, pressure and temperature that are expected along the path."""
    return forecast(
        experiment.points(),
        model=cell_model_of(profile),
        pace=pace_of(profile),
        exposure=experiment.exposure,
    )


def expected_s(experiment: Experiment, manner: Manner, profile: Profile) -> tuple[float, ...]:
    """Return the expected duration of each point [s of experiment]."""
    return tuple(arrival.duration_s for arrival in predicted(experiment, profile).arrivals)


def case_of(
    experiment: Experiment,
    manner: Manner,
    profile: Profile,
    *,
    place: Place | None = None,
    beam_time_h: float = math.inf,
    speed: float | None = None,
) -> Case:
    """Put together what the rules judge.

    Parameters
    ----------
    experiment : Experiment
        What is to be done.
    manner : Manner
        How sweeps are walked at the beamline.
    profile : Profile
        The beamline as data.
    place : Place, optional
        Where it is to be recorded.
    beam_time_h : float
        Hours there are.
    speed : float, optional
        Seconds of experiment in a second of wall clock; default the profile's.
    """
    simulators = profile.values.simulators
    return Case(
        experiment=experiment,
        manner=manner,
        profile=profile,
        track=predicted(experiment, profile),
        place=place,
        beam_time_h=beam_time_h,
        speed=speed or (simulators.speed if simulators else 1.0),
    )


def judge(case: Case) -> tuple[Finding, ...]:
    """Apply every rule that needs no hardware, in the order of the groups."""
    return tuple(finding for group, rules in GROUPS for finding in findings(group, rules, case))


def judge_live(beamline: Beamline, report: Report, case: Case, *, spectrum: bool = True) -> tuple[Finding, ...]:
    """Apply the rules that need the beamline; where PVs are dead, only those about the connection.

    Parameters
    ----------
    beamline : Beamline
        The devices.
    report : Report
        What connecting found.
    case : Case
        The experiment.
    spectrum : bool
        Whether to take a ruby spectrum.
    """
    connection = findings("connection", live.CONNECTION, report)
    if report.dead:
        return connection
    return connection + findings("beamline", live.RULES, inspect(beamline, case, spectrum=spectrum))


def examine(experiment: Experiment, manner: Manner, profile: Profile) -> tuple[Finding, ...]:
    """Judge an experiment by itself: no data folder, no beam time, no hardware."""
    return judge(case_of(experiment, manner, profile))


def refusals(judged: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return the findings that forbid the start."""
    return tuple(finding for finding in judged if finding.verdict == "refused")


def warnings(judged: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return the findings that a person should look at."""
    return tuple(finding for finding in judged if finding.verdict == "warning")
