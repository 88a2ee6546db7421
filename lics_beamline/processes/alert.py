"""Telling people who are elsewhere: a command of the profile's choice, given one sentence."""

from __future__ import annotations

import contextlib
import logging
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

SENTENCE: Final = "{says}"  # in a word of the command: what happened stands in its place
SENT_S: Final = 5.0  # for a command to begin; longer means that its disk or its computer hangs

logger = logging.getLogger(__name__)


class Alerts:
    """Tells people what happened. Never fails, and never keeps who calls it waiting.

    The command is a list of words and sees no shell: what happened is one word of it, whatever it says, and its input.

    Parameters
    ----------
    command : sequence of str
        The command, as a profile gives it; empty where nobody is to be told.
    log : Path
        File to which what the command says is added; its folder exists.
    """

    def __init__(self, command: Sequence[str], log: Path) -> None:
        self._command = command
        self._log = log
        self._sending: list[threading.Thread] = []

    def tell(self, says: str) -> None:
        """Tell people; returns at once.

        Parameters
        ----------
        says : str
            What happened, for people, with what to do.
        """
        if self._command:
            sending = threading.Thread(target=self._send, args=(says,), name="alert", daemon=True)
            self._sending.append(sending)
            sending.start()

    def finish(self) -> None:
        """Wait until the commands have begun: before a process ends."""
        while self._sending:
            self._sending.pop().join(SENT_S)

    def _send(self, says: str) -> None:
        words = [word.replace(SENTENCE, says) for word in self._command]
        try:
            with self._log.open("ab") as log:
                process = subprocess.Popen(
                    words, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True, close_fds=True
                )
        except (OSError, ValueError) as error:  # no such program, no room, a zero byte
            logger.error("nobody could be told: %s: %s", words[0], error)
            return
        with contextlib.suppress(OSError):  # one that does not read
            process.communicate(says.encode(errors="replace") + b"\n")
        if process.returncode:
            logger.error("nobody may have been told: %s ended with exit code %s", words[0], process.returncode)
