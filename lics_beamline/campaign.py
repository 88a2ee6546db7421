"""Front door to campaigns: many recorded runs reduced on a Dask cluster, each whole by one worker.

What travels is the name of a run there and a line of figures back, so that a campaign is as fast as its workers and
their disk. All that a run has become is in its derived journal: where a campaign was cut off, or a worker killed,
whoever has time goes on from there.
"""

from __future__ import annotations

import importlib.metadata
import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import Busy, LicsError, NotConnected
from lics_beamline.reduction.recipe import Recipe
from lics_beamline.reduction.workers import DASK_TIMEOUT_S, Crew, Here, cluster
from lics_beamline.replay import Replayed, prepare, replay_all

SAME_VERSIONS: Final = (
    "lics_beamline",
    "numpy",
    "scipy",
    "numba",
    "pyFAI",
    "fabio",
    "peritheos",
    "gemmi",
)  # make numbers
OUT_FOR_EACH: Final = (
    4  # runs that wait for a worker: none idles, and of a hundred thousand few are held by the scheduler
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutcome:
    """What came of one run of a campaign.

    Parameters
    ----------
    name : str
        The run, as it was named.
    replayed : Replayed or None
        What it was reduced to; None where it was not.
    error : str
        Why not, for people; empty where it was.
    is_busy : bool
        Whether it was not because somebody else reduces it.
    exposures : int
        Plates exposed in it.
    lost_plates : tuple of str
        Plate files that are gone, where all was reduced before.
    plates : int
        Plate files that it names.
    seconds : float
        How long it took there [s].
    """

    name: str
    replayed: Replayed | None = None
    error: str = ""
    is_busy: bool = False
    exposures: int = 0
    lost_plates: tuple[str, ...] = ()
    plates: int = 0
    seconds: float = 0.0


def reduce_run(data: DataFolder, name: str, *, recipe: Recipe | None, versions: dict[str, str]) -> RunOutcome:
    """Reduce one run in this process, or say why it cannot be: what a worker does.

    Parameters
    ----------
    data : DataFolder
        The data folder, at the same path for all workers.
    name : str
        The run.
    recipe : Recipe or None
        How; None for the run's own.
    versions : dict of str to str
        What the campaign was begun with, by library: others might give other bits.
    """
    started = time.monotonic()
    try:
        _require_same(data, versions)
        run = prepare(data, name, recipe=recipe)
        (replayed,) = replay_all(data, (run,), by=Crew(Here()))
    except LicsError as error:
        return RunOutcome(name=name, error=str(error), is_busy=isinstance(error, Busy))
    except OSError as error:
        return RunOutcome(name=name, error=f"{type(error).__name__}: {error}")
    return RunOutcome(
        name=name,
        replayed=replayed,
        exposures=run.exposures,
        lost_plates=run.lost_plates(data) if run.already else (),
        plates=len(run.plates),
        seconds=time.monotonic() - started,
    )


def versions_here() -> dict[str, str]:
    """Return the versions of what makes numbers, as this process has them."""
    return {name: importlib.metadata.version(name) for name in SAME_VERSIONS}


def _require_same(data: DataFolder, versions: dict[str, str]) -> None:
    who = f"a worker (process {os.getpid()} on {socket.gethostname()})"
    if not data.raw_journals.is_dir():
        raise NotConnected(f"{data.raw_journals} is not seen by {who}: mount it there, at the same path.")
    here = versions_here()
    if other := [
        f"{name} {here[name]} instead of {version}" for name, version in versions.items() if here[name] != version
    ]:
        raise NotConnected(f"{who} has {', '.join(other)}, which may give other numbers: install the same there.")


def reduce_campaign(
    data: DataFolder,
    names: Sequence[str],
    *,
    recipe: Recipe | None = None,
    dask: str,
    dask_timeout_s: float = DASK_TIMEOUT_S,
) -> Iterator[RunOutcome]:
    """Reduce many runs on a cluster; yield what came of each as soon as it is done, in whatever order that is.

    A run whose worker dies is given to another one, which goes on where it was. One that somebody else reduces just
    now, as a worker of a campaign that was cut off may, is tried again when all others are done.

    Parameters
    ----------
    data : DataFolder
        The data folder, which all workers see at the same path.
    names : sequence of str
        The runs; each is placed with one worker.
    recipe : Recipe, optional
        How; default each run's own.
    dask : str
        Address of the scheduler.
    dask_timeout_s : float
        Longest wait for its answer [s].

    Raises
    ------
    NotConnected
        If there is no such cluster, or a worker does not see the data folder or has other versions.
    """
    with cluster(dask, dask_timeout_s) as found:
        client, versions = found.client, versions_here()
        wrong = [says for says in client.run(_refusal, data, versions).values() if says]
        if wrong:
            raise NotConnected(" ".join(wrong), address=dask)
        reduce = partial(reduce_run, data, recipe=recipe, versions=versions)
        busy: list[str] = []
        for outcome in _spread(client, reduce, names, found.workers * OUT_FOR_EACH):
            if outcome.is_busy:
                busy.append(outcome.name)
            else:
                yield outcome
        yield from _spread(client, reduce, busy, found.workers * OUT_FOR_EACH)


def _refusal(data: DataFolder, versions: dict[str, str]) -> str:
    try:
        _require_same(data, versions)
    except NotConnected as error:
        return str(error)
    return ""


def _spread(client: Any, task: Callable[[str], RunOutcome], names: Sequence[str], most: int) -> Iterator[RunOutcome]:
    """Give each name to a worker, `most` at a time, and yield what comes back."""
    from distributed import as_completed

    waiting = iter(names)
    out: dict[Any, str] = {}
    coming = as_completed(loop=client.loop)

    def give(count: int) -> None:
        for _, name in zip(range(count), waiting, strict=False):
            future = client.submit(task, name, pure=False)
            out[future] = name
            coming.add(future)

    give(min(most, len(names)))
    for future in coming:
        name = out.pop(future)
        error = future.exception()
        if error is None:
            yield future.result()
        else:  # KilledWorker: as often as the cluster allows, whoever had it died
            yield RunOutcome(name=name, error=f"{type(error).__name__}: {error}")
        give(1)
