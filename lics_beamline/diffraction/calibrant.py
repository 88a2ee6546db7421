"""Powders whose spacings are certified: what a geometry is calibrated with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lics_beamline.errors import ProfileError
from lics_beamline.physics.crystal import PowderLine, powder_lines
from lics_beamline.physics.unit_cell import UnitCell

SHORTEST_D: Final = 0.8  # of the wavelength: two theta of 77 deg, beyond any flat detector behind the sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrant:
    """A cubic powder of certified cell.

    Parameters
    ----------
    name : str
        Common name.
    a_angstrom : float
        Certified edge of the cell [angstrom].
    space_group : str
        Hermann-Mauguin symbol.
    source : str
        The certificate.
    certified_k : float
        Temperature that the edge is certified at [K].
    """

    name: str
    a_angstrom: float
    space_group: str
    source: str
    certified_k: float = 295.65  # 22.5 C, on both certificates

    def lines(self, wavelength_angstrom: float) -> tuple[PowderLine, ...]:
        """Lines that can diffract, largest spacing first.

        Families of the same spacing, such as 333 and 511, are one line with their multiplicities added.

        Parameters
        ----------
        wavelength_angstrom : float
            Wavelength [angstrom].
        """
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
    """Return a calibrant by its name, in whatever case.

    Raises
    ------
    ProfileError
        If there is none of this name.
    """
    for calibrant in CALIBRANTS:
        if calibrant.name.lower() == name.lower():
            return calibrant
    known = ", ".join(calibrant.name for calibrant in CALIBRANTS)
    raise ProfileError(f"there is no calibrant {name!r}. Choose one of {known}.", calibrant=name)
