"""Splines of distorted detectors: read, refused, applied to every pixel, undone where a geometry is calibrated."""

import json

import numpy as np
import pyFAI
import pytest
from scipy.interpolate import bisplev

from lics_beamline.calibration.calibrant import find_calibrant
from lics_beamline.calibration.calibration import calibrate
from lics_beamline.calibration.flat_detector import FlatDetector
from lics_beamline.errors import ProfileError
from lics_beamline.geometry.detector_plane import DetectorPlane
from lics_beamline.geometry.geometry import read_geometry
from lics_beamline.geometry.spline_file import read_spline
from lics_beamline.integration.integration import Integration, Integrator

# Of half a CCD with a taper: silx-kit/pyFAI, benchmark/halfccd.spline (MIT).
HALF_CCD = """SPATIAL DISTORTION SPLINE INTERPOLATION COEFFICIENTS

  VALID REGION
 0.0000000E+00 0.0000000E+00 0.2048000E+04 0.1025000E+04

  GRID SPACING, X-PIXEL SIZE, Y-PIXEL SIZE
 0.2500000E+04 0.4684483E+02 0.4842252E+02

  X-DISTORTION
     8     8
 0.0000000E+00 0.0000000E+00 0.0000000E+00 0.0000000E+00 0.2048000E+04
 0.2048000E+04 0.2048000E+04 0.2048000E+04
 0.0000000E+00 0.0000000E+00 0.0000000E+00 0.0000000E+00 0.1025000E+04
 0.1025000E+04 0.1025000E+04 0.1025000E+04
-0.2227855E+02-0.2393550E+02-0.2108615E+02-0.1830234E+02-0.4554887E+01
-0.4438280E+01-0.8157561E+01-0.3413538E+01 0.1889162E+02 0.2087825E+02
 0.2268787E+02 0.1741002E+02-0.1963111E+02-0.2026962E+02-0.2899693E+02
-0.3401722E+02

  Y-DISTORTION
     8     8
 0.0000000E+00 0.0000000E+00 0.0000000E+00 0.0000000E+00 0.2048000E+04
 0.2048000E+04 0.2048000E+04 0.2048000E+04
 0.0000000E+00 0.0000000E+00 0.0000000E+00 0.0000000E+00 0.1025000E+04
 0.1025000E+04 0.1025000E+04 0.1025000E+04
-0.1748634E+02-0.1171306E+02-0.1842385E+01-0.8640917E+00-0.4958421E+01
 0.4494084E+01 0.1532000E+02 0.8544749E+01 0.3057336E+01-0.3098435E+00
 0.4728750E+00-0.6004968E+01-0.4798084E+01-0.1116066E+02-0.1837346E+02
-0.2722287E+02
"""
SHAPE = (1025, 2048)
PIXEL_MM = (0.04842252, 0.04684483)
VERSION_1 = """PixelSize1: 4.842252e-05
PixelSize2: 4.684483e-05
Distance: 0.15
Poni1: 0.025
Poni2: 0.047
Rot1: 0.004
Rot2: -0.002
Rot3: 0.0
SplineFile: half.spline
Wavelength: 4e-11
"""
VERSION_2 = VERSION_1.replace("SplineFile: half.spline\n", "").replace(
    "PixelSize1: 4.842252e-05\nPixelSize2: 4.684483e-05",
    'poni_version: 2.1\nDetector: FReLoN\nDetector_config: {"splineFile": "/data/id11/half.spline", "orientation": 3}',
)


@pytest.fixture
def poni(tmp_path):
    (tmp_path / "half.spline").write_text(HALF_CCD)
    path = tmp_path / "g.poni"
    path.write_text(VERSION_1)
    return path


def places_mm(spline):
    """Return where pixels are, by scipy: along the rows' axis, along the columns'."""
    x, y = np.arange(SHAPE[1]) + 0.5, np.arange(SHAPE[0]) + 0.5
    in_x, in_y = (
        bisplev(x, y, (*knots, numbers, 3, 3)).T
        for knots, numbers in zip(spline.knots, spline.coefficients, strict=True)
    )
    return (y[:, None] + in_y) * PIXEL_MM[0], (x[None] + in_x) * PIXEL_MM[1]


def two_theta_deg(geometry):
    return Integrator(geometry, Integration(bins=20, point_spread=False), shape=SHAPE).two_theta_deg


@pytest.mark.parametrize("text", [VERSION_1, VERSION_2])
def test_every_pixel_is_where_the_b_spline_of_scipy_has_it(poni, text):
    poni.write_text(text)
    geometry = read_geometry(poni)
    expected = np.degrees(geometry.plane.two_theta_rad(*places_mm(read_spline(HALF_CCD))))
    found = two_theta_deg(geometry)
    assert np.max(np.abs(found - expected)) < 1e-5  # of a pixel of 0.018 deg
    assert read_geometry(poni).digest == geometry.digest


def test_what_is_written_is_read_back_and_by_pyfai_too(poni, tmp_path, monkeypatch):
    geometry = read_geometry(poni)
    (tmp_path / "there").mkdir()
    geometry.write(tmp_path / "there" / "o.poni")
    assert read_geometry(tmp_path / "there" / "o.poni") == geometry
    monkeypatch.chdir(tmp_path / "there")
    theirs = np.degrees(pyFAI.load("o.poni").center_array(SHAPE, unit="2th_rad", scale=False))
    assert np.max(np.abs(two_theta_deg(geometry) - theirs)) < 1e-5


def test_the_canonical_text_of_a_spline_is_read_as_itself():
    assert read_spline(read_spline(HALF_CCD).text) == read_spline(HALF_CCD)
    assert read_spline(HALF_CCD).shape == SHAPE


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("SPATIAL DISTORTION", "SOMETHING", "does not begin with SPATIAL DISTORTION"),
        ("  VALID REGION", "", "no VALID REGION"),
        (" 0.2048000E+04 0.1025000E+04\n\n  GRID", "\n\n  GRID", "VALID REGION has 2 numbers"),
        ("0.2500000E+04", "0.25what0E+04", "no number"),
        ("     8     8", "     8     9", "X-DISTORTION has 32 numbers, and 8 x 9 knots need 37"),
        ("     8     8", "     8  9999", "9999 knots"),
        ("-0.3401722E+02\n", "", "X-DISTORTION has 31 numbers"),
        ("E+04 0.1025000E+04\n-0.2227855", "E+04 0.0000000E+00\n-0.2227855", "do not rise"),
        ("  Y-DISTORTION", "  Z-DISTORTION", "no Y-DISTORTION"),
        ("0.4684483E+02", "0.5684483E+02", "contradict each other"),
        ("0.4684483E+02", "0.5E+999", "not finite"),
    ],
)
def test_a_spline_that_cannot_be_used_is_refused_with_the_file_and_why(poni, old, new, said):
    (poni.parent / "half.spline").write_text(HALF_CCD.replace(old, new))
    with pytest.raises(ProfileError, match=said) as caught:
        read_geometry(poni)
    assert str(poni) in str(caught.value)


def test_a_spline_that_is_not_there_and_one_of_a_turned_image_are_refused(poni):
    with pytest.raises(ProfileError, match="orientation 2 with a spline"):
        read_geometry(poni).oriented(2)
    poni.write_text(VERSION_2.replace('"orientation": 3', '"orientation": 2'))
    with pytest.raises(ProfileError, match="orientation 2 with a spline"):
        read_geometry(poni)
    poni.write_text(VERSION_2.replace("FReLoN", "Pilatus1M"))
    with pytest.raises(ProfileError, match="only a plain Detector can have"):
        read_geometry(poni)
    (poni.parent / "half.spline").unlink()
    poni.write_text(VERSION_1)
    with pytest.raises(ProfileError, match=r"half\.spline.*beside the PONI file"):
        read_geometry(poni)


def test_a_distorted_detector_is_not_said_in_formats_that_have_no_splines(poni):
    with pytest.raises(ProfileError, match="distorted"):
        FlatDetector.of(read_geometry(poni))
    config = json.loads(read_geometry(poni).poni.split("Detector_config: ")[1].splitlines()[0])
    assert config["max_shape"] == list(SHAPE)


@pytest.mark.long
def test_the_geometry_of_a_distorted_detector_is_found_and_keeps_its_spline(poni):
    geometry, ceria = read_geometry(poni), find_calibrant("CeO2")
    angle = np.radians(two_theta_deg(geometry).astype(np.float64))
    mean = np.full(SHAPE, 50.0)
    for line in ceria.lines(0.4)[:14]:
        mean += 400.0 * np.exp(-0.5 * ((angle - 2.0 * np.arcsin(0.2 / line.d_angstrom)) / 4e-4) ** 2)
    frame = np.random.default_rng(1).poisson(mean).astype(np.int32)
    start = geometry.moved(DetectorPlane.through(beam1_mm=25.4, beam2_mm=47.9, beam_distance_mm=146.0))
    found = calibrate(frame, ceria, start)
    for name in ("beam_distance_mm", "beam1_mm", "beam2_mm", "tilt_deg"):
        truth = getattr(geometry.plane, name)
        assert getattr(found.geometry.plane, name) == pytest.approx(truth, abs=4.0 * found.sigma[name])
    assert found.sigma["beam_distance_mm"] < 0.01
    assert found.rms_px < 0.05
    assert found.geometry.spline == geometry.spline
