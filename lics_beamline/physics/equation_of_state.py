"""Volume under pressure and temperature: Vinet and Birch-Murnaghan isotherms with a linear thermal pressure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from lics_beamline.errors import OutsideCalibration

Form: TypeAlias = Literal["vinet", "birch-murnaghan-3"]
LEAST_COMPRESSION: Final = 0.4  # V/V0 below which no isotherm of this room was fitted
MOST_EXPANSION: Final = 1.3  # V/V0 above which an isotherm has lost its pressure again


@dataclass(frozen=True, slots=True, kw_only=True)
class EquationOfState:
    """P(V, T) of one phase.

    Parameters
    ----------
    volume0_angstrom3 : float
        Volume at zero pressure and the reference temperature [angstrom^3], of a cell or an atom as the user pleases.
    bulk_modulus_gpa : float
        Isothermal bulk modulus at zero pressure [GPa].
    bulk_modulus_slope : float
        Its derivative by pressure; above 1.
    thermal_pressure_gpa_per_k : float
        Rise of pressure with temperature at constant volume [GPa/K]: expansion times bulk modulus.
    form : {"vinet", "birch-murnaghan-3"}
        Form of the isotherm.
    reference_temperature_k : float
        Temperature of the isotherm [K].

    Notes
    -----
    With ``x = (V/V0)^(1/3)``: Vinet ``P = 3 K0 (1 - x)/x^2 exp(1.5 (K' - 1)(1 - x))``; third-order Birch-Murnaghan
    ``P = 1.5 K0 (x^-7 - x^-5) [1 + 0.75 (K' - 4)(x^-2 - 1)]``; both plus ``b (T - T0)``.

    References
    ----------
    Vinet et al., J. Phys. Condens. Matter 1, 1941 (1989), doi 10.1088/0953-8984/1/11/002; Birch, Phys. Rev. 71, 809
    (1947), doi 10.1103/PhysRev.71.809.
    """

    volume0_angstrom3: float
    bulk_modulus_gpa: float
    bulk_modulus_slope: float
    thermal_pressure_gpa_per_k: float = 0.0
    form: Form = "vinet"
    reference_temperature_k: float = 298.0

    def pressure_gpa(self, volume_angstrom3: float, temperature_k: float) -> float:
        """Pressure [GPa] at a volume [angstrom^3] and a temperature [K]."""
        x = (volume_angstrom3 / self.volume0_angstrom3) ** (1.0 / 3.0)
        slope = self.bulk_modulus_slope
        if self.form == "vinet":
            cold = 3.0 * (1.0 - x) / x**2 * math.exp(1.5 * (slope - 1.0) * (1.0 - x))
        else:
            cold = 1.5 * (x**-7 - x**-5) * (1.0 + 0.75 * (slope - 4.0) * (x**-2 - 1.0))
        thermal = self.thermal_pressure_gpa_per_k * (temperature_k - self.reference_temperature_k)
        return self.bulk_modulus_gpa * cold + thermal

    def volume_angstrom3(self, pressure_gpa: float, temperature_k: float) -> float:
        """Volume [angstrom^3] at a pressure [GPa] and a temperature [K].

        Raises
        ------
        OutsideCalibration
            If the volume would be below 0.4 or above 1.3 of that at zero pressure.
        """
        from scipy.optimize import brentq

        def excess(fraction: float) -> float:
            return self.pressure_gpa(fraction * self.volume0_angstrom3, temperature_k) - pressure_gpa

        if not excess(MOST_EXPANSION) < 0.0 < excess(LEAST_COMPRESSION):
            raise OutsideCalibration(
                f"{pressure_gpa:.2f} GPa at {temperature_k:.1f} K is outside the equation of state with "
                f"K0 {self.bulk_modulus_gpa:g} GPa, which holds for V/V0 from {LEAST_COMPRESSION:g} to "
                f"{MOST_EXPANSION:g}. Check the pressure, or give another equation of state.",
                pressure_gpa=pressure_gpa,
                temperature_k=temperature_k,
            )
        fraction: float = brentq(excess, LEAST_COMPRESSION, MOST_EXPANSION, xtol=1e-12)
        return fraction * self.volume0_angstrom3
