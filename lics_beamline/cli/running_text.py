"""Words of an answer: running text folded at one width, and lines that are seen as soon as they are told."""

from __future__ import annotations

import sys
import textwrap
from typing import Final

TEXT_WIDTH_COLUMNS: Final = 110
HANGING_INDENT: Final = "  "


def wrapped(text: str, *, before: str = "") -> list[str]:
    """Return the lines of a text; all but the first are indented.

    Parameters
    ----------
    text : str
        The text.
    before : str
        What the first line begins with.
    """
    return textwrap.wrap(text, TEXT_WIDTH_COLUMNS, initial_indent=before, subsequent_indent=HANGING_INDENT)


def tell_line(line: str) -> None:
    """Write a line to standard output, or several; it is seen at once, also through a pipe.

    Parameters
    ----------
    line : str
        The line, without its end.
    """
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
