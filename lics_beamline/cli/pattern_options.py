"""What says how a file of a pattern is read: options of ``fit`` and ``import``."""

from __future__ import annotations

import argparse


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
        "--columns", type=int, nargs="+", metavar="N", help="columns of abscissa, intensity and error, from 1"
    )
