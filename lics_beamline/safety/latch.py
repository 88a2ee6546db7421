"""The latch: a trip that nobody has acknowledged is a file in the data folder, which only a person takes away."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import NotAcknowledged, ProfileError
from lics_beamline.files.given_file import check_nesting, parse_json, read_text
from lics_beamline.files.whole_file import write_whole
from lics_beamline.processes.person import whoever_asks

NOBODY_LEFT: Final = "guard lost"  # the cause where engine and guard have both fallen silent
MOST_TRIP_BYTES: Final = 1 << 20  # of one; the longest sentence about four instruments is a kilobyte
KEPT_AS: Final = "guard-tripped-%Y%m%dT%H%M%S%f%z"  # name of an acknowledged trip, by when that was; any time zone


def latch_path(data: DataFolder) -> Path:
    """Return the file that says what has tripped and is not acknowledged; absent when nothing is."""
    return data.root / "guard-tripped.json"


def latched(data: DataFolder) -> dict[str, Any] | None:
    """Return what has tripped and is not acknowledged: when, why, and what was read back; None when nothing is."""
    path = latch_path(data)
    try:
        return _read(path)
    except ProfileError as error:
        if not is_latched(data):
            return None
        return {"when": "", "cause": "unreadable", "says": f"{path} cannot be read: {error}"}


def is_latched(data: DataFolder) -> bool:
    """Whether there is a trip that nobody has acknowledged; where the disk does not say, there may be one."""
    try:
        os.lstat(latch_path(data))
    except FileNotFoundError:
        return False
    except OSError:  # not all versions of pathlib tell this from no file
        return True
    return True


def trip(data: DataFolder, *, cause: str, says: str, watchdog: str = "") -> None:
    """Say that something has tripped, where the guard itself cannot; a trip that is there already stands.

    Parameters
    ----------
    data : DataFolder
        Where it is kept.
    cause, says : str
        In a word or two, and in a sentence.
    watchdog : str
        When the watchdog of the instruments tripped, by its own word.
    """
    if latched(data) is not None:
        return
    when = datetime.now().astimezone().isoformat(timespec="milliseconds")
    latch(data, {"when": when, "cause": cause, "says": says, "watchdog": watchdog})


def has_acknowledged(data: DataFolder, watchdog: str) -> bool:
    """Whether a person has looked since the watchdog of the instruments tripped, by when it says it did.

    Either that trip was acknowledged, or that nobody kept the beamline any more, which was why.
    """
    for kept in data.logs.glob("guard-tripped-*.json"):
        try:
            said = _read(kept)
        except ProfileError:
            continue
        if said.get("watchdog") == watchdog:
            return True
        if said["cause"] == NOBODY_LEFT and _is_since(kept, watchdog):
            return True
    return False


def _acknowledged_at(kept: Path) -> datetime:
    try:
        return datetime.strptime(kept.stem, KEPT_AS).astimezone()
    except ValueError:  # of an earlier version, which kept the time of its own zone
        return datetime.strptime(kept.stem, KEPT_AS.removesuffix("%z")).astimezone()


def _is_since(kept: Path, watchdog: str) -> bool:
    """Whether a trip was acknowledged since the watchdog's; False where one of them does not say when."""
    try:
        return _acknowledged_at(kept) >= datetime.fromisoformat(watchdog).astimezone()
    except (ValueError, OverflowError):
        return False


def _read(path: Path) -> dict[str, Any]:
    """Return what a trip says.

    Raises
    ------
    ProfileError
        If it cannot be read, or does not say when, why and what.
    """
    said = parse_json(read_text(path, most_bytes=MOST_TRIP_BYTES, what="a trip"), source=str(path), what="a trip")
    check_nesting(said, source=str(path))
    lacking = [key for key in ("when", "cause", "says") if not isinstance(said.get(key), str)]
    lacking += [key for key in ("read_back_before", "read_back_safe") if not isinstance(said.get(key, {}), dict | None)]
    if lacking:
        raise ProfileError(f"{path}: does not say {', '.join(lacking)} as a trip does. Restore it.", file=str(path))
    return said


def latch(data: DataFolder, said: Mapping[str, Any]) -> None:
    """Keep what has tripped, also through a power cut, in place of what was kept before.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    write_whole(latch_path(data), json.dumps(said, indent=1), durable=True)


def require_acknowledged(data: DataFolder) -> None:
    """Refuse to begin while a trip is not acknowledged.

    Raises
    ------
    NotAcknowledged
        With what has tripped and when.
    """
    trip = latched(data)
    if trip is not None:
        raise NotAcknowledged(
            f"the guard tripped at {trip['when']} ({trip['cause']}): {trip['says']} Look at the beamline, then say "
            f"`lics guard --acknowledge --data {data.root}`.",
            cause=trip["cause"],
            when=trip["when"],
        )


def trips(data: DataFolder) -> Iterator[dict[str, Any]]:
    """Yield what has tripped in a data folder, acknowledged or not, oldest first; what cannot be read is left out."""
    for path in (*sorted(data.logs.glob("guard-tripped-*.json")), latch_path(data)):
        try:
            yield _read(path)
        except ProfileError:
            continue


def acknowledge(data: DataFolder, *, who: str = "") -> Path | None:
    """Take note of a trip, as a person: what it said is kept among the logs, with who took note of it and when.

    Parameters
    ----------
    data : DataFolder
        Where it is kept.
    who : str
        Default: the user and host of this process.

    Returns
    -------
    Path or None
        File in which it is kept; None when nothing had tripped.
    """
    now = datetime.now().astimezone()
    kept = data.logs / f"{now.strftime(KEPT_AS)}.json"
    data.logs.mkdir(parents=True, exist_ok=True)
    try:
        os.replace(latch_path(data), kept)
    except FileNotFoundError:
        return None
    with contextlib.suppress(ProfileError, OSError):  # what cannot be read is kept as it is
        by = {"acknowledged_by": who or whoever_asks(), "acknowledged_at": now.isoformat()}
        write_whole(kept, json.dumps(_read(kept) | by, indent=1))
    return kept
