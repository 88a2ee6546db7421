"""What a device does that is neither a move nor a trigger, made waitable in a plan."""

from __future__ import annotations

from collections.abc import Callable

import bluesky.plan_stubs as bps
from bluesky.protocols import Status
from bluesky.utils import FailedStatus, MsgGenerator


class Action:
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
    """Do it and wait until it is done."""
    yield from bps.trigger(Action(name, begin), wait=True)


def why(error: FailedStatus) -> str:
    """Return what the device said about its failure."""
    (status,) = error.args[:1]
    return str(status.exception() or status)
