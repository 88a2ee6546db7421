"""Front door to recorded runs: a run, found by name, is reduced again by any recipe. Needs no hardware and no EPICS."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import RunNotFound
from lics_beamline.journal.head import find
from lics_beamline.journal.reader import read
from lics_beamline.journal.writer import Journal
from lics_beamline.reduction.recipe import Recipe, recipe_of
from lics_beamline.reduction.reducer import Reducer
from lics_beamline.schema import REDUCED

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


def documents_of(data: DataFolder, name: str) -> Documents:
    """Return the documents of a raw run as recorded: from its journal, found through the catalog where there is one.

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
    try:
        return read(find(data.raw_journals, name).path)
    except RunNotFound as error:
        if not (data.catalog / "catalog.db").exists() or name == "last":
            raise
        missing = error
    from lics_beamline.catalog.store import open_catalog

    with open_catalog(data) as catalog:
        try:
            run = catalog.run(name)
        except RunNotFound:
            raise missing from None
        logger.warning(
            "run %s has no journal here: its documents come from the catalog, which reconstructs them (event uids and "
            "order are not the original ones)",
            name,
        )
        return list(run.documents())


def replay(
    data: DataFolder, name: str, *, recipe: Recipe | None = None, told: Callable[[dict[str, Any]], None] | None = None
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

    Returns
    -------
    Replayed
        The derived run. The same run and recipe give the same derived run, which is then not made again; one with
        failed points is tried again as the next attempt, which supersedes it.

    Raises
    ------
    RunNotFound
        If there is no such run.
    """
    documents = list(documents_of(data, name))
    start = documents[0][1]
    raw_uid = start["uid"]
    if recipe is not None and "recipe" in start:
        recipe = recipe.for_run(recipe_of(start["recipe"]))
    attempt = 1
    while True:
        derived = _derived_uid(documents, recipe, data, attempt)
        before = _tally(data, derived)
        if before is None or not before.whole:
            break
        if not before.failed:
            return _replayed(data, derived, raw_uid, before, already=True)
        attempt += 1
    done = before.exposures if before else {}
    reducer = Reducer(recipe, data_root=data.root, done=done, attempt=attempt)
    with Journal(data.derived_journals, resume=True) as journal:
        for raw_name, raw in documents:
            for kind, doc in reducer(raw_name, raw):
                journal(kind, doc)
                if kind == "event" and told:
                    told(doc["data"])
        for kind, doc in reducer.close("the raw run has no stop document"):
            journal(kind, doc)
    after = _tally(data, derived)
    if after is None:
        raise RunNotFound(f"run {raw_uid} holds nothing that could be reduced: it has no start document.", uid=raw_uid)
    return _replayed(data, derived, raw_uid, after, already=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tally:
    """What a derived journal holds."""

    exposures: dict[str, str]  # and the phases found in each, comma separated
    failed: int
    whole: bool


def _tally(data: DataFolder, uid: str) -> _Tally | None:
    path = data.derived_journals / f"{uid}.jsonl"
    if not path.exists():
        return None
    exposures: dict[str, str] = {}
    streams: dict[str, str] = {}
    failed, whole = 0, False
    for name, doc in read(path):
        if name == "descriptor":
            streams[doc["uid"]] = doc["name"]
        elif name == "event" and streams[doc["descriptor"]] == REDUCED:
            exposures[doc["data"]["exposure_uid"]] = doc["data"]["phases"]
            failed += not doc["data"]["reduced"]
        elif name == "stop":
            whole = True
    return _Tally(exposures=exposures, failed=failed, whole=whole)


def _derived_uid(
    documents: list[tuple[str, dict[str, Any]]], recipe: Recipe | None, data: DataFolder, attempt: int
) -> str:
    """Return the uid that the derived run of these documents will have."""
    reducer = Reducer(recipe, data_root=data.root, attempt=attempt)
    for kind, doc in reducer(*documents[0]):
        if kind == "start":
            return str(doc["uid"])
    raise RunNotFound("the run does not begin with a start document; its journal is damaged.")


def _replayed(data: DataFolder, uid: str, raw_uid: str, tally: _Tally, *, already: bool) -> Replayed:
    return Replayed(
        uid=uid,
        raw_uid=raw_uid,
        journal=data.derived_journals / f"{uid}.jsonl",
        points=len(tally.exposures),
        failed=tally.failed,
        already=already,
    )
