"""Verb that asks for an experiment and writes its file: new."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from lics_beamline.cli.argument import pathname
from lics_beamline.errors import ProfileError

EXIT_DONE, EXIT_USAGE = 0, 2


def add(verbs: Any, shared: argparse.ArgumentParser) -> None:
    """Add the verb to the command line."""
    verb = verbs.add_parser(
        "new",
        parents=[shared],
        help="ask for an experiment, and write its file",
        description="Ask for sample, cell, gasket, ruby chip, exposure and path, each within the limits of the "
        "profile, write an experiment file, and judge it as lics check does. An answer left empty takes the value in "
        "brackets. Nothing is written before the last answer.",
    )
    verb.add_argument("file", type=pathname, metavar="FILE", help="experiment file to write: mine.toml")
    verb.add_argument("--profile", default="simulated", help="name or folder of a profile (default simulated)")
    verb.set_defaults(run=new)


def new(options: argparse.Namespace) -> int:
    """Ask, write, judge.

    Returns
    -------
    int
        0 when it is written and nothing refuses it; 2 where it is there already, answers end, or a rule refuses it.
    """
    from lics_beamline.checks.judgement import judge, refusals, warnings
    from lics_beamline.cli.argument import data_folder, file_to_write
    from lics_beamline.cli.check import case_for
    from lics_beamline.cli.experiment_text import experiment_text
    from lics_beamline.cli.interview import Interview
    from lics_beamline.cli.question import AnswersEnded
    from lics_beamline.files.whole_file import write_whole
    from lics_beamline.profile import read_profile

    path: Path = options.file
    path = path if path.suffix or path.is_dir() else path.with_suffix(".toml")
    if path.is_file():
        return _refuse(f"{path} is there already. Give another name, or remove it.")
    if wrong := file_to_write(path):  # asked before the questions, whose answers take minutes
        raise ProfileError(f"{wrong}.", file=str(path))
    profile = read_profile(options.profile)
    try:
        experiment = Interview(profile).experiment()
    except AnswersEnded:
        return _refuse("the answers ended before the last question; nothing is written.")
    write_whole(path, experiment_text(experiment))
    judged = judge(case_for(options, profile, data_folder(options), experiment))
    refused = refusals(judged)
    for finding in (*refused, *warnings(judged)):
        sys.stderr.write(f"{finding.verdict}: {finding.rule}: {finding.says}\n")
    sys.stdout.write(f"\n{path}: {len(experiment.points())} points in {len(experiment.legs)} legs\n")
    profiled = "" if options.profile == "simulated" else f" --profile {options.profile}"
    verb = "dry-run" if profile.values.simulators is not None else "sweep"
    sys.stdout.write(f"lics check {path}{profiled} judges it, lics {verb} {path}{profiled} walks it\n")
    return EXIT_USAGE if refused else EXIT_DONE


def _refuse(says: str) -> int:
    sys.stderr.write(f"lics new: {says}\n")
    return EXIT_USAGE
