"""The code that the documents show for something new does what they say."""

import asyncio
import importlib.util
import json
import math

import numpy as np
import pytest
from documented import DOCS
from reduced_documents import data, documents

from lics_beamline.checks.finding import findings
from lics_beamline.checks.judgement import case_of
from lics_beamline.exports.reduced_run import reduced_run
from lics_beamline.profile import read_profile
from lics_simulators.world import World


def example(name):
    spec = importlib.util.spec_from_file_location(name, DOCS / "examples" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def case(hours):
    from lics_beamline.experiment import read_experiment
    from lics_beamline.reduction.recipe import read_recipe

    profile = read_profile("simulated")
    experiment = read_experiment(profile.experiments / "lics-2015.toml")
    return case_of(experiment, profile, read_recipe(profile.recipe_file), beam_time_h=hours)


@pytest.mark.parametrize(("hours", "verdict"), [(100.0, "ok"), (5.0, "warning")])
def test_a_new_rule_judges(hours, verdict):
    found = findings("time", (example("new_rule").time_is_left_to_pack,), case(hours))
    assert [(each.rule, each.verdict) for each in found] == [("time is left to pack", verdict)]
    assert f"{hours:g} h of beam time" in found[0].says


def test_a_new_rule_that_does_not_apply_says_nothing():
    assert findings("time", (example("new_rule").time_is_left_to_pack,), case(math.inf)) == ()


def test_a_new_export_writes_every_point_that_was_reduced(tmp_path):
    run = reduced_run(documents([data(0), data(1, reduced=False), data(2)]))
    written = example("new_export").write_json(run, tmp_path)
    assert len(written) == 2
    content = json.loads(written[0].read_text())
    assert content["pressure_gpa"] == run.points[0].pressure_gpa
    np.testing.assert_array_equal(content["intensity"], run.points[0].intensity)


@pytest.fixture
def world(tmp_path):
    world = World(seed=1, folder=tmp_path)
    yield world
    world.close()


def test_a_new_instrument_wants_what_its_simulated_one_serves_in_the_units_it_serves(world):
    device, group = example("new_instrument").FlowMeter, example("new_instrument_ioc").FlowMeterIOC
    served = group("P:", world=world).pvdb
    wanted = {name: f"P:FLOW:{getattr(device, name).suffix}" for name in device.component_names}
    assert set(wanted.values()) == set(served)
    assert {name: served[pv].units for name, pv in wanted.items()} == dict(device.UNITS)


def test_a_new_simulated_instrument_shows_the_world(world):
    flow = example("new_instrument_ioc").FlowMeterIOC("P:", world=world)
    world.membrane.load_bar = 50.0
    asyncio.run(flow.publish())
    assert flow.Rate_RBV.value == pytest.approx(1.0)
