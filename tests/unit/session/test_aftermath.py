"""What is on when a session ends is made safe, but for what another process holds."""

import os
from types import SimpleNamespace

import pytest

os.environ.setdefault("OPHYD_CONTROL_LAYER", "caproto")  # read once, when ophyd is imported

from lics_beamline.session import aftermath

HOLDER = "process 12 on host b since 10:00"


class Instrument:
    """One that is connected and must not be touched: it has nothing else."""

    connected = True


@pytest.fixture
def held():
    """A beamline whose membrane another process holds."""
    membrane = SimpleNamespace(connected=True, foreign_holder=lambda: HOLDER)
    return SimpleNamespace(membrane=membrane, heater=Instrument(), beam=Instrument())


def test_what_another_process_holds_is_not_ours_to_leave_on(held):
    assert aftermath.left_on(held) == ()


def test_nothing_is_touched_that_another_process_holds_and_that_is_said(held, caplog):
    assert aftermath.make_safe(held)
    assert f"held by {HOLDER}: nothing was touched" in caplog.text


def test_a_session_that_ends_leaves_to_another_what_it_holds(held, caplog):
    assert aftermath.leave(SimpleNamespace(state="idle"), held)
    assert caplog.text == ""
