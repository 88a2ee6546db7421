import numpy as np
import pytest

from lics_simulators.plate.scattering import rings
from lics_simulators.plate.settings import read_settings
from lics_simulators.plate.structures import ALLOY, RHENIUM
from lics_simulators.preset import read_preset

CELL = (3.489, 3.489, 3.489)


def squared(structure):
    found = rings(structure, CELL, cells=1.0, temperature_k=298.0, wavelength_angstrom=0.41373, two_theta_max_deg=15.0)
    return np.array([ring.f_squared for ring in found[:2]])


def test_a_description_says_only_what_differs_from_another():
    plain, textured = read_settings(), read_settings("textured")
    assert textured.grains.fibre_texture == 0.03
    assert textured.grains.contrast == plain.grains.contrast
    assert textured.reader == plain.reader


def test_a_description_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(ValueError, match=r"no plate 'velvet'\. Choose one of grainy, plate, textured"):
        read_settings("velvet")


@pytest.mark.parametrize(("world", "plate"), [("volumetric", "plate"), ("textured", "textured"), ("grainy", "grainy")])
def test_a_world_says_which_plate_it_is_seen_on(world, plate):
    assert read_preset(world).plate == plate


def test_a_site_left_empty_takes_its_alternation_from_the_rings():
    # Lithium at the body centre weakens 100 and strengthens 110.
    full, empty = squared(ALLOY.filled(1.0)), squared(ALLOY.filled(0.0))
    assert full[0] < empty[0]
    assert full[1] > empty[1]
    assert squared(ALLOY.filled(None)) == pytest.approx(squared(ALLOY.filled(0.7)))


def test_full_sites_stay_full():
    assert RHENIUM.filled(0.2) == RHENIUM
