"""Crystals as powder diffraction sees them: cells, spacings, reflections with multiplicity, angles."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lics_beamline.errors import OutsideCalibration
from lics_beamline.physics.unit_cell import UnitCell
from lics_beamline.physics.unit_cell import space_group as find_space_group


@dataclass(frozen=True, slots=True, order=True)
class Reflection:
    """Miller indices of one reflection; ``str(Reflection(1, 1, 0))`` is ``"110"``."""

    h: int
    k: int
    l: int  # noqa: E741  the crystallographer's name

    def __str__(self) -> str:
        return "".join(str(index) for index in (self.h, self.k, self.l))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A cubic or hexagonal unit cell.

    Parameters
    ----------
    system : {"cubic", "hexagonal"}
        Crystal system.
    a_angstrom : float
        Edge a [angstrom].
    c_angstrom : float
        Edge c [angstrom]; the same as a in a cubic cell.
    """

    system: Literal["cubic", "hexagonal"]
    a_angstrom: float
    c_angstrom: float

    @classmethod
    def cubic(cls, a_angstrom: float) -> Cell:
        """Return a cubic cell of edge a [angstrom]."""
        return cls(system="cubic", a_angstrom=a_angstrom, c_angstrom=a_angstrom)

    @classmethod
    def hexagonal(cls, a_angstrom: float, c_angstrom: float) -> Cell:
        """Return a hexagonal cell of edges a and c [angstrom], gamma 120 degrees."""
        return cls(system="hexagonal", a_angstrom=a_angstrom, c_angstrom=c_angstrom)

    @property
    def volume_angstrom3(self) -> float:
        """Volume of the cell [angstrom^3]."""
        base = 1.0 if self.system == "cubic" else math.sqrt(0.75)
        return base * self.a_angstrom**2 * self.c_angstrom

    def scaled(self, volume_angstrom3: float) -> Cell:
        """Return the cell of the same shape with another volume [angstrom^3]."""
        factor = (volume_angstrom3 / self.volume_angstrom3) ** (1.0 / 3.0)
        return Cell(system=self.system, a_angstrom=factor * self.a_angstrom, c_angstrom=factor * self.c_angstrom)

    @property
    def unit_cell(self) -> UnitCell:
        """The same cell as one of any system."""
        if self.system == "cubic":
            return UnitCell.cubic(self.a_angstrom)
        return UnitCell.hexagonal(self.a_angstrom, self.c_angstrom)

    def d_angstrom(self, reflection: Reflection) -> float:
        """Spacing of the planes of a reflection [angstrom]."""
        h, k, l = reflection.h, reflection.k, reflection.l  # noqa: E741
        if self.system == "cubic":
            return self.a_angstrom / math.sqrt(h * h + k * k + l * l)
        in_plane = 4.0 / 3.0 * (h * h + h * k + k * k) / self.a_angstrom**2
        return 1.0 / math.sqrt(in_plane + l * l / self.c_angstrom**2)


@dataclass(frozen=True, slots=True, kw_only=True)
class PowderLine:
    """One reflection of a powder: its spacing and how many planes of it there are.

    Parameters
    ----------
    reflection : Reflection
        One representative of the equivalent reflections.
    d_angstrom : float
        Spacing [angstrom].
    multiplicity : int
        Number of equivalent reflections, Friedel mates included.
    """

    reflection: Reflection
    d_angstrom: float
    multiplicity: int


def powder_lines(cell: Cell | UnitCell, space_group: str, d_min_angstrom: float) -> tuple[PowderLine, ...]:
    """Reflections that a space group allows, largest spacing first.

    Parameters
    ----------
    cell : Cell or UnitCell
        Unit cell.
    space_group : str
        Hermann-Mauguin symbol, ``"P m -3 m"`` or ``"Pm-3m"``.
    d_min_angstrom : float
        Smallest spacing [angstrom].

    Raises
    ------
    OutsideCalibration
        If there is no such space group.
    """
    import gemmi

    group = find_space_group(space_group)
    unit_cell = cell.unit_cell if isinstance(cell, Cell) else cell
    operations = group.operations()
    lines = []
    for row in gemmi.make_miller_array(gemmi.UnitCell(*unit_cell.numbers), group, d_min_angstrom):
        hkl = [int(index) for index in row]
        family = {tuple(operation.apply_to_hkl(hkl)) for operation in operations}
        family |= {tuple(-index for index in equivalent) for equivalent in family}
        reflection = Reflection(*max(family, key=lambda equivalent: (min(equivalent) >= 0, equivalent)))
        d = unit_cell.inverse_d_squared(np.array([hkl]))[0] ** -0.5
        lines.append(PowderLine(reflection=reflection, d_angstrom=float(d), multiplicity=len(family)))
    return tuple(sorted(lines, key=lambda line: (-line.d_angstrom, line.reflection)))


def two_theta_deg(d_angstrom: float, wavelength_angstrom: float) -> float:
    """Scattering angle [deg] of a spacing [angstrom] at a wavelength [angstrom]: Bragg's law.

    Raises
    ------
    OutsideCalibration
        If the spacing is below half the wavelength.
    """
    sine = wavelength_angstrom / (2.0 * d_angstrom)
    if not 0.0 < sine < 1.0:
        raise OutsideCalibration(
            f"a spacing of {d_angstrom:g} angstrom does not diffract {wavelength_angstrom:g} angstrom: half the "
            "wavelength is the limit. Check wavelength and cell.",
            d_angstrom=d_angstrom,
            wavelength_angstrom=wavelength_angstrom,
        )
    return 2.0 * math.degrees(math.asin(sine))


def d_angstrom(two_theta: float, wavelength_angstrom: float) -> float:
    """Spacing [angstrom] that diffracts to a scattering angle [deg]: Bragg's law."""
    return wavelength_angstrom / (2.0 * math.sin(math.radians(two_theta) / 2.0))
