"""Patterns as columns of text: .xy, .xye, .csv, .chi of Fit2D and pyFAI, .dat of FullProf (Ins 0 and 10).

Headings are passed over but read: they may name the abscissa and the wavelength. Rows are believed only where every one
of them has the same columns; what may be read in two ways is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.files.written_number import meaning_of_commas, with_points
from lics_beamline.patterns.column_heading import (
    ABSCISSA_NAME,
    CHI_HEADING_LINES,
    NO_ABSCISSA,
    column_names,
    is_chi,
    stated_abscissa,
)
from lics_beamline.patterns.pattern_table import NUMBER, Abscissa, PatternTable, refused, wavelengths_in

Array = npt.NDArray[np.float64]

COMMENTS: Final = ("#", "!", "'", '"', "//", "/*", "%", "&", "@", "*", ";")
COMMA_WITHIN: Final = re.compile(r"[+-]?(\d+(,\d+)+(\.\d*)?|[1-9]\d{0,2}(\.\d{3})+,\d+)([eE][+-]?\d+)?")
NO_NUMBER: Final = re.compile(r"[+-]?(nan|inf|infinity|#n/a|n/a|-?1\.#\w+|\*+)", re.IGNORECASE)
QUOTED_ROW: Final = re.compile(r"""(["'])[\d.,eE+-]+\1(?:[\s,;]+(?:(["'])[\d.,eE+-]+\2|[\d.eE+-]+))+""")
QUOTED_WORD: Final = re.compile(r"""["']([^"']*)["']|([^\s,;"']+)""")
INTENSITY_NAME: Final = re.compile(r"([iy]|int\w*|counts?|cps|signal)\b", re.IGNORECASE)
ERROR_ENDINGS: Final = (".xye", ".qye", ".fxye")
ERROR_COLUMN: Final = 3  # the last of three
ERROR_NAME: Final = re.compile(
    r"sig|\bd[iy]\b|delta|\bsu\b|std|rms|\besd|err|\bs\.?d\.?\b|uncert|\be\b|\bdev", re.IGNORECASE
)
GRID_STEPS_OFF: Final = 1.5  # of a FullProf heading: points that it may be off from (end - start) / step + 1
MOST_COLUMNS_UNSAID: Final = 3  # abscissa, intensity, error; of more, which is which must be said
SHOWN_CHARACTERS: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class _NumberRows:
    heading: list[str] = field(default_factory=list)
    numbers: list[list[float]] = field(default_factory=list)
    first_line: int = 0
    commas: bool = False


def parse_columns(
    text: str,
    *,
    source: str,
    ending: str = "",
    columns: tuple[int, ...] | None = None,
    given: Abscissa | None = None,
) -> PatternTable:
    """Read a pattern from columns of text.

    Parameters
    ----------
    text : str
        The file.
    source : str
        Its name, for messages.
    ending : str
        Ending of its name: ``.xye`` says that a third column is an error.
    columns : tuple of int, optional
        Numbers, from 1, of the columns of abscissa, intensity and, optionally, error.
    given : {"2theta", "q", "q-nm", "d"}, optional
        What a person says that the abscissa is.

    Raises
    ------
    ProfileError
        If there are no rows, a row has a NaN, no number, a decimal comma or other columns than the first, or columns
        can be read in two ways.
    """
    if (grid := _fullprof_grid(text, source, ending)) is not None:
        return grid
    rows = _rows(text, source)
    if not rows.numbers:
        raise refused(
            source,
            "has no row of numbers. Give a pattern as columns of text (2theta, intensity, error), GSAS, CIF or NeXus.",
            rows=0,
        )
    _check_count(rows, source)
    table = np.array(rows.numbers, dtype=np.float64)
    names = column_names(rows.heading, table.shape[1])
    if given is None and columns is None and names and NO_ABSCISSA.match(names[0]) and INTENSITY_NAME.match(names[1]):
        raise refused(
            source,
            f"is over {names[0][:SHOWN_CHARACTERS]!r}, and not over 2theta, q or d. Export it over one of these, or "
            "say by --unit which of them it is.",
            reason="abscissa",
        )
    is_named = len(names) == ERROR_COLUMN and ABSCISSA_NAME.match(names[0]) is not None
    if columns is None and ending not in ERROR_ENDINGS and is_named and not ERROR_NAME.search(names[-1]):
        raise refused(
            source,
            f"has a third column called {names[-1][:SHOWN_CHARACTERS]!r}, which names no error. Give --columns 1 2 to "
            "leave it out, 1 2 3 to take it for one.",
            reason="columns",
        )
    x, y, sigma = _picked(table, names, source, columns, commas=rows.commas)
    fullprof = any(line.upper().startswith("XYDATA") for line in rows.heading)
    if fullprof:
        x, y, sigma = _interpolated(rows.heading, x, y, sigma)
    said = (
        columns is not None
        or fullprof
        or ending in ERROR_ENDINGS
        or bool(len(names) == ERROR_COLUMN and ERROR_NAME.search(names[-1]))
        or any(ERROR_NAME.search(line) and "column" in line.lower() for line in rows.heading)
    )
    return PatternTable(
        layout="FullProf XYDATA" if fullprof else f"{2 if sigma is None else 3} columns",
        abscissa=x,
        intensity=y,
        sigma=sigma,
        sigma_said=said,
        unit=stated_abscissa(rows.heading, names, source=source, given=given),
        wavelengths_angstrom=wavelengths_in("\n".join(rows.heading)),
    )


def _rows(text: str, source: str) -> _NumberRows:
    heading: list[str] = []
    rows: list[list[str]] = []
    first_line = 0
    commas = False
    for place, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip().rstrip("\x1a")
        is_quoted = QUOTED_ROW.fullmatch(line) is not None  # of a spreadsheet: a comma within quotes divides no columns
        words, by_comma = (_quoted_words(line), False) if is_quoted else _words(line)
        if (line.startswith(COMMENTS) and not is_quoted) or not words:
            if not rows:
                heading.append(line)
            continue
        plain = [NUMBER.fullmatch(word) is not None or COMMA_WITHIN.fullmatch(word) is not None for word in words]
        if not all(plain):
            if rows or (len(words) > 1 and any(plain) and any(NO_NUMBER.fullmatch(word) for word in words)):
                raise _row_refusal(source, place, line, words)
            heading.append(line)
            continue
        if not rows and len(words) == 1:  # the number of points, or a wavelength
            heading.append(line)
            continue
        if rows and len(words) != len(rows[0]):
            raise refused(
                source,
                f"line {place} has {len(words)} columns, those before {len(rows[0])}: {line[:SHOWN_CHARACTERS]!r}. "
                "Is it cut off, or are there two patterns? Give one whole pattern.",
                line=place,
            )
        if not rows:
            first_line, commas = place, by_comma
        rows.append(words)
    return _NumberRows(heading=heading, numbers=_numbers(rows, source), first_line=first_line, commas=commas)


def _numbers(rows: list[list[str]], source: str) -> list[list[float]]:
    """Return words as numbers, once it is known what a comma means in this file."""
    words = [word for row in rows for word in row]
    first = next((word for word in words if "," in word), "")
    commas = meaning_of_commas(words, [row[0] for row in rows]) if first else "thousands"
    if not commas:
        raise refused(
            source,
            f"has numbers like {first!r}, which may be thousands or decimals, and the others do not tell. Export "
            "it with decimal points and no thousands separator.",
            reason="decimal commas",
        )
    wrong = next((word for word in words if not NUMBER.fullmatch(with_points(word, commas))), "") if first else ""
    if wrong:
        raise refused(source, f"has {wrong!r} for a number. Export it again with decimal points.", reason="commas")
    return [[_number(with_points(word, commas)) for word in row] for row in rows]


def _number(word: str) -> float:
    """Return the number that a word is, with Fortran's D before an exponent too."""
    return float(word.replace("D", "e").replace("d", "e"))


def _words(line: str) -> tuple[list[str], bool]:
    """Split a line at blanks, tabs and semicolons, or at commas where there is nothing else."""
    words = line.replace(";", " ").split()
    if len(words) == 1 and "," in words[0]:
        return [word for word in words[0].split(",") if word], True
    return [word for part in words if (word := part.strip(","))], False


def _quoted_words(line: str) -> list[str]:
    """Split a line of which some words are in quotes, and may have commas within."""
    return [inside or plain for inside, plain in QUOTED_WORD.findall(line)]


def _row_refusal(source: str, place: int, line: str, words: list[str]) -> Exception:
    if any(NO_NUMBER.fullmatch(word) for word in words):
        return refused(
            source,
            f"line {place}: {line[:SHOWN_CHARACTERS]!r} has a value that is no number. Export it again without empty "
            "bins, or delete these lines.",
            reason="not a number",
            line=place,
        )
    return refused(
        source,
        f"line {place}: {line[:SHOWN_CHARACTERS]!r} is no row of numbers. Restore the file, or give one pattern only.",
        line=place,
    )


def _check_count(rows: _NumberRows, source: str) -> None:
    """Hold the number of points that a heading of Fit2D says against those that are there."""
    if not is_chi(rows.heading):
        return
    said = int(rows.heading[CHI_HEADING_LINES - 1])
    if said != len(rows.numbers):
        raise refused(
            source,
            f"says {said} points and has {len(rows.numbers)}: it is cut off or put together. Copy it again.",
            said=said,
            points=len(rows.numbers),
        )


def _picked(
    table: Array, names: list[str], source: str, columns: tuple[int, ...] | None, *, commas: bool
) -> tuple[Array, Array, Array | None]:
    count = table.shape[1]
    if columns is None:
        if count > MOST_COLUMNS_UNSAID:
            named = f" ({', '.join(names)})" if names else ""
            raise refused(
                source,
                f"has {count} columns{named}, and which are abscissa, intensity and error is not said. Give --columns "
                "with their numbers: --columns 1 2 3.",
                reason="columns",
                columns=count,
            )
        columns = tuple(range(1, count + 1))
    if max(columns) > count or min(columns) < 1 or len(set(columns)) != len(columns):
        raise refused(
            source, f"has the columns 1 to {count}, not {' '.join(map(str, columns))}. Give --columns from these."
        )
    x = table[:, columns[0] - 1]
    if commas and x.size > 2 and np.all(table == np.round(table)) and np.any(np.diff(x) == 0.0):
        raise refused(
            source,
            "has only whole numbers between its commas, and the first does not change: they are decimal commas. Export "
            "it with decimal points.",
            reason="decimal commas",
        )
    return x, table[:, columns[1] - 1], table[:, columns[2] - 1] if len(columns) > 2 else None


def _interpolated(heading: list[str], x: Array, y: Array, sigma: Array | None) -> tuple[Array, Array, Array | None]:
    """Apply the factors on abscissa and intensity of an INTER line; 0 is none."""
    words = next((line.split()[1:] for line in heading if line.upper().startswith("INTER")), [])
    by_x, by_y = ([_number(word) or 1.0 for word in words[:2] if NUMBER.fullmatch(word)] + [1.0, 1.0])[:2]
    return by_x * x, by_y * y, None if sigma is None else by_y * sigma


def _fullprof_grid(text: str, source: str, ending: str) -> PatternTable | None:
    """Read FullProf's free format (Ins 0): start, step and end, then nothing but counts; None where it is not that."""
    lines = [line for raw in text.splitlines() if (line := raw.strip()) and not line.startswith(COMMENTS)]
    for place, line in enumerate(lines[:8]):  # up to seven lines of comment
        words = line.split()
        grid = [_number(word) for word in words[:3] if NUMBER.fullmatch(word)]
        if len(grid) < 3 or not (grid[1] > 0.0 and grid[2] > grid[0] + 10.0 * grid[1]):
            continue
        start, step, end = grid
        values = [word for after in lines[place + 1 :] for word in after.split()]
        expected = (end - start) / step + 1.0
        # Three columns would have thousands of rows of three; a grid has as many numbers as it says.
        if abs(len(values) - expected) <= GRID_STEPS_OFF and all(NUMBER.fullmatch(word) for word in values):
            count = min(len(values), round(expected))
            counts = np.array([_number(word) for word in values[:count]], dtype=np.float64)
            return PatternTable(
                layout="FullProf Ins 0",
                abscissa=np.asarray(start + step * np.arange(count), dtype=np.float64),
                intensity=counts,
                unit="2theta",
                wavelengths_angstrom=wavelengths_in(" ".join([*lines[:place], *words[3:]])),
                counted=bool(np.all(counts == np.round(counts))),
            )
        if ending == ".dat" and len(lines[min(place + 1, len(lines) - 1)].split()) > MOST_COLUMNS_UNSAID:
            raise refused(
                source,
                f"says {expected:.0f} points from {start:g} to {end:g} deg and has {len(values)}. Copy it again.",
                said=round(expected),
                points=len(values),
            )
        return None
    return None
