"""The verb that goes on with a sweep that was cut off: resume."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lics_beamline.cli.fault import tell_fault
from lics_beamline.cli.running_text import tell_line
from lics_beamline.cli.workers import follower_options, followers_of
from lics_beamline.errors import BadReading, Busy, ProfileError, RunNotFound

if TYPE_CHECKING:
    from lics_beamline.checks.finding import CheckFinding
    from lics_beamline.control.cell_estimate import PressureReading
    from lics_beamline.data_folder import DataFolder
    from lics_beamline.journal.head import Head
    from lics_beamline.plans.sweep_record import SweepRecord
    from lics_beamline.profile import Profile
    from lics_beamline.session.session import Session
    from lics_beamline.session.simulation import Simulation

CUT_OFF = "cut off: the process that recorded it ended without saying so"


def add(verbs: Any, shared: argparse.ArgumentParser) -> None:
    """Add the verb to the command line."""
    verb = verbs.add_parser(
        "resume",
        parents=[shared, follower_options()],
        help="go on with a sweep that was cut off",
        description="Go on with a sweep that was cut off: by a crash, a power cut, a stop. Says what it finds (points "
        "that are whole, plates exposed and not read, load, pressure and temperature now), what it will do and what is "
        "expected, and asks once. RUN is 'last', a uid, or its first six characters or more.",
    )
    verb.add_argument("uid", metavar="RUN", nargs="?", default="last")
    verb.add_argument("--yes", action="store_true", help="go on without asking")
    verb.add_argument("--profile", help="name or folder of the profile (default: by the name that was recorded)")
    verb.add_argument("--json", action="store_true", help="print JSON for a program at the end, nothing else")
    verb.set_defaults(run=resume)


def resume(options: argparse.Namespace) -> int:
    """Go on with a sweep that was cut off."""
    from lics_beamline.cli.argument import data_folder
    from lics_beamline.devices.control_layer import choose
    from lics_beamline.journal.whole_sweep import sweep_documents

    data = data_folder(options)
    head = _newest(data, options.uid)
    if head.exit_status == "success":
        _say(options, f"run {head.uid[:8]} has ended well. There is nothing to go on with.")
        return 0
    profile = _profile(options, head)
    with _beamline(profile, data, head) as simulated:
        choose(simulated.addresses if simulated else None)  # before anything below imports ophyd
        from lics_beamline.plans.sweep_record import SweepRecord
        from lics_beamline.session.session import open_session

        record = SweepRecord(sweep_documents(head))
        if record.is_whole:
            _say(options, f"run {head.uid[:8]} is whole: {record.whole} points. There is nothing to go on with.")
            return 0
        with open_session(profile, data, simulated=simulated, followers=followers_of(options)) as session:
            return _go_on(options, data, session, head, record)


def _go_on(options: argparse.Namespace, data: DataFolder, session: Session, head: Head, record: SweepRecord) -> int:
    """Say what is found and what will be done, ask, and do it."""
    from lics_beamline.cli.check import tell_refused
    from lics_beamline.cli.record import walk
    from lics_beamline.journal.whole_sweep import runs_of
    from lics_beamline.journal.writer import close_cut_off

    now = _now(session, record)
    for line in _found(head, record, now):
        _say(options, line)
    if refused := _refusals(options, data, session, record, now):
        return tell_refused(refused, options)
    if not (options.yes or _agreed()):
        says = "nothing was begun: nobody agreed. Say --yes."
        return tell_fault(says, 2, kind="not agreed", verb=options.verb, as_json=options.json)
    for run in runs_of(head):
        close_cut_off(run.path, reason=f"{CUT_OFF}; closed when the sweep was resumed")
    walked = walk(session, session.resume(record), record.experiment, quiet=options.json)
    return walked.told(data, verb=options.verb, as_json=options.json)


def _newest(data: DataFolder, name: str) -> Head:
    """Return the newest run of the sweep that a name means.

    Raises
    ------
    RunNotFound
        If there is none, or it is no sweep, or another sweep has moved the cell since.
    Busy
        If it is being recorded.
    """
    from lics_beamline.journal.head import find, heads
    from lics_beamline.journal.whole_sweep import RESUMES
    from lics_beamline.schema import IMPORTED, SWEEP

    sweeps = [
        head
        for head in heads(data.raw_journals)
        if head.start.get("purpose") == SWEEP and IMPORTED not in head.start  # nobody walks a path that was imported
    ]
    if name == "last":
        if not sweeps:
            raise RunNotFound(f"there is no sweep below {data.root} that could be resumed.")
        named = sweeps[-1]
    else:
        named = find(data.raw_journals, name)
        if IMPORTED in named.start:
            raise RunNotFound(f"run {named.uid} was imported: there is nothing of it to go on with.", uid=named.uid)
        if named.start.get("purpose") != SWEEP:
            raise RunNotFound(f"run {named.uid} is no sweep: only a sweep can be resumed.", uid=named.uid)
    runs = [head for head in sweeps if head.start.get("sweep_uid") == named.start.get("sweep_uid")]
    gone_on_with = {head.start.get(RESUMES) for head in runs}  # not by their times: the clock may have been set since
    newest = next((head for head in reversed(runs) if head.uid not in gone_on_with), runs[-1])
    if newest.being_written:
        raise Busy(
            f"run {newest.uid} is being recorded by a living process: there is nothing to resume. Wait for it, or end "
            "it first.",
            uid=newest.uid,
        )
    later = [head for head in sweeps[sweeps.index(newest) + 1 :] if head not in runs]
    if newest.exit_status != "success":
        _require_unmoved(newest, later)
    return newest


def _require_unmoved(newest: Head, later: list[Head]) -> None:
    """Refuse where another sweep has moved the cell since: it has another history, and may be another sample."""
    from lics_beamline.journal.events import events
    from lics_beamline.journal.reader import read
    from lics_beamline.schema import APPROACH, HEATING

    for other in reversed(later):
        if any(event.stream in (APPROACH, HEATING) for event in events(read(other.path))):
            began = datetime.fromtimestamp(other.time).astimezone()
            raise RunNotFound(
                f"run {newest.uid[:8]} cannot be gone on with: run {other.uid[:8]} of {began:%Y-%m-%d %H:%M}, "
                f"{other.start.get('title', '')!r}, has moved the cell since, so that it is another sample or has "
                "another history. Measure what is left as a sweep of its own: an experiment with the points that are "
                "missing.",
                uid=newest.uid,
            )


def _profile(options: argparse.Namespace, head: Head) -> Profile:
    """Return the profile that a sweep goes on with, and say if it is not what it was.

    Raises
    ------
    ProfileError
        If it is of another beamline, or is not found.
    """
    from lics_beamline.profile import read_profile

    recorded = head.start.get("profile", {})
    name = options.profile or str(recorded.get("name", ""))
    try:
        profile = read_profile(name)
    except ProfileError as error:
        if options.profile:
            raise
        raise ProfileError(
            f"the sweep was recorded with profile {name!r}, which is not found by its name ({error}) Give its folder: "
            "--profile FOLDER.",
            profile=name,
        ) from error
    if profile.values.name != recorded.get("name", profile.values.name):
        raise ProfileError(
            f"the sweep was recorded with profile {str(recorded['name'])!r}, and {name} is profile "
            f"{profile.values.name!r}, of another beamline: a sweep goes on where it was. Give the folder of the "
            "profile that it was recorded with.",
            profile=name,
        )
    if profile.digest != recorded.get("digest"):
        sys.stderr.write(
            f"warning: profile {profile.values.name!r} has changed since the sweep was begun "
            f"({str(recorded.get('digest', ''))[:8]} -> {profile.digest[:8]}); it goes on by the new one.\n"
        )
    return profile


@contextlib.contextmanager
def _beamline(profile: Profile, data: DataFolder, head: Head) -> Iterator[Simulation | None]:
    """Run the simulated beamline of a dry run again, its world as it was left; a real one is there already."""
    from lics_beamline.session.simulation import simulated_beamline

    made = head.start.get("simulated")
    if made is None:
        yield None
        return
    with simulated_beamline(
        profile,
        data,
        speed=float(made["speed"]),
        seed=int(made["seed"]),
        world=str(made["world"]),
        go_on="always",
    ) as simulated:
        yield simulated


def _now(session: Session, record: SweepRecord) -> PressureReading:
    """Read the cell as it is; nothing of it is moved."""
    from lics_beamline.plans.reference import gauge_of
    from lics_beamline.plans.resumption import glance
    from lics_beamline.session.session import run_plan

    seen: list[PressureReading] = []

    def plan() -> Any:
        ruby = record.recipe.ruby
        gauge = gauge_of(record.first_reference, ruby)
        seen.append((yield from glance(session.beamline, gauge=gauge, ruby=session.profile.values.ruby)))

    ended_by = run_plan(session.engine, plan(), session.data)
    if not seen:
        raise BadReading(f"the cell cannot be read as it is now: {ended_by} Nothing was begun.")
    return seen[0]


def _found(head: Head, record: SweepRecord, now: PressureReading) -> Iterator[str]:
    """Yield what was found and what will be done, line by line."""
    from lics_beamline.plans.resumption import plan_of

    ended = head.stop["exit_status"] if head.stop else CUT_OFF
    reason = f": {head.stop['reason']}" if head.stop and head.stop.get("reason") else ""
    began = datetime.fromtimestamp(head.time).astimezone()
    yield f"run {head.uid[:8]} of {began:%Y-%m-%d %H:%M}, {head.start.get('title', '')!r}: {ended}{reason}"
    points = len(record.experiment.points())
    unread = ", ".join(str(plate.point_index + 1) for plate in record.unread)
    unread = f"; exposed and not read: {unread}" if unread else ""
    yield f"  recorded  {record.whole} of {points} points whole{unread}"
    yield (
        f"  now       {now.load_bar:.2f} bar, {now.pressure_gpa:.3f} +- {now.sigma_gpa:.3f} GPa, "
        f"{now.temperature_k:.1f} K"
    )
    if record.readings:
        last = record.readings[-1].reading
        yield f"  before    {last.load_bar:.2f} bar, {last.pressure_gpa:.3f} GPa, at the last approach"
    yield f"  next      {plan_of(record)}"


def _refusals(
    options: argparse.Namespace, data: DataFolder, session: Session, record: SweepRecord, now: PressureReading
) -> tuple[CheckFinding, ...]:
    """Judge what is left of the path as any sweep is judged, from the cell as it was found; say what is expected."""
    from lics_beamline.checks.judgement import judge, refusals, warnings
    from lics_beamline.cli.check import case_for, heating_lines
    from lics_beamline.plans.resumption import next_point, way_back

    left, point = record.experiment.rest(*record.position), next_point(record)
    if left is None or point is None:
        return ()
    points = len(left.points())
    left = left.ahead_of(now.pressure_gpa)
    if left is None:
        return ()
    back = way_back(session.beamline, point, record, session.profile.values)
    if back is not None:
        left = left.model_copy(update={"legs": (back, *left.legs)})
    case = case_for(options, session.profile, data, left, begins=now)
    if case.place is not None:  # that this sweep did not end as it should is known
        case = replace(case, place=replace(case.place, sweeps=()))
    judged = judge(case)
    refused = refusals(judged)
    for finding in warnings(judged):
        sys.stderr.write(f"{finding.verdict}: {finding.rule}: {finding.says}\n")
    for line in heating_lines(case):
        _say(options, f"  expected  {line}")
    _say(options, f"  expected  {case.track.duration_s / 3600:.1f} h for {points} points")
    return refused


def _agreed() -> bool:
    """Ask the person at the terminal; without one nothing is begun."""
    if not sys.stdin.isatty():
        return False
    sys.stdout.write("go on? [y/N] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _say(options: argparse.Namespace, line: str) -> None:
    if not options.json:
        tell_line(line)
