"""What a leg waits for in the reduced points: ``alloy > 0.95``, ``alloy lost``, ``new phase``, ``onset of alloy``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from lics_beamline.files.written_number import UNSIGNED_NUMBER

LOST_SHARE: Final = 0.05  # of the largest amount of the leg: a phase of which less is left is lost
FIRST_STEP_TO_WITHIN: Final = (
    2.0  # of a hunt, in units of what is asked for: no narrow transition fits between two such rungs
)
NEW_PHASE: Final = "new phase"  # one that no phase of the recipe explains; no phase has a name with a blank
PHASE: Final = r"(?P<phase>[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*)"
COMPARISON: Final = re.compile(PHASE + rf"(?P<amount> +scale)? *(?P<sense>[<>]) *(?P<number>{UNSIGNED_NUMBER})")
LOSS: Final = re.compile(PHASE + r" +lost")
NEWS: Final = re.compile(r"new +phase")
HUNTED: Final = re.compile(r"(?P<kind>onset|dissociation) +of +" + PHASE)
HUNTED_NEWS: Final = re.compile(r"onset +of +new +phase")


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A condition on one phase.

    Parameters
    ----------
    phase : str
        Its name in the recipe; `NEW_PHASE` for any that the recipe does not have.
    quantity : {"fraction", "scale", "new phases"}
        Its part of the sample's crystalline phases, or its amount relative to the largest of the leg; or how many
        phases that the recipe does not have a point shows first.
    sense : {">", "<"}
        Whether the quantity must be above or below the limit.
    number : float
        The limit, 0 to 1; 0 for new phases.
    """

    phase: str
    quantity: Literal["fraction", "scale", "new phases"]
    sense: Literal[">", "<"]
    number: float

    def is_met_by(self, value: float) -> bool:
        """Whether a value meets it; NaN never does."""
        return value > self.number if self.sense == ">" else value < self.number


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunted:
    """A transition to be found: the onset of a phase, or its dissociation; of `NEW_PHASE`, its onset."""

    phase: str
    kind: Literal["onset", "dissociation"]


def condition(text: str) -> Condition:
    """Read a condition.

    Parameters
    ----------
    text : str
        ``PHASE > NUMBER`` or ``PHASE < NUMBER`` (of its fraction), ``PHASE scale < NUMBER`` (of its amount relative to
        the largest of the leg), ``PHASE lost`` (an amount below `LOST_SHARE` of it), or ``new phase`` (one that no
        phase of the recipe explains).

    Raises
    ------
    ValueError
        If it is none, or its number is not between 0 and 1.
    """
    if lost := LOSS.fullmatch(text.strip()):
        return Condition(phase=lost["phase"], quantity="scale", sense="<", number=LOST_SHARE)
    if NEWS.fullmatch(text.strip()):
        return Condition(phase=NEW_PHASE, quantity="new phases", sense=">", number=0.0)
    said = COMPARISON.fullmatch(text.strip())
    if said is None:
        raise ValueError(
            f'{text!r} is no condition. Say "alloy > 0.95" or "alloy < 0.05" (fraction of the crystalline sample), '
            '"alloy scale < 0.1" (amount, relative to the largest of the leg), "alloy lost", or "new phase"'
        )
    number = float(said["number"])
    if not 0.0 < number < 1.0:
        raise ValueError(f"{text!r}: {number:g} is never passed. Fractions and relative amounts lie between 0 and 1")
    sense: Literal[">", "<"] = ">" if said["sense"] == ">" else "<"
    return Condition(
        phase=said["phase"], quantity="scale" if said["amount"] else "fraction", sense=sense, number=number
    )


def hunted(text: str) -> Hunted:
    """Read what a hunt looks for.

    Raises
    ------
    ValueError
        If it is neither ``onset of PHASE`` nor ``dissociation of PHASE`` nor ``onset of new phase``.
    """
    if HUNTED_NEWS.fullmatch(text.strip()):
        return Hunted(phase=NEW_PHASE, kind="onset")
    said = HUNTED.fullmatch(text.strip())
    if said is None:
        raise ValueError(
            f'{text!r} cannot be hunted. Say "onset of alloy" or "dissociation of alloy", or "onset of new phase"'
        )
    kind: Literal["onset", "dissociation"] = "onset" if said["kind"] == "onset" else "dissociation"
    return Hunted(phase=said["phase"], kind=kind)
