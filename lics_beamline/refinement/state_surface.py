"""An equation of state through cells at all pressures and temperatures at once, from which a search may start."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import RefinementFailed
from lics_beamline.physics.equation_of_state import EquationOfState
from lics_beamline.refinement.isotherm import HELD_SLOPE, CellReading

FloatArray = npt.NDArray[np.float64]

FEW_READINGS: Final = 6  # fewer leave the slope of the bulk modulus to its usual value
LEAST_SPAN_GPA: Final = 0.3  # of pressures: less determines no bulk modulus
LEAST_RISE_K: Final = 20.0  # of temperatures: less determines no thermal pressure
UNKNOWN_MODULUS_GPA: Final = 20.0  # engineering value, between caesium and the alloys of alkali metals
LEAST_ERROR_GPA: Final = 0.005  # of a pressure: what a ruby repeats within a sweep
SLOPE_LIMITS: Final = (1.5, 10.0)  # of bulk moduli, of all solids


@dataclass(frozen=True, slots=True, kw_only=True)
class StateSurface:
    """A fitted equation of state.

    Parameters
    ----------
    equation : EquationOfState
        With the isotherm at 298 K.
    misfit_relative : float
        Root mean square of what the volumes are off.
    readings : int
        Cells that were fitted.
    held : tuple of str
        Numbers that the readings do not determine: ``"K0"``, ``"K'"``, ``"thermal pressure"``.
    """

    equation: EquationOfState
    misfit_relative: float
    readings: int
    held: tuple[str, ...]


def fit_state_surface(readings: Sequence[CellReading]) -> StateSurface:
    """Fit Vinet's isotherm with a linear thermal pressure to cells of one phase.

    Parameters
    ----------
    readings : sequence of CellReading
        At least one.

    Raises
    ------
    RefinementFailed
        If there is no reading, or no such equation goes through them.
    """
    from scipy.optimize import least_squares

    if not readings:
        raise RefinementFailed("no cell of the phase is known, so it has no equation of state. Measure more points.")
    pressure = np.array([reading.pressure_gpa for reading in readings])
    kelvin = np.array([reading.temperature_k for reading in readings])
    volume = np.array([reading.volume_angstrom3 for reading in readings])
    error = np.array([max(reading.pressure_sigma_gpa, LEAST_ERROR_GPA) for reading in readings])
    compressed = float(np.ptp(pressure)) >= LEAST_SPAN_GPA
    curved = compressed and len(readings) >= FEW_READINGS
    heated = float(np.ptp(kelvin)) >= LEAST_RISE_K and len(readings) > 2 + curved

    def equation_of(free: FloatArray) -> EquationOfState:
        numbers = iter(free.tolist())
        return EquationOfState(
            volume0_angstrom3=math.exp(next(numbers)),
            bulk_modulus_gpa=math.exp(next(numbers)) if compressed else UNKNOWN_MODULUS_GPA,
            bulk_modulus_slope=next(numbers) if curved else HELD_SLOPE,
            thermal_pressure_gpa_per_k=next(numbers) if heated else 0.0,
        )

    def misfit(free: FloatArray) -> FloatArray:
        equation = equation_of(free)
        found = [equation.pressure_gpa(float(v), float(t)) for v, t in zip(volume, kelvin, strict=True)]
        return (np.array(found) - pressure) / error

    first, low, high = [math.log(1.1 * float(volume.max()))], [math.log(0.8 * float(volume.max()))], [np.inf]
    if compressed:
        first, low, high = [*first, math.log(UNKNOWN_MODULUS_GPA)], [*low, math.log(0.5)], [*high, math.log(1000.0)]
    if curved:
        first, low, high = [*first, HELD_SLOPE], [*low, SLOPE_LIMITS[0]], [*high, SLOPE_LIMITS[1]]
    if heated:
        first, low, high = [*first, 5e-3], [*low, -0.1], [*high, 0.1]
    found = least_squares(misfit, first, bounds=(low, high), x_scale="jac", max_nfev=500)
    equation = equation_of(found.x)
    off = [
        equation.volume_angstrom3(float(p), float(t)) / v - 1.0
        for p, t, v in zip(pressure, kelvin, volume, strict=True)
    ]
    if not found.success:
        raise RefinementFailed(
            f"no equation of state goes through {len(readings)} cells from {pressure.min():.2f} to "
            f"{pressure.max():.2f} GPa. Look for points of another phase among them.",
            readings=len(readings),
        )
    known = {"K0": compressed, "K'": curved, "thermal pressure": heated}
    return StateSurface(
        equation=equation,
        misfit_relative=float(np.sqrt(np.mean(np.square(off)))),
        readings=len(readings),
        held=tuple(name for name, is_known in known.items() if not is_known),
    )
