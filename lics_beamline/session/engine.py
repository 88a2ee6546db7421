"""A RunEngine whose pause is a hold: a sweep cannot be rewound, so bluesky's own pause would end it."""

from __future__ import annotations

import logging
from typing import Any

from bluesky import RunEngine

from lics_beamline.control.request import Request
from lics_beamline.session.requests import RequestFiles

logger = logging.getLogger(__name__)


class Engine(RunEngine):
    """Runs plans; while a sweep is at work, pausing and resuming it means holding and continuing it.

    Parameters
    ----------
    requests : RequestFiles
        Where a sweep hears what is asked.
    **options
        As for `bluesky.RunEngine`.
    """

    def __init__(self, *args: Any, requests: RequestFiles, **options: Any) -> None:
        self._requests = requests
        super().__init__(*args, **options)

    def request_pause(self, defer: bool = False) -> Any:
        """Pause a plan; a sweep is held instead, at once as with `lics hold`, and its engine goes on running."""
        if not self._requests.is_open:
            return super().request_pause(defer)
        self._requests.ask(Request.PAUSE, who="engine", why="pause of the RunEngine")
        logger.warning(
            "a sweep is not paused but held; `lics continue`, or resume() from another thread, lets it go on"
        )
        return None

    def resume(self) -> Any:
        """Resume a paused plan; a sweep that is held goes on."""
        if not self._requests.is_open:
            return super().resume()
        self._requests.ask(Request.CONTINUE, who="engine", why="resume of the RunEngine")
        return ()
