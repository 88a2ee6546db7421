"""Whether a lattice has a volume, and places, for atoms of given elements: what lines alone do not say of it.

A volume that no numbers of atoms take rules a lattice out, and so do numbers for which its space groups have no places:
a body-centred cube of two atoms has one place a lattice point, so it holds no compound of one to one. A usual volume
is no reason for a lattice, nor an unusual one against it: LiCs has 0.6 of the volume of its elements.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final

from lics_beamline.errors import ProfileError, RefinementFailed
from lics_beamline.phases.phase import CrystalPhase
from lics_beamline.physics.chemical_formula import elements_of
from lics_beamline.structures.cell_content import MOST_ATOMS, VOLUME_RATIOS, atomic_volumes, cell_contents
from lics_beamline.structures.wyckoff_position import wyckoff_positions

MOST_UNITS: Final = 1000.0  # of one element in a formula


class LatticeContent:
    """Says what lattices may hold.

    Parameters
    ----------
    elements : sequence of str
        That the phase may be made of.
    formula : mapping of str to int, optional
        Atoms of its formula unit, where it is known: contents are whole numbers of these.
    phases : iterable of CrystalPhase
        Phases whose equations of state come before those of the library.
    """

    def __init__(
        self,
        elements: Sequence[str],
        formula: Mapping[str, int] | None = None,
        phases: Iterable[CrystalPhase] = (),
    ) -> None:
        import gemmi

        self._elements = sorted(set(elements), key=lambda element: -int(gemmi.Element(element).atomic_number))
        self._formula = dict(formula or {})
        self._phases = tuple(phases)
        self._volumes: dict[tuple[float, float], dict[str, float]] = {}

    def judged(
        self, volume_angstrom3: float, pressure_gpa: float, temperature_k: float, groups: Sequence[str]
    ) -> tuple[bool, str]:
        """Tell whether a lattice can hold atoms, and which; or why not.

        Parameters
        ----------
        volume_angstrom3 : float
            Of its conventional cell [angstrom^3].
        pressure_gpa, temperature_k : float
            Where it is.
        groups : sequence of str
            Space groups that it may have; those of least symmetry among them have all places that the others have.

        Returns
        -------
        tuple
            True with the content of the most usual volume, with nothing for a cell of more atoms, or contents, than are
            asked about;
            False with the reason.

        Raises
        ------
        RefinementFailed
            If there is no equation of state of an element that reaches there.
        """
        volumes = self._at(pressure_gpa, temperature_k)
        if volume_angstrom3 > VOLUME_RATIOS[0] * min(volumes.values()) * MOST_ATOMS:
            return True, ""
        try:
            contents = cell_contents(volume_angstrom3, volumes)
        except RefinementFailed:
            return True, ""
        places = [_multiplicities(group) for group in groups]
        for content in contents:
            atoms = dict(content.atoms)
            if self._is_of_formula(atoms) and any(_has_places(tuple(atoms.values()), *each) for each in places):
                return True, f"{content}, {content.volume_ratio:.2f} of the volume of its elements"
        takes = ", ".join(f"{element} {volume:.1f}" for element, volume in volumes.items())
        what = "of that formula" if self._formula else "of these elements"
        return False, (
            f"no atoms {what} have volume and places in a cell of {volume_angstrom3:.1f} A^3 (atoms take {takes} A^3)"
        )

    def _at(self, pressure_gpa: float, temperature_k: float) -> dict[str, float]:
        key = (pressure_gpa, temperature_k)
        if key not in self._volumes:
            self._volumes[key] = atomic_volumes(
                self._elements, pressure_gpa=pressure_gpa, temperature_k=temperature_k, phases=self._phases
            )
        return self._volumes[key]

    def _is_of_formula(self, atoms: Mapping[str, int]) -> bool:
        if not self._formula:
            return True
        units = {divmod(atoms.get(element, 0), number) for element, number in self._formula.items()}
        return len(units) == 1 and next(iter(units))[1] == 0


def formula_of(text: str) -> dict[str, int]:
    """Return the atoms of a formula unit that somebody gave.

    Raises
    ------
    ProfileError
        If it is no formula, or has parts of atoms.
    """
    import gemmi

    found = elements_of(text)
    if not found or any(gemmi.Element(element).name != element or element == "X" for element in found):
        raise ProfileError(
            f"{text!r} is no formula. Write elements and whole numbers: LiCs, Cs2Li, SiO2.", formula=text
        )
    if any(number != round(number) or not 1.0 <= number <= MOST_UNITS for number in found.values()):
        raise ProfileError(
            f"{text!r} has numbers of atoms that are not whole, or not 1 to {MOST_UNITS:.0f}. Write the smallest whole "
            "numbers, or only the elements: --elements.",
            formula=text,
        )
    return {element: round(number) for element, number in found.items()}


@lru_cache(maxsize=256)
def _multiplicities(group: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the multiplicities of places without freedom, each of which is taken once, and of those with."""
    positions = wyckoff_positions(group)
    fixed = tuple(position.multiplicity for position in positions if not position.freedom)
    return fixed, tuple({position.multiplicity for position in positions if position.freedom})


@lru_cache(maxsize=4096)
def _has_places(numbers: tuple[int, ...], fixed: tuple[int, ...], free: tuple[int, ...]) -> bool:
    """Whether so many atoms of each element find places."""
    left = {numbers}
    for multiplicity in fixed:
        left |= {
            (*some[:which], some[which] - multiplicity, *some[which + 1 :])
            for some in left
            for which in range(len(some))
            if some[which] >= multiplicity
        }
    sums = {0}
    for number in range(1, max(numbers) + 1):
        if any(number - multiplicity in sums for multiplicity in free):
            sums.add(number)
    return any(all(number in sums for number in some) for some in left)
