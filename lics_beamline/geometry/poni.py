"""PONI text, pyFAI's geometry of a detector: read strictly, and written in one canonical form.

Whatever is not known is refused by name, and so is what would have to be corrected for and is not: a number that is
dropped without a word is a ring in the wrong place.

References
----------
pyFAI.io.ponifile, which says what versions 1, 2, 2.1 and 3 may hold.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final

from lics_beamline.frames.raxis import LARGEST_SIDE_PX
from lics_beamline.geometry.spline_file import read_spline

NUMBERS: Final = ("Distance", "Poni1", "Poni2", "Rot1", "Rot2", "Rot3", "Wavelength")
VERSION_1_KEYS: Final = ("PixelSize1", "PixelSize2", "SplineFile")  # what Detector_config took the place of
KEYS: Final = ("poni_version", "Detector", "Detector_config", *NUMBERS, "Parallax", *VERSION_1_KEYS)
PONI_VERSIONS: Final = (1.0, 2.0, 2.1, 3.0)  # pyFAI.io.ponifile: 2.1 has the orientation, 3 the parallax
SPLINE_KEY: Final = "spline"  # of Detector_config, ours alone: the text of a spline, so that a geometry is whole
CONFIG_KEYS: Final = ("pixel1", "pixel2", "max_shape", "orientation", "sensor", "module_size", "radius", SPLINE_KEY)
FILE_KEYS: Final = ("splinefile", "x_offset_file", "y_offset_file")  # of Detector_config: a distortion, elsewhere
NOTHING: Final = ("", "none", "null", "false")  # how PONI files say that there is none
RANGE_M: Final = {  # what a detector can be: a mistaken unit is outside
    "Distance": (1e-3, 100.0),
    "Poni1": (-10.0, 10.0),
    "Poni2": (-10.0, 10.0),
    "Wavelength": (1e-13, 1e-8),  # 12 MeV to 120 eV
}
HINTS: Final = {  # what a number out of its range was probably meant in, and what it is then worth in m or rad
    "Wavelength": ("angstrom", 1e-10),
    "Distance": ("mm", 1e-3),
    "Poni1": ("mm", 1e-3),
    "Poni2": ("mm", 1e-3),
    "Rot1": ("deg", math.pi / 180.0),
    "Rot2": ("deg", math.pi / 180.0),
    "Rot3": ("deg", math.pi / 180.0),
}
MOST_ROTATION_RAD: Final = 3.1416  # half a turn, rounded up: all that is beyond is one within, or in degrees
DETECTOR_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.:+()-]{0,59}")  # no path: pyFAI would open it
PIXEL_M: Final = (1e-7, 1e-2)  # edge of a pixel
PLAIN_DETECTORS: Final = ("detector", "frelon")  # that a spline may belong to: grids of equal pixels without it
SAME_PIXEL: Final = 1e-3  # relative: a size of a pixel that is said twice
MOST_SIDE_M: Final = 10.0  # of a whole detector: one of pixels in mm is larger
DEFAULT_ORIENTATION: Final = 3  # pyFAI: bottom-right, seen from the sample; what files without orientation mean


def canonical_poni(text: str) -> str:
    """Return PONI text in canonical form.

    Parameters
    ----------
    text : str
        PONI of version 1 (``PixelSize1``), 2, 2.1 or 3.

    Raises
    ------
    ValueError
        If something is missing, is no number, is not known, or cannot be corrected for: a distortion, parallax.
    """
    entries = geometries_in(text)[-1]
    _judge_version(entries)
    detector = entries.get("detector") or "Detector"
    config = _config(entries)
    if SPLINE_KEY in config:
        if detector.lower() not in PLAIN_DETECTORS:
            raise ValueError(f"Detector {detector[:60]} has a spline, which only a plain Detector can have")
        detector = "Detector"
    if detector.lower() == "nexusdetector" or "filename" in config:
        raise ValueError(
            f"Detector {detector} keeps its pixels in another file, which is not read. Give pixel1, pixel2 and "
            "max_shape in Detector_config of a plain Detector"
        )
    if not DETECTOR_NAME.fullmatch(detector):
        raise ValueError(f"Detector {detector[:60]!r} is no name of a detector")
    missing = [axis for axis in ("pixel1", "pixel2") if config.get(axis) is None]
    if detector.lower() == "detector" and missing:
        raise ValueError(f"Detector_config has no {' and no '.join(missing)}, which a plain Detector needs, in m")
    lines = ["poni_version: 2.1", f"Detector: {detector}"]
    lines.append(f"Detector_config: {json.dumps(config, sort_keys=True)}")
    for key in NUMBERS:
        value = entries.get(key.lower())
        if value is None and not key.startswith("Rot"):
            raise ValueError(f"PONI has no {key}")
        number = _number(key, value or "0.0")
        low, high = RANGE_M.get(key, (-MOST_ROTATION_RAD, MOST_ROTATION_RAD))
        if not low <= number <= high:
            unit = "m" if key in RANGE_M else "rad"
            raise ValueError(
                f"{key} = {number!r} {unit} is not within {low:g} and {high:g} {unit}{_hint(key, number, unit)}"
            )
        lines.append(f"{key}: {number!r}")
    return "\n".join(lines) + "\n"


def _hint(key: str, number: float, unit: str) -> str:
    """Return what the number would be, had it been meant in the unit that people think in."""
    thought, factor = HINTS[key]
    low, high = RANGE_M.get(key, (-MOST_ROTATION_RAD, MOST_ROTATION_RAD))
    if not low <= number * factor <= high:
        return ""
    return f". PONI files are in {unit}: {number:g} {thought} is {number * factor:.6g}"


def _judge_version(entries: dict[str, str]) -> None:
    """Refuse versions that nobody knows, and corrections that are not made here."""
    said = entries.get("poni_version", "1")
    if _number("poni_version", said) not in PONI_VERSIONS:
        known = ", ".join(f"{version:g}" for version in PONI_VERSIONS)
        raise ValueError(f"poni_version {said:.20} is not known: {known} are. What it means cannot be told")
    if (spline := entries.get("splinefile", "")).lower() not in NOTHING:
        raise ValueError(
            f"SplineFile {spline[:60]!r}: a distortion in another file that is not there, and 2theta would be wrong "
            "by it. Put the spline beside the PONI file, or correct the images (pyFAI-calib2, Fit2D) and give a "
            "geometry without SplineFile"
        )
    if (parallax := entries.get("parallax", "")).lower() not in NOTHING:
        raise ValueError(
            f"Parallax: {parallax[:20]}: the depth at which a thick sensor absorbs is not corrected for, and 2theta "
            "would be wrong by it. Calibrate without it, or write Parallax: False if that error does not matter"
        )


def _unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a table of JSON in which no key is said twice."""
    keys = [key for key, _ in pairs]
    if twice := next((key for key in keys if keys.count(key) > 1), None):
        raise ValueError(f"Detector_config says {twice!r} twice")
    return dict(pairs)


def _config(entries: dict[str, str]) -> dict[str, Any]:
    """Return the settings of the detector, judged."""
    try:
        config = json.loads(entries.get("detector_config") or "{}", object_pairs_hook=_unrepeated)
    except RecursionError:
        raise ValueError("Detector_config is nested too deep") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"Detector_config is no JSON: {error}") from None
    if not isinstance(config, dict):
        raise ValueError(f"Detector_config is no table but {config!r:.60}")
    _judge_keys(config)
    if SPLINE_KEY in config:
        config = _with_its_spline(config)
    _judge_pixels(config, entries)
    if not isinstance(config.get("sensor") or {}, dict):
        raise ValueError(f"sensor = {config['sensor']!r:.60} of the detector is no table of material and thickness")
    _judge_shape(config)
    config["orientation"] = _orientation(config)
    return config


def _judge_pixels(config: dict[str, Any], entries: dict[str, str]) -> None:
    """Take the edges of a pixel that version 1 has beside the settings, and judge them."""
    for axis in ("1", "2"):
        old = entries.get(f"pixelsize{axis}")  # version 1
        if old is not None:
            given = config.setdefault(f"pixel{axis}", _number(f"PixelSize{axis}", old))
            same = SAME_PIXEL * given if SPLINE_KEY in config else 0.0
            if not abs(given - _number(f"PixelSize{axis}", old)) <= same:
                raise ValueError(
                    f"PixelSize{axis} = {old:.20} m and pixel{axis} = {given!r:.20} m contradict each other"
                )
        pixel_m = config.get(f"pixel{axis}")
        if pixel_m is not None and not (_is_number(pixel_m) and PIXEL_M[0] <= pixel_m <= PIXEL_M[1]):
            raise ValueError(f"pixel{axis} = {pixel_m!r:.60} m is not within {PIXEL_M[0]:g} and {PIXEL_M[1]:g} m")


def _judge_shape(config: dict[str, Any]) -> None:
    """Refuse numbers of pixels that no detector has."""
    shape = config.get("max_shape")
    if shape is not None and not _is_shape(shape):
        raise ValueError(f"max_shape = {shape!r:.60} is not two numbers of pixels from 1 to {LARGEST_SIDE_PX}")
    for axis, side in zip(("1", "2"), shape or (), strict=False):
        edge_m = config.get(f"pixel{axis}") or 0.0
        if side * edge_m > MOST_SIDE_M:
            raise ValueError(
                f"{side} pixels of pixel{axis} = {edge_m:g} m are {side * edge_m:g} m, and no detector is larger than "
                f"{MOST_SIDE_M:g} m. pixel{axis} is in m: 0.1 mm is 0.0001"
            )


def _orientation(config: dict[str, Any]) -> int:
    """Return how the pixels of a file lie on the detector, by pyFAI's number."""
    orientation = config.get("orientation")
    if orientation is None or orientation == 0:  # 0: pyFAI's "unspecified"
        orientation = DEFAULT_ORIENTATION
    if orientation not in (1, 2, 3, 4) or not _is_number(orientation):
        raise ValueError(f"orientation {orientation!r:.60} of the detector is not one of 1, 2, 3, 4")
    if SPLINE_KEY in config and orientation != DEFAULT_ORIENTATION:
        raise ValueError(
            f"orientation {orientation} with a spline: a spline belongs to the pixels as the file has them, which is "
            f"orientation {DEFAULT_ORIENTATION}. Turn the images, and calibrate these"
        )
    return int(orientation)


def _with_its_spline(config: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a detector with its spline in canonical form, and the pixels that it says."""
    try:
        spline = read_spline(str(config[SPLINE_KEY]))
    except ValueError as error:
        raise ValueError(f"the spline of the detector cannot be used: {error}") from None
    pixel2_m, pixel1_m = (float(f"{1e-6 * edge_um:.12g}") for edge_um in spline.pixel_um)
    said = {"pixel1": pixel1_m, "pixel2": pixel2_m, "max_shape": list(spline.shape)}
    for key, value in said.items():
        given = config.get(key)
        alike = given is None or (
            given == value if key == "max_shape" else _is_number(given) and abs(given / value - 1.0) < SAME_PIXEL
        )
        if not alike:
            raise ValueError(f"{key} = {given!r:.60} of the detector and {value!r} of its spline contradict each other")
    return config | said | {SPLINE_KEY: spline.text}


def _judge_keys(config: dict[str, Any]) -> None:
    """Refuse settings of the detector that are not known, or that lead to a distortion in another file."""
    for key, value in config.items():
        if key.lower() in FILE_KEYS and value:
            raise ValueError(
                f"Detector_config has {key} = {value!r:.60}: a distortion in another file that is not read, and 2theta "
                "would be wrong by it. Put a spline beside the PONI file, or correct the images and give a geometry "
                "without it"
            )
        if key not in CONFIG_KEYS and key.lower() not in FILE_KEYS and key != "filename":
            raise ValueError(f"Detector_config has {key[:40]!r}, which is not known: {', '.join(CONFIG_KEYS)} are")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_shape(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(type(side) is int and 1 <= side <= LARGEST_SIDE_PX for side in value)
    )


def geometries_in(text: str) -> list[dict[str, str]]:
    """Return every geometry of a PONI file: key, value of each line, keys in lower case, as pyFAI reads them.

    Raises
    ------
    ValueError
        At a line that is not understood, or where the last geometry is not whole: parts of two would be mixed.
    """
    known = {key.lower(): key for key in KEYS}
    found: list[dict[str, str]] = [{}]
    after_last: dict[str, str] = {}  # what follows the last line of a geometry: of the next one, if there is one
    for number, line in enumerate(text.splitlines(), start=1):
        key, colon, value = (part.strip() for part in line.partition(":"))
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not colon or key.lower() not in known:
            if not any(each.partition(":")[0].strip().lower() in known for each in text.splitlines()):
                raise ValueError(
                    f"line {number}: {line.strip()[:60]!r}: this is no PONI file. lics geometry FILE --as poni makes "
                    "one of Fit2D's, GSAS-II's, HEXRD's and pyFAI's JSON; of others, as of XDS and DIALS, none is made"
                )
            raise ValueError(f"line {number}: {line.strip()[:60]!r} is not known: {', '.join(KEYS)} are")
        if key.lower() in found[-1]:
            for moved in after_last:
                del found[-1][moved]
            found.append(after_last)
            after_last = {}
        found[-1][key.lower()] = value
        if key.lower() in ("wavelength", "parallax"):
            after_last = {}
        elif "wavelength" in found[-1]:
            after_last[key.lower()] = value
    if len({pair for entries in found for pair in entries.items()}) == len({key for each in found for key in each}):
        return [{key: value for entries in found for key, value in entries.items()}]  # what is repeated is alike
    last = found[-1]
    replaced = {key.lower() for key in VERSION_1_KEYS} if "detector_config" in last else set()
    for entries in found[:-1]:
        if lacking := sorted(set(entries) - set(last) - replaced):
            repeated = known[next(iter(last))]
            raise ValueError(
                f"{repeated} is said more than once, and the last geometry of the file has no "
                f"{', '.join(known[key] for key in lacking)}: parts of two are not mixed. Leave one whole geometry"
            )
    return found


def entries_of(text: str) -> dict[str, str]:
    """Return key, value of each line of canonical PONI text; keys in lower case."""
    pairs = (line.partition(":") for line in text.splitlines())
    return {key.strip().lower(): value.strip() for key, colon, value in pairs if colon}


def _number(key: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{key} = {text!r} is no number") from None
