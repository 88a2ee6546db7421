"""How a guard fares, as it says in its file: watching, tripped, ended, or fallen silent without an end."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

from lics_beamline.data_folder import DataFolder
from lics_beamline.devices.lease import LeaseHolder, this_host
from lics_beamline.processes.status_file import StatusFile, read_status, said_ago_s, status_path
from lics_beamline.safety.heartbeat import heartbeat_path, silent_for_s
from lics_beamline.safety.latch import NOBODY_LEFT, trip

NAME: Final = "guard"  # of its log and its status
STAYING: Final = "guard-that-stays"  # the same, of one that is no session's
STALE_AFTER_S: Final = 5.0  # a status older than this is that of a guard that died [s]


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardStatus:
    """How the guard of a data folder fares.

    Parameters
    ----------
    state : str
        ``starting``, ``watching``, ``tripped``, ``safe`` (tripped, and read back as safe), ``ended`` or ``never ran``.
    pid, engine_pid : int
        Its process, and the one it watches; 0 for none.
    host : str
        Its computer.
    alive : bool
        Whether it has said so within the last seconds.
    says : str
        Why it tripped; empty where it has not.
    warnings : tuple of str
        What is not well and has not tripped it.
    time : float
        When it said so last [s since 1970].
    uptime_s : float
        The same by the clock that its computer counts from its start [s], which nobody sets; 0 where it did not say.
    """

    state: str = "never ran"
    pid: int = 0
    engine_pid: int = 0
    host: str = ""
    alive: bool = False
    says: str = ""
    warnings: tuple[str, ...] = ()
    time: float = 0.0
    uptime_s: float = 0.0


def status(data: DataFolder, name: str = NAME) -> GuardStatus:
    """Return how a guard of a data folder fares, that of its session or another one by name; never fails."""
    found = read_status(status_path(data, name), GuardStatus)
    if found is None or not math.isfinite(found.time):
        return GuardStatus()
    fresh = found.state != "ended" and _silent_s(found) < STALE_AFTER_S
    return replace(found, alive=fresh)


def _silent_s(said: GuardStatus) -> float:
    """Return how long ago a guard said so [s]."""
    return said_ago_s(said.time, said.uptime_s, here=said.host == this_host())


def lost(data: DataFolder) -> str:
    """Return the sentence about a guard that has fallen silent without an end; empty where none has.

    Where the process that it watched is silent as well, nobody keeps the beamline: that is a trip, and is kept as one.
    """
    said = status(data)
    if said.alive or said.state in ("never ran", "ended"):
        return ""
    here = said.host == this_host()
    is_dead = here and LeaseHolder(pid=said.pid, host=said.host, since="").is_dead()
    if said.state == "starting" and not is_dead:
        return ""
    silent_s = _silent_s(said)
    where = f"process {said.pid} on {said.host or 'an unknown computer'}"
    says = f"the guard ({where}) has said nothing for {silent_s:.0f} s{' and is no more' if is_dead else ''}"
    if silent_for_s(heartbeat_path(data.logs, said.engine_pid)) < STALE_AFTER_S:
        return f"{says}. The process that runs the plan ({said.engine_pid}) lives, and holds until another one guards."
    says += f", and the process it watched ({said.engine_pid}) is silent too: both were killed, or their disk took "
    says += "nothing more of what they said. Look what is on at the beamline."
    try:
        trip(data, cause=NOBODY_LEFT, says=says)
    except OSError as error:  # where nothing can be written, neither could they say that they live
        says += f" Nothing can be written to {data.root} ({error.strerror}): mend that disk, both may be alive."
    return says


def bury(data: DataFolder) -> None:
    """Note that a guard which fell silent is known to be no more; done as a person acknowledges."""
    said = status(data)
    if not said.alive and said.state not in ("never ran", "ended"):
        StatusFile(status_path(data, NAME)).say(replace(said, state="ended"))
