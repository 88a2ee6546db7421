"""One definition of safe: what making safe waits for, what the guard asks and what the checks report is the same."""

import math
from types import SimpleNamespace

import pytest
from fake_device import make_fake_device
from ophyd.status import StatusBase

from lics_beamline.checks import live
from lics_beamline.devices.beam import Beam
from lics_beamline.devices.beamline import make_safe
from lics_beamline.devices.heater import Heater
from lics_beamline.devices.membrane import Membrane
from lics_beamline.devices.motion import Motion
from lics_beamline.devices.safe_condition import SafeCondition, faults
from lics_beamline.devices.safe_state import unsafe
from lics_beamline.errors import DidNotSettle

LAST_DIGIT = 0.1  # of every channel of the controllers below
AMBIENT_C = 25.0


def obey(command, *read_backs, shown=lambda value: value):
    """Let read-backs follow a command, as a controller shows it."""

    def put(value, *_, **__):
        command.sim_put(value)
        for read_back in read_backs:
            read_back.sim_put(shown(value))

    command.sim_set_putter(put)


def coarse(value):
    """A number as a controller shows it that is one unit of its last digit off."""
    return round(round(value / LAST_DIGIT) * LAST_DIGIT + LAST_DIGIT, 1)


@pytest.fixture
def beamline(clock):
    """Heater, membrane and shutter whose every number reads 0.1 too high, hot and loaded."""
    heater = make_fake_device(Heater)("", name="heater", clock=clock, limits_k=(273.0, 500.0))
    membrane = make_fake_device(Membrane)("", name="membrane", clock=clock, limits_bar=(0.0, 100.0))
    beam = make_fake_device(Beam)("", name="beam", clock=clock)
    heater.setpoint_c.sim_set_limits((0.0, 250.0))
    heater.output_high_percent.sim_set_limits((0.0, 100.0))
    obey(heater.setpoint_c, heater.setpoint_readback_c, shown=coarse)

    def limit_output(percent):
        heater.output_percent.sim_put(coarse(min(percent, 37.0)))
        return coarse(percent)

    obey(heater.output_high_percent, heater.output_high_readback_percent, shown=limit_output)
    obey(membrane.control, membrane.control_readback)
    obey(beam.shutter.command, beam.shutter.state)
    heater.contactor_readback.sim_put("Closed")
    heater.setpoint_c.put(200.0)
    heater.output_high_percent.put(100.0)
    membrane.load_bar.sim_put(20.0 + LAST_DIGIT)
    membrane.lease.sim_put("")
    membrane.control.put("On")
    beam.shutter.command.put("Open")
    return SimpleNamespace(clock=clock, heater=heater, membrane=membrane, beam=beam, watchdog=None)


def said_by_the_checks(beamline):
    """What the rules before a sweep say of the three devices where they are not content."""
    seen = SimpleNamespace(
        effort_percent=3.0,
        membrane_control=beamline.membrane.control_readback.get(),
        membrane_unsafe=beamline.membrane.unsafe(armed=True),
        heater_unsafe=beamline.heater.unsafe(armed=True),
        beam_unsafe=beamline.beam.unsafe(),
    )
    rules = (live.gas_is_held_without_effort, live.heater_is_down, live.beam_shutter_is_closed)
    return "; ".join(judged.found for judged in (rule(seen) for rule in rules) if judged.verdict != "ok")


def test_hot_loaded_and_lit_it_is_safe_for_nobody(beamline):
    assert unsafe(beamline) == (
        "membrane control is On (safe: Off)",
        "heater output limit is 100.10 % (safe: up to 0.11 %)",
        "heater setpoint is 473.25 K (safe: up to 298.26 K)",
        "heater output is 37.10 % (safe: up to 0.50 %)",
        "beam shutter is Open (safe: Closed)",
    )
    assert said_by_the_checks(beamline) == "; ".join(unsafe(beamline)[2:]), "all but what may be armed"


def test_made_safe_a_controller_that_reads_its_last_digit_too_high_is_safe_for_everybody(beamline):
    make_safe(beamline)

    assert beamline.heater.output_high_readback_percent.get() == LAST_DIGIT
    assert beamline.heater.setpoint_readback_c.get() == AMBIENT_C + LAST_DIGIT
    assert unsafe(beamline) == ()
    assert said_by_the_checks(beamline) == ""


def wait_until_safe(heater, clock):
    """Wait as making safe does for its read-backs, by a clock that takes no time."""
    waiting = Motion(
        heater,
        lambda motion: motion.read_back_safe(heater.safe_conditions(), clock=clock, patience_s=10.0),
        what="making the heater safe",
    )
    while not waiting.done:
        clock.tick_to(clock.now_s() + 0.1)
    waiting.wait()


@pytest.mark.parametrize(
    ("channel", "shown", "said"),
    [
        ("output_percent", 3.0, "heater output is 3.00 % (safe: up to 0.50 %)"),
        ("output_percent", math.nan, "heater output is nan % (safe: up to 0.50 %)"),
        ("setpoint_readback_c", 25.2, "heater setpoint is 298.35 K (safe: up to 298.26 K)"),
        ("setpoint_readback_c", math.nan, "heater setpoint is nan K (safe: up to 298.26 K)"),
        ("setpoint_readback_c", -math.inf, "heater setpoint is -inf K (safe: up to 298.26 K)"),
        ("output_high_readback_percent", math.nan, "heater output limit is nan % (safe: up to 0.11 %)"),
    ],
)
def test_a_heater_that_heats_or_does_not_know_is_safe_for_nobody(beamline, clock, channel, shown, said):
    make_safe(beamline)
    wait_until_safe(beamline.heater, clock)
    getattr(beamline.heater, channel).sim_put(shown)

    with pytest.raises(DidNotSettle, match=said.partition(" is ")[0]):
        wait_until_safe(beamline.heater, clock)
    assert unsafe(beamline) == (said,)
    assert said_by_the_checks(beamline) == said


def test_an_output_that_no_contactor_lets_through_is_safe_for_everybody(beamline, clock):
    make_safe(beamline)
    beamline.heater.output_percent.sim_put(3.0)
    beamline.heater.contactor_readback.sim_put("Open")

    wait_until_safe(beamline.heater, clock)
    assert unsafe(beamline) == ()
    assert said_by_the_checks(beamline) == ""


def test_a_heater_made_safe_whose_limit_reads_its_last_digit_does_not_heat_until_it_is_armed(beamline):
    make_safe(beamline)
    beamline.heater.auto.sim_put("Auto")
    beamline.heater.ramp_rate_c_per_min.sim_set_limits((0.0, 20.0))

    with pytest.raises(DidNotSettle, match=r"heater\.arm"):
        beamline.heater.set(320.0)


def at_most(signal, **options):
    return SafeCondition.at_most(signal, 0.5, what="output", unit="%", **options)


def test_what_does_not_answer_is_not_safe_whatever_it_said_last():
    for metadata in ({"connected": False}, {"connected": False, "severity": 0}, {"connected": True, "severity": 3}):
        lost = at_most(Answer(0.0, metadata))
        assert not lost.agrees(0.0)
        assert faults([lost]) == ("output does not answer (safe: up to 0.50 %)",)
    for severity in (0, 1, 2):
        assert not faults([at_most(Answer(0.0, {"connected": True, "severity": severity}))])
    assert faults([at_most(Answer(None, {"connected": True}))]), "it never said anything"


def test_a_lock_that_does_not_answer_or_does_not_know_is_told_even_of_an_armed_instrument():
    for value, severity, told in ((100.0, 0, False), (0.0, 3, True), (math.nan, 0, True)):
        lock = at_most(Answer(value, {"connected": True, "severity": severity}), is_lock=True)
        assert bool(faults([lock], armed=True)) == told


class Answer:
    """A monitored signal as far as it is asked: newest value, connection and alarm."""

    def __init__(self, value, metadata):
        self.metadata = metadata
        self._value = value

    @property
    def connected(self):
        return self.metadata["connected"]

    def get(self):
        return self._value


class Instrument:
    """Says that it was asked to make safe, and does it or does not answer."""

    def __init__(self, name, asked, error=None):
        self.name, self._asked, self._error = name, asked, error

    def make_safe(self):
        self._asked.append(self.name)
        if self._error is not None:
            raise self._error
        status = StatusBase()
        status.set_finished()
        return status


@pytest.mark.parametrize("error", [TimeoutError("no answer"), ConnectionError("gone"), DidNotSettle("it moves.")])
@pytest.mark.parametrize("broken", ["membrane", "heater", "beam"])
def test_whichever_cannot_be_made_safe_the_others_are_and_it_is_named(broken, error):
    asked, released = [], []
    devices = {
        name: Instrument(name, asked, error if name == broken else None) for name in ("membrane", "heater", "beam")
    }
    clock = SimpleNamespace(release=lambda: released.append(True))
    with pytest.raises(DidNotSettle, match=f"could not make safe: {broken}: {error}"):
        make_safe(SimpleNamespace(**devices, clock=clock, watchdog=None))
    assert asked == ["membrane", "heater", "beam"]
    assert released, "a simulated world may be waiting for an engine that hangs"
