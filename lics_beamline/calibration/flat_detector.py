"""A flat detector of equal pixels as numbers, in the words that other programs use: beam, tilt, its direction.

Programs differ in which way up they hold an image. The same pixels have the same scattering angles whichever way is
said, if the six numbers are mirrored with the image; only azimuths change their sense.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import ProfileError
from lics_beamline.files.strict_toml import MOST_NUMBER
from lics_beamline.frames.orientation import FLIPS
from lics_beamline.geometry.detector_plane import DetectorPlane
from lics_beamline.geometry.geometry import Geometry, geometry_of
from lics_beamline.geometry.poni import DEFAULT_ORIENTATION

Array = npt.NDArray[np.float64]
LEAST_COSINE: Final = 1e-6  # of a turn that a beam hits a plane at: within rounding of 90 deg it is hit nowhere


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatDetector:
    """Where a flat detector of equal pixels stands, and the wavelength.

    Parameters
    ----------
    plane : DetectorPlane
        Position and tilt.
    rot3_rad : float
        Rotation about the beam [rad]; it turns azimuths and moves no ring.
    wavelength_angstrom : float
        X-ray wavelength [angstrom].
    pixel_mm : tuple of float
        Height and width of a pixel [mm].
    shape : tuple of int, optional
        Rows and columns, where they are known.
    orientation : int
        Orientation of the image, 1 to 4, as pyFAI counts.
    """

    plane: DetectorPlane
    rot3_rad: float = 0.0
    wavelength_angstrom: float
    pixel_mm: tuple[float, float]
    shape: tuple[int, int] | None = None
    orientation: int = DEFAULT_ORIENTATION

    @classmethod
    def of(cls, geometry: Geometry, *, shape: tuple[int, int] | None = None) -> FlatDetector:
        """Return the numbers of a geometry.

        Parameters
        ----------
        geometry : Geometry
            Calibrated geometry.
        shape : tuple of int, optional
            Rows and columns, for a geometry that does not say them.

        Raises
        ------
        ProfileError
            If its detector is bent, or its pixels are not equal: a plain grid would put them elsewhere.
        """
        from lics_beamline.integration.integration import detector_of

        config = geometry.detector_config
        if geometry.spline:
            raise ProfileError(
                "the detector is distorted, and its spline says where its pixels are: no other format holds that. Keep "
                "its PONI file, and the spline beside it.",
                detector=geometry.detector,
            )
        if geometry.detector.lower() == "detector":
            said = config.get("max_shape")
            pixel_m, known = (config["pixel1"], config["pixel2"]), tuple(said) if said else shape
        else:
            detector = detector_of(geometry, shape or (1, 1))
            if not detector.IS_FLAT or not detector.uniform_pixel:
                raise ProfileError(
                    f"the detector {geometry.detector} is bent, or its pixels are not equal: no other format holds "
                    "that. Keep its PONI file.",
                    detector=geometry.detector,
                )
            pixel_m, known = (detector.pixel1, detector.pixel2), tuple(detector.shape)
        return cls(
            plane=geometry.plane,
            rot3_rad=geometry.rot3_rad,
            wavelength_angstrom=geometry.wavelength_angstrom,
            pixel_mm=(1e3 * pixel_m[0], 1e3 * pixel_m[1]),
            shape=(int(known[0]), int(known[1])) if known else None,
            orientation=geometry.orientation,
        )

    def geometry(self, *, source: str) -> Geometry:
        """Return the geometry, judged like any PONI file.

        Parameters
        ----------
        source : str
            Where the numbers come from, for messages.

        Raises
        ------
        ProfileError
            If a number is outside what a detector can be.
        """
        config: dict[str, Any] = {
            "pixel1": self.pixel_mm[0] / 1e3,
            "pixel2": self.pixel_mm[1] / 1e3,
            "orientation": self.orientation,
        }
        if self.shape:
            config["max_shape"] = list(self.shape)
        lines = {
            "Detector": "Detector",
            "Detector_config": json.dumps(config),
            "Distance": self.plane.distance_mm / 1e3,
            "Poni1": self.plane.poni1_mm / 1e3,
            "Poni2": self.plane.poni2_mm / 1e3,
            "Rot1": self.plane.rot1_rad,
            "Rot2": self.plane.rot2_rad,
            "Rot3": self.rot3_rad,
            "Wavelength": self.wavelength_angstrom / 1e10,
        }
        return geometry_of("\n".join(f"{key}: {value}" for key, value in lines.items()), source=source)

    def restated(self, orientation: int) -> FlatDetector:
        """Return the same angles of the same pixels, said for an image in another orientation.

        Two flips are half a turn about the beam and leave azimuths as they are; one is a mirror, which azimuths follow.

        Raises
        ------
        ProfileError
            If the shape is not known, which a flip needs.
        """
        rows, columns = (own != other for own, other in zip(FLIPS[self.orientation], FLIPS[orientation], strict=True))
        if not rows and not columns:
            return self
        if self.shape is None:
            raise ProfileError(
                f"an image in orientation {self.orientation} is to be told in {orientation}, and how many pixels it "
                "has is not known. Give --shape ROWS COLUMNS."
            )
        plane, rot3_rad = self.plane, self.rot3_rad
        if rows:
            plane = replace(plane, poni1_mm=self.shape[0] * self.pixel_mm[0] - plane.poni1_mm, rot2_rad=-plane.rot2_rad)
        if columns:
            plane = replace(plane, poni2_mm=self.shape[1] * self.pixel_mm[1] - plane.poni2_mm, rot1_rad=-plane.rot1_rad)
        rot3_rad = half_turn(rot3_rad) if rows and columns else -rot3_rad
        return replace(self, plane=plane, rot3_rad=rot3_rad, orientation=orientation)

    @property
    def rotation(self) -> Array:
        """Rotation from the detector's axes 1, 2, normal to those of the laboratory: up, right, along the beam.

        References
        ----------
        G. Ashiotis et al., J. Appl. Cryst. 48, 510 (2015), section 2.
        """
        sin1, cos1 = math.sin(self.plane.rot1_rad), math.cos(self.plane.rot1_rad)
        sin2, cos2 = math.sin(self.plane.rot2_rad), math.cos(self.plane.rot2_rad)
        sin3, cos3 = math.sin(self.rot3_rad), math.cos(self.rot3_rad)
        first = np.array([[1.0, 0.0, 0.0], [0.0, cos1, sin1], [0.0, -sin1, cos1]])
        second = np.array([[cos2, 0.0, -sin2], [0.0, 1.0, 0.0], [sin2, 0.0, cos2]])
        third = np.array([[cos3, -sin3, 0.0], [sin3, cos3, 0.0], [0.0, 0.0, 1.0]])
        return np.asarray(third @ second @ first)

    @property
    def beam_px(self) -> tuple[float, float]:
        """Where the beam hits, along the rows' and the columns' axis [pixel from the outer corner of the first]."""
        return self.plane.beam1_mm / self.pixel_mm[0], self.plane.beam2_mm / self.pixel_mm[1]

    @property
    def tilt_direction_rad(self) -> float:
        """Azimuth on the detector, from axis 2 towards axis 1, in which it leans away from the sample [rad]."""
        return math.atan2(math.sin(self.plane.rot2_rad), -math.cos(self.plane.rot2_rad) * math.sin(self.plane.rot1_rad))

    @property
    def azimuth_offset_rad(self) -> float:
        """What azimuths are more than by tilting alone, about an axis in the plane [rad]."""
        usual = _rot3_of_tilt(math.radians(self.plane.tilt_deg), self.tilt_direction_rad)
        return math.remainder(usual - self.rot3_rad, 2.0 * math.pi)

    def needs_beam(self, program: str) -> None:
        """Refuse a detector that the beam does not hit, for a program that says where it does.

        Raises
        ------
        ProfileError
            If it leans by 90 degrees or more.
        """
        if min(math.cos(self.plane.rot1_rad), math.cos(self.plane.rot2_rad)) < LEAST_COSINE:
            turned_deg = f"{math.degrees(self.plane.rot1_rad):.1f} and {math.degrees(self.plane.rot2_rad):.1f} deg"
            raise ProfileError(
                f"turned by {turned_deg} (Rot1, Rot2), the detector's plane is not hit by the beam, and {program} "
                "tells a geometry by where it is. Use hexrd.",
                rot1_rad=self.plane.rot1_rad,
                rot2_rad=self.plane.rot2_rad,
            )


def tilted(
    *,
    beam_px: tuple[float, float],
    beam_distance_mm: float,
    tilt_deg: float,
    direction_deg: float,
    azimuth_offset_deg: float,
    wavelength_angstrom: float,
    pixel_mm: tuple[float, float],
    shape: tuple[int, int] | None,
    source: str,
) -> FlatDetector:
    """Return the detector that a beam hits at some place and that leans by some angle, in orientation 3.

    Parameters
    ----------
    beam_px : tuple of float
        Where the beam hits, along the rows' and the columns' axis [pixel from the outer corner of the first].
    beam_distance_mm : float
        From the sample to there [mm].
    tilt_deg, direction_deg : float
        How far it leans away from the sample, and to which azimuth from axis 2 towards axis 1 [deg].
    azimuth_offset_deg : float
        What azimuths are more than by tilting alone [deg].
    wavelength_angstrom : float
        X-ray wavelength [angstrom].
    pixel_mm : tuple of float
        Height and width of a pixel [mm].
    shape : tuple of int or None
        Rows and columns.
    source : str
        Where the numbers come from, for the message.

    Raises
    ------
    ProfileError
        If a number is none, or the detector is seen edge on.

    Notes
    -----
    With tilt ``t`` and direction ``a``: ``sin rot2 = sin t sin a``, ``tan rot1 = -tan t cos a``.
    """
    given = (*beam_px, beam_distance_mm, direction_deg, azimuth_offset_deg, wavelength_angstrom, *pixel_mm)
    if not (abs(tilt_deg) < 90.0 and all(abs(number) <= MOST_NUMBER for number in given)):
        raise ProfileError(
            f"{source}: no detector has beam centre, distance, tilt and pixels as it says (tilt {tilt_deg:g} deg, "
            f"distance {beam_distance_mm:g} mm): a number is too large, or the beam misses it. Mend it.",
            file=source,
        )
    tilt, direction = math.radians(tilt_deg), math.radians(direction_deg)
    away = math.sin(tilt) * math.cos(direction)
    plane = DetectorPlane.through(
        beam1_mm=beam_px[0] * pixel_mm[0],
        beam2_mm=beam_px[1] * pixel_mm[1],
        beam_distance_mm=beam_distance_mm,
        rot1_rad=-math.atan2(away, math.cos(tilt)),
        rot2_rad=math.asin(math.sin(tilt) * math.sin(direction)),
    )
    rot3_rad = _rot3_of_tilt(tilt, direction) - math.radians(azimuth_offset_deg)
    return FlatDetector(
        plane=plane,
        rot3_rad=math.remainder(rot3_rad, 2.0 * math.pi),
        wavelength_angstrom=wavelength_angstrom,
        pixel_mm=pixel_mm,
        shape=shape,
    )


def said(number: float) -> str:
    """Return a number in 15 digits, as every reader takes it for a number: YAML wants a point in it."""
    digits, exponent, power = f"{number:.15g}".partition("e")
    return (digits if "." in digits else f"{digits}.0") + exponent + power


def half_turn(angle_rad: float) -> float:
    """Return an angle turned by half a turn, within half a turn of zero [rad]."""
    return angle_rad - math.copysign(math.pi, angle_rad) if angle_rad else math.pi


def _rot3_of_tilt(tilt_rad: float, direction_rad: float) -> float:
    """Return the third rotation of a detector tilted about an axis in its plane and not turned otherwise [rad]."""
    sine, cosine = math.sin(direction_rad), math.cos(direction_rad)
    part = (
        -2.0 * math.sin(0.5 * tilt_rad) ** 2 * cosine * sine
    )  # cos t - 1, which rounding would take from a small tilt
    return math.asin(part / math.sqrt(1.0 - (sine * math.sin(tilt_rad)) ** 2))
