"""A fitted ruby doublet, whoever fitted it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lics_beamline.physics.doublet_curve import BACKGROUND_TERMS, WITHIN_PIXEL, doublet, within
from lics_beamline.physics.robust_scatter import scatter_of
from lics_beamline.physics.spectral_line import misfit, missed_share

RECORDED_AS: Final = "ruby_"  # begins the names of the fields


@dataclass(frozen=True, slots=True, kw_only=True)
class RubyLine:
    """A fitted ruby doublet.

    Parameters
    ----------
    r1_nm, r1_sigma_nm : float
        Wavelength of the maximum of R1 [nm] and its standard deviation, from the covariance of the fit scaled by
        the residuals; where the fit misses the spectrum, what it misses is in it (`doubted`).
    r2_nm, r2_sigma_nm : float
        The same of R2 [nm].
    fwhm_nm, r2_fwhm_nm : float
        Full width of R1, and of R2, at half its height [nm].
    ratio : float
        Height of R2 over height of R1.
    mixing : float
        Lorentz fraction of both lines.
    asymmetry_per_nm : float
        Common asymmetry, 0 where the lines are symmetric; negative where the red side is the wider one [1/nm].
    height_counts : float
        Height of R1 over the background [counts].
    background_terms_counts : tuple of float
        Five terms of the background [counts]: of the powers 0 to 4 of a place that goes from -1 to 1 over what was
        fitted.
    fitted_from_nm, fitted_to_nm : float
        Wavelengths of the first and the last pixel that were fitted [nm].
    pixel_nm : float
        Width of the pixels that the lines were averaged over [nm]; 0 where they are small beside them.
    reduced_chi2 : float
        Of the fit; 1 where Poisson noise is all there is.
    resolved : bool
        Whether the spectrum tells the lines apart; where not, what is known of R2 was held, and is part of the error.
    missed_share : float
        Share of the height of R1 by which the fit misses the spectrum beyond noise (`spectral_line.missed_share`).
    """

    r1_nm: float
    r1_sigma_nm: float
    r2_nm: float
    r2_sigma_nm: float
    fwhm_nm: float
    r2_fwhm_nm: float
    ratio: float
    mixing: float
    asymmetry_per_nm: float
    height_counts: float
    background_terms_counts: tuple[float, ...]
    fitted_from_nm: float
    fitted_to_nm: float
    pixel_nm: float = 0.0
    reduced_chi2: float
    resolved: bool = True
    missed_share: float = 0.0

    def recorded(self) -> dict[str, Any]:
        """Return the fit as the fields of an event (`schema.RUBY_FIT`, and R1 with its error)."""
        return {f"{RECORDED_AS}{name}": value for name, value in asdict(self).items()}

    @classmethod
    def of_record(cls, data: Mapping[str, Any]) -> RubyLine | None:
        """Return the fit as the data of an event have it; None where they have none that can be drawn.

        Parameters
        ----------
        data : mapping
            From anywhere: runs of earlier versions recorded R1 alone.
        """
        found: dict[str, Any] = {field.name: data.get(f"{RECORDED_AS}{field.name}") for field in fields(cls)}
        if None in found.values() or np.shape(found["background_terms_counts"]) != (BACKGROUND_TERMS,):
            return None
        line = cls(**{**found, "background_terms_counts": tuple(found["background_terms_counts"])})
        wide = min(line.fwhm_nm, line.r2_fwhm_nm, line.fitted_to_nm - line.fitted_from_nm) > 0.0
        return line if wide and np.isfinite(np.hstack(list(found.values()))).all() else None

    @property
    def background_counts(self) -> float:
        """Background under R1 [counts]."""
        place = within(np.array(self.r1_nm), (self.fitted_from_nm, self.fitted_to_nm))
        return float(np.polynomial.polynomial.polyval(place, self.background_terms_counts))

    def curve_counts(self, axis_nm: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return what was fitted: both lines on their background.

        Parameters
        ----------
        axis_nm : ndarray, shape (pixels,)
            Wavelengths [nm].

        Returns
        -------
        ndarray, shape (pixels,)
            Counts; NaN outside of what was fitted, where the background says nothing.
        """
        flat, tilt, bend, *further = self.background_terms_counts
        lines = (self.r1_nm, self.r1_nm - self.r2_nm, math.log(self.fwhm_nm), math.log(self.r2_fwhm_nm), self.mixing)
        heights = (self.height_counts, self.ratio * self.height_counts)
        values = np.array([*lines, *heights, flat, tilt, bend, self.asymmetry_per_nm, *further])
        parts = np.add.outer(axis_nm, self.pixel_nm * WITHIN_PIXEL)
        curve = doublet(values, parts.ravel(), ends=(self.fitted_from_nm, self.fitted_to_nm))[0]
        seen = (axis_nm >= self.fitted_from_nm) & (axis_nm <= self.fitted_to_nm)
        return np.where(seen, curve.reshape(parts.shape).mean(axis=1), np.nan)

    @property
    def doubt(self) -> str:
        """What to look at where the doublet misses its spectrum, for people; empty where it fits."""
        return misfit("the ruby doublet", self.reduced_chi2, self.missed_share, self.r1_sigma_nm)

    def doubted(
        self, pulls: npt.NDArray[np.float64], error: npt.NDArray[np.float64], near: npt.NDArray[np.bool_]
    ) -> RubyLine:
        """Return the line with the error that a misfit makes; a line that fits as it is.

        The covariance knows of noise only, and takes what is missed for more of it. Something under the line that has
        a share of its height moves its maximum by up to that share of its width.

        Parameters
        ----------
        pulls : ndarray
            Spectrum minus fit, over its error, in the order of the pixels.
        error : ndarray
            Standard deviation of each pixel [counts].
        near : ndarray of bool
            Pixels within a width of R1.
        """
        line = replace(self, missed_share=missed_share(pulls, error, near, self.height_counts))
        if not line.doubt:
            return line
        missed = scatter_of((pulls * error)[near])
        sigma_nm = math.hypot(self.r1_sigma_nm, self.fwhm_nm * missed / self.height_counts)
        return replace(line, r1_sigma_nm=sigma_nm)
