"""Blocks are summed alike with the compiler and without it, so that the page masks what the reduction masks."""

import numpy as np
import pytest

from lics_beamline.integration import block_sum, plain_block_sum
from lics_beamline.integration.shadow import BlockRings, bad_pixels

SHAPES = [(300, 300), (407, 293), (9, 40), (231, 15)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("masked", [False, True])
def test_sums_and_numbers_of_pixels_are_the_same(shape, masked):
    rng = np.random.default_rng(3)
    frame = rng.poisson(30.0, shape).astype(np.int32)
    bad = rng.random(shape) < 0.2 if masked else None
    for compiled, plain in zip(
        block_sum.block_sums(frame, bad, side_px=10), plain_block_sum.block_sums(frame, bad, side_px=10), strict=True
    ):
        assert np.array_equal(compiled, plain)


def test_the_shadow_of_a_beam_stop_and_dead_pixels_are_found_alike():
    rng = np.random.default_rng(4)
    side = np.linspace(-1.0, 1.0, 600, dtype=np.float32)
    angles = np.hypot(side[:, None], side[None, :]) * 20.0
    frame = rng.poisson(30.0, angles.shape).astype(np.int32)
    frame[250:350, 300:500] //= 10
    frame[100:103] = -1
    found = [
        bad_pixels(frame, BlockRings.of(angles), shadow_fraction=0.5, saturation_counts=None, compiled=compiled)
        for compiled in (True, False)
    ]
    assert np.array_equal(*found)
    assert found[1][260:340, 310:490].all()
    assert found[1].mean() < 0.15
