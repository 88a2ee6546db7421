"""What says how a file of a pattern is read: options of ``fit`` and ``import``."""

from __future__ import annotations

import argparse
from typing import Final

from lics_beamline.cli.argument import count, real

MOST_APART: Final = 1.02  # K-alpha 2 over K-alpha 1: 1.008 for silver, the heaviest of the tubes in use


def add_reading(verb: argparse._ActionsContainer) -> None:
    """Add abscissa, errors and columns to a verb, or to a group of its options."""
    verb.add_argument(
        "--unit",
        choices=("2theta", "q", "q-nm", "d"),
        help="abscissa: 2theta in deg, q in 1/angstrom, q-nm in 1/nm, d in angstrom (default: what the file says)",
    )
    verb.add_argument(
        "--errors",
        choices=("file", "counts", "scatter"),
        help="standard errors: the file's, those of counting, or those of the scatter of neighbouring points",
    )
    verb.add_argument(
        "--columns", type=count, nargs="+", metavar="N", help="columns of abscissa, intensity and error, from 1"
    )


def wavelength(text: str) -> float:
    """Return the wavelength of an argument [angstrom], of X-rays that powders are measured with."""
    from lics_beamline.patterns.pattern_table import LONGEST_WAVELENGTH_ANGSTROM, SHORTEST_WAVELENGTH_ANGSTROM

    return real(SHORTEST_WAVELENGTH_ANGSTROM, LONGEST_WAVELENGTH_ANGSTROM, "angstrom")(text)


def wavelengths(text: str) -> tuple[float, ...]:
    """Return the wavelength of an argument [angstrom], or the two of a tube: a pair with a comma, or ``CuKa``."""
    from lics_beamline.lines.emission_doublet import TUBES, tube_named

    tube = tube_named(text)
    if tube is not None:
        return tube.alpha1_angstrom, tube.alpha2_angstrom
    try:
        found = tuple(wavelength(each) for each in text.split(","))
    except argparse.ArgumentTypeError as error:
        names = ", ".join(f"{each.element}Ka" for each in TUBES)
        raise argparse.ArgumentTypeError(f"{error}, nor is {text[:60]!r} one of {names}") from None
    if len(found) > 2:
        raise argparse.ArgumentTypeError(f"{text} are {len(found)} wavelengths: give one, or K-alpha 1 and 2")
    if len(found) == 2 and not found[0] < found[1] < MOST_APART * found[0]:
        raise argparse.ArgumentTypeError(
            f"{text} are not K-alpha 1 and 2: the second is longer, by less than {MOST_APART - 1:.0%}. A single "
            "wavelength is written with a decimal point"
        )
    return found
