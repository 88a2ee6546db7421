"""What a device does that is neither a move nor a trigger, made waitable in a plan."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from typing import Any, TypeVar

import bluesky.plan_stubs as bps
from bluesky.protocols import Status
from bluesky.utils import FailedStatus, MsgGenerator
from ophyd.status import StatusBase

T = TypeVar("T")


class DeviceAction:
    """A bluesky triggerable around one function that returns a status.

    Parameters
    ----------
    name : str
        What is done, for logs.
    begin : callable
        Begins it and returns the status that says when it is done.
    """

    parent = None

    def __init__(self, name: str, begin: Callable[[], Status]) -> None:
        self.name = name
        self._begin = begin

    def trigger(self) -> Status:
        """Begin; done when the status is."""
        return self._begin()


def do(name: str, begin: Callable[[], Status]) -> MsgGenerator[None]:
    """Do it and wait until it is done, and for nothing else: without a group bluesky waits for all that have none."""
    yield from bps.trigger(DeviceAction(name, begin), group=f"{name}-{uuid.uuid4()}", wait=True)


class _Computation:
    """A bluesky triggerable around a slow function, so that the engine goes on hearing Ctrl-C meanwhile."""

    parent = None

    def __init__(self, name: str, function: Callable[[], Any]) -> None:
        self.name = name
        self.result: Any = None
        self._function = function

    def trigger(self) -> Status:
        """Compute in a thread; fails with what the function raises."""
        status = StatusBase()

        def work() -> None:
            try:
                self.result = self._function()
            except Exception as error:  # handed to whoever waits for this status, not swallowed
                status.set_exception(error)
            else:
                status.set_finished()

        threading.Thread(target=work, name=self.name, daemon=True).start()
        return status


def compute(name: str, function: Callable[[], T]) -> MsgGenerator[T]:
    """Compute something slow beside the engine, and return it.

    Raises
    ------
    FailedStatus
        If the function raises.
    """
    computation = _Computation(name, function)
    yield from bps.trigger(computation, wait=True)
    result: T = computation.result
    return result


def ended_by(error: FailedStatus) -> str:
    """Return how the motion that failed was ended, `STOPPED` or `MADE_SAFE`; empty where it failed by itself."""
    return str(getattr(error.__cause__, "facts", {}).get("ended", ""))


def why(error: FailedStatus) -> str:
    """Return what the device said about its failure."""
    (status,) = error.args[:1]
    return str(status.exception() or status)
