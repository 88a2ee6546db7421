"""A pressure read from a fluorescence line, with its errors term by term and the choices that made it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from lics_beamline.errors import OutsideCalibration
from lics_beamline.physics.air import Medium

STEP_NM: Final = 1e-3  # 3 MPa: far below the curvature of every scale
STEP_K: Final = 0.5  # far below the curvature of every temperature correction
COVERAGE_PROBABILITY: Final = 0.9545  # two standard deviations of a normal, as the GUM expands (JCGM 100:2008, 6.3.3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressure:
    """A pressure read from a fluorescence line of a gauge crystal.

    Parameters
    ----------
    gpa : float
        Pressure [GPa]; may be slightly negative at ambient, where the line scatters about its reference.
    sigma_gpa : float
        Statistical standard deviation from the fit of the line [GPa].
    scale_choice_gpa, correction_choice_gpa : float
        Root mean square distance to the readings on the scales, and by the temperature corrections, that could as well
        have been chosen at this pressure and temperature [GPa]; 0 where there is no other.
    thermocouple_gpa : float
        From the standard deviation of the temperature [GPa].
    reference_line_gpa : float
        From the fit of the unshifted line [GPa].
    line_shape_gpa : float
        From lines that are not quite of the fitted shape [GPa].
    chip_to_chip_gpa : float
        From the scatter of unshifted lines between crystals [GPa]; 0 where this very crystal was read at ambient.
    ruby_to_sample_gpa : float
        From the distance of gauge and sample in a cell with a pressure gradient [GPa].
    readings_gpa : tuple of float
        The same line on every believable scale and correction [GPa], the chosen ones among them.
    gauge, scale, correction : str
        The choices made: crystal, pressure scale, temperature correction.
    medium : str
        The wavelengths were stated in ``air`` or in ``vacuum``.
    temperature_k : float
        Temperature of the gauge it was computed with [K].
    reference_wavelength_nm, reference_temperature_k : float
        The unshifted line in air [nm] and the temperature it was read at [K].
    """

    gpa: float
    sigma_gpa: float
    scale_choice_gpa: float
    correction_choice_gpa: float
    thermocouple_gpa: float
    reference_line_gpa: float
    line_shape_gpa: float
    chip_to_chip_gpa: float
    ruby_to_sample_gpa: float
    readings_gpa: tuple[float, ...]
    gauge: str
    scale: str
    correction: str
    medium: Medium
    temperature_k: float
    reference_wavelength_nm: float
    reference_temperature_k: float

    @property
    def systematic_gpa(self) -> float:
        """Systematic standard deviation [GPa]: the seven terms of the budget in quadrature."""
        return math.hypot(*self.budget().values())

    def budget(self) -> dict[str, float]:
        """Return the systematic terms by name [GPa]."""
        return {
            "scale": self.scale_choice_gpa,
            "temperature correction": self.correction_choice_gpa,
            "thermocouple": self.thermocouple_gpa,
            "reference line": self.reference_line_gpa,
            "line shape": self.line_shape_gpa,
            "chip to chip": self.chip_to_chip_gpa,
            f"{self.gauge} to sample": self.ruby_to_sample_gpa,
        }

    def interval_gpa(self, coverage: float = COVERAGE_PROBABILITY) -> tuple[float, float]:
        """Lower and upper end of the interval that holds the pressure with a probability.

        Scales and corrections are a choice among a few, not a scatter: every believable reading is taken as equally
        likely and widened by the other errors, statistical and systematic, as a normal distribution.

        Parameters
        ----------
        coverage : float
            Probability, between 0 and 1; by default that of two standard deviations.

        Returns
        -------
        tuple of float
            Ends [GPa] with half of the remaining probability outside each.
        """
        width = math.hypot(
            self.sigma_gpa,
            self.thermocouple_gpa,
            self.reference_line_gpa,
            self.line_shape_gpa,
            self.chip_to_chip_gpa,
            self.ruby_to_sample_gpa,
        )
        tail = 0.5 * (1.0 - coverage)
        return _quantile(self.readings_gpa, width, tail), _quantile(self.readings_gpa, width, 1.0 - tail)


def _quantile(centres: Sequence[float], width: float, probability: float) -> float:
    """Quantile of equally likely normal distributions of one width, by bisection."""
    low, high = min(centres) - 10.0 * width, max(centres) + 10.0 * width
    if width == 0.0:
        return low if probability < 0.5 else high
    for _ in range(60):
        middle = 0.5 * (low + high)
        below = sum(math.erfc((centre - middle) / (math.sqrt(2.0) * width)) for centre in centres)
        low, high = (middle, high) if 0.5 * below / len(centres) < probability else (low, middle)
    return 0.5 * (low + high)


class Ruler(Protocol):
    """What turns a line and a temperature into a pressure: of ruby, or of another gauge crystal."""

    def gpa(self, line_nm: float, temperature_k: float, /) -> float:
        """Pressure [GPa] of a line [nm] at a temperature [K]."""


AnyRuler = TypeVar("AnyRuler", bound=Ruler)


def slope_gpa_per_nm(ruler: Ruler, line_nm: float, temperature_k: float) -> float:
    """Change of pressure with the wavelength of the line [GPa/nm]."""
    step_gpa = ruler.gpa(line_nm + STEP_NM, temperature_k) - ruler.gpa(line_nm, temperature_k)
    return step_gpa / STEP_NM


def drift_nm_per_k(shift_nm: Callable[[float], float], temperature_k: float, *, highest_k: float) -> float:
    """Change of a line with temperature [nm/K] by a shift [nm] that is known up to a temperature [K]."""
    step_k = STEP_K if temperature_k + STEP_K <= highest_k else -STEP_K
    return (shift_nm(temperature_k + step_k) - shift_nm(temperature_k)) / step_k


def rival_readings(
    rivals: Iterable[AnyRuler], line_nm: float, temperature_k: float
) -> Iterator[tuple[AnyRuler, float]]:
    """Yield each rival and its pressure [GPa]; a scale that does not reach this pressure is no rival."""
    for rival in rivals:
        try:
            yield rival, rival.gpa(line_nm, temperature_k)
        except OutsideCalibration:
            continue


def choice_spread_gpa(chosen_gpa: float, others_gpa: Sequence[float]) -> float:
    """Root mean square distance [GPa] of readings, the chosen one counted among them, from the chosen one."""
    return math.sqrt(sum((other - chosen_gpa) ** 2 for other in others_gpa) / (len(others_gpa) + 1))


def outside_scale(line: str, pressure_gpa: float, lowest_gpa: float, highest_gpa: float, scale: str) -> Exception:
    """Return the error of a reading outside the range of its scale."""
    return OutsideCalibration(
        f"{line} reads {pressure_gpa:.2f} GPa, outside {lowest_gpa:g} to {highest_gpa:g} GPa of {scale}. "
        "Check the spectrometer's calibration, the reference line and the temperature.",
        pressure_gpa=pressure_gpa,
        lowest_gpa=lowest_gpa,
        highest_gpa=highest_gpa,
        scale=scale,
    )
