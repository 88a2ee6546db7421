"""Geometry of the detector: a PONI calibration in one canonical form, so that the same geometry has one digest.

PONI is pyFAI's: the point of normal incidence, the distance, three rotations, the detector, the wavelength. The
orientation of the image is part of it and always written down: 3 is pyFAI's default, the first row of the file at the
bottom as seen from the sample; 2 is the same file flipped up-down, 1 and 4 are their left-right mirrors.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from pathlib import Path
from typing import Any, Final

from pydantic import Field, ValidationInfo, field_validator

from lics_beamline.data_folder import write_whole
from lics_beamline.diffraction.detector_plane import DetectorPlane
from lics_beamline.diffraction.raxis import LARGEST_SIDE_PX
from lics_beamline.given_file import GEOMETRY_BYTES, read_text
from lics_beamline.strict_toml import Strict, validate

NUMBERS: Final = ("Distance", "Poni1", "Poni2", "Rot1", "Rot2", "Rot3", "Wavelength")
RANGE_M: Final = {  # what a detector can be: a mistaken unit is outside
    "Distance": (1e-3, 100.0),
    "Poni1": (-10.0, 10.0),
    "Poni2": (-10.0, 10.0),
    "Wavelength": (1e-13, 1e-8),  # 12 MeV to 120 eV
}
MOST_ROTATION_RAD: Final = 2.0 * math.pi
DETECTOR_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.:+()-]{0,59}")  # no path: pyFAI would open it
PIXEL_M: Final = (1e-7, 1e-1)  # edge of a pixel
DEFAULT_ORIENTATION: Final = 3  # pyFAI: bottom-right, seen from the sample; what files without orientation mean


class Geometry(Strict):
    """A calibrated detector geometry.

    Parameters
    ----------
    poni : str
        PONI text. Whatever version and order it comes in, it is kept in canonical form: no comments, no dates, sorted
        detector configuration, orientation explicit.

    Raises
    ------
    ProfileError
        From `read_geometry`: if a key is missing or a value is no number.
    """

    poni: str = Field(max_length=GEOMETRY_BYTES)

    @field_validator("poni")
    @classmethod
    def _canonical(cls, text: str, info: ValidationInfo) -> str:
        return canonical_poni(text)

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical PONI text, in hexadecimal."""
        return hashlib.sha256(self.poni.encode()).hexdigest()

    @property
    def wavelength_angstrom(self) -> float:
        """X-ray wavelength [angstrom]."""
        return float(_entries(self.poni)["wavelength"]) * 1e10

    @property
    def distance_mm(self) -> float:
        """Distance from the sample to the detector's plane, along its normal [mm]."""
        return float(_entries(self.poni)["distance"]) * 1e3

    @property
    def detector(self) -> str:
        """Name of the detector as pyFAI knows it; ``Detector`` for a plain grid of pixels."""
        return _entries(self.poni)["detector"]

    @property
    def detector_config(self) -> dict[str, Any]:
        """Settings of pyFAI's detector: pixels, shape, orientation."""
        config: dict[str, Any] = json.loads(_entries(self.poni)["detector_config"])
        return config

    @property
    def orientation(self) -> int:
        """Orientation of the image, 1 to 4, as pyFAI counts."""
        return int(self.detector_config["orientation"])

    def oriented(self, orientation: int) -> Geometry:
        """Return the same geometry for an image stored in another orientation, 1 to 4."""
        entries = _entries(self.poni)
        entries["detector_config"] = json.dumps(self.detector_config | {"orientation": orientation})
        return Geometry(poni="\n".join(f"{key}: {value}" for key, value in entries.items()))

    @property
    def plane(self) -> DetectorPlane:
        """Position and tilt of the detector."""
        entries = _entries(self.poni)
        return DetectorPlane(
            distance_mm=1e3 * float(entries["distance"]),
            poni1_mm=1e3 * float(entries["poni1"]),
            poni2_mm=1e3 * float(entries["poni2"]),
            rot1_rad=float(entries["rot1"]),
            rot2_rad=float(entries["rot2"]),
        )

    def moved(self, plane: DetectorPlane, *, wavelength_angstrom: float | None = None) -> Geometry:
        """Return the same detector at another place, with another wavelength [angstrom] if one is given.

        Rotation about the beam, which moves no ring, is set to zero.
        """
        entries = _entries(self.poni) | {
            "distance": repr(1e-3 * plane.distance_mm),
            "poni1": repr(1e-3 * plane.poni1_mm),
            "poni2": repr(1e-3 * plane.poni2_mm),
            "rot1": repr(plane.rot1_rad),
            "rot2": repr(plane.rot2_rad),
            "rot3": "0.0",
        }
        if wavelength_angstrom is not None:
            entries["wavelength"] = repr(1e-10 * wavelength_angstrom)
        return Geometry(poni="\n".join(f"{key}: {value}" for key, value in entries.items()))

    def write(self, path: Path) -> None:
        """Write the PONI file."""
        write_whole(path, self.poni)


def flat_geometry(
    *,
    distance_mm: float,
    wavelength_angstrom: float,
    shape: tuple[int, int],
    pixel_mm: float,
    centre_px: tuple[float, float] | None = None,
    orientation: int = DEFAULT_ORIENTATION,
) -> Geometry:
    """Return the geometry of an untilted flat detector.

    Parameters
    ----------
    distance_mm : float
        From the sample [mm].
    wavelength_angstrom : float
        X-ray wavelength [angstrom].
    shape : tuple of int
        Rows and columns.
    pixel_mm : float
        Edge of a pixel [mm].
    centre_px : tuple of float, optional
        Where the beam hits, row and column counted along pyFAI's axes 1 and 2 [pixel]; default the middle.
    orientation : int
        1 to 4.
    """
    row, column = centre_px or (shape[0] / 2.0, shape[1] / 2.0)
    pixel_m = pixel_mm * 1e-3
    config = {"pixel1": pixel_m, "pixel2": pixel_m, "max_shape": list(shape), "orientation": orientation}
    lines = {
        "Detector": "Detector",
        "Detector_config": json.dumps(config),
        "Distance": distance_mm * 1e-3,
        "Poni1": row * pixel_m,
        "Poni2": column * pixel_m,
        "Wavelength": wavelength_angstrom * 1e-10,
    }
    return Geometry(poni="\n".join(f"{key}: {value}" for key, value in lines.items()))


def read_geometry(path: Path) -> Geometry:
    """Read a PONI file.

    Raises
    ------
    ProfileError
        If the file is not there or is no PONI; the message names the file and what is wrong.
    """
    text = read_text(path, most_bytes=GEOMETRY_BYTES, what="a PONI file")
    return validate({"poni": text}, Geometry, source=str(path))


def canonical_poni(text: str) -> str:
    """Return PONI text in canonical form.

    Parameters
    ----------
    text : str
        PONI of version 1 (``PixelSize1``), 2 or 2.1.

    Raises
    ------
    ValueError
        If something is missing or is no number.
    """
    entries = _entries(text)
    config = _config(entries)
    detector = entries.get("detector") or "Detector"
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
            raise ValueError(f"{key} = {number!r} {unit} is not within {low:g} and {high:g} {unit}")
        lines.append(f"{key}: {number!r}")
    return "\n".join(lines) + "\n"


def _config(entries: dict[str, str]) -> dict[str, Any]:
    """Return the settings of the detector, those that everybody reads judged."""
    try:
        config = json.loads(entries.get("detector_config") or "{}")
    except RecursionError:
        raise ValueError("Detector_config is nested too deep") from None
    if not isinstance(config, dict):
        raise ValueError(f"Detector_config is no table but {config!r:.60}")
    for axis in ("1", "2"):
        old = entries.get(f"pixelsize{axis}")  # version 1
        if old is not None and f"pixel{axis}" not in config:
            config[f"pixel{axis}"] = _number(f"PixelSize{axis}", old)
        pixel_m = config.get(f"pixel{axis}")
        if pixel_m is not None and not (_is_number(pixel_m) and PIXEL_M[0] <= pixel_m <= PIXEL_M[1]):
            raise ValueError(f"pixel{axis} = {pixel_m!r:.60} m is not within {PIXEL_M[0]:g} and {PIXEL_M[1]:g} m")
    shape = config.get("max_shape")
    if shape is not None and not _is_shape(shape):
        raise ValueError(f"max_shape = {shape!r:.60} is not two numbers of pixels from 1 to {LARGEST_SIDE_PX}")
    orientation = config.get("orientation") or DEFAULT_ORIENTATION
    if orientation not in (1, 2, 3, 4):
        raise ValueError(f"orientation {orientation!r:.60} of the detector is not one of 1, 2, 3, 4")
    config["orientation"] = int(orientation)
    return config


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_shape(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(type(side) is int and 1 <= side <= LARGEST_SIDE_PX for side in value)
    )


def _entries(text: str) -> dict[str, str]:
    """Key, value of every line that has both; keys in lower case, as pyFAI reads them."""
    pairs = (line.partition(":") for line in text.splitlines() if not line.lstrip().startswith("#"))
    return {key.strip().lower(): value.strip() for key, colon, value in pairs if colon}


def _number(key: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{key} = {text!r} is no number") from None
