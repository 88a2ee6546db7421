"""The only door to rich: what people and files say is text here, never markup, whatever brackets and colons it has.

A title with ``[/b]`` would end the program, a note in brackets would vanish, ``:smile:`` would become a picture. Styles
are given beside a text, by `Text` or by a column, not inside it.
"""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from datetime import timedelta

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

__all__ = ["Console", "MofNCompleteColumn", "Progress", "Table", "Text", "console", "folded", "progress", "text_column"]

BAR_CHARACTERS = 30  # of the bar, and least of it where a terminal is narrow
LEAST_BAR_CHARACTERS = 4
SAID_CHARACTERS = 46  # of what is done now, in front of the bar
TIMES_CHARACTERS = 29  # of what stands behind the bar: percent, time gone, time left
FOLD_INDENT = " " * 12  # of what a line goes on with: where the values of a list of facts begin


def console(*, quiet: bool = False, soft_wrap: bool = False, piped_width: int | None = None) -> Console:
    """Return what writes to standard output, nothing but text where ``NO_COLOR`` is set (https://no-color.org).

    Parameters
    ----------
    quiet : bool
        Write nothing.
    soft_wrap : bool
        Leave long lines to the terminal.
    piped_width : int, optional
        Columns where nobody looks at a terminal; default those that rich takes.
    """
    width = piped_width if piped_width and not sys.stdout.isatty() else None
    return Console(
        file=sys.stdout,
        force_terminal=False if os.environ.get("NO_COLOR") else None,  # bold and a bar that moves are no text, either
        quiet=quiet,
        soft_wrap=soft_wrap,
        width=width,
        markup=False,
        emoji=False,
        highlight=False,
    )


def folded(line: str) -> str:
    """Return a line as lines of a terminal, the words of each whole; where nobody looks at a terminal, as it is.

    Parameters
    ----------
    line : str
        Without ends of lines.
    """
    if not sys.stdout.isatty():
        return line
    return "\n".join(
        textwrap.wrap(
            line,
            width=max(shutil.get_terminal_size().columns, 2 * len(FOLD_INDENT)),
            subsequent_indent=FOLD_INDENT,
            break_long_words=False,  # uids, digests and paths are copied whole
            break_on_hyphens=False,
        )
    )


def text_column(template: str, *, right: bool = False) -> TextColumn:
    """Return a column of a progress bar that shows text.

    Parameters
    ----------
    template : str
        With the fields of the task: ``{task.description}``.
    right : bool
        Whether it ends at the right.
    """
    return TextColumn(template, justify="right" if right else "left", markup=False)


class TimesColumn(ProgressColumn):
    """The time gone, which goes on while a full bar waits for what is still to be done, and the time left."""

    max_refresh = 0.5  # s: what is left would flicker

    def __init__(self) -> None:
        super().__init__()
        self._remaining = TimeRemainingColumn()

    def render(self, task: Task) -> Text:
        """Say both, the second before its word; nothing is left of a full bar."""
        gone = Text(str(timedelta(seconds=int(task.elapsed or 0.0))), style="progress.elapsed")
        return gone if task.finished else Text.assemble(gone, ", ", self._remaining.render(task), " left")


def said_column(console: Console) -> TextColumn:
    """Return the column that says what is done now, as wide as the terminal leaves room for beside bar and times."""
    room = console.width - LEAST_BAR_CHARACTERS - TIMES_CHARACTERS
    width = max(min(SAID_CHARACTERS, room), 1)
    return text_column(f"{{task.description:<{width}.{width}}}")


def progress(console: Console, *columns: ProgressColumn, transient: bool = False, disable: bool = False) -> Progress:
    """Return a bar with the time left; its first column comes before the bar, the others behind it.

    Where nobody looks at a terminal nothing is shown: a bar there is a line of noise in a log.

    Parameters
    ----------
    console : Console
        Where it is shown.
    *columns : ProgressColumn
        What is said beside it.
    transient : bool
        Take it away at the end.
    disable : bool
        Show nothing.
    """
    bar = min(max(console.width - SAID_CHARACTERS - TIMES_CHARACTERS, LEAST_BAR_CHARACTERS), BAR_CHARACTERS)
    return Progress(
        columns[0],
        BarColumn(bar_width=bar),
        *columns[1:],
        TimesColumn(),
        console=console,
        refresh_per_second=4,
        transient=transient,
        disable=disable or not console.is_terminal,
    )
