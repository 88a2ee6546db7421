"""A fitted ruby doublet, whoever fitted it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RubyLine:
    """A fitted ruby doublet.

    Parameters
    ----------
    r1_nm, r1_sigma_nm : float
        Wavelength of the maximum of R1 [nm] and its standard deviation, from the covariance of the fit scaled by
        the residuals.
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
    height_counts, background_counts : float
        Height of R1 over the background, and the background under it [counts].
    reduced_chi2 : float
        Of the fit; 1 where Poisson noise is all there is.
    resolved : bool
        Whether the spectrum tells the lines apart; where not, what is known of R2 was held, and is part of the error.
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
    background_counts: float
    reduced_chi2: float
    resolved: bool = True
