"""The loops of phases fitted to a pattern, compiled: lines in windows, and sums over the bins where two of them meet.

Import this where it is used: numba takes a second to load.
"""

from __future__ import annotations

import math
from typing import Any

from lics_beamline.lines.compilation import compiled
from lics_beamline.lines.line_equations import COARSE_FWHM_BINS, in_bin


@compiled
def draw_lines(
    start: float, step: float, size: int, centre: Any, fwhm: Any, mixing: float, first: Any, shape: Any, slope: Any
) -> None:
    """Write lines of area 1 and their slopes by the centre into windows of shape (lines, bins), and where these begin.

    `start` is the first bin of `size`, of width `step`; what of a window lies outside of them is left as it is.
    """
    reach = shape.shape[1] // 2
    gauss, lorentz = math.sqrt(math.pi / (4.0 * math.log(2.0))), 0.5 * math.pi
    for k in range(centre.size):
        half = 0.5 * fwhm[k]
        area = fwhm[k] * (mixing * lorentz + (1.0 - mixing) * gauss)
        width = step / half if half < 0.5 * COARSE_FWHM_BINS * step else 0.0
        begin = math.floor((centre[k] - start) / step + 0.5) - reach
        first[k] = begin
        for j in range(shape.shape[1]):
            if 0 <= begin + j < size:
                u = (start + (begin + j) * step - centre[k]) / half
                value, by_u, _, _ = in_bin(u, width, mixing)
                shape[k, j] = value / area
                slope[k, j] = -by_u / half / area


@compiled
def overlaps(first: Any, shape: Any, other_first: Any, other: Any, weight: Any, found: Any) -> None:
    """Write the weighted sums of products of lines and other lines into `found`, of shape (lines, others)."""
    width = shape.shape[1]
    for i in range(first.size):
        for k in range(other_first.size):
            low = max(first[i], other_first[k], 0)
            high = min(first[i] + width, other_first[k] + width, weight.size)
            total = 0.0
            for bin_ in range(low, high):
                total += weight[bin_] * shape[i, bin_ - first[i]] * other[k, bin_ - other_first[k]]
            found[i, k] = total
