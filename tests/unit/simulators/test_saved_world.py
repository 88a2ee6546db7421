"""A saved world: what is physical goes on where it was, what is of another world or no world is refused by name."""

import copy
import json
import os
import shutil

import pytest

os.environ.setdefault("OPHYD_CONTROL_LAYER", "caproto")

from lics_simulators.beamline import Beamline
from lics_simulators.faults import parse
from lics_simulators.plate.exposure import Order
from lics_simulators.saved_world import FILE_NAME, WorldKeeper, restore, save, sealed, was_killed
from lics_simulators.world import World


def beamline(folder, *, seed=3, preset="volumetric", speed=1.0):
    return Beamline("T:", world=World(seed=seed, preset=preset, speed=speed), folder=folder)


def lived(folder, preset="volumetric"):
    """A world with a history: loaded, hot, drifted, a plate exposed in part and another one read."""
    made = beamline(folder, preset=preset)
    world = made.world
    world.membrane.set_control(on=True)
    world.membrane.slew_bar_per_s, world.membrane.setpoint_bar = 0.05, 30.0
    world.heater.ramp_k_per_min = 20.0
    world.heater.set_setpoint(420.0)
    world.stage.axes["x"].move(0.02)
    made.faults.begin(parse("wavelength_drift:0.1"))
    made.faults.begin(parse("gas_leak:0.001"))
    made.faults.begin(parse("thermocouples_line_lost:1e6"))
    world.beam.command_shutter(is_open=True)
    world.advance(900.0)
    for number in range(2):
        made.plates.reader.expose(Order(exposure_s=60.0, path=str(folder / f"{number}.osc"), frame=number))
        world.advance(75.0)
    return made


def truths(made):
    """Everything of the world that can be seen from outside, as numbers."""
    world, reader = made.world, made.plates.reader
    state = world.sample_state()
    return {
        "time": world.time_s,
        "load": world.membrane.load_bar,
        "transmitted": world.cell.transmitted_bar,
        "pressure": state.pressure_gpa,
        "gasket": world.heater.gasket_k,
        "seen": world.heater.seen_k,
        "output": world.heater.output_percent,
        "phases": state.phases,
        "couples": tuple(world.thermocouples.true_k),
        "x": world.stage.axes["x"].position,
        "ring": world.beam.ring_current_ma,
        "r1": world.ruby.r1_nm(1.0, 300.0),
        "drift": float(world.ruby._true_nm[0]),
        "leak": world.membrane.parameters.leak_per_s,
        "plates": [(plate.state, plate.erased_s, plate.ghost_share) for plate in reader.plates],
        "reader": (reader.state, reader.plate_in_use, reader.time_remaining_s, reader.message),
        "line": made.faults.rig.instruments["thermocouples"].line_is_lost,
    }


@pytest.mark.parametrize(
    "preset",
    ["volumetric", "unknown", *(pytest.param(name, marks=pytest.mark.long) for name in ("kcl", "lab6", "cs_rich"))],
)
def test_a_world_goes_on_from_where_it_was_and_comes_to_the_same(tmp_path, preset):
    first = lived(tmp_path, preset)
    save(first, tmp_path, wall_s=1000.0)
    again = beamline(tmp_path, preset=preset)
    restore(again, tmp_path, wall_s=1000.0)
    assert truths(again) == truths(first)
    for made in (first, again):
        made.world.advance(20.0)
    assert truths(again) == truths(first)


def test_the_world_goes_on_while_its_iocs_are_gone_and_no_longer_than_half_an_hour(tmp_path):
    first = beamline(tmp_path, speed=10.0)
    first.world.heater.set_setpoint(350.0)
    first.world.advance(60.0)
    save(first, tmp_path, wall_s=1000.0)
    for gone_s, expected_s in ((12.0, 180.0), (1e6, 60.0 + 1800.0)):
        again = beamline(tmp_path, speed=10.0)
        restore(again, tmp_path, wall_s=1000.0 + gone_s)
        assert again.world.time_s == pytest.approx(expected_s)
        assert again.world.heater.gasket_k > first.world.heater.gasket_k, "its controller has its own power"


def test_only_a_world_that_nobody_ended_was_killed(tmp_path):
    assert not was_killed(tmp_path)
    made = beamline(tmp_path)
    save(made, tmp_path)
    assert was_killed(tmp_path)
    save(made, tmp_path, ended=True)
    assert not was_killed(tmp_path)


def test_a_world_of_another_seed_is_refused_with_both(tmp_path):
    save(beamline(tmp_path), tmp_path)
    with pytest.raises(ValueError, match=r"of seed 3 and world volumetric, and asked for are seed 4.*Remove it"):
        restore(beamline(tmp_path, seed=4), tmp_path)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """What is saved of a world, and another that is asked to go on with it and never does."""
    folder = tmp_path_factory.mktemp("saved")
    save(beamline(folder), folder)
    return json.loads((folder / FILE_NAME).read_text())["state"], beamline(folder)


@pytest.mark.parametrize(
    "break_it",
    [
        lambda state: "",
        lambda state: "[]",
        lambda state: sealed(json.dumps({**state, "parts": {}})),
        lambda state: sealed(json.dumps({**state, "reader": {"object": "os:system", "state": {}}})),
        lambda state: sealed(
            json.dumps({**state, "reader": {"object": "lics_simulators.server:os.system", "state": {}}})
        ),
        lambda state: sealed(json.dumps(state)).replace('"volumetric"', '"linear"'),
        lambda state: json.dumps(state),
        lambda state: json.dumps({"sha256": 3, "state": []}),
    ],
)
def test_a_damaged_or_hostile_state_is_refused_and_named(tmp_path, saved, break_it):
    state, asked = saved
    (tmp_path / FILE_NAME).write_text(break_it(copy.deepcopy(state)))
    with pytest.raises(ValueError, match=r"world\.json cannot be gone on with: "):
        restore(asked, tmp_path)


def test_a_number_that_a_disk_has_changed_is_noticed(tmp_path):
    save(lived(tmp_path), tmp_path)
    path = tmp_path / FILE_NAME
    text = path.read_text()
    place = text.index("0.0", text.index('"membrane"'))
    path.write_text(f"{text[:place]}9{text[place + 1 :]}")
    assert was_killed(tmp_path), "no new world is begun over it without a word"
    with pytest.raises(ValueError, match="not as it was saved"):
        restore(beamline(tmp_path), tmp_path)


def test_a_folder_that_is_gone_ends_no_world_and_is_said_once(tmp_path, capsys):
    folder = tmp_path / "plates"
    folder.mkdir()
    keeper = WorldKeeper(beamline(folder))
    keeper.keep()
    assert not was_killed(tmp_path)
    assert was_killed(folder)
    shutil.rmtree(folder)
    keeper.keep()
    keeper.keep()
    assert capsys.readouterr().err.count("cannot be saved") == 1
    folder.mkdir()
    keeper.keep(ended=True)
    assert not was_killed(folder)
    assert (folder / FILE_NAME).is_file()
