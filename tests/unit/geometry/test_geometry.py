import json

import numpy as np
import pytest

from lics_beamline.errors import ProfileError
from lics_beamline.geometry.geometry import Geometry, flat_geometry, read_geometry
from lics_beamline.geometry.poni import canonical_poni
from lics_beamline.integration.integration import Integration, Integrator

PONI = """# Nota: C-Order, 1 refers to the Y axis, 2 to the X axis
# Calibration done at Tue Nov 17 2026
poni_version: 2.1
Detector: Detector
Detector_config: {"pixel1": 0.0001, "pixel2": 0.0001, "max_shape": [3000, 3000], "orientation": 3}
Distance: 0.3512
Poni1: 0.1503
Poni2: 0.1498
Rot1: 0.001
Rot2: -0.002
Rot3: 0.0
Wavelength: 4.1373e-11
"""


def test_comments_order_and_spelling_of_numbers_do_not_change_the_digest():
    other = "\n".join(reversed(PONI.splitlines())).replace("0.3512", "3.512e-1").replace("Tue", "Wed")
    assert Geometry(poni=other).digest == Geometry(poni=PONI).digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("0.3512", "0.3513"),
        ('"orientation": 3', '"orientation": 2'),
        ("4.1373e-11", "4.1374e-11"),
        ("-0.002", "0.002"),
    ],
)
def test_whatever_moves_a_ring_changes_the_digest(old, new):
    assert Geometry(poni=PONI.replace(old, new)).digest != Geometry(poni=PONI).digest


def test_a_geometry_says_wavelength_distance_and_orientation():
    geometry = Geometry(poni=PONI)
    assert geometry.wavelength_angstrom == pytest.approx(0.41373)
    assert geometry.distance_mm == pytest.approx(351.2)
    assert geometry.orientation == 3


def test_a_file_that_says_no_orientation_gets_pyfais_default_written_down():
    geometry = Geometry(poni=PONI.replace(', "orientation": 3', ""))
    assert geometry.detector_config["orientation"] == 3
    assert geometry == Geometry(poni=PONI)


def test_another_orientation_keeps_all_else():
    turned = Geometry(poni=PONI).oriented(2)
    assert turned.orientation == 2
    assert turned.oriented(3) == Geometry(poni=PONI)


def test_version_1_files_with_pixel_sizes_are_read():
    old = "\n".join(
        ["PixelSize1: 0.0001", "PixelSize2: 0.0001", *(line for line in PONI.splitlines() if "etector" not in line)]
    )
    config = Geometry(poni=old).detector_config
    assert (config["pixel1"], config["pixel2"]) == (1e-4, 1e-4)


def test_what_pyfai_writes_and_what_we_write_is_the_same_geometry(tmp_path):
    from pyFAI import load
    from pyFAI.detectors import Detector
    from pyFAI.integrator.azimuthal import AzimuthalIntegrator

    path = tmp_path / "theirs.poni"
    detector = Detector(1e-4, 1e-4, max_shape=(3000, 3000), orientation=2)
    theirs = AzimuthalIntegrator(
        dist=0.35, poni1=0.151, poni2=0.149, rot1=0.01, rot2=0.02, rot3=0.03, detector=detector, wavelength=4.1373e-11
    )
    theirs.save(str(path))
    ours = read_geometry(path)
    ours.write(tmp_path / "ours.poni")
    again = load(str(tmp_path / "ours.poni"))
    assert again.getPyFAI() == theirs.getPyFAI()
    assert again.detector.orientation == detector.orientation


def test_canonical_text_is_a_fixed_point():
    text = canonical_poni(PONI)
    assert canonical_poni(text) == text
    assert json.loads(json.dumps(Geometry(poni=text).model_dump(mode="json"))) == {"poni": text}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Distance: 0.3512", "", "Distance"),
        ("0.3512", "three hundred", "three hundred"),
        ('"orientation": 3', '"orientation": 7', "orientation 7"),
        ('"orientation": 3', '"orientation": [3]', "orientation [3]"),
        ('"orientation": 3', '"orientation": 3, "filename": "/etc/passwd"', "another file, which is not read"),
        ("Detector: Detector", "Detector: NexusDetector", "another file, which is not read"),
        ("Detector: Detector", "Detector: ../there.h5", "no name of a detector"),
        ("0.3512", "nan", "Distance = nan m"),
        ("0.3512", "0", "Distance = 0.0 m is not within 0.001 and 100 m"),
        ("0.3512", "1e300", "Distance = 1e+300 m"),
        ("0.3512", "351.2", "Distance = 351.2 m"),
        ('{"', '["', "poni"),
        *(("Detector_config: ", f"Detector_config: {odd}\n# ", "is no table") for odd in ("null", "[]", "7", '"text"')),
        ('{"', '{"x": ' + "[" * 100_000 + ', "', "nested too deep"),
        ('"pixel1": 0.0001, ', "", "no pixel1"),
        ("pixel1", "pixel_1", "'pixel_1', which is not known"),
        ("4.1373e-11", "0.41373", "0.41373 angstrom is 4.1373e-11"),
        ("4.1373e-11", "nan", "Wavelength = nan m"),
        ("4.1373e-11", "-4e-11", "Wavelength = -4e-11 m is not within"),
        ("0.3512", "-0.2", "Distance = -0.2 m is not within 0.001 and 100 m"),
        ("0.3512", "200", "200 mm is 0.2"),
        ("0.1503", "inf", "Poni1 = inf m is not within -10 and 10 m"),
        ("0.1498", "149.8", "149.8 mm is 0.1498"),
        ("Rot1: 0.001", "Rot1: 30", "30 deg is 0.523599"),
        ("Rot3: 0.0", "Rot3: 3.15", "Rot3 = 3.15 rad is not within -3.1416 and 3.1416 rad"),
        ('"pixel1": 0.0001', '"pixel1": 0', "pixel1 = 0 m is not within"),
        ('"pixel1": 0.0001', '"pixel1": 0.1', "pixel1 = 0.1 m is not within 1e-07 and 0.01 m"),
        ('"pixel2": 0.0001', '"pixel2": 0.009', "3000 pixels of pixel2 = 0.009 m are 27 m"),
        ('"pixel1": 0.0001', '"pixel1": 0.0001, "pixel1": 0.0002', "says 'pixel1' twice"),
        ('"orientation": 3', '"orientation": true', "orientation True"),
        ('{"', "{'", "Detector_config is no JSON"),
        ('"orientation": 3', '"orientation": 3, "sensor": 5', "sensor = 5 of the detector is no table"),
        ('"orientation": 3', '"orientation": 3, "bent": 1', "'bent', which is not known"),
        ('"orientation": 3', '"orientation": 3, "splineFile": "a.spline"', "splineFile = 'a.spline': a distortion"),
        ('"orientation": 3', '"orientation": 3, "x_offset_file": "x.edf"', "x_offset_file = 'x.edf': a distortion"),
        ("Rot3: 0.0", "Rot3: 0.0\nSplineFile: a.spline", "SplineFile 'a.spline': a distortion"),
        ("Rot3: 0.0", "Rot3: 0.0\nParallax: True", "Parallax: True: the depth"),
        ("Rot3: 0.0", "Rot3: 0.0\nParallax: yes", "Parallax: yes: the depth"),
        ("Rot3: 0.0", "Rot3: 0.0\nBend: 0.2", "line 12: 'Bend: 0.2' is not known"),
        ("Rot3: 0.0", "Rot3 0.2", "line 11: 'Rot3 0.2' is not known"),
        ("poni_version: 2.1", "poni_version: 2.2", "poni_version 2.2 is not known: 1, 2, 2.1, 3 are"),
        ("poni_version: 2.1", "poni_version: 4", "poni_version 4 is not known"),
        ("poni_version: 2.1", "poni_version: 3\nRefraction: True", "'Refraction: True' is not known"),
        ("Rot3: 0.0", "Rot3: 0.0\nPixelSize1: 0.0002", "PixelSize1 = 0.0002 m and pixel1 = 0.0001 m contradict"),
        ("Rot3: 0.0", "Rot3: 0.0\nDistance: 0.36", "Distance is said more than once"),
    ],
)
def test_a_poni_that_cannot_be_used_is_refused_with_file_and_reason(tmp_path, old, new, said):
    path = tmp_path / "g.poni"
    path.write_text(PONI.replace(old, new))
    with pytest.raises(ProfileError) as caught:
        read_geometry(path)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)


@pytest.mark.parametrize("value", ["null", "3", '"a"', "[]", '[{"pixel1": 0.0001}]'])
def test_settings_of_the_detector_that_are_no_table_are_refused(tmp_path, value):
    path = tmp_path / "g.poni"
    path.write_text("\n".join(f"Detector_config: {value}" if "config" in line else line for line in PONI.splitlines()))
    with pytest.raises(ProfileError, match="Detector_config is no table"):
        read_geometry(path)


def test_of_geometries_appended_to_one_file_the_last_counts_and_a_warning_says_so(tmp_path, caplog):
    path = tmp_path / "g.poni"
    path.write_text(PONI + PONI.replace("0.3512", "0.2512"))
    assert read_geometry(path) == Geometry(poni=PONI.replace("0.3512", "0.2512"))
    assert "holds 2 geometries" in caplog.text
    assert "The last one counts: 251.2000 mm" in caplog.text


def test_a_geometry_that_is_there_twice_alike_is_one(tmp_path, caplog):
    path = tmp_path / "g.poni"
    path.write_text(PONI + PONI)
    assert read_geometry(path) == Geometry(poni=PONI)
    assert not caplog.records


def test_a_file_of_version_1_to_which_a_newer_program_appended_is_read_as_the_newer_one(tmp_path):
    old = "PixelSize1: 0.0002\nPixelSize2: 0.0002\nSplineFile: None\n" + "\n".join(
        line.replace("0.3512", "0.9") for line in PONI.splitlines() if "etector" not in line and "version" not in line
    )
    path = tmp_path / "g.poni"
    path.write_text(f"{old}\n{PONI}")
    assert read_geometry(path) == Geometry(poni=PONI)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("poni_version: 2.1", "poni_version: 3\nParallax: False"),
        ("Rot3: 0.0", "Rot3: 0.0\nSplineFile: None"),
        ('"orientation": 3', '"orientation": 3, "splineFile": null'),
        ("Rot3: 0.0", "Rot3: 0.0\nPixelSize1: 1e-4"),
    ],
)
def test_a_correction_that_a_file_says_it_has_not_is_none(old, new):
    assert Geometry(poni=PONI.replace(old, new)).plane == Geometry(poni=PONI).plane


def test_what_is_wrong_with_a_poni_file_is_said_at_once(tmp_path):
    path = tmp_path / "g.poni"
    path.write_text(PONI.replace("4.1373e-11", "0.4"))
    with pytest.raises(ProfileError) as caught:
        read_geometry(path)
    assert str(caught.value) == (
        f"{path}: Wavelength = 0.4 m is not within 1e-13 and 1e-08 m. PONI files are in m: 0.4 angstrom is 4e-11."
    )


def test_a_missing_poni_file_is_named(tmp_path):
    with pytest.raises(ProfileError, match=r"nowhere\.poni"):
        read_geometry(tmp_path / "nowhere.poni")


def test_a_flat_detector_is_hit_in_its_middle():
    geometry = flat_geometry(distance_mm=350.0, wavelength_angstrom=0.41373, shape=(3000, 2000), pixel_mm=0.1)
    assert "Poni1: 0.15" in geometry.poni
    assert "Poni2: 0.1\n" in geometry.poni


TILTED = """poni_version: 2.1
Detector: Detector
Detector_config: {"pixel1": 0.001, "pixel2": 0.002, "max_shape": [40, 30], "orientation": 3}
Distance: 0.1
Poni1: 0.013
Poni2: 0.041
Rot1: 0.2
Rot2: -0.3
Rot3: 0.5
Wavelength: 4e-11
"""


@pytest.mark.parametrize(
    ("orientation", "angles_deg"),
    [
        # 2theta and chi of the pixels (0, 0), (0, 29), (39, 0), (12, 7): row, column of the file. Computed from the
        # rotations as published (Ashiotis et al., J. Appl. Cryst. 48, 510, 2015), without pyFAI.
        (1, [(38.3215, 26.1782), (32.6490, 80.2047), (23.4653, -5.5920), (28.8368, 32.1626)]),
        (2, [(32.6490, 80.2047), (38.3215, 26.1782), (14.6207, 106.3019), (25.3647, 68.5688)]),
        (3, [(14.6207, 106.3019), (23.4653, -5.5920), (32.6490, 80.2047), (17.1873, 71.9489)]),
        (4, [(23.4653, -5.5920), (14.6207, 106.3019), (38.3215, 26.1782), (21.6548, 21.2543)]),
    ],
)
def test_the_pixels_of_a_tilted_image_lie_where_each_orientation_has_always_put_them(orientation, angles_deg):
    integrator = Integrator(Geometry(poni=TILTED).oriented(orientation), Integration(bins=50), shape=(40, 30))
    chi_deg = np.degrees(integrator._engine.center_array((40, 30), unit="chi_rad", scale=False))
    rows, columns = (0, 0, 39, 12), (0, 29, 0, 7)
    found = zip(integrator.two_theta_deg[rows, columns], chi_deg[rows, columns], strict=True)
    assert [pytest.approx(each, abs=1e-4) for each in angles_deg] == list(found)
