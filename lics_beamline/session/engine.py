"""A RunEngine whose pauses and suspensions are holds: a sweep cannot be rewound, so bluesky's own would end it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Final

from bluesky import RunEngine
from bluesky.utils import (
    FailedStatus,
    Msg,
    MsgGenerator,
    RequestAbort,
    RequestStop,
    RunEngineControlException,
    RunEngineInterrupted,
    ensure_generator,
)

from lics_beamline.control.request import ENGINE, Request
from lics_beamline.errors import LicsError
from lics_beamline.plans.hearing import hearing
from lics_beamline.processes.lost_stream import forget_lost_streams
from lics_beamline.session.requests import EngineSuspension, RequestFiles

logger = logging.getLogger(__name__)

ENDS: Final[Mapping[str, type[RunEngineControlException]]] = {"aborting": RequestAbort, "stopping": RequestStop}
LOOK_S: Final = 0.2  # between two looks at what is asked of a paused sweep [s of wall clock]


class Engine(RunEngine):
    """Runs plans; while a sweep is at work, pausing, suspending and resuming it means holding and continuing it.

    A sweep that is held because somebody paused the engine then pauses it in earnest: the call that runs the plan
    returns, the state is ``paused``, and `resume`, `stop`, `abort` and `halt` do what they do with every plan. That is
    what a prompt and bluesky-queueserver wait for.

    Parameters
    ----------
    requests : RequestFiles
        Where a sweep hears what is asked.
    **options
        As for `bluesky.RunEngine`.

    Attributes
    ----------
    resumed_by : callable or None
        Asks who waits at a paused plan (the manager of a queue) to resume it, and says whether that is done.
    """

    def __init__(self, *args: Any, requests: RequestFiles, **options: Any) -> None:
        self.resumed_by: Callable[[], bool] | None = None
        self._requests = requests
        self._suspended: set[asyncio.Task[None]] = set()
        self._over = threading.Event()  # no pause is to be answered for
        self._answering: threading.Thread | None = None
        super().__init__(*args, **options)

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Carry out a plan, as `bluesky.RunEngine` does."""
        if args:
            args = (self._told_of_its_end(ensure_generator(args[0])), *args[1:])
        with self._told():
            return super().__call__(*args, **options)

    def _told_of_its_end(self, plan: MsgGenerator[Any]) -> MsgGenerator[Any]:
        """Return the same plan, which hears once that it is to end, whatever fails at that moment.

        bluesky 1.15 tells a plan of the last thing that went wrong: a motion that failed since somebody asked to abort
        takes the place of that, and the plan would go on.
        """
        ends = False

        def hears(error: Exception) -> Exception | None:
            nonlocal ends
            asked_for = ENDS.get(str(self.state))
            if isinstance(error, FailedStatus) and asked_for is not None and not ends:
                error = asked_for()
            if isinstance(error, RunEngineControlException):
                first, ends = not ends, True
                return error if first else None
            return error

        carried_out = hearing(plan, hears)
        carried_out.__name__ = getattr(plan, "__name__", "")  # type: ignore[attr-defined]  # of a generator it can be set
        return carried_out

    async def _abort_coro(self, reason: str) -> Any:
        forget_lost_streams()  # bluesky prints first
        return await super()._abort_coro(reason)

    async def _stop_coro(self) -> Any:
        forget_lost_streams()
        return await super()._stop_coro()

    async def _halt_coro(self) -> Any:
        forget_lost_streams()
        return await super()._halt_coro()

    def request_pause(self, defer: bool = False) -> Any:
        """Pause a plan, now or at its next checkpoint; a sweep is held first, and paused once it is."""
        if self._requests.is_open:  # asked by a file: nothing of the engine is waited for, whichever thread asks
            return self._ask_to_hold()
        return super().request_pause(defer)

    async def _request_pause_coro(self, defer: bool = False) -> None:
        # What bluesky-queueserver calls, past `request_pause`.
        if self._requests.is_open:
            self._ask_to_hold()
        elif not self.resumable:
            logger.warning("this plan cannot be repeated from anywhere, so it is not paused; Ctrl-C or abort() ends it")
        else:
            await super()._request_pause_coro(defer)

    async def _pause(self, msg: Msg) -> None:
        if not self._requests.is_open:
            await super()._pause(msg)
            return
        self._msg_cache: deque[Msg] = deque()  # nothing to rewind: a sweep goes on from the message it is at
        await super()._request_pause_coro()

    async def _stop_movable_objects(self, *, success: bool = True) -> None:
        """Stop what moves, but at the pause of a sweep no clock: who waits for a time goes on waiting for it."""
        clocks = {obj for obj in self._movable_objs_touched if hasattr(obj, "on_tick")}
        if self._state != "pausing" or not self._requests.is_open:
            clocks = set()
        self._movable_objs_touched -= clocks
        try:
            await super()._stop_movable_objects(success=success)
        finally:
            self._movable_objs_touched |= clocks

    def _ask_to_hold(self) -> None:
        self._requests.ask(Request.PAUSE, who=ENGINE, why="pause of the RunEngine")
        logger.warning("the sweep is held as soon as it can be, and paused then")

    def resume(self) -> Any:
        """Resume a paused plan; a sweep that is held goes on, paused or not."""
        if not self._requests.is_open:
            with self._told():
                return super().resume()
        if self.state == "paused":
            self._end_answering()
            self._suspend_again()
        asked = self._requests.asked()
        if asked is None or asked.request is not Request.STOP:
            self._requests.ask(Request.CONTINUE, who=ENGINE, why="resume of the RunEngine")
        if self.state != "paused":
            return ()
        with self._told():
            return super().resume()

    def request_suspend(
        self,
        fut: Callable[[], Awaitable[Any]],
        *,
        pre_plan: Any = None,
        post_plan: Any = None,
        justification: str | None = None,
    ) -> None:
        """Suspend a plan until a future is done; a sweep is held meanwhile, its own clean holding and going on.

        Parameters
        ----------
        fut, pre_plan, post_plan, justification
            As for `bluesky.RunEngine`.
        """
        if not self._requests.is_open:
            super().request_suspend(fut, pre_plan=pre_plan, post_plan=post_plan, justification=justification)
            return
        suspension = EngineSuspension(why=justification or "suspended from outside", before=pre_plan, after=post_plan)

        async def last() -> None:
            self._requests.suspensions.append(suspension)
            await fut()
            with contextlib.suppress(ValueError):  # the sweep has ended meanwhile
                self._requests.suspensions.remove(suspension)

        def begin() -> None:
            task = self.loop.create_task(last())
            self._suspended.add(task)  # the loop alone would let it be collected
            task.add_done_callback(self._suspended.discard)

        self.loop.call_soon_threadsafe(begin)

    def _suspend_again(self) -> None:
        """Take up suspenders that tripped while nothing ran: they do not say so by themselves."""
        known = {suspension.why for suspension in self._requests.suspensions}
        for suspender in self.suspenders:
            futures, why = suspender.get_futures()
            if why not in known:
                for future in futures:
                    self.request_suspend(future, justification=why)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Say of a plan that was interrupted what can be done: bluesky offers to resume one that has ended."""
        try:
            yield
        except RunEngineInterrupted:
            if self.state == "paused":
                self._answer_while_paused()
                raise
            by = f" ({self._reason})" if self._reason else ""
            raise RunEngineInterrupted(
                f"The plan was ended{by}. The RunEngine is {self.state}: there is nothing to resume."
            ) from None

    def _answer_while_paused(self) -> None:
        """Answer, in a thread, who asks something of the paused sweep from another terminal."""
        if self._requests.is_open:
            self._over.clear()
            self._answering = threading.Thread(target=self._answer, name="paused", daemon=True)
            self._answering.start()

    def _end_answering(self) -> None:
        self._over.set()
        if self._answering is not None and self._answering is not threading.current_thread():
            self._answering.join()

    def _answer(self) -> None:
        while not self._over.wait(LOOK_S) and self.state == "paused":
            asked = self._requests.asked()
            if asked is None:
                continue
            if asked.request is not Request.STOP:
                says = "the sweep is held and paused in its session: resume() there lets it go on"
                self._requests.answer(asked, "held", says)
                continue
            logger.warning("the paused sweep is stopped by %s", asked.who)
            if self.resumed_by is not None and self.resumed_by():
                return
            try:
                super().resume()  # it hears the request itself, and ends as one that was not paused
            except (LicsError, RunEngineInterrupted) as error:
                logger.warning("%s", error)
            return
