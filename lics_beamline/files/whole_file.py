"""Files that are never met half written: whoever reads one meets what was there before, or all that is there now."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_whole(path: Path, content: str | bytes, *, durable: bool = False) -> None:
    """Write a file so that whoever reads it meets what was there before or all of `content`, never a part.

    Any number of threads and processes may write the same file; the last one counts.

    Parameters
    ----------
    path : Path
        The file; its folder exists.
    content : str or bytes
        All that it holds from now on; text is written as UTF-8.
    durable : bool
        Whether it must outlast a power cut from the moment this returns. That takes milliseconds, on a busy disk more.

    Raises
    ------
    OSError
        If it cannot be written; then what was there before is there still.
    """
    with replacing(path, durable=durable) as unfinished:
        unfinished.write_bytes(content.encode() if isinstance(content, str) else content)


@contextmanager
def replacing(path: Path, *, durable: bool = False) -> Iterator[Path]:
    """Give a file to be written in place of `path`, which it replaces when the context ends well.

    Parameters
    ----------
    path : Path
        The file that is replaced, or made; its folder exists.
    durable : bool
        As of `write_whole`.

    Yields
    ------
    Path
        A new, empty file beside it, whose name nobody else has and no reader looks for. Where `path` is no file but
        a pipe or a device, `path` itself.

    Raises
    ------
    OSError
        If it cannot be written; of a pipe, if nobody reads it.
    """
    path = Path(os.path.realpath(path))  # of a link, what it leads to is replaced; of links in a circle, the first
    if path.exists() and not path.is_file():
        # To replace /dev/null would be remembered. A pipe that nobody reads is no place, and would be waited for.
        kept = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        try:
            yield path
        finally:
            os.close(kept)
        return
    unfinished = path.with_name(f".{path.name}.{uuid.uuid4().hex}.new")
    try:
        unfinished.touch(exist_ok=False)
    except OSError as error:
        error.filename = str(path)  # the name that people know
        raise
    try:
        yield unfinished
        if durable:
            _sync(unfinished)
        os.replace(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


def set_aside(path: Path, *, why: str = "damaged") -> Path:
    """Give a file or folder another name beside it, so that it can be made anew; return where it is now.

    Parameters
    ----------
    path : Path
        What is set aside; nothing of it is changed or removed.
    why : str
        A word for its new name: ``catalog.damaged-1``.
    """
    number = 1
    while (aside := path.with_name(f"{path.name}.{why}-{number}")).exists():
        number += 1
    path.rename(aside)
    return aside


def sync_folder(folder: Path) -> None:
    """Make durable which files a folder holds, by their names."""
    _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
