"""Peaks of a powder pattern: found where the smoothed pattern stands out, fitted with pseudo-Voigts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.diffraction.pattern import Pattern
from lics_beamline.physics.line_shape import area_of_unit_line, pseudo_voigt

Array = npt.NDArray[np.float64]

SMOOTHING_BINS: Final = (
    3.0,
    8.0,
)  # full widths of the smoothing: the first keeps neighbours apart, the second dim lines
PEAK_SIGMAS: Final = 5.0  # noise passes 5 sigma once in 700 patterns of 2500 bins
CLOSE_FWHM: Final = 3.0  # peaks closer than this are fitted together
REACH_FWHM: Final = 3.0  # fitted beyond the outermost peak
WIDEST_BINS: Final = 60.0  # a fitted line broader than this is background


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """One fitted peak.

    Parameters
    ----------
    two_theta_deg, two_theta_sigma_deg : float
        Position and its standard deviation from the fit [deg], enlarged by the pattern's correlation, and by the
        residuals where they are larger than the pattern's errors.
    d_angstrom, d_sigma_angstrom : float
        The same as a spacing [angstrom].
    height, height_sigma : float
        Above the background, in the unit of the pattern.
    area : float
        Height integrated over two-theta [unit of the pattern x deg].
    fwhm_deg : float
        Full width at half height [deg].
    mixing : float
        Lorentz fraction.
    background : float
        Under the peak.
    """

    two_theta_deg: float
    two_theta_sigma_deg: float
    d_angstrom: float
    d_sigma_angstrom: float
    height: float
    height_sigma: float
    area: float
    fwhm_deg: float
    mixing: float
    background: float

    @property
    def significance(self) -> float:
        """Height over its standard deviation."""
        return self.height / self.height_sigma


def find_peaks(
    pattern: Pattern, *, significance: float = PEAK_SIGMAS, two_theta_deg: tuple[float, float] | None = None
) -> tuple[Peak, ...]:
    """Find and fit the peaks of a pattern.

    Parameters
    ----------
    pattern : Pattern
        The pattern.
    significance : float
        Least height of a peak over its error.
    two_theta_deg : tuple of float, optional
        Only peaks in this range [deg].

    Returns
    -------
    tuple of Peak
        By rising angle; empty where there is none.
    """
    good = np.isfinite(pattern.intensity) & (pattern.sigma > 0.0)
    if np.count_nonzero(good) < 4 * SMOOTHING_BINS[-1]:
        return ()
    candidates = _candidates(pattern, good, significance)
    x, y, sigma = pattern.two_theta_deg[good], pattern.intensity[good], pattern.sigma[good]
    peaks: list[Peak] = []
    for group in _groups(candidates, pattern.step_deg):
        peaks += _fit_group(x, y, sigma, group, pattern)
    low, high = two_theta_deg or (-math.inf, math.inf)
    return tuple(
        peak
        for peak in sorted(peaks, key=lambda peak: peak.two_theta_deg)
        if peak.significance >= significance and low <= peak.two_theta_deg <= high
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    centre_deg: float
    fwhm_bins: float
    height: float


def _candidates(pattern: Pattern, good: npt.NDArray[np.bool_], threshold: float) -> list[_Candidate]:
    """Maxima of the smoothed pattern that stand out from their surroundings by more than noise."""
    from scipy.signal import find_peaks as maxima
    from scipy.signal import peak_widths

    index = np.arange(good.size)
    y = np.interp(index, index[good], pattern.intensity[good])
    variance = np.interp(index, index[good], pattern.sigma[good] ** 2)
    kept: list[_Candidate] = []
    scale = 1.0
    for smoothing in SMOOTHING_BINS:
        reach = math.ceil(2.0 * smoothing)
        kernel = np.exp(-4.0 * math.log(2.0) * (np.arange(-reach, reach + 1) / smoothing) ** 2)
        kernel /= kernel.sum()
        smooth = np.convolve(np.pad(y, reach, mode="edge"), kernel, "valid")
        noise = np.sqrt(np.convolve(np.pad(variance, reach, mode="edge"), kernel**2, "valid"))
        if smoothing == SMOOTHING_BINS[0]:
            expected = np.sqrt(variance * (1.0 - 2.0 * kernel[reach] + float(kernel @ kernel)))
            scatter = 1.4826 * float(np.median(np.abs(y - smooth) / expected))  # 1.4826: MAD of a normal distribution
            scale = max(pattern.correlation, scatter)
        top, facts = maxima(smooth, prominence=threshold * scale * float(noise.min()), wlen=int(2 * WIDEST_BINS) + 1)
        prominence = facts["prominences"]
        widths = peak_widths(smooth, top, 0.5, (prominence, facts["left_bases"], facts["right_bases"]))[0]
        for i, width, rise in zip(top, widths, prominence, strict=True):
            fwhm = math.sqrt(max(float(width) ** 2 - smoothing**2, 2.0))
            centre = float(pattern.two_theta_deg[i])
            known = any(
                abs(centre - other.centre_deg) < max(fwhm, other.fwhm_bins, smoothing) * pattern.step_deg
                for other in kept
            )
            if good[i] and rise > threshold * scale * noise[i] and fwhm < WIDEST_BINS and not known:
                kept.append(_Candidate(centre_deg=centre, fwhm_bins=fwhm, height=float(rise) * float(width) / fwhm))
    return kept


def _groups(candidates: list[_Candidate], step_deg: float) -> list[list[_Candidate]]:
    """Candidates that overlap, together."""
    groups: list[list[_Candidate]] = []
    for candidate in sorted(candidates, key=lambda candidate: candidate.centre_deg):
        if groups:
            last = groups[-1][-1]
            width = max(last.fwhm_bins, candidate.fwhm_bins) * step_deg
            if candidate.centre_deg - last.centre_deg < CLOSE_FWHM * width:
                groups[-1].append(candidate)
                continue
        groups.append([candidate])
    return groups


def _fit_group(x: Array, y: Array, sigma: Array, group: list[_Candidate], pattern: Pattern) -> list[Peak]:
    """Fit the peaks of a group together, one mixing for all, on a straight background."""
    reach = REACH_FWHM * pattern.step_deg
    window = (x > group[0].centre_deg - reach * group[0].fwhm_bins) & (
        x < group[-1].centre_deg + reach * group[-1].fwhm_bins
    )
    x, y, weight = x[window], y[window], 1.0 / sigma[window]
    if x.size < 3 * len(group) + 6:
        return []
    step = pattern.step_deg
    start = [v for c in group for v in (c.centre_deg, math.log(0.5 * c.fwhm_bins * step), c.height)]
    start += [float(np.percentile(y, 20.0)), 0.0]
    # A dim peak says little about its wings: where the mixing leaves its range, it is held at the end of it.
    fit = _least_squares(x, y, weight, np.array([*start, 0.4]), None)
    if fit is None or not 0.0 <= fit.mixing <= 1.0:
        fit = _least_squares(x, y, weight, np.array(start), 1.0 if fit is not None and fit.mixing > 1.0 else 0.0)
    if fit is None:
        return []
    peaks = []
    for k, candidate in enumerate(group):
        centre, log_half, height = (float(v) for v in fit.values[3 * k : 3 * k + 3])
        errors = pattern.correlation * fit.errors[3 * k : 3 * k + 3]
        fwhm = 2.0 * math.exp(min(max(log_half, -12.0), 5.0))
        strayed = abs(centre - candidate.centre_deg) > 1.5 * candidate.fwhm_bins * step
        if strayed or height <= 0.0 or not step < fwhm < WIDEST_BINS * step:
            continue
        theta = math.radians(centre) / 2.0
        d = pattern.wavelength_angstrom / (2.0 * math.sin(theta))
        peaks.append(
            Peak(
                two_theta_deg=centre,
                two_theta_sigma_deg=float(errors[0]),
                d_angstrom=d,
                d_sigma_angstrom=d / math.tan(theta) * math.radians(float(errors[0])) / 2.0,
                height=height,
                height_sigma=float(errors[2]),
                area=height * area_of_unit_line(fwhm, fit.mixing),
                fwhm_deg=fwhm,
                mixing=fit.mixing,
                background=fit.background(centre),
            )
        )
    return peaks


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _PeakFits:
    """Position, log of half width and height of each peak, with errors scaled by the residuals; and the background."""

    values: Array
    errors: Array
    mixing: float
    level: float
    slope_per_deg: float
    middle_deg: float

    def background(self, two_theta_deg: float) -> float:
        return self.level + self.slope_per_deg * (two_theta_deg - self.middle_deg)


def _least_squares(x: Array, y: Array, weight: Array, start: Array, mixing: float | None) -> _PeakFits | None:
    """Fit peaks and background; the mixing is the last of `start`, or held where it is given. None where it failed."""
    from scipy.optimize import leastsq

    free = mixing is None
    count = (start.size - 2 - free) // 3
    level, tilt = 3 * count, 3 * count + 1
    middle, half_range = 0.5 * (x[0] + x[-1]), 0.5 * (x[-1] - x[0])
    t = (x - middle) / half_range

    def curve(p: Array) -> tuple[Array, Array]:
        wings = float(p[-1]) if mixing is None else mixing
        slope = np.zeros((p.size, x.size))
        slope[level], slope[tilt] = 1.0, t
        value = p[level] + p[tilt] * t
        for k in range(count):
            centre, log_half, height = p[3 * k : 3 * k + 3]
            half_width = math.exp(min(max(log_half, -12.0), 5.0))
            u = (x - centre) / half_width
            shape = pseudo_voigt(u, wings)
            value = value + height * shape.value
            slope[3 * k] = -height * shape.by_u / half_width
            slope[3 * k + 1] = -height * shape.by_u * u
            slope[3 * k + 2] = shape.value
            if free:
                slope[-1] += height * shape.by_mixing
        return value, slope

    values, covariance, info, _, status = leastsq(
        lambda p: weight * (curve(p)[0] - y),
        start,
        Dfun=lambda p: weight * curve(p)[1],
        col_deriv=True,
        full_output=True,
        maxfev=200,
    )
    if status not in (1, 2, 3, 4) or covariance is None:
        return None
    chi2 = float(info["fvec"] @ info["fvec"]) / (x.size - values.size)
    return _PeakFits(
        values=values[:level],
        errors=np.sqrt(np.diag(covariance) * max(1.0, chi2))[:level],
        mixing=float(values[-1]) if mixing is None else mixing,
        level=float(values[level]),
        slope_per_deg=float(values[tilt]) / half_range,
        middle_deg=middle,
    )
