"""What a lattice may hold: volume and places for atoms."""

import pytest

from lics_beamline.errors import ProfileError
from lics_beamline.structures.lattice_content import LatticeContent, formula_of

GPA, KELVIN = 3.2, 298.0
ALLOY_ANGSTROM3 = 3.62**3


def test_the_alloy_has_volume_and_places_in_its_primitive_cube():
    can_hold, told = LatticeContent(("Li", "Cs"), {"Cs": 1, "Li": 1}).judged(ALLOY_ANGSTROM3, GPA, KELVIN, ["P 2 3"])
    assert can_hold
    assert told.startswith("Cs Li, 0.6")


def test_a_body_centred_cube_has_no_places_for_one_atom_of_each():
    volume = 2.0 * ALLOY_ANGSTROM3  # the same for each formula unit
    can_hold, why = LatticeContent(("Li", "Cs"), {"Cs": 1, "Li": 1}).judged(volume, GPA, KELVIN, ["I 2 3"])
    assert not can_hold
    assert "no atoms of that formula have volume and places" in why
    primitive, _ = LatticeContent(("Li", "Cs"), {"Cs": 1, "Li": 1}).judged(volume, GPA, KELVIN, ["P 2 3"])
    assert primitive


def test_a_cell_too_small_for_any_atom_is_ruled_out():
    can_hold, why = LatticeContent(("Cs",)).judged(20.0, GPA, KELVIN, ["P 1"])
    assert not can_hold
    assert "20.0 A^3" in why


def test_a_cell_of_more_atoms_than_are_asked_about_is_left_alone():
    assert LatticeContent(("Li",)).judged(1400.0, GPA, KELVIN, ["P 1"]) == (True, "")


@pytest.mark.parametrize("text", ["", "lics", "Xy2", "Cs0.7Li", "Cs(OH)2"])
def test_what_is_no_formula_of_whole_atoms_is_refused(text):
    with pytest.raises(ProfileError, match="Write"):
        formula_of(text)


def test_a_formula_is_read():
    assert formula_of("Cs2Li") == {"Cs": 2, "Li": 1}
