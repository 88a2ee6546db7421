"""Live results: the reduced points of the run under way, for a plan that acts on them.

Another process reduces; it may be slow, or dead. So a plan waits for a point by a status, and what is late hinders the
sweep: it is held, gas and temperature where they are, until the point is there or patience ends.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ophyd.status import StatusBase

from lics_beamline import schema
from lics_beamline.control.condition import NEW_PHASE
from lics_beamline.errors import DidNotSettle
from lics_beamline.journal.events import Streams
from lics_beamline.journal.following import Following
from lics_beamline.journal.head import Head
from lics_beamline.journal.lock import is_held
from lics_beamline.journal.reader import LOOKED_EVERY_S
from lics_beamline.profile import LiveSettings

MOST_KEPT: Final = 100  # results, the newest: a plan acts on the point just measured, and a sweep may have thousands


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """How much there is of a phase: a fraction or an amount in any unit, and its standard deviation."""

    value: float
    sigma: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveResult:
    """One reduced point.

    Parameters
    ----------
    derived_uid : str
        Uid of the derived run.
    data : mapping
        Numbers and words of its event. Its pattern is left out: a plan decides nothing by it, and a long sweep would
        keep thousands.
    """

    derived_uid: str
    data: Mapping[str, Any]

    @property
    def reduced(self) -> bool:
        """Whether the frame could be reduced."""
        return bool(self.data["reduced"])

    @property
    def phases(self) -> tuple[str, ...]:
        """Names of the phases found."""
        return _names(self.data["phases"])

    @property
    def new_phases(self) -> tuple[str, ...]:
        """Names of the phases that the recipe does not have and that no earlier point showed."""
        return _names(self.data.get("new_phases", ""))

    @property
    def unknown_phases(self) -> str:
        """Names of the phases there that the recipe does not have, comma separated; empty for none."""
        return ", ".join(_names(self.data.get("unknown_phases", "")))

    def fraction(self, phase: str) -> Amount:
        """Return the part of a phase in the crystalline sample; NaN where no phase of the sample was found.

        What no phase explains counts by its part of the area of the lines, for of its mass nothing is known: that is
        the part of `NEW_PHASE`, and parts of the others are of the rest.
        """
        unnamed = self._amount("unknown", "fraction")
        if phase == NEW_PHASE:
            return unnamed
        found, rest = self._amount(phase, "fraction"), 1.0 - unnamed.value
        if not rest < 1.0:  # NaN in runs of which it was not recorded
            return found
        return Amount(value=rest * found.value, sigma=math.hypot(rest * found.sigma, found.value * unnamed.sigma))

    def scale(self, phase: str, *, dose_counts: float) -> Amount:
        """Return the amount of a phase for the dose of its exposure [counts of the monitor]; 0 where not found."""
        found = self._amount(phase, "scale")
        if not self.reduced:
            return found
        if math.isnan(found.value):
            return Amount(value=0.0, sigma=0.0)
        return Amount(value=found.value / dose_counts, sigma=found.sigma / dose_counts)

    def _amount(self, phase: str, quantity: str) -> Amount:
        key = f"{phase.replace('-', '_')}_{quantity}"
        value, sigma = float(self.data.get(key, math.nan)), float(self.data.get(f"{key}_sigma", math.nan))
        return Amount(value=value, sigma=0.0 if math.isnan(sigma) else sigma)


def _names(text: object) -> tuple[str, ...]:
    return tuple(name for name in str(text).split(",") if name)


class LiveResults:
    """Follows the derived journal of one run.

    Parameters
    ----------
    folder : Path
        The folder of derived journals.
    start : mapping
        Start document of the raw run: its `sweep_uid` and `recipe_digest` say which derived run is meant.
    settings : LiveSettings
        How long a point is waited for.
    """

    def __init__(self, folder: Path, start: Mapping[str, Any], *, settings: LiveSettings) -> None:
        self._wanted = {key: start[key] for key in ("sweep_uid", "recipe_digest")}
        self._settings = settings
        self._root = folder.parents[1]
        self._following = Following([folder], self._begin)
        self._journals: list[Path] = []
        self._found: dict[str, LiveResult] = {}
        self._turn = threading.Lock()
        self._closed = threading.Event()
        self._awaited: StatusBase | None = None
        self._what = ""
        self._since_s = 0.0

    def awaits(self, exposure_uid: str, *, what: str) -> StatusBase:
        """Return a status that is done when an exposure has been reduced.

        Parameters
        ----------
        exposure_uid : str
            The exposure; its plate has been read.
        what : str
            How people call it.

        Returns
        -------
        StatusBase
            It fails with `DidNotSettle` when patience ends.
        """
        status = StatusBase()
        self._awaited, self._what, self._since_s = status, what, time.monotonic()
        threading.Thread(target=self._follow, args=(exposure_uid, status), name="live results", daemon=True).start()
        return status

    def lag(self) -> str:
        """Return why the sweep should be held: that a result is late; empty while none is."""
        if self._awaited is None or self._awaited.done:
            return ""
        late_s = time.monotonic() - self._since_s - self._settings.deadline_s
        return self._says() if late_s > 0.0 else ""

    def take(self, exposure_uid: str) -> LiveResult:
        """Return the reduced point of an exposure whose status is done."""
        return self._found[exposure_uid]

    def close(self) -> None:
        """Follow no more."""
        self._closed.set()
        with self._turn:
            self._following.close()

    def _says(self) -> str:
        alive = any(is_held(path) for path in self._journals)
        waited = f"{self._what} has not been reduced within {self._settings.deadline_s:g} s of wall clock"
        if alive:
            return f"{waited}: the live reducer is behind"
        start = f"python -m lics_beamline.follower reduce --data {self._root}"
        return f"{waited}: no live reducer is at work. Start one: {start}"

    def _follow(self, exposure_uid: str, status: StatusBase) -> None:
        until_s = self._since_s + self._settings.deadline_s + self._settings.most_held_s
        while not self._closed.is_set():
            with self._turn:
                self._following.round()
            if exposure_uid in self._found:
                status.set_finished()
                return
            if time.monotonic() > until_s:
                held = f"held for {self._settings.most_held_s:g} s, which is the most. The sweep ends here."
                status.set_exception(DidNotSettle(f"{self._says()}; {held}"))
                return
            self._closed.wait(LOOKED_EVERY_S)
        status.set_exception(DidNotSettle(f"{self._what} is not waited for any more: the sweep has ended."))

    def _begin(self, head: Head) -> _Run | None:
        if head.start.get("purpose") != schema.REDUCTION:
            return None
        if any(head.start.get(key) != value for key, value in self._wanted.items()):
            return None
        self._journals.append(head.path)
        return _Run(head.uid, self._found)


class _Run:
    """Takes the events of one derived run."""

    def __init__(self, uid: str, found: dict[str, LiveResult]) -> None:
        self._uid, self._found = uid, found
        self._streams = Streams()

    def take(self, name: str, doc: Mapping[str, Any]) -> None:
        for event in self._streams.take(name, doc):
            exposure = event.data[schema.EXPOSURE_UID.name]
            self._found[exposure] = LiveResult(derived_uid=self._uid, data=event.without_arrays())
            if len(self._found) > MOST_KEPT:
                del self._found[next(iter(self._found))]

    def pause(self) -> None:
        """Do nothing: nothing is held back."""

    def abandoned(self) -> None:
        """Do nothing: a reducer that died may be started again, and goes on with the same journal."""

    def close(self) -> None:
        """Do nothing: nothing was opened."""
