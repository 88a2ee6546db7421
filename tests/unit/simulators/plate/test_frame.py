"""What the forward model puts on a plate; drawn on a small plate, so that a frame takes milliseconds."""

from dataclasses import replace

import numpy as np
import pytest

from lics_simulators.plate.frame import PlateModel
from lics_simulators.plate.scene import GRAIN_SECTORS, Light, background, map_angles_deg, scene
from lics_simulators.plate.settings import read_settings
from lics_simulators.sample import PhaseState, SampleState
from lics_simulators.world import World

WAVELENGTH = 0.41373
PIXELS = 600
AIR = read_settings().exposure.air


def state(*phases, pressure_gpa=8.0, shift_mm=0.0):
    return SampleState(
        time_s=0.0, pressure_gpa=pressure_gpa, temperature_k=298.0, phases=phases, shift_along_beam_mm=shift_mm
    )


def phase(name, a, *, cells=1.0, c=None):
    return PhaseState(phase=name, cell_angstrom=(a, a, c or a), cells=cells)


ALLOY = phase("alloy", 3.4863)  # at 8 GPa and 298 K
CERIA = phase("ceo2", 5.411651)


@pytest.fixture(scope="module")
def settings():
    full = read_settings()
    geometry = replace(
        full.geometry,
        pixels=PIXELS,
        pixel_mm=0.5,
        beam_column_px=full.geometry.beam_column_px / 5,
        beam_row_px=full.geometry.beam_row_px / 5,
    )
    return replace(full, geometry=geometry)


@pytest.fixture(scope="module")
def model(settings):
    return PlateModel(settings, WAVELENGTH)


@pytest.fixture(scope="module")
def random():
    return World(seed=1).random


def sent(light, settings, random, count=0):
    return scene(light, settings, wavelength_angstrom=WAVELENGTH, random=random, count=count)


def angle(a, n):
    return 2 * np.degrees(np.arcsin(WAVELENGTH * np.sqrt(n) / (2 * a)))


def ring(polar, two_theta_deg):
    """Light of a ring in each sector, above the background: integral over its angles."""
    near = np.abs(map_angles_deg() - two_theta_deg) < 0.25
    return (polar[:, near] - background(map_angles_deg()[near], AIR)).sum(axis=1)


def test_the_110_ring_of_the_alloy_stands_15_photons_above_the_background(settings, random):
    quiet = replace(settings, grains=replace(settings.grains, contrast=0.0, ring_error=0.0))
    model = PlateModel(quiet, WAVELENGTH)
    photons = model.expected_photons(Light(sample=state(ALLOY), exposures=1.0), random=random, count=0)
    two_theta = np.degrees(quiet.geometry.angles(slice(0, PIXELS))[0])
    on_ring = np.abs(two_theta - angle(3.4863, 2)) < 0.006
    beside = np.abs(np.abs(two_theta - angle(3.4863, 2)) - 0.4) < 0.03
    assert on_ring.sum() > 20
    assert np.median(photons[on_ring]) - np.median(photons[beside]) == pytest.approx(15.0, abs=0.5)


def test_light_is_proportional_to_dose(settings, random):
    once = sent(Light(sample=state(ALLOY), exposures=1.0), settings, random).polar
    twice = sent(Light(sample=state(ALLOY), exposures=2.0), settings, random).polar
    assert np.allclose(twice, 2 * once, rtol=1e-4)


@pytest.mark.parametrize(("oscillation_deg", "largest"), [(0.0, 0.013), (10.0, 0.004), (20.0, 0.003)])
def test_grains_leave_the_light_of_a_ring_right_within_the_stated_error(settings, random, oscillation_deg, largest):
    light = Light(sample=state(ALLOY), exposures=1.0, oscillation_deg=oscillation_deg)
    rings = np.array(
        [
            [ring(polar, angle(3.4863, n)).mean() for n in (1, 2)]
            for polar in (sent(light, settings, random, count).polar for count in range(30))
        ]
    )
    spread = rings.std(axis=0) / rings.mean(axis=0)
    assert spread.max() < largest
    assert spread.min() > largest / 4


def test_each_ring_has_grains_of_its_own_and_oscillation_averages_them(settings, random):
    for oscillation_deg, contrast in ((0.0, 0.25), (10.0, 0.25 / np.sqrt(11))):
        light = Light(sample=state(ALLOY), exposures=1.0, oscillation_deg=oscillation_deg)
        polar = sent(light, settings, random).polar
        first, second = (ring(polar, angle(3.4863, n)) for n in (1, 2))
        assert first.std() / first.mean() == pytest.approx(contrast, rel=0.15)
        assert abs(np.corrcoef(first, second)[0, 1]) < 4 / np.sqrt(GRAIN_SECTORS)


def test_fibre_texture_scales_whole_rings_and_leaves_no_sign_along_them(settings, random):
    quiet = replace(settings, grains=replace(settings.grains, contrast=0.0, ring_error=0.0))
    textured = replace(quiet, grains=replace(quiet.grains, fibre_texture=0.1))
    light = Light(sample=state(ALLOY), exposures=1.0)
    plain, first, later = (
        sent(light, which, random, count).polar for which, count in ((quiet, 0), (textured, 0), (textured, 7))
    )
    assert np.array_equal(first, later)
    scales = np.array([ring(first, angle(3.4863, n)) / ring(plain, angle(3.4863, n)) for n in (1, 2, 3, 4, 5, 6)])
    assert np.ptp(scales, axis=1).max() < 1e-6
    assert 0.02 < scales[:, 0].std() < 0.25


def test_soft_lithium_makes_spots_at_low_pressure(settings, random):
    lithium = Light(sample=state(phase("li-bcc", 3.495, cells=0.5), pressure_gpa=0.12), exposures=1.0)
    angles = np.array([spot.two_theta_deg for spot in sent(lithium, settings, random).spots])
    assert np.sum(np.abs(angles - angle(3.495, 2)) < 0.05) >= 9


def test_diamond_spots_lie_on_the_alloy_111_ring_and_move_a_little(settings, random):
    at_rest, turned, pressed = (
        sent(Light(sample=state(ALLOY, pressure_gpa=p), exposures=1.0, omega_deg=omega), settings, random).spots
        for p, omega in ((4.0, 0.0), (4.0, 2.0), (8.0, 0.0))
    )
    assert len(at_rest) == 40
    assert sum(abs(spot.two_theta_deg - 11.53) < 0.1 for spot in at_rest) >= 5
    for moved in (turned, pressed):
        pairs = list(zip(at_rest, moved, strict=True))
        assert all(0.0 < abs(a.azimuth_deg - b.azimuth_deg) < 2.0 for a, b in pairs)
        assert all(abs(a.two_theta_deg - b.two_theta_deg) < 0.01 for a, b in pairs)


def test_a_calibrant_has_no_diamonds_and_no_seats(model, random):
    light = Light(sample=state(CERIA), exposures=1.0)
    assert sent(light, model.settings, random).spots == ()
    assert model.expected_photons(light, random=random, count=0)[0, 0] > 0.3
    in_cell = model.expected_photons(Light(sample=state(ALLOY), exposures=1.0), random=random, count=0)
    assert in_cell[0, 0] < 0.1


def test_the_beam_stop_and_its_holder_throw_shadows(model, random):
    photons = model.expected_photons(Light(sample=state(CERIA), exposures=1.0), random=random, count=0)
    geometry = model.settings.geometry
    row, column = int(geometry.beam_row_px), int(geometry.beam_column_px)
    assert photons[row, column] < 1e-3
    azimuth = np.radians(model.settings.shadows.holder_azimuth_deg)
    shadow = photons[row + int(80 * np.sin(azimuth)), column + int(80 * np.cos(azimuth))]
    free = photons[row - int(80 * np.sin(azimuth)), column - int(80 * np.cos(azimuth))]
    assert 0.2 < shadow / free < 0.6


def test_a_sample_nearer_to_the_plate_has_smaller_rings(settings, random):
    quiet = replace(settings, grains=replace(settings.grains, contrast=0.0, ring_error=0.0))
    centres = []
    for shift_mm in (0.0, 0.1):
        line = sent(Light(sample=state(ALLOY, shift_mm=shift_mm), exposures=1.0), quiet, random).polar[0]
        near = np.abs(map_angles_deg() - angle(3.4863, 2)) < 0.15
        above = line[near] - line[near].min()
        centres.append(float(np.sum(above * map_angles_deg()[near]) / np.sum(above)))
    two_theta = np.radians(angle(3.4863, 2))
    expected = -np.degrees(0.5 * np.sin(2 * two_theta) * 0.1 / settings.geometry.distance_mm)
    assert centres[1] - centres[0] == pytest.approx(expected, rel=0.1)


def test_the_same_seed_and_count_give_the_same_frame(model):
    light = Light(sample=state(ALLOY), exposures=1.0, dark_s=100.0)
    first = model.stored_counts(light, random=World(seed=3).random, count=5)
    assert np.array_equal(first, model.stored_counts(light, random=World(seed=3).random, count=5))
    assert not np.array_equal(first, model.stored_counts(light, random=World(seed=3).random, count=6))
    assert not np.array_equal(first, model.stored_counts(light, random=World(seed=4).random, count=5))


def test_a_flat_background_is_poisson_before_it_is_spread(settings, random):
    sharp = replace(settings, recording=replace(settings.recording, point_spread_px=0.01, point_spread_tail=0.0))
    dark_s = 5.0 / sharp.recording.dark_photons_per_s
    counts = PlateModel(sharp, WAVELENGTH).stored_counts(
        Light(sample=state(ALLOY), exposures=0.0, dark_s=dark_s), random=random, count=0
    )
    photons = counts / sharp.recording.gain
    assert photons.mean() == pytest.approx(5.0, abs=4 * np.sqrt(5.0 / photons.size))
    assert photons.var() == pytest.approx(5.0, rel=4 * np.sqrt(2.0 / photons.size) * 1.2)


def test_a_plate_that_saw_no_light_is_all_but_empty(model, random):
    counts = model.stored_counts(Light(sample=state(ALLOY), exposures=0.0, dark_s=200.0), random=random, count=0)
    assert 0.0 < counts.mean() < 0.2


def test_reading_fades_adds_the_ghost_and_saturates(model):
    stored = np.full((4, 5), 1000.0, dtype=np.float32)
    stored[0, 0] = 1e7
    ghost = np.full((4, 5), 5000.0, dtype=np.float32)
    counts = model.read_counts(stored, remaining=np.array([1.0, 0.9, 0.8, 0.7]), ghost=ghost, ghost_share=1e-3)
    assert counts[:, 1].tolist() == [1005, 905, 805, 705]
    assert counts[0, 0] == 262_136
    assert counts.dtype == np.int32
