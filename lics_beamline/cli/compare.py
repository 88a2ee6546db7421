"""The verb that shows what another recipe changes: compare."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lics_beamline.cli.argument import pathname
from lics_beamline.cli.json_answer import tell_json
from lics_beamline.cli.workers import PointBar, crew_options, jobs_of

if TYPE_CHECKING:
    from lics_beamline.data_folder import DataFolder
    from lics_beamline.exports.comparison import BoundaryDifference, PointDifference, RunComparison
    from lics_beamline.exports.reduced_run import ReducedRun

OWN = "own"


def add(verbs: Any, shared: argparse.ArgumentParser) -> None:
    """Add the verb to the command line."""
    verb = verbs.add_parser(
        "compare",
        parents=[shared, crew_options()],
        help="say what another recipe changes in a recorded run",
        description="Reduce a run by two recipes, where that has not been done yet, and say what the second gives less "
        "what the first gives: pressure, cells, fractions, and where phases come and go. A recipe is a file, or 'own' "
        "for the one the run was recorded with.",
    )
    verb.add_argument("uid", metavar="RUN", help="'last', a uid, or its first six characters or more")
    verb.add_argument("first", metavar="RECIPE_A", help="a recipe file, or 'own'")
    verb.add_argument("second", metavar="RECIPE_B", help="a recipe file, or 'own'")
    verb.add_argument(
        "--figure", type=pathname, metavar="PNG", help="where to draw it (default: figures below the data)"
    )
    verb.add_argument("--json", action="store_true", help="print JSON for a program, nothing else")
    verb.set_defaults(run=compare)


def compare(options: argparse.Namespace) -> int:
    """Compare two reductions of a run."""
    from lics_beamline.cli.argument import data_folder
    from lics_beamline.exports.comparison import compare as difference
    from lics_beamline.exports.comparison_figure import draw_comparison

    data = data_folder(options)
    first, second = _reduced(data, options)
    found = difference(first, second)
    digests = "-".join(run.start["recipe_digest"][:8] for run in (first, second))
    figure = options.figure or data.figures / f"compare-{first.start['raw_uid'][:8]}-{digests}.png"
    draw_comparison(found, figure)
    if options.json:
        tell_json(_plain(found, figure))
    else:
        sys.stdout.write("\n".join((*_lines(found), f"figure {figure}")) + "\n")
    return 0


def _reduced(data: DataFolder, options: argparse.Namespace) -> tuple[ReducedRun, ReducedRun]:
    """Return a run reduced by both recipes, now or before."""
    from lics_beamline.exports.reduced_run import reduced_run
    from lics_beamline.journal.reader import read
    from lics_beamline.reduction.recipe import read_recipe
    from lics_beamline.replay import Replay, prepare, replay_all

    recipes = [None if recipe == OWN else read_recipe(Path(recipe)) for recipe in (options.first, options.second)]
    prepared = [prepare(data, options.uid, recipe=recipe) for recipe in recipes]
    runs = {run.uid: run for run in prepared}  # one where the recipes say the same
    points = sum(run.points for run in runs.values())
    with PointBar(points, quiet=options.json) as bar:
        if points:
            bar.say(f"reducing {points} points ...")

        def tell(run: Replay, data: dict[str, Any]) -> None:
            bar.step()

        replay_all(data, tuple(runs.values()), told=tell, jobs=jobs_of(options, points), dask=options.dask)
    first, second = (reduced_run(read(data.derived_journals / f"{run.uid}.jsonl")) for run in prepared)
    return first, second


def _lines(found: RunComparison) -> Iterator[str]:
    for key, (before, after) in found.changed.items():
        yield f"  {key}: {_short(before)} -> {_short(after)}"
    if not found.changed:
        yield "  the recipes say the same"
    yield "   #  leg                          P (GPa)   difference of P   of a (A), fraction"
    yield from (_point_line(point) for point in found.points)
    yield from (_boundary_line(boundary) for boundary in found.boundaries)


def _signed(angstrom: float) -> str:
    return f"{round(angstrom, 5) + 0.0:+.5f}"  # what is nothing to the digits shown has no minus sign


def _point_line(point: PointDifference) -> str:
    phases = [
        f"{phase.name} {_signed(phase.cell['a'])} {phase.fraction:+.1%}".replace(" +nan%", "").replace(" nan%", "")
        if phase.found_by == "both"
        else f"{phase.name} only in the {phase.found_by}"
        for phase in point.phases
    ]
    return (
        f"{point.first.index + 1:4d}  {point.first.leg:<26.26}  {point.first.pressure_gpa:8.3f}   "
        f"{point.pressure_gpa:+15.4f}   {'; '.join(phases) or '-'}"
    )


def _boundary_line(boundary: BoundaryDifference) -> str:
    known = boundary.first or boundary.second
    if known is None:
        return ""
    what = f"{known.phase} {'appears' if known.appears else 'goes'} on {known.leg}"
    here, there = (f"{one.pressure_gpa:.3f}" if one else "not" for one in (boundary.first, boundary.second))
    change = "" if math.isnan(boundary.pressure_gpa) else f", {boundary.pressure_gpa:+.3f} GPa"
    return f"  {what}: at {here} and {there} GPa{change}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _plain(found: RunComparison, figure: Path) -> dict[str, Any]:
    return {
        "runs": [run.start["uid"] for run in (found.first, found.second)],
        "changed": {key: list(pair) for key, pair in found.changed.items()},
        "points": [
            {
                "index": point.first.index,
                "pressure_gpa": _number(point.pressure_gpa),
                "temperature_k": _number(point.temperature_k),
                "phases": {
                    phase.name: {"cell": phase.cell, "fraction": _number(phase.fraction), "found_by": phase.found_by}
                    for phase in point.phases
                },
            }
            for point in found.points
        ],
        "boundaries": [
            {
                "phase": known.phase,
                "leg": known.leg,
                "appears": known.appears,
                "pressure_gpa": _number(boundary.pressure_gpa),
                "in": [one.pressure_gpa if one else None for one in (boundary.first, boundary.second)],
            }
            for boundary in found.boundaries
            if (known := boundary.first or boundary.second)
        ],
        "figure": str(figure),
    }
