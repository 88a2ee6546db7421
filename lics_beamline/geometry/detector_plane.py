"""A flat detector in space: from places on it to scattering angles and back, in pyFAI's convention of three rotations.

The convention, as published: axis 1 runs up along the rows, axis 2 along the columns, axis 3 along the beam; the
detector is turned about axis 1, then 2, then 3, each after the other; the point of normal incidence (PONI) is the foot
of the perpendicular from the sample. What people ask for - where the direct beam hits, how far that is, how much the
detector leans - follows from these six numbers. Rotation 3 turns about the beam and moves no ring.

References
----------
G. Ashiotis et al., J. Appl. Cryst. 48, 510 (2015), section 2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorPlane:
    """Position and tilt of a flat detector.

    Parameters
    ----------
    distance_mm : float
        From the sample to the detector's plane, along its normal [mm]; more than 0.
    poni1_mm, poni2_mm : float
        Point of normal incidence along the rows' axis and the columns' axis, from the outer corner of the first pixel
        [mm].
    rot1_rad, rot2_rad : float
        Rotations about axes 1 and 2 [rad]; below pi/2.
    """

    distance_mm: float
    poni1_mm: float
    poni2_mm: float
    rot1_rad: float = 0.0
    rot2_rad: float = 0.0

    @classmethod
    def through(
        cls, *, beam1_mm: float, beam2_mm: float, beam_distance_mm: float, rot1_rad: float = 0.0, rot2_rad: float = 0.0
    ) -> DetectorPlane:
        """Return the plane that the direct beam pierces at a place and a distance.

        Parameters
        ----------
        beam1_mm, beam2_mm : float
            Where the beam hits [mm from the outer corner of the first pixel].
        beam_distance_mm : float
            From the sample to there, along the beam [mm].
        rot1_rad, rot2_rad : float
            Rotations [rad].
        """
        distance_mm = beam_distance_mm * math.cos(rot1_rad) * math.cos(rot2_rad)
        return cls(
            distance_mm=distance_mm,
            poni1_mm=beam1_mm - distance_mm * math.tan(rot2_rad) / math.cos(rot1_rad),
            poni2_mm=beam2_mm + distance_mm * math.tan(rot1_rad),
            rot1_rad=rot1_rad,
            rot2_rad=rot2_rad,
        )

    @property
    def beam1_mm(self) -> float:
        """Place of the direct beam along the rows' axis [mm]."""
        return self.poni1_mm + self.distance_mm * math.tan(self.rot2_rad) / math.cos(self.rot1_rad)

    @property
    def beam2_mm(self) -> float:
        """Place of the direct beam along the columns' axis [mm]."""
        return self.poni2_mm - self.distance_mm * math.tan(self.rot1_rad)

    @property
    def beam_distance_mm(self) -> float:
        """From the sample to where the direct beam hits, along the beam [mm]."""
        return self.distance_mm / (math.cos(self.rot1_rad) * math.cos(self.rot2_rad))

    @property
    def tilt_deg(self) -> float:
        """Angle between the beam and the detector's normal [deg]."""
        # By the sine: the cosine of a small angle has lost it to rounding.
        sine = math.hypot(math.sin(self.rot1_rad) * math.cos(self.rot2_rad), math.sin(self.rot2_rad))
        return math.degrees(math.asin(min(sine, 1.0)))

    def rays(self, p1_mm: Any, p2_mm: Any) -> tuple[Array, Array, Array]:
        """Return components 1, 2 and along the beam [mm] of the rays from the sample to places on the detector."""
        sin1, cos1 = math.sin(self.rot1_rad), math.cos(self.rot1_rad)
        sin2, cos2 = math.sin(self.rot2_rad), math.cos(self.rot2_rad)
        a, b, c = np.asarray(p1_mm) - self.poni1_mm, np.asarray(p2_mm) - self.poni2_mm, self.distance_mm
        return (
            a * cos2 + b * (sin1 * sin2) - c * cos1 * sin2,
            b * cos1 + c * sin1,
            a * sin2 - b * (cos2 * sin1) + c * cos1 * cos2,
        )

    def two_theta_rad(self, p1_mm: Any, p2_mm: Any) -> Array:
        """Scattering angle [rad] of places on the detector [mm]."""
        x1, x2, x3 = self.rays(p1_mm, p2_mm)
        return np.asarray(np.arctan2(np.hypot(x1, x2), x3))

    def azimuth_rad(self, p1_mm: Any, p2_mm: Any) -> Array:
        """Azimuth about the beam, from axis 2 towards axis 1 [rad], of places on the detector [mm]."""
        x1, x2, _ = self.rays(p1_mm, p2_mm)
        return np.asarray(np.arctan2(x1, x2))

    def places_mm(self, two_theta_rad: Any, azimuth_rad: Any) -> tuple[Array, Array]:
        """Return where rays of some scattering angle and azimuth [rad] meet the detector: along 1 and 2 [mm].

        Rays that never meet it, because they go away from it, come out as NaN.
        """
        sin1, cos1 = math.sin(self.rot1_rad), math.cos(self.rot1_rad)
        sin2, cos2 = math.sin(self.rot2_rad), math.cos(self.rot2_rad)
        sine = np.sin(two_theta_rad)
        x1, x2, x3 = sine * np.sin(azimuth_rad), sine * np.cos(azimuth_rad), np.cos(two_theta_rad)
        # The rotation is orthogonal, so its inverse is its transpose.
        a = x1 * cos2 + x3 * sin2
        b = x1 * (sin1 * sin2) + x2 * cos1 - x3 * (cos2 * sin1)
        c = -x1 * (cos1 * sin2) + x2 * sin1 + x3 * (cos1 * cos2)
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = np.where(c > 0.0, self.distance_mm / c, np.nan)
            return self.poni1_mm + scale * a, self.poni2_mm + scale * b
