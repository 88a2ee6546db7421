"""The table of atoms of a CIF: element, place, occupancy and displacement of each, or what is wrong with it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import ProfileError
from lics_beamline.physics.cif_block import UNSAID, CifBlock, CifNumber, cif_number
from lics_beamline.physics.structure import B_OF_U, Position
from lics_beamline.physics.unit_cell import UnitCell

MOST_SITES: Final = 1000  # of the asymmetric unit
MOST_FRACTION: Final = 10.0  # of a coordinate: some programs do not bring atoms back into the cell
ERRORS_BEYOND: Final = 2.0  # of a refined number, by which it may be more than all or less than nothing
OCCUPANCY_ROUNDING: Final = 1e-3  # over one
MOST_U_ANGSTROM2: Final = 0.5  # 0.7 angstrom from its place: guests of open frameworks; more is a B, 0.3 to 3
# A symbol, and perhaps a charge as it is written: Cs1+, Cs+1, O2-, O-2, Fe3+, Cs+.
TYPE: Final = re.compile(r"([A-Za-z]{1,2})(?:\d+|\d+(?:\.\d+)?[+-]|[+-]\d*(?:\.\d+)?)?")
LABEL: Final = re.compile(r"([A-Z][a-z]?)(?![a-z])")
SHARED: Final = re.compile(r"[A-Z][a-z]?\d*\s*[/,]\s*[A-Z]")  # Al/Si1: two elements on one site, and no shares
MOLECULES: Final = re.compile(r"(?i)(wat|h2o|hoh|oh|o-h)(?![a-z])")  # labels of minerals: more than one atom
TENSOR: Final = ((0, 0, "11"), (1, 1, "22"), (2, 2, "33"), (0, 1, "12"), (0, 2, "13"), (1, 2, "23"))
AXES: Final = ("x", "y", "z")

Refusal = Callable[[str], ProfileError]
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Atom:
    """An atom as the file has it.

    Parameters
    ----------
    label, element : str
        Its name, and its chemical symbol.
    position, steps : tuple of float
        Fractional coordinates, and one unit of the last digit of each or its uncertainty, the larger.
    occupancy : float
        Fraction of its places that is occupied.
    u_iso : float or None
        Isotropic displacement parameter U [angstrom^2], where the file gives one.
    u_tensor : ndarray or None
        U_ij [angstrom^2], where the file gives only the tensor.
    uncertain : frozenset of str
        Which of x, y, z, occupancy, b have an uncertainty.
    """

    label: str
    element: str
    position: Position
    steps: Position
    occupancy: float
    u_iso: float | None
    u_tensor: Matrix | None
    uncertain: frozenset[str]

    @property
    def displaced(self) -> bool:
        """Whether the file gives a displacement."""
        return self.u_iso is not None or self.u_tensor is not None

    def u_iso_angstrom2(self, cell: UnitCell) -> float:
        """Isotropic displacement [angstrom^2], of a tensor its equivalent, 0 where none is given.

        Notes
        -----
        ``U_eq = 1/3 sum_ij U_ij a*_i a*_j (a_i . a_j)``: R. X. Fischer and E. Tillmanns, Acta Cryst. C44, 775 (1988).
        """
        if self.u_tensor is None:
            return self.u_iso or 0.0
        reciprocal = np.sqrt(np.diag(np.linalg.inv(cell.metric)))
        return float((self.u_tensor * np.outer(reciprocal, reciprocal) * cell.metric).sum()) / 3.0


def atoms_of(block: CifBlock, *, refuse: Refusal) -> tuple[Atom, ...]:
    """Return the atoms of a block; dummies are left out.

    Parameters
    ----------
    block : CifBlock
        The block.
    refuse : callable
        Makes the error of a fault.

    Raises
    ------
    ProfileError
        If an atom is of no element, has no place, or a value that no atom has.
    """
    labels, types = block.column("_atom_site_label"), block.column("_atom_site_type_symbol")
    coordinates = [block.column(f"_atom_site_fract_{axis}") for axis in AXES]
    count = max(len(labels), len(types), *(len(column) for column in coordinates))
    if count > MOST_SITES:
        raise refuse(f"{count} atoms, {MOST_SITES} are the most")
    if count and not any(coordinates):
        raise refuse("atoms without fractional coordinates (_atom_site_fract_x, _y, _z)")
    dummies = block.column("_atom_site_calc_flag")
    tensors = _tensors(block, refuse)
    atoms = []
    for index in range(count):
        if _at(dummies, index).lower() != "dum":
            label = _at(labels, index) or _at(types, index)
            atoms.append(_atom(block, index, label, _at(types, index) if types else None, tensors, refuse))
    return tuple(atoms)


def _atom(
    block: CifBlock, index: int, label: str, kind: str | None, tensors: dict[str, Matrix], refuse: Refusal
) -> Atom:
    where = f"atom {label[:20]!r} "
    element = _element(label, kind)
    if not element:
        said = f"type {kind[:20]!r}" if kind is not None else "no _atom_site_type_symbol"
        raise refuse(f"{where}of no element ({said})")
    numbers = {axis: cif_number(_at(block.column(f"_atom_site_fract_{axis}"), index)) for axis in AXES}
    for axis, number in numbers.items():
        word = _at(block.column(f"_atom_site_fract_{axis}"), index)
        if number is None or not abs(number.value) <= MOST_FRACTION:
            raise refuse(f"{where}at {axis} = {word[:20] or 'nothing'!r}, a fraction of the cell is allowed")
    place = [number for number in numbers.values() if number is not None]
    occupied = _optional(block, "_atom_site_occupancy", index, where, refuse, unknown_allowed=False)
    occupancy = 1.0 if occupied is None else _within_error(occupied, 0.0, 1.0)
    if not 0.0 <= occupancy <= 1.0 + OCCUPANCY_ROUNDING:
        raise refuse(f"{where}with occupancy {occupancy:g}, 0 to 1 is allowed")
    u = _optional(block, "_atom_site_U_iso_or_equiv", index, where, refuse)
    b = _optional(block, "_atom_site_B_iso_or_equiv", index, where, refuse)
    u_iso = _within_error(u, 0.0) if u is not None else _within_error(b, 0.0) / B_OF_U if b is not None else None
    tensor = tensors.get(label) if u_iso is None else None
    if (u_iso is not None and not 0.0 <= u_iso <= MOST_U_ANGSTROM2) or (
        tensor is not None and not (np.diag(tensor) >= 0.0).all()
    ):
        value = u_iso if u_iso is not None else float(np.diag(tensor).min()) if tensor is not None else 0.0
        most_b = B_OF_U * MOST_U_ANGSTROM2
        hint = "" if value < 0.0 else f"; B = 8 pi^2 U has _atom_site_B_iso_or_equiv, 0 to {most_b:.0f}"
        raise refuse(f"{where}with U = {value:g} angstrom^2, 0 to {MOST_U_ANGSTROM2:g} is allowed{hint}")
    stated = {**numbers, "occupancy": occupied, "b": b if b is not None and b.sigma else u}
    return Atom(
        label=label,
        element=element,
        position=(place[0].value, place[1].value, place[2].value),
        steps=(_step(place[0]), _step(place[1]), _step(place[2])),
        occupancy=occupancy,
        u_iso=u_iso,
        u_tensor=tensor,
        uncertain=frozenset(name for name, number in stated.items() if number is not None and number.sigma > 0.0),
    )


def _within_error(number: CifNumber, least: float, most: float = math.inf) -> float:
    """Return a number, or the end of what is allowed where it is beyond that by no more than its error lets it."""
    end = min(max(number.value, least), most)
    return end if abs(number.value - end) <= ERRORS_BEYOND * number.sigma else number.value


def _step(number: CifNumber) -> float:
    return max(number.step, number.sigma)


def _at(column: tuple[str, ...], index: int) -> str:
    return column[index] if index < len(column) else ""


def _optional(
    block: CifBlock, tag: str, index: int, where: str, refuse: Refusal, *, unknown_allowed: bool = True
) -> CifNumber | None:
    """Return a number that may be absent; what is there and no number is refused."""
    word = _at(block.column(tag), index)
    if word in ("", ".") or (word == "?" and unknown_allowed):
        return None
    number = cif_number(word)
    if number is None:
        raise refuse(f"{where}with {tag} {word[:20]!r}, a number is allowed")
    return number


def _element(label: str, kind: str | None) -> str:
    """Return the chemical symbol of an atom by its type, or by its label where the file gives no types."""
    if kind is None or kind == ".":
        found = None if MOLECULES.match(label) or SHARED.match(label) else LABEL.match(label)
        symbol = found[1] if found else ""
        # CS1 may be caesium, or the first of the carbons called S: only a type can tell.
        if len(symbol) == 1 and label[1:2].isupper() and _is_element(label[:2].capitalize()):
            return ""
    else:
        found = TYPE.fullmatch(kind)
        symbol = found[1].capitalize() if found else ""
    return symbol if _is_element(symbol) else ""


def _is_element(symbol: str) -> bool:
    import gemmi

    return bool(symbol) and gemmi.Element(symbol).name == symbol and gemmi.Element(symbol).atomic_number > 0


def _tensors(block: CifBlock, refuse: Refusal) -> dict[str, Matrix]:
    """U_ij of atoms by label, from U or from B."""
    labels = block.column("_atom_site_aniso_label")
    for letter, factor in (("U", 1.0), ("B", 1.0 / B_OF_U)):
        columns = [block.column(f"_atom_site_aniso_{letter}_{pair}") for *_, pair in TENSOR]
        if not all(columns):
            continue
        tensors: dict[str, Matrix] = {}
        for row, label in enumerate(labels):
            words = [_at(column, row) for column in columns]
            if any(word in UNSAID for word in words):
                continue
            tensor = np.zeros((3, 3))
            for (i, j, pair), word in zip(TENSOR, words, strict=True):
                number = cif_number(word)
                if number is None:
                    raise refuse(f"atom {label[:20]!r} with {letter}{pair} {word[:20]!r}, a number is allowed")
                tensor[i, j] = tensor[j, i] = factor * number.value
            tensors[label] = tensor
        return tensors
    return {}
