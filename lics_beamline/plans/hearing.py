"""Carrying out a plan that hears of what goes wrong as somebody decides: another thing, or nothing at all."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from bluesky.utils import Msg, MsgGenerator


def hearing(plan: MsgGenerator[Any], hears: Callable[[Exception], Exception | None]) -> Generator[Msg, Any, Any]:
    """Carry out a plan.

    Parameters
    ----------
    plan : generator
        The plan.
    hears : callable
        Takes what the engine tells at a message and returns what the plan hears; None for nothing. Then it goes on
        without the answer to that message, which is lost.
    """
    answer: Any = None
    error: Exception | None = None
    while True:
        try:
            message = plan.send(answer) if error is None else plan.throw(error)
        except StopIteration as end:
            return end.value
        answer = error = None
        try:
            answer = yield message
        except GeneratorExit:
            plan.close()
            raise
        except Exception as told:  # handed to the plan, not swallowed, unless it is not to hear of it
            error = hears(told)
