"""What the devices want of PVs, and what the simulators serve, compared without any network."""

import asyncio
import os
import uuid

import pytest

os.environ.setdefault("OPHYD_CONTROL_LAYER", "caproto")  # read once, when ophyd is imported
os.environ.setdefault("EPICS_CA_ADDR_LIST", "127.0.0.1")
os.environ.setdefault("EPICS_CA_AUTO_ADDR_LIST", "NO")

from lics_beamline import schema
from lics_beamline.devices.beam import Beam
from lics_beamline.devices.beamline import Beamline, disconnect, pv_names, pvs
from lics_beamline.devices.clock import Clock, ExperimentClock, WallClock
from lics_beamline.devices.frame import Frame
from lics_beamline.devices.heater import Heater
from lics_beamline.devices.image_plate import ImagePlate
from lics_beamline.devices.membrane import Membrane
from lics_beamline.devices.ruby_spectrometer import RubySpectrometer
from lics_beamline.devices.stage import Stage
from lics_beamline.devices.thermocouples import Thermocouples
from lics_beamline.devices.watchdog import Watchdog
from lics_simulators.beamline import Beamline as Served
from lics_simulators.world import World

PREFIX = f"C{uuid.uuid4().hex[:6]}:"  # nobody answers to it


@pytest.fixture(scope="module")
def beamline(tmp_path_factory):
    clock = Clock(PREFIX, name="clock")
    beamline = Beamline(
        clock=clock,
        membrane=Membrane(f"{PREFIX}PC1:", name="membrane", clock=clock),
        heater=Heater(f"{PREFIX}ET1:", name="heater", clock=clock),
        thermocouples=Thermocouples(f"{PREFIX}TC:", name="thermocouples"),
        ruby=RubySpectrometer(f"{PREFIX}RUBY:", name="ruby", clock=clock),
        plate=ImagePlate(f"{PREFIX}RAXIS:cam1:", name="plate", clock=clock),
        frame=Frame(f"{PREFIX}RAXIS:cam1:", name="frame", clock=clock, data_root=tmp_path_factory.mktemp("data")),
        beam=Beam(f"{PREFIX}BEAM:", name="beam", clock=clock),
        stage=Stage(f"{PREFIX}STAGE:", name="stage"),
        watchdog=Watchdog(f"{PREFIX}SAFE:", name="watchdog"),
    )
    yield beamline
    disconnect(beamline)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plates")
    world = World(seed=1, folder=folder)
    beamline = Served(PREFIX, world=world, folder=folder)
    asyncio.run(beamline.prepare())
    yield beamline.pvdb
    world.close()


def channel(served, name):
    """The channel of a PV or of a field of its record; None where it is not served."""
    record, _, field = name.partition(".")
    if record not in served:
        return None
    return served[record].get_field(field) if field else served[record]


def test_every_pv_wanted_is_served(beamline, served):
    wanted = {name for device in beamline.devices() for signal in pvs(device) for name in pv_names(signal)}

    assert len(wanted) > 100
    assert {name for name in wanted if channel(served, name) is None} == set()


def test_every_unit_declared_is_the_unit_served(beamline, served):
    declared = {
        (getattr(device, attribute).pvname, unit)
        for device in beamline.devices()
        for attribute, unit in getattr(device, "UNITS", {}).items()
    }

    said = {(name, str(getattr(channel(served, name), "units", ""))) for name, _ in declared}
    assert said == declared


def test_every_setting_declared_is_the_one_the_simulated_instrument_starts_with(beamline, served):
    for device in beamline.devices():
        for attribute, wanted in getattr(device, "SAYS", {}).items():
            found = channel(served, getattr(device, attribute).pvname).value
            assert str(found[0] if isinstance(found, list) else found).casefold() == wanted.casefold()


def test_every_quantity_that_checks_limits_is_served_with_limits(beamline, served):
    motors = {"x", "y", "z", "omega"}
    checking = {
        signal.setpoint_pvname
        for device in beamline.devices()
        for signal in pvs(device)
        if getattr(signal, "_use_limits", False) and signal.parent.attr_name not in motors
    }

    assert f"{PREFIX}PC1:Setpoint" in checking
    without = {
        name for name in checking if not channel(served, name).lower_ctrl_limit < channel(served, name).upper_ctrl_limit
    }
    assert without == set()


@pytest.mark.parametrize(
    ("device", "attribute", "field"),
    [
        ("membrane", "load_bar", schema.LOAD),
        ("thermocouples", "gasket_k", schema.GASKET_TEMPERATURE),
        ("thermocouples", "ambient_k", schema.AMBIENT_TEMPERATURE),
        ("ruby", "spectrum", schema.RUBY_SPECTRUM),
        ("ruby", "wavelength_nm", schema.RUBY_WAVELENGTH),
        ("beam", "i0_cps", schema.I0),
        ("frame", "image", schema.FRAME_IMAGE),
        ("frame", "path", schema.FRAME_PATH),
        ("frame", "sha256", schema.FRAME_SHA256),
        ("frame", "waited_s", schema.FRAME_WAITED_S),
        ("frame", "plate", schema.FRAME_PLATE),
    ],
)
def test_fields_of_documents_have_the_names_that_the_rooms_agreed_on(beamline, device, attribute, field):
    owner = getattr(beamline, device)

    assert getattr(owner, attribute).name == field
    assert attribute in owner.read_attrs


def test_pvs_are_suffixes_so_that_a_real_beamline_is_a_change_of_prefix(beamline):
    for device in beamline.devices():
        for signal in pvs(device):
            assert signal.pvname.startswith(PREFIX)


def test_both_clocks_offer_what_plans_need(beamline):
    offered = {name for name in vars(ExperimentClock) if not name.startswith("_")}

    assert {
        *("now_s", "speed", "require", "on_tick", "set", "silent_s", "patience_s", "stall_s"),
        *("drive", "release", "standstill"),
    } == offered
    assert all(hasattr(Clock, name) and hasattr(WallClock, name) for name in offered)
