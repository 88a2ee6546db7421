"""Lines that come twice: K-alpha doublets are told from lattices, neighbours and single lines."""

import math

import pytest
import xraydb

from lics_beamline.lines.emission_doublet import TUBES, doubled_lines
from lics_beamline.lines.peaks import Peak
from lics_beamline.units import HC_KEV_ANGSTROM

CU = TUBES[0]


def peak(two_theta_deg, area=1000.0, fwhm_deg=0.05):
    return Peak(
        two_theta_deg=two_theta_deg,
        two_theta_sigma_deg=1e-4,
        d_angstrom=1.0,
        d_sigma_angstrom=1e-4,
        height=area,
        height_sigma=5.0,
        area=area,
        fwhm_deg=fwhm_deg,
        mixing=0.5,
        background=10.0,
    )


def angle(d, wavelength):
    return 2.0 * math.degrees(math.asin(wavelength / 2.0 / d))


def lattice(a, *wavelengths, squares=range(1, 13)):
    return [
        peak(angle(a / math.sqrt(square), wavelength), area=share * 1000.0)
        for square in squares
        for wavelength, share in wavelengths
    ]


@pytest.mark.parametrize("tube", TUBES)
def test_wavelengths_are_those_of_another_table(tube):
    lines = xraydb.xray_lines(tube.element)
    for ours, theirs in ((tube.alpha1_angstrom, "Ka1"), (tube.alpha2_angstrom, "Ka2")):
        assert ours == pytest.approx(1e3 * HC_KEV_ANGSTROM / lines[theirs].energy, rel=3e-4)


@pytest.mark.parametrize("tube", TUBES)
def test_the_doublet_of_a_tube_is_told_by_its_element(tube):
    peaks = lattice(5.0, (tube.alpha1_angstrom, 1.0), (tube.alpha2_angstrom, 0.5))
    for wavelength in (tube.alpha1_angstrom, (2.0 * tube.alpha1_angstrom + tube.alpha2_angstrom) / 3.0):
        found = doubled_lines(peaks, wavelength)
        assert found.doublet.element == tube.element
        assert f"{tube.element} K-alpha1" in found.said(wavelength)


def test_single_lines_and_the_doublet_of_another_wavelength_are_none():
    single = lattice(4.157, (CU.alpha1_angstrom, 1.0))
    assert doubled_lines(single, CU.alpha1_angstrom) is None
    double = lattice(4.157, (CU.alpha1_angstrom, 1.0), (CU.alpha2_angstrom, 0.5))
    assert doubled_lines(double, 0.41373) is None


def test_two_phases_of_nearly_one_cell_are_no_doublet():
    # As far apart as K-alpha2, and as strong as the first: a ratio of one half is what a tube makes.
    equal = lattice(4.157, (CU.alpha1_angstrom, 1.0), (CU.alpha2_angstrom, 1.0))
    assert doubled_lines(equal, CU.alpha1_angstrom) is None
    # Half as strong, and away by a constant angle.
    shifted = lattice(4.157, (CU.alpha1_angstrom, 1.0))
    shifted += [peak(each.two_theta_deg + 0.2, area=500.0) for each in shifted]
    assert doubled_lines(shifted, CU.alpha1_angstrom) is None


def test_companions_that_are_not_resolved_are_not_asked_for():
    peaks = lattice(4.157, (CU.alpha1_angstrom, 1.0), (CU.alpha2_angstrom, 0.5), squares=range(8, 13))
    low = [peak(angle(4.157 / math.sqrt(square), CU.alpha1_angstrom), fwhm_deg=0.2) for square in range(1, 8)]
    assert doubled_lines(low + peaks, CU.alpha1_angstrom).resolved == 5
