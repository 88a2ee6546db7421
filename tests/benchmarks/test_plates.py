"""Figures of frames on whole simulated plates: fading, ghosts, spots and grains against the truth of each image.

Run apart: ``python -m pytest tests/benchmarks/test_plates.py -s``. About a minute.
"""

import numpy as np
import pytest
from worlds.plate_world import WAVELENGTH, Detector, PlateModel, geometry_of, settings

from lics_beamline.frames.frame import Recording
from lics_beamline.frames.plate import PlateState, residue
from lics_beamline.frames.plate_measurement import PlateRead, measure_plates
from lics_beamline.integration.integration import Integration, Integrator
from lics_beamline.plans.plate_calibration import Series
from lics_simulators.plate.scene import Light

OWN = {"fast_fading": 0.22, "fast_s": 800.0, "slow_s": 1.5e5, "left_by_erasing": 2.4e-3}
ALLOY_110_DEG = 9.626  # a = 3.4863 A at 0.41373 A
SINGLE_LINES = (1, 2, 5, 6)  # h2 + k2 + l2 of strong alloy lines away from rhenium and diamond
DOSE = 100.0  # nominal exposures: rings are then counted to 0.1 %
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def engine():
    plate = settings(pixels=3000)
    shape = (3000, 3000)
    return Integrator(geometry_of(plate), Integration(two_theta_deg=(3.0, 31.0)), shape=shape)


def ring_integral(pattern, centre_deg, *, reach_deg=0.25):
    """Light of a ring above the straight line between its two sides."""
    off = np.abs(pattern.two_theta_deg - centre_deg)
    side = (off > reach_deg) & (off < 1.6 * reach_deg) & np.isfinite(pattern.intensity)
    line = np.polyfit(pattern.two_theta_deg[side], pattern.intensity[side], 1)
    on = (off <= reach_deg) & np.isfinite(pattern.intensity)
    return float((pattern.intensity[on] - np.polyval(line, pattern.two_theta_deg[on])).sum() * pattern.step_deg)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_fading_and_ghost_leave_no_bias_with_parameters_measured_on_these_plates(engine, record, seed):
    plate = settings(pixels=3000, reader=OWN)
    detector = Detector(plate, seed=seed)
    full = detector.saturation_counts

    def series():
        wanted = Series()
        roles = [("strong", wanted.strong_s, 0.0)] * 2 + [("blank", 0.0, 0.0)] * 2
        for role, open_s, wait_s in roles + [("delayed", wanted.open_s, wait_s) for wait_s in wanted.waits_s]:
            read = detector.expose(open_s, then_wait_s=wait_s)
            yield PlateRead(
                role=role,
                recording=Recording(counts=read.counts, saturation_counts=full),
                plate=read.plate,
                exposure_s=read.exposure_s,
                exposure_sigma_s=0.1,
                waited_s=read.waited_s,
                scan_s=read.scan_s,
                i0=1.0,
            )

    measured = measure_plates(series())

    def left(read):
        return measured.fading.of_rows(3000, waited_s=read.waited_s, exposure_s=read.exposure_s, scan_s=read.scan_s)

    def bias(counts, state, read):
        corrected = engine.integrate(counts, saturation_counts=full, plate=state)
        return ring_integral(corrected, ALLOY_110_DEG) / ring_integral(engine.integrate(read.stored), ALLOY_110_DEG) - 1

    detector.expose(120.0), detector.expose(120.0)
    worst = 0.0
    for wait_s in (0.0, 900.0, 3570.0):
        read = detector.expose(120.0, then_wait_s=wait_s)
        without_ghost = np.rint(read.stored * read.remaining[:, None]).astype(np.int32)
        worst = max(worst, abs(bias(without_ghost, PlateState(remaining=left(read)), read)))
    strong = detector.expose(120.0, strength=100.0)
    detector.expose(120.0)
    weak = detector.expose(120.0)
    assert weak.plate == strong.plate
    ghost = next(one for one in measured.ghosts if one.plate == weak.plate)
    taken_off = residue(strong.counts, ghost, remaining=left(strong), saturation_counts=full)
    without_ghost = np.rint(weak.stored * weak.remaining[:, None]).astype(np.int32)
    by_fading = bias(without_ghost, PlateState(remaining=left(weak)), weak)
    by_both = bias(weak.counts, PlateState(remaining=left(weak), residue=taken_off), weak)
    as_read = bias(weak.counts, PlateState(remaining=left(weak)), weak)
    print(  # noqa: T201  what a benchmark is for
        f"\nseed {seed}: fading {100 * worst:.3f} % at most up to 1 h, ghost of a frame 100 times stronger "
        f"{100 * (by_both - by_fading):+.4f} % (as read {100 * (as_read - by_fading):+.1f} %)"
    )
    left_of_ghost = abs(by_both - by_fading)
    record(
        **{f"seed_{seed}": {"fading_percent": round(100 * worst, 3), "ghost_percent": round(100 * left_of_ghost, 4)}}
    )
    assert worst < 0.005
    assert left_of_ghost < 0.001


def test_spots_leave_few_bins_and_grains_little_of_a_rings_light(engine):
    def pattern(**changes):
        plate = settings(pixels=3000, **changes)
        detector = Detector(plate)
        detector.oscillation_deg = 20.0
        stored = detector.expose(
            1200.0, strength=DOSE / 10.0
        ).stored  # neither fading nor ghost: they are the other test's
        return engine.integrate(np.rint(stored).astype(np.int32), saturation_counts=detector.saturation_counts)

    struck, clean = pattern(), pattern(anvils={"spots": 0})
    known = (
        np.hypot(clean.sigma, struck.sigma) < 0.006 * clean.intensity
    )  # in the shadow of the seats counting alone moves bins by 2 %
    off = np.abs(struck.intensity[known] / clean.intensity[known] - 1.0) > 0.02
    print(f"\nbins known well enough: {100 * np.mean(known):.1f} %")  # noqa: T201
    assert np.mean(known) > 0.9
    quiet = settings(
        pixels=3000,
        anvils={"spots": 0},
        grains={"contrast": 0.0, "ring_error": 0.0},
        recording={"dark_photons_per_s": 0.0},
    )
    truth = engine.integrate(smooth(quiet, DOSE))
    errors = {}
    for name, changes in (
        ("grains along the rings", {"grains": {"ring_error": 0.0}}),
        ("grains, whole rings too", {}),
    ):
        seen = pattern(**changes)
        errors[name] = [ring_integral(seen, deg) / ring_integral(truth, deg) - 1.0 for deg in line_angles()]
        rms = np.sqrt(np.mean(np.square(errors[name])))
        most = max(map(abs, errors[name]))
        print(f"\n{name}: ring integrals off by {100 * rms:.2f} % rms, {100 * most:.2f} % at most")  # noqa: T201
    print(f"bins off by more than 2 % with 40 diamond spots: {100 * np.mean(off):.2f} %")  # noqa: T201
    assert np.mean(off) < 0.002
    assert np.sqrt(np.mean(np.square(errors["grains along the rings"]))) < 0.002


def line_angles():
    return [2.0 * np.degrees(np.arcsin(WAVELENGTH * np.sqrt(n) / (2.0 * 3.4863))) for n in SINGLE_LINES]


def smooth(plate, dose):
    """The expected image of a powder of infinitely many grains: no noise, no spots."""
    detector = Detector(plate, model=PlateModel(plate, WAVELENGTH))
    light = Light(sample=detector._sample(), exposures=dose, oscillation_deg=20.0)
    photons = detector.model.expected_photons(light, random=detector.world.random, count=0)
    return photons * np.float32(plate.recording.gain)
