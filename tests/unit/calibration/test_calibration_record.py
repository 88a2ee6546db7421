import json
from datetime import UTC, datetime

import pytest
from worlds.calibrant_world import WAVELENGTH, drawn_frame

from lics_beamline.calibration.calibrant import find_calibrant
from lics_beamline.calibration.calibration import calibrate
from lics_beamline.calibration.calibration_record import (
    Source,
    find_record,
    read_record,
    record_of,
    records,
    write_record,
)
from lics_beamline.errors import ProfileError
from lics_beamline.exports.calibration_figure import draw_calibration
from lics_beamline.geometry.geometry import flat_geometry, read_geometry
from lics_beamline.reduction.recipe import read_recipe

SOURCE = Source(image="plates/a/000000.osc", sha256="ab" * 32, run="0123456789")


@pytest.fixture(scope="module")
def calibration():
    start = flat_geometry(distance_mm=350.0, wavelength_angstrom=WAVELENGTH, shape=(750, 750), pixel_mm=0.4)
    return calibrate(drawn_frame(beam_mm=(150.0, 152.0)), find_calibrant("CeO2"), start)


@pytest.fixture
def kept(calibration, tmp_path):
    """Two records, an hour apart."""
    made = [datetime(2026, 11, 22, hour, 30, tzinfo=UTC) for hour in (9, 10)]
    return [write_record(record_of(calibration, SOURCE, made=when), tmp_path / "calibrations") for when in made]


def test_what_is_read_back_is_what_was_kept(calibration, kept):
    record = read_record(kept[0])
    assert record == record_of(calibration, SOURCE, made=datetime(2026, 11, 22, 9, 30, tzinfo=UTC))
    assert record.sigma["beam_distance_mm"] == calibration.sigma["beam_distance_mm"]
    assert kept[0].name == f"geometry-20261122T093000-{record.digest[:12]}.json"


def test_the_poni_file_beside_it_is_the_same_geometry(kept):
    assert read_geometry(kept[0].with_suffix(".poni")).digest == read_record(kept[0]).geometry_digest


def test_a_record_that_was_changed_is_refused(kept):
    content = json.loads(kept[0].read_text())
    content["rms_px"] = 0.001
    kept[0].write_text(json.dumps(content))
    with pytest.raises(ProfileError, match="was changed"):
        read_record(kept[0])


def test_a_calibration_is_found_as_the_last_or_by_its_digest(kept):
    folder = kept[0].parent
    first, last = records(folder)
    assert find_record(folder, "last") == last
    assert find_record(folder, first.digest[:8]) == first


def test_a_name_that_means_two_or_none_is_refused_with_what_there_is(kept):
    folder = kept[0].parent
    geometry_digest = read_record(kept[0]).geometry_digest
    for name in (geometry_digest[:12], "0000000000", "abc"):
        with pytest.raises(ProfileError, match="2026-11-22T09:30:00"):
            find_record(folder, name)


def test_other_calibrations_in_the_folder_are_left_alone(kept):
    (kept[0].parent / "plate-20261122T090000-abc.json").write_text("{}")
    assert len(records(kept[0].parent)) == 2


def test_a_recipe_may_name_the_record_as_its_geometry(calibration, kept):
    recipe = kept[0].parent / "recipe.toml"
    recipe.write_text(f'geometry = "{kept[0].name}"\n')
    assert read_recipe(recipe).geometry == calibration.geometry


def test_the_figure_is_a_png_in_a_folder_of_its_own(calibration, tmp_path):
    path = draw_calibration(calibration, tmp_path / "deep" / "figure.png", title="drawn")
    assert path.read_bytes().startswith(b"\x89PNG")
