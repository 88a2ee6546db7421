"""A frame reduced at a pressure and temperature that were given, and where one of them was not."""

import math

import numpy as np
import pytest
from worlds.compressed_gold import edge_angstrom, gold_frames

from lics_beamline.frames.frame import FrameSeries
from lics_beamline.geometry.geometry import read_geometry
from lics_beamline.phases.phase import read_phase
from lics_beamline.reduction.event import event_data
from lics_beamline.reduction.point import GivenState, reduce_point
from lics_beamline.reduction.recipe import Frames, Recipe


@pytest.fixture(scope="module")
def reduced(tmp_path_factory):
    """What is found in the frame at 5 GPa, by the state that is given for it."""
    folder = tmp_path_factory.mktemp("gold")
    names = gold_frames(folder, pressures_gpa=(5.0,))
    recipe = Recipe(
        geometry=read_geometry(folder / "g.poni"),
        frames=Frames(bins=1500, two_theta_deg=(3.0, 28.0)),
        phases=(read_phase(folder / "gold.toml"),),
    )
    frame = FrameSeries(folder / names[0]).frame(1)

    def at(pressure_gpa, temperature_k, full_counts=None):
        state = GivenState(pressure_gpa=pressure_gpa, pressure_sigma_gpa=0.1, temperature_k=temperature_k)
        counts = frame.counts if full_counts is None else np.minimum(frame.counts, full_counts)
        return event_data(reduce_point(counts, state, recipe, saturation_counts=full_counts), recipe)

    return at


def test_a_phase_is_sought_where_its_cell_is_at_the_given_pressure(reduced):
    point = reduced(5.0, 300.0)
    assert point["phases"] == "gold"
    assert point["gold_a_angstrom"] == pytest.approx(edge_angstrom(5.0), rel=2e-4)
    assert (point["pressure_gpa"], point["pressure_sigma_gpa"], point["temperature_k"]) == (5.0, 0.1, 300.0)
    assert math.isnan(point["ruby_r1_nm"])
    assert reduced(90.0, 300.0)["phases"] == ""


@pytest.mark.parametrize(
    ("gpa", "kelvin", "missing"),
    [
        (math.nan, 300.0, "pressure"),
        (5.0, math.nan, "temperature"),
        (math.nan, math.nan, "pressure and temperature"),
    ],
)
def test_where_a_state_was_not_given_no_phase_is_sought_and_no_peak_is_called_unknown(reduced, gpa, kelvin, missing):
    point = reduced(gpa, kelvin)
    assert (point["phases"], point["unknown_peaks"], point["reduced"]) == ("", 0, True)
    assert point["note"] == f"{missing} was not given: no phase was sought."


def test_full_rings_are_told_of_a_point_as_of_an_image_alone(reduced):
    assert reduced(5.0, 300.0)["note"] == ""
    assert "Rings are cut at the top: pixels with 300 counts or more" in reduced(5.0, 300.0, 300)["note"]
