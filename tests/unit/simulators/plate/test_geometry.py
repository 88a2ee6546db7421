"""The simulator's own detector geometry against pyFAI's, with tilt; the simulator itself does not use pyFAI."""

from dataclasses import replace

import numpy as np
import pytest
from pyFAI.detectors import Detector
from pyFAI.geometry import Geometry

from lics_simulators.plate.geometry import polarisation, shifted_two_theta
from lics_simulators.plate.settings import read_settings

PIXELS = 300


@pytest.fixture(scope="module")
def plate():
    hidden = read_settings().geometry
    return replace(
        hidden,
        pixels=PIXELS,
        pixel_mm=1.0,
        beam_column_px=hidden.beam_column_px / 10,
        beam_row_px=hidden.beam_row_px / 10,
        tilt_deg=2.3,
    )


@pytest.fixture(scope="module")
def judge(plate):
    detector = Detector(1e-3, 1e-3, max_shape=(PIXELS, PIXELS), orientation=3)
    geometry = Geometry(detector=detector, wavelength=0.41373e-10)
    geometry.setFit2D(
        plate.distance_mm, plate.beam_column_px, plate.beam_row_px, plate.tilt_deg, plate.tilt_azimuth_deg
    )
    return geometry


def test_scattering_angles_are_those_of_pyfai(plate, judge):
    two_theta, _ = plate.angles(slice(0, PIXELS))
    assert np.degrees(two_theta) == pytest.approx(np.degrees(judge.twoThetaArray((PIXELS, PIXELS))), abs=1e-5)


def test_azimuths_are_those_of_pyfai(plate, judge):
    _, azimuth = plate.angles(slice(0, PIXELS))
    apart = np.angle(np.exp(1j * (azimuth - judge.chiArray((PIXELS, PIXELS)))))
    assert np.abs(apart).max() < 1e-4  # its arrays are single precision


def test_solid_angles_are_those_of_pyfai(plate, judge):
    assert plate.relative_solid_angle(plate.rays(slice(0, PIXELS))) == pytest.approx(
        judge.solidAngleArray((PIXELS, PIXELS)), rel=1e-6
    )


def test_polarisation_is_that_of_pyfai(plate, judge):
    factor = polarisation(plate.rays(slice(0, PIXELS)), 0.99)
    assert factor == pytest.approx(judge.polarization((PIXELS, PIXELS), factor=0.99), rel=1e-5)


def test_a_ray_hits_the_pixel_that_has_its_angles(plate):
    two_theta, azimuth = plate.angles(slice(0, PIXELS))
    for row, column in ((3, 7), (150, 290), (299, 0)):
        hit = plate.pixel_of(float(np.degrees(two_theta[row, column])), float(np.degrees(azimuth[row, column])))
        assert hit == pytest.approx((row, column), abs=1e-6)


def test_a_shift_along_the_beam_is_a_change_of_distance(plate):
    flat = replace(plate, tilt_deg=0.0)
    before, _ = flat.angles(slice(0, PIXELS))
    after, _ = replace(flat, distance_mm=flat.distance_mm - 0.1).angles(slice(0, PIXELS))
    shifted = shifted_two_theta(np.degrees(before), shift_mm=0.1, distance_mm=flat.distance_mm)
    assert shifted == pytest.approx(np.degrees(after), abs=1e-9)
