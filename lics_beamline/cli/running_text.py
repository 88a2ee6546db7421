"""Running text of an answer: folded at one width, wherever it is read."""

from __future__ import annotations

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
