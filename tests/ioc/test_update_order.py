"""An answer that comes late does not hide what a monitor has told meanwhile: of alarms, states and values."""

import threading

import pytest

from lics_beamline.devices import beamline as _in_order  # noqa: F401  # signals keep the order of their updates by it
from lics_beamline.devices.alarm import Severity, severity_of
from lics_beamline.devices.update_order import KnownOfPv, MonitoredPV

from .conftest import HANG_S


@pytest.fixture
def signal(prefix):
    """The state of gas control, monitored, of which a monitor has told."""
    from ophyd import EpicsSignalRO

    signal = EpicsSignalRO(f"{prefix}PC1:Control_RBV", name="control", string=True, auto_monitor=True)
    signal.wait_for_connection(timeout=HANG_S)
    told = threading.Event()
    signal.subscribe(lambda **_: told.set(), run=False)
    signal._read_pv.run_callbacks()
    assert told.wait(HANG_S)
    yield signal
    signal.destroy()


def monitor(known, **update):
    known.telling.add(threading.get_ident())
    known.update(**update)
    known.telling.clear()


def test_signals_are_made_of_pvs_that_keep_the_order(signal):
    assert isinstance(signal._read_pv, MonitoredPV)
    assert signal._read_pv._args.is_told


def test_an_answer_of_before_an_alarm_does_not_take_it_back(signal):
    before = signal._read_pv._args.copy()
    told = signal._read_pv._args | {"severity": 3, "status": 9, "value": 1, "raw_value": [1], "char_value": "On"}
    told.pop("cb_info", None)
    signal._read_changed(**told)
    assert severity_of(signal) is Severity.INVALID
    signal._initial_metadata_callback(signal.pvname, before | {"units": "bar"})
    assert severity_of(signal) is Severity.INVALID
    assert signal.metadata["timestamp"] == told["timestamp"]
    assert signal.metadata["units"] == "bar", "what no monitor tells is filled in"


def test_a_question_answered_late_does_not_bring_back_a_state_that_was_left():
    known = KnownOfPv()
    known.update(raw_value=[0], value=0, severity=0, timestamp=1.0)
    assert known["severity"] == 0, "until a monitor tells, an answer is all there is"
    monitor(known, raw_value=[1], value=1, severity=3, timestamp=2.0)
    known.update(raw_value=[0], value=0, severity=0, timestamp=1.0, precision=3)
    assert known == {"raw_value": [1], "value": 1, "severity": 3, "timestamp": 2.0, "precision": 3}
    monitor(known, raw_value=[0], value=0, severity=0, timestamp=3.0)
    assert (known["value"], known["severity"]) == (0, 0)


def test_a_state_told_before_its_name_was_known_is_named_when_that_comes():
    known = KnownOfPv()
    monitor(known, raw_value=[1], value=1, char_value=None)
    known.update(raw_value=[0], value=0, char_value="Off", enum_strs=("Off", "On"))
    assert (known["value"], known["char_value"]) == (1, "On")


def test_after_a_pv_was_gone_an_answer_is_believed_until_a_monitor_tells_again(signal):
    pv = signal._read_pv
    pv._connection_state_changed(pv._caproto_pv, "disconnected")
    pv._args.update(severity=2)
    assert pv._args["severity"] == 2
