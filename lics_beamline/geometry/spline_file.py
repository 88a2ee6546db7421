"""The spline of Fit2D: by how much a taper or a lens shifts each pixel of a CCD, as a bicubic B-spline in x and in y.

The place of a pixel on the plane of the detector is its index plus the shift, times the size of a pixel; x runs along a
row, y from the first row up, both from the outer corner of the first pixel. The text is kept in one canonical form, so
that the same spline has one digest.

References
----------
A. P. Hammersley et al., J. Appl. Cryst. 27, 477 (1994); the layout of the file as pyFAI.spline reads it.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

TITLE: Final = "SPATIAL DISTORTION SPLINE INTERPOLATION COEFFICIENTS"
REGION: Final = "VALID REGION"
GRID: Final = "GRID SPACING, X-PIXEL SIZE, Y-PIXEL SIZE"
AXES: Final = ("X-DISTORTION", "Y-DISTORTION")
NUMBER: Final = re.compile(r"[-+ ]?\d*\.?\d+(?:[EeDd][-+]?\d+)?")  # Fortran writes them without a space between
SPLINE_DEGREE: Final = 3
A_LINE: Final = 5  # numbers
FEWEST_KNOTS: Final = 2 * SPLINE_DEGREE + 2  # along a side, at its ends alone
MOST_KNOTS: Final = 200  # along a side; a taper of fibres has twenty


@dataclass(frozen=True, slots=True, kw_only=True)
class Spline:
    """The spline of a detector.

    Parameters
    ----------
    region : tuple of float
        Least x and y, largest x and y [pixel].
    pixel_um : tuple of float
        Size of a pixel along x and y [um].
    grid : float
        Spacing of the grid that it was made with [um]; not used.
    knots : tuple of (tuple, tuple)
        Knots along x and y: of the shift in x, of that in y.
    coefficients : tuple of tuple
        Of the shift in x, of that in y [pixel].
    """

    region: tuple[float, float, float, float]
    pixel_um: tuple[float, float]
    grid: float
    knots: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...]
    coefficients: tuple[tuple[float, ...], ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the image."""
        x_low, y_low, x_high, y_high = self.region
        return int(y_high - y_low), int(x_high - x_low)

    @property
    def text(self) -> str:
        """The file, in canonical form."""
        lines = [TITLE, "", f"  {REGION}", _row(self.region), "", f"  {GRID}", _row((self.grid, *self.pixel_um))]
        for axis, (along_x, along_y), numbers in zip(AXES, self.knots, self.coefficients, strict=True):
            lines += ["", f"  {axis}", f"{len(along_x):6d}{len(along_y):6d}"]
            for block in (along_x, along_y, numbers):
                lines += [_row(block[first : first + A_LINE]) for first in range(0, len(block), A_LINE)]
        return "\n".join(lines) + "\n\n"


def read_spline(text: str) -> Spline:
    """Read the text of a spline.

    Parameters
    ----------
    text : str
        The file.

    Raises
    ------
    ValueError
        The message says what is missing or too much.
    """
    lines = [line.strip() for line in text.splitlines()]
    if not any(line.upper() == TITLE for line in lines):
        raise ValueError(f"it does not begin with {TITLE}")
    region = _block(lines, REGION, 4)
    grid, *pixel_um = _block(lines, GRID, 3)
    knots, coefficients = [], []
    for axis in AXES:
        start = _place(lines, axis)
        counts = lines[start].split() if start < len(lines) else []
        if len(counts) != 2 or not all(re.fullmatch("[0-9]{1,4}", count) for count in counts):
            raise ValueError(f"{axis} has no two numbers of knots")
        if not all(FEWEST_KNOTS <= int(count) <= MOST_KNOTS for count in counts):
            raise ValueError(f"{axis} has {' x '.join(counts)} knots, {FEWEST_KNOTS} to {MOST_KNOTS} are read")
        along_x, along_y = int(counts[0]), int(counts[1])
        wanted = along_x + along_y + (along_x - SPLINE_DEGREE - 1) * (along_y - SPLINE_DEGREE - 1)
        end = next((i for i in range(start + 1, len(lines)) if not lines[i]), len(lines))
        numbers = _numbers(" ".join(lines[start + 1 : end]), axis)
        if len(numbers) != wanted:
            raise ValueError(f"{axis} has {len(numbers)} numbers, and {along_x} x {along_y} knots need {wanted}")
        knots.append((numbers[:along_x], numbers[along_x : along_x + along_y]))
        coefficients.append(numbers[along_x + along_y :])
        if any(list(side) != sorted(side) for side in knots[-1]):
            raise ValueError(f"the knots of {axis} do not rise")
    x_low, y_low, x_high, y_high = region
    if not (x_low < x_high and y_low < y_high):
        raise ValueError(f"{REGION} {region} is none")
    return Spline(
        region=(x_low, y_low, x_high, y_high),
        pixel_um=(pixel_um[0], pixel_um[1]),
        grid=grid,
        knots=tuple(knots),
        coefficients=tuple(coefficients),
    )


def _place(lines: list[str], heading: str) -> int:
    """Return the number of the line below a heading."""
    for number, line in enumerate(lines):
        if line.upper() == heading:
            return number + 1
    raise ValueError(f"it has no {heading}")


def _block(lines: list[str], heading: str, count: int) -> tuple[float, ...]:
    start = _place(lines, heading)
    numbers = _numbers(lines[start] if start < len(lines) else "", heading)
    if len(numbers) != count:
        raise ValueError(f"{heading} has {len(numbers)} numbers, {count} are needed")
    return numbers


def _numbers(text: str, heading: str) -> tuple[float, ...]:
    if rest := NUMBER.sub("", text).strip():
        raise ValueError(f"{heading} has {rest[:20]!r}, which is no number")
    numbers = tuple(float(found.strip().upper().replace("D", "E")) for found in NUMBER.findall(text))
    if not all(math.isfinite(number) for number in numbers):
        raise ValueError(f"{heading} has a number that is not finite")
    return numbers


def _row(numbers: tuple[float, ...]) -> str:
    """Return numbers as Fortran writes them, 14 characters each."""
    return "".join(f"{number:14.7E}" for number in numbers)
