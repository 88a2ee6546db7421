import itertools
import re

import numpy as np
import pytest

from lics_beamline.calibration.calibrant import find_calibrant, read_calibrant
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
    with pytest.raises(ProfileError, match=r"CeO2, LaB6.*alpha_Al2O3.*or give a \.D file"):
        find_calibrant("salt")


def test_a_calibrant_that_is_known_by_two_doors_is_told_once():
    with pytest.raises(ProfileError) as refused:
        find_calibrant("nobody knows it")
    names = re.split(r", | or ", str(refused.value).split("Choose one of ")[1])
    assert len(names) == len(set(names))


def test_every_calibrant_that_pyfai_ships_has_pyfais_spacings():
    from pyFAI.calibrant import get_calibrant

    from lics_beamline.calibration.refinement import shipped_calibrants

    for name in shipped_calibrants():
        lines = find_calibrant(name).lines(0.4)
        theirs = np.array(get_calibrant(name).dspacing)
        assert lines
        assert all(np.abs(theirs - line.d_angstrom).min() < 1e-6 for line in lines)


def test_lines_of_a_list_have_their_indices_and_those_that_nobody_sees_are_left_out():
    lines = {str(line.reflection): line for line in find_calibrant("alpha_al2o3").lines(0.4)}
    assert lines["113" if "113" in lines else "2-13"].multiplicity == 12
    assert "006" not in lines  # intensity 0
    assert "104" in lines


def test_a_list_of_bare_spacings_is_read_with_its_lines_numbered(tmp_path):
    path = tmp_path / "mine.D"
    path.write_text("# of mine\n3.0\n\n2.0 # weak\n2.0\n1.5e0\n")
    mine = find_calibrant(str(path))
    assert mine.name == "mine"
    assert [line.d_angstrom for line in mine.lines(0.4)] == [3.0, 2.0, 1.5]
    assert [line.d_angstrom for line in mine.lines(2.2)] == [3.0, 2.0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# nothing\n", "has no spacings in it"),
        ("3.0\n3.1\n", "line 2: 3.1 angstrom is more than 3"),
        ("0.03\n", "line 1: '0.03' is no spacing from 0.1 to 1000 angstrom"),
        ("3.0 2.0\n", "line 1: '3.0 2.0' is no spacing"),
        ("3.0\n-1\n", "line 2: '-1' is no spacing"),
        ("nan\n", "'nan' is no spacing"),
        ("1.2.3\n", "'1.2.3' is no spacing"),
    ],
)
def test_a_list_that_is_none_is_refused_with_its_line(tmp_path, text, said):
    path = tmp_path / "mine.D"
    path.write_text(text)
    with pytest.raises(ProfileError) as caught:
        read_calibrant(path)
    assert said in str(caught.value)
