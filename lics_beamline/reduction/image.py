"""One image of any detector, reduced alone: pattern and peaks, no pressure, no run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from lics_beamline.diffraction.frame import read_frame
from lics_beamline.diffraction.geometry import Geometry
from lics_beamline.diffraction.integration import Integration
from lics_beamline.diffraction.pattern import Pattern
from lics_beamline.diffraction.peaks import Peak, find_peaks
from lics_beamline.reduction.point import integrator

WORTH_TELLING: Final = 1.0e-3  # of the pixels, masked: a few dead ones are as good as none
RING_WORTH_TELLING: Final = 0.02  # of the pixels of a ring, rejected: more than the spots of diamonds take from most


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReducedImage:
    """A reduced image.

    Parameters
    ----------
    pattern : Pattern
        The integrated image.
    peaks : tuple of Peak
        Its peaks, by rising angle.
    full_counts : int or None
        Count from which pixels were taken for full or marked as no data, and masked; None where there are none.
    """

    pattern: Pattern
    peaks: tuple[Peak, ...]
    full_counts: int | None = None

    @property
    def remarks(self) -> tuple[str, ...]:
        """What of the image is not in the pattern, for people; nothing where that is as good as none."""
        said = []
        if self.pattern.masked_fraction >= WORTH_TELLING:
            full = "" if self.full_counts is None else f", those from {self.full_counts} counts as full or no data"
            masked = f"{100.0 * self.pattern.masked_fraction:.1f} % of the pixels are masked{full}"
            said.append(f"{masked}: dead, full or in shadow.")
        share = self.pattern.rejected_share
        if np.any(share >= RING_WORTH_TELLING):
            worst = int(np.nanargmax(share))
            said.append(
                f"{100.0 * self.pattern.rejected_fraction:.2f} % of the pixels are rejected as spots, "
                f"{100.0 * share[worst]:.0f} % of those at {self.pattern.two_theta_deg[worst]:.3f} deg. "
                "Where these are grains of the powder, --no-clip keeps them."
            )
        return tuple(said)


def reduce_image(
    path: Path,
    geometry: Geometry,
    *,
    bins: int = 2500,
    two_theta_deg: tuple[float, float] | None = None,
    polarisation: float = 0.99,
    significance: float = 5.0,
    clip: bool = True,
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
    clip : bool
        Reject spots: pixels that stand out of their ring.

    Raises
    ------
    ReductionFailed
        If the image cannot be read or does not fit the geometry.
    """
    recording = read_frame(path)
    frame = recording.counts
    choice = Integration(bins=bins, two_theta_deg=two_theta_deg, polarisation=polarisation)
    if not clip:
        choice = replace(choice, clip_sigma=0.0)
    shape = (int(frame.shape[0]), int(frame.shape[1]))
    full = recording.saturation_counts
    pattern = integrator(geometry, choice, shape).integrate(frame, saturation_counts=full)
    return ReducedImage(
        pattern=pattern,
        peaks=find_peaks(pattern, significance=significance),
        full_counts=full if full is not None and bool(np.any(frame >= full)) else None,
    )
