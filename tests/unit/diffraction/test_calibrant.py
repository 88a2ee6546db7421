import itertools

import numpy as np
import pytest

from lics_beamline.diffraction.calibrant import find_calibrant
from lics_beamline.errors import ProfileError


@pytest.mark.parametrize(("name", "theirs"), [("CeO2", "CeO2"), ("LaB6", "LaB6_SRM660c")])
def test_spacings_are_those_pyfai_ships_for_the_same_certificate(name, theirs):
    from pyFAI.calibrant import get_calibrant

    lines = find_calibrant(name).lines(0.41373)
    shipped = np.array(get_calibrant(theirs).dspacing)
    ours = np.array([line.d_angstrom for line in lines])
    count = min(len(ours), len(shipped), 40)
    assert count >= 25
    assert ours[:count] == pytest.approx(shipped[:count], abs=2e-8)


def test_families_of_one_spacing_are_one_line():
    lines = {str(line.reflection): line for line in find_calibrant("ceo2").lines(0.41373)}
    assert lines["333"].multiplicity == 32  # 24 of 511 and 8 of 333
    assert "511" not in lines


def test_spacings_fall():
    spacings = [line.d_angstrom for line in find_calibrant("LaB6").lines(0.2)]
    assert all(before > after for before, after in itertools.pairwise(spacings))


def test_an_unknown_calibrant_is_refused_with_those_there_are():
    with pytest.raises(ProfileError, match="CeO2, LaB6"):
        find_calibrant("salt")
