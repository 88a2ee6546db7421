"""A frame over angle and azimuth: cells against pyFAI's, and against the pattern of the same frame."""

import numpy as np
import pytest
from pyFAI.integrator.azimuthal import AzimuthalIntegrator

from lics_beamline.frames.image_view import view_of
from lics_beamline.frames.static_image import StaticImage, StaticMask
from lics_beamline.geometry.geometry import Geometry, flat_geometry
from lics_beamline.integration.cake import cake_of
from lics_beamline.integration.integration import Integration, Integrator

SHAPE = (240, 260)
CELLS = (60, 36)
RANGE_DEG = (4.0, 12.0)
GEOMETRY = flat_geometry(
    distance_mm=250.0, wavelength_angstrom=0.4, shape=SHAPE, pixel_mm=0.4, centre_px=(110.0, 140.0)
)
TILTED = Geometry(poni=GEOMETRY.poni.replace("Rot1: 0.0", "Rot1: 0.05").replace("Rot2: 0.0", "Rot2: -0.03"))


def counts(seed=1):
    return np.random.default_rng(seed).poisson(50.0, SHAPE).astype(np.int32)


def by_pyfai(geometry, frame, mask):
    """Return pyFAI's cake over the same cells, without splitting pixels."""
    entries = dict(line.split(": ", 1) for line in geometry.poni.splitlines())
    engine = AzimuthalIntegrator(
        **{name: float(entries[name.capitalize()]) for name in ("poni1", "poni2", "rot1", "rot2", "rot3")},
        dist=float(entries["Distance"]),
        wavelength=float(entries["Wavelength"]),
        detector=Integrator(geometry, Integration(bins=20), shape=SHAPE)._engine.detector,
    )
    return engine.integrate2d_ng(
        frame,
        *CELLS,
        radial_range=RANGE_DEG,
        azimuth_range=(-180.0, 180.0),
        mask=mask,
        polarization_factor=0.99,
        unit="2th_deg",
        method=("no", "histogram", "cython"),
        dummy=np.nan,
    )


@pytest.mark.parametrize("orientation", [1, 2, 3, 4])
@pytest.mark.parametrize("geometry", [GEOMETRY, TILTED])
def test_a_cake_has_the_cells_and_the_counts_of_pyfai(geometry, orientation):
    frame, mask = counts(), np.zeros(SHAPE, dtype=bool)
    mask[100:120, 30:80] = True
    turned = geometry.oriented(orientation)
    choice = Integration(
        bins=100, two_theta_deg=RANGE_DEG, mask=StaticMask.of(mask), shadow_fraction=0.0, point_spread=False
    )
    engine = Integrator(turned, choice, shape=SHAPE)
    ours, theirs = engine.cake(engine.prepare(frame), CELLS), by_pyfai(turned, frame, mask)
    assert ours.two_theta_deg == pytest.approx(theirs.radial, abs=1e-5)
    assert ours.azimuth_deg == pytest.approx(theirs.azimuthal, abs=1e-4)
    # pyFAI's first column takes pixels from below the range too; a pixel on a border falls to either side of it.
    alike = ours.counted == theirs.count
    alike[:, 0] = False
    assert alike[:, 1:].mean() > 0.99
    assert np.array_equal(np.isnan(ours.intensity[alike]), theirs.count[alike] == 0)
    there = alike & (ours.counted > 0)
    close = np.isclose(ours.intensity[there], theirs.intensity[there], rtol=1e-5)
    assert close.mean() > 0.99


def test_a_cake_added_up_over_azimuth_is_the_pattern_without_clipping():
    frame = counts()
    choice = Integration(bins=CELLS[0], two_theta_deg=RANGE_DEG, clip_sigma=0.0, point_spread=False)
    engine = Integrator(GEOMETRY, choice, shape=SHAPE)
    prepared = engine.prepare(frame)
    cake, pattern = engine.cake(prepared, CELLS), engine.pattern(prepared)
    summed = np.nansum(cake.intensity * cake.weight, axis=0) / cake.weight.sum(axis=0)
    close = np.isclose(summed, pattern.intensity, rtol=1e-6)
    assert close.mean() >= 0.95  # the pixels on a border of two bins


def test_dark_and_flat_are_taken_off_and_divided_out_of_a_cake_as_of_a_pattern(tmp_path):
    np.save(tmp_path / "dark.npy", np.full(SHAPE, 20.0, dtype=np.float32))
    flat = np.linspace(0.5, 1.5, SHAPE[1], dtype=np.float32) * np.ones((SHAPE[0], 1), dtype=np.float32)
    np.save(tmp_path / "flat.npy", flat)
    choice = Integration(
        bins=CELLS[0],
        two_theta_deg=RANGE_DEG,
        clip_sigma=0.0,
        shadow_fraction=0.0,
        point_spread=False,
        dark=StaticImage.of(tmp_path / "dark.npy"),
        flat=StaticImage.of(tmp_path / "flat.npy"),
    )
    engine = Integrator(GEOMETRY, choice, shape=SHAPE)
    prepared = engine.prepare((20.0 + 300.0 * flat).astype(np.int32))
    cake, pattern = engine.cake(prepared, CELLS), engine.pattern(prepared)
    summed = np.nansum(cake.intensity * cake.weight, axis=0) / cake.weight.sum(axis=0)
    assert np.isclose(summed, pattern.intensity, rtol=1e-4).mean() >= 0.95
    assert np.nanmedian(cake.intensity) == pytest.approx(300.0, rel=0.15)  # per solid angle and polarisation


def test_a_spot_stays_in_the_cake_and_goes_from_the_pattern():
    frame = counts()
    frame[110, 220] = 100_000
    engine = Integrator(GEOMETRY, Integration(bins=100, point_spread=False), shape=SHAPE)
    prepared = engine.prepare(frame)
    assert np.nanmax(engine.cake(prepared, CELLS).intensity) > 500.0
    assert np.nanmax(engine.pattern(prepared).intensity) < 100.0


def test_the_axes_of_a_cake_do_not_depend_on_what_is_dead_in_a_frame():
    engine = Integrator(GEOMETRY, Integration(bins=100, point_spread=False), shape=SHAPE)
    frame = counts()
    dead = frame.copy()
    dead[:, 200:] = -1
    axes = [engine.cake(engine.prepare(each), CELLS).two_theta_deg for each in (frame, dead)]
    assert np.array_equal(*axes)


def test_a_cell_is_the_mean_of_its_pixels_by_weight_and_an_empty_one_is_nan():
    cake = cake_of(
        np.array([[10.0, 30.0, 7.0]], dtype=np.float32),
        np.array([[True, True, False]]),
        np.array([[1.0, 3.0, 1.0]], dtype=np.float32),
        two_theta_deg=np.array([[1.5, 1.5, 1.5]]),
        azimuth_deg=np.array([[10.0, 20.0, -10.0]]),
        range_deg=(1.0, 3.0),
        cells=(2, 2),
        wavelength_angstrom=0.4,
    )
    assert cake.intensity[1, 0] == pytest.approx(40.0 / 4.0)
    assert np.isnan(cake.intensity).tolist() == [[True, True], [False, True]]
    assert cake.counted.tolist() == [[0, 0], [2, 0]]
    assert cake.azimuth_deg.tolist() == [-90.0, 90.0]


def test_a_view_shows_the_mean_of_the_good_pixels_and_blocks_without_any():
    counts, used = np.ones((2500, 1800), dtype=np.int32), np.ones((2500, 1800), dtype=bool)
    used[:3, :3] = False
    used[3, 0] = False
    counts[3, 0] = 1000
    view = view_of(counts, used, np.zeros((2500, 1800), dtype=np.float32))
    assert view.block_px == 3
    assert view.counts.shape == (834, 600)
    assert view.masked.sum() == 1
    assert view.masked[0, 0]
    assert view.counts == pytest.approx(np.ones((834, 600)))
