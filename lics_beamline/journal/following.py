"""Follows all journals of some folders at once, each document of each run once, in order, in one thread of control.

What is done with the documents is the consumer's. A run whose consumer fails is noted and begun again later; the other
runs go on. So a consumer must bear a run being begun again, in this process or the next.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from lics_beamline.errors import Busy, LicsError, NotConnected
from lics_beamline.journal.head import Head, head
from lics_beamline.journal.reader import Tail, say
from lics_beamline.journal.writer import SUFFIX

LONGEST_TURN_S: Final = 0.25  # a run with a long backlog gives way to the others after this time [s]
ABANDONED_AFTER_S: Final = 5.0  # a writer that let go without a stop document may still be handing over [s]
BEGUN_AGAIN_AFTER_S: Final = 10.0  # a full disk or a locked file is seldom mended sooner [s]
MOST_ATTEMPTS: Final = 3  # at a run, after which it is left: what fails three times has a cause

logger = logging.getLogger(__name__)


class Consumer(Protocol):
    """What is done with the documents of one run."""

    def take(self, name: str, doc: Mapping[str, Any]) -> None:
        """Take the next document."""

    def pause(self) -> None:
        """All that is written has been taken; called again and again while nothing comes."""

    def abandoned(self) -> None:
        """All has been taken and the writer is gone without a stop document."""

    def close(self) -> None:
        """Let go of the run, whole or not."""


@dataclass(slots=True)
class _Followed:
    """One run being followed."""

    uid: str
    path: Path
    tail: Tail
    consumer: Consumer
    faults_told: int = 0
    written: bool = True
    idle_since: float | None = None
    given_up: bool = False


class Following:
    """Hands the documents of all journals, as they come, to one consumer a run.

    Parameters
    ----------
    folders : sequence of Path
        Folders of journals; they need not exist yet.
    begin : callable
        Gives the consumer of a run, from its `Head`; None where there is nothing to do for it.
    grace_s : float
        Time without writer after which a run without stop document counts as abandoned [s].
    retry_s : float
        Time after which a run that failed is begun again [s], `MOST_ATTEMPTS` times at most.

    Attributes
    ----------
    troubles : dict
        Uid of each run that failed (the name of its file where it has none that can be used), and how.
    left : set of str
        Uids of those that failed `MOST_ATTEMPTS` times: they are not begun again.
    run : str
        Uid of the run whose document was taken last.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        begin: Callable[[Head], Consumer | None],
        *,
        grace_s: float = ABANDONED_AFTER_S,
        retry_s: float = BEGUN_AGAIN_AFTER_S,
    ) -> None:
        self._folders = tuple(folders)
        self._begin = begin
        self._grace_s = grace_s
        self._retry_s = retry_s
        self._seen: set[Path] = set()
        self._open: dict[Path, _Followed] = {}
        self._again: dict[Path, float] = {}
        self._attempts: dict[Path, int] = {}
        self._unreachable: set[Path] = set()  # of those: for which a server did not answer, or a file was locked
        self.troubles: dict[str, str] = {}
        self.left: set[str] = set()
        self.run = ""

    def round(self, *, interrupted: Callable[[], bool] = lambda: False) -> int:
        """Give every run its turn.

        Parameters
        ----------
        interrupted : callable
            Asked after each document; True ends the round there.

        Returns
        -------
        int
            Number of documents taken.
        """
        self._discover()
        taken = 0
        for each in tuple(self._open.values()):
            taken += self._turn(each, interrupted)
            if interrupted():
                break
        return taken

    @property
    def retrying(self) -> bool:
        """Whether a run that failed waits to be begun again."""
        return bool(self._again)

    @property
    def unsettled(self) -> bool:
        """Whether more may come: a run is being written, was just left by its writer, or waits to be begun again.

        Not what waits for a server that does not answer: journals keep it until somebody follows them again.
        """
        again = any(path not in self._unreachable for path in self._again)  # a server may be down for days
        return again or any(not each.given_up for each in self._open.values())

    def behind(self) -> int:
        """Documents written and not yet taken, of the runs being followed."""
        return sum(each.tail.behind() for each in self._open.values())

    def close(self) -> None:
        """Let go of all runs."""
        for each in tuple(self._open.values()):
            try:
                self._leave(each)
            except Exception as error:
                self._note(each.path, each.uid, error)

    def _discover(self) -> None:
        now = time.monotonic()
        due = [path for path, when in self._again.items() if when <= now]
        there = {path for folder in self._folders if folder.is_dir() for path in folder.glob(f"*{SUFFIX}")}
        for path in (*sorted(there - self._seen), *due):
            try:
                first = head(path)
            except (LicsError, OSError) as error:
                self._seen.add(path)
                self._again.pop(path, None)
                self._note(path, path.stem, error)
                continue
            if first is None:
                continue  # its start document is not whole yet
            self._seen.add(path)
            if self._again.pop(path, None) is not None:
                for known in (first.uid, path.stem):
                    self.troubles.pop(known, None)
            try:
                consumer = self._begin(first)
                self._unreachable.discard(path)
                if consumer is not None:
                    tail = Tail(path)
                    self._open[path] = _Followed(uid=first.uid, path=path, tail=tail, consumer=consumer)
            except Exception as error:
                self._note(path, first.uid, error)

    def _turn(self, each: _Followed, interrupted: Callable[[], bool]) -> int:
        taken = 0
        exhausted = True
        deadline = time.monotonic() + LONGEST_TURN_S
        try:
            each.written = each.tail.being_written()  # asked first: what was written by then is then read
            for name, doc in each.tail.documents():
                self.run = each.uid
                each.consumer.take(name, doc)
                taken += 1
                if each.tail.finished or interrupted() or time.monotonic() > deadline:
                    exhausted = False
                    break
            self._tell_faults(each)
            if each.tail.finished:
                self._leave(each)
            elif exhausted:
                self._idle(each, taken)
        except Exception as error:
            try:
                self._leave(each)
            except Exception:
                logger.debug("run %s could not be left tidily", each.uid, exc_info=True)
            self._note(each.path, each.uid, error)
        return taken

    def _idle(self, each: _Followed, taken: int) -> None:
        each.consumer.pause()
        if taken or each.written:
            each.idle_since = None
            each.given_up = False
        if each.written or each.given_up:
            return
        now = time.monotonic()
        each.idle_since = now if each.idle_since is None else each.idle_since
        if now - each.idle_since >= self._grace_s:
            logger.warning("run %s was abandoned by its writer after %d documents", each.uid, each.tail.line)
            each.given_up = True
            each.consumer.abandoned()

    def _tell_faults(self, each: _Followed) -> None:
        """Note what was wrong with the lines of a run; what can be used of it was taken, so it is not begun again."""
        new = each.tail.faults[each.faults_told :]
        if new:
            say(new)
            each.faults_told += len(new)
            more = f" And {each.faults_told - 1} more." if each.faults_told > 1 else ""
            self.troubles[each.uid] = f"{each.tail.faults[0]}{more} The other documents were used."

    def _leave(self, each: _Followed) -> None:
        self._open.pop(each.path, None)
        each.tail.close()
        each.consumer.close()

    def _note(self, path: Path, uid: str, error: Exception) -> None:
        if isinstance(error, (NotConnected, Busy)) and self._retry_s:
            # Nothing is wrong with the run: it is begun again until the server answers, or the file is free, said once.
            if path not in self._unreachable:
                logger.warning("run %s: %s", uid, error)
            self._unreachable.add(path)
            self.troubles[uid] = f"{type(error).__name__}: {error}"
            self._again[path] = time.monotonic() + self._retry_s
            return
        attempt = self._attempts[path] = self._attempts.get(path, 0) + 1
        self.troubles[uid] = f"{type(error).__name__}: {error}"
        if attempt < MOST_ATTEMPTS:
            self._again[path] = time.monotonic() + self._retry_s
        else:
            self.left.add(uid)
        logger.error(
            "run %s: attempt %d of %d failed, %s: %s",
            uid,
            attempt,
            MOST_ATTEMPTS,
            "it is begun again later" if attempt < MOST_ATTEMPTS else "it is left; the other runs go on",
            error,
            exc_info=None if isinstance(error, LicsError) else error,  # what is told in words needs no traceback
        )
