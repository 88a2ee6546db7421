"""Geometry of the detector: a PONI calibration in one canonical form, so that the same geometry has one digest.

PONI is pyFAI's: the point of normal incidence, the distance, three rotations, the detector, the wavelength. The
orientation of the image is part of it and always written down: 3 is pyFAI's default, the first row of the file at the
bottom as seen from the sample; 2 is the same file flipped up-down, 1 and 4 are their left-right mirrors.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationInfo, field_validator

from lics_beamline.data_folder import write_whole
from lics_beamline.diffraction.detector_plane import DetectorPlane
from lics_beamline.errors import ProfileError
from lics_beamline.strict_toml import Strict, validate

NUMBERS: Final = ("Distance", "Poni1", "Poni2", "Rot1", "Rot2", "Rot3", "Wavelength")
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

    poni: str

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
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileError(
            f"{path}: not readable as a PONI file: {error}. Give the path of one.", file=str(path)
        ) from None
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
    config = json.loads(entries.get("detector_config") or "{}")
    for axis in ("1", "2"):
        old = entries.get(f"pixelsize{axis}")  # version 1
        if old is not None and f"pixel{axis}" not in config:
            config[f"pixel{axis}"] = _number(f"PixelSize{axis}", old)
    config["orientation"] = int(config.get("orientation") or DEFAULT_ORIENTATION)
    if config["orientation"] not in (1, 2, 3, 4):
        raise ValueError(f"orientation {config['orientation']} of the detector is not one of 1, 2, 3, 4")
    lines = ["poni_version: 2.1", f"Detector: {entries.get('detector') or 'Detector'}"]
    lines.append(f"Detector_config: {json.dumps(config, sort_keys=True)}")
    for key in NUMBERS:
        value = entries.get(key.lower())
        if value is None and not key.startswith("Rot"):
            raise ValueError(f"PONI has no {key}")
        lines.append(f"{key}: {_number(key, value or '0.0')!r}")
    return "\n".join(lines) + "\n"


def _entries(text: str) -> dict[str, str]:
    """Key, value of every line that has both; keys in lower case, as pyFAI reads them."""
    pairs = (line.partition(":") for line in text.splitlines() if not line.lstrip().startswith("#"))
    return {key.strip().lower(): value.strip() for key, colon, value in pairs if colon}


def _number(key: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{key} = {text!r} is no number") from None
