"""The verb ``watch``: reduce each image that appears in a folder, as soon as it is complete."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lics_beamline.cli import image_pictures
from lics_beamline.cli.argument import pathname, real
from lics_beamline.cli.image_options import add_options, check_files, frame_choice, image_recipe
from lics_beamline.cli.images import COLUMNS, check_destination, layout_of, line_of, say_doubts, write_one
from lics_beamline.cli.running_text import tell_line
from lics_beamline.errors import ProfileError

if TYPE_CHECKING:
    from lics_beamline.reduction.image import ImageRecipe

LOOK_S: Final = 1.0  # between two looks: a file that is written without a pause of that length is never met half
PATIENCE_S: Final = 60.0  # a file that is cut off, or lacks a part, is tried for so long


def add(verbs: Any, shared: argparse.ArgumentParser) -> None:
    """Add the verb to the command line."""
    verb = verbs.add_parser(
        "watch",
        parents=[shared],
        help="reduce each image that appears in a folder, as soon as it is complete",
        description="Look into a folder until Ctrl-C, reduce each image there as soon as it is complete, and write its "
        "pattern. Images whose pattern is there already, and younger than they are, are left out: say it again, and it "
        "goes on.",
    )
    verb.add_argument("folder", type=pathname, metavar="FOLDER")
    add_options(verb)
    verb.add_argument("--to", type=pathname, metavar="DIR", help="folder of the patterns (default: patterns in FOLDER)")
    verb.add_argument(
        "--pattern", default="", metavar="GLOB", help="names of the images, as '*_master.h5' (default: by their ending)"
    )
    verb.add_argument("--once", action="store_true", help="reduce what is there, and end")
    verb.add_argument(
        "--every",
        type=real(0.1, 3600.0, "s"),
        default=LOOK_S,
        metavar="S",
        help="seconds between two looks (default 1)",
    )
    image_pictures.add_options(verb)
    verb.set_defaults(run=watch)


def watch(options: argparse.Namespace) -> int:
    """Watch a folder."""
    from lics_beamline.reduction.watched_folder import WatchedFolder

    if not options.folder.is_dir():
        raise ProfileError(f"{options.folder} is no folder: make it, or name another.", path=str(options.folder))
    options.to = options.to or options.folder / "patterns"
    check_files(options)
    check_destination(options, in_folder=True)
    if layout_of(options) not in COLUMNS:
        raise ProfileError(f"watch writes each pattern by itself: --for {', '.join(COLUMNS)}.")
    image_pictures.check_destinations(options, in_folder=True)
    for path in (options.figure, options.cake):
        if path and path.resolve() == options.folder.resolve():
            raise ProfileError(f"{path} is the folder that is watched: give another for what is not to be watched.")
    recipe = image_pictures.with_pictures(image_recipe(options), options)
    marked = image_pictures.marker(options)
    options.to.mkdir(exist_ok=True)
    folder = WatchedFolder(
        options.folder, options.pattern, most_tries=1 if options.once else max(1, round(PATIENCE_S / options.every))
    )
    folder.look()
    lost = 0
    try:
        while True:
            for path in folder.look():
                failed = _reduce(path, recipe, options, marked)
                if not failed:
                    folder.done(path)
                elif folder.failed(path):
                    lost += 1
                    sys.stderr.write(f"lics watch: {failed}\n")
            if options.once:
                return 4 if lost else 0
            time.sleep(options.every)
    except KeyboardInterrupt:
        return 4 if lost else 0


def _reduce(path: Path, recipe: ImageRecipe, options: argparse.Namespace, marked: image_pictures.Marker) -> str:
    """Reduce the frames of a file whose patterns are not there; returns why that failed, or nothing."""
    from lics_beamline.reduction.image_batch import outcome_of, work_of

    work, lost = work_of([path], frame_choice(options))
    if lost:
        return lost[0].reason
    for one in work:
        written = options.to / f"{one.name}.{layout_of(options)}"
        if written.exists() and written.stat().st_mtime_ns >= path.stat().st_mtime_ns:
            continue
        came = outcome_of(one, recipe)
        if came.reduced is None:
            return came.reason
        image_pictures.write_pictures(came, recipe.geometry, options, marked, in_folder=True)
        write_one(written, came, options)  # last: a pattern that is there says that all is
        tell_line(line_of(one.name, came.reduced))
        say_doubts(came, recipe, asked_bins=False, several=True)
    return ""
