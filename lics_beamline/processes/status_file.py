"""How a process fares, as it says in ``logs/<name>.json``: whenever its state changes, and once a second."""

from __future__ import annotations

import json
import logging
import math
import time
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Final, Protocol, TypeVar

from pydantic import TypeAdapter

from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import ProfileError
from lics_beamline.files.given_file import read_text
from lics_beamline.files.whole_file import write_whole

SAID_EVERY_S: Final = 1.0  # time between two statuses of a process whose state stays [s of wall clock]
MOST_STATUS_BYTES: Final = 1 << 20  # of one; a follower with a thousand runs in trouble has 200 kB

Said = TypeVar("Said")

logger = logging.getLogger(__name__)


class ProcessStatus(Protocol):
    """A dataclass that says how a process fares."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def state(self) -> str:
        """What it does now, in a word or two."""


def status_path(data: DataFolder, name: str) -> Path:
    """Return the file in which a process says how it fares."""
    return data.logs / f"{name}.json"


def read_status(path: Path, kind: type[Said]) -> Said | None:
    """Return what a small file says; None where there is none, or it says something else than it should.

    Parameters
    ----------
    path : Path
        The file. Whoever may write the folder may have written it.
    kind : type
        The dataclass that it should say; each field is held to its type.
    """
    try:
        text = read_text(path, most_bytes=MOST_STATUS_BYTES, what="a status")
        said: Said = _adapter(kind).validate_json(text, strict=True)  # type: ignore[arg-type]  # classes can be hashed
    except (ProfileError, ValueError):
        return None
    return said


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


class StatusFile:
    """Where one process says how it fares.

    Parameters
    ----------
    path : Path
        The file; its folder exists.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._state: str | None = None
        self._said_at_s = 0.0
        self._failed = False

    def is_due(self, state: str = "") -> bool:
        """Whether something should be said now: a second has passed, or the state is not the one said last.

        Parameters
        ----------
        state : str
            The state of now; empty where it is costly to know.
        """
        late = self._state is None or time.monotonic() - self._said_at_s >= SAID_EVERY_S
        return late or (state != "" and state != self._state)

    def say(self, status: ProcessStatus) -> None:
        """Say how the process fares, whether or not it is due; and tell of a full disk once."""
        self._state, self._said_at_s = status.state, time.monotonic()
        try:
            write_whole(self._path, json.dumps(asdict(status), indent=1))
            self._failed = False
        except OSError as error:
            if not self._failed:
                logger.error("%s cannot be written: %s", self._path, error.strerror)
            self._failed = True


def uptime_s() -> float:
    """Return the time since this computer was started [s]: the same in all its processes, and set by nobody."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def said_ago_s(said_s: float, said_uptime_s: float, *, here: bool) -> float:
    """Return how long ago something was said [s]; infinite where this computer has been started anew since.

    Parameters
    ----------
    said_s : float
        When, by the time of day [s since 1970]: that may be set, and only serves for what another computer said.
    said_uptime_s : float
        The same by `uptime_s` of the computer that said it [s]; 0 where it did not say.
    here : bool
        Whether that is this computer.
    """
    if here and said_uptime_s:
        ago_s = uptime_s() - said_uptime_s
        return ago_s if ago_s >= 0.0 else math.inf
    return time.time() - said_s
