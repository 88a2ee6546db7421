"""Arguments judged before anything is done: numbers within their range, files and folders that can be meant."""

from __future__ import annotations

import argparse
import errno
import math
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from lics_beamline.data_folder import DataFolder

LOOPBACK: Final = "127.0.0.1"  # this computer alone: where a verb listens unless told otherwise
MOST_COUNTED: Final = 10**9  # of points, columns, frames, processes: no list is longer
MOST_SEED: Final = 2**32 - 1  # of a random draw; none below 0, which numpy refuses


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return what reads a whole number within a range, for `argparse`."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text[:60]!r} is no whole number from {least} to {most}") from None
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(f"{number} is not within {least} and {most}")
        return number

    return read


def real(least: float, most: float, unit: str) -> Callable[[str], float]:
    """Return what reads a number within a range of a unit, for `argparse`."""

    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not least <= number <= most:  # NaN is not
            raise argparse.ArgumentTypeError(f"{text[:60]} is no number within {least:g} and {most:g} {unit}".rstrip())
        return number

    return read


def expanded(text: str) -> Path:
    """Return a path, its home put in where it begins with one; ``./~`` does not.

    Raises
    ------
    RuntimeError
        If nobody has that home.
    """
    return Path(text).expanduser() if text.startswith("~") else Path(text)


def pathname(text: str) -> Path:
    """Return the path of a file or a folder, there or not, for `argparse`; behind ``::`` is what is meant inside it.

    A home is meant by ``~`` also where no shell has put it in, as in ``--to=~/x``.
    """
    if not text or "\0" in text:
        raise argparse.ArgumentTypeError(f"{text[:60]!r} is no name of a file or a folder")
    try:
        path = expanded(text)
        mode = Path(str(path).partition("::")[0]).stat().st_mode
    except RuntimeError:
        raise argparse.ArgumentTypeError(f"{text[:60]} begins with a home that nobody has here") from None
    except OSError as error:  # not there, or out of sight: who opens it says so
        if error.errno == errno.ELOOP:
            raise argparse.ArgumentTypeError(f"{text[:60]} is a link that leads to itself") from None
        return path
    if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
        raise argparse.ArgumentTypeError(f"{text[:60]} is a pipe or a device, which would be waited for: give a file")
    return path


def file_to_read(path: Path) -> str:
    """Return why no file of a name can be read; empty where one is there. Behind ``::`` is what is meant inside it."""
    try:
        if path.is_dir():
            return f"{path} is a folder: give a file"
        if not Path(str(path).partition("::")[0]).exists():
            return f"{path} is not there: give a file"
    except (OSError, ValueError) as error:  # too long a name; a NUL in it
        return f"{str(path)[:100]!r} can be no file: {error!s:.100}"
    return ""


def file_to_write(path: Path) -> str:
    """Return why nothing can be written under a name; empty where it can."""
    try:
        if path.is_dir():
            return f"{path} is a folder: give the name of a file in it"
        if not path.parent.is_dir():
            return f"there is no folder {path.parent}: make it, or write elsewhere"
        if not os.access(path.parent, os.W_OK):
            return f"the folder {path.parent} cannot be written to: write elsewhere"
    except (OSError, ValueError) as error:
        return f"{str(path)[:100]!r} can be no file: {error!s:.100}"
    return ""


def folder_to_write(path: Path) -> str:
    """Return why no folder of this name can be written to, or made; empty where it can."""
    try:
        if path.exists() and not path.is_dir():
            return f"{path} is a file: give a folder"
        if not path.absolute().parent.is_dir():
            return f"there is no folder {path.parent}: make it, or write elsewhere"
        if not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
            return f"the folder {path} cannot be written to: write elsewhere"
    except (OSError, ValueError) as error:
        return f"{str(path)[:100]!r} can be no folder: {error!s:.100}"
    return ""


count = whole(1, MOST_COUNTED)
seed = whole(0, MOST_SEED)
speed = real(1.0, 300.0, "seconds of experiment a second")
angle = real(0.0, 180.0, "deg")
kelvin = real(0.001, 10_000.0, "K")
pixel_edge = real(1e-4, 10.0, "mm")


def add_orientation(verb: argparse.ArgumentParser, *, instead_of: str) -> None:
    """Add the option that says how an image lies.

    Parameters
    ----------
    verb : argparse.ArgumentParser
        The verb.
    instead_of : str
        Whose orientation it replaces, for the help.
    """
    verb.add_argument(
        "--orientation",
        type=int,
        choices=(1, 2, 3, 4),
        metavar="N",
        help=f"orientation of the image, instead of {instead_of}'s: 3 as pyFAI takes it by default, 2 flipped up-down, "
        "4 flipped left-right, 1 both",
    )


def data_folder(options: argparse.Namespace) -> DataFolder:
    """Return the data folder a command was given, as an absolute path."""
    from lics_beamline.data_folder import DataFolder

    return DataFolder(options.data.resolve())
