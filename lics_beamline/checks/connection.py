"""Rules about what connecting found: dead PVs, other units, nothing that limits a movement."""

from __future__ import annotations

from lics_beamline.checks.finding import Judgement, Rule, refused_if
from lics_beamline.devices.beamline import Report


def every_pv_answers(report: Report) -> Judgement:
    """Check that no PV is dead."""
    return refused_if(
        bool(report.dead),
        f"{len(report.alive)} PVs answer, {len(report.dead)} do not"
        + (f": {', '.join(report.dead[:4])}" if report.dead else ""),
        "all of them",
        "Start the IOC, or mend prefix and network.",
    )


def units_are_as_declared(report: Report) -> Judgement:
    """Check that every instrument speaks the unit the profile declares."""
    found = report.wrong_units[0] if report.wrong_units else "no other unit"
    return refused_if(bool(report.wrong_units), found, "the units declared", "Set the instrument's unit.")


def everything_that_moves_has_limits(report: Report) -> Judgement:
    """Check that nothing that can be set is without limits."""
    found = report.missing_limits[0] if report.missing_limits else "limits on all"
    return refused_if(bool(report.missing_limits), found, "limits of the PV or of the profile", "Give limits.")


RULES: tuple[Rule[Report], ...] = (
    every_pv_answers,
    units_are_as_declared,
    everything_that_moves_has_limits,
)
