"""A fitted ruby doublet, whoever fitted it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from lics_beamline.physics.robust_scatter import scatter_of
from lics_beamline.physics.spectral_line import misfit, missed_share


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
    height_counts, background_counts : float
        Height of R1 over the background, and the background under it [counts].
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
    background_counts: float
    reduced_chi2: float
    resolved: bool = True
    missed_share: float = 0.0

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
