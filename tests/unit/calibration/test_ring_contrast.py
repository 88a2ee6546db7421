import numpy as np
import pytest

from lics_beamline.calibration.ring_contrast import LEAST_CONTRAST, ring_contrast
from lics_beamline.frames.orientation import oriented

SHAPE = (400, 380)
GOOD = np.ones(SHAPE, bool)


def angles(row, column):
    """Angle of each pixel of a detector hit at a place, at 0.05 deg a pixel."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]] + 0.5
    return (0.05 * np.hypot(y - row, x - column)).astype(np.float32)


def has_rings(found):
    return found.contrast[found.taken] >= LEAST_CONTRAST


def rings(angle, seed=1):
    shape = sum(40.0 * np.exp(-0.5 * ((angle - middle) / 0.1) ** 2) for middle in (3.0, 5.5, 8.0))
    return np.random.default_rng(seed).poisson(20.0 + shape).astype(np.int32)


@pytest.mark.parametrize("right", [1, 2, 3, 4])
@pytest.mark.parametrize("taken", [1, 2, 3, 4])
def test_the_flip_under_which_rings_are_sharp_is_found_from_any_other(right, taken):
    angle = angles(180.0, 205.0)
    image = oriented(rings(angle), right)  # as it is stored in that orientation
    found = ring_contrast(image, oriented(angle, taken), GOOD, orientation=taken)
    assert found.sharper == (None if taken == right else right)
    assert has_rings(found) or taken != right


def test_an_image_in_the_middle_of_its_detector_is_as_sharp_in_every_flip():
    angle = angles(200.0, 190.0)
    for taken in (1, 2, 3, 4):
        found = ring_contrast(rings(angle), angle, GOOD, orientation=taken)
        assert found.sharper is None
        assert has_rings(found)


@pytest.mark.parametrize("turns", [1, 3])
@pytest.mark.parametrize("middle", [(160.0, 205.0), (190.0, 183.0)])
def test_an_image_that_was_turned_by_a_quarter_is_told_from_one_that_is_flipped(middle, turns):
    angle = angles(*middle)[:380]
    good = np.ones(angle.shape, bool)
    found = ring_contrast(np.rot90(rings(angle), turns), angle, good, orientation=3)
    assert found.sharper_exchanged is not None
    flipped = ring_contrast(rings(angle)[::-1], angle, good, orientation=3)
    assert flipped.sharper_exchanged is None


@pytest.mark.parametrize("seed", range(10))
def test_noise_has_no_rings_and_no_flip(seed):
    noise = np.random.default_rng(seed).poisson(20.0, SHAPE).astype(np.int32)
    for rows in (400, 380):  # rows and columns are exchanged where they are as many
        found = ring_contrast(noise[:rows], angles(180.0, 205.0)[:rows], GOOD[:rows], orientation=3)
        assert not has_rings(found)
        assert found.sharper is None
        assert found.sharper_exchanged is None


def test_spots_of_a_crystal_are_no_rings():
    draw = np.random.default_rng(4)
    image = draw.poisson(20.0, SHAPE).astype(np.int32)
    image[draw.integers(0, 400, 60), draw.integers(0, 380, 60)] = 50_000
    found = ring_contrast(image, angles(180.0, 205.0), GOOD, orientation=3)
    assert not has_rings(found)
    assert found.sharper is None


def test_an_image_without_a_good_pixel_says_nothing():
    found = ring_contrast(np.zeros(SHAPE, np.int32), angles(180.0, 205.0), ~GOOD, orientation=2)
    assert not has_rings(found)
    assert found.sharper is None
