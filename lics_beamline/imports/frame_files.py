"""Files of the frames that a table names: found, read whole and held against the geometry."""

from __future__ import annotations

import difflib
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lics_beamline.errors import ReductionFailed
from lics_beamline.frames.frame import FrameSeries, Recording
from lics_beamline.frames.frame_digest import files_of, frame_digest
from lics_beamline.geometry.frame_shape import check_shape
from lics_beamline.geometry.geometry import Geometry
from lics_beamline.imports.frame_table import FrameTable, TableRow
from lics_beamline.integration.integration import detector_of

NOT_IN_NAMES: Final = "#?;"  # the catalog names files by URIs, in which these mean something else
MOST_NEAR_NAMES: Final = 3  # files named to somebody who asked for one that is not there
WAVELENGTH_AGREEMENT: Final = 1e-3  # relative: a table gives three digits and more


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameFile:
    """One row of the table with its frame found.

    Parameters
    ----------
    row : TableRow
        The row.
    file : Path
        Where the frame lies.
    below : Path
        The same relative to the folder of frames; its name alone where it lies elsewhere.
    dataset : str
        Inside an HDF5 file; empty for the only stack of images.
    number : int
        Of the frame in its file, from 1; 0 for the sum of all.
    sha256 : str
        Of the file, and of those that it links to.
    shape : tuple of int
        Rows and columns.
    is_whole : bool
        Whether its counts are whole numbers.
    exposure_s : float
        As the table says, or else the file; NaN where neither does.
    """

    row: TableRow
    file: Path
    below: Path
    dataset: str
    number: int
    sha256: str
    shape: tuple[int, int]
    is_whole: bool
    exposure_s: float

    @property
    def series(self) -> Path:
        """What its frames are read from."""
        return Path(f"{self.file}::{self.dataset}") if self.dataset else self.file


class WrongFile(Exception):
    """What is wrong with the file of one row, for people; it is collected."""


class FileFinder(ABC):
    """Finds the files of a table, and collects what is wrong.

    Parameters
    ----------
    table : FrameTable
        The table.
    folder : Path
        Folder of the files.
    """

    def __init__(self, table: FrameTable, folder: Path) -> None:
        self._table = table
        self._folder = folder
        self._names = sorted(each.name for each in folder.iterdir() if each.is_file())
        self._lines: dict[tuple[Path, str, int], int] = {}
        self.faults: list[str] = []

    def find(self, told: Callable[[], None] | None = None) -> tuple[FrameFile, ...]:
        """Return the frames that are as they should be; `faults` says what is wrong with the others.

        Parameters
        ----------
        told : callable, optional
            Called once a row.
        """
        found = []
        for row in self._table.rows:
            try:
                if row.file:
                    found.append(self._find(row))
            except WrongFile as wrong:
                self.faults.append(f"{self._table.name}, line {row.line}, {row.file!r}: {wrong}")
            if told:
                told()
        return tuple(found)

    def _find(self, row: TableRow) -> FrameFile:
        name, _, dataset = row.file.partition("::")
        return self._read(row, self._located(name), dataset)

    @abstractmethod
    def _read(self, row: TableRow, file: Path, dataset: str) -> FrameFile:
        """Return what a row names, read whole; raises `WrongFile` where it cannot be believed."""

    def _located(self, name: str) -> Path:
        """Return the file of a name; one without its ending is found where there is one such file."""
        path = self._folder / name
        try:
            if not path.exists():
                path = self._alike(name)
            if path.is_dir():
                raise WrongFile("it is a folder. Name a file.")
        except (OSError, ValueError) as error:  # too long a name
            raise WrongFile(f"it can be no file: {error}. Mend the name.") from None
        path = Path(os.path.abspath(path))
        for each in self._files(path):
            bad = next((mark for mark in NOT_IN_NAMES if mark in str(self._below(each))), "")
            if bad:
                raise WrongFile(f"the name {each.name!r} has {bad!r}, which the catalog cannot name. Rename the file.")
        return path

    def _files(self, path: Path) -> tuple[Path, ...]:
        try:
            return files_of(path)
        except (ReductionFailed, OSError) as error:
            raise WrongFile(str(error)) from None

    def _alike(self, name: str) -> Path:
        with_ending = [each for each in self._names if Path(each).stem == name]
        if len(with_ending) == 1:
            return self._folder / with_ending[0]
        if with_ending:
            raise WrongFile(f"{', '.join(with_ending)} are so named. Give the ending of the one that is meant.")
        near = difflib.get_close_matches(name, self._names, n=MOST_NEAR_NAMES)
        hint = f" Near it: {', '.join(near)}." if near else ""
        raise WrongFile(f"there is no such file in {self._folder}.{hint} Mend the name, or take the line out.")

    def _below(self, file: Path) -> Path:
        folder = Path(os.path.abspath(self._folder))
        return file.relative_to(folder) if file.is_relative_to(folder) else Path(file.name)

    def _check_once(self, row: TableRow, file: Path, dataset: str, number: int) -> None:
        key = (file.resolve(), dataset, number)
        if key in self._lines:
            which = {0: " (sum of all)", 1: ""}.get(number, f" (frame {number})")
            raise WrongFile(f"line {self._lines[key]} names the same frame{which}. Take one of them out.")
        self._lines[key] = row.line


class FrameFinder(FileFinder):
    """Finds the frames of a table, and holds them against the geometry.

    Parameters
    ----------
    table : FrameTable
        The table.
    folder : Path
        Folder of the frames.
    geometry : Geometry
        Of the detector.
    """

    def __init__(self, table: FrameTable, folder: Path, geometry: Geometry) -> None:
        super().__init__(table, folder)
        self._geometry = geometry
        self._series: tuple[Path, FrameSeries] | None = None  # the last: rows of one file follow each other
        self._shape: tuple[int, int] | None = None

    def _read(self, row: TableRow, file: Path, dataset: str) -> FrameFile:
        try:
            series = self._opened(Path(f"{file}::{dataset}") if dataset else file)
            number = _number(row, series)
            recording = series.total() if number == 0 else series.frame(number)
            sha256 = frame_digest(file)
        except (ReductionFailed, OSError) as error:
            raise WrongFile(str(error)) from None
        shape = (int(recording.counts.shape[0]), int(recording.counts.shape[1]))
        self._check_once(row, file, dataset, number)
        self._check_shape(shape)
        self._check_wavelength(row)
        return FrameFile(
            row=row,
            file=file,
            below=self._below(file),
            dataset=dataset,
            number=number,
            sha256=sha256,
            shape=shape,
            is_whole=recording.counts.dtype.kind == "i",
            exposure_s=_exposure_s(row, recording),
        )

    def _opened(self, path: Path) -> FrameSeries:
        if self._series is None or self._series[0] != path:
            self._series = (path, FrameSeries(path))
        return self._series[1]

    def _check_shape(self, shape: tuple[int, int]) -> None:
        try:
            if self._shape is None:
                wanted = detector_of(self._geometry, shape).shape
                self._shape = (int(wanted[0]), int(wanted[1]))
            check_shape(shape, self._shape)
        except ReductionFailed as error:
            raise WrongFile(str(error)) from None

    def _check_wavelength(self, row: TableRow) -> None:
        ours = self._geometry.wavelength_angstrom
        if abs(row.wavelength_angstrom / ours - 1.0) > WAVELENGTH_AGREEMENT:  # NaN is not
            raise WrongFile(
                f"the table says {row.wavelength_angstrom:g} angstrom, and the geometry {ours:g}. Give the geometry of "
                "this wavelength; frames of another are another run."
            )


def check_samples(table: FrameTable, sample: str) -> Iterator[str]:
    """Yield what is wrong with the samples that a table names: a run has one.

    Parameters
    ----------
    table : FrameTable
        The table.
    sample : str
        As the command line says; empty where it does not.
    """
    named = sample
    where = "the command line"
    for row in table.rows:
        if row.sample and named and row.sample != named:
            yield (
                f"{table.name}, line {row.line}, sample {row.sample!r}: {where} says {named!r}, and a run has one "
                "sample. Import each with a table of its own."
            )
        elif row.sample and not named:
            named, where = row.sample, f"line {row.line}"


def _number(row: TableRow, series: FrameSeries) -> int:
    if row.frame is None and series.count > 1:
        raise WrongFile(
            f"the file holds {series.count} frames. Say which in a column `frame`, from 1 to {series.count}, or `sum`."
        )
    if row.frame is not None and row.frame > series.count:
        raise WrongFile(f"it has no frame {row.frame}: it holds {series.count}. Mend the number.")
    return 1 if row.frame is None or (series.count == 1 and row.frame == 0) else row.frame


def _exposure_s(row: TableRow, recording: Recording) -> float:
    return recording.exposure_s if row.exposure_s != row.exposure_s else row.exposure_s
