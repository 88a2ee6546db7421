import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lics_beamline.geometry.detector_plane import DetectorPlane

TILTED = DetectorPlane(distance_mm=351.2, poni1_mm=150.3, poni2_mm=149.1, rot1_rad=0.013, rot2_rad=-0.021)


def test_angles_and_azimuths_are_those_of_pyfai():
    from pyFAI.detectors import Detector
    from pyFAI.geometry import Geometry

    detector = Detector(1e-4, 1e-4, max_shape=(3000, 3000), orientation=3)
    theirs = Geometry(0.3512, 0.1503, 0.1491, 0.013, -0.021, 0.0, detector=detector, wavelength=4.1373e-11)
    row, column = np.random.default_rng(1).uniform(0, 3000, (2, 200))
    p1_mm, p2_mm = 0.1 * (row + 0.5), 0.1 * (column + 0.5)
    assert TILTED.two_theta_rad(p1_mm, p2_mm) == pytest.approx(theirs.tth(row, column), abs=1e-9)
    assert TILTED.azimuth_rad(p1_mm, p2_mm) == pytest.approx(theirs.chi(row, column), abs=1e-6)


def test_beam_distance_and_tilt_are_those_of_pyfais_fit2d_view():
    from pyFAI.detectors import Detector
    from pyFAI.geometry import Geometry

    detector = Detector(1e-4, 1e-4, max_shape=(3000, 3000), orientation=3)
    theirs = Geometry(0.3512, 0.1503, 0.1491, 0.013, -0.021, 0.0, detector=detector, wavelength=4.1373e-11).getFit2D()
    assert TILTED.beam_distance_mm == pytest.approx(theirs["directDist"], abs=1e-6)
    assert TILTED.beam1_mm == pytest.approx(0.1 * theirs["centerY"], abs=1e-6)
    assert TILTED.beam2_mm == pytest.approx(0.1 * theirs["centerX"], abs=1e-6)
    assert TILTED.tilt_deg == pytest.approx(theirs["tilt"], abs=1e-6)


@settings(deadline=None)
@given(
    rot1=st.floats(-0.3, 0.3),
    rot2=st.floats(-0.3, 0.3),
    beam=st.tuples(st.floats(-100, 400), st.floats(-100, 400)),
    distance=st.floats(50, 2000),
)
def test_a_plane_through_the_beam_is_pierced_there(rot1, rot2, beam, distance):
    plane = DetectorPlane.through(
        beam1_mm=beam[0], beam2_mm=beam[1], beam_distance_mm=distance, rot1_rad=rot1, rot2_rad=rot2
    )
    assert (plane.beam1_mm, plane.beam2_mm) == pytest.approx(beam, abs=1e-6)
    assert plane.beam_distance_mm == pytest.approx(distance)
    assert float(plane.two_theta_rad(*beam)) == pytest.approx(0.0, abs=1e-9)
    assert math.cos(math.radians(plane.tilt_deg)) == pytest.approx(math.cos(rot1) * math.cos(rot2))


def test_a_ray_meets_the_detector_where_its_angle_is_seen():
    angle, azimuth = np.meshgrid(np.radians([3.0, 12.0, 31.0]), np.radians([-170.0, -40.0, 5.0, 100.0]))
    p1_mm, p2_mm = TILTED.places_mm(angle, azimuth)
    assert TILTED.two_theta_rad(p1_mm, p2_mm) == pytest.approx(angle)
    assert TILTED.azimuth_rad(p1_mm, p2_mm) == pytest.approx(azimuth)


def test_a_ray_away_from_the_detector_meets_it_nowhere():
    p1_mm, _ = TILTED.places_mm(math.radians(120.0), 0.0)
    assert np.isnan(p1_mm)
