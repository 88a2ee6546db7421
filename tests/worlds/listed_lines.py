"""Lists of lines along a sweep, without patterns: what following and grouping of lines is tested by."""

import math

from lics_beamline.discovery.point_lines import PointLines, SeenLine
from lics_beamline.lines.peaks import Peak
from lics_beamline.physics.line_shape import area_of_unit_line

WAVELENGTH_ANGSTROM = 0.41373


def peak(d_angstrom, *, significance=50.0, fwhm_deg=0.08):
    theta = math.asin(WAVELENGTH_ANGSTROM / 2.0 / d_angstrom)
    return Peak(
        two_theta_deg=2.0 * math.degrees(theta),
        two_theta_sigma_deg=0.002,
        d_angstrom=d_angstrom,
        d_sigma_angstrom=d_angstrom / math.tan(theta) * math.radians(0.001),
        height=significance,
        height_sigma=1.0,
        area=significance * area_of_unit_line(fwhm_deg, 0.5),
        fwhm_deg=fwhm_deg,
        mixing=0.5,
        background=100.0,
    )


def lines(spacings, pressure_gpa, *, compressibility=0.02, temperature_k=298.0, expansion=3e-5, phase="", **options):
    """The lines of a cubic phase whose spacings at 0 GPa are given; unknown where it has no name."""
    shift = math.exp(-compressibility * pressure_gpa + expansion * (temperature_k - 298.0))
    return [
        SeenLine(peak=peak(d * shift, **options), phase=phase, hkl=(index, 0, 0) if phase else None, unknown=not phase)
        for index, d in enumerate(spacings)
    ]


def point(number, pressure_gpa, found, *, temperature_k=298.0):
    return PointLines(
        lines=tuple(sorted(found, key=lambda line: line.peak.two_theta_deg)),
        wavelength_angstrom=WAVELENGTH_ANGSTROM,
        pressure_gpa=pressure_gpa,
        temperature_k=temperature_k,
        range_deg=(3.0, 31.0),
        number=number,
    )
