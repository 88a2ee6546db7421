"""One image of any detector, reduced alone: pattern and peaks, no pressure, no run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lics_beamline.diffraction.frame import read_frame
from lics_beamline.diffraction.geometry import Geometry
from lics_beamline.diffraction.integration import Integration
from lics_beamline.diffraction.pattern import Pattern
from lics_beamline.diffraction.peaks import Peak, find_peaks
from lics_beamline.reduction.point import integrator


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReducedImage:
    """A reduced image.

    Parameters
    ----------
    pattern : Pattern
        The integrated image.
    peaks : tuple of Peak
        Its peaks, by rising angle.
    """

    pattern: Pattern
    peaks: tuple[Peak, ...]


def reduce_image(
    path: Path,
    geometry: Geometry,
    *,
    bins: int = 2500,
    two_theta_deg: tuple[float, float] | None = None,
    polarisation: float = 0.99,
    significance: float = 5.0,
) -> ReducedImage:
    """Integrate one image and find its peaks.

    Parameters
    ----------
    path : Path
        Image that fabio reads; HDF5 as ``file.h5`` or ``file.h5::/path/to/data``.
    geometry : Geometry
        Calibrated geometry. Its orientation says how the rows of the file lie in space: where rings do not index, the
        image is usually flipped against the calibration, which ``geometry.oriented(2)`` or another of 1 to 4 mends.
    bins : int
        Number of bins.
    two_theta_deg : tuple of float, optional
        Range [deg]; default what the detector sees.
    polarisation : float
        Degree of horizontal linear polarisation.
    significance : float
        Least height of a peak over its error.

    Raises
    ------
    ReductionFailed
        If the image cannot be read or does not fit the geometry.
    """
    recording = read_frame(path)
    frame = recording.counts
    choice = Integration(bins=bins, two_theta_deg=two_theta_deg, polarisation=polarisation)
    shape = (int(frame.shape[0]), int(frame.shape[1]))
    pattern = integrator(geometry, choice, shape).integrate(frame, saturation_counts=recording.saturation_counts)
    return ReducedImage(pattern=pattern, peaks=find_peaks(pattern, significance=significance))
