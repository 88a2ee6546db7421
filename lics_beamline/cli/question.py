"""Asking a person at the terminal, question by question, until each answer can be used."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


class AnswersEnded(Exception):
    """Nobody answers any more: the input has ended."""


class Questions:
    """Asks on standard output, and reads standard input; a program that answers is not asked twice."""

    def __init__(self) -> None:
        self._terminal = sys.stdin.isatty()

    def ask(self, question: str, read: Callable[[str], Answer], *, default: str | None = None) -> Answer:
        """Ask until an answer can be used.

        Raises
        ------
        AnswersEnded
            If the input ends, or an answer of a program cannot be used.
        """
        while True:
            sys.stdout.write(f"{question}{f' [{default}]' if default else ''}: ")
            sys.stdout.flush()
            line = sys.stdin.readline()
            if not line:
                sys.stdout.write("\n")
                raise AnswersEnded
            answer = line.strip()
            if not self._terminal:
                sys.stdout.write(f"{answer}\n")
            try:
                return read(answer if answer or default is None else default)
            except ValueError as error:
                self.cannot(str(error))

    def cannot(self, why: str) -> None:
        """Say why an answer cannot be used."""
        sys.stderr.write(f"  {why}\n")
        if not self._terminal:  # a program does not think again
            raise AnswersEnded
