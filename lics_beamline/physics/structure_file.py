"""Structures out of CIF files of other programs: right, or refused by name.

What a file says more than once must agree: cell and space group, operators and name, atoms and formula. Where it leaves
open which of two settings is meant, formula, Z and multiplicities decide if they can; otherwise the file is sent back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from lics_beamline.errors import ProfileError
from lics_beamline.files.given_file import STRUCTURE_BYTES, is_there, read_text
from lics_beamline.physics.atom_table import Atom, atoms_of
from lics_beamline.physics.chemical_formula import contradiction
from lics_beamline.physics.cif_block import CifBlock, CifNumber, structure_block, text_of_block
from lics_beamline.physics.special_position import crowding, on_special_position
from lics_beamline.physics.structure import B_OF_U, Site, Structure
from lics_beamline.physics.symmetry_statement import NAME_TAGS, misfit_of_cell, nearest_symbol, stated_groups
from lics_beamline.physics.unit_cell import UnitCell, lattice_system, space_group

LEAST_EDGE_ANGSTROM: Final = 1.0  # of a cell; atoms are no smaller
MOST_EDGE_ANGSTROM: Final = 100.0  # a protein has more, and no powder of it is squeezed
LEAST_ANGLE_DEG: Final = 20.0  # a reduced cell has 60 or more
LEAST_VOLUME_ANGSTROM3: Final = 1.0  # angles that no cell has give less
EDGES: Final = ("a", "b", "c")
BLOCK_MARK: Final = "::"  # between a file and one of its parts, as of images
SAME_SHARE: Final = 0.01  # relative: of numbers of three digits
ANGLES: Final = ("alpha", "beta", "gamma")


@dataclass(frozen=True, slots=True, kw_only=True)
class StructureFile:
    """What a CIF says of a structure.

    Parameters
    ----------
    structure : Structure
        The structure.
    uncertain : tuple of frozenset of str
        For each atom, which of x, y, z, occupancy, b are written with an uncertainty.
    displaced : tuple of bool
        For each atom, whether the file gives a displacement parameter.
    """

    structure: Structure
    uncertain: tuple[frozenset[str], ...]
    displaced: tuple[bool, ...]


def structure_from_cif(text: str, *, source: str = "CIF", block: str = "") -> Structure:
    """Return the structure of a CIF; parameters and errors as of `read_structure_file`."""
    return read_structure_file(text, source=source, block=block).structure


def read_structure_file(text: str, *, source: str = "CIF", block: str = "") -> StructureFile:
    """Return what a CIF says of its structure.

    Parameters
    ----------
    text : str
        The CIF.
    source : str
        Named in errors.
    block : str
        Name of the data block; by default the only one that has atoms.

    Raises
    ------
    ProfileError
        If it is no CIF, lacks cell, space group or atoms, contradicts itself, has values that no structure has, or
        leaves open which of two settings is meant; the message says what to write.
    """
    found = structure_block(text, source=source, name=block)
    refuse = _refusal(source)
    cell, sigmas = _cell(found)
    groups = stated_groups(found, source=source)
    atoms = atoms_of(found, refuse=refuse)
    if cell is not None:
        _check_cell(cell, refuse)  # before anything is reckoned with it
    if cell is None or not cell.volume_angstrom3 > LEAST_VOLUME_ANGSTROM3 or not groups or not atoms:
        name = found.word(*NAME_TAGS)
        if name and not groups and atoms:
            near = nearest_symbol(name)
            raise ProfileError(
                f"{source}: the space group {name[:40]!r} is not in the tables"
                + (f"; {near!r} is nearest" if near else "")
                + ". Write it like 'P 63/m m c', with spaces between the axes, or give its symmetry operators.",
                file=source,
            )
        volume = "no volume" if cell is None else f"{cell.volume_angstrom3:.4g} angstrom^3"
        raise ProfileError(
            f"{source}: a structure needs cell, space group and atoms; found a cell of {volume}, "
            f"space group {found.word(*NAME_TAGS)[:40] or 'none'}, {len(atoms)} atoms. Complete it.",
            file=source,
        )
    misfits = {group: misfit_of_cell(group, cell, sigmas) for group in groups}
    fitting = [group for group, misfit in misfits.items() if not misfit]
    if not fitting:
        raise refuse(f"a cell that its space group does not allow: {misfits[groups[0]]}")
    possible: dict[str, Structure] = {}
    faults: list[str] = []
    for group in fitting:
        structure = _assembled(found.name, group, cell, atoms)
        fault = _fault(structure, found)
        if fault:
            faults.append(fault)
        else:
            possible[group] = structure
    if not possible:
        raise refuse(faults[0])
    return StructureFile(
        structure=_the_one(possible, found, source),
        uncertain=tuple(atom.uncertain for atom in atoms),
        displaced=tuple(atom.displaced for atom in atoms),
    )


def read_structure_text(path: Path) -> str:
    """Return the text of a CIF; of one with several blocks, ``FILE.cif::NAME`` names the one to keep.

    Raises
    ------
    ProfileError
        If there is no such file or block.
    """
    name = str(path)
    file, mark, block = (name, "", "") if is_there(path) else name.rpartition(BLOCK_MARK)
    text = read_text(Path(file) if mark else path, most_bytes=STRUCTURE_BYTES, what="a CIF", or_latin_1=True)
    return text_of_block(text, block, source=file) if mark else text


def names_structure_file(path: Path) -> bool:
    """Tell whether there is such a CIF, with or without the name of a block."""
    return is_there(path) or is_there(Path(str(path).rpartition(BLOCK_MARK)[0]))


def _refusal(source: str) -> Callable[[str], ProfileError]:
    return lambda fault: ProfileError(f"{source}: the structure has {fault}. Mend the CIF.", file=source)


def _cell(block: CifBlock) -> tuple[UnitCell | None, tuple[float, ...]]:
    """Return the cell and the uncertainties of its numbers; no cell where one is missing or no number."""
    edges = [block.number(f"_cell_length_{edge}") for edge in EDGES]
    angles = [
        block.number(f"_cell_angle_{angle}") if block.column(f"_cell_angle_{angle}") else _right_angle()
        for angle in ANGLES
    ]
    numbers = [number for number in (*edges, *angles) if number is not None]
    if len(numbers) < len(EDGES) + len(ANGLES):
        return None, ()
    fields = zip(UnitCell.__dataclass_fields__, (number.value for number in numbers), strict=True)
    return UnitCell(**dict(fields)), tuple(number.sigma for number in numbers)


def _assembled(name: str, group: str, cell: UnitCell, atoms: tuple[Atom, ...]) -> Structure:
    system = lattice_system(group)
    ideal = UnitCell.from_free(cell.free(system), system)
    if not np.allclose(ideal.numbers, cell.numbers, rtol=1e-12):  # equal only within their error: one family, one line
        cell = ideal
    sites = []
    for atom in atoms:
        place = on_special_position(group, cell, np.array(atom.position), np.array(atom.steps))
        sites.append(
            Site(
                label=atom.label,
                element=atom.element,
                x=float(place[0]),
                y=float(place[1]),
                z=float(place[2]),
                occupancy=atom.occupancy,
                b_iso_angstrom2=B_OF_U * atom.u_iso_angstrom2(cell),
            )
        )
    return Structure(name=name, space_group=group, cell=cell, sites=tuple(sites))


def _right_angle() -> CifNumber:
    return CifNumber(value=90.0, sigma=0.0, step=0.0)  # the default of the core dictionary


def _check_cell(cell: UnitCell, refuse: Callable[[str], ProfileError]) -> None:
    """Refuse a cell that no powder has: it would be reckoned with for hours, or give no number at all."""
    edges, angles = cell.numbers[:3], cell.numbers[3:]
    if not all(LEAST_EDGE_ANGSTROM <= edge <= MOST_EDGE_ANGSTROM for edge in edges):
        raise refuse(f"edges {edges} angstrom, within {LEAST_EDGE_ANGSTROM:g} and {MOST_EDGE_ANGSTROM:g} are allowed")
    if not all(LEAST_ANGLE_DEG <= angle <= 180.0 - LEAST_ANGLE_DEG for angle in angles):
        raise refuse(f"angles {angles} deg, within {LEAST_ANGLE_DEG:g} and {180.0 - LEAST_ANGLE_DEG:g} are allowed")


def _fault(structure: Structure, block: CifBlock) -> str:
    """Return what is wrong with the content of the cell, in words; empty where nothing is."""
    orbits = [structure.orbit(site) for site in structure.sites]
    labels = [site.label for site in structure.sites]
    fault = crowding(structure.cell, orbits, [site.occupancy for site in structure.sites], labels)
    if fault:
        return fault
    order = len(space_group(structure.space_group).operations())
    shares = [len(orbit) / order for orbit in orbits]
    if min(shares) < 1.0 and all(
        abs(site.occupancy / share - 1.0) < SAME_SHARE for site, share in zip(structure.sites, shares, strict=True)
    ):
        return (
            f"occupancies of {min(shares):.4g} to {max(shares):.4g}, which are the multiplicities of its positions "
            f"over that of the general one, {order}: FullProf counts so. Write 1 for a position that is full"
        )
    content: dict[str, float] = {}
    for site, orbit in zip(structure.sites, orbits, strict=True):
        content[site.element] = content.get(site.element, 0.0) + site.occupancy * len(orbit)
    units = block.number("_cell_formula_units_Z")
    return contradiction(content, block.word("_chemical_formula_sum"), units.value if units else None)


def _the_one(possible: dict[str, Structure], block: CifBlock, source: str) -> Structure:
    """Return the structure that the file means, or ask.

    Settings that differ in the unique axis have one cell that fits both only where all angles are right; then the
    first is the usual one. Origins and axes of a rhombohedral lattice nobody can guess.
    """
    if len(possible) > 1:
        telling = {group: found for group, found in possible.items() if _has_multiplicities(found, block)}
        possible = telling or possible
    stem = next(iter(possible)).split(":")[0]
    same_symbol = [group for group in possible if group.split(":")[0] == stem]
    if len(same_symbol) == 1:
        return possible[same_symbol[0]]
    counts = "; ".join(f"{_counted(possible[group])} by {group}" for group in same_symbol)
    raise ProfileError(
        f"{source}: {stem!r} has {len(same_symbol)} settings that the cell allows, and the file does not say which: "
        f"{counts}. Write {' or '.join(repr(group) for group in same_symbol)} as the space "
        "group, or add symmetry operators, or formula and Z where these tell.",
        file=source,
        settings=len(same_symbol),
    )


def _has_multiplicities(structure: Structure, block: CifBlock) -> bool:
    """Tell whether every stated multiplicity is that of the position, or, as some programs write, of its symmetry."""
    stated = block.column("_atom_site_site_symmetry_multiplicity", "_atom_site_symmetry_multiplicity")
    if len(stated) != len(structure.sites):
        return True
    order = len(space_group(structure.space_group).operations())
    for site, word in zip(structure.sites, stated, strict=True):
        positions = len(structure.orbit(site))
        if word.isdecimal() and int(word) not in (positions, order // positions):
            return False
    return True


def _counted(structure: Structure) -> str:
    return ", ".join(f"{len(structure.orbit(site))} {site.label}" for site in structure.sites[:4])
