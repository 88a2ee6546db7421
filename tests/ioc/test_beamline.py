"""Connecting, finding fault, losing an IOC, making safe."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import bluesky.plan_stubs as bps
import pytest
from bluesky.utils import FailedStatus
from caproto.sync.client import write
from ophyd.status import SubscriptionStatus

from lics_beamline.devices.beamline import connect, disconnect, make_safe
from lics_beamline.devices.safe_state import unsafe
from lics_beamline.errors import DidNotSettle, NotConnected, OutsideEnvelope, WrongUnit

from .conftest import HANG_S, devices, simulated


def until(signal, condition):
    return SubscriptionStatus(signal, lambda value, **_: condition(value), run=True)


@pytest.fixture
def beamline(beamline_at):
    return beamline_at(60.0)


def test_a_beamline_that_answers_in_the_declared_units_has_no_findings(beamline):
    report = connect(beamline)

    assert report.ready
    assert not report.dead
    assert beamline.membrane.load_bar.pvname in report.alive


def test_dead_pvs_are_named_instrument_by_instrument(tmp_path):
    beamline = devices("NO_ENGINE_BEAT:", tmp_path)
    try:
        with pytest.raises(NotConnected, match="membrane: 16 PVs do not answer") as refused:
            connect(beamline, timeout_s=0.5)
    finally:
        disconnect(beamline)

    report = refused.value.facts["report"]
    assert {"NO_ENGINE_BEAT:PC1:Setpoint", "NO_ENGINE_BEAT:BEAM:Shutter_RBV"} <= set(report.dead)
    assert len(report.not_connected) == len(beamline.devices())


def test_a_wrong_unit_is_refused_at_connection_with_both_units(beamline):
    scale = beamline.thermocouples.gasket_scale.pvname
    write(scale, "Fahrenheit", repeater=False, notify=True, timeout=HANG_S)
    try:
        until(beamline.thermocouples.gasket_c, lambda shown: shown > 60.0).wait()
        with pytest.raises(WrongUnit, match=r"TC:Ti1Scale says 'Fahrenheit'; declared is 'Celsius'"):
            connect(beamline)
    finally:
        write(scale, "Celsius", repeater=False, notify=True, timeout=HANG_S)


def test_a_membrane_whose_limits_leave_nothing_is_a_finding(beamline):
    beamline.membrane.limits_bar = (200.0, 300.0)  # the controller's own are 0-150
    try:
        report = connect(beamline, strict=False)
        with pytest.raises(OutsideEnvelope):
            connect(beamline)
    finally:
        beamline.membrane.limits_bar = None

    assert any("leave nothing" in sentence for sentence in report.missing_limits)


def test_made_safe_gas_is_held_heater_down_and_shutter_closed(beamline):
    beamline.membrane.arm().wait()
    beamline.membrane.set_slew(0.05).wait()
    beamline.membrane.set(1.0).wait()
    beamline.beam.shutter.set("Open").wait()
    beamline.heater.arm().wait()
    ramp = beamline.heater.set(400.0, ramp_rate_k_per_min=20.0)
    until(beamline.heater.output_percent, lambda percent: percent > 5.0).wait()

    make_safe(beamline)

    with pytest.raises(DidNotSettle, match="made safe"):
        ramp.wait()
    assert beamline.membrane.control_readback.get(use_monitor=False) == "Off"
    assert beamline.membrane.load_bar.get(use_monitor=False) == pytest.approx(1.0, abs=0.1)
    assert beamline.heater.output_percent.get(use_monitor=False) <= 0.5
    assert beamline.beam.shutter.state.get(use_monitor=False) == "Closed"
    assert unsafe(beamline) == ()


def test_an_ioc_that_dies_during_a_move_fails_the_move_and_the_engine_says_why(tmp_path, engine):
    with simulated(tmp_path, speed=60.0) as simulators:
        beamline = devices(simulators.prefix, tmp_path, patience_s=2.0)
        try:
            connect(beamline)
            beamline.membrane.arm().wait()
            beamline.membrane.set_slew(0.01).wait()
            under_way = until(beamline.membrane.load_bar, lambda load_bar: load_bar > 0.2)
            under_way.add_callback(lambda _: os.kill(simulators.process.pid, signal.SIGKILL))

            with pytest.raises(FailedStatus) as failed:
                engine(bps.mv(beamline.membrane, 20.0))
        finally:
            disconnect(beamline)

    assert isinstance(failed.value.__cause__, NotConnected)
    assert "wall clock" in str(failed.value.__cause__)


def test_making_safe_with_a_dead_ioc_tries_everything_and_names_all_that_failed(tmp_path):
    with simulated(tmp_path, speed=60.0) as simulators:
        beamline = devices(simulators.prefix, tmp_path, patience_s=2.0)
        try:
            connect(beamline)
            os.kill(simulators.process.pid, signal.SIGKILL)
            until_gone = SubscriptionStatus(
                beamline.membrane.load_bar, lambda connected, **_: not connected, event_type="meta", run=False
            )
            until_gone.wait()

            with pytest.raises(DidNotSettle) as refused:
                make_safe(beamline)
            silent = unsafe(beamline)
        finally:
            disconnect(beamline)

    assert silent == (
        "membrane control does not answer (safe: Off)",
        "heater output limit does not answer (safe: up to 0.11 %)",
        "heater setpoint does not answer (safe: up to 298.26 K)",
        "heater output does not answer (safe: up to 0.50 %)",
        "beam shutter does not answer (safe: Closed)",
    )
    assert [failure.partition(":")[0] for failure in refused.value.facts["failures"]] == ["membrane", "heater", "beam"]


def test_a_process_that_lets_go_of_a_live_beamline_ends_in_silence(beamline, tmp_path):
    program = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        sys.path.insert(0, sys.argv[3])
        from conftest import connect, devices, disconnect
        beamline = devices(sys.argv[1], Path(sys.argv[2]))
        connect(beamline)
        disconnect(beamline)
        """
    )
    prefix = beamline.membrane.prefix.removesuffix("PC1:")
    ended = subprocess.run(
        [sys.executable, "-c", program, prefix, str(tmp_path), str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
