"""What every device asks of an IOC, against the soft IOCs and against records of EPICS base, by either control layer.

The records have names, types and states of the stock supports, so that what those lack is lacking here too. The names
of the tests hold for both kinds of IOC; by pyepics the same tests run once more, in a Python of their own.
"""

import contextlib
import importlib.util
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ophyd import EpicsSignal

from lics_beamline.devices.alarm import Severity, alarms_of, severity_of, silence_of, value_of
from lics_beamline.devices.beam import Beam
from lics_beamline.devices.beamline import missing_limits, pvs, wrong_units
from lics_beamline.devices.clock import Clock, WallClock
from lics_beamline.devices.frame import Frame
from lics_beamline.devices.heater import Heater
from lics_beamline.devices.image_plate import ImagePlate
from lics_beamline.devices.membrane import Membrane
from lics_beamline.devices.ruby_spectrometer import RubySpectrometer
from lics_beamline.devices.safe_state import read_backs
from lics_beamline.devices.stand_in import lacking
from lics_beamline.devices.thermocouples import Thermocouples
from lics_beamline.errors import BadReading, Busy, DidNotSettle, NotConnected, OutsideEnvelope

from .base_ioc import base_ioc, free_port
from .conftest import HANG_S, simulated

PORTS = "LICS_TEST_BASE_IOC_PORTS"  # of a Python that speaks pyepics, which reads addresses once
BY_PYEPICS = PORTS in os.environ
FIRST, SECOND = 0, 1  # of these: one for the instruments, one for the IOC that is ended and started again
KINDS = ["base"] if BY_PYEPICS else ["base", "soft"]
STOCK_MEMBRANE = ("Source_RBV", "InLimits_RBV")  # what the supports of the ip module and of synApps have not
STOCK_HEATER = ("Auto", "OutputHigh", "Contactor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruments:
    """Every instrument but the stage, by one kind of IOC, and how to cut its line to the membrane."""

    membrane: Any
    heater: Any
    thermocouples: Thermocouples
    ruby: RubySpectrometer
    plate: ImagePlate
    frame: Frame
    beam: Beam
    is_stock: bool
    start_vent: tuple[Any, Any]
    lose_line: tuple[str, Any, Any]

    def devices(self) -> tuple[Any, ...]:
        return (self.membrane, self.heater, self.thermocouples, self.ruby, self.plate, self.frame, self.beam)


def instruments(prefix: str, folder: Path, *, kind: str) -> Instruments:
    stock = kind == "base"
    clock: Any = WallClock(name="clock") if stock else Clock(prefix, name="clock", patience_s=HANG_S, stall_s=HANG_S)
    waits = {"dwell_s": 0.5, "stall_s": HANG_S} if stock else {}
    membrane = lacking(Membrane, STOCK_MEMBRANE if stock else (), source_bar=90.0)
    heater = lacking(Heater, STOCK_HEATER if stock else ())
    return Instruments(
        membrane=membrane(
            f"{prefix}PC1:",
            name="membrane",
            clock=clock,
            limits_bar=(0.0, 120.0),
            slew_limits_bar_per_s=(0.0005, 1.0),
            **waits,
        ),
        heater=heater(f"{prefix}ET1:", name="heater", clock=clock, limits_k=(288.15, 520.0), **waits),
        thermocouples=Thermocouples(f"{prefix}TC:", name="thermocouples"),
        ruby=RubySpectrometer(f"{prefix}RUBY:", name="ruby", clock=clock),
        plate=ImagePlate(f"{prefix}RAXIS:cam1:", name="plate", clock=clock),
        frame=Frame(f"{prefix}RAXIS:cam1:", name="frame", clock=clock, data_root=folder),
        beam=Beam(f"{prefix}BEAM:", name="beam", clock=clock),
        is_stock=stock,
        start_vent=("Start vent", "Stop vent") if stock else ("Yes", "No"),
        lose_line=("PC1:LineIsLost", 1, 0) if stock else ("WORLD:Fault", "membrane_line_lost:1e6", "clear"),
    )


def port_of(which: int) -> int:
    return int(os.environ[PORTS].split()[which]) if BY_PYEPICS else free_port()


@contextlib.contextmanager
def served(kind: str, folder: Path) -> Iterator[Instruments]:
    before = dict(os.environ)
    with contextlib.ExitStack() as stack:
        if kind == "soft":
            simulators = stack.enter_context(simulated(folder, speed=60.0))
            prefix = simulators.prefix
        else:
            ioc = stack.enter_context(base_ioc(folder / "ioc.log", port=port_of(FIRST)))
            prefix = ioc.prefix
            if not BY_PYEPICS:
                os.environ.update(ioc.addresses)
        found = instruments(prefix, folder, kind=kind)
        try:
            for device in found.devices():
                for signal in pvs(device):
                    signal.wait_for_connection(timeout=HANG_S)
            if kind == "soft":
                found.membrane.clock.wait_for_connection(timeout=HANG_S)
                found.membrane.clock.drive()
            yield found
        finally:
            for device in found.devices():
                device.destroy()
            os.environ.clear()
            os.environ.update(before)


@pytest.fixture(scope="module", params=KINDS)
def kit(request, tmp_path_factory) -> Iterator[Instruments]:
    with served(request.param, tmp_path_factory.mktemp(request.param)) as found:
        yield found


def until(signal, holds) -> None:
    """Wait until a monitored signal says so."""
    told = threading.Event()
    number = signal.subscribe(lambda value, **_: holds(value) and told.set(), run=True)
    meta = signal.subscribe(lambda **_: holds(value_of(signal)) and told.set(), event_type="meta", run=True)
    try:
        assert told.wait(HANG_S), signal.get()
    finally:
        signal.unsubscribe(number)
        signal.unsubscribe(meta)


def test_every_pv_answers_in_the_declared_unit_and_what_moves_has_limits(kit):
    for device in kit.devices():
        assert all(signal.connected for signal in pvs(device))
        assert list(wrong_units(device)) == []
        assert list(missing_limits(device)) == []


def test_a_load_or_slew_or_temperature_beyond_its_limits_is_refused_and_nothing_is_written(kit):
    before = kit.membrane.setpoint_bar.get(), kit.membrane.slew_bar_per_s.get(), kit.heater.setpoint_c.get()
    with pytest.raises(OutsideEnvelope, match="130 bar"):
        kit.membrane.set(130.0)
    with pytest.raises(OutsideEnvelope, match="2 bar/s"):
        kit.membrane.set_slew(2.0)
    with pytest.raises(OutsideEnvelope, match="600 K"):
        kit.heater.set(600.0)
    assert before == (
        kit.membrane.setpoint_bar.get(use_monitor=False),
        kit.membrane.slew_bar_per_s.get(use_monitor=False),
        kit.heater.setpoint_c.get(use_monitor=False),
    )


def test_gas_is_armed_without_a_jump_moved_and_made_safe(kit):
    membrane = kit.membrane
    membrane.arm().wait(HANG_S)
    assert membrane.setpoint_readback_bar.get(use_monitor=False) == pytest.approx(0.0, abs=0.05)
    assert membrane.lease.get(use_monitor=False) == membrane.lease_name
    membrane.set_slew(0.05).wait(HANG_S)
    membrane.set(0.2).wait(HANG_S)
    assert membrane.load_bar.get(use_monitor=False) == pytest.approx(0.2, abs=membrane.tolerance_bar)
    membrane.make_safe().wait(HANG_S)
    assert (membrane.control_readback.get(use_monitor=False), membrane.lease.get(use_monitor=False)) == ("Off", "")
    assert membrane.unsafe() == ()


def test_gas_that_another_client_has_leased_since_is_not_moved_nor_its_name_written_over(kit):
    membrane = kit.membrane
    membrane.arm().wait(HANG_S)
    if not kit.is_stock:
        membrane.lease.put("", wait=True)  # the soft IOC refuses a second name while the first is there
    membrane.lease.put("77 on elsewhere 11-27T00:00", wait=True)
    try:
        with pytest.raises(Busy, match="process 77 on elsewhere"):
            membrane.set(1.0).wait(HANG_S)
        assert membrane.setpoint_bar.get(use_monitor=False) != 1.0
        assert membrane.lease.get(use_monitor=False) == "77 on elsewhere 11-27T00:00"
    finally:
        membrane.lease.put("", wait=True)
        membrane.make_safe().wait(HANG_S)


def test_a_rise_above_the_supply_is_refused_though_only_a_person_has_read_the_supply(kit):
    if not kit.is_stock:
        pytest.skip("the supply of the soft IOC is above the limits of the membrane")
    kit.membrane.arm().wait(HANG_S)
    try:
        with pytest.raises(OutsideEnvelope, match="supply gives 90 bar"):
            kit.membrane.set(119.0)
    finally:
        kit.membrane.make_safe().wait(HANG_S)


def test_a_membrane_that_vents_is_not_armed(kit):
    start, stop = kit.start_vent
    kit.membrane.vent.put(start)
    try:
        until(kit.membrane.vent_readback, lambda said: said is not None and "progress" in said)
        with pytest.raises(DidNotSettle, match="venting"):
            kit.membrane.arm()
    finally:
        kit.membrane.vent.put(stop)
        until(kit.membrane.vent_readback, lambda said: said is not None and "progress" not in said)


def test_a_heater_heats_and_made_safe_is_at_ambient_without_output(kit):
    heater = kit.heater
    heater.arm().wait(HANG_S)
    ramp = heater.set(310.0, ramp_rate_k_per_min=20.0, settle=False)
    ramp.wait(HANG_S)
    until(heater.output_percent, lambda percent: percent is not None and percent > 1.0)
    heater.make_safe().wait(HANG_S)
    assert heater.unsafe() == ()
    assert heater.setpoint_readback_k.get(use_monitor=False) == pytest.approx(heater.ambient_k, abs=0.1)


def test_made_safe_without_an_output_limit_its_ramp_is_off_so_that_it_does_not_heat_on_its_way_down(kit):
    heater = kit.heater
    heater.arm().wait(HANG_S)
    heater.set(300.0, ramp_rate_k_per_min=5.0, settle=False).wait(HANG_S)
    heater.make_safe().wait(HANG_S)
    until(heater.ramp_rate_c_per_min, lambda ramp: ramp == (0.0 if kit.is_stock else 5.0))
    limit = read_backs(kit)["heater_output_limit_percent"]
    assert limit == (None if kit.is_stock else 0.0)


def test_a_command_to_a_pv_that_is_not_there_is_refused_and_not_lost(kit):
    if not kit.is_stock:
        pytest.skip("the soft IOC has every PV")
    with pytest.raises(NotConnected, match="no such PV"):
        kit.heater.contactor.put("Open")


def test_a_reading_is_no_value_while_the_instrument_does_not_answer_its_ioc(kit):
    name, lost, found = kit.lose_line
    line = EpicsSignal(kit.membrane.prefix.removesuffix("PC1:") + name, name="line", string=isinstance(lost, str))
    line.wait_for_connection(timeout=HANG_S)
    load = kit.membrane.load_bar
    try:
        line.put(lost)
        until(load, lambda _: severity_of(load) is Severity.INVALID)
        assert value_of(load) is None
        assert "INVALID" in silence_of(load)
        line.put(found)
        until(load, lambda _: severity_of(load) is Severity.NO_ALARM)
        assert isinstance(value_of(load), float)
    finally:
        line.put(found)
        line.destroy()


def test_a_record_that_nobody_has_written_since_its_ioc_was_started_is_told_as_that_and_is_no_alarm(kit):
    if not kit.is_stock:
        pytest.skip("records of the soft IOC have a value from the start")
    until(kit.ruby.ambient_ruby, lambda _: severity_of(kit.ruby.ambient_ruby) is Severity.INVALID)
    assert "has had no value since its IOC was started (UDF)" in silence_of(kit.ruby.ambient_ruby)
    assert "AmbientRuby" not in alarms_of([kit.ruby])


def test_what_is_absent_is_recorded_as_absent(kit):
    heater, membrane = kit.heater, kit.membrane
    said = {name: reading["value"] for name, reading in heater.read_configuration().items()}
    assert set(said) == set(heater.describe_configuration())
    there = ("none", "unknown") if kit.is_stock else ("Closed", "Auto")
    assert (said["heater_contactor_readback"], said["heater_auto"]) == there
    assert isinstance(said["heater_output_high_percent"], str if kit.is_stock else float)
    supply_bar = membrane.read_configuration()["membrane_source_bar"]["value"]
    assert supply_bar == 90.0 if kit.is_stock else supply_bar > 100.0


def test_an_open_thermocouple_is_no_temperature(kit):
    if not kit.is_stock:
        pytest.skip("the soft IOC opens a circuit by a fault, which other tests do")
    converter = EpicsSignal(kit.thermocouples.gasket_c.pvname, name="converter")
    converter.wait_for_connection(timeout=HANG_S)
    kit.thermocouples.believed()
    converter.put(-9999.0)
    try:
        until(kit.thermocouples.gasket_c, lambda celsius: celsius == -9999.0)
        with pytest.raises(BadReading, match="gasket"):
            kit.thermocouples.believed()
    finally:
        converter.put(24.8)
        converter.destroy()


def test_a_shutter_goes_to_the_state_that_is_named_and_there_are_no_others(kit):
    kit.beam.shutter.set("Open").wait(HANG_S)
    assert kit.beam.shutter.is_open
    kit.beam.make_safe().wait(HANG_S)
    assert kit.beam.unsafe() == ()
    with pytest.raises(ValueError, match="Ajar"):
        kit.beam.shutter.set("Ajar")


def test_an_exposure_is_done_when_the_detector_has_completed_the_put(kit):
    kit.plate.exposure_s.set(1.0).wait(HANG_S)
    exposure = kit.plate.trigger()
    exposure.wait(HANG_S)
    assert exposure.success
    until(kit.plate.state, lambda state: state is not None and state != "Exposing")


def test_a_spectrum_is_done_when_it_is_a_new_one(kit):
    kit.ruby.laser_on().wait(HANG_S)
    before = kit.ruby.unique_id.get(use_monitor=False)
    kit.ruby.trigger().wait(HANG_S)
    kit.ruby.laser_off().wait(HANG_S)
    assert kit.ruby.unique_id.get(use_monitor=False) > before
    assert kit.ruby.acquire.get(use_monitor=False) == "Done"


def test_paths_names_and_empty_texts_are_read_back_as_they_were_told(kit):
    kit.frame.open_folder("plates/" + "a" * 120)
    assert kit.frame.file_path.get().rstrip("/").endswith("a" * 120)
    assert kit.frame.file_name.get(use_monitor=False) == ""
    kit.frame.file_name.set("named").wait(HANG_S)
    kit.frame.file_name.set("").wait(HANG_S)
    assert kit.frame.file_name.get(use_monitor=False) == ""


def test_a_lease_is_as_long_as_a_string_of_epics_and_is_given_back(kit):
    lease = kit.membrane.lease
    lease.put("9" * 39, wait=True)
    assert lease.get(use_monitor=False) == "9" * 39
    lease.put("", wait=True)
    assert lease.get(use_monitor=False) == ""


def test_an_array_has_as_many_numbers_as_the_detector_has_pixels(kit):
    if kit.is_stock:
        detector = EpicsSignal(kit.ruby.spectrum.pvname, name="detector")
        detector.wait_for_connection(timeout=HANG_S)
        for length in (2, 2048):
            detector.put(list(range(length)), wait=True)
            assert list(kit.ruby.spectrum.get(use_monitor=False)) == list(range(length))
        detector.destroy()
    assert len(kit.ruby.spectrum.get(use_monitor=False)) == 2048


def test_an_ioc_of_base_that_is_gone_is_no_value_and_back_again_it_tells_of_changes(tmp_path):
    port = port_of(SECOND)
    before = dict(os.environ)
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(contextlib.ExitStack())
        ioc = first.enter_context(base_ioc(tmp_path / "ioc.log", port=port))
        if not BY_PYEPICS:
            os.environ.update(ioc.addresses)
        membrane = lacking(Membrane, STOCK_MEMBRANE, source_bar=90.0)(
            f"{ioc.prefix}PC1:", name="membrane", clock=WallClock(name="clock"), limits_bar=(0.0, 120.0)
        )
        try:
            for signal in pvs(membrane):
                signal.wait_for_connection(timeout=HANG_S)
            gone = threading.Event()
            membrane.setpoint_readback_bar.subscribe(
                lambda connected, **_: None if connected else gone.set(), event_type="meta", run=False
            )
            first.close()
            assert gone.wait(HANG_S)
            assert value_of(membrane.setpoint_readback_bar) is None
            stack.enter_context(base_ioc(tmp_path / "ioc.log", port=port, prefix=ioc.prefix))
            for signal in pvs(membrane):
                signal.wait_for_connection(timeout=HANG_S)
            until(membrane.setpoint_readback_bar, lambda bar: bar is not None)
            membrane.setpoint_bar.put(7.5)
            until(membrane.setpoint_readback_bar, lambda bar: bar == 7.5)
        finally:
            membrane.destroy()
            os.environ.clear()
            os.environ.update(before)


@pytest.mark.skipif(BY_PYEPICS, reason="these are the tests by pyepics")
@pytest.mark.long
def test_pyepics_sees_the_same(tmp_path):
    if importlib.util.find_spec("epics") is None:
        pytest.skip("pyepics is not installed")
    ports = [free_port(), free_port()]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("EPICS_", "OPHYD", "PYTEST"))}
    addresses = {
        "EPICS_CA_ADDR_LIST": " ".join(f"127.0.0.1:{port}" for port in ports),
        "EPICS_CA_AUTO_ADDR_LIST": "NO",
        "EPICS_CA_REPEATER_PORT": str(free_port()),
    }
    options = ("-n0", "-q", "-x", "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'inner'}")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, __file__],
        capture_output=True,
        text=True,
        check=False,
        env={**kept, **addresses, "OPHYD_CONTROL_LAYER": "pyepics", PORTS: " ".join(map(str, ports))},
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
