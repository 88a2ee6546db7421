"""The runs that are being looked at, each followed once however many look, in one thread."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import LicsError
from lics_beamline.exports.recorded_run import find_any
from lics_beamline.journal.head import Head
from lics_beamline.monitor.fold import text
from lics_beamline.monitor.followed_run import FollowedRun, known_heads
from lics_beamline.monitor.health import Health, health
from lics_beamline.monitor.view import RunView

LOOKED_EVERY_S: Final = 0.25  # between two looks at the journals [s]
BREATH_S: Final = 0.02  # between two looks where a run has more to read: pages are served meanwhile [s]
MOST_FOLLOWED: Final = 4  # runs kept in memory at a time: those that were looked at last; a long one has 60 MB
MOST_LISTED: Final = 60  # newest runs to choose from: more do not fit a list that a person reads
NEWEST: Final = ""  # in place of a uid: whichever sweep is the newest at the moment

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRun:
    """A run that may be chosen.

    Parameters
    ----------
    uid : str
        Of the run.
    says : str
        When it began, and what of.
    """

    uid: str
    says: str


class WatchedRuns:
    """Follows the runs that pages ask for.

    Parameters
    ----------
    data : DataFolder
        Where the journals are; it need not exist yet.
    """

    def __init__(self, data: DataFolder) -> None:
        self._data = data
        self._lock = threading.Lock()
        self._heads: dict[Path, Head] = {}
        self._asked: OrderedDict[str, FollowedRun] = OrderedDict()
        self._views: dict[str, RunView] = {}
        self._listed: tuple[ListedRun, ...] = ()
        self._health = Health()
        self._missing = ""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="monitor", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self.close()

    def close(self) -> None:
        """Let all journals go."""
        while self._asked:
            self._asked.popitem()[1].close()

    def view(self, uid: str = NEWEST) -> RunView | None:
        """Return a run as it is now; None where there is none yet.

        Parameters
        ----------
        uid : str
            Of a raw run, or of a reduction whose raw run is not here; empty for the newest sweep.
        """
        with self._lock:
            uid = uid or self._newest()
            if not uid:
                return None
            if uid not in self._asked:
                self._begin(uid)
            self._asked.move_to_end(uid)
            return self._views.get(uid)

    def runs(self) -> tuple[ListedRun, ...]:
        """Return the runs that may be chosen, newest first; the same value as before where there is no other."""
        with self._lock:
            return self._listed

    def health(self) -> Health:
        """Return how guard and followers fare."""
        with self._lock:
            return self._health

    def missing(self) -> str:
        """Return that the folder is not there, which may have been moved or its disk taken away; empty where it is."""
        with self._lock:
            return self._missing

    def _newest(self) -> str:
        return max(self._heads.values(), key=lambda each: each.time).uid if self._heads else ""

    def _begin(self, uid: str) -> None:
        found = next((each for each in self._heads.values() if each.uid == uid), None)
        followed = FollowedRun(self._data, found or find_any(self._data, uid))
        self._asked[uid] = followed
        self._views[uid] = followed.look()

    def _follow(self) -> None:
        while True:
            self.look()
            with contextlib.suppress(LicsError, OSError):  # the page that shows it tells of it
                self.view(NEWEST)  # whether anybody looks or not: who opens the page late waits for nothing
            with self._lock:
                is_behind = any(each.is_behind for each in self._asked.values())
            if self._ended.wait(BREATH_S if is_behind else LOOKED_EVERY_S):
                return

    def look(self) -> None:
        """Look once at the folder, and at each run that is asked for."""
        found = known_heads(self._heads, self._data.raw_journals)
        fares = health(self._data)
        is_there = self._data.raw_journals.is_dir()
        newest = sorted(found.values(), key=lambda each: -each.time)[:MOST_LISTED]
        listed = tuple(ListedRun(uid=each.uid, says=_told(each)) for each in newest)
        with self._lock:
            self._heads, self._health = found, fares
            self._missing = "" if is_there else f"{self._data.raw_journals} is not there: what was read before is shown"
            if listed != self._listed:
                self._listed = listed
            while len(self._asked) > MOST_FOLLOWED:
                uid, left = self._asked.popitem(last=False)
                self._views.pop(uid, None)
                left.close()
            asked = tuple(self._asked.items())
        for uid, followed in asked:
            try:
                view = followed.look()
            except (LicsError, OSError) as error:
                logger.warning("run %s: %s", uid, error)
                continue
            with self._lock:
                if uid in self._asked:
                    self._views[uid] = view


def _told(run: Head) -> str:
    began = datetime.fromtimestamp(run.time).astimezone()
    what = text(run.start.get("title") or run.start.get("purpose", ""))
    return f"{began:%Y-%m-%d %H:%M}  {run.uid[:8]}  {what:.60}"
