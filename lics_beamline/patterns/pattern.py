"""A powder pattern: intensity over scattering angle, with its standard errors and its wavelength."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pattern:
    """One integrated frame. The arrays cannot be written to.

    Parameters
    ----------
    two_theta_deg : ndarray of float64, shape (bins,)
        Bin centres, equidistant and rising [deg].
    intensity : ndarray of float64, shape (bins,)
        Mean counts a pixel, corrected for solid angle and polarisation; NaN where no pixel is left.
    sigma : ndarray of float64, shape (bins,)
        Standard error of that mean; NaN where no pixel is left.
    correlation : float
        Factor, 1 or more, by which errors of what is fitted over many bins exceed those of independent bins: a plate's
        point spread correlates neighbouring bins.
    pixel_correlation : float
        Factor, 1 or more, by which the variance of a sum over many pixels exceeds that of independent ones.
    graininess : ndarray of float64, shape (bins,)
        Relative azimuthal scatter of the ring that a bin belongs to, between sectors of 5 deg and beyond counting; NaN
        between rings, and everywhere where it was not measured.
    counted, rejected : ndarray of int64, shape (bins,), or None
        Pixels that make up each mean, and those left out of it as spots; None where it was not told.
    wavelength_angstrom : float
        X-ray wavelength [angstrom].
    rejected_fraction : float
        Fraction of the unmasked pixels that were rejected as spots.
    masked_fraction : float
        Fraction of the pixels in range that were masked: shadows, saturated and dead pixels.
    pedestal_counts : float
        Counts that all pixels have alike, where they make most of the scatter along rings; 0 without any.
    """

    two_theta_deg: Array
    intensity: Array
    sigma: Array
    wavelength_angstrom: float
    correlation: float = 1.0
    pixel_correlation: float = 1.0
    graininess: Array | None = None
    counted: Numbers | None = None
    rejected: Numbers | None = None
    rejected_fraction: float = 0.0
    masked_fraction: float = 0.0
    pedestal_counts: float = 0.0

    def __post_init__(self) -> None:
        if self.graininess is None:
            object.__setattr__(self, "graininess", np.full(np.shape(self.two_theta_deg), np.nan))
        for name in ("two_theta_deg", "intensity", "sigma", "graininess"):
            array = np.array(getattr(self, name), dtype=np.float64)
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        for name in ("counted", "rejected"):
            if getattr(self, name) is not None:
                numbers = np.array(getattr(self, name), dtype=np.int64)
                numbers.setflags(write=False)
                object.__setattr__(self, name, numbers)

    @property
    def d_angstrom(self) -> Array:
        """Spacing that diffracts into each bin [angstrom]."""
        return self.wavelength_angstrom / (2.0 * np.sin(np.radians(self.two_theta_deg) / 2.0))

    @property
    def rejected_share(self) -> Array:
        """Part of the unmasked pixels of each bin that was left out as spots; NaN where it was not told."""
        if self.counted is None or self.rejected is None:
            return np.full(self.two_theta_deg.shape, np.nan)
        seen = self.counted + self.rejected
        return np.where(seen > 0, self.rejected / np.maximum(seen, 1), np.nan)

    def rejected_within(self, low_deg: float, high_deg: float) -> float | None:
        """Return the part of the unmasked pixels between two angles [deg] that was left out as spots.

        None where it was not told, or no pixel lies there.
        """
        if self.counted is None or self.rejected is None:
            return None
        first, last = np.rint((np.array([low_deg, high_deg]) - self.two_theta_deg[0]) / self.step_deg).astype(int)
        here = slice(max(int(first), 0), max(int(last), 0) + 1)
        seen = int(self.counted[here].sum() + self.rejected[here].sum())
        return int(self.rejected[here].sum()) / seen if seen else None

    @property
    def step_deg(self) -> float:
        """Width of a bin [deg]."""
        return float(self.two_theta_deg[1] - self.two_theta_deg[0])
