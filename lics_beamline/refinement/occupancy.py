"""Occupancy of a site from the electrons a density puts there, calibrated by the same method on known occupancies.

Entropy draws a weak atom thinner than it is, the more so the larger the errors. The same chain - scale from the host
alone, dispersion off, the same errors, the same F(000) - is therefore run on squared structure factors calculated with
the site empty and full, with noise drawn from the covariance; the measured charge is read between the two. Without that
noise the answer would be biased low.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import BadReading, RefinementFailed
from lics_beamline.refinement.amplitudes import Amplitudes
from lics_beamline.refinement.density_grid import DensityGrid
from lics_beamline.refinement.host_fit import HostFit, ModelFit
from lics_beamline.refinement.max_entropy import Density, MaxEntropy
from lics_beamline.refinement.powder_model import PowderModel
from lics_beamline.refinement.site_charge import sphere_weights
from lics_beamline.refinement.site_question import SiteQuestion
from lics_beamline.refinement.structure_factors import StructureFactors

FloatArray = npt.NDArray[np.float64]

LOST_REPLICAS_FRACTION: Final = 0.2  # fraction of replicas without a density from which there is no error to be given


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupancy:
    """Occupancy of a site.

    Parameters
    ----------
    value : float
        0 empty, 1 full; noise may bring it beyond either.
    sigma : float
        Standard error: counting and what else the covariance holds, and B.
    sigma_statistical, sigma_thermal : float
        The two parts.
    charge_electrons : float
        Electrons in the sphere about the site.
    empty_electrons, full_electrons : float
        The same of the calibration.
    """

    value: float
    sigma: float
    sigma_statistical: float
    sigma_thermal: float
    charge_electrons: float
    empty_electrons: float
    full_electrons: float


class SiteEstimator:
    """Measures the charge of a site, from squared structure factors to electrons.

    Parameters
    ----------
    question : SiteQuestion
        The site and its host.
    factors : StructureFactors
        Measured squares and their covariance.
    grid : DensityGrid
        Grid of the density.

    Raises
    ------
    RefinementFailed
        The host does not describe the data.
    """

    def __init__(self, question: SiteQuestion, factors: StructureFactors, grid: DensityGrid) -> None:
        self.question, self.factors, self.grid = question, factors, grid
        full = question.filled(1.0)
        host, filled = (
            PowderModel(one, factors.groups, factors.wavelength_angstrom).squares().total
            for one in (question.host, full)
        )
        left_out = 0.5 * np.abs(filled - host)  # half of what a full site would change
        self._host = HostFit(factors, question.host, left_out)
        self.fit: ModelFit = self._host.fit(factors.squared)
        self._electrons = question.electrons
        self._method = MaxEntropy(self.amplitudes(factors.squared), grid)
        self._weights = sphere_weights(grid, question.site, question.radius_angstrom)

    def amplitudes(self, squared: FloatArray) -> Amplitudes:
        """Amplitudes of the electron density from squares, on the scale and with the phases of the host."""
        return self._host.amplitudes(squared, self._host.fit(squared), self._electrons)

    def density(self, squared: FloatArray | None = None) -> Density:
        """Density from the squares, or from others of the same reflections and errors."""
        if squared is None:
            return self._method.solve()
        return self._method.solve(self.amplitudes(squared).amplitude)

    def charge(self, density: Density) -> float:
        """Electrons in the sphere about the site."""
        return float(np.sum(self._weights * density.values))

    def squares(self, occupancy: float, b_angstrom2: float) -> FloatArray:
        """Squares of the fitted host with the site filled, on the scale of the data."""
        filled = replace(self.question, host=self.fit.structure).filled(occupancy, b_angstrom2)
        model = PowderModel(filled, self.factors.groups, self.factors.wavelength_angstrom)
        return self.fit.scale * model.squares().total

    def replicas(self, squared: FloatArray, noise: FloatArray) -> FloatArray:
        """Charges of replicas [electrons]: squares with noise added, one row of it each.

        Raises
        ------
        RefinementFailed
            Too many replicas have no density.
        """
        charges, lost = [], ""
        for one in noise:
            try:
                charges.append(self.charge(self.density(squared + one)))
            except (RefinementFailed, BadReading) as error:
                lost = str(error)
        if len(noise) - len(charges) > LOST_REPLICAS_FRACTION * len(noise):
            raise RefinementFailed(
                f"{len(noise) - len(charges)} of {len(noise)} replicas of the data have no density, the last because: "
                f"{lost}"
            )
        return np.array(charges)


def occupancy(estimator: SiteEstimator, charge_electrons: float, *, replicas: int = 40, seed: int = 0) -> Occupancy:
    """Read a charge between those of an empty and a full site.

    Parameters
    ----------
    estimator : SiteEstimator
        Measures charges.
    charge_electrons : float
        Measured charge [electrons].
    replicas : int
        Noise replicas of each kind, at least 4.
    seed : int
        Of the noise, which is the same for all occupancies and B: differences are not blurred by it.

    Raises
    ------
    RefinementFailed
        Too many replicas have no density, or a full site looks like an empty one.
    """
    question, factors = estimator.question, estimator.factors
    generator = np.random.default_rng(seed)
    noise = generator.multivariate_normal(np.zeros(len(factors.groups)), factors.covariance, size=replicas)
    empty = float(np.mean(estimator.replicas(estimator.squares(0.0, question.b_angstrom2), noise)))
    full = {
        b: float(np.mean(estimator.replicas(estimator.squares(1.0, b), noise)))
        for b in sorted({question.b_low_angstrom2, question.b_angstrom2, question.b_high_angstrom2})
    }
    if min(full.values()) <= empty:
        raise RefinementFailed(
            f"a full site shows {min(full.values()):.2f} electrons, an empty one {empty:.2f}: these data cannot see "
            f"{question.element}. Measure to higher angles or longer."
        )
    value = {b: (charge_electrons - empty) / (one - empty) for b, one in full.items()}
    middle = value[question.b_angstrom2]
    about = estimator.replicas(estimator.squares(float(np.clip(middle, 0.0, 1.0)), question.b_angstrom2), noise)
    statistical = float(np.std(about, ddof=1)) / (full[question.b_angstrom2] - empty)
    thermal = (max(value.values()) - min(value.values())) / np.sqrt(12.0)  # as of a value anywhere in the range
    return Occupancy(
        value=middle,
        sigma=float(np.hypot(statistical, thermal)),
        sigma_statistical=statistical,
        sigma_thermal=float(thermal),
        charge_electrons=charge_electrons,
        empty_electrons=empty,
        full_electrons=full[question.b_angstrom2],
    )
