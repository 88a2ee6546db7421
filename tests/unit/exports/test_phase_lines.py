"""Ticks of phases: where Bragg's law puts the lines of the cell that was found."""

import math

import numpy as np
import pytest
import reduced_documents

from lics_beamline.exports.phase_lines import lines_of
from lics_beamline.exports.reduced_run import reduced_point
from lics_beamline.phases.phase import default_phases

WAVELENGTH = 0.41373


def angle_deg(d_angstrom):
    return 2.0 * math.degrees(math.asin(WAVELENGTH / 2.0 / d_angstrom))


def test_ticks_lie_where_the_cell_of_the_point_puts_its_lines():
    point = reduced_point(reduced_documents.data(0, a=3.55))
    by_name = {lines.phase: lines.two_theta_deg for lines in lines_of(point, default_phases(), WAVELENGTH)}
    assert set(by_name) == {"alloy", "re-hcp"}
    for squares in (1, 2, 3):  # of the primitive cube of the alloy: 100, 110, 111
        expected = angle_deg(3.55 / math.sqrt(squares))
        assert np.min(np.abs(np.array(by_name["alloy"]) - expected)) < 1e-9
    assert by_name["re-hcp"][0] == pytest.approx(angle_deg(2.75 * math.sqrt(3.0) / 2.0), abs=1e-9)  # 100
    assert all(5.0 <= angle <= 17.0 for angles in by_name.values() for angle in angles)


def test_a_compressed_cell_moves_all_its_ticks_outwards():
    wide, narrow = (reduced_point(reduced_documents.data(0, a=a)) for a in (3.60, 3.55))
    before, after = (lines_of(point, default_phases(), WAVELENGTH)[0].two_theta_deg for point in (wide, narrow))
    assert all(later > earlier for earlier, later in zip(before, after, strict=False))


def test_a_point_that_was_not_reduced_has_no_ticks():
    assert lines_of(reduced_point(reduced_documents.data(0, reduced=False)), default_phases(), WAVELENGTH) == ()


def test_a_phase_whose_cell_is_no_number_has_no_ticks():
    point = reduced_point(reduced_documents.data(0, a=math.nan))
    assert [lines.phase for lines in lines_of(point, default_phases(), WAVELENGTH)] == ["re-hcp"]
