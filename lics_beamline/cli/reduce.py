"""Verbs that turn frames into patterns: replay, reduce."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lics_beamline.cli.workers import PointBar, crew_options, jobs_of
from lics_beamline.errors import LicsError, RunNotFound

if TYPE_CHECKING:
    from lics_beamline.data_folder import DataFolder
    from lics_beamline.replay import Replayed


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
    verb = verbs.add_parser(
        "reduce",
        parents=[shared, machine],
        help="integrate one image of any detector",
        description="Integrate one image and list its peaks with their d-spacings. R-AXIS, TIFF, CBF, HDF5 and "
        "whatever else fabio reads.",
    )
    verb.add_argument("image", type=Path, metavar="IMAGE")
    verb.add_argument("--geometry", type=Path, required=True, metavar="G.poni", help="PONI file of the detector")
    verb.add_argument(
        "--orientation",
        type=int,
        choices=(1, 2, 3, 4),
        metavar="N",
        help="orientation of the image, instead of the PONI's: 3 as pyFAI takes it by default, 2 flipped up-down, "
        "4 flipped left-right, 1 both",
    )
    verb.add_argument("--bins", type=int, default=2500, help="bins of the pattern (default 2500)")
    verb.add_argument("--no-clip", action="store_true", help="keep what stands out of its ring: reject no spots")
    verb.add_argument("--to", type=Path, metavar="FILE", help="write the pattern as .xye")
    verb.set_defaults(run=reduce)


def replay(options: argparse.Namespace) -> int:
    """Reduce recorded runs."""
    from lics_beamline.cli.record import data_folder
    from lics_beamline.cli.run_summary import HEADING, point_line
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
            if not told:
                bar.say(HEADING)
            told.append(run.uid)
            bar.say(point_line(reduced_point(data)))
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
    nothing = any(not result.points and result.uid in lost for result in results)
    return 4 if refused or nothing or any(result.failed for result in results) else 0


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


def reduce(options: argparse.Namespace) -> int:
    """Integrate one image."""
    from lics_beamline.diffraction.geometry import read_geometry
    from lics_beamline.exports.columns import write_pattern
    from lics_beamline.reduction.image import reduce_image

    geometry = read_geometry(options.geometry)
    if options.orientation:
        geometry = geometry.oriented(options.orientation)
    reduced = reduce_image(options.image, geometry, bins=options.bins, clip=not options.no_clip)
    if options.to:
        write_pattern(
            options.to,
            (reduced.pattern.two_theta_deg, reduced.pattern.intensity, reduced.pattern.sigma),
            (f"{options.image.name}, wavelength = {reduced.pattern.wavelength_angstrom:.6f} angstrom",),
        )
    if options.json:
        sys.stdout.write(
            json.dumps(
                {
                    "image": str(options.image),
                    "wavelength_angstrom": reduced.pattern.wavelength_angstrom,
                    "masked_fraction": reduced.pattern.masked_fraction,
                    "rejected_fraction": reduced.pattern.rejected_fraction,
                    "remarks": reduced.remarks,
                    "peaks": [asdict(peak) for peak in reduced.peaks],
                },
                indent=1,
            )
            + "\n"
        )
        return 0
    sys.stdout.write("  2theta (deg)      d (A)        +-     area\n")
    for peak in reduced.peaks:
        sys.stdout.write(
            f"{peak.two_theta_deg:12.4f}  {peak.d_angstrom:10.5f}  {peak.d_sigma_angstrom:8.5f}  {peak.area:10.4g}\n"
        )
    for remark in reduced.remarks:
        sys.stderr.write(f"{remark}\n")
    if options.to:
        sys.stdout.write(f"pattern: {options.to}\n")
    return 0
