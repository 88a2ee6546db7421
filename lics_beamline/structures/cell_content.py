"""What a cell may hold: numbers of atoms whose elements would take about its volume at the same pressure.

A compound is smaller than its elements by what bonds and charge transfer gain. LiCs loses 38 % at 3 GPa (Desgreniers et
al., Sci. Adv. 1, e1500669 (2015)), most intermetallic phases less than 15 % (A. R. Miedema and A. K. Niessen, Physica
B 114, 367 (1982), doi 10.1016/0378-4363(82)90032-4). So the volume leaves several contents; it only weighs them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from lics_beamline.errors import OutsideCalibration, RefinementFailed
from lics_beamline.phases.phase import CrystalPhase, library, named_phase

VOLUME_RATIOS: Final = (0.55, 1.20)  # of a compound to its elements: beyond LiCs, and what equations of state are off
USUAL_RATIO: Final = 0.88  # engineering value, see above
RATIO_SPREAD: Final = 0.13  # of its logarithm; LiCs lies 2.7 of it away and must not be ruled out
MOST_ATOMS: Final = 48  # of a cell: more have more arrangements than a powder can tell apart
MOST_CONTENTS: Final = 20_000  # of a cell: each has arrangements of its own, and the volume hardly tells them apart
NUMBER_ROUNDING: Final = 1e-9  # of volumes that are divided by each other


@dataclass(frozen=True, slots=True, kw_only=True)
class CellContent:
    """Atoms that may be in a cell.

    Parameters
    ----------
    atoms : tuple of (element, number)
        The heaviest element first.
    volume_ratio : float
        Volume of the cell over that of the same atoms as elements, at the same pressure and temperature.
    """

    atoms: tuple[tuple[str, int], ...]
    volume_ratio: float

    def __str__(self) -> str:
        return " ".join(f"{element}{number if number > 1 else ''}" for element, number in self.atoms)

    @property
    def log_prior(self) -> float:
        """Logarithm of how usual its volume is, 0 for the most usual."""
        return usual_volume(self.volume_ratio)


def usual_volume(ratio: float) -> float:
    """Return the logarithm of how usual a compound's volume over that of its elements is, 0 for the most usual."""
    return -0.5 * (math.log(ratio / USUAL_RATIO) / RATIO_SPREAD) ** 2


def atomic_volumes(
    elements: Iterable[str], *, pressure_gpa: float, temperature_k: float, phases: Iterable[CrystalPhase] = ()
) -> dict[str, float]:
    """Return what an atom of each element takes as an element [angstrom^3].

    Parameters
    ----------
    elements : iterable of str
        Chemical symbols.
    pressure_gpa, temperature_k : float
        Where the sample is.
    phases : iterable of CrystalPhase
        Phases asked before those of the library.

    Raises
    ------
    RefinementFailed
        If there is no equation of state of an element that reaches there.
    """
    known = [*phases, *(named_phase(name) for name in library())]
    found = {}
    for element in elements:
        of_it = sorted(
            (phase for phase in known if {site.element for site in phase.structure.sites} == {element}),
            key=lambda phase: _beyond_gpa(phase, pressure_gpa),
        )
        for phase in of_it:
            try:
                volume = phase.equation_of_state().volume_angstrom3(pressure_gpa, temperature_k)
            except OutsideCalibration:
                continue
            structure = phase.structure
            found[element] = volume / sum(site.occupancy * len(structure.orbit(site)) for site in structure.sites)
            break
        else:
            raise RefinementFailed(
                f"no phase of {element} alone has an equation of state that reaches {pressure_gpa:.2f} GPa at "
                f"{temperature_k:.0f} K: what its atoms take is not known. Add one to the recipe.",
                element=element,
            )
    return found


def _beyond_gpa(phase: CrystalPhase, pressure_gpa: float) -> float:
    """Return how far a pressure is outside the range of a phase [GPa]."""
    return max(phase.lowest_gpa - pressure_gpa, pressure_gpa - phase.highest_gpa, 0.0)


def atoms_by_volume(volume_angstrom3: float, atomic_angstrom3: Mapping[str, float]) -> tuple[int, int]:
    """Return how many atoms a cell has at least and at most, by its volume.

    Parameters
    ----------
    volume_angstrom3 : float
        Volume of the cell [angstrom^3].
    atomic_angstrom3 : mapping of str to float
        What an atom of each element takes as an element [angstrom^3].
    """
    least, most = min(atomic_angstrom3.values()), max(atomic_angstrom3.values())
    fewest = math.ceil(volume_angstrom3 / VOLUME_RATIOS[1] / most - NUMBER_ROUNDING)
    return fewest, math.floor(volume_angstrom3 / VOLUME_RATIOS[0] / least + NUMBER_ROUNDING)


def cell_contents(volume_angstrom3: float, atomic_angstrom3: Mapping[str, float]) -> tuple[CellContent, ...]:
    """Return the contents of at most `MOST_ATOMS` atoms that a cell may have, those of the most usual volume first.

    Parameters
    ----------
    volume_angstrom3 : float
        Volume of the cell [angstrom^3].
    atomic_angstrom3 : mapping of str to float
        What an atom of each element takes as an element [angstrom^3], the heaviest element first.

    Raises
    ------
    RefinementFailed
        If they are more than `MOST_CONTENTS`.
    """
    volumes = tuple(atomic_angstrom3.values())
    every = _numbers(volumes, MOST_ATOMS, volume_angstrom3 / VOLUME_RATIOS[1], volume_angstrom3 / VOLUME_RATIOS[0])
    found = []
    for some in itertools.islice(every, MOST_CONTENTS + 1):
        alone = sum(number * volume for number, volume in zip(some, volumes, strict=True))
        atoms = tuple((element, number) for element, number in zip(atomic_angstrom3, some, strict=True) if number)
        found.append(CellContent(atoms=atoms, volume_ratio=volume_angstrom3 / alone))
    if len(found) > MOST_CONTENTS:
        fewest, most = atoms_by_volume(volume_angstrom3, atomic_angstrom3)
        named = ", ".join(f"{element} {volume:.1f}" for element, volume in atomic_angstrom3.items())
        raise RefinementFailed(
            f"its cell of {volume_angstrom3:.1f} A^3 has {fewest} to {most} atoms (one takes {named} A^3): of at most "
            f"{MOST_ATOMS} alone there are more than {MOST_CONTENTS} contents, too many to be tried. Name fewer "
            "elements, those that are surely in it; a crystal would tell",
            volume_angstrom3=volume_angstrom3,
        )
    return tuple(sorted(found, key=lambda content: -content.log_prior))


def _numbers(
    volumes: tuple[float, ...], most: int, least_angstrom3: float, largest_angstrom3: float
) -> Iterator[tuple[int, ...]]:
    """Yield numbers of atoms, at most so many together, that take a volume between two; each branch bears some."""
    volume, *rest = volumes
    roomiest = max(rest, default=0.0)
    for number in range(min(most, math.floor(largest_angstrom3 / volume + NUMBER_ROUNDING)) + 1):
        least, largest = least_angstrom3 - number * volume, largest_angstrom3 - number * volume
        if least > (most - number) * roomiest + NUMBER_ROUNDING:
            continue
        if rest:
            yield from ((number, *more) for more in _numbers(tuple(rest), most - number, least, largest))
        else:
            yield (number,)
