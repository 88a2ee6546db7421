"""Unknown phases in the derived run: the same live, in a replay, and in one that goes on after a crash."""

import numpy as np
import pytest
from worlds.listed_lines import lines

from lics_beamline.discovery.point_lines import lines_text
from lics_beamline.geometry.geometry import flat_geometry
from lics_beamline.reduction.recipe import Frames, Recipe
from lics_beamline.reduction.reducer import Reducer
from lics_beamline.reduction.step import Ending, Pending, Skipped

GASKET, NEW = (2.38, 2.22, 2.10), (3.10, 2.19, 1.79, 1.55)
POINTS = 6


@pytest.fixture(scope="module")
def recipe():
    geometry = flat_geometry(distance_mm=350.0, wavelength_angstrom=0.41373, shape=(100, 100), pixel_mm=0.1)
    return Recipe(geometry=geometry, frames=Frames(bins=50, two_theta_deg=(3.0, 31.0), polarisation=0.0))


def values(index):
    pressure = 1.0 + 0.3 * index
    found = [
        *lines(GASKET, pressure, compressibility=0.001, phase="re-hcp"),
        *lines((1.35,), pressure, phase="cs-bcc", significance=50.0),
        *(lines(NEW, pressure) if index >= 3 else []),
    ]
    return {
        "exposure_uid": f"e{index}",
        "point_index": index,
        "reduced": True,
        "phases": "re-hcp",
        "pressure_gpa": pressure,
        "temperature_k": 298.0,
        "lines": lines_text(sorted(found, key=lambda line: line.peak.two_theta_deg)),
        "intensity": np.zeros(3),
    }


def recorded(recipe, tmp_path, *, done=0):
    """Events of a run of which the first `done` points were recorded before."""
    reducer = Reducer(recipe, data_root=tmp_path)
    list(reducer("start", {"uid": "11111111-2222-4333-8444-555555555555", "time": 0.0}))
    found = []
    for index in range(POINTS):
        step = (
            Skipped(values=values(index))
            if index < done
            else Pending(exposure_uid=f"e{index}", number=index + 1, values=values(index), work=None)
        )
        found += [doc["data"] for _, doc in reducer.finish(step, None)]
    list(reducer.finish(Ending(exit_status="success", reason=""), None))
    return found


def test_a_new_phase_is_recorded_at_the_point_that_shows_it_first(recipe, tmp_path):
    data = recorded(recipe, tmp_path)
    assert [point["new_phases"] for point in data] == ["", "", "", "unknown 1", "", ""]
    assert [point["unknown_phases"] for point in data] == ["", "", "", "unknown 1", "unknown 1", "unknown 1"]
    assert [bool(point["changes"]) for point in data] == [False, False, False, True, False, False]
    assert "came" in data[3]["changes"]
    assert [point["unknown_fraction"] for point in data] == pytest.approx([0.0] * 3 + [0.8] * 3)


@pytest.mark.parametrize("done", [2, 4, 5])
def test_a_reducer_that_begins_again_records_what_it_would_have_recorded(recipe, tmp_path, done):
    def told(data):
        return [{key: point[key] for key in ("unknown_phases", "new_phases", "changes")} for point in data]

    assert told(recorded(recipe, tmp_path, done=done)) == told(recorded(recipe, tmp_path))[done:]


def test_damaged_lines_of_a_point_recorded_before_do_not_take_the_others_with_them(recipe, tmp_path, caplog):
    reducer = Reducer(recipe, data_root=tmp_path)
    list(reducer("start", {"uid": "11111111-2222-4333-8444-555555555555", "time": 0.0}))
    assert list(reducer.finish(Skipped(values=values(0) | {"lines": "nonsense"}), None)) == []
    assert "left out" in caplog.text
    [(_, event)] = reducer.finish(Pending(exposure_uid="e1", number=2, values=values(1), work=None), None)
    assert event["data"]["new_phases"] == ""
