"""Live reduction: a replay that has not finished yet."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from lics_beamline.data_folder import DataFolder
from lics_beamline.journal.events import events
from lics_beamline.journal.following import Following
from lics_beamline.journal.head import Head
from lics_beamline.journal.reader import read
from lics_beamline.journal.whole_sweep import earlier_documents, runs_of
from lics_beamline.journal.writer import SUFFIX, Journal, make_anew
from lics_beamline.reduction.tally import tally
from lics_beamline.schema import EXPOSURE_UID, SWEEP

if TYPE_CHECKING:
    from lics_beamline.reduction.reducer import Reducer
    from lics_beamline.reduction.step import Step
    from lics_beamline.reduction.work import WorkOutcome
    from lics_beamline.reduction.workers import Crew, Queue

logger = logging.getLogger(__name__)


class LiveReduction:
    """Reduces sweeps while they are recorded: a replay that has not finished yet."""

    def __init__(self, data: DataFolder, crew: Crew) -> None:
        self._data = data
        self._crew = crew
        self._troubles: dict[str, str] = {}

    def following(self, **options: float) -> Following:
        """Return what follows the raw journals."""
        following = Following((self._data.raw_journals,), self.begin, **options)
        self._troubles = following.troubles
        return following

    def begin(self, head: Head) -> RunReduction | None:
        """Return what reduces a run; None where it is no sweep, or reduced whole."""
        from lics_beamline.reduction.reducer import Reducer

        if head.start.get("purpose") != SWEEP:
            return None
        _, derived_start = next(iter(Reducer(None, data_root=self._data.root)("start", head.start)))
        path = self._data.derived_journals / f"{derived_start['uid']}{SUFFIX}"
        before = tally(path)
        if before is not None and before.damaged:
            make_anew(path)
            before = None
        if before is not None and before.whole:
            return None
        done = before.exposures if before is not None else {}
        reducer = Reducer(None, data_root=self._data.root, done=done, known=self._reduced_before(head))
        journal = Journal(self._data.derived_journals, resume=True)
        return RunReduction(head, reducer, journal, self._crew.queue(), troubles=self._troubles)

    def _reduced_before(self, head: Head) -> dict[str, Mapping[str, Any]]:
        """Return the points that the runs before this one of the same sweep have had reduced already, by exposure."""
        from lics_beamline.reduction.reducer import Reducer

        found: dict[str, Mapping[str, Any]] = {}
        for earlier in runs_of(head)[:-1]:
            _, derived = next(iter(Reducer(None, data_root=self._data.root)("start", earlier.start)))
            path = self._data.derived_journals / f"{derived['uid']}{SUFFIX}"
            for event in events(read(path)) if path.exists() else ():
                if event.data["reduced"]:
                    found[event.data[EXPOSURE_UID.name]] = event.data
        return found


class RunReduction:
    """Reduces one run: reduce or note."""

    def __init__(
        self, head: Head, reducer: Reducer, journal: Journal, queue: Queue, *, troubles: dict[str, str]
    ) -> None:
        self._head, self._uid = head, head.uid
        self._reducer = reducer
        self._journal = journal
        self._queue = queue
        self._troubles = troubles

    def take(self, name: str, doc: Mapping[str, Any]) -> None:
        """Reduce what a document announces."""
        if name == "descriptor":
            self._reducer.warm_up()
        self._record(name, self._reducer.steps(name, dict(doc)))
        if name == "start":
            for earlier, recorded in earlier_documents(self._head):
                self._record(earlier, self._reducer.steps(earlier, recorded))

    def pause(self) -> None:
        """Write what was handed out and has come back."""
        self._queue.rest()

    def abandoned(self) -> None:
        """End the derived run of a run whose process ended without saying so."""
        self._record("stop", self._reducer.end("The process that recorded this run ended without saying so."))

    def close(self) -> None:
        """Let the derived journal go, once all that was handed out is in it."""
        try:
            self._queue.rest()
        finally:
            self._journal.close()

    def _record(self, name: str, steps: Iterator[Step]) -> None:
        from lics_beamline.reduction.step import work_of

        while True:
            try:
                step = next(steps, None)
            except Exception as error:
                if name == "start":
                    raise  # without it nothing of the run can be reduced
                logger.exception("run %s: a %s document could not be reduced; the others are", self._uid, name)
                self._troubles[self._uid] = f"{name} document not reduced, {type(error).__name__}: {error}"
                return
            if step is None:
                return
            self._queue.put(work_of(step), partial(self._write, step))

    def _write(self, step: Step, came: WorkOutcome | None) -> None:
        for pair in self._reducer.finish(step, came):
            self._journal(*pair)  # a derived run with a gap would be wrong: this error is not only noted
