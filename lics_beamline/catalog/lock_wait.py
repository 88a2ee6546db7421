"""A wait for the files of a catalog that another process has locked: told while it lasts, and no fault of the run.

Who waits sits inside SQLite, so that another thread tells. It asks the kernel, and opens neither file: SQLite is linked
twice in this process, and who closes a file drops the locks that the other one has on it.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from lics_beamline.catalog.place import CatalogPlace
from lics_beamline.catalog.reach import reaching
from lics_beamline.catalog.soundness import INDEX_NAME, SAID_AFTER_S, TABLES_NAME, lockers, who_locks
from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import Busy, JournalError

LOOKED_AFTER_S: Final = 0.5  # between two looks whether a write takes long [s]
DISK_WORDS: Final = (
    "disk I/O error",
    "database or disk is full",
    "unable to open database file",
    "attempt to write a readonly database",
)  # of SQLite, through whichever library: sqlite.org/rescode.html
LOCKED_WORDS: Final = ("database is locked", "database table is locked")  # of SQLite, through whichever library

logger = logging.getLogger(__name__)


class LockWait:
    """Says which file of a catalog is locked, by whom and for how long, while a write to it waits.

    Parameters
    ----------
    data : DataFolder
        The data folder.
    place : CatalogPlace
        Where its catalog is; of a server nothing is asked but whether it answers.
    said_after_s : float
        How long a write may wait before that is said [s of wall clock].
    """

    def __init__(self, data: DataFolder, place: CatalogPlace, *, said_after_s: float = SAID_AFTER_S) -> None:
        self._said_after_s = said_after_s
        self._place = place
        self._files = tuple(data.catalog / name for name in (TABLES_NAME, INDEX_NAME))
        self._since: float | None = None
        self._told: Path | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._tell, name="waiting for locks", daemon=True)

    def __enter__(self) -> Self:
        if self._place.is_embedded:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Write to the catalog while the context lasts.

        Raises
        ------
        Busy
            If SQLite has given up waiting for who has locked one of its files.
        JournalError
            If their disk does not take what is written.
        NotConnected, ProfileError
            If a server does not answer, or refuses.
        """
        began = self._since = time.monotonic()
        try:
            with reaching(self._place):
                yield
        except Exception as error:
            if self._place.is_embedded and (fault := _said_in(error, DISK_WORDS)):
                raise JournalError(
                    f"the catalog in {self._files[0].parent} cannot be written: {fault}. Mend the disk, or make room; "
                    "the journals have all of it.",
                    path=str(self._files[0].parent),
                ) from error
            if not self._place.is_embedded or not _said_in(error, LOCKED_WORDS):
                raise
            ours = os.getpid()
            file = self._told or next((each for each in self._files if lockers(each, but=ours)), self._files[-1])
            raise Busy(
                f"{file} is locked by {who_locks(file, but=ours)}, for {time.monotonic() - began:.0f} s and "
                "more: this run could not be written. It is tried again; the journals have all of it. End that process "
                "if it hangs.",
                file=str(file),
            ) from error
        finally:
            self._since = None
            if self._told is not None:
                logger.warning("%s was waited for for %.0f s", self._told, time.monotonic() - began)
                self._told = None

    def _tell(self) -> None:
        while not self._over.wait(LOOKED_AFTER_S):
            since = self._since
            if since is None or self._told is not None or time.monotonic() - since < self._said_after_s:
                continue
            for file in self._files:
                if lockers(file, but=os.getpid()):
                    self._told = file
                    logger.warning("%s is locked by %s; it is waited for", file, who_locks(file, but=os.getpid()))
                    break


def _said_in(error: BaseException, words: tuple[str, ...]) -> str:
    """Return which of some words an error, or what led to it, says; empty where it says none."""
    waiting, seen = [error], set[int]()
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if said := next((word for word in words if word in str(each)), ""):
            return said
        waiting += [one for one in (each.__cause__, each.__context__) if one is not None]
        waiting += each.exceptions if isinstance(each, BaseExceptionGroup) else ()
    return ""
