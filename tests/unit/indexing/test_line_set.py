import dataclasses

import numpy as np
import pytest

from lics_beamline.indexing.line_set import LineSet
from lics_beamline.lines.peaks import find_peaks
from lics_beamline.patterns.pattern import Pattern


@pytest.fixture(scope="module")
def two_lines():
    angle = np.linspace(5.0, 9.0, 800)
    counts = 10.0 + 500.0 * (np.exp(-(((angle - 6.0) / 0.03) ** 2)) + np.exp(-(((angle - 8.0) / 0.03) ** 2)))
    pattern = Pattern(two_theta_deg=angle, intensity=counts, sigma=np.sqrt(counts), wavelength_angstrom=0.4)
    return find_peaks(pattern)


def test_a_phase_has_lines_by_rising_angle(two_lines):
    assert len(LineSet(lines=two_lines, wavelength_angstrom=0.4).lines) == 2
    with pytest.raises(ValueError, match="at least one line"):
        LineSet(lines=(), wavelength_angstrom=0.4)
    with pytest.raises(ValueError, match="by rising angle"):
        LineSet(lines=two_lines[::-1], wavelength_angstrom=0.4)


def test_the_state_of_a_phase_that_nobody_measured_is_not_a_number(two_lines):
    assert np.isnan(dataclasses.astuple(LineSet(lines=two_lines, wavelength_angstrom=0.4))[2:4]).all()


def test_lines_would_be_seen_in_the_ranges_given_and_else_from_half_the_first_angle_on(two_lines):
    given = LineSet(lines=two_lines, wavelength_angstrom=0.4, lit_deg=((3.0, 9.0), (9.5, 20.0)))
    assert given.seen_deg == ((3.0, 9.0), (9.5, 20.0))
    ((low, high),) = LineSet(lines=two_lines, wavelength_angstrom=0.4).seen_deg
    assert low < two_lines[0].two_theta_deg < two_lines[-1].two_theta_deg < high
