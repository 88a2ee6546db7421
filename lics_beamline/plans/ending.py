"""The end of a sweep: a preprocessor that lets it end for its first reason, whatever that ends meanwhile."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Generator
from typing import Any

import bluesky.plan_stubs as bps
from bluesky.utils import FailedStatus, IllegalMessageSequence, Msg, MsgGenerator

from lics_beamline.plans.action import why
from lics_beamline.plans.hearing import hearing

log = logging.getLogger(__name__)


class SweepEnding:
    """Knows whether a sweep is ending.

    While it is, all is made safe and nothing is waited for any more, so whatever was under way fails. The engine tells
    of that whenever it hears of it, at any message of the clean-up: without this it would take the place of the reason
    why the sweep ended, and the clean-up would not be finished.
    """

    def __init__(self) -> None:
        self._begun = False

    def begin(self) -> None:
        """From now on the sweep is ending."""
        self._begun = True

    def for_the_first_reason(self, plan: MsgGenerator[Any]) -> Generator[Msg, Any, Any]:
        """Carry out a plan; once it is ending, it does not hear of what fails meanwhile.

        The engine has carried out the message at which it tells of a failure. What it answered is lost, so a plan that
        is ending uses no answers, and asks what it waited for itself how that went.
        """
        return hearing(plan, self._hears)

    def _hears(self, error: Exception) -> Exception | None:
        if self._begun and isinstance(error, FailedStatus):
            log.debug("at its end: %s", why(error))
            return None
        return error


def drop_open_event() -> MsgGenerator[None]:
    """Drop the event that is open, if one is.

    A plan may be ended between the first and the last reading of any event, also of one that something else wrote into
    it. While one is open the engine takes no other: nothing could be recorded of the end.
    """
    with contextlib.suppress(IllegalMessageSequence):  # none is open
        yield from bps.drop()
