"""Verbs that turn frames into patterns: replay, reduce."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lics_beamline.cli.images import add_reduce
from lics_beamline.cli.workers import PointBar, crew_options, jobs_of
from lics_beamline.errors import LicsError, RunNotFound

if TYPE_CHECKING:
    from lics_beamline.data_folder import DataFolder
    from lics_beamline.replay import Replayed

MOST_PLATES_NAMED: Final = 5  # of those that are gone; lics verify names them all


def add(verbs: Any, shared: argparse.ArgumentParser) -> None:
    """Add the verbs to the command line."""
    machine = argparse.ArgumentParser(add_help=False)
    machine.add_argument("--json", action="store_true", help="print JSON for a program, nothing else")
    verb = verbs.add_parser(
        "replay",
        parents=[shared, machine, crew_options()],
        help="reduce recorded runs again, by their own recipe or another",
        description="Reduce recorded runs. RUN is 'last', a uid, its first six characters or more, or 'all' for every "
        "sweep. The same recipe gives the same derived run, which is not made twice; another recipe gives another one.",
    )
    verb.add_argument("uid", metavar="RUN", nargs="*", default=["last"])
    verb.add_argument("--recipe", type=Path, metavar="FILE", help="recipe file (default: the run's own recipe)")
    verb.set_defaults(run=replay)
    add_reduce(verbs, [shared, machine])


def replay(options: argparse.Namespace) -> int:
    """Reduce recorded runs."""
    from lics_beamline.cli.record import data_folder
    from lics_beamline.cli.run_summary import heading_of, point_line
    from lics_beamline.exports.reduced_run import reduced_point
    from lics_beamline.reduction.recipe import read_recipe
    from lics_beamline.replay import Replay, prepare, replay_all

    data = data_folder(options)
    recipe = read_recipe(options.recipe) if options.recipe else None
    names, several = _named(data, options.uid), options.uid == ["all"] or len(options.uid) > 1
    runs: list[Replay] = []
    refused: dict[str, str] = {}
    for name in names:
        try:
            runs.append(prepare(data, name, recipe=recipe))
        except LicsError as error:
            if not several:
                raise
            refused[name] = str(error)
            sys.stderr.write(f"run {name[:8]} is left out: {error}\n")
    points = sum(run.points for run in runs)
    with PointBar(points, quiet=options.json) as bar:
        told: list[str] = []

        def tell(run: Replay, data: dict[str, Any]) -> None:
            if several and run.uid not in told:
                bar.say(f"run {run.raw_uid[:8]}")
            point = reduced_point(data)
            if not told:
                bar.say(heading_of(point))
            told.append(run.uid)
            bar.say(point_line(point))
            bar.step()

        results = replay_all(data, runs, told=tell, jobs=jobs_of(options, points), dask=options.dask)
    if options.json:
        plain = [{**asdict(result), "journal": str(result.journal)} for result in results]
        sys.stdout.write(json.dumps(plain if several else plain[0], indent=1) + "\n")
    else:
        for result in results:
            sys.stdout.write(_line(result))
    lost = {run.uid: run.exposures for run in runs if run.exposures}
    for result in results:
        if not result.points and result.uid in lost:
            sys.stderr.write(
                f"run {result.raw_uid[:8]}: {lost[result.uid]} plates were exposed, and no readout or failure of one "
                "can be read. lics verify says what is lost and what to do.\n"
            )
    gone = {run.uid: run.lost_plates(data) for run in runs if run.already}
    for run in runs:
        if missing := gone.get(run.uid):
            shown = ", ".join(missing[:MOST_PLATES_NAMED]) + (", ..." if len(missing) > MOST_PLATES_NAMED else "")
            sys.stderr.write(
                f"run {run.raw_uid[:8]}: {len(missing)} of {len(run.plates)} plates are not there any more: {shown}. "
                "What was reduced before is kept, and cannot be made anew without them. Restore them from a copy of "
                "the detector's own files.\n"
            )
    nothing = any(not result.points and result.uid in lost for result in results)
    return 4 if refused or nothing or any(gone.values()) or any(result.failed for result in results) else 0


def _named(data: DataFolder, names: list[str]) -> list[str]:
    """Return the runs that were named, each once; all sweeps for ``all``."""
    if names != ["all"]:
        return list(dict.fromkeys(names))
    from lics_beamline.journal.head import heads
    from lics_beamline.journal.whole_sweep import RESUMES
    from lics_beamline.schema import SWEEP

    sweeps = [head for head in heads(data.raw_journals) if head.start.get("purpose") == SWEEP]
    goes_on = {head.start.get(RESUMES) for head in sweeps}  # the run that goes on with one holds it whole
    found = [head.uid for head in sweeps if head.uid not in goes_on]
    if not found:
        raise RunNotFound(f"there is no sweep below {data.root}. lics dry-run makes one.")
    return found


def _line(result: Replayed) -> str:
    if result.already:
        return f"already reduced by this recipe: {result.points} points in {result.journal}\n"
    return f"{result.points} points, {result.failed} failed: {result.journal}\n"
