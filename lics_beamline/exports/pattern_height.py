"""A pattern as it is drawn among others: above its background, on a scale on which weak lines are seen."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

BACKGROUND_SHARE: Final = 25  # of a pattern is wider than any line, and follows its background
LEAST_HEIGHT: Final = 1e-12  # below which a pattern has no line at all


def above_background(intensity: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return a pattern above a rolling lower envelope, on a square-root scale, its strongest line 1.

    Parameters
    ----------
    intensity : ndarray, shape (bins,)
        In any unit; where there is no number, the weakest is taken.

    Returns
    -------
    ndarray, shape (bins,)
        From 0 to 1; zeros where there is no line, or no number.
    """
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    finite = np.isfinite(intensity)
    if not finite.any():
        return np.zeros(intensity.shape)
    filled = np.where(finite, intensity, np.min(intensity[finite]))
    width = max(filled.size // BACKGROUND_SHARE, 3)
    floor = uniform_filter1d(minimum_filter1d(filled, width), width)
    above = np.sqrt(np.clip(filled - floor, 0.0, None))
    return np.asarray(above / max(float(above.max()), LEAST_HEIGHT))
