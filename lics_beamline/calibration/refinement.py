"""Refining a geometry from points on a calibrant's rings, by pyFAI's least squares: the second door to pyFAI.

What pyFAI minimises is the difference of scattering angles, weighted. What is added here: outliers go, the weights
learn what the points scatter beyond their own errors, a displacement of all lines by a common fraction of their width
is allowed for, and the result has a covariance.

The displacement matters. A real line is never symmetric, and what a fit calls its middle is off by some thousandths of
its width: the same angle for all rings, while another distance moves a ring in proportion to its sine and cosine. The
difference is 5 to 10 um of distance. Where a frame cannot tell the two, the displacement is held near zero.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lics_beamline.calibration.control_points import ControlPoints
from lics_beamline.errors import CalibrationRefused, ReductionFailed
from lics_beamline.frames.counts import Counts
from lics_beamline.geometry.detector_plane import DetectorPlane
from lics_beamline.geometry.frame_shape import check_shape
from lics_beamline.geometry.geometry import Geometry
from lics_beamline.integration import integration
from lics_beamline.physics.robust_scatter import scatter_of

Array = npt.NDArray[np.float64]

NUMBERS: Final = ("distance_mm", "poni1_mm", "poni2_mm", "rot1_rad", "rot2_rad", "wavelength_angstrom", "displacement")
OUTLIER_SIGMAS: Final = 4.0  # robust standard deviations
USUAL_DISPLACEMENT: Final = 0.02  # of a line's width, one standard deviation: engineering estimate from lines of plates
WEIGHT_SCALE: Final = (
    1e-5  # pyFAI stops at a change of 1e-12 in the weighted sum of squares: here 0.01 of one sigma squared
)
MOST_STEPS: Final = 100  # of pyFAI; it needs 10 to 30, and its own limit of a million is none
LEAST_COVERED: Final = 0.5  # of a pixel of a straightened image, by good pixels of the detector
SHIFT_ROUNDS: Final = 8  # a shift changes by a tenth of a pixel from one to the next at most: 1e-8 pixels are left
AZIMUTH_CLUSTERS: Final = 12  # azimuths, of 30 deg, within which residuals may be alike


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RefinedGeometry:
    """A refined geometry.

    Parameters
    ----------
    plane : DetectorPlane
        Where the detector stands.
    wavelength_angstrom : float
        Refined, or as it was given [angstrom].
    displacement : float
        Of all lines, as a fraction of their width; positive towards higher angles.
    points : ControlPoints
        The points that were used.
    residual_rad : ndarray
        Angle of each point less the angle of its line, displaced [rad].
    covariance : ndarray, shape (7, 7)
        Of `NUMBERS`; zero for what was fixed.
    """

    plane: DetectorPlane
    wavelength_angstrom: float
    displacement: float
    points: ControlPoints
    residual_rad: Array
    covariance: Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pixels:
    """The pixels of a detector.

    Parameters
    ----------
    pixel_mm : tuple of float
        Height and width of a pixel [mm].
    dead : ndarray of bool or None
        Pixels the detector is known not to have, in the order of its file.
    distorted : object or None
        pyFAI's detector, where a spline says where its pixels are; None where they are a plain grid.
    """

    pixel_mm: tuple[float, float]
    dead: npt.NDArray[np.bool_] | None
    distorted: Any = None


def detector_of(geometry: Geometry, shape: tuple[int, int]) -> Pixels:
    """Return the pixels of a geometry's detector.

    Raises
    ------
    CalibrationRefused
        If the detector has another shape, is bent, or has pixels of several sizes: a plane of equal pixels is refined.
    """
    logging.getLogger("silx.opencl").setLevel(logging.ERROR)  # warns that there is no OpenCL, which is not used
    try:
        detector = integration.detector_of(geometry, shape)
        check_shape(shape, (int(detector.shape[0]), int(detector.shape[1])))
    except ReductionFailed as error:
        raise CalibrationRefused(f"the starting geometry cannot be used: {error}", **error.facts) from error
    if not detector.IS_FLAT or not (detector.uniform_pixel or geometry.spline):
        wrong = "has pixels of several sizes" if detector.IS_FLAT else "is bent"
        raise CalibrationRefused(
            f"the detector {geometry.detector} {wrong}, and a plane of equal pixels is what is refined here: its rings "
            "would be off. Calibrate it with pyFAI-calib2; lics reduce takes its PONI file.",
            detector=geometry.detector,
        )
    dead = None if detector.mask is None or not np.any(detector.mask) else np.asarray(detector.mask, dtype=bool)
    return Pixels(
        pixel_mm=(1e3 * float(detector.pixel1), 1e3 * float(detector.pixel2)),
        dead=dead,
        distorted=detector if geometry.spline else None,
    )


def straightened(
    pixels: Pixels, counts: Counts, bad: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Return an image of a distorted detector over a plain grid, and the pixels of it that are bad.

    Parameters
    ----------
    pixels : Pixels
        Of the distorted detector.
    counts, bad : ndarray, shape (rows, columns)
        The image as the file has it.

    Notes
    -----
    Where the detector sees a place of the grid is found by going back by the shift there, again and again; the image is
    interpolated linearly between pixels, which leaves lines where they are and makes them up to a pixel wider.
    """
    from scipy.ndimage import map_coordinates

    detector = pixels.distorted
    own = np.indices(bad.shape, dtype=np.float64)
    at = detector.calc_cartesian_positions()[:2]
    shifts = [
        place / edge - 0.5 - index
        for place, edge, index in zip(at, (detector.pixel1, detector.pixel2), own, strict=True)
    ]
    seen = own
    for _ in range(SHIFT_ROUNDS):
        seen = own - [map_coordinates(shift, seen, order=1, mode="nearest") for shift in shifts]
    share = map_coordinates((~bad).astype(np.float64), seen, order=1)  # none beyond the edge
    total = map_coordinates(np.where(bad, 0.0, counts), seen, order=1)
    empty = share < LEAST_COVERED
    return np.divide(total, share, out=np.zeros_like(total), where=~empty).astype(np.float32), empty


def shipped_calibrants() -> dict[str, Path]:
    """Return the lists of spacings that pyFAI ships, by name."""
    from pyFAI.calibrant import CALIBRANT_FACTORY
    from pyFAI.resources import resource_filename

    names = sorted(name for name in CALIBRANT_FACTORY.keys() if name != "mock")
    return {name: Path(resource_filename(f"calibration/{name}.D")) for name in names}


def refine(
    points: ControlPoints,
    d_angstrom: Array,
    plane: DetectorPlane,
    *,
    shape: tuple[int, int],
    pixel_mm: tuple[float, float],
    wavelength_angstrom: float,
    free_wavelength: bool = False,
    rounds: int = 2,
) -> RefinedGeometry:
    """Refine distance, point of normal incidence and two rotations; the third moves no ring and stays zero.

    Parameters
    ----------
    points : ControlPoints
        Points on rings.
    d_angstrom : ndarray
        Spacings of the calibrant's lines, falling [angstrom].
    plane : DetectorPlane
        Geometry to start from.
    shape : tuple of int
        Rows and columns of the detector.
    pixel_mm : tuple of float
        Height and width of a pixel [mm].
    wavelength_angstrom : float
        Wavelength, or where to start [angstrom].
    free_wavelength : bool
        Refine it too.
    rounds : int
        Of refining, judging outliers and weighting before the last refinement; a third changes nothing any more.
    """
    problem = _Problem(d_angstrom=d_angstrom, pixel_mm=pixel_mm, shape=shape, free_wavelength=free_wavelength)
    numbers = np.array([*_of(plane), wavelength_angstrom, 0.0])
    engine = problem.engine(numbers)
    kept = np.ones(len(points), dtype=bool)
    excess = 0.0
    for _ in range(rounds):
        used = points.chosen(kept)
        sigma = np.hypot(used.sigma_rad, excess)
        numbers = problem.refined(engine, used, sigma, numbers)
        numbers = problem.displaced(used, sigma, numbers)
        residual = problem.residual_rad(points, numbers)
        ratio = np.abs(residual) / np.hypot(points.sigma_rad, excess)
        kept = ratio < OUTLIER_SIGMAS * max(scatter_of(ratio[kept]), 1e-6)
        excess = _excess(residual[kept], points.sigma_rad[kept])
    used = points.chosen(kept)
    sigma = np.hypot(used.sigma_rad, excess)
    numbers = problem.refined(engine, used, sigma, numbers)
    return RefinedGeometry(
        plane=_plane(numbers),
        wavelength_angstrom=float(numbers[5]),
        displacement=float(numbers[6]),
        points=used,
        residual_rad=problem.residual_rad(used, numbers),
        covariance=problem.covariance(used, sigma, numbers),
    )


def _excess(residual: Array, sigma: Array) -> float:
    """Scatter beyond the points' own errors, such that all of it together is as large as it is seen to be [rad]."""
    seen = float(np.mean(residual**2))
    return math.sqrt(max(seen - float(np.mean(np.minimum(sigma**2, seen))), 0.0))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Problem:
    d_angstrom: Array
    pixel_mm: tuple[float, float]
    shape: tuple[int, int]
    free_wavelength: bool

    def lines_rad(self, wavelength_angstrom: float) -> Array:
        return np.asarray(2.0 * np.arcsin(wavelength_angstrom / (2.0 * self.d_angstrom)))

    def residual_rad(self, points: ControlPoints, numbers: Array) -> Array:
        plane = _plane(numbers)
        p1_mm = (points.row_px + 0.5) * self.pixel_mm[0]
        p2_mm = (points.column_px + 0.5) * self.pixel_mm[1]
        line = self.lines_rad(float(numbers[5]))[points.ring] + numbers[6] * points.width_rad
        return np.asarray(plane.two_theta_rad(p1_mm, p2_mm) - line)

    def engine(self, numbers: Array) -> Any:
        """Return pyFAI's refinement, set to these numbers and without points."""
        from pyFAI.calibrant import Calibrant
        from pyFAI.detectors import Detector
        from pyFAI.geometryRefinement import GeometryRefinement

        plane, wavelength_m = _plane(numbers), 1e-10 * float(numbers[5])
        engine = GeometryRefinement(
            calibrant=Calibrant(dspacing=list(self.d_angstrom), wavelength=wavelength_m),
            dist=1e-3 * plane.distance_mm,
            poni1=1e-3 * plane.poni1_mm,
            poni2=1e-3 * plane.poni2_mm,
            rot1=plane.rot1_rad,
            rot2=plane.rot2_rad,
            rot3=0.0,
            detector=Detector(1e-3 * self.pixel_mm[0], 1e-3 * self.pixel_mm[1], max_shape=self.shape, orientation=3),
            wavelength=wavelength_m,
        )
        engine.auto_gc = False  # it would walk all objects of the process at each change of a number
        return engine

    def refined(self, engine: Any, points: ControlPoints, sigma: Array, numbers: Array) -> Array:
        """Let pyFAI refine, with the displacement as it is: the points are moved back by it along the radius."""
        plane = _plane(numbers)
        p1_mm = (points.row_px + 0.5) * self.pixel_mm[0]
        p2_mm = (points.column_px + 0.5) * self.pixel_mm[1]
        angle = plane.two_theta_rad(p1_mm, p2_mm) - numbers[6] * points.width_rad
        p1_mm, p2_mm = plane.places_mm(angle, plane.azimuth_rad(p1_mm, p2_mm))
        engine.data = np.stack(
            [
                p1_mm / self.pixel_mm[0] - 0.5,
                p2_mm / self.pixel_mm[1] - 0.5,
                points.ring.astype(np.float64),
                WEIGHT_SCALE / sigma,
            ],
            axis=1,
        )
        fixed = ["rot3"] if self.free_wavelength else ["rot3", "wavelength"]
        engine.refine3(maxiter=MOST_STEPS, fix=fixed)
        found = [1e3 * engine.dist, 1e3 * engine.poni1, 1e3 * engine.poni2, engine.rot1, engine.rot2]
        return np.array([*found, 1e10 * engine.wavelength, numbers[6]])

    def displaced(self, points: ControlPoints, sigma: Array, numbers: Array) -> Array:
        """Return the numbers with the displacement that the frame wants, as far as it knows it."""
        free = [*self.free, 6]
        jacobian = self.jacobian(points, numbers)[:, free] / sigma[:, None]
        residual = self.residual_rad(points, numbers) / sigma
        inverse = np.linalg.inv(jacobian.T @ jacobian)
        wanted = float(numbers[6] - (inverse @ (jacobian.T @ residual))[-1])
        variance = self._variance(jacobian, residual, np.asarray(inverse, dtype=np.float64), points)[-1, -1]
        changed = numbers.copy()
        changed[6] = wanted * USUAL_DISPLACEMENT**2 / (USUAL_DISPLACEMENT**2 + variance)
        return changed

    def covariance(self, points: ControlPoints, sigma: Array, numbers: Array) -> Array:
        """Covariance from the residuals, where those of one ring or one azimuth may be alike."""
        free = [*self.free, 6]
        jacobian = self.jacobian(points, numbers)[:, free] / sigma[:, None]
        residual = self.residual_rad(points, numbers) / sigma
        normal = jacobian.T @ jacobian
        # The usual displacement is one more observation.
        normal[-1, -1] += USUAL_DISPLACEMENT**-2
        covariance = np.zeros((len(NUMBERS), len(NUMBERS)))
        covariance[np.ix_(free, free)] = self._variance(
            jacobian, residual, np.asarray(np.linalg.inv(normal), dtype=np.float64), points
        )
        return covariance

    @property
    def free(self) -> list[int]:
        """Places in `NUMBERS` of what pyFAI refines."""
        return [0, 1, 2, 3, 4, 5] if self.free_wavelength else [0, 1, 2, 3, 4]

    def jacobian(self, points: ControlPoints, numbers: Array) -> Array:
        """Change of each residual with each number, by central differences, shape (points, 7)."""
        steps = np.array([1e-2, 1e-2, 1e-2, 1e-5, 1e-5, 1e-6, 1e-3])  # small against curvature, large against rounding
        columns = []
        for index, step in enumerate(steps):
            up, down = numbers.copy(), numbers.copy()
            up[index] += step
            down[index] -= step
            columns.append((self.residual_rad(points, up) - self.residual_rad(points, down)) / (2.0 * step))
        return np.stack(columns, axis=1)

    @staticmethod
    def _variance(jacobian: Array, residual: Array, inverse: Array, points: ControlPoints) -> Array:
        """Return the largest of three covariances: all points independent, alike in a ring, alike in an azimuth.

        References
        ----------
        The cluster-robust estimate: K.-Y. Liang and S. L. Zeger, Biometrika 73, 13 (1986).
        """
        dof = max(len(residual) - jacobian.shape[1], 1)
        estimates = [inverse * float(residual @ residual) / dof]
        azimuth = ((points.azimuth_rad / (2.0 * math.pi) + 0.5) * AZIMUTH_CLUSTERS).astype(np.intp)
        pull = jacobian * residual[:, None]
        for cluster in (points.ring, azimuth):
            labels, index = np.unique(cluster, return_inverse=True)
            if len(labels) < 2:
                continue
            sums = np.zeros((len(labels), jacobian.shape[1]))
            np.add.at(sums, index, pull)
            meat = sums.T @ sums * len(labels) / (len(labels) - 1)
            estimates.append(inverse @ meat @ inverse)
        scale = np.max([np.sqrt(np.diag(each)) for each in estimates], axis=0)
        base = np.sqrt(np.diag(estimates[0]))
        return np.asarray(estimates[0] * np.outer(scale / base, scale / base))


def _of(plane: DetectorPlane) -> list[float]:
    return [plane.distance_mm, plane.poni1_mm, plane.poni2_mm, plane.rot1_rad, plane.rot2_rad]


def _plane(numbers: Array) -> DetectorPlane:
    distance, poni1, poni2, rot1, rot2 = (float(each) for each in numbers[:5])
    return DetectorPlane(distance_mm=distance, poni1_mm=poni1, poni2_mm=poni2, rot1_rad=rot1, rot2_rad=rot2)
