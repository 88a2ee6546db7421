"""Verbs that need a beamline, real or simulated: dry-run, simulate, check, sweep, shell."""

from __future__ import annotations

import argparse
import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lics_beamline.cli.argument import count, data_folder, pathname, seed, speed
from lics_beamline.cli.check import add_options as add_check_options
from lics_beamline.cli.monitor import monitor_option, start_beside
from lics_beamline.cli.running_text import tell_line
from lics_beamline.cli.workers import follower_options, followers_of

if TYPE_CHECKING:
    from lics_beamline.data_folder import DataFolder
    from lics_beamline.experiment import Experiment
    from lics_beamline.geometry.geometry import Geometry
    from lics_beamline.profile import Profile
    from lics_beamline.session.session import Session
    from lics_beamline.session.simulation import Simulation

CATCH_UP_S = 600.0  # for the catalog, at the end of a sweep, as long as who fills it lives; only a hang is caught
TRIED_BYTES = 1 << 16  # written to learn whether a disk keeps anything: about one reduced point
TRIED_EVERY_S = 2.0  # while followers are waited for [s]: what is written then is nothing beside what they write
DEFAULT_EXPERIMENT = "lics-2015"


def add(verbs: Any, shared: argparse.ArgumentParser) -> None:
    """Add the verbs to the command line."""
    profile = argparse.ArgumentParser(add_help=False)
    profile.add_argument("--profile", default="simulated", help="name or folder of a profile (default simulated)")
    world = argparse.ArgumentParser(add_help=False)
    world.add_argument("--speed", type=speed, help="experiment seconds a second, 1 to 300 (default: the profile's)")
    world.add_argument("--seed", type=seed, help="seed of the simulated world (default: the profile's)")
    world.add_argument("--world", help="preset of the simulated world (default: the profile's)")
    experiment = argparse.ArgumentParser(add_help=False)
    experiment.add_argument(
        "experiment", nargs="?", default=DEFAULT_EXPERIMENT, help="experiment file, or a name of the profile's"
    )
    experiment.add_argument("--points", type=count, metavar="N", help="the first N points only")
    experiment.add_argument(
        "--one-plate", action="store_true", help="wait until each plate has been read, instead of exposing the other"
    )
    experiment.add_argument(
        "--recipe", type=pathname, metavar="FILE", help="reduce live by another recipe than the profile's"
    )
    experiment.add_argument(
        "--calibration",
        metavar="NAME",
        help="geometry of a calibration instead of the recipe's: 'last', a digest, or the path of a record",
    )
    machine = argparse.ArgumentParser(add_help=False)
    machine.add_argument("--json", action="store_true", help="print JSON for a program, nothing else")

    verb = verbs.add_parser(
        "dry-run",
        parents=[shared, profile, world, experiment, machine, follower_options(), monitor_option()],
        help="walk an experiment on simulated hardware, reduce it live, draw its summary",
        description="Start the simulated beamline, walk the experiment with the RunEngine over real Channel Access, "
        "record every document, reduce each plate as it is read, draw a summary figure. Nothing real is moved.",
    )
    verb.set_defaults(run=dry_run)
    verb = verbs.add_parser(
        "sweep",
        parents=[shared, profile, experiment, machine, follower_options(), monitor_option()],
        help="walk an experiment on the beamline of a profile",
        description="As dry-run, on IOCs that are already there: the environment (EPICS_CA_ADDR_LIST ...) says where.",
    )
    verb.set_defaults(run=sweep)
    verb = verbs.add_parser(
        "check",
        parents=[shared, profile, experiment, machine],
        help="judge an experiment before the first move",
        description="Judge an experiment against a profile: path, load, heating, pressure, exposure, geometry, time, "
        "record; say what is expected; with --live judge the beamline too. Refusals are exit code 2. Given the folder "
        "of a profile instead of an experiment, look at its instruments: who answers, in which unit, within which "
        "limits.",
    )
    add_check_options(verb)
    verb.set_defaults(run=check)
    verb = verbs.add_parser(
        "simulate",
        parents=[shared, profile, world],
        help="run the simulated beamline until Ctrl-C, and say how to reach it",
        description="Run the soft IOCs of the simulated beamline on 127.0.0.1 until Ctrl-C.",
    )
    verb.add_argument("--new", action="store_true", help="begin a new world, though the last one was cut off")
    verb.set_defaults(run=simulate)
    verb = verbs.add_parser(
        "shell",
        parents=[shared, profile, world, follower_options()],
        help="an interactive session with RE, beamline, sweep and experiment ready",
        description="An interactive IPython session. RE(sweep(experiment)) runs a sweep. "
        "With a simulated profile the simulators are started, and ended with the session.",
    )
    verb.set_defaults(run=shell)


def dry_run(options: argparse.Namespace) -> int:
    """Walk an experiment on simulated hardware."""
    from lics_beamline.session.simulation import simulated_beamline

    profile, data = _place(options)
    experiment = _experiment(options, profile)  # before simulators are started, which takes a while
    with simulated_beamline(profile, data, speed=options.speed, seed=options.seed, world=options.world) as simulated:
        return _walk(options, experiment, profile, data, simulated)


def sweep(options: argparse.Namespace) -> int:
    """Walk an experiment on the IOCs that are there."""
    profile, data = _place(options)
    return _walk(options, _experiment(options, profile), profile, data, None)


def _walk(
    options: argparse.Namespace,
    experiment: Experiment,
    profile: Profile,
    data: DataFolder,
    simulated: Simulation | None,
) -> int:
    """Run the sweep, tell what happens, wait for the followers, draw the figure, say where everything is."""
    from lics_beamline.devices.control_layer import choose

    choose(simulated.addresses if simulated else None)  # before anything below imports ophyd
    from lics_beamline.checks.judgement import judge, refusals, warnings
    from lics_beamline.cli.check import case_for, heating_lines, tell_refused
    from lics_beamline.session.session import open_session

    case = case_for(options, profile, data, experiment)
    judged = judge(case)
    refused = refusals(judged)
    for finding in warnings(judged):
        sys.stderr.write(f"{finding.verdict}: {finding.rule}: {finding.says}\n")
    if refused:
        return tell_refused(refused, options)
    if not options.json:
        for line in heating_lines(case):
            tell_line(line)
    start_beside(options, data)
    with open_session(profile, data, simulated=simulated, followers=followers_of(options)) as session:
        walked = walk(session, session.sweep(experiment), experiment, quiet=options.json)
    return walked.told(data, verb=options.verb, as_json=options.json)


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """A sweep that has been walked, and reduced.

    Parameters
    ----------
    experiment : Experiment
        What was walked.
    raw_uid : str
        Uid of its run; empty when it never began.
    ended_by : str
        Why it ended early; empty when it did not.
    pace : str
        How fast simulated time went; empty at a real beamline.
    given_up : bool
        Whether nobody waited for what comes after the plan: its points may not be reduced yet.
    catalogued : bool
        Whether the session had a follower that fills the catalog.
    """

    experiment: Experiment
    raw_uid: str
    ended_by: str = ""
    pace: str = ""
    given_up: bool = False
    catalogued: bool = True

    def told(self, data: DataFolder, *, verb: str, as_json: bool) -> int:
        """Draw its figure, say where everything is, and return the exit code."""
        from lics_beamline.cli.ending import summarise, tell_recorded

        if self.given_up:
            return tell_recorded(data, self.raw_uid, self.experiment, verb=verb, as_json=as_json)
        if self.pace and not as_json:
            tell_line(f"\n{self.pace}")
        return summarise(
            data, self.raw_uid, ended_by=self.ended_by, catalogued=self.catalogued, verb=verb, as_json=as_json
        )


def walk(session: Session, plan: Any, experiment: Experiment, *, quiet: bool) -> Walked:
    """Run the plan of a sweep, telling what happens, and wait for the followers.

    Parameters
    ----------
    session : Session
        Where it runs.
    plan : generator
        The plan.
    experiment : Experiment
        What it walks.
    quiet : bool
        Whether to tell nothing.
    """
    from lics_beamline.cli.progress import Narration
    from lics_beamline.follower.status import WHICH, trouble_with, wait_until_caught_up
    from lics_beamline.session.pace import Stopwatch
    from lics_beamline.session.session import run_plan

    narration = Narration(session.data, experiment, session.profile, quiet=quiet)

    try:
        with narration:
            stopwatch = Stopwatch(session.beamline.clock)
            ended_by = run_plan(session.engine, plan, session.data)
            pace = stopwatch.pace().says() if session.simulation is not None else ""
            disk = _Disk(session.data)

            def is_reduced() -> bool:
                if not (disk.keeps() and session.followers.works("reduce")):
                    return False
                return not trouble_with(session.data, "reduce", narration.raw_uid, left=True)

            is_whole = narration.finish(ended_by=ended_by, is_reduced=is_reduced)
            if is_whole and disk.keeps() and any(map(session.followers.works, WHICH)):
                narration.say("filling the catalog")
                wait_until_caught_up(session.data, CATCH_UP_S, is_of_use=disk.keeps)
    except KeyboardInterrupt:  # once more, while what came after the plan was waited for
        return Walked(experiment=experiment, raw_uid=narration.raw_uid, given_up=True)
    return Walked(
        experiment=experiment,
        raw_uid=narration.raw_uid,
        ended_by=ended_by,
        pace=pace,
        catalogued=is_whole and disk.keeps() and session.followers.works("catalog"),
    )


class _Disk:
    """Whether a disk keeps what is written; where it does not, no follower can write either, or say so."""

    def __init__(self, data: DataFolder) -> None:
        self._tried = data.derived_journals / ".tried"
        self._tried_s = -math.inf
        self._keeps = True

    def keeps(self) -> bool:
        """Whether it has kept all that was tried; tried again now and then."""
        from lics_beamline.files.whole_file import write_whole

        if self._keeps and time.monotonic() - self._tried_s > TRIED_EVERY_S:
            try:
                write_whole(self._tried, bytes(TRIED_BYTES), durable=True)
                self._tried.unlink()
            except OSError:
                self._keeps = False
            self._tried_s = time.monotonic()
        return self._keeps


def check(options: argparse.Namespace) -> int:
    """Judge an experiment, without any hardware or with it."""
    from lics_beamline.cli import check as judging
    from lics_beamline.devices.control_layer import choose
    from lics_beamline.files.given_file import is_there
    from lics_beamline.session.simulation import require_world

    choose()
    if is_there(Path(options.experiment) / "profile.toml"):  # a profile is judged by its instruments alone
        from lics_beamline.cli.survey import look
        from lics_beamline.profile import read_profile

        return look(read_profile(options.experiment), data_folder(options), as_json=options.json)
    profile, data = _place(options)
    if profile.values.simulators is not None:
        require_world(profile.values.simulators.world)
    return judging.run(options, judging.case_for(options, profile, data, _experiment(options, profile)), data)


def simulate(options: argparse.Namespace) -> int:
    """Run the soft IOCs until Ctrl-C."""
    from lics_beamline.session.simulation import simulated_beamline

    profile, data = _place(options)
    with simulated_beamline(
        profile,
        data.make(),
        speed=options.speed,
        seed=options.seed,
        world=options.world,
        go_on="never" if options.new else "killed",
    ) as simulated:
        tell_line(f"simulated beamline {simulated.prefix} on 127.0.0.1, plates and truth in {simulated.plates}")
        tell_line("reach it from another shell:")
        for name, value in simulated.addresses.items():
            tell_line(f"export {name}={value}")
        tell_line(f"caproto-get {simulated.prefix}PC1:Pressure_RBV")
        tell_line("Ctrl-C ends it.")
        try:
            code = simulated.process.wait()
        except KeyboardInterrupt:
            return 0
    sys.stderr.write(f"lics simulate: the simulators ended by themselves (exit {code}), see {data.logs}\n")
    return 4


def shell(options: argparse.Namespace) -> int:
    """Open an interactive session."""
    import contextlib

    from lics_beamline.extras import require

    require("IPython", what="the shell")
    from lics_beamline.devices.control_layer import choose
    from lics_beamline.session.session import open_session
    from lics_beamline.session.simulation import simulated_beamline

    profile, data = _place(options)
    with contextlib.ExitStack() as stack:
        simulated = (
            stack.enter_context(
                simulated_beamline(profile, data, speed=options.speed, seed=options.seed, world=options.world)
            )
            if profile.values.simulators
            else None
        )
        layer = choose(simulated.addresses if simulated else None)  # before anything below imports ophyd
        from lics_beamline.cli.shell import interact

        session = stack.enter_context(open_session(profile, data, simulated=simulated, followers=followers_of(options)))
        return interact(session, layer=layer)


def _place(options: argparse.Namespace) -> tuple[Profile, DataFolder]:
    from lics_beamline.profile import read_profile

    profile, data = read_profile(options.profile), data_folder(options)
    if getattr(options, "recipe", None):
        profile = profile.with_recipe(options.recipe)
    if getattr(options, "one_plate", False):
        profile = profile.with_one_plate()
    if getattr(options, "calibration", None):
        profile = profile.with_geometry(_calibrated(options.calibration, data))
    return profile, data


def _calibrated(name: str, data: DataFolder) -> Geometry:
    """Return the geometry of a calibration: a record by its path, or one kept in the data folder by its name."""
    from lics_beamline.calibration.calibration_record import find_record, read_record

    record = read_record(Path(name)) if name.endswith(".json") else find_record(data.calibrations, name)
    return record.geometry


def _experiment(options: argparse.Namespace, profile: Profile) -> Experiment:
    from lics_beamline.session.asked_experiment import named_experiment

    experiment = named_experiment(profile, options.experiment)
    return experiment if options.points is None else experiment.first(options.points)
