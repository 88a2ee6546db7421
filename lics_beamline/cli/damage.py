"""What was wrong with the journals a command has read: said once each, and told by the exit code."""

from __future__ import annotations

import logging


class DamageHeard(logging.Filter):
    """Hears of damaged journals on their way to the terminal, and lets each fault through once.

    A command may read a journal several times. What it makes of the rest is right, and not all: who called it has to
    know.
    """

    def __init__(self) -> None:
        super().__init__()
        self._said: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a message is to be shown."""
        if getattr(record, "fault", None) is None:
            return True
        message = record.getMessage()
        is_new = message not in self._said
        self._said.add(message)
        return is_new

    def __bool__(self) -> bool:
        """Whether there was any damage."""
        return bool(self._said)
