"""Geometry of the detector: a PONI calibration in one canonical form, so that the same geometry has one digest.

PONI is pyFAI's: the point of normal incidence, the distance, three rotations, the detector, the wavelength. The
orientation of the image is part of it and always written down: 3 is pyFAI's default, the first row of the file at the
bottom as seen from the sample; 2 is the same file flipped up-down, 1 and 4 are their left-right mirrors.
"""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationInfo, field_validator

from lics_beamline.errors import ProfileError
from lics_beamline.files.given_file import GEOMETRY_BYTES, is_there, read_text
from lics_beamline.files.strict_toml import Strict, validate
from lics_beamline.files.whole_file import write_whole
from lics_beamline.geometry.detector_plane import DetectorPlane
from lics_beamline.geometry.poni import (
    DEFAULT_ORIENTATION,
    NOTHING,
    SPLINE_KEY,
    canonical_poni,
    entries_of,
    geometries_in,
)

logger = logging.getLogger(__name__)


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
        return float(entries_of(self.poni)["wavelength"]) * 1e10

    @property
    def distance_mm(self) -> float:
        """Distance from the sample to the detector's plane, along its normal [mm]."""
        return float(entries_of(self.poni)["distance"]) * 1e3

    @property
    def detector(self) -> str:
        """Name of the detector as pyFAI knows it; ``Detector`` for a plain grid of pixels."""
        return entries_of(self.poni)["detector"]

    @property
    def detector_config(self) -> dict[str, Any]:
        """Settings of pyFAI's detector: pixels, shape, orientation."""
        config: dict[str, Any] = json.loads(entries_of(self.poni)["detector_config"])
        return config

    @property
    def orientation(self) -> int:
        """Orientation of the image, 1 to 4, as pyFAI counts."""
        return int(self.detector_config["orientation"])

    def oriented(self, orientation: int) -> Geometry:
        """Return the same geometry for an image stored in another orientation, 1 to 4.

        Raises
        ------
        ProfileError
            If a spline says where the pixels are, which belongs to the image as it is.
        """
        if self.spline and orientation != self.orientation:
            raise ProfileError(
                f"orientation {orientation} with a spline: a spline belongs to the pixels as the file has them, which "
                f"is orientation {self.orientation}. Turn the images, and calibrate these.",
                orientation=orientation,
            )
        entries = entries_of(self.poni)
        entries["detector_config"] = json.dumps(self.detector_config | {"orientation": orientation})
        return Geometry(poni="\n".join(f"{key}: {value}" for key, value in entries.items()))

    @property
    def plane(self) -> DetectorPlane:
        """Position and tilt of the detector."""
        entries = entries_of(self.poni)
        return DetectorPlane(
            distance_mm=1e3 * float(entries["distance"]),
            poni1_mm=1e3 * float(entries["poni1"]),
            poni2_mm=1e3 * float(entries["poni2"]),
            rot1_rad=float(entries["rot1"]),
            rot2_rad=float(entries["rot2"]),
        )

    @property
    def rot3_rad(self) -> float:
        """Rotation about the beam [rad], which moves no ring."""
        return float(entries_of(self.poni)["rot3"])

    def moved(self, plane: DetectorPlane, *, wavelength_angstrom: float | None = None) -> Geometry:
        """Return the same detector at another place, with another wavelength [angstrom] if one is given.

        Rotation about the beam, which moves no ring, is set to zero.
        """
        entries = entries_of(self.poni) | {
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

    @property
    def spline(self) -> str:
        """Text of the spline of a distorted detector, as Fit2D has it; empty where there is none."""
        return str(self.detector_config.get(SPLINE_KEY, ""))

    def write(self, path: Path) -> None:
        """Write the PONI file; a spline goes into a file of the same stem beside it, as pyFAI wants it."""
        if not self.spline:
            write_whole(path, self.poni)
            return
        beside = path.with_suffix(".spline")
        write_whole(beside, self.spline)
        config = {key: value for key, value in self.detector_config.items() if key != SPLINE_KEY}
        own = f"Detector_config: {json.dumps(config | {'splineFile': beside.name}, sort_keys=True)}"
        lines = [own if line.startswith("Detector_config:") else line for line in self.poni.splitlines()]
        write_whole(path, "\n".join(lines) + "\n")


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


def geometry_of(poni: str, *, source: str) -> Geometry:
    """Return the geometry of PONI text.

    Parameters
    ----------
    poni : str
        PONI text of any version.
    source : str
        Where it comes from, for messages.

    Raises
    ------
    ProfileError
        If it cannot be used; the message says what is wrong with which line of it.
    """
    try:
        canonical_poni(poni)
    except ValueError as error:
        raise ProfileError(f"{source}: {error}.", file=source) from None
    return validate({"poni": poni}, Geometry, source=source)


def read_geometry(path: str | Path) -> Geometry:
    """Read a PONI file.

    Raises
    ------
    ProfileError
        If the file is not there or is no PONI; the message names the file and what is wrong.

    Notes
    -----
    Programs append to PONI files. The last geometry of a file counts, and a warning says so.
    """
    path = Path(path)
    text = read_text(path, most_bytes=GEOMETRY_BYTES, what="a PONI file")
    geometry = geometry_of(_with_spline(text, path), source=str(path))
    several = len(geometries_in(text))
    if several > 1:
        logger.warning(
            "%s: holds %d geometries, one after the other. The last one counts: %.4f mm, %.6f angstrom.",
            path,
            several,
            geometry.distance_mm,
            geometry.wavelength_angstrom,
        )
    return geometry


def _with_spline(text: str, path: Path) -> str:
    """Return PONI text whose spline, if it names one that is there, is in it: beside the file, or where it says."""
    try:
        entries = geometries_in(text)[-1]
        config = json.loads(entries.get("detector_config") or "{}")
    except (ValueError, RecursionError):
        return text  # what is wrong is said where it is judged
    if not isinstance(config, dict):
        return text
    named = {key: value for key, value in config.items() if key.lower() == "splinefile" and value}
    name = entries.get("splinefile", "")
    name = "" if name.lower() in NOTHING else name
    name = str(next(iter(named.values()), name))
    file = next((file for file in (path.parent / name, path.parent / Path(name).name) if name and is_there(file)), None)
    if file is None:
        return text
    spline = read_text(file, most_bytes=GEOMETRY_BYTES, what="a spline of Fit2D")
    config = {key: value for key, value in config.items() if key not in named} | {SPLINE_KEY: spline}
    entries = entries | {"detector_config": json.dumps(config)}
    return "\n".join(f"{key}: {value}" for key, value in entries.items() if key != "splinefile")
