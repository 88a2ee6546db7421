"""How far the pixels of a plate are correlated, and what that does to the errors of a pattern.

The reader's point spread smears each photon over its neighbours after it was counted. That lowers the scatter of single
pixels and leaves that of a ring's mean as it was, so the error computed from the scatter comes out too small, up to 2.8
times. The correlation is measured on the frame itself, in small patches, from what is left after the rings are taken
off; nothing about the reader needs to be known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.physics.robust_scatter import SIGMA_OVER_MAD

PATCH_PX: Final = 48  # small enough that solid angle is constant in a patch, large against the reach
REACH_PX: Final = 4  # correlation looked at so far; a reader's point spread of 2 pixels has ended there
PLATE_PATCHES: Final = 49  # their mean knows the factor to 3 %
SPOT_SIGMA: Final = 5.0  # pixels farther off are spots
DIM_COUNTS: Final = 10.0  # a pixel; below, counts are no normal distribution
MASKED_BELOW: Final = -1.0e9  # counts: no detector reads so little
NO_CORRELATION: Final = 1.05  # factors below are the noise of this measurement


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlation:
    """Factors by which correlation of pixels enlarges variances.

    Parameters
    ----------
    in_bin : float
        Of the mean of one bin: 1 where pixels are independent.
    in_peak : float
        Of what is fitted over many bins; larger, because neighbouring bins are correlated too.
    """

    in_bin: float = 1.0
    in_peak: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Patches:
    """Small squares spread over a detector.

    Parameters
    ----------
    corners : ndarray of int, shape (patches, 2)
        First row and column of each.
    two_theta_deg : ndarray, shape (patches, PATCH_PX, PATCH_PX)
        Scattering angles [deg].
    factor : ndarray, shape (patches, PATCH_PX, PATCH_PX)
        Solid angle times polarisation.
    gradient_deg : ndarray, shape (patches, 2)
        Change of the angle from row to row and column to column [deg/pixel].
    """

    corners: npt.NDArray[np.intp]
    two_theta_deg: npt.NDArray[np.float64]
    factor: npt.NDArray[np.float64]
    gradient_deg: npt.NDArray[np.float64]

    @classmethod
    def over(
        cls,
        two_theta_deg: npt.NDArray[np.float32],
        in_range: npt.NDArray[np.bool_],
        factor: npt.NDArray[np.float32],
    ) -> Patches:
        """Spread patches over the pixels that are used; `factor` is solid angle times polarisation of each pixel."""
        rows, columns = two_theta_deg.shape
        side = int(2 * np.sqrt(PLATE_PATCHES))
        grid = [
            (int(row), int(column))
            for row in np.linspace(0, max(rows - PATCH_PX, 0), side)
            for column in np.linspace(0, max(columns - PATCH_PX, 0), side)
            if min(rows, columns) >= PATCH_PX
            and in_range[int(row) : int(row) + PATCH_PX, int(column) : int(column) + PATCH_PX].all()
        ]
        chosen = (
            [grid[i] for i in np.linspace(0, len(grid) - 1, min(PLATE_PATCHES, len(grid))).astype(int)] if grid else []
        )
        angles, factors = (
            np.array([image[r : r + PATCH_PX, c : c + PATCH_PX] for r, c in chosen], dtype=np.float64).reshape(
                -1, PATCH_PX, PATCH_PX
            )
            for image in (two_theta_deg, factor)
        )
        steps = [np.diff(angles, axis=axis).mean(axis=(1, 2)) for axis in (1, 2)]
        return cls(
            corners=np.array(chosen, dtype=np.intp).reshape(-1, 2),
            two_theta_deg=angles,
            factor=factors,
            gradient_deg=np.stack(steps, axis=1),
        )

    def correlation(
        self,
        frame: npt.NDArray[np.int32] | npt.NDArray[np.float32],
        bin_centre_deg: npt.NDArray[np.float64],
        intensity: npt.NDArray[np.float64],
        *,
        offset: npt.NDArray[np.float32] | None = None,
        response: npt.NDArray[np.float32] | None = None,
    ) -> Correlation:
        """Measure the correlation of a frame's pixels.

        Parameters
        ----------
        frame : ndarray of int32 or float32
            Counts; what is far below zero is masked.
        bin_centre_deg, intensity : ndarray, shape (bins,)
            Its pattern.
        offset, response : ndarray of float32, optional
            Counts that are none of the sample, and counts read of each one exposed; of every pixel.

        Returns
        -------
        Correlation
            Factors, 1 where the pixels are independent or the frame is too small to tell.
        """
        good = np.isfinite(intensity)
        if len(self.corners) < 4 or not good.any():
            return Correlation()
        cut = self._cut(frame)
        factor = self.factor if response is None else self.factor * self._cut(response)
        mean = np.interp(self.two_theta_deg, bin_centre_deg[good], intensity[good])
        used = (cut > MASKED_BELOW) & (mean > 0.0)
        expected = np.maximum(mean * factor + (0.0 if offset is None else self._cut(offset)), 1e-9)
        residual = np.where(used, (cut - expected) / np.sqrt(expected), 0.0)
        width = SIGMA_OVER_MAD * np.median(np.abs(residual), axis=(1, 2))[:, None, None]
        # Of few counts the median tells no width: nearly all pixels are alike, and single counts are no spots.
        root = np.sqrt(np.minimum(expected, DIM_COUNTS))
        counting = np.where(expected < DIM_COUNTS, SPOT_SIGMA * (1.0 + 1.0 / root), 0.0)
        used &= np.abs(residual) < np.maximum(SPOT_SIGMA * np.maximum(width, 1e-9), counting)
        count = np.maximum(used.sum(axis=(1, 2)), 1)[:, None, None]
        # What is left of slow changes - flat field, absorption - is a plane in a patch, and no correlation of noise.
        t = np.linspace(-1.0, 1.0, PATCH_PX)
        for ramp in (np.ones((PATCH_PX, PATCH_PX)), np.tile(t, (PATCH_PX, 1)), np.tile(t[:, None], (1, PATCH_PX))):
            slope = (residual * used * ramp).sum(axis=(1, 2), keepdims=True) / (used * ramp**2).sum(
                axis=(1, 2), keepdims=True
            ).clip(min=1e-9)
            residual = residual - slope * ramp
        residual = np.where(used, residual, 0.0)
        products, pairs = _lagged(residual), _lagged(used.astype(np.float64))
        rho = products / np.maximum(pairs, 1.0)
        centre = rho[:, REACH_PX, REACH_PX]
        usable = (centre > 0.0) & (count[:, 0, 0] > 0.5 * PATCH_PX**2)
        if np.count_nonzero(usable) < 4:
            return Correlation()
        rho = rho[usable] / centre[usable, None, None]
        lag = np.arange(-REACH_PX, REACH_PX + 1)
        gradient = self.gradient_deg[usable]
        radial = np.abs(
            gradient[:, 0, None, None] * lag[None, :, None] + gradient[:, 1, None, None] * lag[None, None, :]
        )
        step = float(bin_centre_deg[1] - bin_centre_deg[0])
        together = np.clip(1.0 - radial / step, 0.0, 1.0)  # fraction of pixels whose neighbour is in the same bin
        lost = 1.0 - 3 * (2 * REACH_PX + 1) ** 2 / PATCH_PX**2  # the three terms of the plane take this from the sum
        in_bin = float(np.median((rho * together).sum(axis=(1, 2))))
        in_peak = float(np.median(rho.sum(axis=(1, 2)))) / lost
        if in_peak < NO_CORRELATION:
            return Correlation()
        return Correlation(in_bin=max(1.0, in_bin), in_peak=max(1.0, in_bin, in_peak))

    def _cut(self, image: npt.NDArray[np.int32] | npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Return an image in the patches, shape (patches, PATCH_PX, PATCH_PX)."""
        return np.array([image[r : r + PATCH_PX, c : c + PATCH_PX] for r, c in self.corners], dtype=np.float64)


def _lagged(patches: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Sum of products with the patch shifted by up to `REACH_PX`, shape (patches, 2 reach + 1, 2 reach + 1)."""
    size = PATCH_PX + 2 * REACH_PX
    spectrum = np.fft.rfft2(patches, s=(size, size))
    full = np.fft.irfft2(np.abs(spectrum) ** 2, s=(size, size))
    lag = np.arange(-REACH_PX, REACH_PX + 1)
    return np.asarray(full[:, lag[:, None], lag[None, :]])
