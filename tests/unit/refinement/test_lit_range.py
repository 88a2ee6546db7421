import numpy as np
import pytest

from lics_beamline.errors import RefinementFailed
from lics_beamline.patterns.pattern import Pattern
from lics_beamline.refinement.lit_range import lit_range

X = np.arange(3.0, 31.0, 0.0112)


def seen_through(transmission, *, seed=1):
    """Rings on air and Compton scattering, behind a seat."""
    mean = 8 + 60 * np.exp(-X / 3) + 45 * (1 - np.exp(-((X / 9) ** 2))) * np.exp(-X / 60)
    for centre in (6.8, 9.6, 11.8, 15.2, 20.5, 25.6, 28.3):
        mean = mean + 150.0 * np.exp(-(((X - centre) / 0.035) ** 2))
    mean = mean * transmission
    return Pattern(
        two_theta_deg=X,
        intensity=np.random.default_rng(seed).normal(mean, 0.3),
        sigma=np.full(X.size, 0.3),
        wavelength_angstrom=0.41373,
    )


@pytest.mark.parametrize("edge", [24.0, 27.3, 29.8])
def test_the_range_ends_before_the_seats_cut_the_rings(edge):
    low, high = lit_range(seen_through(1.0 / (1.0 + np.exp((X - edge) / 0.2))))
    assert low == pytest.approx(3.0)
    assert edge - 1.8 < high < edge - 0.3


def test_an_open_pattern_is_used_to_its_end():
    assert lit_range(seen_through(np.ones(X.size))) == pytest.approx((3.0, X[-1]))


def test_a_dead_pattern_has_no_range():
    dead = Pattern(two_theta_deg=X, intensity=np.full(X.size, np.nan), sigma=X, wavelength_angstrom=0.41373)
    with pytest.raises(RefinementFailed, match="0 bins"):
        lit_range(dead)
