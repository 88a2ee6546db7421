"""Thermal expansion and thermal pressure of a phase between two isotherms."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lics_beamline.refinement.isotherm import Isotherm


@dataclass(frozen=True, slots=True, kw_only=True)
class Expansion:
    """What heating does to a cell, as means over the interval between two temperatures.

    Parameters
    ----------
    cold, hot : Isotherm
        The isotherms.

    Notes
    -----
    With ``x = (V_hot/V_cold)^(1/3) - 1`` at one pressure, ``alpha_L = x/dT`` and ``alpha_V = 3 alpha_L``: of a cube,
    ``(a_hot - a_cold)/(a_cold dT)`` and three times that.
    """

    cold: Isotherm
    hot: Isotherm

    @property
    def rise_k(self) -> float:
        """Temperature of the hot isotherm less that of the cold one [K]."""
        return self.hot.temperature_k - self.cold.temperature_k

    @property
    def pressures_gpa(self) -> tuple[float, float]:
        """Pressures that both isotherms were fitted over [GPa]."""
        (low, high), (other_low, other_high) = self.cold.pressures_gpa, self.hot.pressures_gpa
        return max(low, other_low), min(high, other_high)

    def linear_per_k(self, pressure_gpa: float) -> float:
        """Linear expansion [1/K] at a pressure [GPa]."""
        ratio = self.hot.volume_angstrom3(pressure_gpa) / self.cold.volume_angstrom3(pressure_gpa)
        return (math.cbrt(ratio) - 1.0) / self.rise_k

    def linear_sigma_per_k(self, pressure_gpa: float) -> float:
        """Statistical standard error of the linear expansion [1/K] at a pressure [GPa]."""
        relative = [
            isotherm.volume_sigma_angstrom3(pressure_gpa) / isotherm.volume_angstrom3(pressure_gpa)
            for isotherm in (self.cold, self.hot)
        ]
        return math.hypot(*relative) / 3.0 / abs(self.rise_k)

    def volumetric_per_k(self, pressure_gpa: float) -> float:
        """Volumetric expansion, three times the linear one [1/K], at a pressure [GPa]."""
        return 3.0 * self.linear_per_k(pressure_gpa)

    def volumetric_sigma_per_k(self, pressure_gpa: float) -> float:
        """Statistical standard error of the volumetric expansion [1/K] at a pressure [GPa]."""
        return 3.0 * self.linear_sigma_per_k(pressure_gpa)

    def thermal_pressure_gpa_per_k(self, volume_angstrom3: float) -> float:
        """Rise of pressure with temperature at a constant volume [GPa/K]."""
        return (self.hot.pressure_gpa(volume_angstrom3) - self.cold.pressure_gpa(volume_angstrom3)) / self.rise_k

    def volume_angstrom3(self, pressure_gpa: float, temperature_k: float) -> float:
        """Volume [angstrom^3] at a temperature [K] near one of the two, the edge linear in temperature."""
        cold, hot = self.cold.volume_angstrom3(pressure_gpa), self.hot.volume_angstrom3(pressure_gpa)
        part = (temperature_k - self.cold.temperature_k) / self.rise_k
        return (math.cbrt(cold) + part * (math.cbrt(hot) - math.cbrt(cold))) ** 3
