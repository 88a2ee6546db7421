"""Where people ask something of a running sweep, and where it answers: small files in the data folder.

Anybody who can write the folder may ask, from any terminal; the newest question counts. The sweep looks at it at every
moment at which it can do what is asked, and says in another file what it did. A lock tells whether there is a sweep.
Notes for its record wait in a folder, one a file, until they are written down.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from lics_beamline.control.request import ENGINE, Request, SubmittedRequest, SweepNote
from lics_beamline.data_folder import DataFolder, write_whole
from lics_beamline.journal import lock
from lics_beamline.processes.person import whoever_asks
from lics_beamline.processes.status_file import read_status

MOST_NOTE_CHARACTERS: Final = 10_000  # of one note: pages of it belong in a file that the note names

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepStatus:
    """How a sweep stands.

    Parameters
    ----------
    state : str
        ``running``, ``held``, ``stopping`` or ``ended``.
    says : str
        The same for people, with numbers.
    pid : int
        Process that runs it.
    answers : str
        Uid of the newest question it has heard; empty for none.
    when : str
        When it said so, ISO 8601.
    alive : bool
        Whether that process runs it still.
    """

    state: str
    says: str
    pid: int
    answers: str
    when: str
    alive: bool = True


def ask(data: DataFolder, request: Request, *, why: str = "", who: str = "") -> SubmittedRequest:
    """Ask something of the sweep that is recorded in a data folder, in place of whatever was asked before.

    Parameters
    ----------
    data : DataFolder
        Where the sweep is recorded.
    request : Request
        Whether to pause, continue or stop.
    why : str
        Reason that is recorded with it.
    who : str
        Default: the user and host of this process.
    """
    asked = SubmittedRequest(
        request=request,
        who=who or whoever_asks(),
        when=_now(),
        why=why,
        uid=str(uuid.uuid4()),
    )
    write_whole(_asked_path(data), json.dumps(asdict(asked), indent=1))
    return asked


def leave_note(data: DataFolder, text: str, *, who: str = "") -> Path:
    """Leave a note for the record of the sweep that is recorded in a data folder.

    Parameters
    ----------
    data : DataFolder
        Where the sweep is recorded.
    text : str
        What is to be written down.
    who : str
        Default: the user and host of this process.

    Returns
    -------
    Path
        The file in which it waits; it is gone once the note is written down.

    Raises
    ------
    ValueError
        If the note is empty, or longer than `MOST_NOTE_CHARACTERS`.
    """
    text = text.strip()
    if not 0 < len(text) <= MOST_NOTE_CHARACTERS:
        raise ValueError(
            f"a note of {len(text)} characters; it has 1 to {MOST_NOTE_CHARACTERS}. Name a file for what is longer."
        )
    folder = _notes_folder(data)
    folder.mkdir(exist_ok=True)
    path = folder / f"{time.time_ns()}-{uuid.uuid4().hex[:8]}.json"
    write_whole(path, json.dumps(asdict(SweepNote(who=who or whoever_asks(), when=_now(), text=text)), indent=1))
    return path


def sweep_status(data: DataFolder) -> SweepStatus | None:
    """Return how the newest sweep of a data folder stands, and whether it runs still; None where there was none."""
    said = read_status(_status_path(data), SweepStatus)
    if said is None:
        return None
    return replace(said, alive=said.state != "ended" and lock.is_held(_lock_path(data)))


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
        with lock.sole(_lock_path(self.data), what=f"a sweep of {self.data.root}"):
            _asked_path(self.data).unlink(missing_ok=True)
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

    def note(self, says: str) -> None:
        """Leave something for the record of the sweep, from any thread."""
        if self.is_open:
            self._notes.append(SweepNote(who=ENGINE, when="", text=says))

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
            found = _asked_path(self.data).stat()
        except OSError:
            return None
        stamp = (found.st_ino, found.st_mtime_ns)  # each question is a file of its own, moved into place
        if stamp != self._stamp:
            self._newest = read_status(_asked_path(self.data), SubmittedRequest)
            if self._newest is None:
                logger.error("%s cannot be understood: it is no request of lics", _asked_path(self.data))
            self._stamp = stamp
        return self._newest if self._newest is not None and self._newest.uid != self._answered else None

    def answer(self, asked: SubmittedRequest, state: str, says: str) -> None:
        """Say what was done about a question; it is not asked any more."""
        self._answered = asked.uid
        self.say(state, says)

    def say(self, state: str, says: str, *, heard: SubmittedRequest | None = None) -> None:
        """Say how the sweep stands; with `heard` also that a question was heard and is not answered yet."""
        said = SweepStatus(
            state=state, says=says, pid=os.getpid(), answers=heard.uid if heard else self._answered, when=_now()
        )
        if state == "held" != self._state:
            self._told(f"lics: the sweep in {self.data.root} is {says}")
        self._state = state
        told = {key: one for key, one in asdict(said).items() if key != "alive"}
        try:
            write_whole(_status_path(self.data), json.dumps(told, indent=1))
        except OSError as error:  # a full disk keeps nobody from holding
            logger.error("%s could not be written: %s", _status_path(self.data), error)


def _asked_path(data: DataFolder) -> Path:
    return data.root / "sweep-asked.json"


def _notes_folder(data: DataFolder) -> Path:
    return data.root / "sweep-notes"


def _waiting_notes(data: DataFolder) -> list[Path]:
    """Return the notes that are not written down yet, oldest first."""
    try:
        return sorted(path for path in _notes_folder(data).iterdir() if path.suffix == ".json" and path.is_file())
    except OSError:  # nobody ever left one
        return []


def _status_path(data: DataFolder) -> Path:
    return data.logs / "sweep.json"


def _lock_path(data: DataFolder) -> Path:
    return data.logs / "sweep.lock"


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="milliseconds")
