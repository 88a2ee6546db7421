import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import voigt_profile

from lics_beamline.refinement.line_width import shapes

NUMBERS = np.array([0.004, -0.0005, 0.0016, 0.01, 0.05])
ANGLES = np.array([4.0, 12.0, 25.0, 60.0])


@pytest.mark.parametrize(("gauss", "lorentz"), [(0.05, 0.0), (0.04, 0.01), (0.03, 0.03), (0.01, 0.05), (1e-4, 0.04)])
def test_the_width_is_that_of_a_true_voigt_line(gauss, lorentz):
    sigma, gamma = gauss / np.sqrt(8 * np.log(2)), lorentz / 2
    top = voigt_profile(0.0, sigma, gamma)
    half = brentq(lambda x: voigt_profile(x, sigma, gamma) - top / 2, 0.0, 1.0)
    found = shapes((0.0, 0.0, gauss**2, lorentz, 0.0), np.array([1e-6]))
    assert found.fwhm_deg[0] == pytest.approx(2 * half, rel=3.5e-3)  # as good as the published polynomial is


def test_widths_follow_the_angle_as_published():
    pure_gauss = shapes((0.004, -0.0005, 0.0016, 0.0, 0.0), ANGLES)
    tangent = np.tan(np.radians(ANGLES / 2))
    np.testing.assert_allclose(pure_gauss.fwhm_deg**2, 0.004 * tangent**2 - 0.0005 * tangent + 0.0016)
    np.testing.assert_allclose(pure_gauss.mixing, 0.0)
    pure_lorentz = shapes((0.0, 0.0, 0.0, 0.01, 0.05), ANGLES)
    np.testing.assert_allclose(pure_lorentz.fwhm_deg, 0.01 / np.cos(np.radians(ANGLES / 2)) + 0.05 * tangent, rtol=3e-3)
    assert (pure_lorentz.mixing > 0.99).all()


@pytest.mark.parametrize("which", range(5))
def test_slopes_are_those_of_the_curve(which):
    step = 1e-7
    up, down = NUMBERS.copy(), NUMBERS.copy()
    up[which] += step
    down[which] -= step
    here, above, below = shapes(NUMBERS, ANGLES), shapes(up, ANGLES), shapes(down, ANGLES)
    np.testing.assert_allclose(
        here.fwhm_slopes[which], (above.fwhm_deg - below.fwhm_deg) / (2 * step), rtol=1e-4, atol=1e-6
    )
    np.testing.assert_allclose(
        here.mixing_slopes[which], (above.mixing - below.mixing) / (2 * step), rtol=1e-4, atol=1e-6
    )
