"""A load step under way when the guard dies, when the temperature leaves its band, and when the engine hangs."""

import os
import signal

import pytest
from looking import pace
from worlds.short_experiment import experiment, pressure

from lics_beamline.data_folder import DataFolder
from lics_beamline.safety.guard import status
from lics_beamline.safety.latch import latched

from .test_guard import simulators
from .test_hold import documents, passes, sweeping, until

UP = experiment(pressure(3.0), title="up", phases='["alloy"]')
BAND_K = 5.0  # approach.temperature_band_k of the profile


@pytest.fixture
def data(tmp_path):
    return DataFolder(tmp_path / "data").make()


def rising(witness):
    return witness.get("PC1:Pressure_RBV") < witness.get("PC1:Setpoint_RBV") - 0.5


@pytest.mark.long
def test_a_load_waits_for_another_guard_when_one_dies_and_does_not_rise_once_the_cell_runs_away(data):
    with simulators(data) as witness, sweeping(data, UP) as process:
        until(lambda: rising(witness) and witness.get("PC1:Pressure_RBV") > 0.7, process)
        first = status(data).pid
        os.kill(first, signal.SIGKILL)
        until(lambda: not rising(witness), process)
        load_bar = witness.get("PC1:Pressure_RBV")
        assert load_bar < 4.0, "on its way"
        while status(data).pid == first or status(data).state == "starting":
            assert witness.get("PC1:Pressure_RBV") < load_bar + 0.1, "nothing rises without a guard"
            pace()
        until(lambda: witness.get("PC1:Pressure_RBV") > load_bar + 0.5, process)

        witness.put("WORLD:Speed", 10.0)
        ambient_c = witness.get("ET1:RBV_pvTemp")
        witness.put("WORLD:Fault", "heater_runaway")
        until(lambda: witness.get("TC:Ti1") > ambient_c + BAND_K, process)
        assert latched(data) is None
        passes(witness, 5.0)  # half a second: the load is told to stay, and says so
        load_bar = witness.get("PC1:Pressure_RBV")
        witness.put("WORLD:Speed", 60.0)
        while latched(data) is None:
            assert witness.get("PC1:Pressure_RBV") < load_bar + 0.05, "between band and trip no load rises"
            pace()
        assert latched(data)["cause"] == "over-temperature"
        assert process.wait() == 4
        assert witness.get("PC1:Control_RBV") == "Off"
    holds = [doc["data"] for name, doc in documents(data) if name == "event" and "hold_did" in doc["data"]]
    assert "noted" in [one["hold_did"] for one in holds]
    assert f"the guard (process {first}) died, exit code -9" in holds[0]["hold_why"]
    assert holds[-1]["hold_did"] == "continued"


@pytest.mark.long
def test_an_engine_that_lives_and_hangs_is_made_safe_by_its_guard_and_ends_when_it_wakes(data):
    with simulators(data) as witness, sweeping(data, UP) as process:
        until(lambda: rising(witness) and witness.get("PC1:Pressure_RBV") > 0.7, process)
        process.send_signal(signal.SIGSTOP)
        try:
            while latched(data) is None or latched(data)["read_back_safe"] is None:
                pace()
            assert "no sign of life" in latched(data)["says"]
            assert witness.get("PC1:Control_RBV") == "Off"
            load_bar = witness.get("PC1:Pressure_RBV")
        finally:
            process.send_signal(signal.SIGCONT)
        assert process.wait() == 4
        assert witness.get("PC1:Pressure_RBV") == pytest.approx(load_bar, abs=0.05)
        assert witness.get("PC1:Control_RBV") == "Off"
        assert latched(data)["cause"] == "engine lost"


@pytest.mark.long
def test_a_guard_that_hangs_is_noticed_held_like_a_dead_one_and_replaced(data):
    with simulators(data) as witness, sweeping(data, UP) as process:
        until(lambda: rising(witness) and witness.get("PC1:Pressure_RBV") > 0.7, process)
        first = status(data).pid
        os.kill(first, signal.SIGSTOP)
        until(lambda: not rising(witness), process)
        load_bar = witness.get("PC1:Pressure_RBV")
        assert load_bar < 4.0, "on its way"
        until(lambda: status(data).pid != first and status(data).state == "watching", process)
        until(lambda: witness.get("PC1:Pressure_RBV") > load_bar + 0.5, process)
        assert latched(data) is None
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 4
    holds = [doc["data"] for name, doc in documents(data) if name == "event" and "hold_did" in doc["data"]]
    assert any(f"the guard (process {first}) has said nothing" in hold["hold_why"] for hold in holds)
