"""Where the pixels of a flat detector lie, as masks that are drawn on it want to know."""

from __future__ import annotations

import numpy as np

from lics_beamline.calibration.flat_detector import FlatDetector
from lics_beamline.errors import ProfileError
from lics_beamline.frames.shape_mask import Array, PixelPlaces
from lics_beamline.geometry.geometry import Geometry
from lics_beamline.geometry.poni import DEFAULT_ORIENTATION


def flat_places(geometry: Geometry) -> PixelPlaces:
    """Return where the pixels of an image lie, in the order of its file.

    Parameters
    ----------
    geometry : Geometry
        Calibrated geometry, for images as the file has them.

    Raises
    ------
    ProfileError
        If its detector is bent or distorted, or it does not say how many pixels there are.
    """
    try:
        detector = FlatDetector.of(geometry)
    except ProfileError as error:
        raise ProfileError(f"a mask by shapes needs a flat detector of equal pixels: {error}", **error.facts) from None
    if detector.shape is None:
        raise ProfileError(
            "a mask by shapes needs the number of pixels, and the geometry does not say it. Add max_shape to its "
            "Detector_config: [rows, columns]."
        )
    (rows, columns), (height_mm, width_mm) = detector.shape, detector.pixel_mm
    detector = detector.restated(DEFAULT_ORIENTATION)
    y_mm = np.asarray((np.arange(rows) + 0.5) * height_mm, dtype=np.float64)
    x_mm = np.asarray((np.arange(columns) + 0.5) * width_mm, dtype=np.float64)

    def angles_deg() -> tuple[Array, Array]:
        plane = detector.plane
        azimuth_rad = plane.azimuth_rad(y_mm[:, None], x_mm) - detector.rot3_rad
        return np.degrees(plane.two_theta_rad(y_mm[:, None], x_mm)), np.degrees(azimuth_rad)

    return PixelPlaces(x_mm=x_mm, y_mm=y_mm, angles_deg=angles_deg)
