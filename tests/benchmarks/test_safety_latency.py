"""How soon the beamline is safe, by the wall clock: what `faults/` proves to happen at all.

A quiet computer is asked for; on a busy one the guard is as late as any other program.
"""

import os
import signal
import time

import pytest
from faults.test_guard import BLIND_CONTROLLER, guarded, safe, simulators, warm_and_loaded
from faults.test_guard_lost import UP, rising
from faults.test_hold import sweeping, until

from lics_beamline.data_folder import DataFolder
from lics_beamline.safety.guard import status

COMMANDED_S = 0.5  # from the bad value to the command
SAFE_S = 5.0  # from the last sign of life to everything read back as safe
HELD_S = 5.0  # from the death of the guard to a load that does not rise


@pytest.fixture
def data(tmp_path):
    return DataFolder(tmp_path / "data").make()


def loading(witness, process):
    until(lambda: rising(witness) and witness.get("PC1:Pressure_RBV") > 0.7, process)


def test_an_open_thermocouple_is_answered_within_half_a_second(data, tmp_path, record):
    (tmp_path / "blind.toml").write_text(BLIND_CONTROLLER)
    with simulators(data, world=str(tmp_path / "blind.toml")) as witness, guarded(data):
        warm_and_loaded(witness)
        witness.put("WORLD:Fault", "tc_open")
        while witness.get("ET1:OutputHigh") > 0.0:
            pass
        commanded_s = witness.timestamp("ET1:OutputHigh") - witness.timestamp("TC:Ti1")
    record(commanded_s=round(commanded_s, 3))
    assert 0.0 <= commanded_s < COMMANDED_S


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP])
def test_a_beamline_is_safe_five_seconds_after_the_last_sign_of_life_of_its_engine(data, end, record):
    with simulators(data) as witness, sweeping(data, UP) as process:
        loading(witness, process)
        process.send_signal(end)
        last_beat = (data.logs / f"heartbeat-{process.pid}.json").stat().st_mtime
        safe(data)
        safe_s = (data.root / "guard-tripped.json").stat().st_mtime - last_beat
    record(**{f"safe_after_{end.name.lower()}_s": round(safe_s, 3)})
    assert safe_s < SAFE_S


def test_a_load_is_held_five_seconds_after_its_guard_has_died(data, record):
    with simulators(data) as witness, sweeping(data, UP) as process:
        loading(witness, process)
        os.kill(status(data).pid, signal.SIGKILL)
        killed = time.time()
        until(lambda: not rising(witness), process)
        held_s = time.time() - killed
    record(held_s=round(held_s, 3))
    assert held_s < HELD_S
