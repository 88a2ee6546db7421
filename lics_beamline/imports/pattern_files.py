"""Files of patterns that another program integrated: found, read whole, and held against each other."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import numpy as np

from lics_beamline.errors import LicsError, ProfileError
from lics_beamline.frames.frame_digest import frame_digest
from lics_beamline.geometry.geometry import Geometry, geometry_of
from lics_beamline.imports.frame_files import FileFinder, FrameFile, WrongFile
from lics_beamline.imports.frame_table import FrameTable, TableRow
from lics_beamline.lines.emission_doublet import doubled_lines, hidden_doublet
from lics_beamline.lines.peaks import find_peaks
from lics_beamline.patterns.even_steps import evenly_spaced
from lics_beamline.patterns.pattern import Pattern
from lics_beamline.patterns.pattern_file import SAME_WAVELENGTH, Errors, GivenPattern, read_pattern
from lics_beamline.patterns.pattern_table import Abscissa
from lics_beamline.reduction.pattern_reading import PatternReading
from lics_beamline.reduction.recipe import Frames

ENDINGS: Final = (
    ".xy",
    ".xye",
    ".chi",
    ".fxye",
    ".gsa",
    ".gsas",
    ".gda",
    ".dat",
    ".csv",
    ".txt",
    ".cif",
    ".rtv",
    ".pcif",
)
MOST_BINS: Final = 20_000  # of a recipe
EQUAL_SHARE: Final = 0.01  # of a step, by which first and last points of patterns on one grid differ at most


def are_patterns(table: FrameTable) -> bool:
    """Tell whether all files of a table are patterns by their names."""
    named = [row.file for row in table.rows if row.file]
    return bool(named) and all(Path(name).suffix.lower() in ENDINGS for name in named)


class PatternFinder(FileFinder):
    """Finds the patterns of a table, and holds them against each other.

    Parameters
    ----------
    table : FrameTable
        The table.
    folder : Path
        Folder of the patterns.
    wavelength_angstrom : float, optional
        X-ray wavelength [angstrom]; default that of the table or the files, which all say the same.
    second_angstrom : float, optional
        A second one, half as strong [angstrom], whose lines are taken off the patterns: K-alpha 2 of a tube.
    unit, errors, columns : optional
        How the files are read: as of `read_pattern`.
    """

    def __init__(
        self,
        table: FrameTable,
        folder: Path,
        *,
        wavelength_angstrom: float | None = None,
        second_angstrom: float | None = None,
        unit: Abscissa | None = None,
        errors: Errors | None = None,
        columns: tuple[int, ...] | None = None,
    ) -> None:
        super().__init__(table, folder)
        self._unit, self._errors, self._columns = unit, errors, columns
        self._wavelength, self._second = wavelength_angstrom, second_angstrom
        self._is_given = wavelength_angstrom is not None
        self._by = "the command line"
        self._pattern: Pattern | None = None  # the finest
        self._low_deg, self._high_deg = math.inf, -math.inf
        self._one_grid = True
        self.remarks: dict[str, str] = {}  # and the first file that each is of

    def _read(self, row: TableRow, file: Path, dataset: str) -> FrameFile:
        try:
            given = read_pattern(
                file,
                wavelength_angstrom=self._wavelength_of(row),
                unit=self._unit,
                errors=self._errors,
                columns=self._columns,
                chosen=dataset or None,
            )
            sha256 = frame_digest(file)
        except (LicsError, OSError) as error:
            raise WrongFile(str(error).removeprefix(f"{file} ").removeprefix(f"{file}: ")) from None
        if row.frame is not None and row.frame != 1:
            raise WrongFile("a pattern has no frames: name one of several as FILE::NAME, and take the number out.")
        self._check_once(row, file, dataset, 1)
        if self._pattern is None and self._second is None:
            self._look_for_second_lines(given.pattern, file.name)
        self._agree(given, row)
        for remark in given.remarks:
            self.remarks.setdefault(remark, file.name)
        return FrameFile(
            row=row,
            file=file,
            below=self._below(file),
            dataset=dataset,
            number=1,
            sha256=sha256,
            shape=(1, given.pattern.two_theta_deg.size),
            is_whole=False,
            exposure_s=row.exposure_s,
        )

    def _wavelength_of(self, row: TableRow) -> float | None:
        if math.isfinite(row.wavelength_angstrom):
            self._hold(row.wavelength_angstrom, "the table")
        return self._wavelength

    def _agree(self, given: GivenPattern, row: TableRow) -> None:
        pattern = given.pattern
        self._hold(pattern.wavelength_angstrom, f"line {row.line}")
        even = evenly_spaced(pattern)
        low, high = float(even.two_theta_deg[0]), float(even.two_theta_deg[-1])
        if self._pattern is None:
            self._pattern = even
        else:
            first, step = self._pattern, self._pattern.step_deg
            near = np.abs(even.two_theta_deg[[0, -1]] - first.two_theta_deg[[0, -1]]) < EQUAL_SHARE * step
            self._one_grid = self._one_grid and even.two_theta_deg.size == first.two_theta_deg.size and bool(near.all())
            if even.step_deg < step:
                self._pattern = even
        self._low_deg, self._high_deg = min(self._low_deg, low), max(self._high_deg, high)
        self._one_grid = self._one_grid and even is pattern

    def _look_for_second_lines(self, pattern: Pattern, name: str) -> None:
        """Refuse a pattern whose lines come twice, or say so where somebody gave the one wavelength.

        Cells would be wrong by up to 0.1 %, and the second lines be those of an unknown phase.
        """
        peaks = find_peaks(pattern)
        if doubled := doubled_lines(peaks, pattern.wavelength_angstrom):
            tube = doubled.doublet.element
            said = (
                f"{len(doubled.companions)} of {doubled.resolved} lines come twice, as {tube} K-alpha 1 and 2 make "
                f"them. --wavelength {tube}Ka takes the second ones off"
            )
            if not self._is_given:
                raise WrongFile(f"{said}; where they are none, give the one wavelength by --wavelength.")
            self.remarks.setdefault(said, name)
        elif hidden := hidden_doublet(peaks, pattern.wavelength_angstrom):
            self.remarks.setdefault(hidden, name)

    def _hold(self, wavelength: float, by: str) -> None:
        """Take a wavelength, or refuse it where another has been taken: a run has one."""
        if self._wavelength is None:
            self._wavelength, self._by = wavelength, by
        elif abs(wavelength / self._wavelength - 1.0) > SAME_WAVELENGTH:
            raise WrongFile(
                f"{by} says {wavelength:g} angstrom, and {self._by} {self._wavelength:g}. A run has one wavelength: "
                "import the others apart, or give the right one by --wavelength."
            )

    @property
    def reading(self) -> PatternReading:
        """How the files were read."""
        if self._wavelength is None:
            raise ProfileError("no pattern was read. Mend the table.")
        return PatternReading(
            wavelength_angstrom=self._wavelength,
            second_angstrom=self._second,
            unit=self._unit,
            errors=self._errors,
            columns=self._columns,
        )

    @property
    def geometry(self) -> Geometry:
        """A plane at one metre, for a recipe has a geometry: of patterns, its wavelength alone counts."""
        return geometry_of(
            "Detector: Detector\n"
            'Detector_config: {"pixel1": 0.0001, "pixel2": 0.0001, "orientation": 3}\n'
            f"Distance: 1.0\nPoni1: 0.0\nPoni2: 0.0\nWavelength: {self.reading.wavelength_angstrom * 1e-10!r}\n",
            source="patterns",
        )

    @property
    def frames(self) -> Frames:
        """Bins and range of a recipe that takes the points of the files as they are, or the finest of their grids."""
        if self._pattern is None:
            raise ProfileError("no pattern was read. Mend the table.")
        step = self._pattern.step_deg
        low, high = max(self._low_deg - 0.5 * step, 0.0), min(self._high_deg + 0.5 * step, 180.0)
        if self._one_grid and self._pattern.two_theta_deg.size <= MOST_BINS:
            low, high = self._low_deg - 0.5 * step, self._high_deg + 0.5 * step
        bins = min(max(round((high - low) / step), 10), MOST_BINS)
        return Frames(bins=bins, two_theta_deg=(low, high), graininess=False, point_spread=False)

    @property
    def is_interpolated(self) -> bool:
        """Whether points of the files lie beside the bins, and are interpolated."""
        return not self._one_grid or self._pattern is None or self._pattern.two_theta_deg.size > MOST_BINS
