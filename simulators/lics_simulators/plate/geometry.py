"""Where each pixel of the plate stands: scattering angle, azimuth, solid angle, polarisation.

The laboratory frame: z along the beam, x horizontal along the rows of the image (columns rise), y vertical (rows rise),
origin at the sample. The plate is a plane that the beam pierces at a distance, tilted about an axis in the plane.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rays:
    """Straight ways from the sample to places on the plate, in the laboratory.

    Parameters
    ----------
    x_mm, y_mm, z_mm : ndarray
        The places [mm].
    across_mm, length_mm : ndarray
        Their distances from the beam and from the sample [mm].
    """

    x_mm: FloatArray
    y_mm: FloatArray
    z_mm: FloatArray
    across_mm: FloatArray
    length_mm: FloatArray

    def two_theta(self) -> FloatArray:
        """Scattering angle [rad]."""
        return np.arctan2(self.across_mm, self.z_mm)

    def azimuth(self) -> FloatArray:
        """Azimuth from x towards y [rad]."""
        return np.arctan2(self.y_mm, self.x_mm)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateGeometry:
    """A flat plate behind the sample.

    Parameters
    ----------
    distance_mm : float
        Sample to plate, along the beam [mm].
    beam_column_px, beam_row_px : float
        Where the beam pierces the plate [pixels from the outer corner of pixel (0, 0)].
    tilt_deg : float
        Angle between the beam and the normal of the plate [deg].
    tilt_azimuth_deg : float
        Azimuth in which the plate leans away from the sample, from x towards y [deg].
    pixels : int
        Pixels along each side.
    pixel_mm : float
        Side of a pixel [mm].
    """

    distance_mm: float
    beam_column_px: float
    beam_row_px: float
    tilt_deg: float
    tilt_azimuth_deg: float
    pixels: int = 3000
    pixel_mm: float = 0.1

    def axes(self) -> npt.NDArray[np.float64]:
        """Return unit vectors (3, 3) of the plate in the laboratory: along columns, along rows, normal to both."""
        azimuth, tilt = math.radians(self.tilt_azimuth_deg), math.radians(self.tilt_deg)
        lean = np.array([math.cos(azimuth), math.sin(azimuth), 0.0])  # goes back by the tilt
        across = np.array([-math.sin(azimuth), math.cos(azimuth), 0.0])
        down = math.cos(tilt) * lean + np.array([0.0, 0.0, math.sin(tilt)])
        column = math.cos(azimuth) * down - math.sin(azimuth) * across
        row = math.sin(azimuth) * down + math.cos(azimuth) * across
        return np.stack([column, row, np.cross(column, row)])

    def positions_mm(self, rows: slice) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Laboratory x, y, z [mm] of the centres of some rows of pixels, each (rows, pixels)."""
        column, row, _ = self.axes()
        u = ((np.arange(self.pixels) + 0.5) - self.beam_column_px) * self.pixel_mm
        v = ((np.arange(*rows.indices(self.pixels)) + 0.5) - self.beam_row_px) * self.pixel_mm
        x = column[0] * u[None, :] + row[0] * v[:, None]
        y = column[1] * u[None, :] + row[1] * v[:, None]
        z = self.distance_mm + column[2] * u[None, :] + row[2] * v[:, None]
        return x, y, z

    def rays(self, rows: slice) -> Rays:
        """Return the rays from the sample to the centres of some rows of pixels."""
        x, y, z = self.positions_mm(rows)
        squared = x * x + y * y
        return Rays(x_mm=x, y_mm=y, z_mm=z, across_mm=np.sqrt(squared), length_mm=np.sqrt(squared + z * z))

    def angles(self, rows: slice) -> tuple[FloatArray, FloatArray]:
        """Scattering angle and azimuth [rad] of some rows of pixels."""
        rays = self.rays(rows)
        return rays.two_theta(), rays.azimuth()

    def relative_solid_angle(self, rays: Rays) -> FloatArray:
        """Solid angle of pixels, 1 for a pixel at the foot of the perpendicular from the sample."""
        nearest = self.distance_mm * float(self.axes()[2, 2])
        ratio = nearest / rays.length_mm
        cubed: FloatArray = ratio * ratio * ratio
        return cubed

    def pixel_of(self, two_theta_deg: float, azimuth_deg: float) -> tuple[float, float]:
        """Row and column (in pixels, centres at integers) hit by a scattered ray."""
        column, row, normal = self.axes()
        two_theta, azimuth = math.radians(two_theta_deg), math.radians(azimuth_deg)
        ray = np.array(
            [math.sin(two_theta) * math.cos(azimuth), math.sin(two_theta) * math.sin(azimuth), math.cos(two_theta)]
        )
        pierced = np.array([0.0, 0.0, self.distance_mm])
        hit = ray * float(normal @ pierced) / float(normal @ ray) - pierced
        return (
            float(row @ hit) / self.pixel_mm + self.beam_row_px - 0.5,
            float(column @ hit) / self.pixel_mm + self.beam_column_px - 0.5,
        )


def polarisation(rays: Rays, degree: float) -> FloatArray:
    """Polarisation factor of single scattering for a beam polarised horizontally to some degree.

    Parameters
    ----------
    rays : Rays
        Where the light goes; its horizontal is x.
    degree : float
        (horizontal - vertical) / total, -1 to 1.

    Notes
    -----
    ``(1 + cos^2 2theta - degree cos 2azimuth sin^2 2theta) / 2``

    References
    ----------
    R. Kahn et al., J. Appl. Cryst. 15, 330 (1982).
    """
    squared = rays.length_mm * rays.length_mm
    factor: FloatArray = (
        0.5 + 0.5 * (rays.z_mm * rays.z_mm - degree * (rays.x_mm - rays.y_mm) * (rays.x_mm + rays.y_mm)) / squared
    )
    return factor


def shifted_two_theta(two_theta_deg: FloatArray, *, shift_mm: float, distance_mm: float) -> FloatArray:
    """Return the true scattering angle [deg] at places known by their angle for an unshifted sample.

    Parameters
    ----------
    two_theta_deg : ndarray
        Angle of a place on the plate, seen from the nominal position of the sample [deg].
    shift_mm : float
        Shift of the sample along the beam, towards the plate [mm].
    distance_mm : float
        Nominal distance [mm].
    """
    tangent = np.tan(np.radians(two_theta_deg)) * distance_mm / (distance_mm - shift_mm)
    shifted: FloatArray = np.degrees(np.arctan(tangent))
    return shifted
