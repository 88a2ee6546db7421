"""A whole beamline on stock supports: gas, heat, plates and light from EPICS base, the motors from another IOC."""

import json
import os
from dataclasses import replace

import pytest

from lics_beamline.checks.judgement import case_of, judge, judge_live
from lics_beamline.data_folder import DataFolder
from lics_beamline.devices.assembly import assemble
from lics_beamline.devices.beamline import connect, disconnect, make_safe
from lics_beamline.devices.safe_state import unsafe
from lics_beamline.experiment import read_experiment
from lics_beamline.profile import read_profile
from lics_beamline.reduction.recipe import read_recipe

from .base_ioc import base_ioc
from .conftest import simulated


def changed(table, **keys):
    return table.model_copy(update=keys)


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    """Profile and connected beamline."""
    folder, before = tmp_path_factory.mktemp("stock"), dict(os.environ)
    with base_ioc(folder / "ioc.log") as ioc, simulated(folder, speed=60.0) as simulators:
        os.environ["EPICS_CA_ADDR_LIST"] = " ".join(
            f"127.0.0.1:{addresses['EPICS_CA_SERVER_PORT']}" for addresses in (ioc.addresses, simulators.addresses)
        )
        profile = read_profile("bl10xu")
        values = profile.values
        moved = {
            name: changed(getattr(values, name), prefix=ioc.prefix + getattr(values, name).prefix)
            for name in ("membrane", "heater", "thermocouples", "ruby", "plate", "beam")
        }
        moved["membrane"] = changed(moved["membrane"], absent=("Source_RBV", "InLimits_RBV"), supply_bar=95.0)
        moved["heater"] = changed(moved["heater"], absent=("Auto", "OutputHigh", "Contactor"))
        moved["stage"] = changed(values.stage, prefix=f"{simulators.prefix}STAGE:")
        profile = replace(profile, values=changed(values, prefix="", **moved))
        beamline = assemble(profile, DataFolder(folder).make())
        try:
            yield profile, beamline
        finally:
            disconnect(beamline)
            os.environ.clear()
            os.environ.update(before)


def test_it_connects_is_safe_and_its_check_says_what_is_not_guarded_and_refuses_nothing_else(stock):
    profile, beamline = stock
    report = connect(beamline)
    assert report.ready
    experiment = read_experiment(read_profile("simulated").experiments / "lics-2015.toml")
    case = case_of(experiment, profile, read_recipe(profile.recipe_file))
    (told,) = (finding for finding in judge(case) if finding.rule == "nothing is left unguarded")
    for name in ("Source_RBV", "InLimits_RBV", "Auto", "OutputHigh", "Contactor"):
        assert f"{name} is absent: " in told.found
    found = {each.rule: each for each in judge_live(beamline, report, case, spectrum=False)}
    assert {rule for rule, each in found.items() if each.verdict == "refused"} == {
        "no instrument is in alarm",  # laser and its shutter, which nobody has set since the IOC was started
        "ruby line stays on the spectrometer",  # its axis is empty
    }
    assert "(UDF): write it once" in found["no instrument is in alarm"].found
    beamline.ruby.laser_off().wait(300.0)
    found = {each.rule: each for each in judge_live(beamline, report, case, spectrum=False)}
    assert found["no instrument is in alarm"].verdict == "ok", found["no instrument is in alarm"].says
    make_safe(beamline)
    assert unsafe(beamline) == ()


def test_a_run_records_words_where_nothing_is_and_every_document_is_json(stock, engine, documents):
    from bluesky.plans import count

    _, beamline = stock
    connect(beamline)
    engine(count([beamline.membrane, beamline.heater, beamline.thermocouples, beamline.beam]))
    assert [name for name, _ in documents] == ["start", "descriptor", "event", "stop"]
    for _, document in documents:
        json.dumps(document, allow_nan=False, default=float)
    heater = documents[1][1]["configuration"]["heater"]["data"]
    assert heater["heater_contactor_readback"] == "none"
    assert heater["heater_output_high_percent"] == "unlimited"
