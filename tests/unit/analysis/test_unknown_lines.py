"""Lines that are given to an indexing: none of a known phase is among them, also where all lines are shifted."""

from importlib.resources import files

import numpy as np
import pytest

from lics_beamline.analysis.unknown_lines import lines_of_pattern
from lics_beamline.lines.peaks import find_peaks
from lics_beamline.patterns.pattern_file import read_pattern

ALPHA_1, ALPHA_2 = 1.5405929, 1.5444274


@pytest.mark.long
@pytest.mark.parametrize("zero_deg", [0.0, -0.1])
def test_lines_of_a_known_phase_of_a_diffractometer_are_not_indexed(tmp_path, zero_deg):
    """Fluorapatite, with the pattern as rietx brings it: its sample lies beside the axis, by 0.05 deg."""
    folder = files("rietx") / "data" / "examples"
    pattern = read_pattern(folder / "FAP.XRA", wavelength_angstrom=ALPHA_1).pattern
    path = tmp_path / "moved.xye"
    np.savetxt(path, np.column_stack([pattern.two_theta_deg + zero_deg, pattern.intensity, pattern.sigma]))
    given = read_pattern(path, wavelength_angstrom=ALPHA_1)
    lines = lines_of_pattern(given, [folder / "fluorapatite.cif"], within=0.02, second_angstrom=ALPHA_2)
    area = sum(peak.area for peak in find_peaks(given.pattern))
    assert len(lines.lines) < 12  # asymmetric feet; 23 and 82 lines without the shift
    assert sum(peak.area for peak in lines.lines) < 0.02 * area
