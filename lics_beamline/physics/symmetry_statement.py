"""What a file says of its symmetry, in whatever words: the settings of the tables that agree with all of it.

A symbol like ``F d -3 m`` names two settings with different origins, ``R -3 m`` two sets of axes, ``P 21`` three
unique axes; a number names a type. Name, number, Hall symbol and operators must agree; what they leave open, the cell
may decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, Final

from lics_beamline.errors import ProfileError
from lics_beamline.files.given_file import READER_FAULTS
from lics_beamline.physics.cif_block import UNSAID, CifBlock
from lics_beamline.physics.unit_cell import FREE, UnitCell, lattice_system, space_group

NAME_TAGS: Final = (
    "_space_group_name_H-M_alt",
    "_symmetry_space_group_name_H-M",
    "_space_group_name_H-M_full",
    "_space_group_name_H-M",
    "_space_group_name_H-M_ref",
)
HALL_TAGS: Final = ("_space_group_name_Hall", "_symmetry_space_group_name_Hall")
NUMBER_TAGS: Final = ("_space_group_IT_number", "_symmetry_Int_Tables_number")
OPERATOR_TAGS: Final = ("_space_group_symop_operation_xyz", "_symmetry_equiv_pos_as_xyz")
# Of the ICSD: S is the origin of the first choice, Z the one at a centre of symmetry; O1 and O2 are of other programs.
ORIGINS: Final = {"S": "1", "Z": "2", "1": "1", "2": "2"}
ORIGIN: Final = re.compile(
    r"\s*(?::\s*([12HRhrSZ])|([SZHR])|[:,;({\[]?\s*(?:[Oo]rigin|ORIGIN|O)\s*(?:choice)?\s*([12])[)}\]]?)$"
)
# -F 4 2 3 or P 2ac 2ab where a Hermann-Mauguin symbol is meant: no such symbol begins or goes on like this.
HALL: Final = re.compile(r"-[PABCIRFH]\s|[PABCIRFH]\s.*\d[abcnuvwd]{2}")
NUMBER_ALONE: Final = re.compile(r"^\s*(?:(?:IT|SG|[Nn][Oo])\s*[.:#]?\s*)(?=\d{1,3}\s*$)")
# Fm-3m (No. 225), and what LaTeX and the editors of journals make of a screw axis and an inversion.
NUMBER_BEHIND: Final = re.compile(r"\s*[({\[,]\s*(?:(?:IT|SG|[Nn][Oo])?\s*[.:#]?\s*)(\d{1,3})\s*[)}\]]?\s*$")
DIGITS_BELOW: Final = {0x2080 + digit: str(digit) for digit in range(10)}  # the line, as in Unicode
SCREW: Final = re.compile(r"\$?_?\{(\d)\}\$?|~(\d)~|\$_(\d)\$")
BAR: Final = re.compile(r"\\(?:bar|overline)\s*\{?\s*(\d)\s*\}?|(\d)\N{COMBINING MACRON}|(\d)\N{COMBINING OVERLINE}")
UNEQUAL_EDGES: Final = 2e-4  # of an edge, at most, between edges that must be equal: a last digit rounded
UNEQUAL_ANGLES_DEG: Final = 0.02  # from the angle that symmetry fixes, at most
TRUSTED_SIGMAS: Final = 3.0  # of the uncertainty that the file states
MOST_SYMBOL_CHARACTERS: Final = 200  # a choice: the longest symbols have 20, with number, origin and LaTeX 60
MOST_OPERATORS: Final = 192  # F m -3 m has so many, centring included


def stated_groups(block: CifBlock, *, source: str) -> tuple[str, ...]:
    """Return the settings that agree with everything a block says of its symmetry.

    Parameters
    ----------
    block : CifBlock
        The block.
    source : str
        Named in errors.

    Returns
    -------
    tuple of str
        Symbols as gemmi writes them, the most usual first; empty where the block says nothing that the tables have.

    Raises
    ------
    ProfileError
        If two statements do not agree, or operators are of no setting of the tables.
    """
    said: dict[str, tuple[str, ...]] = {}
    operators = block.column(*OPERATOR_TAGS)
    if any(word not in UNSAID for word in operators):
        said["the operators"] = _of_operators(operators, source)
    unknown = 0
    hall = block.word(*HALL_TAGS)
    names = [name for tag in NAME_TAGS if (name := block.word(tag))]
    for what, symbol, find in (("Hall symbol", hall, _of_hall), *(("name", name, named_groups) for name in names)):
        if found := find(symbol):
            said[f"{what} {symbol[:40]!r}"] = found
        elif symbol:
            unknown += 1
    if unknown and not any(word not in UNSAID for word in operators):
        return ()  # a setting of its own, or a misprint: neither the number nor the other name tells which
    number = block.word(*NUMBER_TAGS)
    if number:
        said[f"number {number[:10]}"] = _of_number(number, source, alone=not said)
    if not said:
        return ()
    agreed = next(iter(said.values()))
    for found in said.values():
        agreed = tuple(name for name in agreed if name in found)
    if not agreed:
        words = "; ".join(f"{what}: {_short(found)}" for what, found in said.items())
        raise ProfileError(
            f"{source}: what it says of the space group does not agree ({words}). Keep what is right, delete the rest.",
            file=source,
        )
    return agreed


def named_groups(name: str) -> tuple[str, ...]:
    """Return the settings that a Hermann-Mauguin symbol may mean, in any usual spelling; none if it is none."""
    if len(name) > MOST_SYMBOL_CHARACTERS:
        return ()
    behind = NUMBER_BEHIND.search(name)
    if behind:  # a symbol with its number: both are held against each other; 2(1) is a screw axis
        own = named_groups(name[: behind.start()])
        if own := tuple(symbol for symbol in own if space_group(symbol).number == int(behind.group(1))):
            return own
    if HALL.match(name.strip()):
        return _of_hall(name.strip())
    name = NUMBER_ALONE.sub("", name.translate(DIGITS_BELOW))
    name = BAR.sub(lambda bar: f"-{next(filter(None, bar.groups()))}", name)
    name = SCREW.sub(lambda screw: next(filter(None, screw.groups())), name).replace("$", "")
    plain = re.sub(
        r"</?su[bp]>|[_(){}'\"]", "", name.replace("\N{MINUS SIGN}", "-").replace("\N{MACRON}", "-").replace("\\", "")
    ).strip()
    for spelled in (plain, _without_twofold(plain)):
        if found := _found(spelled):
            return found
    if bare := _slashless().get("".join(plain.split()).lower()):  # P63MMC
        return _found(bare)
    choice = ORIGIN.search(re.sub(r"[_'\"]", "", name).strip())
    if choice is None:
        return ()
    wanted = next(letter for letter in choice.groups() if letter).upper()
    stem = re.sub(r"[_()'\"]", "", name[: choice.start()]).strip()
    for spelled in (stem, _without_twofold(stem)):
        if found := _found(spelled):
            return tuple(symbol for symbol in found if symbol.endswith(f":{ORIGINS.get(wanted, wanted)}"))
    return ()


def nearest_symbol(name: str) -> str:
    """Return the symbol of the tables that is written most like one that is in none of them; empty if none is."""
    spelled = {"".join(symbol.split()): symbol for group in _table() for symbol in (group.hm, group.short_name())}
    near = get_close_matches("".join(name.replace("_", "").split()), spelled, n=1)
    return _found(spelled[near[0]])[0] if near else ""


def misfit_of_cell(symbol: str, cell: UnitCell, sigmas: tuple[float, ...]) -> str:
    """Return how a cell is not of the lattice of a space group, in words; empty where it is.

    Parameters
    ----------
    symbol : str
        Space group as gemmi writes it.
    cell : UnitCell
        The cell.
    sigmas : tuple of float
        Stated uncertainties of its six numbers [angstrom, deg], 0 where none is.
    """
    system = lattice_system(symbol)
    places, numbers, names = FREE[system], cell.numbers, ("a", "b", "c", "alpha", "beta", "gamma")
    for index, place in enumerate(places):
        first = places.index(place) if isinstance(place, int) else index
        wanted = numbers[first] if isinstance(place, int) else place
        allowed = UNEQUAL_EDGES * wanted if index < len(names) // 2 else UNEQUAL_ANGLES_DEG
        allowed = max(allowed, TRUSTED_SIGMAS * (sigmas[index] ** 2 + sigmas[first] ** 2) ** 0.5)
        if abs(numbers[index] - wanted) > allowed:
            other = f"as {names[first]}" if isinstance(place, int) else "by symmetry"
            return (
                f"{symbol} is {system}, so {names[index]} must be {wanted:g} {other} within {allowed:.2g}; "
                f"it is {numbers[index]:g}"
            )
    return ""


def _short(symbols: tuple[str, ...]) -> str:
    more = len(symbols) - 2
    return " or ".join(symbols[:2]) + (f" or {more} more" if more > 0 else "")


@lru_cache(maxsize=1)
def _table() -> tuple[Any, ...]:
    import gemmi

    return tuple(gemmi.spacegroup_table())


@lru_cache(maxsize=1)
def _slashless() -> dict[str, str]:
    """Return the symbols of the tables by what is left of them without blanks and strokes, which no two share."""
    return {
        "".join(symbol.split()).replace("/", "").lower(): group.hm
        for group in reversed(_table())
        for symbol in (group.hm, group.short_name())
        if "/" in symbol
    }


@lru_cache(maxsize=256)
def _found(name: str) -> tuple[str, ...]:
    """Return the settings of a symbol without choice of origin, those that gemmi prefers first."""
    import gemmi

    group = gemmi.find_spacegroup_by_name(name)
    named = [group] if group is not None else []
    if group is not None and not _says_choice(name, group):
        named += [other for other in _table() if other.hm == group.hm]
    bare = "".join(name.split()).lower()  # P 21 is P 1 21 1, P 1 1 21 or P 21 1 1
    named += [each for each in _table() if each.crystal_system_str() == "monoclinic" and _bare_monoclinic(each) == bare]
    return _unique(named)


def _says_choice(name: str, group: Any) -> bool:
    """Tell whether a symbol that was found says its choice itself; the tables' letter for that is the last."""
    return group.ext.strip("\0 ") != "" and name.rstrip().upper().endswith(f"{group.ext}") and _longer(name, group.hm)


def _longer(name: str, symbol: str) -> bool:
    return len("".join(name.split())) > len("".join(symbol.split()))


@lru_cache(maxsize=256)
def _bare_monoclinic(group: Any) -> str:
    lattice, *axes = group.hm.split()
    return (lattice + "".join(axis for axis in axes if axis != "1")).lower()


def _without_twofold(name: str) -> str:
    """Return the short symbol of a full one: ``F 4/m -3 2/m`` is ``F m -3 m``, ``P 63/m 2/m 2/c`` is ``P 63/m m c``."""
    lattice, *axes = name.split() or [""]
    if len(axes) > 1 and axes[1] in ("-3", "3"):
        axes = [axis.split("/")[-1] for axis in axes]
    elif len(axes) > 1 and "1" not in axes:
        first = axes[0] if axes[0][:1] in "346-" else axes[0].split("/")[-1]
        axes = [first, *(axis.split("/")[-1] for axis in axes[1:])]
    return " ".join([lattice, *axes])


def _of_number(word: str, source: str, *, alone: bool) -> tuple[str, ...]:
    """Return all settings of a number or, where nothing else is said, the standard one with its choices."""
    import gemmi

    named = word.isdecimal() and len(word) < 4 and int(word) > 0  # gemmi takes 0 for P 1
    standard = gemmi.find_spacegroup_by_number(int(word)) if named else None
    if standard is None:
        raise ProfileError(
            f"{source}: there is no space group number {word[:10]!r}; 1 to 230 are. Mend it.", file=source
        )
    every = [group for group in _table() if group.number == standard.number]
    if not alone:
        return _unique(every)
    first_choices = [group for group in every if str(group.qualifier) in ("b1", "c1", "a1", "b", "c", "a")]
    monoclinic = standard.crystal_system_str() == "monoclinic"
    return _unique([standard, *(first_choices if monoclinic else (g for g in every if g.hm == standard.hm))])


def _of_hall(symbol: str) -> tuple[str, ...]:
    import gemmi

    try:
        return _with_operators({operation.wrap().triplet() for operation in gemmi.symops_from_hall(symbol)})
    except READER_FAULTS:
        return ()


def _of_operators(words: Iterable[str], source: str) -> tuple[str, ...]:
    import gemmi

    triplets = set()
    for word in list(words)[: MOST_OPERATORS + 1]:
        try:
            triplets.add(gemmi.Op(word.strip("'\" ")).wrap().triplet())
        except READER_FAULTS as error:
            raise ProfileError(
                f"{source}: symmetry operator {word[:40]!r} cannot be read: {error}. Write it like 'x,-y,z+1/2'.",
                file=source,
            ) from None
    found = _with_operators(triplets)
    if not found:
        raise ProfileError(
            f"{source}: its {len(triplets)} symmetry operators are those of no setting in the tables. Complete them "
            "(identity, centring), or transform the structure to a standard setting.",
            file=source,
        )
    return found


def _with_operators(triplets: set[str]) -> tuple[str, ...]:
    import gemmi

    group = gemmi.find_spacegroup_by_ops(gemmi.GroupOps([gemmi.Op(triplet) for triplet in sorted(triplets)]))
    if group is None or _triplets(group) != triplets:
        return ()
    return _unique(each for each in _table() if each.number == group.number and _triplets(each) == triplets)


def _triplets(group: Any) -> set[str]:
    return {operation.wrap().triplet() for operation in group.operations()}


def _unique(groups: Iterable[Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(group.xhm()) for group in groups))
