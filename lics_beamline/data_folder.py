"""Where everything a command writes is kept: one folder, which can be moved or copied whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The layout of one data folder. Paths only: nothing is opened, nothing is made until ``make`` is called.

    Parameters
    ----------
    root : Path
        The folder given as ``--data``; default ``./lics-data``.
    """

    root: Path

    @property
    def raw_journals(self) -> Path:
        """Journals of sweeps as they were recorded, one ``<uid>.jsonl`` a run."""
        return self.root / "journals" / "raw"

    @property
    def derived_journals(self) -> Path:
        """Journals of reduced runs, one ``<uid>.jsonl`` a (raw run, recipe)."""
        return self.root / "journals" / "derived"

    @property
    def plates(self) -> Path:
        """Plate files as the detector wrote them."""
        return self.root / "plates"

    @property
    def catalog(self) -> Path:
        """The databroker/Tiled index of all journals; may be deleted, it is rebuilt from them."""
        return self.root / "catalog"

    @property
    def calibrations(self) -> Path:
        """Geometries found with a calibrant, a dated record and a PONI file each."""
        return self.root / "calibrations"

    @property
    def figures(self) -> Path:
        """Figures drawn from runs."""
        return self.root / "figures"

    @property
    def exports(self) -> Path:
        """Files for other programs."""
        return self.root / "exports"

    @property
    def logs(self) -> Path:
        """What the processes said."""
        return self.root / "logs"

    def make(self) -> DataFolder:
        """Create the folders that are not there yet and return self."""
        for folder in (self.raw_journals, self.derived_journals, self.plates, self.logs):
            folder.mkdir(parents=True, exist_ok=True)
        return self

    def relative(self, path: Path) -> str:
        """Path below the data folder as a posix string, the form in which documents carry it.

        Raises
        ------
        ValueError
            If `path` is not below the data folder.
        """
        return path.resolve().relative_to(self.root.resolve()).as_posix()
