"""A profile asked for at an IOC of EPICS base with stock records: written, and what it lacks is said."""

import io
import os
import re
import shutil

import pytest
from command_line import typed

from lics_beamline.profile import read_profile, shipped

from .base_ioc import DATABASES, base_ioc


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    """An IOC that this process looks for."""
    before = dict(os.environ)
    with base_ioc(tmp_path_factory.mktemp("base") / "ioc.log") as ioc:
        os.environ.update(ioc.addresses)
        yield ioc
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def asked(tmp_path, monkeypatch):
    def answer(*lines):
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        return typed("profile", "new", "mine", folder=tmp_path)

    return answer


def test_a_profile_of_stock_supports_is_asked_for_written_and_says_what_is_not_guarded(stock, asked, tmp_path):
    names = ("", "Beamline 9", stock.prefix, *[""] * 7)
    gas = ("y", "y", "95", "0", "80")  # without Source_RBV and InLimits_RBV, at 95 bar, from 0 to 80 bar
    heat = ("y", "y", "y", "", "480")
    done = asked(*names, *gas, *heat)

    assert done.returncode == 0, done.stderr
    assert "Pressure_RBV" in done.stdout
    assert not re.search(r"\d\.\d{7}", done.stdout), "numbers as a display shows them"
    assert "Source_RBV does not answer. Without it the supply is what a person has read" in done.stdout
    values = read_profile(str(tmp_path / "mine")).values
    assert (values.beamline, values.prefix) == ("Beamline 9", stock.prefix)
    assert (values.membrane.limits_bar, values.envelope.load_bar) == ((0.0, 80.0), (0.0, 80.0))
    assert (values.membrane.absent, values.membrane.supply_bar) == (("Source_RBV", "InLimits_RBV"), 95.0)
    assert values.heater.absent == ("Auto", "OutputHigh", "Contactor")
    assert values.heater.limits_k == (288.15, 480.0)

    seen = typed("check", str(tmp_path / "mine"), folder=tmp_path)
    assert seen.returncode == 3  # no stage: EPICS base has no motor records
    for part in ("membrane", "heater", "thermocouples", "ruby", "plate", "beam"):
        (line,) = (line for line in seen.stdout.splitlines() if line.startswith(f"{part} "))
        there, _, count = line.split()[2:5]
        assert there == count, line
    assert "not guarded: ET1:Contactor is absent: nothing here can cut the power" in seen.stdout


def test_answers_that_end_leave_nothing_behind(stock, asked, tmp_path):
    done = asked("mine", "Beamline 9")
    assert (done.returncode, (tmp_path / "mine").exists()) == (2, False)
    assert "nothing is written" in done.stderr


def test_a_beamline_where_nothing_answers_is_told_instrument_by_instrument_with_what_to_do(stock, tmp_path):
    done = typed("check", str(shipped() / "bl10xu"), folder=tmp_path)
    assert (done.returncode, done.stderr) == (3, "")
    assert "membrane       BL10XU:PC1:          0 of 16 PVs answer" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("BL10XU (profile bl10xu): 0 of ")
    assert "EPICS_CA_ADDR_LIST" in done.stdout


OTHER_NAMES = {  # as other vendors' supports say it: what stands in the databases, what stands there then
    "pace5000.db": [
        ('"On"', '"Control"'),
        ('"Vent in progress"', '"Venting"'),
        ('PC1:Pressure_RBV") {', 'PC1:Pressure_RBV") { field(EGU, "psi")'),
    ],
    "beam.db": [('"Closed"', '"CLOSED"')],
    "eurotherm2k.db": [
        ('RBV_pvTemp") {', 'RBV_pvTemp") { field(EGU, "degC")'),
        ('Setpoint") {', 'Setpoint") { field(EGU, "Deg C")'),
        ('RampRate") {', 'RampRate") { field(EGU, "degC/min")'),
        ('RBV_spTemp") {', 'RBV_spTemp") { field(EGU, "K")'),
    ],
}


def test_states_and_units_of_another_vendor_are_told_pv_by_pv_and_a_degree_by_another_name_is_none(asked, tmp_path):
    folder, before = tmp_path / "databases", dict(os.environ)
    shutil.copytree(DATABASES, folder)
    for name, changes in OTHER_NAMES.items():
        text = (folder / name).read_text()
        for was, becomes in changes:
            assert was in text
            text = text.replace(was, becomes)
        (folder / name).write_text(text)
    try:
        with base_ioc(tmp_path / "ioc.log", folder=folder) as ioc:
            os.environ.update(ioc.addresses)
            asked("", "Beamline 9", ioc.prefix, *[""] * 7, "y", "y", "95", "0", "80", "y", "y", "y", "", "480")
            seen = typed("check", str(tmp_path / "mine"), folder=tmp_path).stdout
    finally:
        os.environ.clear()
        os.environ.update(before)
    said = {
        line.partition(ioc.prefix)[2].partition(". ")[0]
        for line in seen.splitlines()
        if " has no state " in line or " says " in line
    }
    assert said == {
        "PC1:Pressure_RBV says its unit is 'psi'; the profile declares 'bar'",
        "PC1:Control has no state 'On', only 'Off', 'Control'",
        "PC1:Control_RBV has no state 'On', only 'Off', 'Control'",
        "PC1:Vent_RBV has no state 'In progress' or 'Vent in progress', only 'Vent OK', 'Venting', 'Vent complete'",
        "ET1:RBV_spTemp says its unit is 'K'; the profile declares 'C'",
        "BEAM:Shutter has no state 'Closed', only 'CLOSED', 'Open'",
        "BEAM:Shutter_RBV has no state 'Closed', only 'CLOSED', 'Open'",
    }
