"""Rubies on spectrometers that do not resolve the doublet, drawn here: each pixel counts what falls on all of it."""

import numpy as np
import pytest
from scipy.special import voigt_profile

from lics_beamline.errors import BadReading
from lics_beamline.physics.ruby_spectrum import fit_doublet

NATURAL_NM = 0.39  # width of a ruby line at 298 K


def drawn(draw, *, pixel_nm, slit_nm, height, r1_nm=None, ratio=None, split_nm=None, background=60.0, slope=0.0):
    """Wavelengths, counts and R1 of a ruby whose ratio and splitting scatter as those of rubies do."""
    r1_nm = 694.25 + draw.uniform(0.0, 3.5) if r1_nm is None else r1_nm
    ratio = 0.62 * draw.normal(1.0, 0.08) if ratio is None else ratio
    split_nm = 1.43 * draw.normal(1.0, 0.01) if split_nm is None else split_nm
    axis_nm = np.arange(r1_nm - 30.0, r1_nm + 30.0, pixel_nm) + draw.uniform(0.0, pixel_nm)
    inside = axis_nm[:, None] + ((np.arange(9) + 0.5) / 9 - 0.5) * pixel_nm

    def line(centre_nm):
        return voigt_profile(inside - centre_nm, slit_nm / 2.3548, NATURAL_NM / 2.0).mean(axis=1)

    top = voigt_profile(0.0, slit_nm / 2.3548, NATURAL_NM / 2.0)
    level = background + slope * (axis_nm - axis_nm[0]) + height * (line(r1_nm) + ratio * line(r1_nm - split_nm)) / top
    return axis_nm, draw.poisson(level), r1_nm


@pytest.mark.long
def test_r1_lies_within_its_error_over_spectrometers_and_noise():
    draw, pulls, sigmas, refused = np.random.default_rng(4), [], [], 0
    for pixel_nm in (0.55, 0.76, 0.9):
        for slit_nm in (0.8, 1.2, 1.6, 2.2):
            for height in (1000.0, 5000.0, 40_000.0):
                for slope in (0.0, 3.0):
                    axis_nm, counts, r1_nm = drawn(draw, pixel_nm=pixel_nm, slit_nm=slit_nm, height=height, slope=slope)
                    try:
                        line = fit_doublet(axis_nm, counts, temperature_k=298.0)
                    except BadReading:
                        refused += 1
                        continue
                    assert not line.resolved
                    pulls.append((line.r1_nm - r1_nm) / line.r1_sigma_nm)
                    sigmas.append(line.r1_sigma_nm)
    assert refused <= 1
    assert 0.35 < np.median(np.abs(pulls)) < 0.9, "an honest error: two thirds of normal deviates are within it"
    assert np.max(np.abs(pulls)) < 4.0
    assert np.median(sigmas) < 0.06


def test_the_error_has_what_is_held_in_it_however_much_is_counted():
    draw = np.random.default_rng(1)
    axis_nm, counts, r1_nm = drawn(draw, pixel_nm=0.76, slit_nm=1.6, height=1e6, ratio=0.62, split_nm=1.43)
    line = fit_doublet(axis_nm, counts, temperature_k=298.0)
    assert 0.025 < line.r1_sigma_nm < 0.06
    assert line.r1_nm == pytest.approx(r1_nm, abs=0.02)
    assert line.r1_nm - line.r2_nm == pytest.approx(1.43)


def test_a_real_spectrum_of_low_resolution_is_read_as_unresolved(measured_data):
    wavelength_nm, counts = np.loadtxt(measured_data / "cases" / "lowres_ruby_5.txt", skiprows=1).T
    line = fit_doublet(wavelength_nm, counts, temperature_k=298.0)
    assert not line.resolved
    assert line.r1_nm == pytest.approx(694.64, abs=0.03)
    assert 0.02 < line.r1_sigma_nm < 0.08


def test_lines_narrower_than_their_pixels_are_read_with_the_error_of_a_place_within_a_pixel():
    draw, pulls = np.random.default_rng(9), []
    for _ in range(20):
        axis_nm, counts, r1_nm = drawn(draw, pixel_nm=0.76, slit_nm=0.1, height=5000.0)
        try:
            line = fit_doublet(axis_nm, counts, temperature_k=298.0)
        except BadReading:
            continue
        pulls.append((line.r1_nm - r1_nm) / line.r1_sigma_nm)
    assert len(pulls) >= 15
    assert np.max(np.abs(pulls)) < 4.0


def test_a_resolved_doublet_is_said_to_be_so():
    draw = np.random.default_rng(2)
    axis_nm, counts, _ = drawn(draw, pixel_nm=0.05, slit_nm=0.2, height=5000.0)
    assert fit_doublet(axis_nm, counts, temperature_k=298.0).resolved


@pytest.mark.parametrize("shape", ["hump", "edge", "noise"])
def test_what_is_no_doublet_is_refused_on_coarse_pixels_too(shape):
    draw = np.random.default_rng(6)
    axis_nm = np.arange(665.0, 725.0, 0.76)
    level = {
        "hump": 60.0 + 5000.0 * np.exp(-(((axis_nm - 696.0) / 5.0) ** 2)),
        "edge": np.where(axis_nm < 696.0, 60.0, 5000.0),
        "noise": np.full(axis_nm.size, 60.0),
    }[shape]
    with pytest.raises(BadReading) as caught:
        fit_doublet(axis_nm, draw.poisson(level), temperature_k=298.0)
    assert caught.value.facts["reason"] in ("dark", "not resolved")


def test_one_line_alone_on_pixels_that_would_show_two_is_no_ruby():
    draw = np.random.default_rng(8)
    axis_nm, counts, _ = drawn(draw, pixel_nm=0.4, slit_nm=0.5, height=5000.0, ratio=0.0)
    with pytest.raises(BadReading, match=r"one line lost|not resolved"):
        fit_doublet(axis_nm, counts, temperature_k=298.0)


@pytest.mark.parametrize("pixel_nm", [0.03, 0.76])
@pytest.mark.parametrize("top", [1.0, 10.0])
@pytest.mark.parametrize("background", [60.0, 0.0])
def test_normalised_counts_are_read_as_counts_are(pixel_nm, top, background):
    draw = np.random.default_rng(3)
    axis_nm, counts, r1_nm = drawn(draw, pixel_nm=pixel_nm, slit_nm=1.2 if pixel_nm > 0.5 else 0.2, height=4000.0)
    counts = counts - (60.0 - background)
    scale = top / counts.max()
    as_counted = fit_doublet(axis_nm, counts, temperature_k=298.0)
    line = fit_doublet(axis_nm, scale * counts, temperature_k=298.0)
    assert line.r1_nm == pytest.approx(as_counted.r1_nm, abs=2.0 * as_counted.r1_sigma_nm)
    assert line.r1_nm == pytest.approx(r1_nm, abs=5.0 * line.r1_sigma_nm)
    assert line.height_counts == pytest.approx(scale * as_counted.height_counts, rel=0.05)
    assert 0.3 * as_counted.r1_sigma_nm < line.r1_sigma_nm < 3.0 * as_counted.r1_sigma_nm


def test_normalised_noise_is_never_a_pressure():
    draw = np.random.default_rng(12)
    axis_nm = 680.0 + 0.03 * np.arange(1500)
    for _ in range(20):
        counts = draw.normal(0.5, 0.1, axis_nm.size)
        with pytest.raises(BadReading, match="dark"):
            fit_doublet(axis_nm, counts / counts.max(), temperature_k=298.0)
