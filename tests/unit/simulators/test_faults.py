"""Faults by name: begun when due or asked for, mended again, and refused when there is no such thing."""

import pytest

from lics_simulators.fault_kinds import KINDS, WHOSE, Rig
from lics_simulators.faults import Faults, parse
from lics_simulators.world import World


class Plates:
    tear_next = False
    jammed = False

    def jam(self, *, jammed):
        self.jammed = jammed

    def power_up(self):
        self.jammed = False


class Instrument:
    line_is_lost = is_restarted = False

    def __init__(self, prefix):
        self.prefix = prefix


class Network:
    def __init__(self):
        self.hidden = set()

    def hide(self, prefix):
        self.hidden.add(prefix)

    def show(self, prefix):
        self.hidden.discard(prefix)


@pytest.fixture
def faults():
    world = World(seed=1)
    instruments = {name: Instrument("PC1:" if name == "membrane" else f"{name}:") for name in WHOSE}
    faults = Faults(Rig(world=world, plates=Plates(), network=Network(), instruments=instruments))
    world.steppers.append(faults.step)
    return faults


def test_a_fault_begins_at_its_time_and_not_before(faults):
    faults.schedule(parse("supply_low@60:12.5"))
    faults.rig.world.advance(59.0)
    assert faults.rig.world.membrane.parameters.supply_bar == 120.0
    faults.rig.world.advance(1.5)
    assert faults.rig.world.membrane.parameters.supply_bar == 12.5
    assert faults.active == {"supply_low": 12.5}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("coffee", "no fault 'coffee'. Choose one of tc_open, heater_runaway"),
        ("tc_open:5", "must be 1 to 4"),
        ("tc_open:two", "must be a number"),
        ("gas_leak:nan", "must be finite"),
        ("gas_leak@-3", "must not be negative"),
        ("", "no fault ''"),
    ],
)
def test_what_is_no_fault_is_refused_with_what_there_is(faults, text, says):
    with pytest.raises(ValueError, match=says):
        faults.ask(text)
    with pytest.raises(ValueError, match=r"no fault 'coffee'"):
        faults.ask("clear:coffee")
    assert not faults.active


def test_a_fault_that_lasts_is_mended_by_itself(faults):
    faults.ask("beam_dump:30")
    faults.ask("ioc_restart:10")
    faults.rig.world.advance(5.0)
    assert faults.rig.world.beam.ring_current_ma == 0.0
    assert faults.rig.network.hidden == {"PC1:"}
    faults.rig.world.advance(26.0)
    assert faults.rig.world.beam.ring_current_ma > 90.0
    assert not faults.rig.network.hidden
    assert not faults.active


def shown(faults):
    """Everything a fault may change, as the instruments would show it."""
    world, plates = faults.rig.world, faults.rig.plates
    return (
        world.membrane.parameters,
        world.membrane.speaks_psi,
        world.thermocouples.open_junctions.copy(),
        world.heater.sensor_is_open,
        world.heater.welded_percent,
        world.cell.is_stuck,
        world.ruby.brightness,
        world.ruby.laser_is_dead,
        round(float(world.ruby._true_nm[0]), 9),
        world.beam.is_dumped,
        world.beam.shutter_is_stuck,
        plates.jammed,
        plates.tear_next,
        faults.rig.network.hidden.copy(),
        [instrument.line_is_lost for instrument in faults.rig.instruments.values()],
    )


@pytest.mark.parametrize("name", [name for name in KINDS if name not in ("readback_lag", "power_cut")])
def test_each_fault_changes_something_and_clearing_mends_it(faults, name):
    sound = shown(faults)
    faults.ask(name)
    assert shown(faults) != sound
    faults.ask("clear")
    assert shown(faults) == sound


def test_after_a_power_cut_gas_is_shut_in_nothing_heats_or_shines_and_the_cell_is_as_it_was():
    world = World(seed=1)
    world.membrane.set_control(on=True)
    world.membrane.slew_bar_per_s, world.membrane.setpoint_bar = 0.05, 10.0
    world.heater.set_setpoint(350.0)
    world.ruby.switch_laser(on=True)
    world.beam.command_shutter(is_open=True)
    world.advance(300.0)
    load_bar, gasket_k = world.membrane.load_bar, world.heater.gasket_k
    Faults(Rig(world=world)).ask("power_cut")
    assert (world.membrane.load_bar, world.heater.gasket_k) == (load_bar, gasket_k)
    world.advance(60.0)
    assert world.membrane.load_bar == pytest.approx(load_bar)
    assert world.heater.gasket_k < gasket_k
    on = (world.membrane.control_on, world.heater.contactor_is_closed, world.heater.is_auto, world.ruby.laser_is_on)
    assert on == (False, False, False, False)
    assert not world.beam.shutter_is_open
    assert world.heater.output_percent == 0.0


def test_an_ioc_that_restarts_is_gone_and_then_told_to_forget(faults):
    faults.ask("ruby_ioc_restart:10")
    faults.rig.world.advance(5.0)
    assert faults.rig.network.hidden == {"ruby:"}
    assert not faults.rig.instruments["ruby"].is_restarted
    faults.rig.world.advance(6.0)
    assert not faults.rig.network.hidden
    assert faults.rig.instruments["ruby"].is_restarted


def test_one_fault_is_cleared_by_its_name_and_the_others_stay(faults):
    faults.ask("readback_lag:9")
    faults.ask("supply_low")
    faults.ask("clear:supply_low")
    assert faults.active == {"readback_lag": 9.0}
    assert faults.rig.world.membrane.parameters.control_lag_s == 9.0


def test_a_controller_whose_sensor_breaks_takes_the_output_away_and_trips_and_one_without_that_trip_heats_on():
    world = World(seed=1)
    blind = World(seed=1)
    blind.heater.parameters = _without_break_trip(blind)
    for each in (world, blind):
        each.heater.set_setpoint(400.0)
        each.advance(300.0)
        Faults(Rig(world=each)).ask("tc_open")
        each.advance(3.0)
    assert (world.heater.output_percent, world.heater.contactor_is_closed) == (0.0, False)
    assert not world.heater.set_contactor(closed=True)
    assert blind.heater.output_percent > 0.0
    assert blind.heater.contactor_is_closed


def _without_break_trip(world):
    from dataclasses import replace

    return replace(world.heater.parameters, break_trip_s=0.0)


def test_a_welded_relay_heats_until_the_over_temperature_trip_opens_the_contactor():
    world = World(seed=1)
    Faults(Rig(world=world)).ask("heater_runaway")
    world.advance(1500.0)
    assert world.heater.is_tripped
    assert not world.heater.contactor_is_closed
    peak_k = world.heater.gasket_k
    world.advance(60.0)
    assert world.heater.gasket_k < peak_k


@pytest.mark.parametrize("size_gpa", [0.1, 0.4])
def test_a_stuck_cell_lags_and_then_jumps_by_about_what_was_asked(size_gpa):
    world = World(seed=1)
    world.membrane.set_control(on=True)
    world.membrane.slew_bar_per_s = 0.05
    world.membrane.setpoint_bar = 25.0
    world.advance(1500.0)
    before_gpa = world.cell.pressure_gpa
    Faults(Rig(world=world)).ask(f"stick_slip:{size_gpa}")
    world.membrane.setpoint_bar = 35.0
    jumps, last_gpa = [], before_gpa
    for _ in range(600):
        world.advance(0.5)
        jumps.append(world.cell.pressure_gpa - last_gpa)
        last_gpa = world.cell.pressure_gpa
    assert max(jumps) == pytest.approx(0.88 * size_gpa, rel=0.1), "all but the part that creeps"
    assert not world.cell.is_stuck


def test_a_drift_moves_the_lines_and_a_dark_ruby_has_none():
    world = World(seed=1)
    world.ruby.laser_is_on = world.ruby.shutter_is_open = True
    rate = lambda: world.ruby.rate_cps(sample_gpa=1.0, sample_k=298.0, ambient_k=298.0)  # noqa: E731
    sound = world.ruby.wavelength_nm[rate().argmax()]
    faults = Faults(Rig(world=world))
    faults.ask("wavelength_drift:0.3")
    assert world.ruby.wavelength_nm[rate().argmax()] - sound == pytest.approx(0.3, abs=0.031)
    faults.ask("ruby_dark")
    assert rate().max() < 400.0
