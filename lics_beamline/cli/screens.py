"""Verb that writes operator screens: screens."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from lics_beamline.cli.argument import pathname
from lics_beamline.errors import ProfileError


def add(verbs: Any, shared: argparse.ArgumentParser) -> None:
    """Add the verb to the command line."""
    verb = verbs.add_parser(
        "screens",
        parents=[shared],
        help="write operator screens of the instruments, for Phoebus",
        description="Write a Phoebus screen (.bob) for each instrument of a profile, made from the PVs that its device "
        "reads and writes, and beamline.bob, which opens them. The prefix is the macro P. Gas is not vented from them, "
        "nor is the lease written. What is there under these names is written anew.",
    )
    verb.add_argument("folder", type=pathname, metavar="DIR", help="folder to write into; made where it is not there")
    verb.add_argument("--profile", default="simulated", help="name or folder of a profile (default simulated)")
    verb.set_defaults(run=screens)


def screens(options: argparse.Namespace) -> int:
    """Write the screens; 0 when they are written."""
    from lics_beamline.devices.control_layer import choose
    from lics_beamline.files.whole_file import write_whole
    from lics_beamline.profile import read_profile

    profile = read_profile(options.profile)
    choose()
    from lics_beamline.devices.operator_screens import of_profile

    folder: Path = options.folder
    if folder.exists() and not folder.is_dir():
        raise ProfileError(f"{folder} is no folder. Give another.", folder=str(folder))
    folder.mkdir(parents=True, exist_ok=True)
    made = of_profile(profile)
    for name, text in made.items():
        write_whole(folder / name, text)
    sys.stdout.write(f"{len(made)} screens in {folder}; open {folder / 'beamline.bob'} in Phoebus\n")
    return 0
