"""What the lines above columns of numbers say of them: their names, and what the abscissa is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from lics_beamline.patterns.pattern_table import Abscissa, abscissa_of, refused

CHI_HEADING_LINES: Final = 4  # title, what each axis is, number of points
ABSCISSA_NAME: Final = re.compile(r"2\W*th|two|tth|[qdx](\b|_)|angle|pos", re.IGNORECASE)
NO_ABSCISSA: Final = re.compile(
    r"((?:theta|\u03b8)(?!\W*2)|omega|energy|channel|pixel|time|temp\w*|wave\w*|e\W*k?ev)(\b|_)", re.IGNORECASE
)
NAME_AND_UNIT: Final = re.compile(r"[^\s,;]+(?:\s*[\[(][^\])]*[\])])?")
BETWEEN_NAMES: Final = re.compile(r"\s*[,;\t]\s*|\s{2,}")
# unit = q_nm^-1, X-axis: q (1/A): settings that say what the abscissa is.
ABSCISSA_SETTING: Final = re.compile(
    r"\W*(?:(?:(?:x|radial|abscissa)[\W_]*)?(?:unit|axis|abscissa)|x[\W_]*label)s?\W*[=:]\s*(\S.*)", re.IGNORECASE
)
UNIT_ALONE: Final = re.compile(  # and neither arbitrary ones, a.u., nor an article
    r"\W*(1/)?(nm|ang|angstr\w*|a(?!\.|\s+\w)|\u00e5|mm|px|pixels?|k?ev|m?rad)\b", re.IGNORECASE
)
OTHER_SETTINGS: Final = ("poni", "rotation", "distance", "detector", "mask")
UNNAMED: Final = "{str(dim1_unit)"  # what pyFAI 2026.9 writes above its columns, in place of the unit
SHOWN_CHARACTERS: Final = 40


def is_chi(heading: Sequence[str]) -> bool:
    """Tell whether lines are the heading of a file of Fit2D: the fourth is the number of points."""
    return len(heading) >= CHI_HEADING_LINES and heading[CHI_HEADING_LINES - 1].isdigit()


def column_names(heading: Sequence[str], count: int) -> list[str]:
    """Return the names of columns, with the units that stand behind or below them; empty where there are none.

    Parameters
    ----------
    heading : sequence of str
        Lines above the numbers.
    count : int
        Number of columns.
    """
    names = _split(heading[-1], count) if heading else []
    if names and not ABSCISSA_NAME.match(names[0]) and not NO_ABSCISSA.match(names[0]):
        above = _split(heading[-2], count) if len(heading) > 1 else []
        if above and (ABSCISSA_NAME.match(above[0]) or NO_ABSCISSA.match(above[0])):
            return [f"{name} [{unit}]" for name, unit in zip(above, names, strict=True)]
    return names


def stated_abscissa(
    heading: Sequence[str], names: Sequence[str], *, source: str, given: Abscissa | None = None
) -> Abscissa | None:
    """Return what a heading says of the abscissa: its last line that says anything, as names stand above columns.

    Parameters
    ----------
    heading, names : sequence of str
        Lines above the numbers, and the names of the columns.
    source : str
        Name of the file, for messages.
    given : {"2theta", "q", "q-nm", "d"}, optional
        What a person says that it is.

    Raises
    ------
    ProfileError
        If it is said to be what no fit of this program takes, or in a unit that does not say of what.
    """
    if not given and any(UNNAMED in line for line in heading):
        raise refused(
            source,
            f"does not say its abscissa: some versions of pyFAI write {UNNAMED!r} for it. Give --unit 2theta, q or "
            "q-nm, as it was integrated.",
            reason="unit",
        )
    if names and ABSCISSA_NAME.match(names[0]) and "[" in names[0]:
        if (unit := abscissa_of(names[0], source=source, given=given)) is not None:
            return unit
    for line in reversed(heading):
        setting = ABSCISSA_SETTING.match(line)
        words = setting.group(1) if setting else line
        is_other = "=" in words or "-->" in words or words.lower().lstrip("# ").startswith(OTHER_SETTINGS)
        if not is_other and (unit := abscissa_of(words, source=source, given=given)) is not None:
            return unit
        if setting and not given and UNIT_ALONE.match(words):
            raise refused(
                source,
                f"says that its abscissa is in {words[:SHOWN_CHARACTERS]!r}, and not what it is. Give --unit 2theta, "
                "q, q-nm or d.",
                reason="unit",
            )
    return None


def _split(line: str, count: int) -> list[str]:
    """Return the words of a line, if there are as many as columns."""
    bare = line.lstrip("#!'\"%; ").rstrip("\"' ")
    for words in (BETWEEN_NAMES.split(bare), NAME_AND_UNIT.findall(bare)):
        named = [word for word in words if word]
        if len(named) == count:
            return named
    return []
