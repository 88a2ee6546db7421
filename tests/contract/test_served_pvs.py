"""The simulators serve every PV of the instruments, with unit, limits and states, and nothing of the truth.

The table is written down here again, on its own: it is what profiles, devices and real IOCs agree on.
"""

import asyncio
import itertools

import pytest

from lics_simulators.beamline import Beamline
from lics_simulators.world import World

PREFIX = "TEST:"

READINGS = {  # name: unit
    "PC1:Setpoint_RBV": "bar",
    "PC1:Slew_RBV": "bar/s",
    "PC1:Pressure_RBV": "bar",
    "PC1:Effort_RBV": "%",
    "PC1:Source_RBV": "bar",
    "ET1:RBV_pvTemp": "C",
    "ET1:RBV_spTemp": "C",
    "ET1:RBV_RampRate": "C/min",
    "ET1:RBV_Output": "%",
    "TC:Ti1": "C",
    "TC:Ti2": "C",
    "TC:Ti3": "C",
    "TC:Ti4": "C",
    "RAXIS:cam1:TimeRemaining_RBV": "s",
    "RAXIS:cam1:ReadWait_RBV": "s",
    "BEAM:RingCurrent_RBV": "mA",
    "BEAM:Energy_RBV": "keV",
    "BEAM:I0_RBV": "counts/s",
    "WORLD:Time_RBV": "s",
    "WORLD:Waited_RBV": "s",
    "WORLD:Held_RBV": "s",
    "SAFE:Silent_RBV": "s",
}

SETTINGS = {  # name: unit, low, high
    "PC1:Setpoint": ("bar", 0.0, 150.0),
    "PC1:Slew": ("bar/s", 0.0005, 0.05),
    "ET1:Setpoint": ("C", 0.0, 250.0),
    "ET1:RampRate": ("C/min", 0.0, 20.0),
    "ET1:OutputHigh": ("%", 0.0, 100.0),
    "RUBY:cam1:AcquireTime": ("s", 0.01, 60.0),
    "RUBY:cam1:NumAccumulations": ("", 1, 100),
    "RUBY:LaserPower": ("mW", 0.0, 50.0),
    "RAXIS:cam1:AcquireTime": ("s", 1.0, 36000.0),
    "BEAM:Attenuator": ("", 0, 7),
    "STAGE:OscRange": ("deg", 0.0, 20.0),
    "WORLD:Speed": ("", 1.0, 300.0),
    "WORLD:Heard": ("s", -1.0, 1e9),
    "SAFE:Timeout": ("s", 1.0, 600.0),
    "SAFE:EngineBeat": ("", 0, 2_000_000_000),
    "SAFE:GuardBeat": ("", 0, 2_000_000_000),
}

OFF_ON, NO_YES = ("Off", "On"), ("No", "Yes")
TYPES = ("J", "K", "T", "E", "R", "S", "B", "N")
SCALES = ("Celsius", "Fahrenheit", "Kelvin", "Volts")
PLATE_STATES = ("Ready", "Exposed", "Scanning", "Erasing")
STATES = {  # name: states in order, the one at start
    "PC1:Control": (OFF_ON, "Off"),
    "PC1:Control_RBV": (OFF_ON, "Off"),
    "PC1:Vent": (NO_YES, "No"),
    "PC1:Vent_RBV": (("Vent OK", "In progress", "Complete"), "Vent OK"),
    "PC1:InLimits_RBV": (NO_YES, "No"),
    "ET1:Auto": (("Manual", "Auto"), "Auto"),
    "ET1:Contactor": (("Open", "Closed"), "Closed"),
    "ET1:Contactor_RBV": (("Open", "Closed"), "Closed"),
    **{f"TC:Ti{number}TCType": (TYPES, "K") for number in range(1, 5)},
    **{f"TC:Ti{number}Scale": (SCALES, "Celsius") for number in range(1, 5)},
    "RUBY:cam1:Acquire": (("Done", "Acquire"), "Done"),
    "RUBY:cam1:DetectorState_RBV": (("Idle", "Acquire", "Readout"), "Idle"),
    "RUBY:cam1:WaitForPlugins": (NO_YES, "Yes"),
    "RUBY:image1:EnableCallbacks": (("Disable", "Enable"), "Enable"),
    "RUBY:Lamp": (OFF_ON, "Off"),
    "RUBY:AmbientRuby": (OFF_ON, "Off"),
    "RUBY:Laser": (OFF_ON, "Off"),
    "RUBY:Shutter": (("Closed", "Open"), "Closed"),
    "RAXIS:cam1:Acquire": (("Done", "Acquire"), "Done"),
    "RAXIS:cam1:DetectorState_RBV": (
        ("Idle", "Exposing", "Scanning", "Erasing", "Changing mode", "Aborting", "Error", "Waiting"),
        "Idle",
    ),
    "RAXIS:cam1:Erase": (("Done", "Erase"), "Done"),
    "RAXIS:cam1:EraseMode": (("None", "Before expose", "After scan"), "After scan"),
    "RAXIS:cam1:ScanResolution": (("50", "100", "200"), "100"),
    "RAXIS:cam1:AutoIncrement": (NO_YES, "Yes"),
    "RAXIS:cam1:Plate1State_RBV": (PLATE_STATES, "Ready"),
    "RAXIS:cam1:Plate2State_RBV": (PLATE_STATES, "Ready"),
    "WORLD:Release": (NO_YES, "No"),
    "SAFE:Watchdog": (("Off", "Armed"), "Off"),
    "SAFE:Watchdog_RBV": (("Off", "Armed", "Tripped"), "Off"),
    "SAFE:Trip": (NO_YES, "No"),
    "SAFE:Reset": (NO_YES, "No"),
    "BEAM:Shutter": (("Closed", "Open"), "Closed"),
    "BEAM:Shutter_RBV": (("Closed", "Open"), "Closed"),
}

OTHERS = {  # name: value at start
    "PC1:Units_RBV": "BAR",
    "PC1:Error_RBV": "No error",
    "PC1:Model_RBV": "PACE5000 (simulated)",
    "PC1:Lease": "",
    "WORLD:Fault": "",
    "SAFE:TrippedAt_RBV": "",
    "SAFE:Cause_RBV": "",
    "WORLD:Drivers_RBV": 0,
    "RUBY:cam1:ArrayCounter_RBV": 0,
    "RUBY:image1:UniqueId_RBV": 0,
    "RAXIS:cam1:NumErase": 1,
    "RAXIS:cam1:PlateInUse_RBV": 1,
    "RAXIS:cam1:FileName": "",
    "RAXIS:cam1:FileNumber": 0,
    "RAXIS:cam1:FileTemplate": "%s%s%6.6d.osc",
    "RAXIS:cam1:FullFileName_RBV": "",
}
UNSPECIFIED = {  # served; start value or unit is the instrument's own business
    "ET1:P",
    "ET1:I",
    "ET1:D",
    "RUBY:image1:ArrayData",
    "RUBY:Wavelength",
    "RAXIS:cam1:Abort",
    "RAXIS:cam1:FilePath",
    "RAXIS:cam1:PlateRead_RBV",
    "RAXIS:cam1:StatusMessage_RBV",
    "WORLD:Seed_RBV",
}
MOTORS = {"STAGE:x": "mm", "STAGE:y": "mm", "STAGE:z": "mm", "STAGE:omega": "deg"}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    beamline = Beamline(PREFIX, world=World(seed=1), folder=tmp_path_factory.mktemp("plates"))
    return {name.removeprefix(PREFIX): channel for name, channel in beamline.pvdb.items()}


def test_exactly_the_agreed_pvs_are_served(served):
    agreed = {*READINGS, *SETTINGS, *STATES, *OTHERS, *UNSPECIFIED, *MOTORS}
    assert set(served) == agreed


@pytest.mark.parametrize(("name", "unit"), READINGS.items())
def test_a_reading_has_its_unit_and_cannot_be_written(served, name, unit):
    channel = served[name]
    assert channel.units == unit
    assert channel.reported_record_type == "ai"
    assert type(channel).__name__.endswith("RO")


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_has_unit_and_control_limits_and_starts_within_them(served, name):
    unit, low, high = SETTINGS[name]
    channel = served[name]
    assert (channel.units, channel.lower_ctrl_limit, channel.upper_ctrl_limit) == (unit, low, high)
    assert low <= channel.value <= high


@pytest.mark.parametrize("name", STATES)
def test_a_state_has_its_names_in_order_and_its_start(served, name):
    states, start = STATES[name]
    assert served[name].enum_strings == states
    assert served[name].value == start


@pytest.mark.parametrize(("name", "start"), OTHERS.items())
def test_other_pvs_start_as_agreed(served, name, start):
    assert served[name].value == start


@pytest.mark.parametrize(("name", "unit"), MOTORS.items())
def test_a_motor_is_a_motor_record_with_limits(served, name, unit):
    channel = served[name]
    assert channel.reported_record_type == "motor"
    assert channel.units == unit
    assert channel.lower_ctrl_limit < 0.0 < channel.upper_ctrl_limit
    assert {"RBV", "DMOV", "MOVN", "STOP", "VELO", "HLM", "LLM", "EGU"} <= set(channel.fields)


def test_every_number_of_a_motor_record_has_the_unit_that_the_record_gives_it(tmp_path):
    async def prepared():
        beamline = Beamline(PREFIX, world=World(seed=1), folder=tmp_path)
        await beamline.prepare()
        return beamline.pvdb[f"{PREFIX}STAGE:x"].fields

    fields, positions = asyncio.run(prepared()), ("RBV", "DRBV", "HLM", "LLM", "DLLM", "TWV")
    others = {"VELO": "mm/sec", "VBAS": "mm/sec", "ACCL": "sec", "S": "rev/sec", "UREV": "mm/rev"}
    assert {name: fields[name].units for name in (*positions, *others)} == dict.fromkeys(positions, "mm") | others


def test_spectrum_and_wavelengths_have_2048_pixels_and_rise(served):
    assert served["RUBY:image1:ArrayData"].max_length == 2048
    wavelengths = served["RUBY:Wavelength"].value
    assert len(wavelengths) == 2048
    assert all(later > earlier for earlier, later in itertools.pairwise(wavelengths))
    assert served["RUBY:Wavelength"].units == "nm"


def test_every_pv_says_what_it_is(served):
    assert [name for name, channel in served.items() if not channel.__doc__] == []


def test_nothing_of_the_truth_is_a_pv(served):
    """The world knows sample pressure and temperature, phases, fractions and hidden errors: no name says so."""
    words = ("gpa", "sample", "phase", "fraction", "alloy", "friction", "transmitted", "truth", "offset")
    assert [name for name in served if any(word in name.lower() for word in words)] == []
