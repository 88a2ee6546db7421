"""How much of the sample is alloy: an ensemble of grains, each with its own pressure of formation and of decay."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from lics_simulators.equation_of_state import REFERENCE_K


@dataclass(frozen=True, slots=True, kw_only=True)
class KineticsParameters:
    """When and how fast the alloy grows and decays. Design values of the world.

    Parameters
    ----------
    grains : int
        Grains in the ensemble.
    formation_gpa, formation_sd_gpa, formation_gpa_per_k : float
        Median pressure of formation at 298 K [GPa], its spread, and its slope [GPa/K].
    decay_gpa, decay_k, decay_sd_gpa, decay_gpa_per_k : float
        Median pressure of decay [GPa] at temperature `decay_k` [K], its spread, and its slope [GPa/K].
    formation_s, decay_s : float
        Time constants at 298 K [s].
    activation_k : float
        Activation temperature of both time constants [K].
    """

    grains: int
    formation_gpa: float
    formation_sd_gpa: float
    formation_gpa_per_k: float
    decay_gpa: float
    decay_k: float
    decay_sd_gpa: float
    decay_gpa_per_k: float
    formation_s: float
    decay_s: float
    activation_k: float


class Grains:
    """The ensemble and its reacted fraction.

    The thresholds are the quantiles of a normal distribution, so that the median is the number in the preset for any
    seed; the seed decides which grain decays early.

    Parameters
    ----------
    parameters : KineticsParameters
        Thresholds and time constants.
    generator : numpy.random.Generator
        Draws the pairing of formation and decay thresholds.
    """

    def __init__(self, parameters: KineticsParameters, generator: np.random.Generator) -> None:
        self.parameters = parameters
        count = parameters.grains
        normal = np.array([NormalDist().inv_cdf((i + 0.5) / count) for i in range(count)])
        self._formation_gpa = parameters.formation_gpa + parameters.formation_sd_gpa * normal
        self._decay_gpa = parameters.decay_gpa + parameters.decay_sd_gpa * generator.permutation(normal)
        self._reacted: npt.NDArray[np.float64] = np.zeros(count)

    @property
    def alloy_fraction(self) -> float:
        """Fraction of the caesium that is in the alloy, 0 to 1."""
        return float(self._reacted.mean())

    def step(self, dt_s: float, pressure_gpa: float, temperature_k: float) -> None:
        """Let the grains react for `dt_s` seconds at a pressure [GPa] and a temperature [K]."""
        p = self.parameters
        forms = pressure_gpa - p.formation_gpa_per_k * (temperature_k - REFERENCE_K) > self._formation_gpa
        decays = pressure_gpa - p.decay_gpa_per_k * (temperature_k - p.decay_k) < self._decay_gpa
        faster = math.exp(p.activation_k * (1.0 / temperature_k - 1.0 / REFERENCE_K))
        grown = 1.0 - math.exp(-dt_s / (p.formation_s * faster))
        kept = math.exp(-dt_s / (p.decay_s * faster))
        x = self._reacted
        self._reacted = np.where(forms, x + (1.0 - x) * grown, np.where(decays, x * kept, x))
