"""Who reduces points: this process, several of this machine, or a Dask cluster. What comes out is the same.

Points are handed out as they come and taken back in their order. Only a few are out at a time, so a campaign of a
thousand points takes no more memory than one of fifty.
"""

from __future__ import annotations

import logging
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from lics_beamline.errors import NotConnected, ReductionFailed
from lics_beamline.extras import require
from lics_beamline.reduction.work import Work, WorkOutcome, outcome, outcome_elsewhere

POINTS_WORTH_A_PROCESS: Final = 3  # one begins with some 5 s of libraries and tables, the time of about ten points
OUT_FOR_EACH: Final = 3  # points that wait for a process while it works: none idles, and few are held in memory
DASK_TIMEOUT_S: Final = 30.0

logger = logging.getLogger(__name__)


def jobs_for(points: int, cores: int | None = None) -> int:
    """Return how many processes are worth their start for a number of points.

    Parameters
    ----------
    points : int
        To be reduced.
    cores : int, optional
        Default: those this process may use.
    """
    available = cores if cores is not None else len(os.sched_getaffinity(0))
    return max(1, min(available, points // POINTS_WORTH_A_PROCESS))


class Crew:
    """Hands points out.

    Parameters
    ----------
    executor : Executor, optional
        Where to; without it, each is reduced here and at once.
    hands : int
        Number of points it reduces at a time.
    """

    def __init__(self, executor: Executor | None = None, hands: int = 1) -> None:
        self._executor = executor
        self.hands = hands

    def queue(self) -> Queue:
        """Return a queue of points that are taken back in their order."""
        return Queue(self._executor, self.hands)


class Queue:
    """Points on their way, with what is to be done when each is back.

    Parameters
    ----------
    executor : Executor or None
        Processes or cluster that reduce points; None: this process, at once.
    hands : int
        Number of points it reduces at a time.
    """

    def __init__(self, executor: Executor | None, hands: int) -> None:
        self._executor = executor
        self._most = OUT_FOR_EACH * hands
        self._waiting: deque[tuple[Future[WorkOutcome] | None, Callable[[WorkOutcome | None], None]]] = deque()
        self._out = 0

    def put(self, work: Work | None, then: Callable[[WorkOutcome | None], None]) -> None:
        """Hand a point out; return when there is room for the next.

        Parameters
        ----------
        work : Work or None
            The point; None for something that only keeps its place in the order.
        then : callable
            Called in this thread with what came of it, in the order of the calls of `put`.

        Raises
        ------
        ReductionFailed
            If who reduces has died.
        """
        if self._executor is None:
            then(None if work is None else outcome(work))
            return
        future = None
        if work is not None:
            try:
                future = self._executor.submit(outcome_elsewhere, work)
            except RuntimeError as error:  # BrokenProcessPool is one
                raise _died(error) from error
            self._out += 1
        self._waiting.append((future, then))
        while self._waiting and (self._out > self._most or _is_back(self._waiting[0][0])):
            self._take()

    def rest(self) -> None:
        """Wait for all that is out; errors as of `put`."""
        while self._waiting:
            self._take()

    def _take(self) -> None:
        future, then = self._waiting.popleft()
        came = None
        if future is not None:
            self._out -= 1
            try:
                error = future.exception()
            except CancelledError as cancelled:
                error = cancelled
            if error is not None:
                raise _died(error) from error
            came = future.result()
        then(came)


@contextmanager
def crew(jobs: int = 1, *, dask: str | None = None, dask_timeout_s: float = DASK_TIMEOUT_S) -> Iterator[Crew]:
    """Call a crew together, and let it go.

    Parameters
    ----------
    jobs : int
        Processes on this machine; 1 starts none.
    dask : str, optional
        Address of the scheduler of a Dask cluster instead, whose workers see the same files at the same paths.
    dask_timeout_s : float
        Longest wait for an answer [s].

    Raises
    ------
    NotConnected
        If the cluster does not answer, or Dask is not installed.
    """
    if dask is not None:
        with cluster(dask, dask_timeout_s) as found:
            yield Crew(found.client.get_executor(pure=False), found.workers)
        return
    if jobs <= 1:
        yield Crew()
        return
    from multiprocessing import get_context

    # Spawned, not forked: a copy of a process with threads may hang.
    executor = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=leave_ctrl_c_to_the_parent)
    try:
        yield Crew(executor, jobs)
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        raise
    executor.shutdown()


class Here(Executor):
    """What the processes of a crew do, done in this one, one point after the other."""

    def submit(self, function: Callable[..., Any], /, *given: Any, **named: Any) -> Future[Any]:
        """Do it, and return what has come of it."""
        done: Future[Any] = Future()
        done.set_result(function(*given, **named))
        return done


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A Dask cluster that answers.

    Parameters
    ----------
    client : distributed.Client
        How it is spoken to.
    workers : int
        How many it has now.
    """

    client: Any
    workers: int


@contextmanager
def cluster(address: str, timeout_s: float = DASK_TIMEOUT_S) -> Iterator[Cluster]:
    """Be a client of a Dask cluster while the context lasts.

    Parameters
    ----------
    address : str
        Of its scheduler.
    timeout_s : float
        Longest wait for an answer [s].

    Raises
    ------
    NotConnected
        If it does not answer, or has no workers.
    NotInstalled
        If Dask is not installed.
    """
    require("distributed", what="a Dask cluster")
    from distributed import Client

    try:
        client: Any = Client(address, timeout=timeout_s, set_as_default=False)
    except (OSError, ValueError) as error:
        raise NotConnected(
            f"no Dask scheduler answers at {address} within {timeout_s:g} s ({error}). Start one: dask scheduler; "
            "and workers where the data folder is at the same path: dask worker ADDRESS --nthreads 1.",
            address=address,
        ) from error
    with client:
        workers = len(client.scheduler_info(n_workers=-1)["workers"])
        if not workers:
            raise NotConnected(
                f"the Dask scheduler at {address} has no workers. Start some: dask worker {address} --nthreads 1.",
                address=address,
            )
        logger.info("%d workers at %s", workers, address)
        yield Cluster(client=client, workers=workers)


def leave_ctrl_c_to_the_parent() -> None:
    """Pass over Ctrl-C in a process that shares the work: its parent hears it too, and ends what is out."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _is_back(future: Future[WorkOutcome] | None) -> bool:
    return future is None or future.done()


def _died(error: BaseException) -> ReductionFailed:
    return ReductionFailed(
        f"a process that reduced a point has died ({type(error).__name__}: {error}), perhaps for want of memory. What "
        "was reduced before is kept: say it again, with fewer --jobs.",
    )
