"""The verb ``geometry``: what a geometry says, and the same for another program."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lics_beamline.calibration.geometry_program import FORMATS, PROGRAMS
from lics_beamline.cli.argument import add_orientation, count, pathname, pixel_edge

if TYPE_CHECKING:
    from lics_beamline.calibration.geometry_formats import FoundGeometry


def add(verbs: Any, shared: argparse.ArgumentParser) -> None:
    """Add the verb to the command line."""
    verb = verbs.add_parser(
        "geometry",
        parents=[shared],
        help="say where a detector stands, or write it for another program",
        description="Read the geometry of a detector as pyFAI or Dioptas (PONI), Fit2D, GSAS-II (.imctrl) or HEXRD "
        "(YAML) wrote it, and say it in words, or write it for another of them. The file itself tells what it is.",
    )
    verb.add_argument("file", type=pathname, metavar="FILE")
    verb.add_argument(
        "--as",
        dest="form",
        choices=FORMATS,
        help="poni for pyFAI and Dioptas, fit2d, gsas for GSAS-II's .imctrl, hexrd for HEXRD's instrument",
    )
    verb.add_argument("--to", type=pathname, metavar="FILE", help="write it there (default: to the terminal)")
    add_orientation(verb, instead_of="the file")
    verb.add_argument(
        "--pixel",
        type=pixel_edge,
        nargs="+",
        metavar="MM",
        help="edge of a pixel, or height and width, if the file has none",
    )
    verb.add_argument("--shape", type=count, nargs=2, metavar=("ROWS", "COLUMNS"), help="pixels of the image, likewise")
    verb.add_argument("--panel", metavar="NAME", help="which panel of HEXRD's instrument")
    verb.set_defaults(run=geometry)


def geometry(options: argparse.Namespace) -> int:
    """Say a geometry, or write it for another program."""
    from lics_beamline.calibration.geometry_formats import FoundGeometry, geometry_text, read_any_geometry
    from lics_beamline.errors import ProfileError
    from lics_beamline.files.whole_file import write_whole

    pixel = options.pixel or []
    if len(pixel) > 2:
        raise ProfileError(f"--pixel {' '.join(map(str, pixel))} is not one or two edges.")
    shape = (options.shape[0], options.shape[1]) if options.shape else None
    found = read_any_geometry(
        options.file, pixel_mm=(pixel[0], pixel[-1]) if pixel else None, shape=shape, panel=options.panel
    )
    if options.orientation:
        found = FoundGeometry(geometry=found.geometry.oriented(options.orientation), form=found.form)
    if options.to and not options.form:
        raise ProfileError(f"--to {options.to}: for which program? Give --as with one of {', '.join(FORMATS)}.")
    if not options.form:
        sys.stdout.write("\n".join(_lines(found, options.file, shape)) + "\n")
        return 0
    text = geometry_text(found.geometry, options.form, shape=shape)
    if options.form != "poni" and found.geometry.detector != "Detector":
        sys.stderr.write(
            f"{options.form} does not know the gaps of {found.geometry.detector}: mask them there, and give the "
            "PONI file wherever the detector's name is understood.\n"
        )
    if not options.to:
        sys.stdout.write(text)
        return 0
    if not options.to.parent.is_dir():
        raise ProfileError(f"--to {options.to}: there is no folder {options.to.parent}. Make it, or name another.")
    write_whole(options.to, text)
    sys.stdout.write(f"{options.form}      {options.to}\n")
    return 0


def _lines(found: FoundGeometry, path: Path, shape: tuple[int, int] | None) -> list[str]:
    """Return a geometry in words."""
    from lics_beamline.calibration.flat_detector import FlatDetector
    from lics_beamline.frames.orientation import FLIP_WORDS

    given = found.geometry
    detector = FlatDetector.of(given, shape=shape)
    plane = detector.plane
    pixels = f"{detector.shape[0]} x {detector.shape[1]}" if detector.shape else "any number of"
    row, column = detector.beam_px
    return [
        f"{path.name}: of {PROGRAMS[found.form]}",
        f"detector  {given.detector}, {pixels} pixels of {detector.pixel_mm[0]:.6g} x {detector.pixel_mm[1]:.6g} mm",
        f"image     orientation {given.orientation}: {FLIP_WORDS[given.orientation]}",
        f"wave      {detector.wavelength_angstrom:.6f} angstrom",
        f"distance  {plane.beam_distance_mm:.4f} mm along the beam ({plane.distance_mm:.4f} mm along the normal)",
        f"beam at   {plane.beam1_mm:.4f} mm along the rows' axis, {plane.beam2_mm:.4f} mm along the columns' "
        f"({row:.3f}, {column:.3f} px)",
        f"tilt      {plane.tilt_deg:.4f} deg",
        f"digest    {given.digest[:12]}",
    ]
