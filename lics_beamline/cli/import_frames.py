"""The verb ``import``: frames or patterns that other programs recorded become a run, by a table of P and T."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lics_beamline.cli.argument import pathname
from lics_beamline.cli.image_options import add_recipe_options, check_files, chosen_integration
from lics_beamline.cli.json_answer import tell_json
from lics_beamline.cli.pattern_options import add_reading, wavelengths
from lics_beamline.cli.workers import PointBar
from lics_beamline.errors import ProfileError, ReductionFailed

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from lics_beamline.data_folder import DataFolder
    from lics_beamline.imports.foreign_run import ForeignRun
    from lics_beamline.imports.frame_files import FrameFile
    from lics_beamline.imports.frame_table import FrameTable
    from lics_beamline.imports.pattern_files import PatternFinder
    from lics_beamline.imports.placement import Placement
    from lics_beamline.reduction.recipe import Recipe

RANGE_STEPS_PER_DEG: Final = 100  # to which the range that a detector sees is rounded inwards


def add(verbs: Any, shared: argparse.ArgumentParser) -> None:
    """Add the verb to the command line."""
    verb = verbs.add_parser(
        "import",
        parents=[shared],
        help="make a run of frames or patterns recorded elsewhere and a table of P and T",
        description="Record frames of any detector, or patterns that any program integrated (.xy, .xye, .chi, "
        ".fxye, .dat, .cif, NeXus), with a table of their pressures and temperatures as a run, which is then "
        "replayed, analysed and exported like any other. TABLE is text with commas, semicolons or tabs and a line "
        "of headings: a column of files, P and T with their units (`P (GPa)`, `T (K)`, `temperature_c`, `kbar`), and "
        "where there are any, errors (`+-`), frame, exposure (s), stroke, sample, comment, wavelength (A). All that is "
        "wrong is told at once, and then nothing is recorded.",
    )
    verb.add_argument("table", type=pathname, metavar="TABLE")
    verb.add_argument(
        "--frames", type=pathname, metavar="DIR", help="folder of the frames (default: that of the table)"
    )
    add_recipe_options(verb)
    _add_pattern_options(verb)
    verb.add_argument(
        "--phases",
        nargs="+",
        metavar="PHASE",
        help="phases to seek: names of the library or TOML files (default: those of --recipe, or none)",
    )
    verb.add_argument("--sample", default="", metavar="NAME", help="what was in the cell (default: as in the table)")
    verb.add_argument("--title", default="", metavar="TEXT", help="what it was for, in a line")
    verb.add_argument("--operator", default="", metavar="NAME", help="who measured it")
    verb.add_argument("--proposal", default="", metavar="TEXT", help="under which proposal")
    verb.add_argument(
        "--pressure-by", default="", metavar="TEXT", help='how P was determined: "ruby, operator\'s notebook"'
    )
    verb.add_argument("--temperature-by", default="", metavar="TEXT", help="how T was determined")
    verb.add_argument(
        "--copy", action="store_true", help="copy the frames into the data folder (default: link to the same files)"
    )
    verb.add_argument("--check", action="store_true", help="say what would be recorded, and record nothing")
    verb.add_argument("--json", action="store_true", help="print JSON for a program, nothing else")
    verb.set_defaults(run=import_frames)


def _add_pattern_options(verb: argparse.ArgumentParser) -> None:
    patterns = verb.add_argument_group("patterns, in place of frames")
    patterns.add_argument(
        "--patterns",
        action="store_true",
        help="the files are patterns (default: where all end in .xy, .xye, .chi, .fxye, .dat, .cif or the like; of "
        "NeXus it has to be said)",
    )
    patterns.add_argument(
        "--wavelength",
        type=wavelengths,
        metavar="ANGSTROM",
        help="of the X-rays (default: what the files or the table say); two with a comma between, or a tube by name "
        "(CuKa), where every line comes twice: the second ones are taken off",
    )
    add_reading(patterns)


def import_frames(options: argparse.Namespace) -> int:
    """Import frames or patterns with their table."""
    from lics_beamline.cli.argument import data_folder
    from lics_beamline.imports.foreign_run import ForeignRun, Origin
    from lics_beamline.imports.frame_files import FileFinder, FrameFinder, check_samples
    from lics_beamline.imports.frame_table import read_table
    from lics_beamline.imports.placement import check_room, placement

    check_files(options, options.table)
    folder = options.frames if options.frames is not None else options.table.absolute().parent
    if not folder.is_dir():
        raise ProfileError(f"there is no folder {folder}: give the folder of the frames by --frames.", path=str(folder))
    data = data_folder(options)
    table = read_table(options.table)
    for heading in table.not_used:
        sys.stderr.write(f"note: column {heading!r} is not used\n")
    patterns = _pattern_finder(options, table, folder)
    if patterns is None:
        given = _recipe(options)
        finder: FileFinder = FrameFinder(table, folder, given.geometry)
    else:
        finder = patterns
    doing = "reading frames" if patterns is None else "reading patterns"
    with PointBar(len(table.rows), quiet=options.json, doing=doing) as bar:
        frames = finder.find(bar.step)
    faults = (*table.faults, *finder.faults, *check_samples(table, options.sample))
    if faults:
        count = f"{len(faults)} faults" if len(faults) > 1 else "a fault"
        raise ProfileError(
            "\n".join((f"{options.table} has {count}, and nothing was recorded:", *faults)), faults=faults
        )
    recipe = _for_frames(given, frames, options) if patterns is None else _for_patterns(patterns, options)
    named = options.sample or next((row.sample for row in table.rows if row.sample), "")
    run = ForeignRun(
        table=table,
        frames=frames,
        recipe=recipe,
        origin=Origin(
            title=options.title or f"imported from {table.name}",
            sample=named,
            operator=options.operator,
            proposal=options.proposal,
            pressure_by=options.pressure_by,
            temperature_by=options.temperature_by,
        ),
        patterns=patterns.reading if patterns else None,
    )
    placed = placement(data, frames, run.folder)
    check_room(placed, copy=options.copy)
    for line in _doubts_of_patterns(run, patterns) if patterns else _doubts(run):
        sys.stderr.write(f"{line}\n")
    is_new = not options.check and _record(data, run, placed, folder=folder, copy=options.copy)
    told = _told(data, run, placed, is_new=is_new)
    if options.json:
        tell_json(told)
    else:
        sys.stdout.write("\n".join(_lines(options, run, told)) + "\n")
    return 0


def _pattern_finder(options: argparse.Namespace, table: FrameTable, folder: Path) -> PatternFinder | None:
    """Return what finds the patterns of a table; None where its files are frames.

    Raises
    ------
    ProfileError
        If an option is given that is of the others.
    """
    from lics_beamline.imports.pattern_files import PatternFinder, are_patterns

    of_patterns = {
        "--wavelength": options.wavelength,
        "--unit": options.unit,
        "--errors": options.errors,
        "--columns": options.columns,
    }
    if not options.patterns and not are_patterns(table):
        said = [name for name, value in of_patterns.items() if value is not None]
        if said:
            raise ProfileError(f"{said[0]} is of patterns, and these are frames by their names. Add --patterns.")
        return None
    of_frames = {
        "--geometry": options.geometry,
        "--orientation": options.orientation,
        "--mask": options.mask,
        "--dark": options.dark,
        "--flat": options.flat,
        "--polarisation": options.polarisation,
        "--no-clip": options.no_clip,
        "--invert-mask": options.invert_mask,
    }
    said = [name for name, value in of_frames.items() if value not in (None, False, [])]
    if said:
        raise ProfileError(f"{said[0]} is of frames, and these files are patterns. Leave it out, or name frames.")
    return PatternFinder(
        table,
        folder,
        wavelength_angstrom=options.wavelength[0] if options.wavelength else None,
        second_angstrom=options.wavelength[1] if options.wavelength and len(options.wavelength) > 1 else None,
        unit=options.unit,
        errors=options.errors,
        columns=tuple(options.columns) if options.columns else None,
    )


def _for_patterns(patterns: PatternFinder, options: argparse.Namespace) -> Recipe:
    """Return a recipe that takes the patterns as they are, over their range or the one that is said."""
    from lics_beamline.files.strict_toml import validate
    from lics_beamline.phases.phase import named_phase
    from lics_beamline.reduction.recipe import Frames, Recipe, read_recipe

    if options.recipe:
        recipe = read_recipe(options.recipe, geometry=patterns.geometry)
    else:
        recipe = Recipe(geometry=patterns.geometry, phases=())
    frames = patterns.frames
    if options.range or options.bins:
        low, high = options.range or frames.two_theta_deg
        step = (frames.two_theta_deg[1] - frames.two_theta_deg[0]) / frames.bins
        bins = options.bins or max(min(round((high - low) / step), 20_000), 10)
        said = frames.model_dump() | {"two_theta_deg": (low, high), "bins": bins}
        frames = validate(said, Frames, source="command line")
    update: dict[str, Any] = {"frames": frames}
    if options.phases:
        update["phases"] = tuple(named_phase(name, Path()) for name in options.phases)
    return recipe.model_copy(update=update)


def _doubts_of_patterns(run: ForeignRun, patterns: PatternFinder) -> Iterator[str]:
    """Yield what was taken for granted when patterns were read."""
    yield from (f"note: {name}: {remark}" for remark, name in patterns.remarks.items())
    if patterns.is_interpolated:
        yield "note: the patterns are not on one even grid of 2theta, and are interpolated to the finest of theirs"
    if not run.recipe.phases:
        yield "note: no phases are sought: name them with --phases, or in a recipe at lics replay --recipe FILE"


def _recipe(options: argparse.Namespace) -> Recipe:
    """Return the recipe of a file, with the geometry that is said instead; or one of that geometry alone.

    Raises
    ------
    ProfileError
        If there is neither, or one cannot be used.
    """
    from lics_beamline.geometry.geometry import read_geometry
    from lics_beamline.phases.phase import named_phase
    from lics_beamline.reduction.recipe import Recipe, read_recipe

    given = read_geometry(options.geometry) if options.geometry else None
    if options.recipe:
        recipe = read_recipe(options.recipe, geometry=given)
    elif given is None:
        raise ProfileError(
            "there is no geometry: give --geometry G.poni, or --recipe FILE, which names one; for files of patterns "
            "that are integrated, --patterns."
        )
    else:
        recipe = Recipe(geometry=given, phases=())
    update: dict[str, Any] = {}
    if options.orientation:
        update["geometry"] = recipe.geometry.oriented(options.orientation)
    if options.phases:
        update["phases"] = tuple(named_phase(name, Path()) for name in options.phases)
    return recipe.model_copy(update=update)


def _for_frames(recipe: Recipe, frames: tuple[FrameFile, ...], options: argparse.Namespace) -> Recipe:
    """Return the recipe with what the command line says, over the range that the detector sees where nothing says one.

    Raises
    ------
    ProfileError
        If mask, dark or flat do not fit the frames.
    """
    from lics_beamline.files.strict_toml import validate
    from lics_beamline.reduction.point import integrator
    from lics_beamline.reduction.recipe import Frames

    chosen = chosen_integration(recipe.integration(), options, recipe.geometry)
    if not options.recipe and not options.range:
        chosen = replace(chosen, two_theta_deg=None)
    try:
        engine = integrator(recipe.geometry, chosen, frames[0].shape)
    except ReductionFailed as error:
        raise ProfileError(str(error), **error.facts) from None
    said = {
        "bins": chosen.bins,
        "two_theta_deg": chosen.two_theta_deg or _seen_deg(engine.two_theta_deg),
        "polarisation": chosen.polarisation,
        "clip_sigma": chosen.clip_sigma,
    }
    plate = {"mask": chosen.mask, "dark": chosen.dark, "flat": chosen.flat}
    return recipe.model_copy(
        update={
            "frames": validate(recipe.frames.model_dump() | said, Frames, source="command line"),
            "plate": recipe.plate.model_copy(update=plate),
        }
    )


def _doubts(run: ForeignRun) -> Iterator[str]:
    """Yield what a person should look at before the numbers are believed, by the first frame."""
    from lics_beamline.reduction.image import ImageRecipe, reduce_frame

    first = run.frames[0]
    recipe = ImageRecipe(geometry=run.recipe.geometry, integration=run.recipe.integration())
    try:
        reduced = reduce_frame(first.series, recipe, frame=first.number or "sum")
    except ReductionFailed as error:
        yield f"warning: {first.file.name}: {error}"
        return
    yield from (f"note: {first.file.name}: {note}" for note in reduced.notes)
    yield from (f"warning: {first.file.name}: {warning}" for warning in reduced.warnings)
    if not run.recipe.phases:
        yield "note: no phases are sought: name them with --phases, or in a recipe at lics replay --recipe FILE"


def _record(data: DataFolder, run: ForeignRun, placed: Placement, *, folder: Path, copy: bool) -> bool:
    """Record a run; return False where it has been recorded whole before."""
    from lics_beamline.imports.placement import place
    from lics_beamline.journal.head import head
    from lics_beamline.journal.writer import SUFFIX, Journal

    data.make()
    path = data.raw_journals / f"{run.uid}{SUFFIX}"
    before = head(path) if path.exists() else None
    if before is not None and before.finished:
        return False
    place(placed, copy=copy)
    with Journal(data.raw_journals, resume=True) as journal:
        for name, doc in run.documents(placed, folder=str(folder.absolute()), is_copy=copy):
            journal(name, doc)
    return True


def _told(data: DataFolder, run: ForeignRun, placed: Placement, *, is_new: bool) -> dict[str, Any]:
    return {
        "uid": run.uid,
        "recorded": is_new,
        "journal": str(data.raw_journals / f"{run.uid}.jsonl"),
        "frames": len(run.frames),
        "without_pressure": sum(math.isnan(frame.row.pressure_gpa) for frame in run.frames),
        "without_temperature": sum(math.isnan(frame.row.temperature_k) for frame in run.frames),
        "placed_mb": round(placed.size_bytes / 1e6, 3),
        "recipe_digest": run.recipe.digest,
    }


def _lines(options: argparse.Namespace, run: ForeignRun, told: dict[str, Any]) -> Iterator[str]:
    pressures = [frame.row.pressure_gpa for frame in run.frames if math.isfinite(frame.row.pressure_gpa)]
    kelvins = [frame.row.temperature_k for frame in run.frames if math.isfinite(frame.row.temperature_k)]
    plural = "s" if len(run.frames) > 1 else ""
    if run.patterns is None:
        rows, columns = run.frames[0].shape
        said = [f"{len(run.frames)} frame{plural} of {rows} x {columns} pixels"]
    else:
        low, high = run.recipe.frames.two_theta_deg
        said = [
            f"{len(run.frames)} pattern{plural} of {run.recipe.frames.bins} points, {low:g} to {high:g} deg at "
            f"{run.patterns.wavelength_angstrom:g} angstrom"
        ]
    for values, unit, what in ((pressures, "GPa", "pressure"), (kelvins, "K", "temperature")):
        said.append(_span(values, unit) if values else f"no {what}")
    yield ", ".join(said)
    for what in ("pressure", "temperature"):
        if told[f"without_{what}"]:
            yield f"without {what}: {told[f'without_{what}']}, in which no phases are sought"
    if options.check:
        yield "nothing is wrong, and nothing was recorded (--check)"
        return
    yield f"run {run.uid}" if told["recorded"] else f"run {run.uid}: recorded before, and not again"
    yield f"  journal  {told['journal']}"
    yield f"  next     lics replay {run.uid[:8]} --data {options.data}"


def _span(values: list[float], unit: str) -> str:
    low, high = min(values), max(values)
    return f"{low:g} {unit}" if low == high else f"{low:g} to {high:g} {unit}"


def _seen_deg(two_theta_deg: npt.NDArray[np.float32]) -> tuple[float, float]:
    """Return the range that a detector sees, rounded inwards [deg]."""
    low = math.ceil(float(two_theta_deg.min()) * RANGE_STEPS_PER_DEG)
    return low / RANGE_STEPS_PER_DEG, math.floor(float(two_theta_deg.max()) * RANGE_STEPS_PER_DEG) / RANGE_STEPS_PER_DEG
