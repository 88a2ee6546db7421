"""A ruby doublet that the spectrometer does not resolve: one hump, read with what is known of R2 held.

Where a pixel is a third of the distance of the lines, or the slit is wider than it, a spectrum does not tell both lines
apart: left free, R2 takes any height and width, and R1 goes with it by half a nanometre. Distance, ratio of heights and
ratio of widths are held here at what they are at the temperature; how well these are known is part of the error of R1,
and most of it. A pixel counts what falls on all of it, so the lines are averaged over pixels.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import BadReading
from lics_beamline.physics.doublet_curve import WITHIN_PIXEL, within
from lics_beamline.physics.line_shape import pseudo_voigt
from lics_beamline.physics.ruby_line import RubyLine
from lics_beamline.physics.spectral_line import LEAST_SIGNIFICANCE

Array = npt.NDArray[np.float64]

SPLITTING_SIGMA_NM: Final = (
    0.02  # from ruby to ruby and with pressure: Gupta and Shen, Appl. Phys. Lett. 58, 583 (1991)
)
RATIO_SIGMA_SHARE: Final = 0.1  # of the ratio of heights: polarisation; two real rubies have 0.59 and 0.54 of 0.62
WIDTHS_SIGMA_SHARE: Final = 0.05  # of the ratio of widths
SHAPE_SHARE: Final = 0.008  # of the width: by so much a Voigt moves the fit of pseudo-Voigts
REACH_NM: Final = 5.5  # fitted to either side of the middle of the doublet
REACH_PIXELS: Final = 8.0  # at least
TRIED_FWHM_NM: Final = (0.4, 0.8, 1.4, 2.2, 3.0)
TRIED_PER_PIXEL: Final = 3  # positions of R1
MIXING_MEAN_AND_SIGMA: Final = (0.4, 0.25)  # Lorentz fraction that lines through slits have, and its scatter
WITHIN_PIXEL_SHARE: Final = 0.1  # of a pixel: error of a line that is narrower than one
LOG_FWHM_SIGMA: Final = 1.0  # of a width that is not known but that there is one
WORST_MISFIT: Final = 0.06  # of the height, root mean square: a single line or a broad hump misses by more
WORST_CHI2: Final = 3.0  # reduced; noise may miss by more than that share of a weak line
WORST_SIGMA_NM: Final = 0.15  # of R1: half a gigapascal tells nothing
KNOWN_VALUES: Final = 2  # observations of width and mixing, beside the pixels
FITTED_PARAMETERS: Final = 7  # R1, width, mixing, height, three of the background
NO_FURTHER_POWERS: Final = (0.0, 0.0)  # of the background are fitted, as a resolved doublet may have them
WIDEST_NM: Final = 3.0  # a wider hump is no ruby


def fit_unresolved(
    x: Array, y: Array, *, lowest_nm: float, highest_nm: float, splitting_nm: float, ratio: float
) -> RubyLine:
    """Fit a doublet with everything of R2 held.

    Parameters
    ----------
    x, y : ndarray
        Rising wavelengths [nm] and counts.
    lowest_nm, highest_nm : float
        Where R1 is sought [nm].
    splitting_nm, ratio : float
        R1 - R2 [nm], and height of R2 over that of R1.

    Returns
    -------
    RubyLine
        Not resolved; the error of R1 has that of what was held.

    Raises
    ------
    BadReading
        With ``facts["reason"]``: ``dark`` or ``not resolved``.
    """
    starts = _starts(x, y, lowest_nm, highest_nm, splitting_nm, ratio)
    best: tuple[float, Array, Any] | None = None
    for r1_nm, fwhm_nm in starts:
        near = _Window(x, y, r1_nm, splitting_nm)
        found = near.fit(np.array([r1_nm, math.log(fwhm_nm), MIXING_MEAN_AND_SIGMA[0]]), (splitting_nm, ratio, 1.0))
        if lowest_nm <= found[1][0] <= highest_nm and (best is None or found[0] < best[0]):
            best = (found[0], found[1], near)
    if best is None:
        raise BadReading(
            f"ruby spectrum is no reading (dark): no doublet from {lowest_nm:.1f} to {highest_nm:.1f} nm. "
            "Check laser, shutter and position of the ruby, or expose longer.",
            reason="dark",
        )
    _, values, near = best
    return near.line(values, (splitting_nm, ratio, 1.0))


def _starts(
    x: Array, y: Array, lowest_nm: float, highest_nm: float, splitting_nm: float, ratio: float
) -> list[tuple[float, float]]:
    """Return R1 [nm] and width [nm] where a doublet stands out most, three places of it."""
    pixel_nm = float(np.median(np.diff(x)))
    tried = np.arange(max(lowest_nm, x[0] + splitting_nm), min(highest_nm, x[-1]), pixel_nm / TRIED_PER_PIXEL)
    ranked = []
    for r1_nm in tried:
        near = _Window(x, y, float(r1_nm), splitting_nm)
        for fwhm_nm in TRIED_FWHM_NM:
            values = np.array([r1_nm, math.log(fwhm_nm), MIXING_MEAN_AND_SIGMA[0]])
            linear, sigma, _ = near.heights(values, (splitting_nm, ratio, 1.0))
            ranked.append((float(linear[0] / sigma), float(r1_nm), fwhm_nm))
    chosen: list[tuple[float, float]] = []
    for _, r1_nm, fwhm_nm in sorted(ranked, reverse=True):
        if all(abs(r1_nm - other) > pixel_nm / 2.0 for other, _ in chosen) and len(chosen) < TRIED_PER_PIXEL:
            chosen.append((r1_nm, fwhm_nm))
    return chosen


class _Window:
    """Pixels about a doublet; heights and background follow linearly from R1, width and mixing."""

    def __init__(self, x: Array, y: Array, r1_nm: float, splitting_nm: float) -> None:
        pixel_nm = float(np.median(np.diff(x)))
        near = np.abs(x - r1_nm + 0.5 * splitting_nm) < max(REACH_NM, REACH_PIXELS * pixel_nm)
        self.x, self.y = x[near], y[near]
        self.fine = self.x[:, None] + WITHIN_PIXEL * np.gradient(x)[near][:, None]
        self.error = np.sqrt(np.maximum(np.convolve(np.pad(self.y, 1, mode="edge"), np.full(3, 1 / 3), "valid"), 1.0))
        t = within(self.fine, (self.x[0], max(self.x[-1], self.x[0] + pixel_nm)))
        self.background = np.stack([(t**power).mean(axis=1) for power in range(3)])
        self.pixel_nm = pixel_nm
        self.width_start = math.log(2.0 * pixel_nm)

    def curve(self, values: Array, held: tuple[float, float, float]) -> Array:
        """Return the doublet of unit height of R1, averaged over the pixels."""
        splitting_nm, ratio, widths = held
        scale = 2.0 / math.exp(float(np.clip(values[1], -6.0, 3.0)))
        first = pseudo_voigt((self.fine - values[0]) * scale, values[2]).value
        second = pseudo_voigt((self.fine - values[0] + splitting_nm) * scale / widths, values[2]).value
        return np.asarray((first + ratio * second).mean(axis=1))

    def heights(self, values: Array, held: tuple[float, float, float]) -> tuple[Array, float, Array]:
        """Return height and background that fit best, the error of the height, and the residuals in errors."""
        design = np.vstack([self.curve(values, held), self.background]).T / self.error[:, None]
        inverse = np.linalg.pinv(design.T @ design)
        linear = inverse @ (design.T @ (self.y / self.error))
        return linear, math.sqrt(max(float(inverse[0, 0]), 1e-300)), design @ linear - self.y / self.error

    def residuals(self, values: Array, held: tuple[float, float, float]) -> Array:
        """Return residuals in errors, and what is known of width and mixing."""
        known = (
            (values[1] - self.width_start) / LOG_FWHM_SIGMA,
            (values[2] - MIXING_MEAN_AND_SIGMA[0]) / MIXING_MEAN_AND_SIGMA[1],
        )
        return np.append(self.heights(values, held)[2], known)

    def fit(self, start: Array, held: tuple[float, float, float]) -> tuple[float, Array, Array]:
        """Return the sum of squares, R1 with logarithm of the width and mixing, and their covariance."""
        from scipy.optimize import leastsq

        values, covariance, info, *_ = leastsq(self.residuals, start, args=(held,), full_output=True, maxfev=200)
        known = np.full((start.size, start.size), math.inf) if covariance is None else covariance
        return float(info["fvec"] @ info["fvec"]), values, known

    def line(self, values: Array, held: tuple[float, float, float]) -> RubyLine:
        """Return the line with its error: of the counts, of what is held, and of the shape of the lines."""
        chi2, values, covariance = self.fit(values, held)
        reduced = chi2 / max(self.x.size + KNOWN_VALUES - FITTED_PARAMETERS, 1)
        variance = float(covariance[0, 0]) * reduced
        splitting_nm, ratio, widths = held
        for other in (
            (splitting_nm + SPLITTING_SIGMA_NM, ratio, widths),
            (splitting_nm, ratio * (1.0 + RATIO_SIGMA_SHARE), widths),
            (splitting_nm, ratio, widths * (1.0 + WIDTHS_SIGMA_SHARE)),
        ):
            variance += float(self.fit(values, other)[1][0] - values[0]) ** 2
        fwhm_nm = math.exp(float(np.clip(values[1], -6.0, 3.0)))
        variance += (SHAPE_SHARE * fwhm_nm) ** 2
        if fwhm_nm < self.pixel_nm:  # how wide, and so where in its pixel a line is, the counts do not tell
            variance += (WITHIN_PIXEL_SHARE * self.pixel_nm) ** 2
        linear, height_sigma, residuals = self.heights(values, held)
        self._refuse(float(linear[0]), height_sigma * math.sqrt(reduced), residuals, reduced, fwhm_nm, variance)
        near = np.abs(self.x - values[0]) < max(fwhm_nm, self.pixel_nm)
        line = RubyLine(
            r1_nm=float(values[0]),
            r1_sigma_nm=math.sqrt(variance),
            r2_nm=float(values[0]) - splitting_nm,
            r2_sigma_nm=math.hypot(math.sqrt(variance), SPLITTING_SIGMA_NM),
            fwhm_nm=fwhm_nm,
            r2_fwhm_nm=widths * fwhm_nm,
            ratio=ratio,
            mixing=float(values[2]),
            asymmetry_per_nm=0.0,
            height_counts=float(linear[0]),
            background_terms_counts=tuple(float(term) for term in (*linear[1:], *NO_FURTHER_POWERS)),
            fitted_from_nm=float(self.x[0]),
            fitted_to_nm=float(self.x[-1]),
            pixel_nm=self.pixel_nm,
            reduced_chi2=reduced,
            resolved=False,
        )
        return line.doubted(residuals, self.error, near)

    def _refuse(
        self, height: float, height_sigma: float, residuals: Array, reduced: float, fwhm_nm: float, variance: float
    ) -> None:
        if not height > LEAST_SIGNIFICANCE * height_sigma:
            raise BadReading(
                f"ruby spectrum is no reading (dark): the best candidate has a height of {height:.3g} +- "
                f"{height_sigma:.2g} counts, {LEAST_SIGNIFICANCE:g} times its error is needed. Check laser, shutter "
                "and position of the ruby, or expose longer.",
                reason="dark",
            )
        misfit = float(np.sqrt(np.mean((residuals * self.error) ** 2))) / height
        if (misfit > WORST_MISFIT and reduced > WORST_CHI2) or fwhm_nm > WIDEST_NM or not variance < WORST_SIGMA_NM**2:
            raise BadReading(
                f"ruby spectrum is no reading (not resolved): pixels of {self.pixel_nm:.2f} nm do not tell the lines "
                f"apart, and with R2 held it misses by {100 * misfit:.0f} % of the height, is {fwhm_nm:.2f} nm wide "
                f"and leaves R1 uncertain by {math.sqrt(variance):.2f} nm. Use a finer grating or a narrower slit, or "
                "expose longer.",
                reason="not resolved",
                fwhm_nm=fwhm_nm,
            )
