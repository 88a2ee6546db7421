"""One run, followed in its journals: the raw one, those of the runs it resumes, and the newest reduction of it."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any, Final

from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import LicsError
from lics_beamline.journal.codec import MOST_LINE_BYTES, decode
from lics_beamline.journal.head import Head, head
from lics_beamline.journal.reader import Tail
from lics_beamline.journal.whole_sweep import earlier_documents
from lics_beamline.journal.writer import SUFFIX
from lics_beamline.monitor.fold import RunFold
from lics_beamline.monitor.view import RunView
from lics_beamline.schema import REDUCTION

LONGEST_LOOK_S: Final = 0.5  # of reading before what has been read is shown, and other runs have their turn [s]
SPECTRA_BYTES: Final = 4 << 20  # of the end of a journal: spectra before it were all followed by others, as a rule
RAW_SHARE: Final = 0.5  # of that, while both raw run and reduction have more: patterns come with the first readings


class FollowedRun:
    """Follows one raw run, or a reduction whose raw run is not here.

    Parameters
    ----------
    data : DataFolder
        Where the journals are.
    run : Head
        The run.

    Attributes
    ----------
    is_behind : bool
        Whether there was more to read than the last look had time for.
    """

    def __init__(self, data: DataFolder, run: Head) -> None:
        self._data = data
        self._fold = RunFold()
        self._is_reduction = run.start.get("purpose") == REDUCTION
        self._raw = Tail(run.path)
        self._head = run
        self._known: set[Path] = set()
        self._reduction: Tail | None = None
        self._reduction_time = -1.0
        self._spectrum_at = 0
        self._told = 0
        self._changes = -1
        self._written = False
        self.is_behind = False
        self._view = RunView(uid=run.uid)
        if self._is_reduction:
            self._fold.take("start", {**run.start, "points": 0})

    def close(self) -> None:
        """Let the journals go."""
        for tail in (self._raw, self._reduction):
            if tail is not None:
                tail.close()

    def look(self) -> RunView:
        """Read what is new, and return the run as it is now: the same value as before where nothing is new.

        At most `LONGEST_LOOK_S` is read at a time, so that a long run is shown while it is still being read.
        """
        now = time.monotonic()
        until = now + LONGEST_LOOK_S
        self.is_behind = False
        written = self._raw.being_written()
        if self._is_reduction:
            self._read_reduction(self._raw, until)
        else:
            self._read_raw(now + RAW_SHARE * LONGEST_LOOK_S)
            self._find_reduction()
            if self._reduction is not None:
                self._read_reduction(self._reduction, until)
        share = self._read_share()
        if self._fold.changes != self._changes or (written, share) != (self._written, self._view.read_share):
            self._changes, self._written = self._fold.changes, written
            self._view = self._fold.view(being_written=written, read_share=share)
        return self._view

    def _read_share(self) -> float:
        if not self.is_behind:
            return 1.0
        tails = [tail for tail in (self._raw, self._reduction) if tail is not None]
        return min(sum(tail.offset for tail in tails) / max(sum(tail.size() for tail in tails), 1), 1.0)

    def _read_raw(self, until: float) -> None:
        begins = self._raw.offset
        for name, doc in self._raw.documents(spectra_from=self._raw.size() - SPECTRA_BYTES):
            left_out = self._fold.spectra_left_out
            self._fold.take(name, doc)
            if self._fold.spectra_left_out > left_out:
                self._spectrum_at = begins
            begins = self._raw.offset
            if name == "start":
                self._take_earlier()
            if time.monotonic() > until:
                self.is_behind = True
                break
        if self._fold.lacks_spectrum and not self.is_behind:
            self._read_spectrum()
        self._tell(self._raw)

    def _read_spectrum(self) -> None:
        """Read the newest ruby spectrum, which was left out where it lies far before the end of the journal."""
        with self._raw.path.open("rb") as file:
            file.seek(self._spectrum_at)
            line = file.readline(MOST_LINE_BYTES)
        with contextlib.suppress(ValueError):  # it was whole when its numbers were read
            self._fold.take_spectrum(decode(line)[1])

    def _take_earlier(self) -> None:
        """Take what the runs that this one resumes have recorded, as its own."""
        try:
            for name, doc in earlier_documents(self._head):
                self._fold.take(name, doc)
        except LicsError as error:
            self._fold.damaged(str(error))

    def _read_reduction(self, tail: Tail, until: float) -> None:
        for name, doc in tail.documents():
            self._fold.take_reduced(name, doc)
            if time.monotonic() > until:
                self.is_behind = True
                break
        self._tell(tail)

    def _tell(self, tail: Tail) -> None:
        for fault in tail.faults:
            self._fold.damaged(str(fault))

    def _find_reduction(self) -> None:
        """Look among the journals that came since for the newest reduction of the run."""
        folder = self._data.derived_journals
        new = {path for path in folder.glob(f"*{SUFFIX}") if path not in self._known} if folder.is_dir() else set()
        for path in sorted(new):
            try:
                found = head(path)
            except (LicsError, OSError):
                self._known.add(path)
                continue
            if found is None:
                continue  # its start document is not whole yet
            self._known.add(path)
            if found.start.get("raw_uid") == self._head.uid and found.time > self._reduction_time:
                self._reduction_time = found.time
                if self._reduction is not None:
                    self._reduction.close()
                self._reduction = Tail(path)
                self._fold.begin_reduction(found.uid)


def known_heads(found: dict[Path, Head], folder: Path) -> dict[Path, Head]:
    """Return the heads of all runs of a folder, reading only those that are new or not ended.

    Parameters
    ----------
    found : dict of Path to Head
        Those that were read before.
    folder : Path
        The folder of journals.
    """
    now: dict[Path, Any] = {}
    for path in folder.glob(f"*{SUFFIX}") if folder.is_dir() else ():
        before = found.get(path)
        if before is not None and before.finished:
            now[path] = before
            continue
        try:
            read = head(path)
        except (LicsError, OSError):
            continue  # lics verify tells of it
        if read is not None:
            now[path] = read
    return now
