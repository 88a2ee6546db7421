"""What lines add to a pattern: its light without the background, how sure it is, and how wide a line is where."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.lines.line_fit import ProfileLine, light_of_all
from lics_beamline.lines.peaks import Peak
from lics_beamline.patterns.pattern import Pattern

Array = npt.NDArray[np.float64]

PROFILE_ERROR: Final = 0.05  # of the light of the lines: what a profile of the usual width and mixing is off
WING_ERROR: Final = 2e-3  # of the tallest line near: what its wings are off, cut as they are
WING_FWHM: Final = 12.0  # so near
BACKGROUND_DOUBT: Final = 0.1  # of the light of the lines: so little does the background follow what is under them
STIFF_OF_RANGE: Final = 0.05  # period above which what varies is background: a degree or so, twenty lines wide
SURE_WIDTH_SIGMAS: Final = 15.0  # significance of a peak whose width tells that of others
SURE_WIDTHS: Final = 4  # of them, or all lines are as wide as the middle one
USUAL_WIDTHS: Final = (0.5, 1.8)  # times the middle one: others are spots, or blends of lines
LIKE_WIDTHS: Final = (0.7, 1.25)  # times the fitted one; blends are left out
WIDTH_ROUNDS: Final = 3  # of leaving out
MOST_WEIGHT_SIGMAS: Final = 100.0  # above which a peak says no more of a width: profiles are not that like


class PatternLight:
    """A pattern less its background, with weights and the usual shape of its lines.

    Parameters
    ----------
    pattern : Pattern
        The pattern.
    peaks : sequence of Peak
        Its peaks.
    """

    def __init__(self, pattern: Pattern, peaks: Sequence[Peak]) -> None:
        from scipy.ndimage import maximum_filter1d

        from lics_beamline.lines.line_equations import smooth_curve

        good = np.isfinite(pattern.intensity) & (pattern.sigma > 0.0)
        index = np.arange(good.size)
        self.step = pattern.step_deg
        self.wavelength_angstrom = pattern.wavelength_angstrom
        self.x: Array = np.asarray(pattern.two_theta_deg)
        self.first_deg, self.last_deg = (float(self.x[good][end]) for end in (0, -1))
        intensity = np.interp(index, index[good], pattern.intensity[good])
        variance = np.interp(index, index[good], pattern.sigma[good] ** 2)
        variance = np.convolve(np.pad(variance, 1, mode="edge"), [0.25, 0.5, 0.25], "valid")
        lines = [
            ProfileLine(centre=peak.two_theta_deg, fwhm=peak.fwhm_deg, height=peak.height, mixing=peak.mixing)
            for peak in peaks
        ]
        bright = light_of_all(lines, self.x, self.step)
        variance *= pattern.correlation**2
        weight = good / (variance + (BACKGROUND_DOUBT * bright) ** 2)
        weight /= np.median(weight[good])
        background = intensity - bright
        smooth_curve(weight, (STIFF_OF_RANGE * good.size / (2.0 * math.pi)) ** 4, background)
        self.light: Array = intensity - background
        far = 2 * math.ceil(WING_FWHM * float(np.median([peak.fwhm_deg for peak in peaks])) / self.step) + 1
        wings = WING_ERROR * maximum_filter1d(bright, far)
        self.weight: Array = good / (variance + (PROFILE_ERROR * bright) ** 2 + wings**2)
        self.peak_deg = np.array([peak.two_theta_deg for peak in peaks])
        self.peak_fwhm = np.array([peak.fwhm_deg for peak in peaks])
        self.peak_sigmas = np.array([peak.significance for peak in peaks])
        self.peak_area = np.array([peak.area for peak in peaks])
        mixing = weighted_median(np.array([peak.mixing for peak in peaks]), self.peak_sigmas)
        self.mixing = min(max(mixing, 0.0), 1.0)
        self._width = self._fitted_width()

    @property
    def d_range_angstrom(self) -> tuple[float, float]:
        """Smallest and largest spacing that the pattern reaches [angstrom]."""
        low, high = (
            self.wavelength_angstrom / (2.0 * math.sin(math.radians(max(angle, 1e-3)) / 2.0))
            for angle in (self.last_deg, self.first_deg)
        )
        return low, high

    def fwhm(self, two_theta_deg: Array) -> Array:
        """Return the usual width of lines at angles [deg]."""
        level, slope, low, high = self._width
        return np.asarray(np.clip(level + slope * np.tan(np.radians(two_theta_deg) / 2.0), low, high))

    def _fitted_width(self) -> tuple[float, float, float, float]:
        """Fit a width that is straight in tan(theta) to the sure peaks; blends of lines are left out."""
        usual = float(np.median(self.peak_fwhm))
        low, high = (times * usual for times in USUAL_WIDTHS)
        sure = (self.peak_sigmas > SURE_WIDTH_SIGMAS) & (self.peak_fwhm > low) & (self.peak_fwhm < high)
        tangent = np.tan(np.radians(self.peak_deg) / 2.0)
        for _ in range(WIDTH_ROUNDS):
            if np.count_nonzero(sure) < SURE_WIDTHS:
                return usual, 0.0, low, high
            weight = np.minimum(self.peak_sigmas[sure], MOST_WEIGHT_SIGMAS)
            middle = float(np.average(tangent[sure], weights=weight))
            mean = float(np.average(self.peak_fwhm[sure], weights=weight))
            lever = weight * (tangent[sure] - middle)
            slope = float(lever @ self.peak_fwhm[sure]) / max(float(lever @ tangent[sure]), 1e-12)
            level = mean - slope * middle
            off = self.peak_fwhm / np.clip(level + slope * tangent, low, high)
            sure = sure & (off > LIKE_WIDTHS[0]) & (off < LIKE_WIDTHS[1])
        return level, slope, low, high


def weighted_median(values: Array, weights: Array) -> float:
    """Return the value at which half of the weight is reached."""
    order = np.argsort(values)
    share = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(share, 0.5 * share[-1])])
