"""A compound of two polymorphs in the beam: one below a pressure, the other above, with hysteresis between."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from lics_simulators.equation_of_state import REFERENCE_K, compression_at, re_cell, vinet_gpa
from lics_simulators.sample import GASKET, PhaseState, SampleState


@dataclass(frozen=True, slots=True, kw_only=True)
class PolymorphParameters:
    """One polymorph of a compound, cubic.

    Parameters
    ----------
    phase : str
        Its name among the structures of the plate.
    formula_units : float
        In its cell.
    volume0_angstrom3, k0_gpa, k0_prime : float
        Vinet isotherm of the cell at 298 K.
    thermal_gpa_per_k : float
        Rise of pressure with temperature at constant volume.
    """

    phase: str
    formula_units: float
    volume0_angstrom3: float
    k0_gpa: float
    k0_prime: float
    thermal_gpa_per_k: float

    def a_angstrom(self, pressure_gpa: float, temperature_k: float) -> float:
        """Edge of the cell [angstrom] at a pressure [GPa] and a temperature [K]."""
        cold = pressure_gpa - self.thermal_gpa_per_k * (temperature_k - REFERENCE_K)
        return math.cbrt(
            self.volume0_angstrom3 * compression_at(lambda v: vinet_gpa(v, self.k0_gpa, self.k0_prime), cold)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CompoundParameters:
    """What was loaded: a compound of two polymorphs.

    Parameters
    ----------
    low, high : PolymorphParameters
        The polymorph of low and of high pressure.
    forward_gpa, back_gpa : float
        Pressures above which the high one grows, and below which it goes back.
    transition_gpa_per_k : float
        Slope of both with temperature.
    transition_s : float
        Time constant of both.
    shift_mm_per_k : float
        Movement along the beam on heating [mm/K].
    """

    form: ClassVar[str] = "compound"
    low: PolymorphParameters
    high: PolymorphParameters
    forward_gpa: float
    back_gpa: float
    transition_gpa_per_k: float
    transition_s: float
    shift_mm_per_k: float


class Compound:
    """A loaded compound: remembers how much of it has transformed.

    Parameters
    ----------
    parameters : CompoundParameters
        Numbers of the loaded compound.
    """

    def __init__(self, parameters: CompoundParameters) -> None:
        self.parameters = parameters
        self.high_fraction = 0.0

    def step(self, dt_s: float, pressure_gpa: float, temperature_k: float) -> None:
        """Let the compound transform for `dt_s` seconds."""
        p = self.parameters
        moved = p.transition_gpa_per_k * (temperature_k - REFERENCE_K)
        if pressure_gpa > p.forward_gpa + moved:
            self.high_fraction += (1.0 - self.high_fraction) * -math.expm1(-dt_s / p.transition_s)
        elif pressure_gpa < p.back_gpa + moved:
            self.high_fraction *= math.exp(-dt_s / p.transition_s)

    def state(self, time_s: float, pressure_gpa: float, temperature_k: float) -> SampleState:
        """Return what lies in the beam at a pressure [GPa] and a temperature [K]."""
        p = self.parameters
        phases = [PhaseState(phase=GASKET, cell_angstrom=re_cell(pressure_gpa, temperature_k), cells=1.0)]
        for polymorph, part in ((p.low, 1.0 - self.high_fraction), (p.high, self.high_fraction)):
            if part > 0.0:
                a = polymorph.a_angstrom(pressure_gpa, temperature_k)
                cells = part / polymorph.formula_units
                phases.append(PhaseState(phase=polymorph.phase, cell_angstrom=(a, a, a), cells=cells))
        return SampleState(
            time_s=time_s,
            pressure_gpa=pressure_gpa,
            temperature_k=temperature_k,
            phases=tuple(phases),
            shift_along_beam_mm=p.shift_mm_per_k * (temperature_k - REFERENCE_K),
        )
