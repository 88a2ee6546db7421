"""A recorded sweep and its reduction for Python: found by name as ``lics show`` finds it, read from the journals."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import RunNotFound
from lics_beamline.exports.reduced_run import ReducedRun, reduced_run
from lics_beamline.journal.events import Streams
from lics_beamline.journal.head import Head, find, heads
from lics_beamline.journal.reader import read
from lics_beamline.schema import POINT_INDEX, REDUCED, REDUCTION

if TYPE_CHECKING:
    import pandas as pd

MOST_NEAR_COLUMNS: Final = 5  # columns named to somebody who asked for one that does not exist
LEAST_LIKENESS: Final = 0.4  # how alike their names must be: "pressure" finds "pressure_gpa"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRun:
    """A recorded sweep and one reduction of it.

    Parameters
    ----------
    raw : Head or None
        The sweep as recorded; None where only its reduction is here.
    derived : Head
        The reduction: the one that was named, or the newest of the sweep.
    """

    raw: Head | None
    derived: Head

    @property
    def start(self) -> dict[str, Any]:
        """Start document of the sweep; of the reduction where the sweep is not here."""
        return (self.raw or self.derived).start

    def reduced(self) -> ReducedRun:
        """Return the reduction as a value: points with their patterns and phases, and the recipe."""
        return reduced_run(read(self.derived.path))

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of all columns that `table` can give: every number and word of a reduced point, no patterns."""
        return tuple(self._points()[0])

    def table(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return the points as a table, a row a point in the order of the path, read from the journal.

        Parameters
        ----------
        columns : sequence of str, optional
            Which, in this order, as ``["pressure_gpa", "alloy_a_angstrom"]``; default all. Units are in their names.

        Returns
        -------
        pandas.DataFrame
            NaN where a phase was not found, or a point not reduced (``reduced`` and ``note`` say which and why).

        Raises
        ------
        RunNotFound
            If a column does not exist; the message names those that are near.
        """
        import pandas as pd

        known, rows = self._points()
        asked = list(known) if columns is None else [columns] if isinstance(columns, str) else list(columns)
        for name in asked:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=MOST_NEAR_COLUMNS, cutoff=LEAST_LIKENESS)
                raise RunNotFound(
                    f"run {self.derived.uid[:8]} has no column {name!r}; "
                    f"near it: {', '.join(near) or 'none'}. All {len(known)} are listed by its `columns`.",
                    column=name,
                    near=near,
                )
        rows = sorted(rows, key=lambda row: row[POINT_INDEX.name])
        return pd.DataFrame([[row.get(name, math.nan) for name in asked] for row in rows], columns=asked)

    def _points(self) -> tuple[tuple[str, ...], list[Mapping[str, Any]]]:
        """Return names of columns and what each point has of them, by the reduction's documents."""
        columns: dict[str, None] = {POINT_INDEX.name: None}
        rows: list[Mapping[str, Any]] = []
        streams = Streams()
        for name, doc in read(self.derived.path):
            rows += [event.data for event in streams.take(name, doc) if event.stream == REDUCED]
            if name == "descriptor" and doc["name"] == REDUCED:
                columns |= {key: None for key, about in doc.get("data_keys", {}).items() if about["dtype"] != "array"}
        return tuple(columns), rows


def read_run(name: str = "last", data: str | Path | DataFolder = "lics-data") -> RecordedRun:
    """Return a recorded sweep with its reduction, found by name as `lics show` does.

    Parameters
    ----------
    name : str
        ``last``, a uid of a sweep or of a reduction, or its first six characters or more.
    data : str, Path or DataFolder
        The data folder.

    Raises
    ------
    RunNotFound
        If there is no such run, several answer, or it has not been reduced.
    """
    folder = data if isinstance(data, DataFolder) else DataFolder(Path(data).expanduser())
    derived = newest_reduction(folder, name)
    raw_uid = str(derived.start.get("raw_uid", ""))
    raw = next((each for each in heads(folder.raw_journals) if each.uid == raw_uid), None)
    return RecordedRun(raw=raw, derived=derived)


def find_any(data: DataFolder, name: str) -> Head:
    """Return the run that a name means, raw or derived; ``last`` is the last raw one.

    Raises
    ------
    RunNotFound
        If there is none.
    """
    try:
        return find(data.raw_journals, name)
    except RunNotFound as error:
        if name == "last":
            raise
        try:
            return find(data.derived_journals, name)
        except RunNotFound:
            raise error from None


def newest_reduction(data: DataFolder, name: str) -> Head:
    """Return the derived run that a name means: itself, or the newest made of the raw run of that name.

    Raises
    ------
    RunNotFound
        If there is no such run, or it has not been reduced.
    """
    raw = find_any(data, name)
    if raw.start.get("purpose") == REDUCTION:
        return raw
    made = [found for found in heads(data.derived_journals) if found.start.get("raw_uid") == raw.uid]
    if not made:
        raise RunNotFound(f"run {raw.uid} has not been reduced yet: lics replay {raw.uid[:8]}.", uid=raw.uid)
    newest = made.pop()
    while later := [found for found in made if found.start.get("supersedes") == newest.uid]:  # by whichever clock
        newest = later[-1]
        made.remove(newest)
    return newest
