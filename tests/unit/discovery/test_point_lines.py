import dataclasses
import math

import pytest
from worlds.listed_lines import WAVELENGTH_ANGSTROM, lines

from lics_beamline.discovery.point_lines import lines_of, lines_text
from lics_beamline.errors import JournalError


def test_lines_read_from_their_text_are_the_same():
    told = [*lines((3.1, 2.2), 1.0), *lines((2.4,), 1.0, phase="re-hcp")]
    told[0] = dataclasses.replace(
        told[0], graininess=0.12, peak=dataclasses.replace(told[0].peak, rejected_fraction=0.1)
    )
    told.append(dataclasses.replace(told[1], unknown=False))
    read = lines_of(lines_text(told), wavelength_angstrom=WAVELENGTH_ANGSTROM)
    assert [(line.phase, line.hkl, line.unknown) for line in read] == [
        (line.phase, line.hkl, line.unknown) for line in told
    ]
    for one, other in zip(read, told, strict=True):
        for name in ("d_angstrom", "d_sigma_angstrom", "significance", "area", "fwhm_deg"):
            assert getattr(one.peak, name) == pytest.approx(getattr(other.peak, name), rel=1e-4)
    assert read[0].graininess == pytest.approx(0.12)
    assert read[0].peak.rejected_fraction == pytest.approx(0.1)
    assert math.isnan(read[1].graininess)
    assert read[1].peak.rejected_fraction is None


@pytest.mark.parametrize(
    "text",
    ["1 2 3", "x 0.1 5 1 0.1 0.5 10 - - ? -", "190 0.1 5 1 0.1 0.5 10 - - ? -", "10 0.1 5 0 0.1 0.5 10 - - ? -",
     "10 0.1 5 1 0.1 0.5 10 - - alloy 1,2", "nan 0.1 5 1 0.1 0.5 10 - - ? -", "10 0.1 inf 1 0.1 0.5 10 - - ? -"],
)  # fmt: skip
def test_a_text_that_is_no_lines_is_refused(text):
    with pytest.raises(JournalError, match="lines"):
        lines_of(text, wavelength_angstrom=WAVELENGTH_ANGSTROM)
