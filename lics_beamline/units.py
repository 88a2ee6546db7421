"""One unit for each quantity, and the few conversions at the doors.

Inside the project: pressure of the sample in GPa, load of the membrane in bar, temperature in K, time of the experiment
in s, lengths of cells in angstrom, ruby lines in nm, angles in degrees. Only instruments speak other units.
"""

from __future__ import annotations

from typing import Final

ZERO_CELSIUS_K: Final = 273.15  # exact, SI Brochure (9th ed. 2019), 2.3.1
KPA_PER_GPA: Final = 1.0e6
HC_KEV_ANGSTROM: Final = 12.398419843320026  # h c in keV angstrom, exact from the SI 2019 constants


def kelvin_from_celsius(temperature_c: float) -> float:
    """Temperature in K from degrees Celsius."""
    return temperature_c + ZERO_CELSIUS_K


def energy_kev_from_wavelength(wavelength_angstrom: float) -> float:
    """Photon energy [keV] from X-ray wavelength [angstrom]."""
    return HC_KEV_ANGSTROM / wavelength_angstrom


def duration_text(seconds: float) -> str:
    """Return how long something takes or took, for people: ``90 s``, ``12 min``, ``3 h 5 min``."""
    minutes = round(seconds / 60.0)
    if minutes >= 120:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min" if minutes >= 2 else f"{seconds:.0f} s"
