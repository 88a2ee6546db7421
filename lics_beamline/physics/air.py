"""Wavelengths in air and in vacuum: 0.19 nm apart at the ruby lines, which is half a GPa when they are mixed."""

from __future__ import annotations

from typing import Final, Literal, get_args

from lics_beamline.errors import OutsideCalibration

Medium = Literal["air", "vacuum"]
MEDIA: Final[tuple[Medium, ...]] = get_args(Medium)


def refractive_index(wavenumber_per_cm: float) -> float:
    """Refractive index of standard air at a vacuum wavenumber [cm-1].

    References
    ----------
    Ciddor, Appl. Opt. 35, 1566 (1996): standard air, 15 C, 101 325 Pa, 450 ppm CO2, doi 10.1364/AO.35.001566.
    """
    inverse_um2 = (wavenumber_per_cm * 1e-4) ** 2
    return 1.0 + 5792105e-8 / (238.0185 - inverse_um2) + 167917e-8 / (57.362 - inverse_um2)  # Ciddor 1996, eq. 1


def air_wavelength_nm(wavenumber_per_cm: float) -> float:
    """Wavelength in standard air [nm] of a line given by its vacuum wavenumber [cm-1]."""
    return 1e7 / wavenumber_per_cm / refractive_index(wavenumber_per_cm)


def air_from_vacuum_nm(vacuum_nm: float) -> float:
    """Wavelength in standard air [nm] of a wavelength in vacuum [nm]."""
    return air_wavelength_nm(1e7 / vacuum_nm)


def vacuum_from_air_nm(air_nm: float) -> float:
    """Wavelength in vacuum [nm] of a wavelength in standard air [nm]; the inverse of `air_from_vacuum_nm`."""
    vacuum_nm = air_nm
    for _ in range(4):  # the index changes by 1e-8 over the shift: each pass gains four digits
        vacuum_nm = air_nm * refractive_index(1e7 / vacuum_nm)
    return vacuum_nm


def check_medium(medium: str) -> None:
    """Refuse a medium that is neither air nor vacuum.

    Raises
    ------
    OutsideCalibration
        If it is another one.
    """
    if medium not in MEDIA:
        raise OutsideCalibration(
            f"wavelengths in {medium!r} cannot be read. Choose one of {', '.join(MEDIA)}.", medium=medium
        )


def in_air_nm(wavelength_nm: float, medium: Medium) -> float:
    """Return a wavelength stated in a medium [nm] as a wavelength in air [nm]."""
    return wavelength_nm if medium == "air" else air_from_vacuum_nm(wavelength_nm)


def from_air_nm(wavelength_nm: float, medium: Medium) -> float:
    """Return a wavelength in air [nm] as one in a medium [nm]."""
    return wavelength_nm if medium == "air" else vacuum_from_air_nm(wavelength_nm)
