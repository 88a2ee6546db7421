"""The verb ``calibrate-gradient``: how hot the sample is where a thermocouple sits beside its gasket."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from lics_beamline.cli.argument import kelvin, real
from lics_beamline.cli.json_answer import tell_json
from lics_beamline.physics.thermocouple import TYPE_K_CLASS_1_K


def add(verbs: Any, shared: argparse.ArgumentParser) -> None:
    """Add the verb to the command line."""
    verb = verbs.add_parser(
        "calibrate-gradient",
        parents=[shared],
        help="how much of the gasket's rise in temperature arrives at the sample",
        description="Calibrate a cell from samples of known temperature, such as melting points in the cell: how much "
        "of the rise above the room that the gasket's thermocouple shows arrives at the sample. Prints the two lines "
        "of the recipe; a sweep rests its temperatures on them.",
    )
    verb.add_argument(
        "pairs",
        type=_pair,
        nargs="+",
        metavar="GASKET:SAMPLE",
        help="reading beside the gasket and temperature of the sample [K]: 507.7:505.08",
    )
    verb.add_argument(
        "--ambient-k", type=kelvin, default=298.0, metavar="T", help="temperature of the room [K] (default 298)"
    )
    verb.add_argument(
        "--sigma-k",
        type=real(0.001, 1000.0, "K"),
        default=TYPE_K_CLASS_1_K,
        metavar="S",
        help="standard deviation of one difference between sample and gasket [K] "
        f"(default {TYPE_K_CLASS_1_K:g}, type K of class 1); a larger scatter of the pairs takes its place",
    )
    verb.add_argument("--json", action="store_true", help="print JSON for a program, nothing else")
    verb.set_defaults(run=calibrate_gradient)


def calibrate_gradient(options: argparse.Namespace) -> int:
    """Calibrate a cell, and say how to use it."""
    from lics_beamline.physics.thermocouple import calibrate_gradient as calibrate
    from lics_beamline.physics.thermocouple import check_type_k

    ambient_k = check_type_k(options.ambient_k, where="ambient")
    found = calibrate(
        [check_type_k(gasket_k, where="gasket") - ambient_k for gasket_k, _ in options.pairs],
        [sample_k - ambient_k for _, sample_k in options.pairs],
        options.sigma_k,
    )
    if options.json:
        told = {"gasket_to_sample": found.gasket_to_sample, "gasket_to_sample_sigma": found.sigma}
        tell_json({**told, "pairs": len(options.pairs)})
        return 0
    lines = [f"{'gasket (K)':>10}  {'sample (K)':>10}  {'by the calibration (K)':>22}"]
    for gasket_k, sample_k in options.pairs:
        at_k = ambient_k + found.gasket_to_sample * (gasket_k - ambient_k)
        lines.append(f"{gasket_k:10.2f}  {sample_k:10.2f}  {at_k:22.2f}")
    lines += [
        "to use it, in a recipe:",
        "[ruby]",
        f"gasket_to_sample = {found.gasket_to_sample:.5f}",
        f"gasket_to_sample_sigma = {found.sigma:.5f}",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _pair(text: str) -> tuple[float, float]:
    gasket, _, sample = text.partition(":")
    try:
        return kelvin(gasket), kelvin(sample)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"{text!r} is no pair of temperatures [K]: write 507.7:505.08") from None
