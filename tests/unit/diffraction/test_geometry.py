import json

import pytest

from lics_beamline.diffraction.geometry import Geometry, canonical_poni, flat_geometry, read_geometry
from lics_beamline.errors import ProfileError

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
        *(
            ("Detector_config: ", f"Detector_config: {odd}\nx: ", "is no table")
            for odd in ("null", "[]", "7", '"text"')
        ),
        ('{"', '{"x": ' + "[" * 100_000 + ', "', "nested too deep"),
        ("pixel1", "pixel_1", "no pixel1"),
    ],
)
def test_a_poni_that_cannot_be_used_is_refused_with_file_and_reason(tmp_path, old, new, said):
    path = tmp_path / "g.poni"
    path.write_text(PONI.replace(old, new))
    with pytest.raises(ProfileError) as caught:
        read_geometry(path)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)


def test_a_missing_poni_file_is_named(tmp_path):
    with pytest.raises(ProfileError, match=r"nowhere\.poni"):
        read_geometry(tmp_path / "nowhere.poni")


def test_a_flat_detector_is_hit_in_its_middle():
    geometry = flat_geometry(distance_mm=350.0, wavelength_angstrom=0.41373, shape=(3000, 2000), pixel_mm=0.1)
    assert "Poni1: 0.15" in geometry.poni
    assert "Poni2: 0.1\n" in geometry.poni
