"""The verb ``reduce``: images of any detector, one or many, by a recipe or by what the command line says."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lics_beamline.cli import image_pictures
from lics_beamline.cli.argument import file_to_write, folder_to_write, pathname
from lics_beamline.cli.image_options import add_options, check_files, frame_choice, image_recipe
from lics_beamline.cli.json_answer import tell_json
from lics_beamline.cli.workers import PointBar, jobs, jobs_of
from lics_beamline.errors import ProfileError, ReductionFailed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lics_beamline.reduction.image import ImageRecipe, ReducedImage
    from lics_beamline.reduction.image_batch import ImageOutcome

COLUMNS: Final = ("xy", "xye", "chi")  # layouts of one file a frame, written as each is reduced


def add_reduce(verbs: Any, parents: list[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    verb = verbs.add_parser(
        "reduce",
        parents=parents,
        help="integrate images of any detector",
        description="Integrate images and list their peaks with their d-spacings. R-AXIS, TIFF, CBF, HDF5 and whatever "
        "else fabio reads. Of a file with several frames the first is taken, unless --frame, --sum or --each says "
        "which.",
    )
    verb.add_argument("image", type=pathname, metavar="IMAGE", nargs="+")
    add_options(verb)
    verb.add_argument("--jobs", type=jobs, metavar="N", help="processes that share the frames (default: one a core)")
    verb.add_argument(
        "--to",
        type=pathname,
        metavar="PATH",
        help="write the pattern to this file: .xy, .chi, else as .xye; of several frames, or with --for, files in this "
        "folder",
    )
    image_pictures.add_options(verb)
    verb.set_defaults(run=reduce)


def reduce(options: argparse.Namespace) -> int:
    """Reduce images."""
    from lics_beamline.reduction.image_batch import reduce_all, work_of

    several = len(options.image) > 1 or options.each
    in_folder = several or options.layout is not None
    check_files(options, *options.image)
    check_destination(options, in_folder=in_folder)
    image_pictures.check_destinations(options, in_folder=several)
    _check_frame(options)
    drawn = bool(options.cake or options.figure)
    recipe = image_pictures.with_pictures(image_recipe(options), options)
    marked = image_pictures.marker(options)
    work, outcomes = work_of(options.image, frame_choice(options))
    if in_folder and (options.to or drawn):
        _check_names([one.name for one in work])
    with PointBar(len(work) if several else 0, quiet=options.json) as bar:
        for came in reduce_all(work, recipe, jobs=jobs_of(options, len(work))):
            if came.reduced is None:
                outcomes.append(came)
                continue
            _write_columns(came, options, in_folder=in_folder)
            if drawn:
                image_pictures.write_pictures(came, recipe.geometry, options, marked, in_folder=several)
            outcomes.append(replace(came, reduced=replace(came.reduced, cake=None, view=None)))  # not held in memory
            if several:
                bar.say(line_of(came.work.name, came.reduced))
                bar.step()
    if not several and outcomes[0].reduced is None:
        raise ReductionFailed(outcomes[0].reason)
    for came in outcomes:
        say_doubts(came, recipe, asked_bins=bool(options.bins), several=several)
    if in_folder and options.to and layout_of(options) not in COLUMNS:
        write_together(options.to, outcomes, recipe, options)
    _tell(outcomes, options, several=several, in_folder=in_folder)
    return 4 if any(came.reduced is None for came in outcomes) else 0


def _write_columns(came: ImageOutcome, options: argparse.Namespace, *, in_folder: bool) -> None:
    """Write the pattern of one frame where it is asked for, unless its layout has all frames together."""
    if options.to and not in_folder:
        write_one(options.to, came, options)
    elif options.to and layout_of(options) in COLUMNS:
        options.to.mkdir(exist_ok=True)
        write_one(options.to / f"{came.work.name}.{layout_of(options)}", came, options)


def _tell(outcomes: list[ImageOutcome], options: argparse.Namespace, *, several: bool, in_folder: bool) -> None:
    """Print what was found and where it was written."""
    if options.json:
        told = [_plain(came) for came in outcomes]
        tell_json(told if several else told[0])
        return
    if not several and outcomes[0].reduced is not None:
        _say_peaks(outcomes[0].reduced)
    if options.to:
        sys.stdout.write(f"{'patterns' if in_folder else 'pattern'}: {options.to}\n")
    for what, path in (("figure", options.figure), ("cake", options.cake)):
        if path:
            sys.stdout.write(f"{what}{'s' if several else ''}: {path}\n")


def _check_frame(options: argparse.Namespace) -> None:
    """Refuse the number of a frame that the one file does not have; of many files each says so itself."""
    from lics_beamline.frames.frame import FrameSeries

    if options.frame and len(options.image) == 1:
        count = FrameSeries(options.image[0]).count
        if options.frame > count:
            raise ProfileError(
                f"--frame {options.frame} is not within 1 and {count}: {options.image[0].name} holds {count}.",
                frame=options.frame,
                frames=count,
            )


def _check_names(names: list[str]) -> None:
    """Refuse two images whose files would have one name."""
    name, times = Counter(names).most_common(1)[0] if names else ("", 0)
    if times > 1:
        raise ProfileError(
            f"{times} images would be written as {name}: give them one by one, or rename them.", name=name
        )


def check_destination(options: argparse.Namespace, *, in_folder: bool) -> None:
    """Refuse what cannot be written, before anything is computed.

    Raises
    ------
    ProfileError
        The message says what is wrong with the path, the layout or the unit.
    """
    if options.to:
        wrong = folder_to_write(options.to) if in_folder else file_to_write(options.to)
        if wrong:
            raise ProfileError(f"nothing can be written to {options.to}: {wrong}.", path=str(options.to))
    elif options.layout is not None:
        raise ProfileError(f"--for {options.layout} writes files: give --to DIR, the folder they go to.")
    layout = layout_of(options)
    if options.unit != "2theta" and layout not in ("xy", "xye"):
        raise ProfileError(f"--unit {options.unit} is for xy and xye; {layout} is always over 2theta.")


def layout_of(options: argparse.Namespace) -> str:
    """Return the layout that is meant: the one said, the one of the file's ending, or .xye."""
    if options.layout is not None:
        return str(options.layout)
    ending = options.to.suffix.lower().removeprefix(".") if options.to else ""
    return ending if ending in COLUMNS else "xye"


def write_one(path: Path, came: ImageOutcome, options: argparse.Namespace) -> None:
    """Write the pattern of one frame in columns."""
    from lics_beamline.exports.image_run import write_image_pattern
    from lics_beamline.files.whole_file import replacing

    if came.reduced is None:
        return
    pattern = came.reduced.pattern
    which = {0: ", sum of all frames", 1: ""}.get(came.reduced.frame, f", frame {came.reduced.frame}")
    said = f"{came.work.path.name}{which}, wavelength = {pattern.wavelength_angstrom:.6f} angstrom"
    layout: Any = layout_of(options)
    with replacing(path) as unfinished:
        write_image_pattern(unfinished, pattern, (said,), layout=layout, unit=options.unit)


def write_together(
    folder: Path, outcomes: Iterable[ImageOutcome], recipe: ImageRecipe, options: argparse.Namespace
) -> None:
    """Write all frames in a layout of `lics export`, with its manifest."""
    from lics_beamline.exports.image_run import image_run
    from lics_beamline.exports.package import pack

    patterns = [(came.work.name, came.reduced.pattern) for came in outcomes if came.reduced is not None]
    if patterns:
        run = image_run(patterns, recipe.geometry)
        pack(run, folder, layout=layout_of(options), raw={}, data_root=folder)


def say_doubts(came: ImageOutcome, recipe: ImageRecipe, *, asked_bins: bool, several: bool) -> None:
    """Say on standard error what was chosen, what to look at, and why a frame failed."""
    begin = f"{came.work.name}: " if several else ""
    if came.reduced is None:
        sys.stderr.write(f"lics: {begin}{came.reason}\n")
        return
    notes = [*came.reduced.notes, *came.reduced.remarks]
    bins, across = recipe.integration.bins, came.reduced.pixels_across
    if asked_bins and bins > across:
        notes.append(
            f"{bins} bins, and {across:.0f} pixels across the rings: more bins than pixels say nothing of their own"
        )
    for note in notes:
        sys.stderr.write(f"note: {begin}{note}\n")
    for warning in came.reduced.warnings:
        sys.stderr.write(f"warning: {begin}{warning}\n")


def line_of(name: str, reduced: ReducedImage) -> str:
    """Return what is said of one frame among many."""
    if not reduced.peaks:
        return f"{name}: no lines"
    strongest = max(reduced.peaks, key=lambda peak: peak.height)
    return f"{name}: {len(reduced.peaks)} lines, the strongest at {strongest.d_angstrom:.5f} A"


def _plain(came: ImageOutcome) -> dict[str, Any]:
    from lics_beamline.lines.unresolved_pairs import pair_reach_deg

    if came.reduced is None:
        return {"image": str(came.work.path), "failed": came.reason}
    return {
        "image": str(came.work.path),
        "frame": came.reduced.frame,
        "frames": came.reduced.frames,
        "wavelength_angstrom": came.reduced.pattern.wavelength_angstrom,
        "masked_fraction": came.reduced.pattern.masked_fraction,
        "rejected_fraction": came.reduced.pattern.rejected_fraction,
        "remarks": list(came.reduced.remarks),
        "notes": list(came.reduced.notes),
        "warnings": list(came.reduced.warnings),
        "peaks": [
            {**asdict(peak), "pair_reach_deg": reach}
            for peak, reach in zip(came.reduced.peaks, pair_reach_deg(came.reduced.peaks), strict=True)
        ],
    }


def _say_peaks(reduced: ReducedImage) -> None:
    from lics_beamline.lines.unresolved_pairs import on_flanks, pair_reach_deg
    from lics_beamline.reduction.image import RING_WORTH_TELLING

    sys.stdout.write("  2theta (deg)      d (A)        +-     area\n")
    reaches = pair_reach_deg(reduced.peaks)
    for peak, reach, flank in zip(reduced.peaks, reaches, on_flanks(reduced.peaks, reaches), strict=True):
        lost = peak.rejected_fraction or 0.0
        told = f"  {100.0 * lost:.0f} % of its pixels rejected" if lost >= RING_WORTH_TELLING else ""
        told += f"  wider than those beside it: if it is two, they lie {reach:.4f} deg off" if reach else ""
        told += "  may be the flank of the wide line beside it" if flank else ""
        sys.stdout.write(
            f"{peak.two_theta_deg:12.4f}  {peak.d_angstrom:10.5f}  {peak.d_sigma_angstrom:8.5f}  "
            f"{peak.area:10.4g}{told}\n"
        )
