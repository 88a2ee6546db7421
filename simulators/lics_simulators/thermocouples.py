"""Four type K thermocouples with the errors of their class: gasket, cell body, membrane, ambient."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class ThermocoupleParameters:
    """Where the junctions sit and how well they read. Engineering values.

    Parameters
    ----------
    tolerance_k : float
        Bound of the constant error of each junction [K]; class 1 of type K: 1.5 K (IEC 60584-1).
    noise_k : float
        Standard deviation of one reading [K].
    body_fraction, body_lag_s : float
        Share of the gasket's rise above ambient at the cell body, and its lag [s].
    membrane_fraction, membrane_lag_s : float
        The same at the membrane.
    """

    tolerance_k: float
    noise_k: float
    body_fraction: float
    body_lag_s: float
    membrane_fraction: float
    membrane_lag_s: float


class Thermocouples:
    """True temperatures of the junctions and what they read.

    Parameters
    ----------
    parameters : ThermocoupleParameters
        Positions and errors.
    ambient_k : float
        Temperature of the hutch [K].
    generator : numpy.random.Generator
        Draws the constant errors, one a junction, normal with half the tolerance and never beyond it.

    Attributes
    ----------
    open_junctions : set of int
        Indices of the junctions whose circuit is open.
    """

    NAMES = ("gasket", "cell body", "membrane", "ambient")

    def __init__(self, parameters: ThermocoupleParameters, ambient_k: float, generator: np.random.Generator) -> None:
        self.parameters = parameters
        self.ambient_k = ambient_k
        self.true_k = [ambient_k] * len(self.NAMES)
        self.open_junctions: set[int] = set()
        tolerance = parameters.tolerance_k
        self.offsets_k = tuple(
            min(max(float(generator.normal(0.0, tolerance / 2.0)), -tolerance), tolerance) for _ in self.NAMES
        )

    def step(self, dt_s: float, gasket_k: float) -> None:
        """Advance by `dt_s` seconds with the gasket at `gasket_k` [K]."""
        p = self.parameters
        self.true_k[0] = gasket_k
        for index, fraction, lag_s in ((1, p.body_fraction, p.body_lag_s), (2, p.membrane_fraction, p.membrane_lag_s)):
            goal = self.ambient_k + fraction * (gasket_k - self.ambient_k)
            self.true_k[index] -= (goal - self.true_k[index]) * math.expm1(-dt_s / lag_s)

    def read_k(self, index: int, generator: np.random.Generator) -> float:
        """Return one reading of junction `index` [K], with its error and noise."""
        return self.true_k[index] + self.offsets_k[index] + float(generator.normal(0.0, self.parameters.noise_k))
