"""Masks of GSAS-II on pixels, against its own formulas of 2theta and azimuth, written here anew.

GSAS-II's formulas are those of its ``GSASIIimage.GetTthAzmG`` as published; no image control or mask of ours is used to
say what is right.
"""

import math

import numpy as np
import pytest

from lics_beamline.calibration.flat_places import flat_places
from lics_beamline.calibration.geometry_formats import read_any_geometry
from lics_beamline.errors import ProfileError, ReductionFailed
from lics_beamline.frames.mask_file import read_mask
from lics_beamline.frames.shape_mask import read_shapes
from lics_beamline.geometry.geometry import flat_geometry, geometry_of
from lics_beamline.integration.integration import Integration, Integrator
from lics_beamline.reduction.recipe import read_recipe

SHAPE = (120, 160)
PIXEL_MM = 0.5
GEOMETRY = flat_geometry(distance_mm=200.0, wavelength_angstrom=0.4, shape=SHAPE, pixel_mm=PIXEL_MM)
X_MM, Y_MM = (PIXEL_MM * (np.arange(SHAPE[1]) + 0.5), PIXEL_MM * (np.arange(SHAPE[0])[:, None] + 0.5))


def masked(tmp_path, text, geometry=GEOMETRY):
    path = tmp_path / "m.immask"
    path.write_text(text)
    return read_mask(path, places=lambda: flat_places(geometry)).array(SHAPE)


def test_a_spot_is_a_disk_of_its_diameter(tmp_path):
    found = masked(tmp_path, "Points:[[20.0, 45.0, 6.0], []]\nRings:[]\nArcs:[]\nPolygons:[]\nFrames:[]\n")
    assert np.array_equal(found, (X_MM - 20.0) ** 2 + (Y_MM - 45.0) ** 2 < 9.0)


def test_polygons_mask_what_is_inside_and_frames_what_is_outside(tmp_path):
    inside = (X_MM > 10.0) & (X_MM < 30.0) & (Y_MM > 5.0) & (Y_MM < 15.0)
    corners = "[[10.0, 5.0], [30.0, 5.0], [30.0, 15.0], [10.0, 15.0], [10.0, 5.0]]"
    assert np.array_equal(masked(tmp_path, f"Polygons:[{corners}]\n"), inside)
    assert np.array_equal(masked(tmp_path, f"Frames:{corners}\n"), ~inside)
    assert np.array_equal(masked(tmp_path, f"Frames:[{corners}]\n"), ~inside)


def test_lines_of_pixels_are_rows_for_x_and_columns_for_y(tmp_path):
    found = masked(tmp_path, "Points:[]\nXlines:[7]\nYlines:[3, 159]\n")
    right = np.zeros(SHAPE, bool)
    right[7], right[:, [3, 159]] = True, True
    assert np.array_equal(found, right)


TILTED = {"distance": 201.0, "center": (33.0, 41.0), "tilt": 9.0, "rotation": 25.0, "azmthOff": 12.0}


def gsas_angles(x, y, *, distance, center, tilt, rotation, azmthOff):  # noqa: N803  its own name
    """2theta and azimuth [deg] of a place on the detector [mm], as GSAS-II has them."""

    def turn(angle_deg, axis):
        c, s = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
        return np.array([[1, 0, 0], [0, c, -s], [0, s, c]] if axis == 0 else [[c, -s, 0], [s, c, 0], [0, 0, 1]])

    tilted, turned = turn(tilt, 0), turn(rotation, 2)
    matrix = np.inner(turned, np.inner(turned, tilted))
    offset = np.stack(np.broadcast_arrays(x - center[0], y - center[1], 0.0), axis=-1)
    ray = np.inner(offset, matrix) + np.array([0.0, 0.0, distance / math.cos(math.radians(tilt))])
    two_theta = np.degrees(np.arctan2(np.hypot(ray[..., 0], ray[..., 1]), ray[..., 2]))
    return two_theta, (np.degrees(np.arctan2(ray[..., 1], ray[..., 0])) + azmthOff) % 360.0


@pytest.fixture
def tilted(tmp_path):
    path = tmp_path / "x.imctrl"
    said = {**TILTED, "center": list(TILTED["center"]), "wavelength": 0.4}
    path.write_text("type:PWDR\n" + "".join(f"{key}:{value}\n" for key, value in said.items()))
    return read_any_geometry(path, pixel_mm=(PIXEL_MM, PIXEL_MM), shape=SHAPE).geometry


def test_rings_and_arcs_lie_where_gsas_has_them_on_a_tilted_detector(tmp_path, tilted):
    two_theta, azimuth = gsas_angles(X_MM, Y_MM, **TILTED)
    ring = (two_theta > 5.0) & (two_theta < 6.0)
    arc = (two_theta > 7.5) & (two_theta < 8.5) & (azimuth > 40.0) & (azimuth < 75.0)
    assert ring.sum() > 200
    assert arc.sum() > 50
    found = masked(tmp_path, "Rings:[[np.float64(5.5), 1.0]]\nArcs:[[8.0, [40.0, 75.0], 1.0]]\n", tilted)
    assert np.count_nonzero(found != (ring | arc)) <= 2  # on an edge, the last digit tells


def test_an_arc_goes_through_azimuth_zero(tmp_path):
    _, azimuth = gsas_angles(X_MM, Y_MM, distance=200.0, center=(40.0, 30.0), tilt=0.0, rotation=0.0, azmthOff=0.0)
    found = masked(tmp_path, "Arcs:[[8.0, [350.0, 370.0], 1.0]]\n")
    assert found.sum() > 50
    assert set(np.round(azimuth[found] // 10.0)) == {0.0, 35.0}


@pytest.mark.parametrize("orientation", [1, 2, 3, 4])
def test_a_ring_is_one_of_the_integration_whichever_way_up_the_image_lies(tmp_path, tilted, orientation):
    geometry = tilted.oriented(orientation)
    angle = Integrator(geometry, Integration(bins=100), shape=SHAPE).two_theta_deg
    found = masked(tmp_path, "Rings:[[5.5, 1.0]]\n", geometry)
    assert np.count_nonzero(found != ((angle > 5.0) & (angle < 6.0))) <= 2


def test_a_mask_off_the_detector_and_a_threshold_are_told(tmp_path, caplog):
    text = "Points:[[900.0, 900.0, 2.0]]\nThresholds:[(0, 65535.0), [10, 60000.0]]\nSpotMask:{'a': array([1])}\n"
    assert not masked(tmp_path, text).any()
    assert "masks no pixel" in caplog.text
    assert "10 to 60000, is not taken" in caplog.text
    assert "SpotMask is not taken" in caplog.text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Points:[[1.0, 2.0]]\n", "Points is not x, y and diameter in mm"),
        ("Points:[[1.0, 2.0, -3.0]]\n", "Points is not x, y and diameter in mm"),
        ("Rings:[[5.0, 1e999]]\n", "Rings is not 2theta and thickness"),
        ("Arcs:[[5.0, [30.0, 10.0], 1.0]]\n", "Arcs is not 2theta, two azimuths"),
        ("Polygons:[[[1.0, 2.0], [3.0, 4.0]]]\n", "Polygons is not three corners"),
        ("Polygons:[[[1.0, 2.0], [3.0, 4.0], ['a', 4.0]]]\n", "Polygons is not three corners"),
        ("Xlines:[-4]\n", "Xlines is not a row of pixels"),
        ("Points:__import__('os')\n", "no key and list"),
        ("Points:" + "[" * 5000 + "\n", "no key and list"),
        ("type:PWDR\ndistance:300\n", "none of Points"),
    ],
)
def test_what_is_no_shape_is_refused_in_words(tmp_path, text, said):
    path = tmp_path / "m.immask"
    path.write_text(text)
    with pytest.raises(ReductionFailed, match=said):
        read_shapes(path)


def test_a_geometry_that_cannot_place_shapes_is_told(tmp_path):
    plain = "Detector: Detector\nDetector_config: {}\nDistance: 0.2\nPoni1: 0.03\nPoni2: 0.04\nWavelength: 4e-11\n"
    plain = plain.replace("{}", '{"pixel1": 5e-4, "pixel2": 5e-4}') + "Rot1: 0.0\nRot2: 0.0\nRot3: 0.0\n"
    with pytest.raises(ProfileError, match="Add max_shape"):
        masked(tmp_path, "Rings:[[5.0, 1.0]]\n", geometry_of(plain, source="p.poni"))


def test_a_recipe_names_one(tmp_path):
    GEOMETRY.write(tmp_path / "g.poni")
    (tmp_path / "m.immask").write_text("Rings:[[5.0, 1.0]]\n")
    (tmp_path / "r.toml").write_text('geometry = "g.poni"\nphases = []\n[plate]\nmask = "m.immask"\n')
    mask = read_recipe(tmp_path / "r.toml").integration().mask
    assert mask is not None
    assert 0.01 < mask.share < 0.1
