"""The ruby doublet in a fluorescence spectrum: where R1 is, how well that is known, and when there is no line to read.

Two pseudo-Voigts of one mixing on a quadratic background, fitted with Poisson weights. Where the residuals show that
the lines lean to one side (a tail biases R1 by up to 0.02 GPa), one common asymmetry is fitted too; where they show
other light under the lines, two more powers of the background, and by how much that moves R1 is part of its error. R1
is the wavelength of the line's maximum.

How wide the lines are is for the spectrum to say: the width expected at the temperature is only the first start. A fit
that ran away, or misses the spectrum, begins again from other widths before anything is refused.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import BadReading
from lics_beamline.physics.doublet_curve import (
    BACKGROUND_TERMS,
    FLAT,
    HEIGHT_1,
    HEIGHT_2,
    LEAN,
    LOG_FWHM_1,
    LOG_FWHM_2,
    MIXING,
    R1,
    SPLIT,
    doublet,
)
from lics_beamline.physics.robust_scatter import scatter_of
from lics_beamline.physics.ruby_line import RubyLine
from lics_beamline.physics.ruby_temperature import CORRECTIONS
from lics_beamline.physics.spectral_line import CONVERGED_INFO, GOOD_CHI2, count_scale, is_spectrum, numbers
from lics_beamline.physics.unresolved_doublet import fit_unresolved

Array = npt.NDArray[np.float64]
Known = tuple[Array, Array]  # weights on the parameters, and values, of what is known besides the spectrum

AMBIENT_R1_NM: Final = 694.25  # R1 in air at 298 K, Shen et al. 2020; only to know where to look
BLUE_LIMIT_NM: Final = 0.8  # searched below the unshifted line: 100 K of wrong temperature, or a drifted spectrometer
RED_LIMIT_NM: Final = 7.0  # searched above: R1 moves 0.365 nm/GPa (Mao 1986), so to about 18 GPa
MEGABAR_SHIFT_NM: Final = 50.0  # the same to 150 GPa (Dewaele 2008), for spectra of other cells than ours
SPLITTING_NM: Final = 1.43  # R1 - R2 at 298 K: 29.7 cm-1 from the two lines of Ragan et al. 1992; start value
RATIO_298_K: Final = 0.62  # height of R2 over that of R1 at 298 K; start value, the two real spectra have 0.59 and 0.54
HC_OVER_K_CM_K: Final = 1.438776877  # second radiation constant [cm K], CODATA 2018
SPLITTING_PER_CM: Final = 29.7  # the same splitting as an energy, for the Boltzmann ratio
FWHM_298_K_NM: Final = 0.39  # start value of the width at 298 K; the fit finds the real one
FWHM_SLOPE_NM_PER_K: Final = 1.85e-3  # start value: 0.76 nm at 498 K
WINDOW_NM: Final = (5.0, 4.0)  # fitted below and above R1: wider lets the vibronic bands bend the background
DARK_SIGNIFICANCE: Final = 8.0  # least height of the matched filter over its noise; chance reaches 4 in 250 pixels
FLAT_TOP_PIXELS: Final = 4  # equal neighbours at the maximum: by chance once in 50 000 spectra of 100 counts
OUTLIER_SIGMA: Final = 7.0  # a pixel so far off the fit is a cosmic ray
LEAN_CHI2: Final = 25.0  # fall of chi2, in units of the scatter, that pays for an asymmetry: 5 sigma
FURTHER_POWERS: Final = 2  # of the background, fitted where they pay as much
STEEPEST_RISE: Final = 0.3  # a line four pixels wide rises 0.19 above the median of its five pixels
OTHER_WIDTHS_NM: Final = (0.06, 0.12, 0.25, 0.5, 1.0, 1.6)  # further starts: spectrometers of 0.05 to 1.5 nm, 4-700 K
BETTER_CHI2_SHARE: Final = 0.9  # of the chi2 of an earlier fit, at most, lets a later one be believed instead
COLDEST_SHIFT_K: Final = 50.0  # below it R1 hardly moves (Datchi 2007 ends there); to know where to look
FAINT_RATIO: Final = 0.2  # R2 over R1, below 30 K: less than any lost line has; R2 is then held near where it must be
COARSE_PIXEL_SHARE: Final = 0.35  # of the splitting: lines two of such pixels wide have no valley between them
SMALL_PIXEL_SHARE: Final = 0.15  # of the splitting: smaller pixels show any doublet, and what they do not show is none
UNRESOLVED_SHARE: Final = 0.75  # of the splitting: lines that wide have no valley between them
UNRESOLVED_SHAPE: Final = 0.008  # of the width: by so much a Voigt that wide moves the fit of two pseudo-Voigts
MIXING_RANGE: Final = (-0.3, 1.5)  # a fit outside has run away: 0 is a Gaussian, 1 a Lorentzian


def fit_doublet(
    wavelength_nm: npt.ArrayLike,
    counts: npt.ArrayLike,
    *,
    temperature_k: float,
    saturation_counts: float | None = None,
    highest_shift_nm: float = RED_LIMIT_NM,
) -> RubyLine:
    """Find and fit the ruby doublet of a spectrum.

    Parameters
    ----------
    wavelength_nm : array_like
        Rising wavelengths [nm], one a pixel; in air or in vacuum, as the ruler then expects the lines.
    counts : array_like
        Counts of the same pixels.
    temperature_k : float
        Temperature of the ruby [K], up to 900; says where to look, and how strong R2 must be.
    saturation_counts : float, optional
        Count at which a pixel is full; without it, a flat top of the lines betrays saturation.
    highest_shift_nm : float
        How far above the unshifted line R1 is looked for [nm]. The less, the less else can be taken for ruby.

    Returns
    -------
    RubyLine
        The doublet.

    Raises
    ------
    BadReading
        With ``facts["reason"]``: ``corrupt``, ``dark``, ``saturated``, ``one line lost``, ``not resolved`` or ``not
        converged``.
    OutsideCalibration
        If the temperature is above 900 K.
    """
    x, y = numbers(wavelength_nm), numbers(counts)
    if not is_spectrum(x, y):
        raise _bad(
            "corrupt", f"{x.shape} wavelengths and {y.shape} counts are no spectrum", "Read the spectrometer again"
        )
    scale = count_scale(y)  # of a spectrum that a program has divided by its maximum
    full = saturation_counts and scale * saturation_counts
    line = _read(x, scale * y, temperature_k, full, highest_shift_nm)
    terms = tuple(term / scale for term in line.background_terms_counts)
    return replace(line, height_counts=line.height_counts / scale, background_terms_counts=terms)


def _read(x: Array, y: Array, temperature_k: float, full: float | None, highest_shift_nm: float) -> RubyLine:
    """Return the doublet, resolved where the pixels allow it."""
    seen_k = max(temperature_k, COLDEST_SHIFT_K)
    unshifted = AMBIENT_R1_NM + CORRECTIONS["datchi-2007"].shift_nm(seen_k, 298.0)
    near = (x > unshifted - BLUE_LIMIT_NM - SPLITTING_NM) & (x < unshifted + highest_shift_nm)
    pixel_nm = float(np.median(np.diff(x[near]))) if near.sum() > 1 else float(np.median(np.diff(x)))

    def held() -> RubyLine:
        _refuse_saturation(y[near], full)
        return fit_unresolved(
            x,
            y,
            lowest_nm=unshifted - BLUE_LIMIT_NM,
            highest_nm=unshifted + highest_shift_nm,
            splitting_nm=SPLITTING_NM,
            ratio=_expected_ratio(temperature_k),
        )

    if pixel_nm > COARSE_PIXEL_SHARE * SPLITTING_NM and near.sum() > 1:
        return held()
    try:
        return _resolved(x, y, temperature_k, full, highest_shift_nm)
    except BadReading as refusal:
        if refusal.facts["reason"] in ("dark", "saturated") or pixel_nm < SMALL_PIXEL_SHARE * SPLITTING_NM:
            raise
        try:
            return held()
        except BadReading:
            raise refusal from None


def _resolved(x: Array, y: Array, temperature_k: float, full: float | None, highest_shift_nm: float) -> RubyLine:
    found: list[RubyLine] = []
    refusal: BadReading | None = None
    for start_nm, fwhm_nm in _starts(x, y, temperature_k, highest_shift_nm):
        for faint in (True, False) if _expected_ratio(temperature_k) < FAINT_RATIO else (False,):
            try:
                line = _fitted(x, y, start_nm, fwhm_nm, temperature_k, full, faint=faint)
            except BadReading as error:
                if error.facts["reason"] == "saturated":
                    raise
                refusal = refusal or error
            else:
                found.append(line)
        if found and found[-1].reduced_chi2 < GOOD_CHI2:
            break
    if not found:
        raise refusal or _bad("not converged", "no start led to a doublet", "Look at the spectrum")
    best = found[0]
    for line in found[1:]:
        if line.reduced_chi2 < BETTER_CHI2_SHARE * best.reduced_chi2:
            best = line
    return best


def _fitted(
    x: Array,
    y: Array,
    start_nm: float,
    fwhm_nm: float,
    temperature_k: float,
    saturation_counts: float | None,
    *,
    faint: bool,
) -> RubyLine:
    """Fit from one start; raises `BadReading` where the fit is no doublet."""
    window = (x > start_nm - WINDOW_NM[0]) & (x < start_nm + WINDOW_NM[1]) & ~_spikes(y)
    x, y = x[window], y[window]
    _refuse_saturation(y, saturation_counts)
    start = _start_values(x, y, start_nm, fwhm_nm, temperature_k)
    held = _known(start, temperature_k, split_nm=0.05, width=0.2, height=0.5) if faint else None
    values, covariance, chi2, freedom = _fit(x, y, start, held)
    if held is None and math.exp(min(values[LOG_FWHM_1], 20.0)) > UNRESOLVED_SHARE * SPLITTING_NM:
        held = _known(start, temperature_k, split_nm=0.02, width=0.05, height=0.15)
        values, covariance, chi2, freedom = _fit(x, y, start, held)
    elif held is None and not MIXING_RANGE[0] < values[MIXING] < MIXING_RANGE[1]:
        held = _a_line_of_some_mixing(start.size)
        values, covariance, chi2, freedom = _fit(x, y, start, held)
        if math.exp(min(values[LOG_FWHM_1], 20.0)) > UNRESOLVED_SHARE * SPLITTING_NM:
            held = _known(start, temperature_k, split_nm=0.02, width=0.05, height=0.15)
            values, covariance, chi2, freedom = _fit(x, y, start, held)
    moved_nm = 0.0
    for further in (1, 1 + FURTHER_POWERS) if covariance is not None else ():
        more = _fit(x, y, np.append(values, np.zeros(LEAN + further - values.size)), held)
        if more[1] is not None and chi2 - more[2] > LEAN_CHI2 * more[2] / more[3]:
            moved_nm = float(more[0][R1] - values[R1]) if further > 1 else 0.0
            values, covariance, chi2, freedom = more
    line = _checked(x, values, covariance, chi2 / freedom, start_nm, faint=faint)
    line = replace(line, r1_sigma_nm=math.hypot(line.r1_sigma_nm, moved_nm))
    near = np.abs(x - line.r1_nm) < line.fwhm_nm
    curve = doublet(values, x)[0]
    error = np.sqrt(np.maximum(curve, 1.0))
    return line.doubted((y - curve) / error, error, near)


def _bad(reason: str, what: str, advice: str, **facts: float) -> BadReading:
    return BadReading(f"ruby spectrum is no reading ({reason}): {what}. {advice}.", reason=reason, **facts)


def _expected_ratio(temperature_k: float) -> float:
    return RATIO_298_K * math.exp(-SPLITTING_PER_CM * HC_OVER_K_CM_K * (1.0 / temperature_k - 1.0 / 298.0))


def _starts(x: Array, y: Array, temperature_k: float, highest_shift_nm: float) -> Iterator[tuple[float, float]]:
    """R1 [nm] and width [nm] where a doublet of some width stands out most, the width expected first, then others."""
    expected = FWHM_298_K_NM + FWHM_SLOPE_NM_PER_K * max(0.0, temperature_k - 298.0)
    first: BadReading | None = None
    try:
        yield _find(x, y, temperature_k, (expected, 2.0 * expected), highest_shift_nm)
    except BadReading as error:
        first = error
    pixel_nm, any_found = float(np.median(np.diff(x))), first is None
    for fwhm in OTHER_WIDTHS_NM:
        if fwhm > 2.0 * pixel_nm:
            try:
                start = _find(x, y, temperature_k, (fwhm,), highest_shift_nm)
            except BadReading:
                continue
            any_found = True
            yield start
    if first is not None and not any_found:
        raise first


def _find(
    x: Array, y: Array, temperature_k: float, widths_nm: Iterable[float], highest_shift_nm: float
) -> tuple[float, float]:
    """R1 [nm] and width [nm] where a doublet of one of the widths stands out most, by matched filter."""
    seen_k = max(temperature_k, COLDEST_SHIFT_K)
    unshifted = AMBIENT_R1_NM + CORRECTIONS["datchi-2007"].shift_nm(seen_k, 298.0)
    pixel_nm = float(np.median(np.diff(x)))
    allowed = (x > unshifted - BLUE_LIMIT_NM) & (x < unshifted + highest_shift_nm)
    allowed &= (x > x[0] + SPLITTING_NM + 0.5) & (x < x[-1] - 0.5)  # both lines must be on the detector
    if not allowed.any():
        raise _bad(
            "dark",
            f"it covers {x[0]:.1f}-{x[-1]:.1f} nm and R1 is expected from {unshifted:.1f} nm",
            "Set the spectrometer to the ruby lines",
        )
    spikeless = _median_of_five(y)
    ratio = _expected_ratio(temperature_k)
    best = (-math.inf, 0.0, 0.0)
    for fwhm in widths_nm:
        reach = math.ceil((SPLITTING_NM + 2.0 * fwhm) / pixel_nm)
        offset = np.arange(-reach, reach + 1) * pixel_nm
        gauss = 4.0 * math.log(2.0) / fwhm**2
        template = np.exp(-gauss * offset**2) + ratio * np.exp(-gauss * (offset + SPLITTING_NM) ** 2)
        template -= template.mean()
        response = np.correlate(np.pad(spikeless, reach, mode="edge"), template, "valid")
        noise = np.correlate(np.pad(np.maximum(spikeless, 1.0), reach, mode="edge"), template**2, "valid")
        significance = np.where(allowed, response / np.sqrt(noise), -math.inf)
        index = int(significance.argmax())
        best = max(best, (float(significance[index]), float(x[index]), fwhm))
    if best[0] < DARK_SIGNIFICANCE:
        raise _bad(
            "dark",
            f"no doublet from {unshifted - BLUE_LIMIT_NM:.1f} to {unshifted + highest_shift_nm:.1f} nm, the best "
            f"candidate has {best[0]:.1f} sigma of the {DARK_SIGNIFICANCE:g} needed",
            "Check laser, shutter and position of the ruby, or expose longer",
            significance=best[0],
        )
    return best[1], best[2]


def _median_of_five(y: Array) -> Array:
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(np.pad(y, 2, mode="edge"), 5), axis=1))


def _spikes(y: Array) -> npt.NDArray[np.bool_]:
    """Pixels that a cosmic ray has lifted: too far over their neighbours for noise, too steep for a line."""
    level = np.maximum(_median_of_five(y), 1.0)
    return np.asarray((y - level > OUTLIER_SIGMA * np.sqrt(level)) & (y > (1.0 + STEEPEST_RISE) * level))


def _refuse_saturation(y: Array, saturation_counts: float | None) -> None:
    top = float(y.max())
    runs = np.lib.stride_tricks.sliding_window_view(y == top, FLAT_TOP_PIXELS).all(axis=1)
    if (saturation_counts is not None and top >= saturation_counts) or (runs.any() and top > 100.0):
        raise _bad(
            "saturated",
            f"the lines are cut off at {top:.0f} counts",
            "Expose shorter or lower the laser power",
            top_counts=top,
        )


def _start_values(x: Array, y: Array, r1_nm: float, fwhm_nm: float, temperature_k: float) -> Array:
    background = float(np.percentile(y, 20.0))
    near = y[np.abs(x - r1_nm) < 0.25 * fwhm_nm]
    height = max(float(np.median(near if near.size else y)) - background, 1.0)
    log_fwhm = math.log(fwhm_nm)
    heights = (height, _expected_ratio(temperature_k) * height)
    return np.array([r1_nm, SPLITTING_NM, log_fwhm, log_fwhm, 0.5, *heights, background, 0.0, 0.0])


def _known(start: Array, temperature_k: float, *, split_nm: float, width: float, height: float) -> Known:
    """Return what is known of R2 where the spectrum does not tell, as observations: weights on parameters, and values.

    Its distance from R1 is known to `split_nm`, its width to the share `width` of that of R1, its height to the share
    `height` of the expected.
    """
    ratio, counts = _expected_ratio(temperature_k), max(start[HEIGHT_1], 1.0)
    weights = np.zeros((3, start.size))
    weights[0, SPLIT] = 1.0 / split_nm
    weights[1, [LOG_FWHM_1, LOG_FWHM_2]] = 1.0 / width, -1.0 / width
    per_height = 1.0 / (counts * max(height * ratio, 0.01))
    weights[2, [HEIGHT_2, HEIGHT_1]] = per_height, -ratio * per_height
    return weights, np.array([SPLITTING_NM / split_nm, 0.0, 0.0])


def _a_line_of_some_mixing(parameters: int) -> Known:
    """Return that a line is something between a Gaussian and a Lorentzian, as an observation."""
    weights = np.zeros((1, parameters))
    weights[0, MIXING] = 1.0 / 0.25
    return weights, np.array([0.5 / 0.25])


def _fit(x: Array, y: Array, start: Array, held: Known | None = None) -> tuple[Array, Array | None, float, int]:
    """Least squares by MINPACK: values, covariance (None where it failed), chi2, degrees of freedom."""
    from scipy.optimize import leastsq

    known = np.zeros((0, start.size)), np.zeros(0)
    if held is not None:  # an asymmetry is a further parameter, of which nothing is known
        known = np.pad(held[0], ((0, 0), (0, start.size - held[0].shape[1]))), held[1]
    smooth = np.convolve(np.pad(y, 2, mode="edge"), np.full(5, 0.2), "valid")  # raw counts as weights bias fits low
    weight = 1.0 / np.sqrt(np.maximum(smooth, 1.0))
    values = start
    for _ in range(2):
        with np.errstate(over="ignore", invalid="ignore"):  # of a fit that runs away: its covariance is refused below
            values, covariance, info, _, status = leastsq(
                lambda p, w: np.append(w * (doublet(p, x)[0] - y), known[0] @ p - known[1]),
                values,
                args=(weight,),
                Dfun=lambda p, w: np.hstack([w * doublet(p, x)[1], known[0].T]),
                col_deriv=True,
                full_output=True,
                maxfev=200,
            )
        misfit, residual = info["fvec"], info["fvec"][: x.size]
        if status not in CONVERGED_INFO or covariance is None:
            return values, None, math.inf, 1
        scatter = max(1.0, scatter_of(residual))
        outlier = np.abs(residual) > OUTLIER_SIGMA * scatter
        if not outlier.any() or outlier.sum() > 0.02 * x.size:  # many outliers are a wrong shape, not cosmic rays
            break
        weight = np.where(outlier, 0.0, weight)
    freedom = int(np.count_nonzero(weight)) + known[1].size - values.size
    return values, covariance, float(misfit @ misfit), freedom


def _checked(
    x: Array, p: Array, covariance: Array | None, reduced_chi2: float, start_nm: float, *, faint: bool
) -> RubyLine:
    """Return the line if it is one; of a `faint` R2 nothing is asked."""
    fwhm = math.exp(min(p[LOG_FWHM_1], 20.0))
    ratio = float(p[HEIGHT_2] / p[HEIGHT_1]) if p[HEIGHT_1] else 0.0
    sigma = np.full(p.size, math.inf) if covariance is None else np.sqrt(np.diag(covariance) * reduced_chi2)
    unresolved = fwhm > UNRESOLVED_SHARE * SPLITTING_NM
    weak = covariance is not None and not p[HEIGHT_2] > 3.0 * sigma[HEIGHT_2]
    lost = not faint and (weak or not 0.2 < ratio < 1.6 or not 1.0 < p[SPLIT] < 2.2)
    if unresolved and (lost or not sigma[R1] < 0.1) and fwhm < 3.0:
        raise _bad(
            "not resolved",
            f"lines {fwhm:.2f} nm wide are {SPLITTING_NM:.2f} nm apart, R1 would be {p[R1]:.2f} +- {sigma[R1]:.2f} nm",
            "Use a narrower slit or a finer grating, or expose longer",
            fwhm_nm=fwhm,
        )
    if lost:
        raise _bad(
            "one line lost",
            f"R2 has {ratio:.2f} of the height of R1 at {p[SPLIT]:.2f} nm from it; 0.2-1.6 at 1.0-2.2 nm are a doublet",
            "Check the spectrum for a filter edge, another fluorescence or a broken ruby",
            ratio=ratio,
            splitting_nm=float(p[SPLIT]),
        )
    pixel_nm = float(np.median(np.diff(x)))
    narrow = not faint and math.exp(min(p[LOG_FWHM_2], 20.0)) < pixel_nm
    if narrow:
        raise _bad(
            "not resolved",
            f"R2 would be narrower than a pixel of {pixel_nm:.3f} nm, which no line through a slit is",
            "Use a finer grating, or expose longer",
            pixel_nm=pixel_nm,
        )
    if covariance is None or not sigma[R1] < 0.1 or abs(p[R1] - start_nm) > 1.0 or not pixel_nm < fwhm < 3.0:
        raise _bad(
            "not converged",
            f"R1 {p[R1]:.3f} +- {sigma[R1]:.3f} nm, width {fwhm:.2f} nm, started from {start_nm:.2f} nm",
            "Expose longer, or look at the spectrum",
            r1_nm=float(p[R1]),
            fwhm_nm=fwhm,
        )
    scaled = covariance * reduced_chi2
    r2_variance = scaled[R1, R1] + scaled[SPLIT, SPLIT] - 2.0 * scaled[R1, SPLIT]
    whole = np.pad(p, (0, FLAT + BACKGROUND_TERMS + 1 - p.size))
    return RubyLine(
        r1_nm=float(p[R1]),
        r1_sigma_nm=math.hypot(float(sigma[R1]), UNRESOLVED_SHAPE * fwhm if unresolved else 0.0),
        r2_nm=float(p[R1] - p[SPLIT]),
        r2_sigma_nm=math.sqrt(max(float(r2_variance), 0.0)),
        fwhm_nm=fwhm,
        r2_fwhm_nm=math.exp(min(p[LOG_FWHM_2], 20.0)),
        ratio=ratio,
        mixing=float(p[MIXING]),
        asymmetry_per_nm=float(whole[LEAN]),
        height_counts=float(p[HEIGHT_1]),
        background_terms_counts=tuple(float(term) for term in (*whole[FLAT:LEAN], *whole[LEAN + 1 :])),
        fitted_from_nm=float(x[0]),
        fitted_to_nm=float(x[-1]),
        reduced_chi2=reduced_chi2,
        resolved=not unresolved,
    )
