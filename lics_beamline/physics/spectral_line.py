"""One emission line on a sloping background: where it is, how well that is known, and when there is none.

For gauges with a single line and for lamp lines. A line is a pseudo-Voigt with Poisson weights; the ruby doublet, whose
lines overlap, has a fit of its own (`ruby_spectrum`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import BadReading
from lics_beamline.physics.line_shape import pseudo_voigt
from lics_beamline.physics.robust_scatter import scatter_of

Array = npt.NDArray[np.float64]

LEAST_SIGNIFICANCE: Final = 8.0  # least height over its error; chance reaches 4 in 250 pixels
CONVERGED_INFO: Final = (1, 2, 3, 4)  # MINPACK's `info` of a finished fit
FITTED_FWHM: Final = 4.0  # fitted to either side, in widths: enough for the background, little room for neighbours
GOOD_CHI2: Final = 3.0  # reduced; what misses its spectrum by more is fitted in another way too, where there is one
# What a fit may miss of the height, beyond noise. Ordinary lines of some 1000 counts miss by up to 0.013 (a Voigt by
# 0.005, stress in the cell by the rest), lines with a hump of 5 % beside them by 0.018 and more.
MISSED_SHARE: Final = 0.015
MISSED_CHI2: Final = 2.0  # reduced; below it nothing is told
MISSED_SHARE_OF_BRIGHT: Final = 0.01  # where there are counts enough to be sure of it
BRIGHT_CHI2: Final = 10.0  # reduced; the shape of an ordinary line of 40 000 counts makes 4
MISSED_NOISES: Final = 1.5  # of the noise between pixels; noise alone, in whatever units, is scattered by 1.2
WORST_MISFIT: Final = 0.06  # of the height, root mean square: a hump or a pair forced into one line misses by 0.09
LEAST_PIXELS: Final = 32  # fewer points are no spectrum
LEAST_PIXEL_NM: Final = 1e-5  # no grating resolves less; a filter as wide as a line has 10^5 points then
MOST_NM: Final = 1e5  # of an axis in nm; it bounds what is reckoned with, the fits look where their lines are
MOST_COUNTS: Final = 1e15  # no detector counts further; sums and squares of it can still be reckoned with
LEAST_COUNTS: Final = 1e-100  # at the maximum; less cannot be squared and divided by, and is no light
MOST_NORMALISED: Final = 20.0  # of normalised counts; 1 or 10 is usual, and 20 counts are no line
MOST_SCALED_COUNTS: Final = 1e5  # at the maximum of a spectrum without noise
CENTRE, LOG_FWHM, MIXING, HEIGHT, FLAT, TILT = range(6)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpectralLine:
    """A fitted line.

    Parameters
    ----------
    centre_nm, centre_sigma_nm : float
        Wavelength of the maximum [nm] and its standard deviation, scaled by the residuals where these exceed noise.
    fwhm_nm : float
        Full width at half height [nm].
    height_counts, background_counts : float
        Height over the background, and the background under the line [counts].
    significance : float
        Height over its standard deviation.
    reduced_chi2 : float
        Of the fit; 1 where Poisson noise is all there is.
    missed_share : float
        Share of its height by which the fit misses the spectrum beyond noise (`missed_share`).
    """

    centre_nm: float
    centre_sigma_nm: float
    fwhm_nm: float
    height_counts: float
    background_counts: float
    significance: float
    reduced_chi2: float
    missed_share: float

    @property
    def doubt(self) -> str:
        """What to look at where the line misses its spectrum, for people; empty where it fits."""
        return misfit("the line", self.reduced_chi2, self.missed_share, self.centre_sigma_nm)


def missed_share(pulls: Array, error: Array, near: npt.NDArray[np.bool_], height: float) -> float:
    """Return by which share of its height a fit misses a line beyond noise.

    Chi2 alone does not tell: of a million counts the noise is a thousandth, and the shape that no fit quite has is
    more than that; and counts in other units than quanta have a chi2 of their own.

    Parameters
    ----------
    pulls : ndarray
        Spectrum minus fit, over its error, in the order of the pixels.
    error : ndarray
        Standard deviation of each pixel [counts]; any common factor may be wrong.
    near : ndarray of bool
        Pixels of the line.
    height : float
        Of the line over its background [counts].

    Returns
    -------
    float
        From 0, where what is missed is no more than what pixels scatter from one to the next.
    """
    if pulls.size < 2 or not near.any() or not height > 0.0:
        return 0.0
    noise = scatter_of(np.diff(pulls)) / math.sqrt(2.0)
    missed = scatter_of(pulls[near])
    if missed < MISSED_NOISES * noise:
        return 0.0
    return math.sqrt(missed**2 - noise**2) * float(np.median(error[near])) / height


def misfit(what: str, reduced_chi2: float, share: float, sigma_nm: float) -> str:
    """Say that a fit misses its spectrum, and what to look at; empty where it does not.

    Parameters
    ----------
    what : str
        What was fitted.
    reduced_chi2 : float
        Of the fit.
    share : float
        By which the line is missed, of its height (`missed_share`).
    sigma_nm : float
        Standard deviation of its line [nm].
    """
    allowed = MISSED_SHARE_OF_BRIGHT if reduced_chi2 >= BRIGHT_CHI2 else MISSED_SHARE
    if reduced_chi2 < MISSED_CHI2 or share < allowed:
        return ""
    return (
        f"{what} misses its spectrum by {100.0 * share:.1f} % of its height, of which its shape accounts for "
        f"{100.0 * allowed:g} %: chi2 is {reduced_chi2:.1f}. The line is uncertain by {sigma_nm:.3f} nm at least. "
        "Look at the spectrum for a second "
        "crystal, other light, or a line broadened by stress."
    )


def numbers(values: npt.ArrayLike) -> Array:
    """Return values as an array of numbers; an empty one where they are none, as a PV may give anything."""
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return np.empty(0)


def is_spectrum(x: Array, y: Array) -> bool:
    """Tell whether wavelengths [nm] and counts are a spectrum: two finite rows of one length, wavelengths rising."""
    if x.ndim != 1 or x.size < LEAST_PIXELS or x.shape != y.shape or not np.isfinite(x).all():
        return False
    return bool(np.all(np.abs(y) <= MOST_COUNTS) and x[0] > 0.0 and np.all(np.diff(x) > 0.0)) and (
        bool(np.median(np.diff(x)) >= LEAST_PIXEL_NM) and bool(x[-1] < MOST_NM)
    )


def checked_spectrum(wavelength_nm: npt.ArrayLike, counts: npt.ArrayLike) -> tuple[Array, Array]:
    """Return wavelengths and counts as arrays.

    Raises
    ------
    BadReading
        With ``facts["reason"]`` ``corrupt`` if they are not two finite rows of one length, wavelengths rising.
    """
    x, y = numbers(wavelength_nm), numbers(counts)
    if not is_spectrum(x, y):
        raise BadReading(
            f"spectrum is no reading (corrupt): {x.shape} wavelengths and {y.shape} counts, which must be 32 or more, "
            "finite, with rising wavelengths. Read the spectrometer again.",
            reason="corrupt",
        )
    return x, y


def count_scale(counts: Array) -> float:
    """Return what normalised counts are multiplied by, so that their noise is what counting makes of them; else 1.

    Notes
    -----
    A spectrum divided by its maximum says no more how much was counted; its scatter between pixels does. Whole numbers,
    and all that goes beyond `MOST_NORMALISED`, are counts as they are.
    """
    finite = counts[np.isfinite(counts)]
    if finite.size < LEAST_PIXELS or finite.max() > MOST_NORMALISED or np.array_equal(finite, np.rint(finite)):
        return 1.0
    bends = np.diff(finite, 2)
    scatter = scatter_of(bends - np.median(bends)) / math.sqrt(6.0)
    top = float(finite.max())
    if not top > LEAST_COUNTS:
        return 1.0
    level = max(float(np.median(finite)), scatter, 1e-12 * top)
    return min(level / max(scatter, 1e-12 * top) ** 2, MOST_SCALED_COUNTS / top)


def noise_counts(counts: Array) -> Array:
    """Return the standard deviation of each pixel [counts]: Poisson, but not below the scatter of the spectrum."""
    steps = np.diff(counts)
    scatter = scatter_of(steps - np.median(steps)) / math.sqrt(2.0)
    return np.sqrt(np.maximum(np.maximum(counts, 1.0), scatter**2))


def fit_line(wavelength_nm: Array, counts: Array, *, start_nm: float, fwhm_nm: float) -> SpectralLine | None:
    """Fit one line, or return None where there is none within two widths of the start.

    Parameters
    ----------
    wavelength_nm, counts : ndarray
        Spectrum as `checked_spectrum` returns it.
    start_nm, fwhm_nm : float
        Expected wavelength and width [nm].

    Returns
    -------
    SpectralLine or None
        The line; None where nothing stands out by eight times its error, or what does has no line's width.
    """
    from scipy.optimize import leastsq

    near = np.abs(wavelength_nm - start_nm) < max(FITTED_FWHM * fwhm_nm, 6.0 * float(np.median(np.diff(wavelength_nm))))
    x, y = wavelength_nm[near], counts[near]
    if x.size < 9:
        return None
    middle = x - start_nm
    noise = noise_counts(counts)[near]
    edge = float(np.percentile(y, 25.0))
    values = np.array([start_nm, math.log(fwhm_nm), 0.3, max(float(y.max()) - edge, 1.0), edge, 0.0])

    def model(p: Array) -> Array:
        u = 2.0 * (x - p[CENTRE]) * math.exp(-min(max(p[LOG_FWHM], -15.0), 15.0))
        return np.asarray(p[HEIGHT] * pseudo_voigt(u, p[MIXING]).value + p[FLAT] + p[TILT] * middle)

    covariance, residual = np.zeros((6, 6)), y
    for _ in range(2):
        values, found, info, _, status = leastsq(
            lambda p, noise: (model(p) - y) / noise, values, args=(noise,), full_output=True, maxfev=600
        )
        if status not in CONVERGED_INFO or found is None:
            return None
        covariance, residual = found, info["fvec"]
        noise = np.maximum(np.sqrt(np.maximum(model(values), 1.0)), noise.min())  # counts as weights bias fits low
    reduced_chi2 = float(residual @ residual) / max(x.size - values.size, 1)
    sigma = np.sqrt(np.diag(covariance) * max(reduced_chi2, 1.0))
    fwhm = math.exp(min(values[LOG_FWHM], 15.0))
    significance = float(values[HEIGHT] / sigma[HEIGHT]) if sigma[HEIGHT] > 0.0 else 0.0
    pixel_nm = float(np.median(np.diff(x)))
    misfit = math.sqrt(float(np.mean((model(values) - y) ** 2)))
    if (
        (misfit > WORST_MISFIT * values[HEIGHT] and reduced_chi2 > GOOD_CHI2)
        or significance < LEAST_SIGNIFICANCE
        or abs(values[CENTRE] - start_nm) > 2.0 * fwhm_nm
        or not max(0.5 * pixel_nm, 0.2 * fwhm_nm) < fwhm < 3.0 * fwhm_nm
    ):
        return None
    return SpectralLine(
        centre_nm=float(values[CENTRE]),
        centre_sigma_nm=float(sigma[CENTRE]),
        fwhm_nm=fwhm,
        height_counts=float(values[HEIGHT]),
        background_counts=float(values[FLAT] + values[TILT] * (values[CENTRE] - start_nm)),
        significance=significance,
        reduced_chi2=reduced_chi2,
        missed_share=missed_share(residual, noise, np.abs(x - values[CENTRE]) < fwhm, float(values[HEIGHT])),
    )


def peaks_nm(wavelength_nm: Array, counts: Array, *, fwhm_nm: float) -> list[tuple[float, float]]:
    """Wavelengths [nm] where a line of a width stands out, each with its significance, the strongest first.

    Parameters
    ----------
    wavelength_nm, counts : ndarray
        Spectrum as `checked_spectrum` returns it.
    fwhm_nm : float
        Expected width of the lines [nm].

    Notes
    -----
    Matched filter: a Gaussian of zero mean, over the noise it has in the same place.
    """
    pixel_nm = float(np.median(np.diff(wavelength_nm)))
    reach = max(3, math.ceil(1.5 * fwhm_nm / pixel_nm))
    offset = np.arange(-reach, reach + 1) * pixel_nm
    template = np.exp(-4.0 * math.log(2.0) * (offset / fwhm_nm) ** 2)
    template -= template.mean()
    response = np.correlate(np.pad(counts, reach, mode="edge"), template, "valid")
    variance = np.correlate(np.pad(noise_counts(counts) ** 2, reach, mode="edge"), template**2, "valid")
    significance = response / np.sqrt(variance)
    highest = np.lib.stride_tricks.sliding_window_view(np.pad(significance, reach, mode="edge"), 2 * reach + 1).max(
        axis=1
    )
    found = np.flatnonzero((significance == highest) & (significance > LEAST_SIGNIFICANCE))
    return sorted(((float(wavelength_nm[i]), float(significance[i])) for i in found), key=lambda peak: -peak[1])
