"""Standard output and error that lead nowhere any more: a terminal that was closed, a pipe whose reader has ended."""

from __future__ import annotations

import os
import select
from typing import Final

STANDARD_STREAMS: Final = (1, 2)  # descriptors of output and error
LOST: Final = select.POLLHUP | select.POLLERR | select.POLLNVAL


def forget_lost_streams() -> None:
    """Let what is written to a terminal or pipe that is gone be lost, where it would fail in whoever writes.

    A library may print before it does what it was asked for: bluesky's engine says that it aborts, and would not.
    """
    poll = select.poll()
    for descriptor in STANDARD_STREAMS:
        poll.register(descriptor, 0)  # what is lost is told without being asked for
    for descriptor, event in poll.poll(0):
        if event & LOST:
            nowhere = os.open(os.devnull, os.O_RDWR)
            os.dup2(nowhere, descriptor)
            if nowhere not in STANDARD_STREAMS:
                os.close(nowhere)
