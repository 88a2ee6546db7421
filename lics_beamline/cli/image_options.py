"""What says how images are reduced: options of ``reduce`` and ``watch``, and the recipe that they make."""

from __future__ import annotations

import argparse
import math
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lics_beamline.cli.argument import add_orientation, angle, file_to_read, pathname, real, whole
from lics_beamline.errors import ProfileError

if TYPE_CHECKING:
    from lics_beamline.geometry.geometry import Geometry
    from lics_beamline.integration.integration import Integration
    from lics_beamline.reduction.image import ImageRecipe
    from lics_beamline.reduction.image_batch import FrameChoice

FEWEST_BINS, MOST_BINS, DEFAULT_BINS = 10, 20_000, 2500  # those that a recipe may have
MOST_FRAMES: Final = 10_000_000  # of one file
MOST_Q_PER_ANGSTROM: Final = 1000.0  # beyond any X-rays that diffract


def add_options(verb: argparse.ArgumentParser) -> None:
    """Add all options to a verb."""
    from lics_beamline.exports.layouts import FIRST_COLUMN_UNITS, LAYOUTS_OF_IMAGES

    add_recipe_options(verb)
    per_angstrom = real(0.0, MOST_Q_PER_ANGSTROM, "1/angstrom")
    for name, read, what in (("two-theta", angle, "2theta [deg]"), ("q", per_angstrom, "q [1/angstrom]")):
        verb.add_argument(
            f"--mask-{name}",
            type=read,
            nargs=2,
            action="append",
            default=[],
            metavar=("LOW", "HIGH"),
            help=f"mask a range of {what}; may be said again",
        )
    which = verb.add_mutually_exclusive_group()
    which.add_argument(
        "--frame", type=whole(1, MOST_FRAMES), metavar="N", help="frame of a file that holds several, from 1"
    )
    which.add_argument("--sum", action="store_true", help="add all frames of a file up")
    which.add_argument("--each", action="store_true", help="reduce every frame of a file by itself: a series")
    verb.add_argument(
        "--for",
        dest="layout",
        choices=tuple(LAYOUTS_OF_IMAGES),
        help="layout of the files, as of lics export (default: what the name says, or xye)",
    )
    verb.add_argument(
        "--unit",
        choices=tuple(FIRST_COLUMN_UNITS),
        default="2theta",
        help="first column of .xy and .xye: 2theta [deg], q [1/angstrom] or d [angstrom]",
    )


def add_recipe_options(verb: argparse.ArgumentParser) -> None:
    """Add the options that a recipe has too: geometry, range, masks, corrections."""
    verb.add_argument("--geometry", type=pathname, metavar="G.poni", help="PONI file of the detector")
    verb.add_argument(
        "--recipe",
        type=pathname,
        metavar="FILE",
        help="recipe: its geometry, mask, dark, flat, range, bins, polarisation and clipping; what is said here "
        "instead goes before it",
    )
    add_orientation(verb, instead_of="the PONI")
    verb.add_argument(
        "--bins",
        type=whole(FEWEST_BINS, MOST_BINS),
        metavar="N",
        help=f"bins of the pattern, {FEWEST_BINS} to {MOST_BINS} (default {DEFAULT_BINS})",
    )
    verb.add_argument("--range", type=angle, nargs=2, metavar=("LOW", "HIGH"), help="range of 2theta [deg]")
    verb.add_argument(
        "--polarisation",
        type=real(-1.0, 1.0, ""),
        metavar="P",
        help="degree of horizontal linear polarisation, -1 to 1 (default 0.99)",
    )
    verb.add_argument("--no-clip", action="store_true", help="keep what stands out of its ring: reject no spots")
    verb.add_argument(
        "--mask",
        type=pathname,
        action="append",
        default=[],
        metavar="FILE",
        help="pixels never to be used, 0 where a pixel is good: EDF of pyFAI-mask, .msk of Fit2D, .mask of Dioptas, "
        ".npy, PNG, TIFF, HDF5, a table of 0 and 1 as text, XDS.INP with its untrusted regions, .immask of GSAS-II; "
        "several are taken together",
    )
    verb.add_argument("--invert-mask", action="store_true", help="the files of --mask are 0 where a pixel is bad")
    verb.add_argument("--dark", type=pathname, metavar="FILE", help="image that is taken off every frame")
    verb.add_argument("--flat", type=pathname, metavar="FILE", help="relative response that is divided out")


def check_files(options: argparse.Namespace, *others: Path) -> None:
    """Refuse files that are not there, before anything is read.

    Raises
    ------
    ProfileError
        The message names the file.
    """
    named = (options.geometry, options.recipe, *options.mask, options.dark, options.flat)
    for path in (*others, *named):
        wrong = file_to_read(path) if path else ""
        if wrong:
            raise ProfileError(f"{wrong}.", file=str(path))


def image_recipe(options: argparse.Namespace) -> ImageRecipe:
    """Return how images are reduced: by a recipe, and what is said instead of it.

    Raises
    ------
    ProfileError
        If neither names a geometry, or a file or range cannot be used.
    """
    from lics_beamline.geometry.geometry import read_geometry
    from lics_beamline.integration.integration import Integration
    from lics_beamline.reduction.image import ImageRecipe
    from lics_beamline.reduction.recipe import read_recipe

    given = read_geometry(options.geometry) if options.geometry else None
    if options.recipe:
        recipe = read_recipe(options.recipe, geometry=given)
        made = ImageRecipe(
            geometry=recipe.geometry,
            integration=recipe.integration(),
            significance=recipe.peak_significance,
            mask_saturated=recipe.frames.mask_saturated,
        )
    elif given is None:
        raise ProfileError("there is no geometry: give --geometry G.poni, or --recipe FILE, which names one.")
    else:
        made = ImageRecipe(geometry=given, integration=Integration(bins=DEFAULT_BINS))
    geometry = made.geometry.oriented(options.orientation) if options.orientation else made.geometry
    return replace(
        made,
        geometry=geometry,
        integration=chosen_integration(made.integration, options, geometry),
        left_out_deg=_left_out(options, geometry),
    )


def frame_choice(options: argparse.Namespace) -> FrameChoice:
    """Return which frames of a file are meant."""
    if options.sum:
        return "sum"
    return "each" if options.each else options.frame or "first"


def chosen_integration(choice: Integration, options: argparse.Namespace, geometry: Geometry) -> Integration:
    """Return settings of the integration of a geometry with what the options of `add_recipe_options` say instead.

    Raises
    ------
    ProfileError
        If a file or range cannot be used.
    """
    from lics_beamline.calibration.flat_places import flat_places
    from lics_beamline.frames.mask_file import read_masks
    from lics_beamline.frames.static_image import StaticImage

    if options.bins:
        choice = replace(choice, bins=options.bins)
    if options.range:
        choice = replace(choice, two_theta_deg=_rising("--range", options.range, "deg"))
    if options.polarisation is not None:
        choice = replace(choice, polarisation=options.polarisation)
    if options.no_clip:
        choice = replace(choice, clip_sigma=0.0)
    if options.dark:
        choice = replace(choice, dark=StaticImage.of(options.dark))
    if options.flat:
        choice = replace(choice, flat=StaticImage.of(options.flat))
    if options.mask:
        mask = read_masks(
            options.mask, inverted=options.invert_mask, beside=choice.mask, places=partial(flat_places, geometry)
        )
        choice = replace(choice, mask=mask)
    elif options.invert_mask:
        raise ProfileError("--invert-mask turns the files of --mask, and there is none. Give --mask FILE.")
    return choice


def _left_out(options: argparse.Namespace, geometry: Geometry) -> tuple[tuple[float, float], ...]:
    """Return the ranges of 2theta that are masked [deg]."""
    ranges = [_rising("--mask-two-theta", pair, "deg") for pair in options.mask_two_theta]
    for pair in options.mask_q:
        low, high = (
            2.0 * math.degrees(math.asin(min(1.0, q * geometry.wavelength_angstrom / (4.0 * math.pi))))
            for q in _rising("--mask-q", pair, "1/angstrom")
        )
        ranges.append((low, high))
    return tuple(ranges)


def _rising(option: str, pair: list[float], unit: str) -> tuple[float, float]:
    low, high = pair
    if not low < high:
        raise ProfileError(f"{option} {low:g} {high:g} {unit} is no range: give the lower end first, then the upper.")
    return low, high
