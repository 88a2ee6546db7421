"""How guard, followers and sweep of a data folder fare, from the files in which each says so once a second."""

from __future__ import annotations

from dataclasses import dataclass

from lics_beamline.data_folder import DataFolder
from lics_beamline.follower import status as follower_status
from lics_beamline.monitor.fold import text
from lics_beamline.safety import guard_status
from lics_beamline.safety.latch import latched
from lics_beamline.sweep_request import SweepStatus, sweep_status


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowerHealth:
    """How one follower fares.

    Parameters
    ----------
    name, state : str
        ``reduce`` or ``catalog``, and what it does.
    documents_behind, seconds_behind : int, float
        Documents not yet dealt with, and for how long there have been such [s].
    troubles : tuple of str
        Runs that failed, and how.
    """

    name: str
    state: str
    documents_behind: int
    seconds_behind: float
    troubles: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How guard, followers and sweep fare.

    Parameters
    ----------
    guard : str
        State of the guard; ``silent`` where it has died without an end.
    trip : str
        What has tripped and nobody has acknowledged; empty where nothing has.
    warnings : tuple of str
        What the guard finds not well.
    followers : tuple of FollowerHealth
        The followers.
    sweep : SweepStatus or None
        How the newest sweep stands; None where there was none.
    """

    guard: str = "never ran"
    trip: str = ""
    warnings: tuple[str, ...] = ()
    followers: tuple[FollowerHealth, ...] = ()
    sweep: SweepStatus | None = None


def health(data: DataFolder) -> Health:
    """Return how guard, followers and sweep of a data folder fare; never fails, and changes nothing.

    Parameters
    ----------
    data : DataFolder
        The data folder.
    """
    guard = guard_status.status(data)
    trip = latched(data)
    is_lost = not guard.alive and guard.state not in ("never ran", "ended")
    return Health(
        guard="silent" if is_lost else guard.state,
        trip=text(f"{trip.get('cause', '')}: {trip.get('says', '')}") if trip is not None else "",
        warnings=tuple(text(each) for each in guard.warnings),
        followers=tuple(
            FollowerHealth(
                name=each.name,
                state=each.state,
                documents_behind=each.documents_behind,
                seconds_behind=each.seconds_behind,
                troubles=tuple(text(f"run {uid[:8]}: {trouble}") for uid, trouble in each.troubles.items()),
            )
            for each in follower_status.status(data)
        ),
        sweep=sweep_status(data),
    )
