"""Equations of state fitted to volumes of one phase at one temperature, with errors in pressure and in volume."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import RefinementFailed
from lics_beamline.physics.equation_of_state import EquationOfState, Form

FloatArray = npt.NDArray[np.float64]

FEWEST_POINTS: Final = 4  # volume and bulk modulus leave two points to test them with
FOR_SLOPE: Final = 5  # points that also determine K', two of them left over
HELD_SLOPE: Final = 4.0  # K' where it is held: that of a second-order Birch-Murnaghan equation
VARIANCE_PASSES: Final = 4  # effective variances settle after two
SLOPE_STEP_RELATIVE: Final = 1e-6  # relative, of derivatives by parameters
FIRST_MODULUS_GPA: Final = 20.0  # where the search begins; it finds 1 and 400 GPa from there


@dataclass(frozen=True, slots=True, kw_only=True)
class CellReading:
    """Volume of a phase at a pressure.

    Parameters
    ----------
    pressure_gpa, pressure_sigma_gpa : float
        Pressure and its statistical standard deviation [GPa].
    volume_angstrom3, volume_sigma_angstrom3 : float
        Volume of the cell and its standard deviation [angstrom^3].
    temperature_k : float
        Temperature [K].
    """

    pressure_gpa: float
    pressure_sigma_gpa: float
    volume_angstrom3: float
    volume_sigma_angstrom3: float
    temperature_k: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Isotherm:
    """A fitted isotherm.

    Parameters
    ----------
    equation : EquationOfState
        With volume, bulk modulus and its slope at zero pressure and the mean temperature of the readings.
    covariance : ndarray, shape (3, 3)
        Of ln V0, ln K0 and K'; zero for a K' that was held. Enlarged by chi^2 where that is above 1.
    chi_squared : float
        Reduced chi^2; NaN where no reading is left over.
    readings : tuple of CellReading
        By rising pressure.
    """

    equation: EquationOfState
    covariance: FloatArray
    chi_squared: float
    readings: tuple[CellReading, ...]

    @property
    def temperature_k(self) -> float:
        """Temperature of the isotherm [K]."""
        return self.equation.reference_temperature_k

    @property
    def pressures_gpa(self) -> tuple[float, float]:
        """Lowest and highest pressure that was fitted [GPa]."""
        return self.readings[0].pressure_gpa, self.readings[-1].pressure_gpa

    @property
    def sigmas(self) -> tuple[float, float, float]:
        """Standard errors of V0 [angstrom^3], K0 [GPa] and K'; 0 for a K' that was held."""
        logs = np.sqrt(np.diag(self.covariance))
        equation = self.equation
        return (
            float(equation.volume0_angstrom3 * logs[0]),
            float(equation.bulk_modulus_gpa * logs[1]),
            float(logs[2]),
        )

    def volume_angstrom3(self, pressure_gpa: float) -> float:
        """Volume [angstrom^3] at a pressure [GPa]."""
        return self.equation.volume_angstrom3(pressure_gpa, self.temperature_k)

    def volume_sigma_angstrom3(self, pressure_gpa: float) -> float:
        """Statistical standard error of the volume [angstrom^3] at a pressure [GPa]."""
        volume = self.volume_angstrom3(pressure_gpa)
        slope = _slope_gpa_per_angstrom3(self.equation, volume)
        gradient = _gradient(self.equation, np.array([volume]))[0] / slope
        return float(np.sqrt(gradient @ self.covariance @ gradient))

    def pressure_gpa(self, volume_angstrom3: float) -> float:
        """Pressure [GPa] at a volume [angstrom^3]."""
        return self.equation.pressure_gpa(volume_angstrom3, self.temperature_k)


def fit_isotherm(readings: Sequence[CellReading], *, form: Form = "vinet", slope: float | None = None) -> Isotherm:
    """Fit an isotherm to readings with errors in both pressure and volume.

    The error of a volume is turned into one of pressure by the slope of the isotherm there (effective variance), which
    is exact where errors are small against the curvature, as those of a cell edge are.

    Parameters
    ----------
    readings : sequence of CellReading
        At least four, at one temperature.
    form : {"vinet", "birch-murnaghan-3"}
        Form of the isotherm.
    slope : float, optional
        K', held. Without it K' is refined from five readings on, and held at 4 for fewer or where they do not tell it.

    Raises
    ------
    RefinementFailed
        Too few readings, or no isotherm of that form through them.

    References
    ----------
    Orear, Am. J. Phys. 50, 912 (1982), doi 10.1119/1.12972 (effective variance).
    """
    from scipy.optimize import least_squares

    ordered = tuple(sorted(readings, key=lambda reading: reading.pressure_gpa))
    if len(ordered) < FEWEST_POINTS:
        raise RefinementFailed(
            f"{len(ordered)} volumes at one temperature, an isotherm needs {FEWEST_POINTS}. Measure more pressures.",
            readings=len(ordered),
        )
    held = slope if slope is not None else HELD_SLOPE if len(ordered) < FOR_SLOPE else None
    pressures = np.array([reading.pressure_gpa for reading in ordered])
    volumes = np.array([reading.volume_angstrom3 for reading in ordered])
    pressure_sigmas = np.array([reading.pressure_sigma_gpa for reading in ordered])
    volume_sigmas = np.array([reading.volume_sigma_angstrom3 for reading in ordered])
    kelvin = float(np.mean([reading.temperature_k for reading in ordered]))

    def equation_of(free: FloatArray) -> EquationOfState:
        return EquationOfState(
            volume0_angstrom3=float(np.exp(free[0])),
            bulk_modulus_gpa=float(np.exp(free[1])),
            bulk_modulus_slope=float(free[2]) if held is None else held,
            form=form,
            reference_temperature_k=kelvin,
        )

    first = [np.log(volumes.max() * 1.02), np.log(FIRST_MODULUS_GPA), HELD_SLOPE]
    low, high = [np.log(volumes.max() * 0.7), -2.0, 1.0], [np.log(volumes.max() * 3.0), 7.0, 30.0]
    number = 3 if held is None else 2
    free = np.array(first[:number])
    errors = np.maximum(pressure_sigmas, 1e-9)
    converged = False
    for _ in range(VARIANCE_PASSES):

        def misfit(trial: FloatArray, errors: FloatArray = errors) -> FloatArray:
            return (pressures - _pressures(equation_of(trial), volumes)) / errors

        solved = least_squares(misfit, free, bounds=(low[:number], high[:number]), x_scale="jac", max_nfev=2000)
        free, converged = solved.x, bool(solved.success)
        equation = equation_of(free)
        slopes = np.array([_slope_gpa_per_angstrom3(equation, float(volume)) for volume in volumes])
        errors = np.maximum(np.hypot(pressure_sigmas, slopes * volume_sigmas), 1e-9)
    at_bound = np.any(np.isclose(free, low[:number]) | np.isclose(free, high[:number]))
    if held is None and (at_bound or not converged):
        return fit_isotherm(ordered, form=form, slope=HELD_SLOPE)
    if not converged or at_bound:
        raise RefinementFailed(
            f"no {form} isotherm goes through {len(ordered)} volumes from {pressures[0]:.2f} to {pressures[-1]:.2f} "
            "GPa. Look for points of another phase among them, or hold K'.",
            lowest_gpa=float(pressures[0]),
            highest_gpa=float(pressures[-1]),
        )
    equation = equation_of(free)
    weighted = _gradient(equation, volumes)[:, :number] / errors[:, None]
    inverse = np.linalg.pinv(weighted.T @ weighted)
    left = len(ordered) - number
    chi_squared = float(np.sum(((pressures - _pressures(equation, volumes)) / errors) ** 2) / left)
    covariance = np.zeros((3, 3))
    covariance[:number, :number] = inverse * max(chi_squared, 1.0)
    return Isotherm(equation=equation, covariance=covariance, chi_squared=chi_squared, readings=ordered)


def _pressures(equation: EquationOfState, volumes: FloatArray) -> FloatArray:
    return np.array([equation.pressure_gpa(float(v), equation.reference_temperature_k) for v in volumes])


def _slope_gpa_per_angstrom3(equation: EquationOfState, volume: float) -> float:
    step = SLOPE_STEP_RELATIVE * volume
    kelvin = equation.reference_temperature_k
    return (equation.pressure_gpa(volume + step, kelvin) - equation.pressure_gpa(volume - step, kelvin)) / (2.0 * step)


def _gradient(equation: EquationOfState, volumes: FloatArray) -> FloatArray:
    """Return dP by ln V0, ln K0 and K', shape (volumes, 3)."""
    columns = []
    for name, scale in (
        ("volume0_angstrom3", equation.volume0_angstrom3),
        ("bulk_modulus_gpa", equation.bulk_modulus_gpa),
        ("bulk_modulus_slope", 1.0),
    ):
        value, step = getattr(equation, name), SLOPE_STEP_RELATIVE * scale
        above, below = replace(equation, **{name: value + step}), replace(equation, **{name: value - step})
        columns.append((_pressures(above, volumes) - _pressures(below, volumes)) / (2.0 * SLOPE_STEP_RELATIVE))
    return np.stack(columns, axis=1)
