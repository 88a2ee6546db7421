"""Verbs that turn frames into patterns: replay, reduce."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any


def add(verbs: Any, shared: argparse.ArgumentParser) -> None:
    """Add the verbs to the command line."""
    machine = argparse.ArgumentParser(add_help=False)
    machine.add_argument("--json", action="store_true", help="print JSON for a program, nothing else")
    verb = verbs.add_parser(
        "replay",
        parents=[shared, machine],
        help="reduce a recorded run again, by its own recipe or another",
        description="Reduce a recorded run. RUN is 'last', a uid, or its first six characters or more. The same recipe "
        "gives the same derived run, which is not made twice; another recipe gives another one.",
    )
    verb.add_argument("uid", metavar="RUN", nargs="?", default="last")
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
    verb.add_argument("--to", type=Path, metavar="FILE", help="write the pattern as .xye")
    verb.set_defaults(run=reduce)


def replay(options: argparse.Namespace) -> int:
    """Reduce a recorded run."""
    from lics_beamline.cli.record import data_folder
    from lics_beamline.cli.story import HEADING, point_line
    from lics_beamline.exports.reduced_run import reduced_point
    from lics_beamline.reduction.recipe import read_recipe
    from lics_beamline.replay import replay as run

    recipe = read_recipe(options.recipe) if options.recipe else None
    headings = iter((HEADING + "\n",))

    def tell(data: dict[str, Any]) -> None:
        if not options.json:
            sys.stdout.write(next(headings, "") + point_line(reduced_point(data)) + "\n")
            sys.stdout.flush()

    result = run(data_folder(options), options.uid, recipe=recipe, told=tell)
    if options.json:
        sys.stdout.write(json.dumps({**asdict(result), "journal": str(result.journal)}, indent=1) + "\n")
    elif result.already:
        sys.stdout.write(f"already reduced by this recipe: {result.points} points in {result.journal}\n")
    else:
        sys.stdout.write(f"{result.points} points, {result.failed} failed: {result.journal}\n")
    return 4 if result.failed else 0


def reduce(options: argparse.Namespace) -> int:
    """Integrate one image."""
    from lics_beamline.diffraction.geometry import read_geometry
    from lics_beamline.exports.columns import write_pattern
    from lics_beamline.reduction.image import reduce_image

    geometry = read_geometry(options.geometry)
    if options.orientation:
        geometry = geometry.oriented(options.orientation)
    reduced = reduce_image(options.image, geometry, bins=options.bins)
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
    if options.to:
        sys.stdout.write(f"pattern: {options.to}\n")
    return 0
