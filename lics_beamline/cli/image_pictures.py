"""What ``reduce`` draws and writes beside patterns: a figure of each image, its cake, lines of known substances."""

from __future__ import annotations

import argparse
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lics_beamline.cli.argument import file_to_write, folder_to_write, pathname, whole
from lics_beamline.errors import ProfileError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lics_beamline.exports.image_figure import MarkedLines
    from lics_beamline.geometry.geometry import Geometry
    from lics_beamline.reduction.image import ImageRecipe
    from lics_beamline.reduction.image_batch import ImageOutcome

    Marker = Callable[[float, float], tuple[MarkedLines, ...]]

DEFAULT_AZIMUTHS: Final = 360
MOST_AZIMUTHS: Final = 7200  # of 0.05 deg: a pixel at the edge of a detector of 2000 pixels across is as wide


def add_options(verb: argparse.ArgumentParser) -> None:
    """Add the options to a verb."""
    verb.add_argument(
        "--figure",
        type=pathname,
        metavar="PATH",
        help="draw image, mask, beam and rings, pattern and cake: PNG, PDF, SVG; of several frames, into this folder",
    )
    verb.add_argument(
        "--cake",
        type=pathname,
        metavar="PATH",
        help="write intensity over 2theta and azimuth: .nxs or .h5 (NeXus), .edf; of several frames, .nxs in this "
        "folder. No spots are rejected in it",
    )
    verb.add_argument(
        "--azimuths",
        type=whole(1, MOST_AZIMUTHS),
        default=DEFAULT_AZIMUTHS,
        metavar="N",
        help=f"rows of the cake over a whole turn (default {DEFAULT_AZIMUTHS})",
    )
    verb.add_argument(
        "--mark",
        action="append",
        default=[],
        metavar="WHAT",
        help="with --figure: mark the lines of a calibrant, by name or .D file, or of a CIF in its own cell; may be "
        "said again",
    )


def check_destinations(options: argparse.Namespace, *, in_folder: bool) -> None:
    """Refuse pictures and cakes that cannot be written, before anything is computed.

    Raises
    ------
    ProfileError
        The message says what is wrong.
    """
    from lics_beamline.exports.cake_file import CAKE_ENDINGS

    if options.mark and not options.figure:
        raise ProfileError("--mark marks lines in a figure: give --figure PATH.")
    for path in (options.figure, options.cake):
        wrong = (folder_to_write(path) if in_folder else file_to_write(path)) if path else ""
        if wrong:
            raise ProfileError(f"nothing can be written to {path}: {wrong}.", path=str(path))
    if options.cake and not in_folder and options.cake.suffix.lower() not in CAKE_ENDINGS:
        raise ProfileError(
            f"--cake {options.cake}: give a name that ends in {', '.join(CAKE_ENDINGS)}.", path=str(options.cake)
        )


def with_pictures(recipe: ImageRecipe, options: argparse.Namespace) -> ImageRecipe:
    """Return a recipe that keeps what is drawn and written of each image, where that is asked for."""
    if not (options.figure or options.cake):
        return recipe
    return replace(recipe, azimuths=options.azimuths, with_view=options.figure is not None)


def marker(options: argparse.Namespace) -> Marker:
    """Read what is to be marked; returns what says its lines for a wavelength [angstrom] up to an angle [deg].

    Raises
    ------
    ProfileError
        If there is no such calibrant, or the file cannot be read.
    """
    from lics_beamline.calibration.calibrant import Calibrant, find_calibrant
    from lics_beamline.exports.image_figure import MarkedLines
    from lics_beamline.physics.crystal import powder_lines
    from lics_beamline.physics.structure_file import names_structure_file
    from lics_beamline.refinement.structural_model import read_model

    substances = [
        read_model(Path(what))
        if names_structure_file(Path(what)) or what.lower().endswith(".cif")
        else find_calibrant(what)
        for what in options.mark
    ]

    def lines(wavelength_angstrom: float, highest_deg: float) -> tuple[MarkedLines, ...]:
        least = wavelength_angstrom / 2.0 / math.sin(math.radians(highest_deg) / 2.0)
        marked = []
        for substance in substances:
            of_it = (
                substance.lines(wavelength_angstrom)
                if isinstance(substance, Calibrant)
                else powder_lines(substance.cell, substance.space_group, least)
            )
            angles = [
                2.0 * math.degrees(math.asin(wavelength_angstrom / 2.0 / line.d_angstrom))
                for line in of_it
                if line.d_angstrom >= least
            ]
            marked.append(MarkedLines(name=substance.name, two_theta_deg=tuple(angles)))
        return tuple(marked)

    return lines


def write_pictures(
    came: ImageOutcome,
    geometry: Geometry,
    options: argparse.Namespace,
    marked: Marker,
    *,
    in_folder: bool,
) -> None:
    """Write the cake and draw the figure of one frame, where they were asked for."""
    from lics_beamline.exports.cake_file import write_cake
    from lics_beamline.exports.image_figure import draw_image

    reduced = came.reduced
    if reduced is None or reduced.cake is None:
        return
    title = came.work.path.name + {0: ", sum of all frames", 1: ""}.get(reduced.frame, f", frame {reduced.frame}")
    if options.cake:
        if in_folder:
            options.cake.mkdir(exist_ok=True)
        path = options.cake / f"{came.work.name}.nxs" if in_folder else options.cake
        write_cake(path, reduced.cake, geometry, title=title)
    if options.figure and reduced.view is not None:
        pattern = reduced.pattern
        if in_folder:
            options.figure.mkdir(exist_ok=True)
        draw_image(
            options.figure / f"{came.work.name}.png" if in_folder else options.figure,
            view=reduced.view,
            pattern=pattern,
            cake=reduced.cake,
            peaks=reduced.peaks,
            beam_px=_beam_px(geometry, reduced.view.shape),
            marks=marked(pattern.wavelength_angstrom, float(pattern.two_theta_deg[-1])),
            title=title,
        )


def _beam_px(geometry: Geometry, shape: tuple[int, int]) -> tuple[float, float] | None:
    """Return where the beam hits the image, as its file has it; None where no plane says so."""
    from lics_beamline.calibration.flat_detector import FlatDetector
    from lics_beamline.geometry.poni import DEFAULT_ORIENTATION

    try:
        detector = FlatDetector.of(geometry, shape=shape)
        detector.needs_beam("this figure")
    except ProfileError:
        return None
    return detector.restated(DEFAULT_ORIENTATION).beam_px
