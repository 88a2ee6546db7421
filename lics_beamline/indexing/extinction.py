"""Which reflections space groups leave out: the classes of groups that a powder pattern can tell apart."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lics_beamline.indexing.lattice_form import families


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExtinctionClass:
    """Space groups that leave out the same reflections.

    Parameters
    ----------
    groups : tuple of str
        Hermann-Mauguin symbols, the most symmetric first.
    centring : str
        Letter of the lattice.
    planes : ndarray of int64, shape (n,)
        Members of each family of `lattice_form.families` that are not left out, Friedel mates included.
    """

    groups: tuple[str, ...]
    centring: str
    planes: npt.NDArray[np.int64]

    @property
    def symmorphic(self) -> bool:
        """Whether only the centring leaves reflections out."""
        return self.groups[0] in _LATTICE_GROUPS


_LATTICE_GROUPS: Final = frozenset({"R -3 m"}) | frozenset(
    f"{letter} {rest}"
    for rest, letters in {
        "m -3 m": "PIF",
        "6/m m m": "P",
        "4/m m m": "PI",
        "m m m": "PABCIF",
        "1 2/m 1": "PACI",
    }.items()
    for letter in letters
)


@lru_cache(maxsize=8)
def extinction_classes(system: str) -> tuple[ExtinctionClass, ...]:
    """Return the classes of a crystal system, those that leave out least first."""
    import gemmi

    reflections = families(system)
    flat = np.concatenate(reflections.members)
    ends = np.cumsum([len(each) for each in reflections.members])[:-1]
    sorted_groups = sorted(
        (group for group in gemmi.spacegroup_table() if _belongs(group, system)),
        key=lambda group: -len(list(group.operations().sym_ops)),
    )
    found: dict[bytes, tuple[npt.NDArray[np.int64], list[str], str]] = {}
    for group in sorted_groups:
        there = ~_left_out(group, flat)
        planes = 2 * np.add.reduceat(there.astype(np.int64), np.concatenate([[0], ends]))
        _, names, _ = found.setdefault(planes.tobytes(), (planes, [], str(group.centring_type())))
        name = str(group.hm)
        if name not in names and not name.endswith(("2a", "3a")):  # gemmi has I 2 3 and F 2 2 2 twice
            names.append(name)
    classes = [
        ExtinctionClass(groups=tuple(names), centring=how, planes=planes) for planes, names, how in found.values()
    ]
    return tuple(sorted(classes, key=lambda one: -int(one.planes.sum())))


def _belongs(group: Any, system: str) -> bool:
    of = str(group.crystal_system_str())
    if system == "hexagonal":
        return of == "hexagonal" or (of == "trigonal" and group.ext != "R")
    if system == "monoclinic":
        return of == system and str(group.monoclinic_unique_axis()) == "b"
    return of == system and str(group.centring_type()) in "PABCIF"


def _left_out(group: Any, hkl: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Return which reflections a group leaves out: those that an operation maps on themselves out of phase."""
    operations = group.operations()
    absent = np.zeros(len(hkl), dtype=np.bool_)
    for shift in operations.cen_ops:
        absent |= (hkl @ np.array(shift, dtype=np.int64)) % 24 != 0
    for each in operations.sym_ops:
        same = np.all(hkl @ (np.array(each.rot, dtype=np.int64) // each.DEN) == hkl, axis=1)
        absent |= same & ((hkl @ np.array(each.tran, dtype=np.int64)) % 24 != 0)
    return absent
