"""Verbs that turn frames into patterns: replay, reduce."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from lics_beamline.cli.argument import pathname
from lics_beamline.cli.images import add_reduce
from lics_beamline.cli.json_answer import tell_json
from lics_beamline.cli.workers import PointBar, crew_options, jobs_of
from lics_beamline.errors import LicsError, RunNotFound

if TYPE_CHECKING:
    from lics_beamline.data_folder import DataFolder
    from lics_beamline.reduction.recipe import Recipe
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
    verb.add_argument("--recipe", type=pathname, metavar="FILE", help="recipe file (default: the run's own recipe)")
    verb.set_defaults(run=replay)
    add_reduce(verbs, [shared, machine])


def replay(options: argparse.Namespace) -> int:
    """Reduce recorded runs."""
    from lics_beamline.cli.argument import data_folder
    from lics_beamline.cli.run_summary import heading_of, point_line
    from lics_beamline.exports.reduced_run import reduced_point
    from lics_beamline.reduction.recipe import read_recipe
    from lics_beamline.replay import Replay, prepare, replay_all

    data = data_folder(options)
    recipe = read_recipe(options.recipe) if options.recipe else None
    names, several = _named(data, options.uid), options.uid == ["all"] or len(options.uid) > 1
    if options.dask and len(names) > 1:
        return _campaign(data, names, recipe, options)
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
        tell_json(plain if several else plain[0])
    else:
        for result in results:
            sys.stdout.write(_line(result))
    losses = [
        _tell_losses(
            result,
            exposures=run.exposures,
            plates=len(run.plates),
            gone=run.lost_plates(data) if run.already else (),
        )
        for run, result in zip(runs, results, strict=True)
    ]
    return 4 if refused or any(losses) or any(result.failed for result in results) else 0


def _campaign(data: DataFolder, names: list[str], recipe: Recipe | None, options: argparse.Namespace) -> int:
    """Reduce many runs on a cluster, each by one worker; tell of each when it is done, at the end of failures."""
    from lics_beamline.campaign import reduce_campaign

    outcomes = []
    with PointBar(len(names), quiet=options.json, doing="runs") as bar:
        for outcome in reduce_campaign(data, names, recipe=recipe, dask=options.dask):
            outcomes.append(outcome)
            if outcome.replayed:
                bar.say(f"run {outcome.replayed.raw_uid[:8]}: {_line(outcome.replayed).rstrip()}")
            else:
                bar.say(f"run {outcome.name[:8]} is left out: {outcome.error}")
            bar.step()
    done = [outcome.replayed for outcome in outcomes if outcome.replayed]
    wrong = [outcome for outcome in outcomes if outcome.replayed is None]
    if options.json:
        plain = [{**asdict(result), "journal": str(result.journal)} for result in done]
        tell_json(plain)
    losses = [
        _tell_losses(each.replayed, exposures=each.exposures, plates=each.plates, gone=each.lost_plates)
        for each in outcomes
        if each.replayed
    ]
    already, failed = sum(result.already for result in done), [result for result in done if result.failed]
    sys.stderr.write(
        f"{len(done)} of {len(names)} runs, {already} of them before; {sum(result.points for result in done)} points, "
        f"{sum(result.failed for result in failed)} failed in {len(failed)} runs; {len(wrong)} runs left out\n"
    )
    for result in failed:
        sys.stderr.write(f"run {result.raw_uid[:8]}: {result.failed} of {result.points} points failed\n")
    for outcome in wrong:
        sys.stderr.write(f"run {outcome.name[:8]} is left out: {outcome.error}\n")
    return 4 if wrong or failed or any(losses) else 0


def _tell_losses(result: Replayed, *, exposures: int, plates: int, gone: Sequence[str]) -> bool:
    """Tell what cannot be reduced of a run because it is lost; return whether something is."""
    run = f"run {result.raw_uid[:8]}"
    nothing = not result.points and exposures > 0
    if nothing:
        sys.stderr.write(
            f"{run}: {exposures} plates were exposed, and no readout or failure of one can be read. lics verify says "
            "what is lost and what to do.\n"
        )
    if gone:
        shown = ", ".join(gone[:MOST_PLATES_NAMED]) + (", ..." if len(gone) > MOST_PLATES_NAMED else "")
        sys.stderr.write(
            f"{run}: {len(gone)} of {plates} plates are not there any more: {shown}. What was reduced before is kept, "
            "and cannot be made anew without them. Restore them from a copy of the detector's own files.\n"
        )
    return nothing or bool(gone)


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
