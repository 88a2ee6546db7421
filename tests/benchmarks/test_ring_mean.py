"""Spot-rejecting integration against pyFAI's own, with spots and without, and against what was drawn.

Run apart: ``python -m pytest -s tests/benchmarks/test_ring_mean.py``. Prints times, ratios and deviations.
"""

import math
import os
import time

import numpy as np
import pytest
from worlds.bright_plate import SIDE, WAVELENGTH, write_plate

from lics_beamline.frames.frame import FrameSeries
from lics_beamline.geometry.geometry import flat_geometry
from lics_beamline.integration.integration import Integration, Integrator

ROUNDS = 7
LARGEST_OF_CLIPPING = 0.25  # of the time of sigma_clip_ng
LARGEST_OF_PLAIN = 1.2  # of the time of pyFAI's plain csc
RANGE_DEG = (3.0, 31.0)
BINS = 2500
FRAMES = 1000
DIM_SIDE = 300


@pytest.fixture
def one_core():
    """Keep the process on one core, where threads gain nothing."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    yield
    os.sched_setaffinity(0, allowed)


@pytest.fixture(scope="module")
def frame(tmp_path_factory):
    path = tmp_path_factory.mktemp("plate") / "000000.osc"
    write_plate(path)
    return FrameSeries(path).frame(1).counts


@pytest.fixture(scope="module")
def pyfai():
    from pyFAI.detectors import Detector
    from pyFAI.integrator.azimuthal import AzimuthalIntegrator

    engine = AzimuthalIntegrator(
        dist=0.35,
        poni1=0.15,
        poni2=0.15,
        detector=Detector(1e-4, 1e-4, max_shape=(SIDE, SIDE), orientation=3),
        wavelength=WAVELENGTH * 1e-10,
    )
    settings = {"unit": "2th_deg", "radial_range": RANGE_DEG, "polarization_factor": 0.99}

    def clipped(image):
        return engine.sigma_clip_ng(
            image,
            BINS,
            error_model="azimuthal",
            method=("no", "csr", "cython"),
            thres=5.0,
            max_iter=5,
            **settings,
        )

    def plain(image):
        return engine.integrate1d_ng(image, BINS, method=("no", "csc", "cython"), **settings)

    return clipped, plain


@pytest.fixture(scope="module")
def ours():
    geometry = flat_geometry(distance_mm=350.0, wavelength_angstrom=WAVELENGTH, shape=(SIDE, SIDE), pixel_mm=0.1)
    choice = Integration(bins=BINS, two_theta_deg=RANGE_DEG, shadow_fraction=0.0, point_spread=False)
    return Integrator(geometry, choice, shape=(SIDE, SIDE)).integrate


@pytest.mark.timeout(600)
def test_spots_are_rejected_at_the_speed_of_plain_integration(frame, pyfai, ours, one_core, record):
    acts = {"ours": ours, "clipped": pyfai[0], "plain": pyfai[1]}
    for act in acts.values():
        act(frame)
    times = {name: [] for name in acts}
    for _ in range(ROUNDS):  # interleaved, so that a busy machine slows all
        for name, act in acts.items():
            started = time.perf_counter()
            act(frame)
            times[name].append(time.perf_counter() - started)
    best = {name: min(found) for name, found in times.items()}
    of_clipping, of_plain = best["ours"] / best["clipped"], best["ours"] / best["plain"]
    print(  # noqa: T201  what a benchmark is for
        f"\n9 Mpx, one core: {1e3 * best['ours']:.0f} ms, sigma_clip_ng {1e3 * best['clipped']:.0f} ms, "
        f"plain csc {1e3 * best['plain']:.0f} ms"
    )
    record(of_clipping=round(of_clipping, 3), of_plain=round(of_plain, 3))
    assert of_clipping < LARGEST_OF_CLIPPING
    assert of_plain < LARGEST_OF_PLAIN


@pytest.mark.timeout(600)
def test_at_normal_counts_the_numbers_are_those_of_pyfai(frame, pyfai, ours, record):
    found, theirs = ours(frame), pyfai[0](frame)
    off = np.abs(found.intensity - theirs.intensity)[1:] / theirs.sem[1:]  # its first bin has pixels below the range
    record(share_within_a_tenth_of_sigma=round(float(np.mean(off < 0.1)), 5), worst_sigma=round(float(off.max()), 3))
    assert np.mean(off < 0.1) >= 0.999


@pytest.mark.timeout(600)
@pytest.mark.parametrize("mean", [0.01, 0.1, 1.0, 10.0])
def test_the_mean_of_1000_dim_frames_is_what_was_drawn(mean, record):
    shape = (DIM_SIDE, DIM_SIDE)
    geometry = flat_geometry(distance_mm=100.0, wavelength_angstrom=WAVELENGTH, shape=shape, pixel_mm=0.2)
    integrator = Integrator(geometry, Integration(bins=200), shape=shape)
    flat = integrator.integrate(np.full(shape, 1_000_000, np.int32))
    level = np.interp(integrator.two_theta_deg, flat.two_theta_deg, flat.intensity) / 1e6  # one over solid angle
    pixels = flat.counted.astype(float)
    plain = Integrator(geometry, Integration(bins=200, clip_sigma=0.0, shadow_fraction=0.0), shape=shape)
    draw = np.random.default_rng(2026)
    means, unclipped, chi2 = [], [], []
    for _ in range(FRAMES):
        frame = draw.poisson(mean / level).astype(np.int32)
        pattern = integrator.integrate(frame)
        assert (pattern.sigma > 0.0).all()
        means.append(np.average(pattern.intensity, weights=pixels))
        unclipped.append(np.average(plain.integrate(frame).intensity, weights=pixels))
        enough = pixels * mean > 5.0
        chi2.append(np.mean(((pattern.intensity - mean) / pattern.sigma)[enough] ** 2))
    error = np.std(means, ddof=1) / math.sqrt(FRAMES)
    off, chi2 = (np.mean(means) - mean) / error, float(np.mean(chi2))
    lost = float(np.mean(unclipped) - np.mean(means)) / error  # by clipping and masking what is no spot and no shadow
    record(
        **{
            f"standard_errors_at_{mean:g}": round(float(off), 2),
            f"chi2_at_{mean:g}": round(chi2, 3),
            f"lost_at_{mean:g}": round(lost, 3),
        }
    )
    assert abs(lost) < 0.5
    assert abs(off) < 2.0
    assert 0.95 < chi2 < 1.05
