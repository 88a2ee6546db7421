"""What a person sees while a sweep runs: a progress bar with time left, and a line a point as it is reduced.

The narration follows the journals like everything else; it never touches the engine.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lics_beamline import schema
from lics_beamline.checks.judgement import expected_s
from lics_beamline.cli.run_summary import WIDE_COLUMNS, heading, point_line
from lics_beamline.cli.terminal import console, progress, said_column, text_column
from lics_beamline.data_folder import DataFolder
from lics_beamline.experiment import Experiment
from lics_beamline.exports.reduced_run import reduced_point
from lics_beamline.journal.events import Streams
from lics_beamline.journal.reader import Tail
from lics_beamline.journal.writer import SUFFIX
from lics_beamline.profile import Profile

LOOK_S = 0.2
PATIENCE_S = 600.0  # after the sweep, for the last points to be reduced by who lives; only a hang is caught


class Narration:
    """Tells a sweep from its journals, in a thread of its own.

    Parameters
    ----------
    data : DataFolder
        Where the journals are.
    experiment : Experiment
        What was asked for: the length of the bar.
    profile : Profile
        How fast things go.
    quiet : bool
        Follow, but show nothing.

    Attributes
    ----------
    raw_uid : str
        Uid of the sweep's run; empty until it has begun.
    """

    def __init__(self, data: DataFolder, experiment: Experiment, profile: Profile, *, quiet: bool) -> None:
        self._data = data
        self._expected_s = expected_s(experiment, profile)
        self._console = console(quiet=quiet, soft_wrap=True)
        self._columns = self._console.width if self._console.is_terminal else WIDE_COLUMNS
        self._known = {path.name for path in self._journals()}
        self._tails: dict[Path, Tail] = {}
        self._decided: list[str] = []  # since the journals were looked at last
        self._streams = Streams()  # of all the runs that are followed
        self._ended = threading.Event()
        self._swept = threading.Event()
        self._measured = 0
        self._run_ended = False
        self._read_all = threading.Event()  # that was recorded until the sweep ended
        self._reductions: set[str] = set()  # of this run: earlier ones of a sweep are caught up with meanwhile
        self._reduction_ended = False
        self.raw_uid = ""
        self._progress = progress(
            self._console,
            said_column(self._console),
            text_column("{task.percentage:>3.0f} %", right=True),
        )
        self._bar = self._progress.add_task("connecting", total=sum(self._expected_s))
        self._thread = threading.Thread(target=self._tell, name="narration", daemon=True)

    def __enter__(self) -> Self:
        self._console.print(heading(self._columns))
        self._progress.start()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join(5)
        self._progress.stop()
        if not self._thread.is_alive():
            for tail in self._tails.values():
                tail.close()

    def finish(self, *, ended_by: str = "", is_reduced: Callable[[], bool] = lambda: True) -> bool:
        """Wait until the last point of the sweep has been reduced, nobody reduces any more, or patience ends.

        Parameters
        ----------
        ended_by : str
            Why the sweep ended early, which is said before anything is waited for; empty when it did not.
        is_reduced : callable
            Whether somebody lives who reduces.

        Returns
        -------
        bool
            Whether the run has its stop document; without it no follower can end what it makes of it.
        """
        self._swept.set()
        if ended_by:
            self._console.print(ended_by)
        if self._measured or self._tails:
            self.say("reducing the last points")
        until_s = time.monotonic() + PATIENCE_S
        while self._thread.is_alive() and time.monotonic() < until_s and not self._read_all.wait(LOOK_S):
            pass
        while self._thread.is_alive() and is_reduced() and time.monotonic() < until_s:
            self._thread.join(LOOK_S)
        return self._run_ended

    def say(self, what: str) -> None:
        """Say what is being done now, in front of the bar."""
        self._progress.update(self._bar, description=what)

    def _tell(self) -> None:
        while not self._ended.is_set():
            swept = self._swept.is_set()  # asked first: what was recorded by then is then read
            with contextlib.suppress(OSError):  # of a disk that fails, which the sweep itself tells
                self._look()
            if swept:
                self._read_all.set()
            if swept and (self._reduction_ended or not self._run_ended):
                return
            time.sleep(LOOK_S)

    def _look(self) -> None:
        for path in self._journals():
            if path.name not in self._known and path not in self._tails:
                with contextlib.suppress(FileNotFoundError):  # somebody has moved it since
                    self._tails[path] = Tail(path)
        for tail in self._tails.values():
            for name, doc in tail.documents():
                self._hear(name, doc)
        for line in self._decided:  # after the points by which it was decided, which another journal has
            self._console.print(line)
        self._decided.clear()

    def _hear(self, name: str, doc: dict[str, Any]) -> None:
        if name == "start" and doc.get("purpose") == schema.SWEEP:
            self.raw_uid = doc["uid"]
        elif name == "start" and doc.get("raw_uid") == self.raw_uid:
            self._reductions.add(doc["uid"])
        elif name == "stop" and doc["run_start"] == self.raw_uid:
            self._run_ended = True
        elif name == "stop" and doc["run_start"] in self._reductions:
            self._reduction_ended = True
        for event in self._streams.take(name, doc):
            if event.descriptor["run_start"] == self.raw_uid:
                self._hear_event(event.stream, event.data)
            elif event.descriptor["run_start"] in self._reductions:
                self._console.print(point_line(reduced_point(event.data), self._columns))

    def _hear_event(self, stream: str, data: Mapping[str, Any]) -> None:
        if stream == schema.APPROACH:
            self._progress.update(
                self._bar,
                description=f"{data['target_pressure_gpa']:.2f} GPa: {data['phase_of_approach']} at "
                f"{data['pressure_gpa']:.3f} GPa, {data[schema.LOAD]:.1f} bar",
            )
        elif stream == schema.HEATING:
            self._progress.update(
                self._bar,
                description=f"{data['ruby_temperature_k']:.0f} K: {data['phase_of_heating']} at "
                f"{data['pressure_gpa']:.3f} GPa, {data['final_pressure_gpa']:.2f} predicted",
            )
        elif stream in (schema.PRIMARY, schema.FAILURE):
            done_s = sum(
                self._expected_s[: data["point_index"] + 1]
            )  # a hunt may have other points than those reckoned with
            self._progress.update(self._bar, completed=done_s, description=f"point {data['point_index'] + 1} exposed")
            self._measured += 1
            if stream == schema.FAILURE:
                self._console.print(f"{data['point_index'] + 1:4d}  failed: {data['reason']}")
        elif stream == schema.HOLDS:
            did = f"{data['hold_did']} by {data['hold_who']}{': ' if data['hold_why'] else ''}{data['hold_why']}"
            self._progress.update(self._bar, description=did)
            self._console.print(f"      {did}; load {data['hold_load_bar']:.2f} bar, {data['hold_gasket_k']:.1f} K")
        elif stream == schema.DECISIONS:
            self._decided.append(f"{data['point_index'] + 1:4d}  {data['leg']}: {data['choice']}")

    def _journals(self) -> list[Path]:
        """Return the journals by name only: this is looked at often, and a folder may hold years of them."""
        folders = (self._data.raw_journals, self._data.derived_journals)
        return [path for folder in folders for path in folder.glob(f"*{SUFFIX}")]
