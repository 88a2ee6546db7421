"""Grains of rings drawn by hand: independent bright and dim arcs of half a degree on a polarised, noisy plate."""

import numpy as np
import pytest

from lics_beamline.diffraction.graininess import cake, graininess

SHAPE = (1200, 1200)
RINGS = np.array([6.8, 9.6, 13.6, 16.7])
WIDTH = 0.12
ROWS, COLUMNS = np.indices(SHAPE, dtype=np.float32)
UP, RIGHT = (ROWS - 590.3) * 0.25, (COLUMNS - 611.8) * 0.25
TWO_THETA = np.degrees(np.arctan(np.hypot(UP, RIGHT) / 350.0)).astype(np.float32)
AZIMUTH = np.arctan2(UP, RIGHT)
POLARISATION = 0.5 * (
    1 + np.cos(np.radians(TWO_THETA)) ** 2 - 0.99 * np.cos(2 * AZIMUTH) * np.sin(np.radians(TWO_THETA)) ** 2
)
ARC = ((AZIMUTH / (2 * np.pi) + 0.5) * 720).astype(int) % 720


def plate(contrast, *, photons=60.0, seed=1, gain=1.0):
    draw = np.random.default_rng(seed)
    mean = np.full(SHAPE, 0.25 * photons)
    for centre in RINGS:
        arcs = draw.gamma(contrast**-2, contrast**2, 720) if contrast else np.ones(720)
        mean += photons * arcs[ARC] * np.exp(-4 * np.log(2) * ((TWO_THETA - centre) / WIDTH) ** 2)
    return np.rint(gain * draw.poisson(mean * POLARISATION)).astype(np.int32)


def measured(frame, bad=None):
    return graininess(cake(frame, TWO_THETA, bad, bins=800), RINGS, fwhm_deg=WIDTH)


@pytest.mark.parametrize("gain", [1.0, 6.0])
def test_the_error_of_a_ring_is_that_of_its_arcs(gain):
    rings = measured(plate(0.25, gain=gain))
    assert all(ring.measured for ring in rings)
    mean = np.mean([ring.relative_sigma for ring in rings])
    assert mean == pytest.approx(0.25 / np.sqrt(720), rel=0.15)


def test_a_fine_powder_on_a_polarised_plate_has_no_grains_to_speak_of():
    rings = measured(plate(0.0))
    assert max(ring.relative_sigma for ring in rings) < 0.0025


def test_rings_too_weak_to_tell_take_the_contrast_of_the_others():
    strong = plate(0.25, photons=60.0)
    weak = np.random.default_rng(2).binomial(strong, 0.004)
    frame = np.where(TWO_THETA > 12.0, weak, strong).astype(np.int32)
    rings = measured(frame)
    assert [ring.measured for ring in rings] == [True, True, False, False]
    assert rings[3].contrast == pytest.approx(np.mean([ring.contrast for ring in rings[:2]]), rel=0.3)


def test_spots_and_shadows_are_no_grains():
    frame = plate(0.1)
    clean = measured(frame)
    draw = np.random.default_rng(5)
    for row, column in draw.integers(40, 1160, (500, 2)):
        frame[row - 2 : row + 3, column - 2 : column + 3] += 1500
    bad = np.zeros(SHAPE, dtype=bool)
    bad[570:640, 640:] = True
    frame[bad] //= 3
    struck = measured(frame, bad)
    for before, after in zip(clean, struck, strict=True):
        assert after.contrast == pytest.approx(before.contrast, rel=0.25)
