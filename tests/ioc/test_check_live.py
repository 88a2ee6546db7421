"""The rules that need the beamline, against soft IOCs over Channel Access: as it starts, and put in wrong states."""

from pathlib import Path

import pytest
from caproto.sync.client import write

from lics_beamline.checks import connection, live
from lics_beamline.checks.judgement import case_of, judge_live
from lics_beamline.data_folder import DataFolder
from lics_beamline.devices.assembly import assemble
from lics_beamline.devices.beamline import connect, disconnect
from lics_beamline.experiment import read_experiment
from lics_beamline.profile import read_profile
from lics_beamline.reduction.recipe import read_recipe

from .conftest import HANG_S, devices, simulated

SPEED = 60.0


def put(name, value):
    write(name, value, repeater=False, notify=True, timeout=HANG_S)


@pytest.fixture(scope="module")
def case():
    profile = read_profile("simulated")
    experiment = read_experiment(profile.experiments / "lics-2015.toml")
    return case_of(experiment, profile, read_recipe(profile.recipe_file), speed=SPEED)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("live")
    with simulated(folder, speed=SPEED) as simulators:
        beamline = assemble(read_profile("simulated"), DataFolder(folder), prefix=simulators.prefix)
        try:
            connect(beamline)
            yield simulators.prefix, beamline
        finally:
            disconnect(beamline)


def judged(served, case, **options):
    _, beamline = served
    return {each.rule: each for each in judge_live(beamline, connect(beamline, strict=False), case, **options)}


def test_the_simulated_beamline_as_it_starts_trips_no_rule_and_gives_a_believed_spectrum(served, case):
    said = judged(served, case)
    assert not [finding.says for finding in said.values() if finding.verdict != "ok"]
    assert "nm" in said["ruby spectrum can be believed"].found
    assert len(said) == len(connection.RULES) + len(live.RULES)
    _, beamline = served
    assert beamline.ruby.laser.get(use_monitor=False) == "Off"
    assert beamline.ruby.shutter.get(use_monitor=False) == "Closed"


@pytest.mark.parametrize(
    ("pv", "wrong", "right", "rule"),
    [
        ("BEAM:Shutter", "Open", "Closed", "beam shutter is closed"),
        ("BEAM:Attenuator", 3, 0, "attenuator is out"),
        ("WORLD:Speed", 30.0, SPEED, "clock goes as the profile says"),
        ("ET1:Setpoint", 28.0, 24.9, "heater is down"),
        ("SAFE:Timeout", 60.0, 10.0, "somebody makes safe when nobody lives"),
        ("WORLD:Fault", "thermocouples_line_lost:1e6", "clear", "no instrument is in alarm"),
    ],
)
def test_a_state_that_is_wrong_is_seen_and_named(served, case, pv, wrong, right, rule):
    prefix, beamline = served
    put(prefix + pv, wrong)
    try:
        for _ in range(50):  # monitors and read-backs lag, those of what was put right before too
            seen = judged(served, case, spectrum=False)
            wrong_ones = {name for name, finding in seen.items() if finding.verdict != "ok"}
            if wrong_ones == {rule}:
                break
            beamline.clock.set(beamline.clock.now_s() + 15.0).wait()
        assert wrong_ones == {rule}
    finally:
        put(prefix + pv, right)


def test_a_dead_beamline_is_judged_by_its_connection_alone(tmp_path: Path, case):
    beamline = devices("NO_ENGINE_BEAT:", tmp_path)
    try:
        said = judge_live(beamline, connect(beamline, timeout_s=0.5, strict=False), case)
    finally:
        disconnect(beamline)
    assert [finding.group for finding in said] == ["connection"] * 3
    assert said[0].verdict == "refused"
    assert "NO_ENGINE_BEAT:" in said[0].found
