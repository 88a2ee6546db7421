"""The sweep's side of what people ask of it (`lics_beamline.sweep_request`): it hears, and answers.

It looks at the newest question at every moment at which it can do what is asked, and says in another file what it did.
Notes for its record wait in a folder, one a file, until they are written down.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from lics_beamline.control.request import ENGINE, Request, SubmittedRequest, SweepNote
from lics_beamline.data_folder import DataFolder
from lics_beamline.files.whole_file import write_whole
from lics_beamline.journal import lock
from lics_beamline.processes.status_file import read_status
from lics_beamline.sweep_request import (
    MOST_NOTE_CHARACTERS,
    SweepStatus,
    ask,
    asked_path,
    lock_path,
    notes_folder,
    now,
    status_path,
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EngineSuspension:
    """Something outside that forbids a sweep to go on, until it does not any more.

    Parameters
    ----------
    why : str
        What it is, for people.
    before, after : plan, or callable that returns one, or None
        Carried out once the sweep is held for it, and before the sweep goes on.
    """

    why: str
    before: Any = None
    after: Any = None


class RequestFiles:
    """The sweep's side: hears what is asked, and answers.

    Parameters
    ----------
    data : DataFolder
        Where the sweep is recorded.
    hindrance : callable, optional
        Says what else forbids to go on now, besides people: that nobody guards the beamline. Empty when nothing does.
    told : callable, optional
        Hears, for people who are elsewhere, that a sweep is held, or why it has ended.

    Attributes
    ----------
    is_open : bool
        Whether a sweep is at work.
    data : DataFolder
        Where the sweep is recorded.
    suspensions : list of EngineSuspension
        What forbids a sweep to go on now, by suspenders of the engine; kept by the engine, in its own thread.
    """

    def __init__(
        self,
        data: DataFolder,
        *,
        hindrance: Callable[[], str] = lambda: "",
        told: Callable[[str], None] = lambda says: None,
    ) -> None:
        self.hindrance = hindrance
        self._told = told
        self._state = ""
        self.is_open = False
        self.data = data
        self.suspensions: list[EngineSuspension] = []
        self._notes: deque[SweepNote] = deque()
        self._written_down: set[str] = set()  # names of files
        self._stamp = (0, 0)
        self._newest: SubmittedRequest | None = None
        self._answered = ""

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """Be the only sweep of the data folder while the context lasts; what was asked of another one is not heard.

        Raises
        ------
        Busy
            If another process runs a sweep there.
        """
        with lock.sole(lock_path(self.data), what=f"a sweep of {self.data.root}"):
            asked_path(self.data).unlink(missing_ok=True)
            self._stamp, self._newest, self._answered = (0, 0), None, ""
            self._notes.clear()
            self._written_down = {waits.name for waits in _waiting_notes(self.data)}  # for another sweep, which is over
            self.suspensions.clear()
            self.say("running", "the sweep begins")
            self.is_open = True
            ended = "every point of its path is done"
            try:
                yield
            except BaseException as error:
                ended = str(error) or "ended from outside: Ctrl-C, the guard, or a queue"
                raise
            finally:
                self.is_open = False
                self.say("ended", "the sweep has ended")
                self._told(f"lics: the sweep in {self.data.root} has ended: {ended}")

    def ask(self, request: Request, *, who: str, why: str) -> SubmittedRequest:
        """Ask something of the sweep from within its own process; as `ask`."""
        return ask(self.data, request, who=who, why=why)

    def note(self, says: str, *, asked: SubmittedRequest | None = None) -> None:
        """Leave something for the record of the sweep, from any thread; what became of a question, by who asked it."""
        if self.is_open:
            who, when = (asked.who, asked.when) if asked is not None else (ENGINE, "")
            self._notes.append(SweepNote(who=who, when=when, text=says))

    def notes(self) -> Iterator[SweepNote]:
        """Take what was left for the record, people's notes too; one is gone once the next is asked for."""
        while self._notes:
            yield self._notes.popleft()
        for path in _waiting_notes(self.data):
            if path.name in self._written_down:
                continue
            note = read_status(path, SweepNote)
            if note is None:
                logger.error("%s cannot be understood: it is no note of lics", path)
            else:
                yield replace(note, text=note.text[:MOST_NOTE_CHARACTERS])
            self._written_down.add(path.name)
            with contextlib.suppress(OSError):  # of somebody whose files the sweep may not remove
                path.unlink(missing_ok=True)

    def asked(self) -> SubmittedRequest | None:
        """Return the newest question that has not been answered; None when there is none. Never fails."""
        try:
            found = asked_path(self.data).stat()
        except OSError:
            return None
        stamp = (found.st_ino, found.st_mtime_ns)  # each question is a file of its own, moved into place
        if stamp != self._stamp:
            self._newest = read_status(asked_path(self.data), SubmittedRequest)
            if self._newest is None:
                logger.error("%s cannot be understood: it is no request of lics", asked_path(self.data))
            self._stamp = stamp
        return self._newest if self._newest is not None and self._newest.uid != self._answered else None

    def answer(self, asked: SubmittedRequest, state: str, says: str) -> None:
        """Say what was done about a question; it is not asked any more."""
        self._answered = asked.uid
        self.say(state, says)

    def say(self, state: str, says: str, *, heard: SubmittedRequest | None = None) -> None:
        """Say how the sweep stands; with `heard` also that a question was heard and is not answered yet."""
        said = SweepStatus(
            state=state, says=says, pid=os.getpid(), answers=heard.uid if heard else self._answered, when=now()
        )
        if state == "held" != self._state:
            self._told(f"lics: the sweep in {self.data.root} is {says}")
        self._state = state
        told = {key: one for key, one in asdict(said).items() if key != "alive"}
        try:
            write_whole(status_path(self.data), json.dumps(told, indent=1))
        except OSError as error:  # a full disk keeps nobody from holding
            logger.error("%s could not be written: %s", status_path(self.data), error)


def _waiting_notes(data: DataFolder) -> list[Path]:
    """Return the notes that are not written down yet, oldest first."""
    try:
        return sorted(path for path in notes_folder(data).iterdir() if path.suffix == ".json" and path.is_file())
    except OSError:  # nobody ever left one
        return []
