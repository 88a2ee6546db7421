"""Who reduces, as asked for at the command line: ``--followers``, ``--jobs``, ``--dask``, a bar with time left."""

from __future__ import annotations

import argparse
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from lics_beamline.cli.argument import whole

if TYPE_CHECKING:
    from lics_beamline.follower.status import Which

MOST_JOBS: Final = 1024  # processes of one machine


jobs = whole(1, MOST_JOBS)


def crew_options() -> argparse.ArgumentParser:
    """Return the options of every verb that reduces points."""
    options = argparse.ArgumentParser(add_help=False)
    who = options.add_mutually_exclusive_group()
    who.add_argument(
        "--jobs",
        type=jobs,
        metavar="N",
        help="processes that share the points (default: one a core, fewer where there are few points)",
    )
    who.add_argument(
        "--dask", metavar="ADDRESS", help="share the points on a Dask cluster: tcp://HOST:8786 of its scheduler"
    )
    return options


def follower_options() -> argparse.ArgumentParser:
    """Return the option of every verb that starts followers beside a session."""
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument(
        "--followers",
        choices=("both", "reduce", "catalog", "none"),
        default="both",
        help="which followers to start beside it (default both): one that is left out runs elsewhere, or later, by "
        "`lics follow`",
    )
    return options


def followers_of(options: argparse.Namespace) -> tuple[Which, ...]:
    """Return which followers to start."""
    from lics_beamline.follower.status import WHICH

    return tuple(which for which in WHICH if options.followers in (which, "both"))


def jobs_of(options: argparse.Namespace, points: int) -> int:
    """Return how many processes to use for a number of points."""
    from lics_beamline.reduction.workers import jobs_for

    return int(options.jobs) if options.jobs else jobs_for(points)


class PointBar:
    """Points done, and the time left, on a terminal; elsewhere only the lines.

    Parameters
    ----------
    points : int
        To be done.
    quiet : bool
        Show nothing at all.
    doing : str
        What is done to them.
    """

    def __init__(self, points: int, *, quiet: bool = False, doing: str = "reducing") -> None:
        from lics_beamline.cli.terminal import MofNCompleteColumn, console, progress, text_column

        self._console = console(quiet=quiet, soft_wrap=True)
        self._shown = self._console.is_terminal and points > 0 and not quiet
        self._progress = progress(
            self._console, text_column(doing), MofNCompleteColumn(), transient=True, disable=not self._shown
        )
        self._bar = self._progress.add_task(doing, total=points)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def say(self, line: str) -> None:
        """Write a line above the bar."""
        self._console.print(line)
        self._console.file.flush()

    def step(self) -> None:
        """Count a point."""
        self._progress.advance(self._bar)
