"""Fits of neighbouring lines against scipy's least squares, and their light against the shape averaged finely."""

import math

import numpy as np
import pytest
from scipy.optimize import least_squares

from lics_beamline.lines.line_fit import ProfileLine, fit_lines, light, light_of_all
from lics_beamline.physics.line_shape import pseudo_voigt

STEP = 0.01
X = 9.0 + STEP * np.arange(120)


def averaged(x, centre, fwhm, mixing, step=STEP, fine=400):
    offsets = step * ((np.arange(fine) + 0.5) / fine - 0.5)
    return pseudo_voigt(2.0 * (x[:, None] + offsets - centre) / fwhm, mixing).value.mean(axis=1)


@pytest.mark.parametrize("fwhm", [0.015, 0.03, 0.06, 0.2])
def test_a_line_gives_the_light_of_its_shape_averaged_over_each_bin(fwhm):
    (found,) = light([ProfileLine(centre=9.503, fwhm=fwhm, height=7.0, mixing=0.4)], X, STEP)
    # Three places a bin, and its middle where it is a sixth of the width, leave a hundredth at the top.
    assert found == pytest.approx(7.0 * averaged(X, 9.503, fwhm, 0.4), abs=0.1)


def test_lines_together_give_the_light_of_each():
    lines = [ProfileLine(centre=9.3, fwhm=0.05, height=3.0), ProfileLine(centre=9.8, fwhm=0.1, height=5.0, mixing=0.1)]
    together = light(lines, X, STEP)
    for line, found in zip(lines, together, strict=True):
        assert np.array_equal(light([line], X, STEP)[0], found)
    assert light_of_all(lines, X, STEP) == pytest.approx(together.sum(axis=0), rel=1e-12)
    assert light([], X, STEP).shape == (0, X.size)
    assert not light_of_all([], X, STEP).any()


def test_far_from_a_line_its_light_is_that_of_its_wings():
    line = ProfileLine(centre=9.9, fwhm=0.02, height=7.0, mixing=0.4)
    (found,) = light([line], X, STEP)
    assert found == pytest.approx(7.0 * averaged(X, 9.9, 0.02, 0.4), rel=0.01, abs=0.1)
    far = np.abs(X - 9.9) > 0.25
    assert found[far] == pytest.approx(7.0 * averaged(X[far], 9.9, 0.02, 0.4), rel=2e-3)


@pytest.mark.parametrize("brightness", [0.1, 1.0, 100.0])  # dim lines lean on the usual width, bright ones do not
def test_two_overlapping_lines_are_fitted_as_by_scipy_with_its_errors(brightness):
    heights = [300.0 * brightness, 180.0 * brightness]
    true = [9.5, 9.6, math.log(0.04), math.log(0.05), *heights, 50.0, 10.0, 0.3]

    def curve(p):
        t = (X - X.mean()) / (0.5 * (X[-1] - X[0]))
        shapes = [pseudo_voigt((X - p[k]) / math.exp(p[2 + k]), p[8]).value for k in (0, 1)]
        return p[4] * shapes[0] + p[5] * shapes[1] + p[6] + p[7] * t

    y = np.random.default_rng(4).normal(curve(true), np.sqrt(curve(true)))
    sigma = np.sqrt(curve(true))

    def misfit(p):
        leaning = (math.log(0.03) - p[2:4]) / 0.7
        return np.concatenate([(y - curve(p)) / sigma, leaning, [(0.5 - p[8]) / 0.5]])

    theirs = least_squares(misfit, true, x_scale="jac", xtol=1e-12, ftol=1e-12)
    errors = np.sqrt(np.diag(np.linalg.inv(theirs.jac.T @ theirs.jac)))
    start = [ProfileLine(centre=c, fwhm=0.07) for c in (9.48, 9.62)]
    ours = fit_lines(X, y, sigma, start, step=STEP, usual_fwhm=0.06)
    assert ours is not None
    for k, line in enumerate(ours.lines):
        found = np.array([line.centre, math.log(0.5 * line.fwhm), line.height])
        assert np.all(np.abs(found - theirs.x[[k, 2 + k, 4 + k]]) < 0.05 * errors[[k, 2 + k, 4 + k]])
        assert line.mixing == pytest.approx(theirs.x[8], abs=0.05 * errors[8])
        assert ours.centre_sigma[k] == pytest.approx(errors[k], rel=0.02)
        assert ours.height_sigma[k] == pytest.approx(errors[4 + k], rel=0.02)
    counted = theirs.fun[: X.size]
    assert ours.chi2 == pytest.approx(counted @ counted / (X.size - 6), rel=1e-3)


def test_too_few_places_are_no_fit():
    y = np.ones(5)
    assert fit_lines(X[:5], y, y, [ProfileLine(centre=9.02, fwhm=0.02)], step=STEP) is None
