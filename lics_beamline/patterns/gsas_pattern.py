"""Patterns as GSAS keeps them: a title, a BANK record, and records of 80 characters with angles in centidegrees.

References
----------
A. C. Larson and R. B. Von Dreele, General Structure Analysis System, LAUR 86-748 (2004), "Powder diffraction data".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np

from lics_beamline.patterns.pattern_table import PatternTable, refused, wavelengths_in

BANK: Final = re.compile(r"^BANK\s+(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.*)$", re.IGNORECASE)
CENTIDEGREES_PER_DEG: Final = 100.0  # of a degree
LEAST_END_DEG: Final = 1.0  # no powder pattern ends below it
RECORD_CHARACTERS: Final = 80  # of a line of a GSAS file
MISSING_SHARE: Final = 0.05  # of the points that a BANK record says; real files lack a few, one cut off lacks many
# Width of a field, and of the number of detectors at its begin, by type of record.
FIELDS: Final = {"STD": (8, 2), "ESD": (8, 0)}
POINT_TYPES: Final = ("FXYE", "FXY")  # one record a point


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bank:
    number: int
    points: int
    binning: str
    start: float
    step: float
    records: str
    first_line: int


def is_gsas(text: str) -> bool:
    """Tell whether a text has a BANK record."""
    return any(BANK.match(line) for line in text.splitlines())


def parse_gsas(text: str, *, source: str, chosen: str | None = None) -> PatternTable:
    """Read a bank of a GSAS file: STD, ESD, FXYE or FXY records of constant wavelength.

    Parameters
    ----------
    text : str
        The file.
    source : str
        Its name, for messages.
    chosen : str, optional
        Number of the bank, where there are several.

    Raises
    ------
    ProfileError
        If the bank is one of time of flight or of another type, has fewer points than it says, or is one of several.
    """
    lines = text.splitlines()
    banks = [_bank(match, place, source) for place, line in enumerate(lines) if (match := BANK.match(line))]
    bank = _chosen(banks, chosen, source)
    ends = [other.first_line - 1 for other in banks if other.first_line > bank.first_line]
    body = lines[bank.first_line : min(ends, default=len(lines))]
    if not bank.binning.startswith("CONS") or bank.records == "ALT":
        raise refused(
            source,
            f"bank {bank.number} is binned by {bank.binning}, as time of flight is; only constant steps of 2theta "
            "(CONST) are fitted here. Use GSAS-II for it.",
            reason="time of flight",
        )
    read = _points if bank.records in POINT_TYPES else _fields
    columns = read(bank, [line for line in body if not line.startswith("#")], source)
    missing = bank.points - len(columns[0])
    if missing > MISSING_SHARE * bank.points:
        raise refused(
            source,
            f"is cut off: bank {bank.number} says {bank.points} points and has {len(columns[0])}. Copy the file again.",
            points=len(columns[0]),
            said=bank.points,
        )
    if len(columns[0]) and columns[0].max() < LEAST_END_DEG:
        raise refused(
            source,
            f"bank {bank.number} ends at {columns[0].max():.4g} deg, read in hundredths of a degree as GSAS has them: "
            "its angles seem to be in degrees. Multiply them, start and step by 100, or give them as columns.",
            reason="degrees",
        )
    two_theta, intensity, sigma = (column[: bank.points] for column in columns)
    return PatternTable(
        layout=f"GSAS {bank.records}",
        abscissa=two_theta,
        intensity=intensity,
        sigma=sigma,
        unit="2theta",
        wavelengths_angstrom=wavelengths_in("\n".join(lines[: bank.first_line - 1])),
        counted=bank.records == "STD",
        remarks=(f"bank {bank.number} says {bank.points} points and has {bank.points - missing}",)
        if missing > 0
        else (),
    )


def _bank(match: re.Match[str], place: int, source: str) -> _Bank:
    number, points, _, binning, rest = match.groups()
    words = rest.split()
    records = words[-1].upper() if words and words[-1][0].isalpha() else "STD"
    try:
        start, step = (float(word) / CENTIDEGREES_PER_DEG for word in words[:2])
    except ValueError:
        raise refused(
            source, f"line {place + 1}: the BANK record lacks start and step. Restore it.", line=place + 1
        ) from None
    return _Bank(
        number=int(number),
        points=int(points),
        binning=binning.upper(),
        start=start,
        step=step,
        records=records,
        first_line=place + 1,
    )


def _chosen(banks: list[_Bank], chosen: str | None, source: str) -> _Bank:
    named = [bank for bank in banks if chosen in (None, str(bank.number))]
    if len(named) != 1:
        there = ", ".join(str(bank.number) for bank in banks)
        raise refused(source, f"has the banks {there}. Choose one by --pattern NUMBER.", banks=there)
    return named[0]


def _fields(bank: _Bank, body: list[str], source: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read records of ten (STD: detectors, counts) or five (ESD: intensity, error) points."""
    if bank.records not in FIELDS:
        raise refused(
            source,
            f"has records of type {bank.records}; STD, ESD, FXYE and FXY are read. Export it as FXYE.",
            reason="records",
        )
    width, lead = FIELDS[bank.records]
    numbers: list[float] = []
    detectors: list[float] = []
    for offset, line in enumerate(body):
        record = line.rstrip("\n\r")[:RECORD_CHARACTERS]
        for first in range(0, len(record.rstrip()), width):
            field = record[first : first + width]
            try:
                detectors.append(max(float(field[:lead].strip() or 1.0), 1.0) if lead else 1.0)
                numbers.append(float(field[lead:].strip() or 0.0))
            except ValueError:
                raise refused(
                    source,
                    f"line {bank.first_line + offset + 1}: {field.strip()!r} is no number. Restore the file.",
                    line=bank.first_line + offset + 1,
                ) from None
    values = np.array(numbers, dtype=np.float64)
    if bank.records == "ESD":
        intensity, sigma = values[: values.size // 2 * 2].reshape(-1, 2).T
    else:  # the mean of some detectors
        intensity, sigma = values, np.sqrt(np.maximum(values, 1.0) / np.array(detectors))
    return bank.start + bank.step * np.arange(intensity.size), intensity, sigma


def _points(bank: _Bank, body: list[str], source: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read records of one point: angle, intensity and, in FXYE, its error."""
    count = 3 if bank.records == "FXYE" else 2
    rows: list[list[float]] = []
    for offset, line in enumerate(body):
        words = line.split()
        if not words:
            continue
        try:
            rows.append([float(word) for word in words[:count]])
        except ValueError:
            rows.append([])
        if len(rows[-1]) != count:
            raise refused(
                source,
                f"line {bank.first_line + offset + 1}: {line.strip()[:40]!r} is no record of {count} numbers. Restore "
                "the file.",
                line=bank.first_line + offset + 1,
            )
    table = np.array(rows, dtype=np.float64).reshape(-1, count)
    sigma = table[:, 2] if count == 3 else np.sqrt(np.maximum(table[:, 1], 1.0))
    return table[:, 0] / CENTIDEGREES_PER_DEG, table[:, 1], sigma
