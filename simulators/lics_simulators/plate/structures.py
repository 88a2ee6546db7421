"""The phases that can stand in the beam, as data: atoms, occupancies, thermal motion.

Cells are not here: they belong to the state of the sample. Everything marked "engineering value" is a choice of the
simulated world, not a measurement.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import gemmi
import numpy as np
import numpy.typing as npt

REFERENCE_TEMPERATURE_K: Final = 298.0
HOT_TEMPERATURE_K: Final = 498.0

SAME_POSITION: Final = 1.0e-3  # fractional: coordinates are written with four decimals, and thirds are cut there

Position = tuple[float, float, float]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Atoms of one kind, at all their positions in the cell.

    Parameters
    ----------
    element : str
        Chemical symbol.
    charge : int
        Charge of the ion whose form factor is used, 0 for the neutral atom.
    positions : tuple of Position
        Every position in the cell, fractional.
    occupancy : float
        0 to 1.
    b_cold_angstrom2, b_hot_angstrom2 : float
        Isotropic B at 298 K and at 498 K [A^2]; linear in temperature between and beyond.
    """

    element: str
    positions: tuple[Position, ...]
    b_cold_angstrom2: float
    b_hot_angstrom2: float
    charge: int = 0
    occupancy: float = 1.0

    def b_angstrom2(self, temperature_k: float) -> float:
        """Isotropic B [A^2] at a temperature [K]; never below a quarter of its value at 298 K."""
        share = (temperature_k - REFERENCE_TEMPERATURE_K) / (HOT_TEMPERATURE_K - REFERENCE_TEMPERATURE_K)
        b = self.b_cold_angstrom2 + share * (self.b_hot_angstrom2 - self.b_cold_angstrom2)
        return max(b, 0.25 * self.b_cold_angstrom2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """One phase.

    Parameters
    ----------
    phase : str
        The name under which the state of the sample lists it.
    space_group : str
        Hermann-Mauguin symbol, as gemmi reads it. Empty for a liquid.
    angles_deg : tuple of float
        alpha, beta, gamma of the cell [deg].
    sites : tuple of Site
        All atoms.
    in_beam : float
        Unit cells in the beam for each one counted in the state of the sample: 1 for the sample itself; the gasket is
        touched by the tails of the beam only, the calibrant fills a capillary.
    coarse : float
        Fraction of the phase that lies in a few large grains, which make spots instead of rings, 0 to 1.
    grains : int
        How many large grains are in reflecting position on each ring.
    in_cell : bool
        Whether it lies between the anvils (False: a calibrant, without diamonds and seats).
    """

    phase: str
    space_group: str
    sites: tuple[Site, ...]
    angles_deg: tuple[float, float, float] = (90.0, 90.0, 90.0)
    in_beam: float = 1.0
    coarse: float = 0.0
    grains: int = 0
    in_cell: bool = True

    def filled(self, occupancy: float | None) -> Structure:
        """Return the structure with its partly filled sites filled to another occupancy; None leaves them."""
        if occupancy is None:
            return self
        sites = (replace(site, occupancy=occupancy) if site.occupancy < 1.0 else site for site in self.sites)
        return replace(self, sites=tuple(sites))


def orbit(space_group: str, at: Position) -> tuple[Position, ...]:
    """Return all positions in a cell that the symmetry of a space group makes of one.

    Parameters
    ----------
    space_group : str
        Hermann-Mauguin symbol, as gemmi reads it.
    at : Position
        One of them, fractional.
    """
    rotations, translations = _operations(space_group)
    images = (rotations @ np.array(at) + translations) % 1.0
    places = np.round(images / SAME_POSITION).astype(int) % round(1.0 / SAME_POSITION)
    _, first = np.unique(places, axis=0, return_index=True)
    return tuple((float(x), float(y), float(z)) for x, y, z in images[np.sort(first)])


@lru_cache(maxsize=64)
def _operations(space_group: str) -> tuple[FloatArray, FloatArray]:
    """Return rotations (operations, 3, 3) and translations (operations, 3) of a space group."""
    operations = list(gemmi.SpaceGroup(space_group).operations())
    rotations = np.array([operation.rot for operation in operations], dtype=float) / gemmi.Op.DEN
    translations = np.array([operation.tran for operation in operations], dtype=float) / gemmi.Op.DEN
    return rotations, translations


_AT_CORNER: Final[Position] = (0.0, 0.0, 0.0)
_AT_CENTRE: Final[Position] = (0.5, 0.5, 0.5)
_BODY_CENTRED: Final = (_AT_CORNER, _AT_CENTRE)
_FACE_CENTRED: Final[tuple[Position, ...]] = (_AT_CORNER, (0.0, 0.5, 0.5), (0.5, 0.0, 0.5), (0.5, 0.5, 0.0))
_EIGHTHS: Final[tuple[Position, ...]] = tuple(
    (x, y, z) for x in (0.25, 0.75) for y in (0.25, 0.75) for z in (0.25, 0.75)
)
_CLOSE_PACKED: Final[tuple[Position, ...]] = ((1 / 3, 2 / 3, 0.25), (2 / 3, 1 / 3, 0.75))

ALLOY: Final = Structure(
    phase="alloy",
    space_group="P m -3 m",
    sites=(
        Site(element="Cs", positions=(_AT_CORNER,), b_cold_angstrom2=1.5, b_hot_angstrom2=2.5),  # engineering value
        Site(  # site and occupancy: Desgreniers et al., Sci. Adv. 1, e1500669 (2015)
            element="Li", positions=(_AT_CENTRE,), occupancy=0.7, b_cold_angstrom2=3.0, b_hot_angstrom2=5.0
        ),
    ),
)
LITHIUM: Final = Structure(
    phase="li-bcc",
    space_group="I m -3 m",
    sites=(Site(element="Li", positions=_BODY_CENTRED, b_cold_angstrom2=4.5, b_hot_angstrom2=8.0),),  # engineering
    coarse=0.9,  # engineering value: soft lithium recrystallises into a few grains
    grains=9,
)
CAESIUM_BCC: Final = Structure(
    phase="cs-bcc",
    space_group="I m -3 m",
    sites=(Site(element="Cs", positions=_BODY_CENTRED, b_cold_angstrom2=5.0, b_hot_angstrom2=9.0),),  # engineering
)
CAESIUM_FCC: Final = Structure(
    phase="cs-fcc",
    space_group="F m -3 m",
    sites=(Site(element="Cs", positions=_FACE_CENTRED, b_cold_angstrom2=3.5, b_hot_angstrom2=6.0),),  # engineering
)
CAESIUM_LIQUID: Final = Structure(
    phase="cs-liquid",
    space_group="",
    sites=(Site(element="Cs", positions=(_AT_CORNER,), b_cold_angstrom2=0.0, b_hot_angstrom2=0.0),),  # a cube an atom
)
RHENIUM: Final = Structure(
    phase="re-hcp",
    space_group="P 63/m m c",
    angles_deg=(90.0, 90.0, 120.0),
    sites=(Site(element="Re", positions=_CLOSE_PACKED, b_cold_angstrom2=0.25, b_hot_angstrom2=0.42),),  # engineering
    in_beam=0.015,  # engineering value: the strongest gasket line is about a tenth of the alloy's
)
CERIA: Final = Structure(
    phase="ceo2",
    space_group="F m -3 m",
    sites=(
        Site(element="Ce", charge=4, positions=_FACE_CENTRED, b_cold_angstrom2=0.25, b_hot_angstrom2=0.4),
        Site(element="O", positions=_EIGHTHS, b_cold_angstrom2=0.45, b_hot_angstrom2=0.7),  # engineering values
    ),
    in_beam=4.0,  # engineering value: a capillary holds more than a cell
    in_cell=False,
)

_BORON_X: Final = 0.199  # x of boron; engineering value
HEXABORIDE: Final = Structure(
    phase="lab6",
    space_group="P m -3 m",
    sites=(
        Site(
            element="La", charge=3, positions=(_AT_CORNER,), b_cold_angstrom2=0.35, b_hot_angstrom2=0.55
        ),  # engineering
        Site(
            element="B",
            positions=(
                (_BORON_X, 0.5, 0.5),
                (-_BORON_X, 0.5, 0.5),
                (0.5, _BORON_X, 0.5),
                (0.5, -_BORON_X, 0.5),
                (0.5, 0.5, _BORON_X),
                (0.5, 0.5, -_BORON_X),
            ),
            b_cold_angstrom2=0.3,
            b_hot_angstrom2=0.4,  # engineering values
        ),
    ),
    in_beam=10.0,  # engineering value: as much scattering as the ceria
    in_cell=False,
)

_CHLORINE_B1: Final[tuple[Position, ...]] = ((0.5, 0.5, 0.5), (0.5, 0.0, 0.0), (0.0, 0.5, 0.0), (0.0, 0.0, 0.5))
SYLVITE_B1: Final = Structure(
    phase="kcl-b1",
    space_group="F m -3 m",
    sites=(
        Site(element="K", charge=1, positions=_FACE_CENTRED, b_cold_angstrom2=2.2, b_hot_angstrom2=3.7),  # engineering
        Site(element="Cl", charge=-1, positions=_CHLORINE_B1, b_cold_angstrom2=2.1, b_hot_angstrom2=3.5),
    ),
    in_beam=6.0,  # engineering value: ions of 18 electrons against caesium's 55, exposed about as long
)
SYLVITE_B2: Final = Structure(
    phase="kcl-b2",
    space_group="P m -3 m",
    sites=(
        Site(element="K", charge=1, positions=(_AT_CORNER,), b_cold_angstrom2=1.9, b_hot_angstrom2=3.2),  # engineering
        Site(element="Cl", charge=-1, positions=(_AT_CENTRE,), b_cold_angstrom2=1.8, b_hot_angstrom2=3.0),
    ),
    in_beam=6.0,  # as above
)

STRUCTURES: Final = {
    structure.phase: structure
    for structure in (
        ALLOY,
        LITHIUM,
        CAESIUM_BCC,
        CAESIUM_FCC,
        CAESIUM_LIQUID,
        RHENIUM,
        CERIA,
        HEXABORIDE,
        SYLVITE_B1,
        SYLVITE_B2,
    )
}
