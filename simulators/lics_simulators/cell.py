"""The diamond-anvil cell: gas of the membrane in, pressure of the sample out, with friction, creep and slips."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lics_simulators.equation_of_state import REFERENCE_K


@dataclass(frozen=True, slots=True, kw_only=True)
class QuadraticLoadCurve:
    """Pressure against transmitted load: ``start + gain d - softening d^2`` with ``d = load - free travel``.

    Turns over at ``gain / (2 softening)``: for cells much softer than the default use `SaturatingLoadCurve`.
    """

    form: ClassVar[str] = "quadratic"
    start_gpa: float
    free_travel_bar: float
    gain_gpa_per_bar: float
    softening_gpa_per_bar2: float

    def pressure_gpa(self, transmitted_bar: float) -> float:
        """Pressure [GPa] the cell tends to under a transmitted load [bar]."""
        d = transmitted_bar - self.free_travel_bar
        if d <= 0.0:
            return self.start_gpa
        return self.start_gpa + d * (self.gain_gpa_per_bar - self.softening_gpa_per_bar2 * d)


@dataclass(frozen=True, slots=True, kw_only=True)
class SaturatingLoadCurve:
    """Pressure against transmitted load: ``start + ceiling (1 - exp(-gain d / ceiling))``, monotone for every gain."""

    form: ClassVar[str] = "saturating"
    start_gpa: float
    free_travel_bar: float
    gain_gpa_per_bar: float
    ceiling_gpa: float

    def pressure_gpa(self, transmitted_bar: float) -> float:
        """Pressure [GPa] the cell tends to under a transmitted load [bar]."""
        d = transmitted_bar - self.free_travel_bar
        if d <= 0.0:
            return self.start_gpa
        return self.start_gpa - self.ceiling_gpa * math.expm1(-self.gain_gpa_per_bar * d / self.ceiling_gpa)


@dataclass(frozen=True, slots=True, kw_only=True)
class CellParameters:
    """One cell. Design values of the world; another loading is another set.

    Parameters
    ----------
    friction_bar, friction_per_bar : float
        Half-width of the play between gas and transmitted load at zero load [bar], and its growth per bar.
    friction_relief, relief_over_k : float
        Fraction of the friction that is gone when the cell is `relief_over_k` [K] above 298 K.
    creep_fraction : float
        Part of the pressure that follows slowly, 0 to 1.
    creep_s, creep_activation_k : float
        Time constant of the creep at 298 K [s] and its activation temperature [K].
    thermal_gpa_per_k, thermal_full_gpa : float
        Pressure gained on heating [GPa/K], in full above `thermal_full_gpa`, in proportion below.
    slips_per_bar : float
        Mean number of stick-slips per bar the transmitted load travels; 0 for a smooth cell.
    slip_low_bar, slip_high_bar : float
        Load by which a stuck cell lags before it lets go, drawn evenly between these [bar].
    load_curve : QuadraticLoadCurve or SaturatingLoadCurve
        Pressure against transmitted load.
    """

    friction_bar: float
    friction_per_bar: float
    friction_relief: float
    relief_over_k: float
    creep_fraction: float
    creep_s: float
    creep_activation_k: float
    thermal_gpa_per_k: float
    thermal_full_gpa: float
    slips_per_bar: float
    slip_low_bar: float
    slip_high_bar: float
    load_curve: QuadraticLoadCurve | SaturatingLoadCurve


class Cell:
    """The cell's memory: transmitted load, creep, and whether it sticks.

    Parameters
    ----------
    parameters : CellParameters
        Numbers of this cell.
    generator : numpy.random.Generator
        Draws the stick-slips.

    Notes
    -----
    Friction is a play operator: the transmitted load u moves only when the gas pm leaves the band ``u -+ r``,
    ``r = (friction + friction_per_bar u)(1 - relief clip((T - 298)/relief_over_k, 0, 1))``.
    """

    def __init__(self, parameters: CellParameters, generator: np.random.Generator) -> None:
        self.parameters = parameters
        self._generator = generator
        self.transmitted_bar = 0.0
        self._crept_gpa = parameters.load_curve.pressure_gpa(0.0)
        self.pressure_gpa = self._crept_gpa
        self._stuck_bar = 0.0
        self._travel_to_slip_bar = self._draw_travel()

    def step(self, dt_s: float, load_bar: float, temperature_k: float) -> None:
        """Advance by `dt_s` seconds under a gas pressure [bar] at a temperature [K]."""
        p = self.parameters
        self._slide(load_bar, self.friction_bar(temperature_k))
        target = p.load_curve.pressure_gpa(self.transmitted_bar)
        creep_s = p.creep_s * math.exp(p.creep_activation_k * (1.0 / temperature_k - 1.0 / REFERENCE_K))
        self._crept_gpa -= (target - self._crept_gpa) * math.expm1(-dt_s / creep_s)
        cold = (1.0 - p.creep_fraction) * target + p.creep_fraction * self._crept_gpa
        share = min(max(cold / p.thermal_full_gpa, 0.0), 1.0)
        self.pressure_gpa = cold + p.thermal_gpa_per_k * (temperature_k - REFERENCE_K) * share

    def stick(self, lag_gpa: float) -> None:
        """Stick now, and let go once the pressure lags by `lag_gpa` [GPa] behind the gas."""
        curve, u = self.parameters.load_curve, self.transmitted_bar
        ahead_bar = 10.0  # mean gain over these: at rest the first bars are free travel
        self._stuck_bar = lag_gpa * ahead_bar / (curve.pressure_gpa(u + ahead_bar) - curve.pressure_gpa(u))

    def free(self) -> None:
        """Let go."""
        self._stuck_bar = 0.0

    @property
    def is_stuck(self) -> bool:
        """Whether the transmitted load stays where it is although the gas has moved on."""
        return self._stuck_bar > 0.0

    def friction_bar(self, temperature_k: float) -> float:
        """Half-width of the play [bar] at the present load and a temperature [K]."""
        p = self.parameters
        relief = p.friction_relief * min(max((temperature_k - REFERENCE_K) / p.relief_over_k, 0.0), 1.0)
        return (p.friction_bar + p.friction_per_bar * self.transmitted_bar) * (1.0 - relief)

    def _slide(self, load_bar: float, friction_bar: float) -> None:
        u = self.transmitted_bar
        slid = max(min(max(u, load_bar - friction_bar), load_bar + friction_bar), 0.0)
        if slid == u:
            return
        if self._stuck_bar > 0.0:
            if abs(slid - u) < self._stuck_bar:
                return
            self._stuck_bar = 0.0
            self._travel_to_slip_bar = self._draw_travel()
        else:
            self._travel_to_slip_bar -= abs(slid - u)
            if self._travel_to_slip_bar <= 0.0:
                p = self.parameters
                self._stuck_bar = float(self._generator.uniform(p.slip_low_bar, p.slip_high_bar))
        self.transmitted_bar = slid

    def _draw_travel(self) -> float:
        rate = self.parameters.slips_per_bar
        return float(self._generator.exponential(1.0 / rate)) if rate > 0.0 else math.inf
