"""What people ask of a running sweep, from terminal or page, through small files in the data folder.

Anybody who can write the folder may ask; the newest question counts, but for a stop, which stands. What the sweep does
with it is `lics_beamline.session.requests`. A lock tells whether there is a sweep.
"""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from lics_beamline.control.request import Request, SubmittedRequest, SweepNote
from lics_beamline.data_folder import DataFolder
from lics_beamline.files.whole_file import write_whole
from lics_beamline.journal import lock
from lics_beamline.processes.person import whoever_asks
from lics_beamline.processes.status_file import read_status

MOST_NOTE_CHARACTERS: Final = 10_000  # of one note: pages of it belong in a file that the note names


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

    What was asked before, and is not done yet, is left for the record by the name of whoever asked it. A stop that is
    not done yet stands: whoever asks to hold or to continue then is left for the record.

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

    Returns
    -------
    SubmittedRequest
        What counts: what was asked now, or the stop that stands.
    """
    asked = SubmittedRequest(
        request=request,
        who=who or whoever_asks(),
        when=now(),
        why=why,
        uid=str(uuid.uuid4()),
    )
    overtaken = _undone(data)
    if overtaken is not None and overtaken.request is Request.STOP is not request:
        stands = f"{overtaken.who} had asked to stop, and a stop stands"
        _leave(data, f"asked to {_words(asked)}; {stands}"[:MOST_NOTE_CHARACTERS], who=asked.who)
        return overtaken
    note = _leave(data, _overtaken_by(asked, overtaken), who=overtaken.who) if overtaken else None
    try:
        write_whole(asked_path(data), json.dumps(asdict(asked), indent=1))
    except OSError:
        if note is not None:
            note.unlink(missing_ok=True)
        raise
    return asked


def overtaken_by(data: DataFolder, asked: SubmittedRequest) -> SubmittedRequest | None:
    """Return what was asked after a question, and so in its place; None where it is the newest.

    Parameters
    ----------
    data : DataFolder
        Where the sweep is recorded.
    asked : SubmittedRequest
        The question, which was not answered yet.
    """
    newest = read_status(asked_path(data), SubmittedRequest)
    return newest if newest is not None and newest.uid != asked.uid else None


def asked_after(newer: SubmittedRequest) -> str:
    """Return what a person is told whose question another one has overtaken."""
    return f"{newer.who} asked to {newer.request.word} after you: that counts, and yours stands in the record"


def asked_before(stop: SubmittedRequest) -> str:
    """Return what a person is told who would hold or continue what another one stops."""
    return f"{stop.who} asked to stop before you: a stop stands, and yours stands in the record"


def _undone(data: DataFolder) -> SubmittedRequest | None:
    """Return what was asked of the running sweep and is not done; None where there is nothing."""
    asked, stands = read_status(asked_path(data), SubmittedRequest), sweep_status(data)
    if asked is None or stands is None or not stands.alive:
        return None
    # Heard, and a point is finished, or the safe state is on its way.
    finishing = stands.state in ("running", "stopping") and asked.request is not Request.CONTINUE
    return asked if finishing or stands.answers != asked.uid else None


def _overtaken_by(asked: SubmittedRequest, before: SubmittedRequest) -> str:
    then = f"before that was done {asked.who} asked to {asked.request.word}, and the newest counts"
    return f"asked to {_words(before)}; {then}"[:MOST_NOTE_CHARACTERS]


def _words(asked: SubmittedRequest) -> str:
    return f"{asked.request.word} ({asked.why})" if asked.why else asked.request.word


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
    return _leave(data, text, who=who)


def _leave(data: DataFolder, text: str, *, who: str) -> Path:
    folder = notes_folder(data)
    folder.mkdir(exist_ok=True)
    path = folder / f"{time.time_ns()}-{uuid.uuid4().hex[:8]}.json"
    write_whole(path, json.dumps(asdict(SweepNote(who=who or whoever_asks(), when=now(), text=text)), indent=1))
    return path


def sweep_status(data: DataFolder) -> SweepStatus | None:
    """Return how the newest sweep of a data folder stands, and whether it runs still; None where there was none."""
    said = read_status(status_path(data), SweepStatus)
    if said is None:
        return None
    return replace(said, alive=said.state != "ended" and lock.is_held(lock_path(data)))


def asked_path(data: DataFolder) -> Path:
    """Return the file of the newest question."""
    return data.root / "sweep-asked.json"


def notes_folder(data: DataFolder) -> Path:
    """Return the folder in which notes wait."""
    return data.root / "sweep-notes"


def status_path(data: DataFolder) -> Path:
    """Return the file in which a sweep says how it stands."""
    return data.logs / "sweep.json"


def lock_path(data: DataFolder) -> Path:
    """Return the file that is locked while there is a sweep."""
    return data.logs / "sweep.lock"


def now() -> str:
    """Return the time of day, ISO 8601 with the offset of the clock."""
    return datetime.now().astimezone().isoformat(timespec="milliseconds")
