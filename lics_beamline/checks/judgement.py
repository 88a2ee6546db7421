"""Judging an experiment before the first move: rules with number, limit and remedy, and the forecast they rest on.

The rules are beside this file, one file a subject. What they judge is a value, so that each can be tried without
hardware; the rules that need the beamline judge what was read from it (``live.py``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from lics_beamline.checks import (
    connection,
    exposure,
    geometry,
    heating,
    hunt,
    instruments,
    isobar,
    live,
    load,
    path,
    pressure,
    record,
    time,
)
from lics_beamline.checks.case import Case
from lics_beamline.checks.finding import CheckFinding, Rule, findings
from lics_beamline.checks.inspection import inspect
from lics_beamline.checks.place import Place
from lics_beamline.control.cell_estimate import PressureReading
from lics_beamline.control.forecast import Track, forecast
from lics_beamline.control.path import Point
from lics_beamline.devices.beamline import Beamline, Report
from lics_beamline.experiment import Experiment
from lics_beamline.profile import Profile
from lics_beamline.reduction.recipe import Recipe

GROUPS: Final[tuple[tuple[str, tuple[Rule[Case], ...]], ...]] = (
    ("path", path.RULES),
    ("load", load.RULES),
    ("heating", heating.RULES),
    ("isobar", isobar.RULES),
    ("hunt", hunt.RULES),
    ("pressure", pressure.RULES),
    ("exposure", exposure.RULES),
    ("instruments", instruments.RULES),
    ("geometry", geometry.RULES),
    ("time", time.RULES),
    ("record", record.RULES),
)


def predicted(
    experiment: Experiment,
    profile: Profile,
    *,
    begins: PressureReading | None = None,
    ahead: Sequence[Sequence[Point]] = (),
) -> Track:
    """Return load, pressure and temperature expected along the path, from the cell as loaded or as it `begins`."""
    points, exposure = experiment.points(), experiment.exposure
    return forecast(points, settings=profile.values, exposure=exposure, begins=begins, ahead=ahead)


def expected_s(experiment: Experiment, profile: Profile) -> tuple[float, ...]:
    """Return the expected duration of each point [s of experiment]."""
    return tuple(arrival.duration_s for arrival in predicted(experiment, profile).arrivals)


def case_of(
    experiment: Experiment,
    profile: Profile,
    recipe: Recipe,
    *,
    place: Place | None = None,
    beam_time_h: float = math.inf,
    speed: float | None = None,
    begins: PressureReading | None = None,
    ahead: Sequence[Sequence[Point]] = (),
) -> Case:
    """Put together what the rules judge.

    Parameters
    ----------
    experiment : Experiment
        What is to be done.
    profile : Profile
        The beamline as data: how sweeps are walked there.
    recipe : Recipe
        How its runs are reduced.
    place : Place, optional
        Where it is to be recorded.
    beam_time_h : float
        Beam time there is [h].
    speed : float, optional
        Seconds of experiment in a second of wall clock; default the profile's.
    begins : PressureReading, optional
        The cell as it was found; default as loaded, with no gas.
    ahead : sequence of sequences of Point
        Paths that are walked before this one (`control.forecast.forecast`).
    """
    simulators = profile.values.simulators
    return Case(
        experiment=experiment,
        profile=profile,
        recipe=recipe,
        track=predicted(experiment, profile, begins=begins, ahead=ahead),
        place=place,
        beam_time_h=beam_time_h,
        speed=speed or (simulators.speed if simulators else 1.0),
    )


def judge(case: Case) -> tuple[CheckFinding, ...]:
    """Apply every rule that needs no hardware, in the order of the groups."""
    return tuple(finding for group, rules in GROUPS for finding in findings(group, rules, case))


def judge_live(beamline: Beamline, report: Report, case: Case, *, spectrum: bool = True) -> tuple[CheckFinding, ...]:
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
    connecting = findings("connection", connection.RULES, report)
    if report.dead:
        return connecting
    return connecting + findings("beamline", live.RULES, inspect(beamline, case, spectrum=spectrum))


def refusals(judged: tuple[CheckFinding, ...]) -> tuple[CheckFinding, ...]:
    """Return the findings that forbid the start."""
    return tuple(finding for finding in judged if finding.verdict == "refused")


def warnings(judged: tuple[CheckFinding, ...]) -> tuple[CheckFinding, ...]:
    """Return the findings that a person should look at."""
    return tuple(finding for finding in judged if finding.verdict == "warning")
