"""Judging an experiment before the first move: rules with number, limit and remedy; nothing is connected."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Literal

from lics_beamline.plans.forecast import Pace, forecast
from lics_beamline.plans.path import Experiment, HeatingLeg, HoldLeg, PressureLeg
from lics_beamline.plans.sweep import Manner
from lics_beamline.profile import Profile

Verdict = Literal["ok", "warning", "refused"]
PLATE_MEGABYTES = 18.006  # 3000 x 3000 words of 16 bits and one header record
SHORTEST_JUDGEMENT_S = 0.25  # of wall clock; Channel Access answers in milliseconds with tails of 50
LONGEST_STEP_GPA = 3.0  # a leg that jumps further leaves kinetics and hysteresis unseen


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one rule says.

    Parameters
    ----------
    rule : str
        Name of the rule.
    verdict : {"ok", "warning", "refused"}
        Refused experiments are not started.
    says : str
        Number, unit, limit, and what to do.
    """

    rule: str
    verdict: Verdict
    says: str

    def as_dict(self) -> dict[str, str]:
        """Return it as plain values."""
        return asdict(self)


def pace_of(profile: Profile) -> Pace:
    """Return how fast things go with a profile."""
    values = profile.values
    return Pace(
        slew_bar_per_s=values.membrane.slew_bar_per_s,
        wait_s=values.approach.wait_s + values.membrane.dwell_s,
        ruby_s=values.ruby.acquire_time_s * values.ruby.accumulations,
        ramp_dwell_s=values.heater.dwell_s,
        plate_s=values.plate.swap_s + values.plate.read_s,
        ambient_k=values.heater.ambient_k,
    )


def expected_s(experiment: Experiment, manner: Manner, profile: Profile) -> tuple[float, ...]:
    """Return the expected duration of each point [s of experiment]."""
    return forecast(
        experiment.points(), rules=manner.rules, pace=pace_of(profile), exposure_s=experiment.exposure.time_s
    )


def examine(experiment: Experiment, manner: Manner, profile: Profile) -> tuple[Finding, ...]:
    """Apply every rule.

    Parameters
    ----------
    experiment : Experiment
        What is to be done.
    manner : Manner
        How sweeps are walked at the beamline.
    profile : Profile
        The beamline as data.

    Returns
    -------
    tuple of Finding
        One or more a rule, in the order of the rules.
    """
    return tuple(finding for rule in RULES for finding in rule(experiment, manner, profile))


def refusals(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return the findings that forbid the start."""
    return tuple(finding for finding in findings if finding.verdict == "refused")


def _pressures(experiment: Experiment, manner: Manner, profile: Profile) -> Iterator[Finding]:
    low, high = manner.envelope.pressure_gpa
    asked = [point.pressure_gpa for point in experiment.points() if not math.isnan(point.pressure_gpa)]
    outside = [value for value in asked if not low <= value <= high]
    if outside:
        yield Finding(
            rule="pressures inside the envelope",
            verdict="refused",
            says=f"{outside} GPa outside {low:g} to {high:g} GPa. Change the path, or envelope.pressure_gpa.",
        )
    elif asked:
        yield Finding(
            rule="pressures inside the envelope",
            verdict="ok",
            says=f"{min(asked):g} to {max(asked):g} GPa within {low:g} to {high:g} GPa",
        )


def _temperatures(experiment: Experiment, manner: Manner, profile: Profile) -> Iterator[Finding]:
    low = max(manner.envelope.temperature_k[0], profile.values.heater.limits_k[0])
    high = min(manner.envelope.temperature_k[1], profile.values.heater.limits_k[1])
    asked = [point.temperature_k for point in experiment.points()]
    inside = all(low <= value <= high for value in asked)
    yield Finding(
        rule="temperatures inside envelope and heater limits",
        verdict="ok" if inside else "refused",
        says=f"{min(asked):g} to {max(asked):g} K, allowed {low:g} to {high:g} K"
        + ("" if inside else ". Change the path, or envelope.temperature_k and heater.limits_k."),
    )


def _order_of_legs(experiment: Experiment, manner: Manner, profile: Profile) -> Iterator[Finding]:
    pressure_gpa, temperature_k = 0.0, profile.values.heater.ambient_k
    tolerance_k = manner.ramp_tolerance_k
    for leg in experiment.legs:
        rule = f"leg {leg.name!r} follows from the one before"
        problem = ""
        if isinstance(leg, HoldLeg):
            problem = _temperature_problem(leg.temperature_k, temperature_k, tolerance_k)
        elif isinstance(leg, HeatingLeg):
            if leg.temperatures_k[0] < temperature_k - tolerance_k:
                problem = f"starts at {leg.temperatures_k[0]:g} K, below the {temperature_k:g} K before it"
            temperature_k = leg.temperatures_k[-1]
        else:
            problem = _pressure_leg_problem(leg, pressure_gpa, temperature_k, tolerance_k)
            pressure_gpa = leg.pressures_gpa[-1]
        yield Finding(
            rule=rule,
            verdict="refused" if problem else "ok",
            says=f"{problem}. Order the legs, or put a heating leg between." if problem else "yes",
        )


def _pressure_leg_problem(leg: PressureLeg, pressure_gpa: float, temperature_k: float, tolerance_k: float) -> str:
    if problem := _temperature_problem(leg.temperature_k, temperature_k, tolerance_k):
        return problem
    if leg.stroke == "upstroke" and leg.pressures_gpa[0] < pressure_gpa:
        return f"is an upstroke from {leg.pressures_gpa[0]:g} GPa, the cell is at {pressure_gpa:g} GPa when it begins"
    return ""


def _temperature_problem(asked_k: float, temperature_k: float, tolerance_k: float) -> str:
    if abs(asked_k - temperature_k) <= tolerance_k:
        return ""
    return f"asks for {asked_k:g} K (tolerance {tolerance_k:g} K), the cell is at {temperature_k:g} K when it begins"


def _steps(experiment: Experiment, manner: Manner, profile: Profile) -> Iterator[Finding]:
    for leg in experiment.legs:
        if isinstance(leg, PressureLeg) and len(leg.pressures_gpa) > 1:
            widest = max(
                abs(after - before) for before, after in zip(leg.pressures_gpa, leg.pressures_gpa[1:], strict=False)
            )
            narrow = min(
                abs(after - before) for before, after in zip(leg.pressures_gpa, leg.pressures_gpa[1:], strict=False)
            )
            tolerance_gpa = manner.rules.tolerance_gpa
            fine = widest <= LONGEST_STEP_GPA and narrow > 2 * tolerance_gpa
            yield Finding(
                rule=f"steps of leg {leg.name!r}",
                verdict="ok" if fine else "warning",
                says=f"{narrow:.3g} to {widest:.3g} GPa; sensible between {2 * tolerance_gpa:g} GPa (twice the "
                f"tolerance) and {LONGEST_STEP_GPA:g} GPa",
            )


def _judgeable(experiment: Experiment, manner: Manner, profile: Profile) -> Iterator[Finding]:
    speed = profile.values.simulators.speed if profile.values.simulators else 1.0
    shortest_s = SHORTEST_JUDGEMENT_S * speed
    waits = {
        "approach.wait_s": manner.wait_s,
        "membrane.dwell_s": profile.values.membrane.dwell_s,
        "heater.dwell_s": profile.values.heater.dwell_s,
    }
    for leg in experiment.legs:
        if isinstance(leg, HeatingLeg):
            waits[f"soak_s of {leg.name!r}"] = leg.soak_s
        elif isinstance(leg, HoldLeg):
            waits[f"wait_s of {leg.name!r}"] = leg.wait_s
    short = {name: value for name, value in waits.items() if 0 < value < shortest_s}
    yield Finding(
        rule="waits long enough for the clock",
        verdict="refused" if short else "ok",
        says=f"{short} s are under {shortest_s:g} s, a quarter of a second of wall clock at {speed:g} x. Lengthen "
        "them, or lower the speed."
        if short
        else f"all at least {shortest_s:g} s ({SHORTEST_JUDGEMENT_S} s of wall clock at {speed:g} x)",
    )


def _exposure(experiment: Experiment, manner: Manner, profile: Profile) -> Iterator[Finding]:
    oscillation = experiment.exposure.oscillation_deg
    yield Finding(
        rule="oscillation averages grains",
        verdict="ok" if oscillation > 0 else "warning",
        says=f"{oscillation:g} deg; at 0 deg grains make ring intensities uncertain by several percent"
        if oscillation <= 0
        else f"{oscillation:g} deg",
    )


def _time_and_disk(experiment: Experiment, manner: Manner, profile: Profile) -> Iterator[Finding]:
    durations = expected_s(experiment, manner, profile)
    speed = profile.values.simulators.speed if profile.values.simulators else 1.0
    yield Finding(
        rule="time needed",
        verdict="ok",
        says=f"{len(durations)} points in about {sum(durations) / 3600:.1f} h of experiment"
        + (f", {sum(durations) / speed / 60:.1f} min at {speed:g} x" if speed != 1 else ""),
    )
    yield Finding(
        rule="disk needed",
        verdict="ok",
        says=f"{len(durations)} plates, {len(durations) * PLATE_MEGABYTES:.0f} MB",
    )


RULES: tuple[Callable[[Experiment, Manner, Profile], Iterator[Finding]], ...] = (
    _pressures,
    _temperatures,
    _order_of_legs,
    _steps,
    _judgeable,
    _exposure,
    _time_and_disk,
)
