"""The list of lines against patterns of known lines, and against real frames of known matter."""

import gzip

import numpy as np
import pytest
from worlds.drawn_patterns import draw, peaks_of, prominences_of, score

from lics_beamline.geometry.geometry import flat_geometry, read_geometry
from lics_beamline.patterns.pattern import Pattern
from lics_beamline.reduction.image import reduce_image
from lics_beamline.units import HC_KEV_ANGSTROM

PIXEL_MM, SHAPE = 0.172, (1679, 1475)
CERIA_GEOMETRY = flat_geometry(  # as in HEXRD's instrument file beside the frame: see test_image
    distance_mm=739.779,
    wavelength_angstrom=HC_KEV_ANGSTROM / 61.3323,
    shape=SHAPE,
    pixel_mm=PIXEL_MM,
    centre_px=(SHAPE[0] / 2 + 5.4910 / PIXEL_MM, SHAPE[1] / 2 + 6.5065 / PIXEL_MM),
).oriented(2)


def test_lines_that_a_person_sees_are_listed_and_few_others():
    drawings = [draw(seed) for seed in range(24)]
    ours, other = score(drawings, peaks_of), score(drawings, prominences_of)
    assert ours.seen_found >= 0.98 * ours.seen
    assert ours.false <= 0.01 * ours.listed
    assert ours.seen_found > other.seen_found
    assert ours.false <= other.false
    assert 1.4826 * np.median(np.abs(ours.pulls)) == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize(("seed", "lone_deg"), [(830_140, 26.620), (830_173, 21.168), (830_029, 20.004)])
def test_a_line_beside_a_hump_is_listed_whatever_else_the_hump_touches(seed, lone_deg):
    drawing = draw(seed)
    (line,) = (line for line in drawing.lines if abs(line.two_theta_deg - lone_deg) < 1e-3)
    assert min(abs(place - line.two_theta_deg) for place, _ in peaks_of(drawing.pattern)) < 0.5 * line.fwhm_deg


def test_less_tells_a_dim_line_where_it_is_as_wide_as_the_others():
    angle = np.linspace(8.0, 30.6, 570)

    def curve(centre, fwhm, height):
        u = 2.0 * (angle - centre) / fwhm
        return height * (0.5 / (1.0 + u**2) + 0.5 * np.exp(-np.log(2.0) * u**2))

    def listed(fwhm, seed):
        strong = ((10.0, 8.0), (13.2, 3.0), (16.0, 12.0), (20.0, 5.0), (25.31, 25.0))
        light = 1.0 + sum(curve(centre, 0.16, height) for centre, height in strong)
        light += curve(22.5, fwhm, 0.17 * np.sqrt(0.16 / fwhm))  # 5 sigma, but for its own noise
        counts = np.random.default_rng(seed).poisson(400.0 * light)
        pattern = Pattern(
            two_theta_deg=angle,
            intensity=counts / 400.0,
            sigma=np.sqrt(np.maximum(counts, 1)) / 400.0,
            wavelength_angstrom=0.4,
        )
        return any(abs(place - 22.5) < 0.1 for place, _ in peaks_of(pattern))

    assert sum(listed(0.16, seed) for seed in range(12)) >= 7
    assert sum(listed(0.6, seed) for seed in range(12)) == 0


@pytest.mark.parametrize(
    ("seed", "shoulder_deg"),
    [(310_004, 21.148), (310_024, 5.541), (310_028, 8.050), (300_131, 10.528), (300_154, 29.577), (300_218, 11.845)],
)
def test_a_shoulder_is_a_line_where_lone_lines_show_what_one_looks_like(seed, shoulder_deg):
    drawing = draw(seed)
    (line,) = (line for line in drawing.lines if abs(line.two_theta_deg - shoulder_deg) < 1e-3)
    assert min(abs(place - line.two_theta_deg) for place, _ in peaks_of(drawing.pattern)) < 0.5 * line.fwhm_deg


@pytest.mark.parametrize(("seed", "line_deg"), [(100_244, 14.555), (100_073, 12.917)])
def test_a_shoulder_whose_light_looks_wide_is_fitted_as_narrow_as_the_lines_beside_it(seed, line_deg):
    """Of 128 and 88 sigma; one fit across both lines took their place."""
    assert min(abs(place - line_deg) for place, _ in peaks_of(draw(seed).pattern)) < 0.02


def test_a_line_of_few_counts_is_one_and_not_the_spikes_of_its_noise():
    """Of 30 sigma and 16 bins wide; two narrow spikes in it, of 4 sigma each, hid it."""
    assert min(abs(place - 4.427) for place, _ in peaks_of(draw(880_138).pattern)) < 0.02


@pytest.mark.parametrize(
    ("seed", "line_deg"), [(300_058, 18.153), (300_075, 10.061), (300_105, 20.491), (300_265, 18.921)]
)
def test_the_wings_of_a_strong_line_are_no_lines(seed, line_deg):
    drawing = draw(seed)
    line = min(drawing.lines, key=lambda line: abs(line.two_theta_deg - line_deg))
    near = [place for place, _ in peaks_of(drawing.pattern) if abs(place - line.two_theta_deg) < 1.5 * line.fwhm_deg]
    assert near == [pytest.approx(line.two_theta_deg, abs=0.05 * line.fwhm_deg)]


@pytest.mark.parametrize("bins", [500, 1000, 1512, 3000])
def test_the_strongest_lines_of_a_real_ceria_frame_are_listed_at_any_number_of_bins(measured_data, bins):
    frame = measured_data / "ceo2-pilatus2m" / "ceria_50x30_740mm_000005_Pilatus2M.hdf5"
    found = np.array([peak.d_angstrom for peak in reduce_image(frame, CERIA_GEOMETRY, bins=bins).peaks])
    for hkl_squared in (3, 4, 8, 11, 12, 16, 19, 20, 24):  # NIST SRM 674b: 5.41165 angstrom
        d = 5.41165 / hkl_squared**0.5
        assert np.min(np.abs(found - d)) < 3e-3, f"{d:.4f} angstrom"


@pytest.mark.parametrize("bins", [600, 1000, 1500])
def test_the_strongest_lines_of_austenite_and_ferrite_are_listed(measured_data, tmp_path, bins):
    cases = measured_data / "cases"
    frame = tmp_path / "steel_4x4.edf"
    frame.write_bytes(gzip.decompress((cases / "steel_4x4.edf.gz").read_bytes()))
    geometry = read_geometry(cases / "steel_4x4.poni").oriented(2)
    peaks = reduce_image(frame, geometry, bins=bins).peaks
    for d in (2.078, 2.033):
        nearest = min(peaks, key=lambda peak: abs(peak.d_angstrom - d))
        assert nearest.d_angstrom == pytest.approx(d, abs=3e-3)
        assert nearest.significance > 20.0
