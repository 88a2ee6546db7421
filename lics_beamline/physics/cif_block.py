"""One data block of a CIF as words: tags in one spelling, numbers with their uncertainty and the digits they have."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from lics_beamline.errors import ProfileError
from lics_beamline.files.given_file import READER_FAULTS

NUMBER: Final = re.compile(
    r"([+-]?(?:\d+\.?(?P<decimals>\d*)|\.(?P<only>\d+)))(?:[eE]([+-]?\d{1,2}))?(?:\((\d{1,9})\))?"
)
UNSAID: Final = ("", "?", ".")  # unknown, and not applicable or the default
SECOND_VERSION: Final = "#\\#CIF_2.0"
LONG_QUOTES: Final = ("'''", '"""')
TOKEN: Final = re.compile(  # of version 2: text field, long and short quotes, comment, brackets, blanks, bare word
    r"""(?ms)^;.*?^;|'{3}.*?'{3}|"{3}.*?"{3}|'[^'\n]*'|"[^"\n]*"|\#[^\n]*|[\[\]{}]|\s+|[^\s\[\]{}]+"""
)
MOST_NAMED: Final = 6  # blocks in a message


@dataclass(frozen=True, slots=True, kw_only=True)
class CifNumber:
    """A number of a CIF.

    Parameters
    ----------
    value : float
        The number.
    sigma : float
        Its standard uncertainty, ``0.001`` of ``0.333(1)``; 0 where none is written.
    step : float
        One unit of its last decimal, 0 of a number without decimals.
    """

    value: float
    sigma: float
    step: float


def cif_number(word: str) -> CifNumber | None:
    """Return the number that a word is, or None where it is none."""
    found = NUMBER.fullmatch(word.strip())
    if found is None:
        return None
    mantissa, decimals, only, exponent, uncertainty = found.groups()
    digits = len(decimals or only or "")
    unit = 10.0 ** (int(exponent or 0) - digits)
    return CifNumber(
        value=float(f"{mantissa}e{exponent or 0}"),
        sigma=int(uncertainty or 0) * unit,
        step=unit if digits else 0.0,
    )


class CifBlock:
    """A data block.

    Parameters
    ----------
    name : str
        What stands behind ``data_``.
    columns : dict
        Values by tag, one where the tag stands alone; tags as `_spelled` writes them.
    """

    def __init__(self, name: str, columns: dict[str, tuple[str, ...]]) -> None:
        self.name = name
        self._columns = columns

    def column(self, *tags: str) -> tuple[str, ...]:
        """Return the values of the first of the tags that is there, with ``?`` and ``.``; none where none is."""
        return next((self._columns[tag.lower()] for tag in tags if tag.lower() in self._columns), ())

    def word(self, *tags: str) -> str:
        """Return the first value that one of the tags says, or an empty word."""
        values = (value for tag in tags for value in self._columns.get(tag.lower(), ()))
        return next((value for value in values if value not in UNSAID), "")

    def number(self, *tags: str) -> CifNumber | None:
        """Return the number that one of the tags says, or None."""
        return cif_number(self.word(*tags))


def structure_block(text: str, *, source: str, name: str = "") -> CifBlock:
    """Return the block of a CIF that holds the structure.

    Parameters
    ----------
    text : str
        The CIF.
    source : str
        Named in errors.
    name : str
        Name of the block; by default the only one, or the only one that has atoms.

    Raises
    ------
    ProfileError
        If it is no CIF, has no block of that name, or several that it could be.
    """
    try:
        blocks = [_block(block) for block in _document(text)]
    except READER_FAULTS as error:
        raise ProfileError(f"{source}: not readable as CIF: {error}. Mend it.", file=source) from None
    if name:
        found = [block for block in blocks if block.name.lower() == name.lower()]
    else:
        found = [
            block for block in blocks if len(blocks) == 1 or block.column("_atom_site_label", "_atom_site_fract_x")
        ]
    if len(found) == 1:
        return found[0]
    there = ", ".join(block.name for block in (found if len(found) > 1 else blocks)[:MOST_NAMED])
    if name:
        raise ProfileError(f"{source}: has no block {name!r}; it has {there}. Name one of these.", file=source)
    if not found:
        raise ProfileError(
            f"{source}: not readable as CIF: a structure needs a block with cell, space group and atoms; "
            f"{len(blocks)} blocks have none. Give the CIF of a structure.",
            file=source,
        )
    raise ProfileError(
        f"{source}: {len(found)} blocks have a structure: {there}. Say which, like FILE.cif::{found[0].name}, or keep "
        "one in the file.",
        file=source,
        blocks=len(found),
    )


def text_of_block(text: str, name: str, *, source: str) -> str:
    """Return a CIF with one block of a CIF; parameters and errors as of `structure_block`."""
    from gemmi import cif

    chosen = structure_block(text, source=source, name=name)
    document = cif.Document()
    document.add_copied_block(next(block for block in _document(text) if block.name == chosen.name))
    return str(document.as_string())


def _block(block: Any) -> CifBlock:
    columns: dict[str, tuple[str, ...]] = {}
    for item in block:
        if item.pair is not None:
            columns[_spelled(item.pair[0])] = (_word(item.pair[1]),)
        elif item.loop is not None:
            tags, values = item.loop.tags, [_word(value) for value in item.loop.values]
            columns |= {_spelled(tag): tuple(values[index :: len(tags)]) for index, tag in enumerate(tags)}
    return CifBlock(block.name, columns)


def _spelled(tag: str) -> str:
    """Return a tag in one spelling: the newer dictionaries put a dot behind the category, and case says nothing."""
    return str(tag).lower().replace(".", "_")


def _word(raw: str) -> str:
    from gemmi import cif

    return str(raw) if raw in UNSAID else str(cif.as_string(raw)).strip()


def _document(text: str) -> Any:
    from gemmi import cif

    return cif.read_string(_in_first_version(text) if text.startswith(SECOND_VERSION) else text)


def _in_first_version(text: str) -> str:
    """Return a CIF of version 2 as one of version 1.1: long quotes as text fields, lists and tables as unknown."""
    written: list[str] = []
    depth = 0  # of lists within lists
    for found in TOKEN.finditer(text):
        token = found[0]
        if token in ("[", "{"):
            written.append("" if depth else "?")
            depth += 1
        elif token in ("]", "}") and depth:
            depth -= 1
        elif depth:
            continue
        elif token[:3] in LONG_QUOTES and len(token) > len("'''"):
            written.append("\n;" + token[3:-3].replace("\n;", "\n ;") + "\n;\n")
        else:
            written.append(token)
    return "".join(written)
