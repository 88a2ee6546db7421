"""The table that goes with a folder of frames: which file was measured at which pressure and temperature.

A number is read in one way or refused: a comma that may part thousands is no decimal comma, and a temperature without
its unit is no temperature. All that is wrong with a table is told at once.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lics_beamline.control.path import MOST_GPA
from lics_beamline.errors import ProfileError
from lics_beamline.exports.reduced_run import MOST_WAVELENGTH_ANGSTROM
from lics_beamline.files.given_file import read_bytes
from lics_beamline.files.written_number import NUMBER, THOUSANDS
from lics_beamline.imports.heading import (
    COMMENT,
    EXPOSURE,
    FILE,
    FRAME,
    PRESSURE,
    SAMPLE,
    STROKE,
    TEMPERATURE,
    WAVELENGTH,
    Column,
    ColumnUnit,
    columns_of,
)

TABLE_BYTES: Final = 16 << 20  # a line a frame of 100 bytes: 160 000 frames
MOST_FRAME_NUMBER: Final = 10_000_000  # of one file
SUM: Final = "sum"  # in the column of frames: all of the file together
LEAST_GPA: Final = -0.5  # a line of ruby at ambient scatters below zero by less
MOST_K: Final = 10_000.0  # a laser-heated cell
MOST_EXPOSURE_S: Final = 1e6  # s: eleven days
LIMITS: Final[Mapping[str, tuple[float, float, str]]] = {
    PRESSURE: (LEAST_GPA, MOST_GPA, "GPa"),
    TEMPERATURE: (0.0, MOST_K, "K"),
    EXPOSURE: (0.0, MOST_EXPOSURE_S, "s"),
    WAVELENGTH: (0.0, MOST_WAVELENGTH_ANGSTROM, "angstrom"),
}
ERROR_AT_ZERO: Final = {PRESSURE: 1.0, TEMPERATURE: 0.0}  # GPa, K: what an error may be where the value is nearly 0
ABOVE_ZERO: Final = (TEMPERATURE, WAVELENGTH)
STROKES: Final = {
    "upstroke": "upstroke",
    "up": "upstroke",
    "compression": "upstroke",
    "loading": "upstroke",
    "downstroke": "downstroke",
    "down": "downstroke",
    "decompression": "downstroke",
    "unloading": "downstroke",
    "heating": "heating",
    "held": "held",
}
MISSING: Final = ("", "-", "--", "nan", "n/a", "na", "none", "?")
DECIMAL_COMMA: Final = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?")
SHOWN_CHARACTERS: Final = 60
UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")  # how a text of Excel's begins


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """One row: a frame and what is known of it. NaN and empty for what the table does not say.

    Parameters
    ----------
    line : int
        In the table, from 1.
    file : str
        As the table names it.
    frame : int or None
        Of a file with several, from 1; 0 for the sum of all; None where the table does not say.
    pressure_gpa, pressure_sigma_gpa, temperature_k, temperature_sigma_k : float
        State of the sample with its standard deviations.
    exposure_s, wavelength_angstrom : float
        Of the frame.
    sample, comment, stroke : str
        What was measured, what was noted, whether it was being loaded or unloaded.
    """

    line: int
    file: str
    frame: int | None
    pressure_gpa: float
    pressure_sigma_gpa: float
    temperature_k: float
    temperature_sigma_k: float
    exposure_s: float
    wavelength_angstrom: float
    sample: str
    comment: str
    stroke: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameTable:
    """A table of frames.

    Parameters
    ----------
    name : str
        Of its file.
    sha256 : str
        Of its file, in hexadecimal.
    rows : tuple of TableRow
        In its order.
    not_used : tuple of str
        Headings of columns that say nothing that is read here.
    faults : tuple of str
        All that is wrong with it, a sentence each.
    """

    name: str
    sha256: str
    rows: tuple[TableRow, ...]
    not_used: tuple[str, ...]
    faults: tuple[str, ...]


def read_table(path: Path) -> FrameTable:
    """Read a table of frames: comma, semicolon or tab between columns, a line of headings with units.

    Parameters
    ----------
    path : Path
        The table. Lines that begin with ``#`` are comments; the last of them may be the headings.

    Raises
    ------
    ProfileError
        If it cannot be read as a table with columns of files, pressures and temperatures. What is wrong with its rows
        is in `FrameTable.faults`.
    """
    content = read_bytes(path, most_bytes=TABLE_BYTES, what="a table of frames")
    text = _decoded(content, path)
    first, headings, delimiter = _headings(text, path)
    columns = columns_of(headings)
    _check_columns(columns, path)
    reader = _RowReader(columns, path.name, delimiter)
    reader.read(text, first)
    if not reader.rows and not reader.faults:
        raise ProfileError(f"{path}: has headings and no row. Give a row for each frame.", file=str(path))
    return FrameTable(
        name=path.name,
        sha256=hashlib.sha256(content).hexdigest(),
        rows=tuple(reader.rows),
        not_used=tuple(column.heading for column in columns if not column.quantity and column.heading.strip()),
        faults=tuple(reader.faults),
    )


def _decoded(content: bytes, path: Path) -> str:
    """Return the text: UTF-8, UTF-16 where it says so, else Latin-1, in which other programs write a degree sign."""
    try:
        text = content.decode("utf-16" if content.startswith(UTF_16) else "utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    if "\0" in text:
        line = text.count("\n", 0, text.find("\0")) + 1
        raise ProfileError(f"{path}, line {line}: has a NUL in it, so it is no text. Save it as CSV.", file=str(path))
    return text


def _headings(text: str, path: Path) -> tuple[int, list[str], str]:
    """Return the line of the headings, from 1, the headings, and what is between columns."""
    commented: tuple[int, str] | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        if line.lstrip().startswith("#"):
            commented = (number, line.lstrip().lstrip("#"))
            continue
        for place, said in ((number, line), *((commented,) if commented else ())):
            delimiter = _delimiter(said)
            try:
                headings = next(csv.reader([said], delimiter=delimiter, skipinitialspace=True))
            except csv.Error:  # a cell longer than any heading
                continue
            if any(column.quantity == FILE for column in columns_of(headings)):
                return place, headings, delimiter
        raise ProfileError(
            f"{path}, line {number}: {_shown(line)} are no headings with a column of files. Begin the table with a "
            "line such as: file, P (GPa), T (K). Between columns stand commas, semicolons or tabs.",
            file=str(path),
            line=number,
        )
    raise ProfileError(f"{path}: is empty. Give a table: file, P (GPa), T (K)", file=str(path))


def _delimiter(line: str) -> str:
    return next((each for each in ("\t", ";") if each in line), ",")


def _check_columns(columns: Sequence[Column], path: Path) -> None:
    """Refuse headings of which one has no unit, one is missing, or two say the same."""
    faults = [f"column {_shown(column.heading)}: {column.fault}." for column in columns if column.fault]
    faults += [
        f"it has no column of {quantity}: add one, {example}, and leave its cells empty where it is not known."
        for quantity, example in ((PRESSURE, "P (GPa)"), (TEMPERATURE, "T (K)"))
        if not any(column.quantity == quantity and not column.is_error for column in columns)
    ]
    seen: dict[tuple[str, bool], str] = {}
    for column in columns:
        key = (column.quantity, column.is_error)
        if column.quantity and key in seen:
            faults.append(
                f"columns {_shown(seen[key])} and {_shown(column.heading)} both say "
                f"{'the error of ' if column.is_error else ''}{column.quantity}: leave one out."
            )
        seen.setdefault(key, column.heading)
    if faults:
        raise ProfileError("\n".join(f"{path}: {fault}" for fault in faults), file=str(path), faults=tuple(faults))


class _RowReader:
    """Reads rows and collects what is wrong with them."""

    def __init__(self, columns: Sequence[Column], source: str, delimiter: str) -> None:
        self.rows: list[TableRow] = []
        self.faults: list[str] = []
        self._columns = columns
        self._source = source
        self._delimiter = delimiter
        self._comma_line = 0  # where the first decimal comma, and the first decimal point, was met
        self._point_line = 0

    def read(self, text: str, heading_line: int) -> None:
        """Read all lines behind the headings."""
        lines = [
            "\n" if number <= heading_line or line.lstrip().startswith("#") else line
            for number, line in enumerate(io.StringIO(text, newline=None), start=1)
        ]
        reader = csv.reader(lines, delimiter=self._delimiter, skipinitialspace=True, strict=True)
        last = 0
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                break
            except csv.Error as error:
                self._fault(last + 1, f"cannot be read: {error}. Mend its quotes.")
                break
            line, last = last + 1, reader.line_num
            if any(cell.strip() for cell in cells):
                self._take(line, cells)
        if self._comma_line and self._point_line:
            self._fault(
                max(self._comma_line, self._point_line),
                f"has a decimal {'comma' if self._comma_line > self._point_line else 'point'}, and line "
                f"{min(self._comma_line, self._point_line)} the other. Write all numbers alike.",
            )

    def _take(self, line: int, cells: list[str]) -> None:
        count = len(self._columns)
        while self._delimiter != "," and len(cells) > count and not cells[-1].strip():
            cells.pop()  # between commas, 4,38, may be a decimal comma and a cell that is empty
        if len(cells) != count:
            hint = ""
            if self._delimiter == "," and len(cells) > count:
                hint = " Where numbers have decimal commas, write points, or put semicolons between columns."
            self._fault(line, f"has {len(cells)} columns, and the headings are {count}.{hint or ' Mend the line.'}")
            return
        at = {
            (column.quantity, column.is_error): (column, cell.strip())
            for column, cell in zip(self._columns, cells, strict=True)
            if column.quantity
        }

        def text(quantity: str) -> str:
            return at[quantity, False][1] if (quantity, False) in at else ""

        pressure, pressure_sigma, temperature, temperature_sigma = (
            self._number(line, at.get((quantity, is_error)))
            for quantity in (PRESSURE, TEMPERATURE)
            for is_error in (False, True)
        )
        self._check_error(line, at, PRESSURE, pressure, pressure_sigma)
        self._check_error(line, at, TEMPERATURE, temperature, temperature_sigma)
        if not text(FILE):
            self._fault(line, "names no file. Name it, or take the line out.")
        self.rows.append(
            TableRow(
                line=line,
                file=text(FILE),
                frame=self._frame(line, at.get((FRAME, False))),
                pressure_gpa=pressure,
                pressure_sigma_gpa=pressure_sigma,
                temperature_k=temperature,
                temperature_sigma_k=temperature_sigma,
                exposure_s=self._number(line, at.get((EXPOSURE, False))),
                wavelength_angstrom=self._number(line, at.get((WAVELENGTH, False))),
                sample=text(SAMPLE),
                comment=text(COMMENT),
                stroke=self._stroke(line, at.get((STROKE, False))),
            )
        )

    def _fault(self, line: int, says: str, column: Column | None = None) -> None:
        where = f", column {_shown(column.heading)}" if column is not None else ""
        self.faults.append(f"{self._source}, line {line}{where}: {says}")

    def _number(self, line: int, cell: tuple[Column, str] | None) -> float:
        """Return the number of a cell in our unit; NaN where it has none, or a fault."""
        if cell is None or cell[1].lower() in MISSING:
            return math.nan
        column, said = cell
        text = said.replace("\N{MINUS SIGN}", "-")
        if THOUSANDS.fullmatch(text):
            self._fault(line, f"{said!r} may be a decimal comma or thousands. Write {_both(text)}.", column)
            return math.nan
        if DECIMAL_COMMA.fullmatch(text):
            self._comma_line = self._comma_line or line
            text = text.replace(",", ".")
        elif NUMBER.fullmatch(text):
            self._point_line = self._point_line or (line if "." in text else 0)
        else:
            self._fault(
                line, f"{_shown(said)} is no number. Write the number alone; its unit is in the heading.", column
            )
            return math.nan
        unit = column.unit or ColumnUnit(factor=1.0)
        number = float(text) * unit.factor + (0.0 if column.is_error else unit.offset)
        return number if self._is_believable(line, column, said, number) else math.nan

    def _is_believable(self, line: int, column: Column, said: str, number: float) -> bool:
        least, most, unit = LIMITS[column.quantity]
        if column.is_error:
            least = 0.0
        above = column.quantity in ABOVE_ZERO and not column.is_error
        if (number > least if above else number >= least) and number <= most:
            return True
        is_ours = column.unit is not None and column.unit == ColumnUnit(factor=1.0)
        limits = f"above {least:g} and at most {most:g}" if above else f"within {least:g} and {most:g}"
        self._fault(
            line,
            f"{said} is {'not' if is_ours else f'{number:g} {unit}, not'} {limits} {unit}. Mend the number, or leave "
            "the cell empty where it is not known.",
            column,
        )
        return False

    def _check_error(
        self, line: int, at: Mapping[tuple[str, bool], tuple[Column, str]], quantity: str, value: float, sigma: float
    ) -> None:
        """Refuse an error above the value itself: cells are shifted, as by a decimal comma, or columns exchanged."""
        if sigma > max(abs(value), ERROR_AT_ZERO[quantity]):
            column, said = at[quantity, True]
            self._fault(
                line, f"the error {said} is larger than the {quantity} itself. Look whether a cell is missing.", column
            )

    def _frame(self, line: int, cell: tuple[Column, str] | None) -> int | None:
        if cell is None or cell[1].lower() in MISSING:
            return None
        if cell[1].lower() == SUM:
            return 0
        if re.fullmatch(r"\d{1,8}", cell[1]) and 1 <= int(cell[1]) <= MOST_FRAME_NUMBER:
            return int(cell[1])
        self._fault(
            line, f"{_shown(cell[1])} is no frame: give its number, from 1, or {SUM} for all together.", cell[0]
        )
        return None

    def _stroke(self, line: int, cell: tuple[Column, str] | None) -> str:
        if cell is None or cell[1].lower() in MISSING:
            return ""
        stroke = STROKES.get(cell[1].lower(), "")
        if not stroke:
            self._fault(line, f"{_shown(cell[1])} is none of {', '.join(dict.fromkeys(STROKES.values()))}.", cell[0])
        return stroke


def _both(text: str) -> str:
    return f"{text.replace(',', '.', 1)} or {text.replace(',', '')}" if text.count(",") == 1 else text.replace(",", "")


def _shown(text: str) -> str:
    text = text.strip()
    return repr(text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 3]}...")
