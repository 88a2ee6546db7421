"""Numbers as people and programs write them, and the commas in them that mean something else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal

UNSIGNED_NUMBER: Final = (
    r"(?:\d+(?:\.\d*)?|\.\d+)"  # one way to match each text: a million digits are refused at once too
)
NUMBER: Final = re.compile(rf"[+-]?{UNSIGNED_NUMBER}([eE][+-]?\d+)?")
THOUSANDS: Final = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")  # what a comma between thousands looks like


def meaning_of_commas(words: Sequence[str], axis: Sequence[str]) -> Literal["decimal", "thousands", ""]:
    """Return what the commas within numbers of a table are; empty where nothing in it tells.

    Parameters
    ----------
    words : sequence of str
        All its numbers.
    axis : sequence of str
        Those that are of an axis, and so small that none has thousands.
    """
    with_comma = [word for word in words if "," in word]
    if any("." in word and word.rindex(".") > word.rindex(",") for word in with_comma):
        return "thousands"  # 1,000.5
    if not all(THOUSANDS.fullmatch(word) for word in with_comma):
        # 100,5 and 0,125 and 1.000,5; beside them 1.234 may be thousands
        return "" if any("," not in word and "." in word for word in words) else "decimal"
    if not with_comma or any("," not in word and "." in word for word in words):
        return "thousands"  # beside 695.12: the decimal sign of this file is the point
    return "decimal" if any("," in word for word in axis) else ""


def with_points(word: str, commas: str) -> str:
    """Return a number with a decimal point and nothing between thousands, by what commas are."""
    if commas == "thousands":
        return word.replace(",", "")
    return (word.replace(".", "") if "." in word and "," in word else word).replace(",", ".")
