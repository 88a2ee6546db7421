"""One geometry for all programs: PONI (pyFAI, Dioptas), Fit2D, GSAS-II, HEXRD, read and written; of pyFAI JSON is read.

Only PONI holds everything. What another format has no place for is kept in comments of the file, which its program
passes over: which way up the image is, how many pixels of which size it has. Without them an image is taken as that
program holds it. Every pixel keeps its scattering angle in every format.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lics_beamline.calibration.fit2d import detector_of_fit2d, fit2d_text, is_fit2d
from lics_beamline.calibration.flat_detector import FlatDetector, said
from lics_beamline.calibration.gsas_image_controls import (
    detector_of_image_controls,
    image_controls_text,
    is_image_controls,
)
from lics_beamline.calibration.hexrd_instrument import (
    HEXRD_ORIENTATION,
    detector_of_instrument,
    instrument_of_hdf5,
    instrument_of_yaml,
    instrument_text,
    is_instrument,
)
from lics_beamline.errors import ProfileError
from lics_beamline.files.given_file import GEOMETRY_BYTES, IMAGE_BYTES, read_text, regular_size
from lics_beamline.geometry.geometry import Geometry, geometry_of, read_geometry
from lics_beamline.geometry.poni import DEFAULT_ORIENTATION

HDF5_SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"
# What pyFAI's JSON calls the lines of a PONI file; the other settings of an .azimint.json are none of a geometry.
JSON_KEYS: Final = {
    "poni_version": "poni_version",
    "detector": "Detector",
    "detector_config": "Detector_config",
    "dist": "Distance",
    "wavelength": "Wavelength",
    "parallax": "Parallax",
    "pixel1": "PixelSize1",
    "pixel2": "PixelSize2",
    "splineFile": "SplineFile",
} | {name.lower(): name for name in ("Poni1", "Poni2", "Rot1", "Rot2", "Rot3")}
COMMENT: Final = re.compile(r"^# (orientation|shape|pixel_mm|azimuth_offset_deg): ([-+.\deE ]+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundGeometry:
    """A geometry, and whose file it came from.

    Parameters
    ----------
    geometry : Geometry
        The geometry.
    form : str
        Format of the file, one of `FORMATS`.
    """

    geometry: Geometry
    form: str


def read_any_geometry(
    path: Path,
    *,
    pixel_mm: tuple[float, float] | None = None,
    shape: tuple[int, int] | None = None,
    panel: str | None = None,
) -> FoundGeometry:
    """Read a geometry of any of `FORMATS`, which its content tells.

    Parameters
    ----------
    path : Path
        The file.
    pixel_mm : tuple of float, optional
        Height and width of a pixel [mm], where the file does not say them.
    shape : tuple of int, optional
        Rows and columns of the image, where the file does not say them.
    panel : str, optional
        Which panel of HEXRD's instrument.

    Raises
    ------
    ProfileError
        If the file cannot be read, is not whole, or says what a PONI geometry cannot.
    """
    if _is_hdf5(path):
        content = instrument_of_hdf5(path)
        detector = detector_of_instrument(content, source=str(path), panel=panel)
        return FoundGeometry(geometry=detector.geometry(source=str(path)), form="hexrd")
    text = read_text(path, most_bytes=GEOMETRY_BYTES, what="a geometry: PONI, Fit2D, GSAS-II's .imctrl or HEXRD's YAML")
    source = str(path)
    if text.lstrip().startswith("{"):
        return FoundGeometry(geometry=geometry_of(_poni_of_json(text, source), source=source), form="poni")
    comments = _comments(text, source)
    pixels = comments.get("pixel_mm")
    pixel_mm = pixel_mm or ((pixels[0], pixels[1]) if pixels else None)
    sides = comments.get("shape")
    shape = shape or ((int(sides[0]), int(sides[1])) if sides else None)
    if is_instrument(text):
        form = "hexrd"
        detector = detector_of_instrument(instrument_of_yaml(text, source=source), source=source, panel=panel)
    elif is_image_controls(text):
        form = "gsas"
        detector = detector_of_image_controls(text, source=source, pixel_mm=pixel_mm, shape=shape)
    elif is_fit2d(text):
        form = "fit2d"
        offset_deg = comments.get("azimuth_offset_deg", (0.0,))[0]
        detector = detector_of_fit2d(text, source=source, pixel_mm=pixel_mm, shape=shape, azimuth_offset_deg=offset_deg)
    else:
        return FoundGeometry(geometry=read_geometry(path), form="poni")
    if "orientation" in comments:
        detector = detector.restated(int(comments["orientation"][0]))
    return FoundGeometry(geometry=detector.geometry(source=source), form=form)


def geometry_text(geometry: Geometry, form: str, *, shape: tuple[int, int] | None = None) -> str:
    """Return a geometry as a program reads it.

    Parameters
    ----------
    geometry : Geometry
        The geometry.
    form : str
        One of `FORMATS`.
    shape : tuple of int, optional
        Rows and columns of the image, for a geometry that does not say them.

    Raises
    ------
    ProfileError
        If the format cannot hold it: a bent detector, a beam that passes it by, a shape that is not known.
    """
    if form == "poni" and not geometry.spline:
        return geometry.poni
    own = FlatDetector.of(geometry, shape=shape)
    held = own.restated(HEXRD_ORIENTATION if form == "hexrd" else DEFAULT_ORIENTATION)
    written = {"fit2d": fit2d_text, "gsas": image_controls_text, "hexrd": instrument_text}[form](held)
    lines = [f"# orientation: {own.orientation}", f"# pixel_mm: {said(own.pixel_mm[0])} {said(own.pixel_mm[1])}"]
    if own.shape:
        lines.append(f"# shape: {own.shape[0]} {own.shape[1]}")
    if form == "fit2d":
        lines.append(f"# azimuth_offset_deg: {said(math.degrees(held.azimuth_offset_rad))}")
    return "\n".join(lines) + "\n" + written


def _is_hdf5(path: Path) -> bool:
    """Tell whether a file begins as HDF5 does; HEXRD's may be large, it holds the masks of its panels too."""
    regular_size(path, most_bytes=IMAGE_BYTES, what="a geometry")
    with path.open("rb") as file:
        return file.read(len(HDF5_SIGNATURE)) == HDF5_SIGNATURE


def _poni_of_json(text: str, source: str) -> str:
    """Return the lines of PONI that JSON of pyFAI holds: of a geometry, or of all settings of an integration."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProfileError(f"{source}: is no JSON: {str(error)[:120]}. Restore it.", file=source) from None
    settings = content.get("poni", content)
    if not isinstance(settings, dict) or "dist" not in settings:
        raise ProfileError(
            f"{source}: JSON without a geometry of pyFAI (dist, poni1, poni2, rot1 to rot3, wavelength). Give a PONI "
            "file.",
            file=source,
        )
    words = {
        key: json.dumps(value) if isinstance(value, dict) else "" if value is None else str(value)
        for key, value in settings.items()
    }
    nested = settings is not content  # all of it is of the geometry: what is not known is refused
    return "\n".join(f"{JSON_KEYS.get(key, key)}: {words[key]}" for key in words if nested or key in JSON_KEYS)


def _comments(text: str, source: str) -> dict[str, tuple[float, ...]]:
    """Return what comments say that the format has no place for."""
    found: dict[str, tuple[float, ...]] = {}
    counts = {"orientation": 1, "shape": 2, "pixel_mm": 2, "azimuth_offset_deg": 1}
    for key, value in COMMENT.findall(text):
        try:
            numbers = tuple(float(part) for part in value.split())
        except ValueError:
            numbers = ()
        whole = key not in ("orientation", "shape") or all(number.is_integer() and number > 0 for number in numbers)
        if len(numbers) != counts[key] or not whole or (key == "orientation" and numbers[0] > 4):
            raise ProfileError(f"{source}: the comment {key} = {value:.60} is none. Mend or delete it.", file=source)
        found[key] = numbers
    return found
