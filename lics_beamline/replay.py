"""Front door to recorded runs: a run, found by name, is reduced again by any recipe. Needs no hardware and no EPICS."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import LicsError, NotInstalled, RunNotFound
from lics_beamline.exports.reduced_run import ReducedRun, reduced_run
from lics_beamline.extras import require
from lics_beamline.journal import lock
from lics_beamline.journal.events import Streams
from lics_beamline.journal.head import find
from lics_beamline.journal.reader import read
from lics_beamline.journal.safe_name import inside
from lics_beamline.journal.whole_sweep import sweep_documents
from lics_beamline.journal.writer import SUFFIX, Journal, make_anew
from lics_beamline.reduction.recipe import Recipe, recipe_of
from lics_beamline.reduction.reducer import Reducer
from lics_beamline.reduction.step import Step, work_of
from lics_beamline.reduction.tally import tally
from lics_beamline.reduction.work import WorkOutcome
from lics_beamline.reduction.workers import Crew, crew
from lics_beamline.schema import EXPOSURE_UID, FAILURE, FRAME_PATH, PRIMARY, READOUT

logger = logging.getLogger(__name__)

Documents = Iterable[tuple[str, dict[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What a replay did.

    Parameters
    ----------
    uid : str
        Uid of the derived run.
    raw_uid : str
        Uid of the run that was reduced.
    journal : Path
        Journal of the derived run.
    points : int
        Points in it.
    failed : int
        Points of it that could not be reduced.
    already : bool
        True when this run had been reduced by this recipe before, and nothing was done.
    """

    uid: str
    raw_uid: str
    journal: Path
    points: int
    failed: int
    already: bool

    def read(self) -> ReducedRun:
        """Return the derived run as a value: points with their patterns, pressures and phases."""
        return reduced_run(read(self.journal))


def documents_of(data: DataFolder, name: str) -> Documents:
    """Return the documents of a raw run as recorded: from its journal, found through the catalog where there is one.

    Those of a run that resumes another are those of the whole sweep up to its end.

    A run that only the catalog knows (recorded elsewhere, its journal lost) is read back from the catalog, with a
    warning: what the catalog gives is a reconstruction.

    Parameters
    ----------
    data : DataFolder
        Where to look.
    name : str
        ``last``, a uid, or its first characters.

    Raises
    ------
    RunNotFound
        If nothing answers.
    """
    return _source(data, name)()


def _source(data: DataFolder, name: str) -> Callable[[], Documents]:
    """Return what gives the documents of a run, again and again; parameters and errors as of `documents_of`."""
    try:
        return partial(sweep_documents, find(data.raw_journals, name))
    except RunNotFound as error:
        if name == "last":
            raise
        _refuse_reduced(data, name)
        if not (data.catalog / "catalog.db").exists():
            raise
        missing = error
    try:
        require("tiled", what="looking there")
    except NotInstalled as lacking:
        raise RunNotFound(f"{missing} Perhaps the catalog has it: {lacking}", **missing.facts) from None
    from lics_beamline.catalog.store import open_catalog

    with ExitStack() as stack:
        try:
            catalog = stack.enter_context(open_catalog(data))
        except LicsError as unasked:
            raise RunNotFound(f"{missing} Perhaps the catalog has it: {unasked}", **missing.facts) from None
        try:
            run = catalog.run(name)
        except RunNotFound:
            raise missing from None
        logger.warning(
            "run %s has no journal here: its documents come from the catalog, which reconstructs them (event uids and "
            "order are not the original ones)",
            name,
        )
        documents = list(run.documents())
    return lambda: documents


def _refuse_reduced(data: DataFolder, name: str) -> None:
    """Refuse the name of a run that is a reduction itself, and say of which."""
    try:
        reduced = find(data.derived_journals, name)
    except RunNotFound:
        return
    raise RunNotFound(
        f"run {reduced.uid} is a reduction of run {reduced.start.get('raw_uid', '')}: name that one.", uid=reduced.uid
    )


def replay(
    data: DataFolder,
    name: str,
    *,
    recipe: Recipe | None = None,
    told: Callable[[dict[str, Any]], None] | None = None,
    jobs: int = 1,
    dask: str | None = None,
) -> Replayed:
    """Reduce a recorded run.

    Parameters
    ----------
    data : DataFolder
        Where the run and its plates are; the derived run goes there too.
    name : str
        ``last``, a uid, or its first characters.
    recipe : Recipe, optional
        How; default is the recipe the run was recorded with.
    told : callable, optional
        Called with the data of each reduced point.
    jobs : int
        Processes that share the points. A script that asks for more than one does its own work below
        ``if __name__ == "__main__":``, as Python's multiprocessing wants it.
    dask : str, optional
        Address of a Dask scheduler that shares them out instead.

    Returns
    -------
    Replayed
        The derived run. The same run and recipe give the same derived run, which is then not made again; one with
        failed points is tried again as the next attempt, which supersedes it.

    Raises
    ------
    RunNotFound
        If there is no such run.
    NotConnected
        If there is no such Dask cluster.
    ReductionFailed
        If a process that reduces dies. What was reduced before is kept, and a second replay goes on from there.
    """
    run = prepare(data, name, recipe=recipe)
    return replay_all(data, (run,), told=lambda _, point: told(point) if told else None, jobs=jobs, dask=dask)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """One run to be reduced by one recipe.

    Parameters
    ----------
    raw_uid, uid : str
        Uids of the run and of what is derived from it.
    points : int
        Points to be reduced; 0 where all has been done before.
    already : bool
        Whether this run has been reduced whole by this recipe before.
    attempt : int
        From 1.
    recipe : Recipe or None
        How; None for the run's own.
    done : dict
        Points reduced before by their `exposure_uid`, each with the fields of its event but for arrays.
    exposures : int
        Plates exposed, as its documents tell; where nothing of them can be reduced, something is lost.
    damaged : bool
        Whether what was reduced before is damaged, or has ended without a point, and has to be made anew.
    plates : tuple of str
        Plate files of its points, relative to the data folder.
    source : callable
        Gives the raw documents.
    """

    raw_uid: str
    uid: str
    points: int
    already: bool
    attempt: int
    recipe: Recipe | None
    done: dict[str, Mapping[str, Any]]
    exposures: int
    damaged: bool
    plates: tuple[str, ...]
    source: Callable[[], Documents]

    def lost_plates(self, data: DataFolder) -> tuple[str, ...]:
        """Return the plate files that are not in the data folder any more, so that no point of theirs is made anew."""
        return tuple(plate for plate in self.plates if not inside(data.root, plate, what="plate").is_file())


def prepare(data: DataFolder, name: str, *, recipe: Recipe | None = None) -> Replay:
    """Say what reducing a run will come to, without doing it; parameters and errors as of `replay`."""
    lock.require_all_seen(data)
    source = _source(data, name)
    start = next(iter(source()))[1]
    if recipe is not None and "recipe" in start:
        recipe = recipe.for_run(recipe_of(start["recipe"]))
    attempt = 1
    while True:
        derived = _derived_uid(start, recipe, data, attempt)
        before = tally(data.derived_journals / f"{derived}{SUFFIX}")
        if before is None or before.damaged or not before.whole or not before.failed:
            break
        attempt += 1
    recorded = _recorded(source())
    damaged = before is not None and (before.damaged or (before.whole and not recorded.points <= set(before.exposures)))
    if damaged:
        before = None
    already = before is not None and before.whole
    done = dict(before.exposures) if before is not None else {}
    return Replay(
        raw_uid=start["uid"],
        uid=derived,
        points=0 if already else max(0, recorded.read - len(done)),
        already=already,
        attempt=attempt,
        recipe=recipe,
        done=done,
        exposures=recorded.exposed,
        damaged=damaged,
        plates=recorded.plates,
        source=source,
    )


def replay_all(
    data: DataFolder,
    runs: Sequence[Replay],
    *,
    told: Callable[[Replay, dict[str, Any]], None] | None = None,
    jobs: int = 1,
    dask: str | None = None,
    by: Crew | None = None,
) -> tuple[Replayed, ...]:
    """Reduce several runs as one stream of points: whoever is free takes the next point, of whichever run.

    Parameters
    ----------
    data : DataFolder
        Where the runs are.
    runs : sequence of Replay
        Each prepared.
    told : callable, optional
        Called with the run and the data of each reduced point, in their order.
    jobs, dask : int, str
        As of `replay`, which says what may go wrong.
    by : Crew, optional
        Who reduces, instead.
    """
    todo = [run for run in runs if not run.already]
    with ExitStack() as stack:
        if todo:
            for run in todo:
                if run.damaged:
                    make_anew(data.derived_journals / f"{run.uid}{SUFFIX}")
            queue = (by or stack.enter_context(crew(jobs, dask=dask))).queue()
            journal = stack.enter_context(Journal(data.derived_journals, resume=True))
            for run in todo:
                reducer = Reducer(run.recipe, data_root=data.root, done=run.done, attempt=run.attempt)
                for step in _steps(reducer, run.source()):
                    queue.put(work_of(step), partial(_record, run, reducer, step, journal, told))
            queue.rest()
    return tuple(_replayed(data, run) for run in runs)


def _steps(reducer: Reducer, documents: Documents) -> Iterator[Step]:
    for name, doc in documents:
        yield from reducer.steps(name, doc)
    yield from reducer.end("the raw run has no stop document")


def _record(
    run: Replay,
    reducer: Reducer,
    step: Step,
    journal: Journal,
    told: Callable[[Replay, dict[str, Any]], None] | None,
    came: WorkOutcome | None,
) -> None:
    """Write the documents of a step and tell its point."""
    for kind, doc in reducer.finish(step, came):
        journal(kind, doc)
        if kind == "event" and told:
            told(run, doc["data"])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recorded:
    """What a run says of its exposures: how many were read, or lost; how many there were; plate files of those read.

    ``points`` are those whose exposure and end it has: a derived run without one of them is short of it.
    """

    read: int
    exposed: int
    plates: tuple[str, ...]
    points: frozenset[str]


def _recorded(documents: Documents) -> _Recorded:
    """Return what the events of a run, or its stop, say of its exposures."""
    streams, found, counted, plates = Streams(), Counter[str](), 0, dict[str, None]()
    exposed, ended = set[str](), set[str]()
    for name, doc in documents:
        for event in streams.take(name, doc):
            found[event.stream] += 1
            exposure = str(event.data.get(EXPOSURE_UID.name, ""))
            if event.stream == PRIMARY:
                exposed.add(exposure)
            elif event.stream in (READOUT, FAILURE):
                ended.add(exposure)
            if event.stream == READOUT and event.data.get(FRAME_PATH):
                plates[str(event.data[FRAME_PATH])] = None
        if name == "stop":
            numbers = doc.get("num_events")
            counted = int(numbers.get(PRIMARY, 0)) if isinstance(numbers, dict) else 0
    return _Recorded(
        read=found[READOUT] + found[FAILURE],
        exposed=max(found[PRIMARY], counted),
        plates=tuple(plates),
        points=frozenset(exposed & ended - {""}),
    )


def _derived_uid(start: dict[str, Any], recipe: Recipe | None, data: DataFolder, attempt: int) -> str:
    """Return the uid that the derived run of these documents will have."""
    reducer = Reducer(recipe, data_root=data.root, attempt=attempt)
    for kind, doc in reducer("start", start):
        if kind == "start":
            return str(doc["uid"])
    raise RunNotFound("the run does not begin with a start document; its journal is damaged.")


def _replayed(data: DataFolder, run: Replay) -> Replayed:
    journal = data.derived_journals / f"{run.uid}{SUFFIX}"
    done = tally(journal)
    if done is None:
        raise RunNotFound(
            f"run {run.raw_uid} holds nothing that could be reduced: it has no start document.", uid=run.raw_uid
        )
    return Replayed(
        uid=run.uid,
        raw_uid=run.raw_uid,
        journal=journal,
        points=len(done.exposures),
        failed=done.failed,
        already=run.already,
    )
