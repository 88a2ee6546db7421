"""What a membrane cell is expected to do with gas and heat: a prior of the profile, for forecasts, never for control.

Gas pushes a membrane, the membrane pushes through friction, and what gets through presses the sample. Friction is a
play: what is transmitted moves only when the gas leaves a dead band about it, so the same load means one pressure on
the way up and another on the way down. Heating releases part of the friction and adds a thermal pressure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import Field

from lics_beamline.files.strict_toml import Fraction, NotNegative, Positive, Strict

REFERENCE_K: Final = 298.0  # temperature at which friction and gain are declared
LEAST_FRICTION_SHARE: Final = 0.5  # fraction of the friction that no heat takes away; engineering estimate
MODELLED_CEILING_SHARE: Final = 0.95  # fraction of the ceiling that the model is asked for; above it, it says nothing

Term = Literal["gain", "friction", "thermal"]
TERMS: Final[tuple[Term, ...]] = ("gain", "friction", "thermal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grip:
    """How the cell stands.

    Parameters
    ----------
    gas_bar : float
        Load [bar].
    transmitted_bar : float
        What of it gets through the friction [bar].
    temperature_k : float
        Temperature [K].
    """

    gas_bar: float
    transmitted_bar: float
    temperature_k: float


class CellModel(Strict):
    """What is expected of this kind of cell before it is measured: a prior, with one standard deviation of each term.

    Parameters
    ----------
    start_gpa : float
        Pressure as loaded, before any gas [GPa].
    free_travel_bar : float
        Transmitted load below which nothing is pressed [bar].
    gain_gpa_per_bar, ceiling_gpa : float
        Slope at low pressure [GPa/bar], and the pressure by which it has fallen to nothing [GPa].
    friction_bar, friction_per_bar : float
        Half of the dead band at no load [bar], and its growth with the transmitted load.
    friction_relief_per_k : float
        Fraction of the friction that goes for each K above 298 K.
    thermal_gpa_per_k, thermal_full_gpa : float
        Pressure that heating adds [GPa/K], in full above `thermal_full_gpa` [GPa], in proportion below.
    creep_s : float
        Time with which the pressure follows a change of load [s].
    gain_doubt, friction_doubt, thermal_doubt : float
        One standard deviation of the three terms, as a fraction of each.

    Notes
    -----
    ``cold = start + ceiling (1 - exp(-gain d / ceiling))`` with ``d = max(0, u - free_travel)``;
    ``P = cold + thermal (T - 298) min(cold/thermal_full, 1)``;
    ``u`` stays where it is while the gas is within ``u -+ r``, ``r = (friction + friction_per_bar u) relief(T)``.
    """

    start_gpa: NotNegative = 0.1
    free_travel_bar: NotNegative = 6.0
    gain_gpa_per_bar: Positive = 0.2
    ceiling_gpa: Positive = 40.0
    friction_bar: NotNegative = 3.0
    friction_per_bar: Annotated[float, Field(ge=0, lt=1)] = 0.06
    friction_relief_per_k: NotNegative = 0.00125
    thermal_gpa_per_k: NotNegative = 0.007
    thermal_full_gpa: Positive = 2.0
    creep_s: NotNegative = 240.0
    gain_doubt: Fraction = 0.3
    friction_doubt: Fraction = 0.4
    thermal_doubt: Fraction = 0.35

    def doubted(self, term: Term) -> CellModel:
        """Return the cell with one term off by one standard deviation, to the side that makes more pressure or load."""
        if term == "gain":
            return self.model_copy(update={"gain_gpa_per_bar": self.gain_gpa_per_bar / (1.0 + self.gain_doubt)})
        if term == "friction":
            more = 1.0 + self.friction_doubt
            return self.model_copy(
                update={
                    "friction_bar": self.friction_bar * more,
                    "friction_per_bar": min(self.friction_per_bar * more, 0.9),
                }
            )
        return self.model_copy(update={"thermal_gpa_per_k": self.thermal_gpa_per_k * (1.0 + self.thermal_doubt)})

    def pressure_gpa(self, transmitted_bar: float, temperature_k: float) -> float:
        """Pressure [GPa] under a transmitted load [bar] at a temperature [K]."""
        pressing_bar = max(transmitted_bar - self.free_travel_bar, 0.0)
        cold_gpa = self.start_gpa - self.ceiling_gpa * math.expm1(
            -self.gain_gpa_per_bar * pressing_bar / self.ceiling_gpa
        )
        share = min(cold_gpa / self.thermal_full_gpa, 1.0)
        return cold_gpa + self.thermal_gpa_per_k * (temperature_k - REFERENCE_K) * share

    def transmitted_bar(self, pressure_gpa: float, temperature_k: float) -> float:
        """Return the transmitted load [bar] that a pressure [GPa] needs at a temperature [K]; clipped at the ends."""
        heat_gpa = self.thermal_gpa_per_k * (temperature_k - REFERENCE_K)
        cold_gpa = pressure_gpa - heat_gpa
        if cold_gpa < self.thermal_full_gpa:
            cold_gpa = pressure_gpa / max(1.0 + heat_gpa / self.thermal_full_gpa, 1e-3)
        way = min(max((cold_gpa - self.start_gpa) / self.ceiling_gpa, 0.0), MODELLED_CEILING_SHARE)
        return self.free_travel_bar - self.ceiling_gpa / self.gain_gpa_per_bar * math.log1p(-way)

    def gain_at(self, pressure_gpa: float) -> float:
        """Gain [GPa/bar] at a pressure [GPa]."""
        left = max(1.0 - (pressure_gpa - self.start_gpa) / self.ceiling_gpa, 1.0 - MODELLED_CEILING_SHARE)
        return self.gain_gpa_per_bar * min(left, 1.0)

    def dead_band_bar(self, grip: Grip) -> float:
        """Gas [bar] that a reversal takes before the pressure answers."""
        return (
            2.0 * self._relief(grip.temperature_k) * (self.friction_bar + self.friction_per_bar * grip.transmitted_bar)
        )

    def gas_bar(self, transmitted_bar: float, temperature_k: float, *, rising: bool) -> float:
        """Load [bar] that transmits `transmitted_bar` at a temperature [K], on the way up or down."""
        half_bar = self._relief(temperature_k) * (self.friction_bar + self.friction_per_bar * transmitted_bar)
        return transmitted_bar + (half_bar if rising else -half_bar)

    def moved(self, grip: Grip, *, gas_bar: float, temperature_k: float) -> Grip:
        """Return how the cell stands after gas [bar] and temperature [K] have changed a little."""
        relief = self._relief(temperature_k)
        lowest = (gas_bar - self.friction_bar * relief) / (1.0 + self.friction_per_bar * relief)
        highest = (gas_bar + self.friction_bar * relief) / (1.0 - self.friction_per_bar * relief)
        transmitted_bar = max(min(max(grip.transmitted_bar, lowest), highest), 0.0)
        return Grip(gas_bar=gas_bar, transmitted_bar=transmitted_bar, temperature_k=temperature_k)

    def _relief(self, temperature_k: float) -> float:
        return 1.0 - min(max(self.friction_relief_per_k * (temperature_k - REFERENCE_K), 0.0), LEAST_FRICTION_SHARE)
