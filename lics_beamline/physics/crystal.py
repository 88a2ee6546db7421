"""Crystals as powder diffraction sees them: cells, spacings, reflections with multiplicity, angles."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

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


def powder_lines(cell: UnitCell, space_group: str, d_min_angstrom: float) -> tuple[PowderLine, ...]:
    """Reflections that a space group allows, largest spacing first.

    Parameters
    ----------
    cell : UnitCell
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
    planes = (
        gemmi.make_miller_array(gemmi.UnitCell(*cell.numbers), group, d_min_angstrom).reshape(-1, 3).astype(np.int64)
    )
    lines = []
    for hkl, d in zip(planes.tolist(), (cell.inverse_d_squared(planes) ** -0.5).tolist(), strict=True):
        reflection, multiplicity = _family(space_group, tuple(hkl))
        lines.append(PowderLine(reflection=reflection, d_angstrom=d, multiplicity=multiplicity))
    return tuple(sorted(lines, key=lambda line: (-line.d_angstrom, line.reflection)))


@lru_cache(maxsize=4096)  # asked for at every point of a run, of the same planes
def _family(space_group: str, hkl: tuple[int, int, int]) -> tuple[Reflection, int]:
    """Return a representative of the planes equivalent to some, and their number."""
    operations = find_space_group(space_group).operations()
    family = {tuple(operation.apply_to_hkl(list(hkl))) for operation in operations}
    family |= {tuple(-index for index in equivalent) for equivalent in family}
    return Reflection(*max(family, key=lambda equivalent: (min(equivalent) >= 0, equivalent))), len(family)


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
