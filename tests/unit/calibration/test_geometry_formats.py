"""Each format against the program whose it is: by its own conversion, or by its published formulas."""

import json
import math

import numpy as np
import pytest

from lics_beamline.calibration.flat_detector import FlatDetector
from lics_beamline.calibration.geometry_formats import geometry_text, read_any_geometry
from lics_beamline.calibration.geometry_program import FORMATS
from lics_beamline.errors import ProfileError
from lics_beamline.geometry.geometry import Geometry
from lics_beamline.reduction.image import reduce_image

SHAPE = (600, 500)
PIXEL_MM = (0.2, 0.17)
NUMBERS = {"Distance": 0.25, "Poni1": 0.058, "Poni2": 0.042, "Rot1": 0.11, "Rot2": -0.23, "Rot3": 0.31}
ROWS, COLUMNS = np.array([(row, column) for row in (0, 150, 299, 599) for column in (0, 77, 250, 333, 499)]).T


def geometry(orientation=3, **changed):
    config = {"pixel1": 2e-4, "pixel2": 1.7e-4, "max_shape": list(SHAPE), "orientation": orientation}
    numbers = NUMBERS | {"Wavelength": 4.1373e-11} | changed
    lines = [f"Detector_config: {json.dumps(config)}", *(f"{key}: {value!r}" for key, value in numbers.items())]
    return Geometry(poni="\n".join(lines))


def angles(given):
    """2theta and chi [rad] of the twenty pixels, from the rotations that pyFAI has published."""
    detector = FlatDetector.of(given)
    height, width = detector.pixel_mm
    up, right = (ROWS + 0.5) * height, (COLUMNS + 0.5) * width
    if given.orientation in (1, 2):
        up = SHAPE[0] * height - up
    if given.orientation in (1, 4):
        right = SHAPE[1] * width - right
    plane = detector.plane
    on_plane = [up - plane.poni1_mm, right - plane.poni2_mm, np.full(len(up), plane.distance_mm)]
    first, second, along = detector.rotation @ np.array(on_plane)
    return np.arctan2(np.hypot(first, second), along), np.arctan2(first, second)


def read(tmp_path, text, **known):
    path = tmp_path / "a.geometry"
    path.write_text(text)
    return read_any_geometry(path, **known)


def without_comments(text):
    return "\n".join(line for line in text.splitlines() if not line.startswith("#"))


def numbers_of(detector):
    plane = detector.plane
    place = [plane.distance_mm, plane.poni1_mm, plane.poni2_mm, plane.rot1_rad, plane.rot2_rad, detector.rot3_rad]
    return [*place, detector.wavelength_angstrom, *detector.pixel_mm]


def turn_of(angle):
    return np.exp(1j * np.asarray(angle))


def test_the_angles_of_these_tests_are_pyfais():
    from pyFAI.detectors import Detector
    from pyFAI.geometry import Geometry as Theirs

    for orientation in (1, 2, 3, 4):
        detector = Detector(2e-4, 1.7e-4, max_shape=SHAPE, orientation=orientation)
        six = {"dist" if key == "Distance" else key.lower(): value for key, value in NUMBERS.items()}
        theirs = Theirs(**six, detector=detector, wavelength=4e-11)
        two_theta, chi = angles(geometry(orientation))
        centre = theirs.center_array(SHAPE, unit="2th_rad", scale=False)[ROWS, COLUMNS]
        np.testing.assert_allclose(two_theta, centre, atol=1e-6)
        np.testing.assert_allclose(
            chi, theirs.center_array(SHAPE, unit="chi_rad", scale=False)[ROWS, COLUMNS], atol=3e-6
        )


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("orientation", [1, 2, 3, 4])
@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"Rot1": 0.0, "Rot2": 0.0, "Rot3": 0.0},
        {"Rot1": -1e-6, "Rot2": 2e-5},
        {"Rot1": -1.1, "Rot2": 0.9, "Rot3": -3.0},
    ],
    ids=["tilted", "flat", "hardly", "strongly"],
)
def test_a_geometry_comes_back_from_every_format_as_it_was(tmp_path, form, orientation, changed):
    given = geometry(orientation, **changed)
    found = read(tmp_path, geometry_text(given, form))
    assert found.form == form
    ours, theirs = FlatDetector.of(found.geometry), FlatDetector.of(given)
    assert (ours.shape, ours.orientation) == (theirs.shape, theirs.orientation)
    assert numbers_of(ours) == pytest.approx(numbers_of(theirs), rel=1e-9, abs=1e-13)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("orientation", [1, 2, 3, 4])
def test_every_pixel_keeps_its_angle_though_a_program_drops_the_comments(tmp_path, form, orientation):
    given = geometry(orientation)
    text = without_comments(geometry_text(given, form))
    found = read(tmp_path, text, shape=SHAPE, pixel_mm=PIXEL_MM)
    np.testing.assert_allclose(angles(found.geometry)[0], angles(given)[0], rtol=1e-9)


def test_fit2ds_numbers_are_those_of_pyfais_own_conversion(tmp_path):
    from pyFAI.detectors import Detector
    from pyFAI.geometry import Geometry as Theirs

    detector = Detector(2e-4, 1.7e-4, max_shape=SHAPE)
    six = {"dist" if key == "Distance" else key.lower(): value for key, value in NUMBERS.items()}
    fit2d = Theirs(**six, detector=detector, wavelength=4.1373e-11).getFit2D()
    text = "\n".join(f"{key}: {fit2d[key]!r}" for key in fit2d.keys() if key != "detector")
    found = read(tmp_path, text).geometry
    back = Theirs(detector=detector, wavelength=4.1373e-11)
    back.setFit2D(**{key: fit2d[key] for key in ("directDist", "centerX", "centerY", "tilt", "tiltPlanRotation")})
    ours = [found.plane.distance_mm, found.plane.poni1_mm, found.plane.poni2_mm, found.plane.rot1_rad]
    theirs = [1e3 * back.dist, 1e3 * back.poni1, 1e3 * back.poni2, back.rot1]
    assert [*ours, found.plane.rot2_rad, found.rot3_rad] == pytest.approx([*theirs, back.rot2, back.rot3], rel=1e-9)
    written = geometry_text(geometry(), "fit2d")
    assert f"Refined tilt angle = {fit2d['tilt']:.9f}"[:-1] in written
    assert f"Refined tilt plane rotation angle = {fit2d['tiltPlanRotation']:.9f}"[:-1] in written
    assert f"Refined Beam centre = {fit2d['centerX']:.9f}"[:-1] in written


def test_what_fit2d_prints_of_a_refinement_is_read_and_the_last_refinement_counts(tmp_path, caplog):
    printed = """
INFO: Refined Beam centre =      956.389     913.277 (pixels)
INFO: Refined Beam centre =       95.639      91.328 (mm)
INFO: Refined sample to detector distance =       {}  mm
INFO: Refined wavelength =      0.70848 Angstroms
      Energy (keV) =     17.50014
INFO: Refined tilt plane rotation angle =       86.421 degrees
INFO: Refined tilt angle (degrees) =       -0.750
INFO: ROT X =       -0.047   ROT Y =       -0.749 degrees
"""
    found = read(tmp_path, printed.format(99.0) + printed.format(80.637), pixel_mm=(0.1, 0.1)).geometry
    assert found.plane.beam_distance_mm == pytest.approx(80.637)
    assert (found.plane.beam2_mm, found.plane.beam1_mm) == pytest.approx((95.6389, 91.3277))
    assert found.plane.tilt_deg == pytest.approx(0.75)
    assert found.wavelength_angstrom == pytest.approx(0.70848)
    assert not caplog.records
    guessed = read(tmp_path, printed.format(80.637)).geometry
    assert guessed.detector_config["pixel1"] == pytest.approx(1e-4, rel=1e-4)
    assert "taken from the beam centre in pixels and mm" in caplog.text


@pytest.mark.parametrize("nested", [True, False])
def test_json_of_pyfai_is_read_and_its_other_settings_are_passed_over(tmp_path, nested):
    from pyFAI.detectors import Detector
    from pyFAI.geometry import Geometry as Theirs

    six = {"dist" if key == "Distance" else key.lower(): value for key, value in NUMBERS.items()}
    settings = dict(Theirs(**six, detector=Detector(2e-4, 1.7e-4), wavelength=4.1373e-11).get_config())
    other = {"nbpt_rad": 1000, "unit": "2th_deg", "mask_file": ""}
    found = read(tmp_path, json.dumps({"poni": settings} | other if nested else settings | other))
    assert found.geometry.plane == geometry().plane
    assert found.form == "poni"
    settings["tilt_of_the_lens"] = 0.1
    if nested:
        with pytest.raises(ProfileError, match=r"tilt_of_the_lens: 0.1' is not known"):
            read(tmp_path, json.dumps({"poni": settings}))


@pytest.mark.parametrize(
    "text", ["ORGX= 485.0 ORGY= 520.0", '{"detector": [{"panels": []}]}', '{"dist": 0.2', "beam 3"]
)
def test_what_is_no_geometry_of_these_programs_is_refused_with_those_that_are(tmp_path, text):
    with pytest.raises(ProfileError, match=r"no PONI file.*JSON|Give a PONI file|is no JSON"):
        read(tmp_path, text)


def test_gsas_finds_the_same_angles_by_its_formula():
    """GSAS-II tilts the plane about an axis at `rotation`; the beam hits it at `distance` / cos tilt."""
    entries = dict(line.split(":", 1) for line in without_comments(geometry_text(geometry(), "gsas")).splitlines())
    tilt, rotation = (math.radians(float(entries[key])) for key in ("tilt", "rotation"))
    centre = json.loads(entries["center"])
    x, y = (COLUMNS + 0.5) * PIXEL_MM[1] - centre[0], (ROWS + 0.5) * PIXEL_MM[0] - centre[1]
    along_beam = float(entries["distance"]) / math.cos(tilt)
    depth = math.sin(tilt) * (x * math.sin(rotation) - y * math.cos(rotation))
    two_theta = np.arctan2(np.sqrt(x**2 + y**2 - depth**2), along_beam - depth)
    np.testing.assert_allclose(two_theta, angles(geometry())[0], rtol=1e-9)

    def turn(angle, axis):
        cosine, sine = math.cos(angle), math.sin(angle)
        about_x = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
        return np.roll(np.roll(about_x, axis, axis=0), axis, axis=1)

    tilted = turn(rotation, 2) @ turn(tilt, 0) @ turn(rotation, 2).T @ np.array([x, y, np.zeros_like(x)])
    azimuth = np.arctan2(tilted[1], tilted[0]) + math.radians(float(entries["azmthOff"]))
    np.testing.assert_allclose(turn_of(azimuth), turn_of(angles(geometry())[1]), atol=1e-9)


def test_image_controls_as_gsas_writes_them_today_are_read(tmp_path):
    written = """type:PWDR
color:GSPaired
wavelength:0.12398
calibrant:CeO2  SRM674b
distance:1118.8555366950047
center:[np.float64(168.59496999985376), np.float64(173.45708080489564)]
Oblique:[0.5, False]
tilt:1.2679918237395627
rotation:94.80104622234859
azmthOff:0.0
DetDepth:0.0
varyList:{'dist': True, 'det-X': True}
dark image:['', -1.0]
"""
    found = read(tmp_path, written, pixel_mm=(0.15, 0.15)).geometry
    assert found.plane.distance_mm == pytest.approx(1118.8555366950047, rel=1e-12)
    assert (found.plane.beam2_mm, found.plane.beam1_mm) == pytest.approx((168.59496999985376, 173.45708080489564))
    assert found.plane.tilt_deg == pytest.approx(1.2679918237395627)


def hexrd_angles(text, name="detector"):
    """2theta and eta of the twenty pixels in HEXRD's documented frame: beam along -Z, X right, Y up."""
    import yaml
    from scipy.spatial.transform import Rotation

    content = yaml.safe_load(text)
    panel = content["detectors"][name]
    rows, columns, (height, width) = (panel["pixels"][key] for key in ("rows", "columns", "size"))
    x, y = (COLUMNS + 0.5 - 0.5 * columns) * width, (0.5 * rows - ROWS - 0.5) * height
    turned = Rotation.from_rotvec(panel["transform"]["tilt"]).as_matrix() @ np.array([x, y, np.zeros_like(x)])
    rays = turned + np.array(panel["transform"]["translation"])[:, None]
    azimuth, polar = (math.radians(content["beam"]["vector"][key]) for key in ("azimuth", "polar_angle"))
    source = np.array([math.sin(polar) * math.cos(azimuth), math.cos(polar), math.sin(polar) * math.sin(azimuth)])
    cosine = -(source @ rays) / np.linalg.norm(rays, axis=0)
    return np.arccos(cosine), np.arctan2(rays[1], rays[0])


@pytest.mark.parametrize("orientation", [2, 4])
def test_hexrd_finds_the_same_angles_in_its_frame(orientation):
    two_theta, eta = hexrd_angles(geometry_text(geometry(orientation), "hexrd"))
    np.testing.assert_allclose(two_theta, angles(geometry(orientation))[0], rtol=1e-9)
    np.testing.assert_allclose(turn_of(eta), turn_of(angles(geometry(orientation))[1]), atol=1e-9)


def test_hexrd_itself_finds_the_same_angles():
    instrument = pytest.importorskip("hexrd.instrument", reason="hexrd is not installed")
    yaml = pytest.importorskip("yaml")
    content = yaml.safe_load(geometry_text(geometry(2), "hexrd"))
    panel = instrument.HEDMInstrument(content).detectors["detector"]
    np.testing.assert_allclose(panel.pixel_angles()[0][ROWS, COLUMNS], angles(geometry(2))[0], rtol=1e-9)


INSTRUMENT = """\
beam:
  energy: 30.0
  vector: {azimuth: 89.0, polar_angle: 91.5}
detectors:
  front:
    pixels: {rows: 600, columns: 500, size: [0.2, 0.17]}
    transform: {tilt: [0.1, -0.2, 0.05], translation: [3.0, -7.0, -250.0]}
  behind:
    pixels: {rows: 600, columns: 500, size: [0.2, 0.17]}
    transform: {tilt: [3.0, -0.2, 0.05], translation: [3.0, -7.0, -250.0]}
"""


@pytest.mark.parametrize(("panel", "orientation"), [("front", 2), ("behind", 3)])
def test_a_panel_of_an_instrument_with_an_oblique_beam_is_read(tmp_path, panel, orientation):
    found = read(tmp_path, INSTRUMENT, panel=panel).geometry
    assert found.orientation == orientation
    np.testing.assert_allclose(angles(found)[0], hexrd_angles(INSTRUMENT, panel)[0], rtol=1e-9)


def written_in_hdf5(path, **changed):
    """An instrument as HEXRD keeps it in HDF5: every number an array, and a mask as large as the image."""
    import h5py

    given = {
        "beam/energy": [30.0],
        "beam/vector/azimuth": [89.0],
        "beam/vector/polar_angle": [91.5],
        "detectors/front/pixels/rows": [600],
        "detectors/front/pixels/columns": [500],
        "detectors/front/pixels/size": [0.2, 0.17],
        "detectors/front/transform/tilt": [0.1, -0.2, 0.05],
        "detectors/front/transform/translation": [3.0, -7.0, -250.0],
        "detectors/front/buffer": np.ones(SHAPE, dtype=bool),
    }
    with h5py.File(path, "w") as file:
        for key, value in (given | changed).items():
            file[f"instrument/{key}"] = value
    return path


def test_an_instrument_in_hdf5_is_the_one_in_yaml(tmp_path):
    found = read_any_geometry(written_in_hdf5(tmp_path / "a.hexrd"))
    assert found.form == "hexrd"
    assert found.geometry == read(tmp_path, INSTRUMENT, panel="front").geometry


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"detectors/front/distortion/parameters": [1.0, 2.0]}, "has a distortion"),
        ({"detectors/front/detector_type": "cylindrical"}, "'cylindrical', not flat"),
        ({"beam/energy": "high"}, "beam.energy = 'high' is not a number"),
    ],
)
def test_what_an_instrument_in_hdf5_says_and_a_geometry_cannot_is_refused(tmp_path, changed, said):
    with pytest.raises(ProfileError, match=said):
        read_any_geometry(written_in_hdf5(tmp_path / "a.hexrd", **changed))


def test_half_a_file_of_hdf5_and_one_without_an_instrument_are_refused(tmp_path):
    import h5py

    whole = written_in_hdf5(tmp_path / "a.hexrd").read_bytes()
    (tmp_path / "half.hexrd").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ProfileError, match="not readable as HEXRD's HDF5"):
        read_any_geometry(tmp_path / "half.hexrd")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["images"] = np.ones((2, 2))
    with pytest.raises(ProfileError, match="has no instrument of HEXRD"):
        read_any_geometry(tmp_path / "other.h5")


def test_a_real_instrument_of_hexrd_puts_the_rings_of_ceria_where_they_are(measured_data):
    folder = measured_data / "ceo2-pilatus2m"
    found = read_any_geometry(folder / "Pilatus2M_CeO2_Yb_edge.hexrd").geometry
    reduced = reduce_image(folder / "ceria_50x30_740mm_000005_Pilatus2M.hdf5", found)
    strongest = sorted(reduced.peaks, key=lambda peak: peak.area)[-4:]
    spacings = sorted((peak.d_angstrom for peak in strongest), reverse=True)
    ceria = [5.411651 / math.sqrt(square) for square in (3, 4, 8, 11)]
    assert spacings == pytest.approx(ceria, rel=2e-4)


HEXRD, GSAS, FIT2D = (geometry_text(geometry(2), form) for form in ("hexrd", "gsas", "fit2d"))


@pytest.mark.parametrize(
    ("text", "old", "new", "said"),
    [
        (
            HEXRD,
            "buffer: null",
            "distortion: {function_name: GE_41RT, parameters: [1.0]}",
            "has a distortion ({'function",
        ),
        (HEXRD, "planar\n", "cylindrical\n", "'cylindrical', not flat"),
        (HEXRD, "rows: 600", "rows: many", "detectors.detector.pixels.rows = 'many' is not a number"),
        (HEXRD, "rows: 600", "rows: 600.5", "600.5 rows"),
        (HEXRD, "energy: ", "energy: -", "-29.9674 keV"),
        (HEXRD, "chi: 0.0\n  translation: [0.0", "chi: 0.0\n  translation: [0.1", "the sample is off the origin"),
        (HEXRD, "  vector:", "  source_distance: 31.0\n  vector:", "the beam diverges"),
        (HEXRD, "polar_angle: 90.0", "polar_angle: null", "beam.vector.polar_angle = None is not a number"),
        (HEXRD, "translation: [", "translation: {", "not readable as YAML"),
        (INSTRUMENT, "energy", "energy", "which panel is meant? Give --panel NAME, one of: front, behind"),
        (GSAS, "DetDepth:0.0", "DetDepth:0.03", "DetDepth = 0.03 is the depth at which the detector absorbs"),
        (GSAS, "type:PWDR", "det2theta:20.0", "det2theta = 20.0 is a detector on an arm"),
        (GSAS, "wavelength", "wave", "has no wavelength"),
        (GSAS, "center:[", "center:[1.0, ", "is not 2 numbers"),
        (GSAS, "# pixel_mm: 0.2 0.17\n", "", "say no size of a pixel. Give --pixel MM"),
        (GSAS, "# orientation: 2", "# orientation: 7", "the comment orientation = 7 is none"),
        (GSAS, "# shape: 600 500\n", "", "Give --shape ROWS COLUMNS"),
        (GSAS, "distance:2", "distance:2000", "is not within 0.001 and 100 m"),
        (FIT2D, "INFO: Refined wavelength", "INFO: Wave", "Fit2D's geometry has no wavelength_angstrom"),
        (FIT2D, "# orientation: 2\n", "splineFile: ccd.spline\n", "has a distortion, 'ccd.spline'"),
    ],
)
def test_what_a_format_says_and_a_geometry_cannot_is_refused_by_name(tmp_path, text, old, new, said):
    assert old in text
    with pytest.raises(ProfileError) as caught:
        read(tmp_path, text.replace(old, new, 1))
    assert said in str(caught.value)
    assert "a.geometry" in str(caught.value) or "--shape" in said


@pytest.mark.parametrize("turn", [{"Rot1": 1.8}, {"Rot2": math.pi / 2}, {"Rot1": -math.pi / 2}])
@pytest.mark.parametrize("form", ["fit2d", "gsas"])
def test_a_detector_beside_the_beam_is_refused_where_the_beam_must_hit_it(form, turn):
    with pytest.raises(ProfileError, match="is not hit by the beam"):
        geometry_text(geometry(**turn), form)


def test_a_detector_beside_the_beam_is_told_to_hexrd():
    given = geometry(2, Rot1=1.8)
    np.testing.assert_allclose(hexrd_angles(geometry_text(given, "hexrd"))[0], angles(given)[0], rtol=1e-9)


@pytest.mark.parametrize("name", ["Aarhus", "Xpad_flat"])
def test_a_detector_that_is_no_plain_grid_is_refused_for_other_programs(name):
    bent = Geometry(poni="\n".join([f"Detector: {name}", *geometry().poni.splitlines()[3:]]))
    with pytest.raises(ProfileError, match=f"{name} is bent, or its pixels are not equal"):
        geometry_text(bent, "gsas")
    assert geometry_text(bent, "poni") == bent.poni
