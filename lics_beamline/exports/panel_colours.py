"""Colours that the figures of a report and the live page share: the same hue for the same thing, on white and on dark.

Colour-blind safe (Okabe and Ito 2008); what they tell is told by a marker or a word as well. On a dark ground some are
lighter, by as much as it takes to be seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelColours:
    """Hues as they are drawn on one ground.

    Parameters
    ----------
    blue, sky, orange, green, yellow, pink, red : str
        Hues.
    violet, grey : str
        Used where those do not suffice.
    """

    blue: str
    sky: str
    orange: str
    green: str
    yellow: str
    pink: str
    red: str
    violet: str
    grey: str

    @property
    def phases(self) -> tuple[str, ...]:
        """Colours of phases, in the order in which a recipe names them."""
        return (self.orange, self.blue, self.green, self.pink, self.red, self.sky, self.violet, self.grey)

    @property
    def strokes(self) -> dict[str, str]:
        """Colour of each stroke; grey where an imported table does not say it."""
        strokes = {"held": self.green, "upstroke": self.blue, "heating": self.orange, "downstroke": self.red}
        return {**strokes, "": self.grey}

    @property
    def temperatures(self) -> tuple[str, ...]:
        """Colours from cold to hot."""
        return (self.blue, self.green, self.orange, self.red)


ON_WHITE: Final = PanelColours(
    blue="#0072B2",
    sky="#56B4E9",
    orange="#E69F00",
    green="#009E73",
    yellow="#F0E442",
    pink="#CC79A7",
    red="#D55E00",
    violet="#6A51A3",
    grey="#555555",
)
ON_DARK: Final = PanelColours(
    blue="#56B4E9",
    sky="#A6D8F5",
    orange="#E69F00",
    green="#2BC79A",
    yellow="#F0E442",
    pink="#CC79A7",
    red="#FF7A33",
    violet="#B9A3FF",
    grey="#C0C0C0",
)
MASKED: Final = ON_WHITE.sky  # over an image, whatever its ground
