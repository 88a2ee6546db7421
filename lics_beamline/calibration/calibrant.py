"""Powders whose spacings are certified: what a geometry is calibrated with.

Two are computed from their certified cells. Any other comes as a list of spacings, one a line, as pyFAI ships them
(``.D``): behind a ``#`` the Miller indices, the multiplicity and the intensity may follow.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lics_beamline.errors import ProfileError
from lics_beamline.files.given_file import SETTINGS_BYTES, read_text
from lics_beamline.physics.crystal import PowderLine, Reflection, powder_lines
from lics_beamline.physics.unit_cell import UnitCell

LISTED_LINE: Final = re.compile(
    r"(?P<d>[\d.]+(?:[eE][-+]?\d+)?)\s*(?:#\s*(?:\(\s*(?P<hkl>-?\d+[ ,]+-?\d+[ ,]+-?\d+)\s*\))?"
    r"\s*(?P<multiplicity>\d+)?(?:\s+(?P<intensity>[\d.]+))?.*)?"
)
SPACINGS_ANGSTROM: Final = (0.1, 1000.0)  # of any calibrant: a list in nm or of angles is outside, or does not fall
DIMMEST_PERCENT: Final = 2.0  # of the strongest line: dimmer ones are not seen between those that are
SHORTEST_D: Final = 0.8  # of the wavelength: two theta of 77 deg, beyond any flat detector behind the sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrant:
    """A cubic powder of certified cell, or any whose spacings are listed.

    Parameters
    ----------
    name : str
        Common name.
    source : str
        The certificate.
    a_angstrom : float
        Certified edge of the cell [angstrom]; NaN where lines are listed.
    space_group : str
        Hermann-Mauguin symbol.
    listed : tuple of PowderLine
        Lines of a powder that is not computed, largest spacing first.
    certified_k : float
        Temperature that the edge is certified at [K].
    """

    name: str
    source: str
    a_angstrom: float = math.nan
    space_group: str = ""
    listed: tuple[PowderLine, ...] = ()
    certified_k: float = 295.65  # 22.5 C, on both certificates

    def lines(self, wavelength_angstrom: float) -> tuple[PowderLine, ...]:
        """Lines that can diffract, largest spacing first.

        Families of the same spacing, such as 333 and 511, are one line with their multiplicities added.

        Parameters
        ----------
        wavelength_angstrom : float
            Wavelength [angstrom].
        """
        if self.listed:
            return tuple(line for line in self.listed if line.d_angstrom >= SHORTEST_D * wavelength_angstrom)
        merged: dict[float, PowderLine] = {}
        for line in powder_lines(UnitCell.cubic(self.a_angstrom), self.space_group, SHORTEST_D * wavelength_angstrom):
            before = merged.setdefault(round(line.d_angstrom, 9), line)
            if before is not line:
                merged[round(line.d_angstrom, 9)] = PowderLine(
                    reflection=before.reflection,
                    d_angstrom=before.d_angstrom,
                    multiplicity=before.multiplicity + line.multiplicity,
                )
        return tuple(merged.values())


CALIBRANTS: Final = (
    Calibrant(
        name="CeO2",
        a_angstrom=5.411651,  # NIST certificate of SRM 674b: 0.541 165 1 nm at 22.5 C
        space_group="F m -3 m",
        source="NIST SRM 674b",
    ),
    Calibrant(
        name="LaB6",
        a_angstrom=4.156826,  # NIST certificate of SRM 660c: 0.415 682 6 nm +- 0.000 008 nm (k = 2) at 22.5 C
        space_group="P m -3 m",
        source="NIST SRM 660c",
    ),
)


def find_calibrant(name: str) -> Calibrant:
    """Return a calibrant by its name, in whatever case: one of `CALIBRANTS`, one that pyFAI ships, or a ``.D`` file.

    Raises
    ------
    ProfileError
        If there is none of this name, or the file is no list of spacings.
    """
    from lics_beamline.calibration.refinement import shipped_calibrants

    for calibrant in CALIBRANTS:
        if calibrant.name.lower() == name.lower():
            return calibrant
    if name.lower().endswith(".d"):
        return read_calibrant(Path(name))
    shipped = shipped_calibrants()
    for known, path in shipped.items():
        if known.lower() == name.lower():
            return read_calibrant(path)
    names = ", ".join(dict.fromkeys([*(calibrant.name for calibrant in CALIBRANTS), *shipped]))
    raise ProfileError(f"there is no calibrant {name!r}. Choose one of {names}, or give a .D file.", calibrant=name)


def read_calibrant(path: Path) -> Calibrant:
    """Read a list of spacings.

    Parameters
    ----------
    path : Path
        A ``.D`` file: a spacing [angstrom] a line, falling.

    Raises
    ------
    ProfileError
        If it cannot be read, has no spacings, or they do not fall within `SPACINGS_ANGSTROM`.
    """
    lines: list[PowderLine] = []
    text = read_text(path, most_bytes=SETTINGS_BYTES, what="a list of spacings (.D)")
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = LISTED_LINE.fullmatch(line.strip())
        d_angstrom = _spacing(found["d"]) if found else math.nan
        if found is None or not SPACINGS_ANGSTROM[0] <= d_angstrom <= SPACINGS_ANGSTROM[1]:
            raise ProfileError(
                f"{path}, line {number}: {line.strip()[:60]!r} is no spacing from {SPACINGS_ANGSTROM[0]:g} to "
                f"{SPACINGS_ANGSTROM[1]:g} angstrom. Mend the list.",
                file=str(path),
                line=number,
            )
        if lines and d_angstrom == lines[-1].d_angstrom:
            continue  # two families of planes, one ring
        if lines and d_angstrom > lines[-1].d_angstrom:
            raise ProfileError(
                f"{path}, line {number}: {d_angstrom:g} angstrom is more than {lines[-1].d_angstrom:g} before it: "
                "spacings fall, angles rise. Sort the list, or give spacings.",
                file=str(path),
                line=number,
            )
        if found["intensity"] and _spacing(found["intensity"]) < DIMMEST_PERCENT:
            continue
        indices = [int(index) for index in re.split("[ ,]+", found["hkl"])] if found["hkl"] else [0, 0, len(lines) + 1]
        lines.append(
            PowderLine(
                reflection=Reflection(*indices), d_angstrom=d_angstrom, multiplicity=int(found["multiplicity"] or 1)
            )
        )
    if not lines:
        raise ProfileError(f"{path}: has no spacings in it. Give a .D file, a spacing a line.", file=str(path))
    return Calibrant(name=path.stem, source=f"{path.name} of {len(lines)} spacings", listed=tuple(lines))


def _spacing(text: str) -> float:
    try:
        return float(text)
    except ValueError:  # 1.2.3
        return math.nan
