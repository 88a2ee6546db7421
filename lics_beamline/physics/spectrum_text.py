"""Spectra as other programs write them: text with two columns, nm and counts, among headers and comments."""

from __future__ import annotations

import contextlib
import csv
import re
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import BadReading
from lics_beamline.files.written_number import NUMBER, meaning_of_commas, with_points
from lics_beamline.physics.scaled_counts import MOST_COUNTS_IN_TEXT, scaled_from_counts
from lics_beamline.physics.spectral_line import LEAST_PIXELS, MOST_COUNTS

WORD: Final = re.compile(r"[+-]?[.,]?\d[\d.,]*([eE][+-]?\d+)?")  # a number, whatever its comma means
DIGITS_ALONE: Final = re.compile(r"[\s\d.,;:'\"+eE-]+")  # a line that wants to be numbers
VACUUM: Final = re.compile(r"\bvac(uum)?\b", re.IGNORECASE)  # in a heading, of what wavelengths are stated in
NANOMETRES: Final = re.compile(r"\bnm\b|nanomet", re.IGNORECASE)
PER_CENTIMETRE: Final = re.compile(
    r"raman[\s_]*shift|wave[\s_]*number|\bcm\s*(\^?\s*[-\u2212]1|\u207b\u00b9)|\b1\s*/\s*cm\b", re.IGNORECASE
)
MOST_LINE_CHARACTERS: Final = 500  # of a line of two numbers; longer ones are passed over like any other text
MOST_PIXELS: Final = 65_536  # no spectrometer has more; a fit of more would take minutes
RANGE_NM: Final = (300.0, 1200.0)  # what a silicon detector sees; angstrom, pixels and wavenumbers are not in it


@dataclass(frozen=True, slots=True, kw_only=True)
class SpectrumText:
    """A spectrum.

    Parameters
    ----------
    wavelength_nm, counts : ndarray
        One value a pixel; wavelengths rise.
    remark : str
        What was chosen of the file, where it holds more; empty where it does not.
    says_vacuum : bool
        Whether a heading speaks of a vacuum.
    """

    wavelength_nm: npt.NDArray[np.float64]
    counts: npt.NDArray[np.float64]
    remark: str = ""
    says_vacuum: bool = False


def decoded(content: bytes) -> str:
    """Return the text of a file, whichever of the usual encodings it has."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def parse_spectrum(
    text: str, *, source: str = "spectrum", columns: tuple[int, int] | None = None, frame: int | None = None
) -> SpectrumText:
    """Read two columns from text.

    Parameters
    ----------
    text : str
        Lines of two numbers, separated by blanks, tabs, commas or semicolons, quoted or not; the decimal sign may be a
        comma where commas do not separate. Every other line (header, comment, footer) is passed over.
    source : str
        Name for messages.
    columns : tuple of int, optional
        Which columns hold wavelength and counts, from 1, where there are more than two.
    frame : int, optional
        Which spectrum, from 1, where several stand below each other.

    Returns
    -------
    SpectrumText
        By rising wavelength, also where the file falls.

    Raises
    ------
    BadReading
        If there are fewer than 32 pairs or more than 65 536, more than two columns and none chosen, a comma that may
        be a decimal sign or divide thousands, a line of digits that is no pair among the pairs, a number that is not
        finite, or a first column that neither rises nor falls throughout, is not in nm or said to be of a Raman shift.
    """
    rows = _rows(text, source, columns)
    table = np.array(rows, dtype=np.float64)
    x, y = _one_below_others(table[:, 0], table[:, 1], frame, source)
    if x.size > MOST_PIXELS:
        raise BadReading(
            f"{source} has {x.size} lines of two numbers, {MOST_PIXELS} are the most. Export one spectrum.",
            reason="corrupt",
            pairs=x.size,
        )
    spectrum = checked(x, y, source=source)
    if columns is None and (said := PER_CENTIMETRE.search(text)) and not NANOMETRES.search(text):
        raise BadReading(
            f"{source} runs from {x.min():g} to {x.max():g}, and speaks of {said.group()!r}, a Raman shift. "
            "Export it in nm, or give --columns 1 2 if it is.",
            reason="corrupt",
        )
    return replace(spectrum, says_vacuum=VACUUM.search(text) is not None)


def checked(
    wavelength_nm: npt.NDArray[np.float64], counts: npt.NDArray[np.float64], *, source: str, remark: str = ""
) -> SpectrumText:
    """Return a spectrum by rising wavelength, if it is one.

    Parameters
    ----------
    wavelength_nm, counts : ndarray
        As they stand in the file.
    source, remark : str
        Name for messages, and what was chosen of the file.

    Raises
    ------
    BadReading
        If a value is not finite, counts are logarithms or roots of counts, wavelengths neither rise nor fall
        throughout, or are not in nm.
    """
    x, y = wavelength_nm, counts
    wild = np.flatnonzero(~(np.isfinite(x) & (np.abs(y) <= MOST_COUNTS)))
    if wild.size:
        raise BadReading(
            f"{source} has {x[wild[0]]:g} nm and {y[wild[0]]:g} counts in its pair {wild[0] + 1}, which "
            "nothing counts. Export the spectrum again.",
            reason="corrupt",
            pair=int(wild[0]) + 1,
        )
    if what := scaled_from_counts(y, most_counts=MOST_COUNTS_IN_TEXT):
        raise BadReading(
            f"{source} has {what.name} of whole counts. A line and its error need counts: export these, or undo it "
            f"(numpy: {what.undo}).",
            reason="corrupt",
        )
    if x[0] > x[-1]:
        x, y = x[::-1], y[::-1]
    backwards = np.flatnonzero(np.diff(x) <= 0.0)
    if backwards.size:
        raise BadReading(
            f"{source} has wavelengths that neither rise nor fall throughout: {x[backwards[0]]:g} and "
            f"{x[backwards[0] + 1]:g} nm follow each other. Export one spectrum, with enough digits.",
            reason="corrupt",
            wavelength_nm=float(x[backwards[0]]),
        )
    if not RANGE_NM[0] < x[0] < x[-1] < RANGE_NM[1]:
        raise BadReading(
            f"{source} runs from {x[0]:g} to {x[-1]:g} in its first column, which is no wavelength in nm "
            f"({RANGE_NM[0]:g}-{RANGE_NM[1]:g}). Export nm, not angstrom, pixels or wavenumbers.",
            reason="corrupt",
            lowest=float(x[0]),
            highest=float(x[-1]),
        )
    return SpectrumText(wavelength_nm=np.ascontiguousarray(x), counts=np.ascontiguousarray(y), remark=remark)


def _rows(text: str, source: str, columns: tuple[int, int] | None) -> list[tuple[float, float]]:
    """Return the pairs of numbers of a text, whatever separates them."""
    lines = [line if len(line) <= MOST_LINE_CHARACTERS else "" for line in text.splitlines()]
    splits = (_by_tabs, _by_commas, _by_blanks) if columns is None else (_by_tabs, _by_blanks, _by_commas)
    most, wider = 0, 0
    for split in splits:
        words = [found if all(map(WORD.fullmatch, found := split(line))) else [] for line in lines]
        usable = [len(found) == 2 if columns is None else len(found) >= max(columns) for found in words]
        most = max(most, sum(usable))
        wider = wider or _more_columns(words)
        if sum(usable) >= LEAST_PIXELS:
            _refuse_gaps(lines, usable, source)
            first, second = columns or (1, 2)
            return _numbers(
                [(row[first - 1], row[second - 1]) for row, fit in zip(words, usable, strict=True) if fit], source
            )
    what = "two numbers" if columns is None else f"{max(columns)} numbers"
    hint = "Export wavelength in nm and counts as two columns of text."
    if wider and columns is None:
        hint = f"Its lines have {wider} numbers: say which are wavelength and counts, like --columns 1 2."
    raise BadReading(
        f"{source} has {most} lines of {what}, {LEAST_PIXELS} are needed. {hint}", reason="corrupt", pairs=most
    )


def _more_columns(rows: list[list[str]]) -> int:
    """Return how many columns a table of more than two has, 0 where there is none."""
    widths = [len(row) for row in rows if len(row) > 2]
    return max(widths) if len(widths) >= LEAST_PIXELS else 0


def _by_tabs(line: str) -> list[str]:
    return _unquoted(re.split(r"\s*[;\t]\s*", line.strip())) if ";" in line or "\t" in line.strip() else []


def _by_commas(line: str) -> list[str]:
    if '"' in line:
        with contextlib.suppress(csv.Error):  # a cell longer than any number
            return _unquoted(next(csv.reader([line.strip()], skipinitialspace=True)))
        return []
    return _unquoted(re.split(r"\s*,\s*|\s+", line.strip()))


def _by_blanks(line: str) -> list[str]:
    return _unquoted(line.split())


def _unquoted(words: list[str]) -> list[str]:
    return [word.strip("\"' ") for word in words if word]


def _refuse_gaps(lines: list[str], usable: list[bool], source: str) -> None:
    """Refuse digits among the pairs that are no pair: what cannot be read there would be missing from the lines."""
    first, last = usable.index(True), len(usable) - usable[::-1].index(True)
    for number in range(first, last):
        if not usable[number] and DIGITS_ALONE.fullmatch(lines[number]) and any(map(str.isdigit, lines[number])):
            raise BadReading(
                f"{source}, line {number + 1}: {lines[number].strip()[:40]!r} stands among pairs of numbers and "
                "is none. Export the spectrum without signs between thousands, one pair a line.",
                reason="corrupt",
                line=number + 1,
            )


def _numbers(rows: list[tuple[str, str]], source: str) -> list[tuple[float, float]]:
    """Return words as numbers, once it is known what a comma means in this file."""
    words = [word for row in rows for word in row]
    commas = meaning_of_commas(words, [row[0] for row in rows])
    if not commas:
        first = next(word for word in words if "," in word)
        raise BadReading(
            f"{source} has numbers like {first!r}, which may be thousands or a decimal comma, and nothing else in it "
            "tells. Export with decimals in the wavelengths, or without a sign between thousands.",
            reason="corrupt",
        )
    numbers: list[tuple[float, float]] = []
    for row in rows:
        plain = [with_points(word, commas) for word in row]
        wrong = next((word for word in plain if not NUMBER.fullmatch(word)), None)
        if wrong is not None:
            raise BadReading(
                f"{source} has {row[0][:20]!r} and {row[1][:20]!r} as a pair, which are no two numbers. "
                "Export the spectrum again.",
                reason="corrupt",
            )
        numbers.append((float(plain[0]), float(plain[1])))
    return numbers


def _one_below_others(
    x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], frame: int | None, source: str
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return one of the spectra that stand below each other, each on the wavelengths of the first."""
    length = next((index for index in range(1, x.size) if x[index] == x[0]), x.size)
    stacked = length < x.size and x.size % length == 0 and bool(np.all(x.reshape(-1, length) == x[:length]))
    count = x.size // length if stacked else 1
    if not stacked and (frame or 1) == 1:
        return x, y
    if frame is None or not 1 <= frame <= count:
        what = f"is one spectrum, and --frame {frame} asks for another" if not stacked else f"holds {count} spectra"
        raise BadReading(
            f"{source} {what}; its wavelengths neither rise nor fall throughout. Choose one by --frame, 1 to {count}."
            if stacked
            else f"{source} {what}. Leave --frame out.",
            reason="corrupt",
            spectra=count,
        )
    return x[:length], y.reshape(-1, length)[frame - 1]
