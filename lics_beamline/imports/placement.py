"""Where the frames of an imported run lie from then on: in the data folder, by a link to the same file or as a copy.

A record names no file outside its data folder: what a journal from anywhere could have opened would then be any file of
this machine, and a folder that is moved or copied whole would have lost its frames.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import ProfileError
from lics_beamline.files.whole_file import replacing
from lics_beamline.frames.frame_digest import files_of
from lics_beamline.imports.frame_files import FrameFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where each file goes.

    Parameters
    ----------
    recorded : dict of Path to str
        Files as the table's frames have them, and their paths relative to the data folder.
    to_place : dict of Path to Path
        Files that do not lie in the data folder yet, and where they go.
    """

    recorded: dict[Path, str]
    to_place: dict[Path, Path]

    @property
    def size_bytes(self) -> int:
        """Size of all files that do not lie in the data folder yet."""
        return sum(file.stat().st_size for file in self.to_place)


def placement(data: DataFolder, frames: Iterable[FrameFile], folder: str) -> Placement:
    """Say where files of frames go, without doing it.

    Parameters
    ----------
    data : DataFolder
        The data folder. What lies in its ``plates``, or where that is a link to, stays where it is.
    frames : iterable of FrameFile
        The frames.
    folder : str
        Folder below ``plates`` for the others.

    Raises
    ------
    ProfileError
        If a master file links to files that lie elsewhere than it would find them from its new place.
    """
    recorded: dict[Path, str] = {}
    to_place: dict[Path, Path] = {}
    taken: dict[Path, Path] = {}
    for frame in frames:
        if frame.file in recorded:
            continue
        if frame.file.resolve().is_relative_to(data.plates.resolve()):  # the only folder that the catalog reads from
            recorded[frame.file] = data.relative(frame.file)
            continue
        target = data.plates / folder / frame.below
        if target in taken:
            raise ProfileError(
                f"{frame.file} and {taken[target]} would both be {target.name} in the data folder. Put both below the "
                "folder of --frames.",
                file=str(frame.file),
            )
        taken[target] = frame.file
        recorded[frame.file] = (target.relative_to(data.root)).as_posix()
        for part in files_of(frame.file):
            beside = os.path.relpath(part, frame.file.parent)
            place = Path(os.path.normpath(target.parent / beside))
            if not place.is_relative_to(data.plates / folder):
                raise ProfileError(
                    f"{frame.file.name} links to {part}, which lies outside the folder of --frames. Give a folder that "
                    "holds both.",
                    file=str(frame.file),
                )
            to_place[part] = place
    return Placement(recorded=recorded, to_place=to_place)


def check_room(placed: Placement, *, copy: bool) -> None:
    """Refuse what `place` could not do, as far as that can be seen without doing it.

    Raises
    ------
    ProfileError
        If files lie on another disk than their places, or there is no room for copies of them.
    """
    for file, target in placed.to_place.items():
        there = next(folder for folder in target.parents if folder.exists())
        if not copy and file.stat().st_dev != there.stat().st_dev:
            raise _refusal(placed, OSError(errno.EXDEV, "", str(file)), copy=copy)
        if copy and shutil.disk_usage(there).free < placed.size_bytes:
            raise _refusal(placed, OSError(errno.ENOSPC, "", str(file)), copy=copy)


def place(placed: Placement, *, copy: bool) -> None:
    """Put files in their places: as links to the same file, which take no room, or as copies.

    Parameters
    ----------
    placed : Placement
        Where they go. A file that is there already, from an import that was cut off, is replaced.
    copy : bool
        Copy them.

    Raises
    ------
    ProfileError
        If a file cannot be linked to, or there is no room for the copies. Nothing is left of what was placed.
    """
    done: list[Path] = []
    try:
        for file, target in placed.to_place.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            if copy:
                with replacing(target, durable=True) as unfinished:
                    shutil.copyfile(file, unfinished)
            else:
                target.unlink(missing_ok=True)
                os.link(file.resolve(), target)
            done.append(target)
    except OSError as error:
        for target in done:
            target.unlink(missing_ok=True)
        for target in placed.to_place.values():
            with contextlib.suppress(OSError):  # it is not there, or holds something else
                target.parent.rmdir()
        raise _refusal(placed, error, copy=copy) from error


def _refusal(placed: Placement, error: OSError, *, copy: bool) -> ProfileError:
    megabytes = math.ceil(placed.size_bytes / 1e6)
    why = "it lies on another disk" if error.errno == errno.EXDEV else os.strerror(error.errno or 0)
    if copy:
        return ProfileError(
            f"{error.filename} cannot be copied: {why}. The frames take {megabytes} MB; make room, or give another "
            "--data.",
            size_mb=megabytes,
        )
    return ProfileError(
        f"{error.filename} cannot be linked to from the data folder: {why}. Copy the frames ({megabytes} MB) with "
        "--copy; or make `plates` of a new data folder a link to the folder of frames, and they stay where they lie.",
        size_mb=megabytes,
    )
