"""A mixture with one compound that nobody has named: lattice, cell, atoms, stiffness and pressure drawn by the seed.

What is drawn could be: its atoms keep the distances that they have in compressed alkali metals and their alloys, its
volume is that of its elements less what compounds of them lose. What is drawn is what it says: neither its heavy atoms
alone nor the proportions of its cell have a higher lattice symmetry than its space group, nor a smaller cell.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import ClassVar, Final

import gemmi
import numpy as np
import numpy.typing as npt

from lics_simulators.equation_of_state import REFERENCE_K, compression_at, cs_volume, li_volume, vinet_gpa
from lics_simulators.mixture import ConstituentParameters, Edges, MixtureParameters, SiteParameters
from lics_simulators.plate.structures import Position, orbit

FloatArray = npt.NDArray[np.float64]
Orbit = tuple[str, tuple[Position, ...]]  # an element and its positions in the cell

NAME: Final = "unknown"
# A few groups of each system, with few and with many extinctions, and places of atoms in them as their International
# Tables have them: those on which compounds of few atoms are built. The choice is the world's.
SPACE_GROUPS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "cubic": {
        "P m -3 m": ("0,0,0", "1/2,1/2,1/2", "0,1/2,1/2", "1/2,0,0"),
        "I m -3 m": ("0,0,0", "0,1/2,1/2", "1/4,0,1/2"),
        "F m -3 m": ("0,0,0", "1/2,1/2,1/2", "1/4,1/4,1/4"),
        "F d -3 m:2": ("1/8,1/8,1/8", "3/8,3/8,3/8", "0,0,0", "1/2,1/2,1/2"),
        "P m -3 n": ("0,0,0", "1/4,0,1/2", "1/4,1/2,0"),
    },
    "tetragonal": {
        "P 4/m m m": ("0,0,0", "0,0,1/2", "1/2,1/2,0", "1/2,1/2,1/2", "0,1/2,0", "0,1/2,1/2", "0,0,z"),
        "P 4/n m m:2": ("3/4,1/4,0", "3/4,1/4,1/2", "1/4,1/4,z"),
        "P 4/m b m": ("0,0,0", "0,0,1/2", "0,1/2,0", "x,x+1/2,0", "x,x+1/2,1/2"),
        "I 4/m m m": ("0,0,0", "0,0,1/2", "0,1/2,0", "0,1/2,1/4", "0,0,z"),
        "I 4/m c m": ("0,0,0", "0,0,1/4", "0,1/2,0", "x,x+1/2,0"),
    },
    "hexagonal": {
        "P 6/m m m": ("0,0,0", "0,0,1/2", "1/3,2/3,0", "1/3,2/3,1/2", "1/2,0,0", "1/2,0,1/2"),
        "P -6 m 2": ("0,0,0", "0,0,1/2", "1/3,2/3,0", "1/3,2/3,1/2", "2/3,1/3,0", "2/3,1/3,1/2"),
        "P 63/m m c": ("0,0,0", "0,0,1/4", "1/3,2/3,1/4", "1/3,2/3,3/4", "1/3,2/3,z", "x,2*x,1/4"),
    },
    "orthorhombic": {
        "P m m m": ("0,0,0", "1/2,1/2,1/2", "1/2,1/2,0", "0,1/2,1/2", "1/2,0,0", "0,0,z"),
        "P b a m": ("0,0,0", "0,1/2,0", "0,0,1/2", "x,y,0", "x,y,1/2"),
        "P n m a": ("0,0,0", "0,0,1/2", "x,1/4,z"),
        "C m c m": ("0,0,0", "0,y,1/4", "x,0,0", "0,y,z"),
        "I m m m": ("0,0,0", "0,0,1/2", "0,1/2,0", "1/2,0,0", "x,0,0", "0,0,z"),
    },
    "monoclinic": {
        "P 1 21/m 1": ("0,0,0", "1/2,0,0", "0,0,1/2", "x,1/4,z"),
        "P 1 21/c 1": ("0,0,0", "1/2,0,0", "x,y,z"),
        "C 1 2/m 1": ("0,0,0", "0,0,1/2", "0,1/2,0", "x,0,z", "0,y,0"),
    },
}
ROTATIONS: Final = {"cubic": 24, "tetragonal": 8, "hexagonal": 12, "orthorhombic": 4, "monoclinic": 2}  # of lattices
# Shortest distances [angstrom]. Cs-Cs is 3.49 and Cs-Li 3.02 in LiCs at 8 GPa (Desgreniers et al., Sci. Adv. 1,
# e1500669 (2015)), Li-Li 2.67 in lithium at 8 GPa: a little less is allowed.
SHORTEST_ANGSTROM: Final = {("Cs", "Cs"): 3.4, ("Cs", "Li"): 2.9, ("Li", "Li"): 2.55}
ITSELF_ANGSTROM: Final = 1.0e-3  # between an atom and itself
SAME_ANGSTROM: Final = 0.4  # atoms that a translation brings as near as this to others make a smaller cell
OBLIQUITY_DEG: Final = 3.0  # a lattice this near to a higher symmetry is not drawn: cells differ by 4 % and more
EDGE_RATIOS: Final = (0.6, 1.9)  # between the edges of a cell that symmetry leaves free
BETA_DEG: Final = (93.0, 115.0)  # of a monoclinic cell
VOLUME_RATIOS: Final = (0.72, 0.96)  # volume over that of the elements; LiCs has 0.62 at 3 GPa and is the extreme
K0_GPA: Final = (5.0, 35.0)  # between caesium and the alloy of the default world; engineering values
K0_PRIME: Final = (3.5, 5.5)  # engineering values
UNEVEN_SHARE: Final = 0.25  # how much more or less than a third an edge takes of the compression; engineering value
CS_B_ANGSTROM2: Final = (2.0, 4.0)  # engineering values, about those of the alloy and of fcc caesium
LI_B_ANGSTROM2: Final = (3.0, 5.0)  # engineering values
MOST_SITES: Final = 3
MOST_DRAWS: Final = 200  # of atoms and cells, before another group is drawn
GROUPS_TRIED: Final = 20  # before it is given up
AROUND: Final = np.array(list(itertools.product((-1.0, 0.0, 1.0), repeat=3)))  # steps to the cells around one


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownParameters:
    """What was loaded, and between which limits its compound is drawn.

    Parameters
    ----------
    li_per_cs, transition_s, hysteresis_gpa, shift_mm_per_k, constituents
        As of `MixtureParameters`, without the compound.
    systems : tuple of str
        Lattice systems among which one is drawn: of `SPACE_GROUPS`.
    share : tuple of float
        Least and most of the caesium that the compound takes, 0 to 1.
    appears_gpa : tuple of float
        Lowest and highest pressure from which it is stable [GPa].
    most_atoms : int
        Atoms in its cell at most.
    """

    form: ClassVar[str] = "unknown"
    li_per_cs: float
    transition_s: float
    hysteresis_gpa: float
    shift_mm_per_k: float
    constituents: tuple[ConstituentParameters, ...]
    systems: tuple[str, ...]
    share: tuple[float, float]
    appears_gpa: tuple[float, float]
    most_atoms: int


def draw(parameters: UnknownParameters, generator: np.random.Generator) -> MixtureParameters:
    """Draw the compound of a world; return the mixture with it, the compound last.

    Parameters
    ----------
    parameters : UnknownParameters
        What it is drawn between.
    generator : numpy.random.Generator
        Draws it.

    Raises
    ------
    ValueError
        If a system is none of `SPACE_GROUPS`, or so few atoms make none of its structures.
    """
    if unknown := sorted(set(parameters.systems) - set(SPACE_GROUPS)):
        raise ValueError(f"systems {unknown} are none of {', '.join(SPACE_GROUPS)}. Mend the preset.")
    system = str(generator.choice(parameters.systems))
    share = generator.uniform(*parameters.share)
    appears_gpa = generator.uniform(*parameters.appears_gpa)
    known = sum(each.weight for each in parameters.constituents if each.from_gpa <= appears_gpa < each.to_gpa)
    compound = _compound(
        system,
        generator,
        weight=float(known * share / (1.0 - share)),
        appears_gpa=float(appears_gpa),
        most_atoms=parameters.most_atoms,
    )
    return MixtureParameters(
        li_per_cs=parameters.li_per_cs,
        transition_s=parameters.transition_s,
        hysteresis_gpa=parameters.hysteresis_gpa,
        shift_mm_per_k=parameters.shift_mm_per_k,
        constituents=(*parameters.constituents, compound),
    )


def _compound(
    system: str, generator: np.random.Generator, *, weight: float, appears_gpa: float, most_atoms: int
) -> ConstituentParameters:
    group, cell, atoms = _crystal(system, generator, appears_gpa=appears_gpa, most_atoms=most_atoms)
    k0_gpa, k0_prime = float(generator.uniform(*K0_GPA)), float(generator.uniform(*K0_PRIME))
    compression = compression_at(lambda v: vinet_gpa(v, k0_gpa, k0_prime), appears_gpa)
    parts = _edge_parts(system, generator)
    a, b, c = (edge / compression**part for edge, part in zip(cell.parameters[:3], parts, strict=True))
    limits = {"Cs": CS_B_ANGSTROM2, "Li": LI_B_ANGSTROM2}
    return ConstituentParameters(
        phase=NAME,
        weight=weight,
        from_gpa=appears_gpa,
        edges_angstrom=(a, b, c),
        k0_gpa=k0_gpa,
        k0_prime=k0_prime,
        edge_parts=parts,
        space_group=group.xhm(),
        angles_deg=(cell.alpha, cell.beta, cell.gamma),
        sites=tuple(
            SiteParameters(element=element, at=at[0], b_angstrom2=float(generator.uniform(*limits[element])))
            for element, at in atoms
        ),
    )


def _crystal(
    system: str, generator: np.random.Generator, *, appears_gpa: float, most_atoms: int
) -> tuple[gemmi.SpaceGroup, gemmi.UnitCell, list[Orbit]]:
    """Draw a group and how many sites it has, then atoms and a cell for them until they are possible."""
    volumes = {"Cs": cs_volume(appears_gpa, REFERENCE_K), "Li": li_volume(appears_gpa, REFERENCE_K)}
    for _ in range(GROUPS_TRIED):
        group = gemmi.SpaceGroup(str(generator.choice(list(SPACE_GROUPS[system]))))
        places = SPACE_GROUPS[system][group.xhm()]
        elements = ("Cs", "Li", str(generator.choice(("Cs", "Li"))))[: int(generator.integers(2, MOST_SITES + 1))]
        for _ in range(MOST_DRAWS):
            atoms = _atoms(group, places, elements, generator)
            if sum(len(at) for _, at in atoms) > most_atoms:
                continue
            volume = generator.uniform(*VOLUME_RATIOS) * sum(volumes[element] * len(at) for element, at in atoms)
            cell = _cell(system, float(volume), generator)
            if _is_possible(cell, atoms) and _is_its_own(group, cell, atoms, system):
                return group, cell, atoms
    raise ValueError(f"no {system} compound of {most_atoms} atoms was found. Raise most_atoms in the preset.")


def _atoms(
    group: gemmi.SpaceGroup, places: tuple[str, ...], elements: tuple[str, ...], generator: np.random.Generator
) -> list[Orbit]:
    """Draw a place for each element, and its free coordinates."""
    sites: list[Orbit] = []
    for element in elements:
        x, y, z = gemmi.Op(str(generator.choice(places))).apply_to_xyz(generator.uniform(size=3).tolist())
        sites.append((element, orbit(group.xhm(), (x, y, z))))
    return sites


def _cell(system: str, volume: float, generator: np.random.Generator) -> gemmi.UnitCell:
    low, high = math.log(EDGE_RATIOS[0]), math.log(EDGE_RATIOS[1])
    b = math.exp(generator.uniform(low, high)) if system in ("orthorhombic", "monoclinic") else 1.0
    c = math.exp(generator.uniform(low, high)) if system != "cubic" else 1.0
    beta = generator.uniform(*BETA_DEG) if system == "monoclinic" else 90.0
    gamma = 120.0 if system == "hexagonal" else 90.0
    unit = gemmi.UnitCell(1.0, b, c, 90.0, beta, gamma)
    a = math.cbrt(volume / unit.volume)
    return gemmi.UnitCell(a, a * b, a * c, 90.0, beta, gamma)


def _edge_parts(system: str, generator: np.random.Generator) -> Edges:
    """Draw what each edge takes of the compression, as its symmetry allows."""
    if system == "cubic":
        return (1 / 3, 1 / 3, 1 / 3)
    a, b, c = 1.0 + UNEVEN_SHARE * generator.uniform(-1.0, 1.0, 3)
    b = b if system in ("orthorhombic", "monoclinic") else a
    total = float(a + b + c)
    return (float(a) / total, float(b) / total, float(c) / total)


def _is_possible(cell: gemmi.UnitCell, atoms: list[Orbit]) -> bool:
    """Whether no two atoms are too near to each other."""
    for (one, here), (other, there) in itertools.combinations_with_replacement(atoms, 2):
        lengths = _lengths(cell, np.array(here[:1]), np.array(there))  # the others of an orbit are alike
        if here is there:
            lengths = lengths[lengths > ITSELF_ANGSTROM]
        first, second = sorted((one, other))
        if lengths.min() < SHORTEST_ANGSTROM[first, second]:
            return False
    return True


def _is_its_own(group: gemmi.SpaceGroup, cell: gemmi.UnitCell, atoms: list[Orbit], system: str) -> bool:
    """Whether its heavy atoms repeat in no smaller cell, and the cell has the symmetry of its system and no more."""
    if len(gemmi.find_lattice_symmetry(cell, group.centring_type(), OBLIQUITY_DEG).sym_ops) != ROTATIONS[system]:
        return False
    heavy = np.array([at for element, each in atoms if element == "Cs" for at in each])
    translations = sum(
        bool(np.all(_lengths(cell, heavy + (heavy[k] - heavy[0]), heavy).min(axis=(1, 2)) < SAME_ANGSTROM))
        for k in range(len(heavy))
    )
    return translations == len(group.operations().cen_ops)


def _lengths(cell: gemmi.UnitCell, here: FloatArray, there: FloatArray) -> FloatArray:
    """Distances [angstrom] from positions to the images of others in the cells around them, (here, there, images)."""
    apart = (here[:, None, :] - there[None, :, :] + 0.5) % 1.0 - 0.5
    lengths: FloatArray = np.linalg.norm((apart[:, :, None, :] + AROUND) @ np.array(cell.orth.mat.tolist()).T, axis=3)
    return lengths
