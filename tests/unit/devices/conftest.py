"""A clock moved by hand, and signals without a network."""

import os

import pytest

os.environ.setdefault("OPHYD_CONTROL_LAYER", "caproto")  # read once, when ophyd is imported

from hand_clock import HandClock
from ophyd import Device, Signal


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def device():
    return Device("", name="device")


@pytest.fixture
def readback():
    return Signal(name="readback", value=0.0)
