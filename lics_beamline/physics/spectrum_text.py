"""Spectra as other programs write them: text with two columns, nm and counts, among headers and comments."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import BadReading
from lics_beamline.physics.spectral_line import LEAST_PIXELS, MOST_COUNTS

NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
DECIMAL_COMMA: Final = re.compile(r"(?<=\d),(?=\d)")
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
    """

    wavelength_nm: npt.NDArray[np.float64]
    counts: npt.NDArray[np.float64]


def decoded(content: bytes) -> str:
    """Return the text of a file, whichever of the usual encodings it has."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def parse_spectrum(text: str, *, source: str = "spectrum") -> SpectrumText:
    """Read two columns from text.

    Parameters
    ----------
    text : str
        Lines of two numbers, separated by blanks, tabs, commas or semicolons; the decimal sign may be a comma where
        commas do not separate. Every other line (header, comment, footer) is passed over.
    source : str
        Name for messages.

    Returns
    -------
    SpectrumText
        By rising wavelength, also where the file falls.

    Raises
    ------
    BadReading
        If there are fewer than 32 pairs or more than 65 536, one is not finite, the first column neither rises nor
        falls throughout, or it is not in nm.
    """
    rows = [pair for line in text.splitlines() if line and (pair := _pair(line)) is not None]
    if len(rows) < LEAST_PIXELS:
        raise BadReading(
            f"{source} has {len(rows)} lines of two numbers, {LEAST_PIXELS} are needed. Export wavelength in nm and "
            "counts as two columns of text.",
            reason="corrupt",
            pairs=len(rows),
        )
    if len(rows) > MOST_PIXELS:
        raise BadReading(
            f"{source} has {len(rows)} lines of two numbers, {MOST_PIXELS} are the most. Export one spectrum.",
            reason="corrupt",
            pairs=len(rows),
        )
    x, y = np.array(rows, dtype=np.float64).T
    wild = np.flatnonzero(~(np.isfinite(x) & (np.abs(y) <= MOST_COUNTS)))
    if wild.size:
        raise BadReading(
            f"{source} has {x[wild[0]]:g} nm and {y[wild[0]]:g} counts in its pair {wild[0] + 1}, which "
            "nothing counts. Export the spectrum again.",
            reason="corrupt",
            pair=int(wild[0]) + 1,
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
    return SpectrumText(wavelength_nm=np.ascontiguousarray(x), counts=np.ascontiguousarray(y))


def _pair(line: str) -> tuple[float, float] | None:
    """Two numbers of a line, or None where it is not two numbers."""
    if len(line) > MOST_LINE_CHARACTERS:
        return None
    for separator, decimal_comma in ((r"\s*;\s*|\s*\t\s*", True), (r"\s*,\s*|\s+", False), (r"\s+", True)):
        words = [word for word in re.split(separator, line.strip()) if word]
        if decimal_comma:
            words = [DECIMAL_COMMA.sub(".", word) for word in words]
        if len(words) == 2 and all(NUMBER.fullmatch(word) for word in words):
            return float(words[0]), float(words[1])
    return None
