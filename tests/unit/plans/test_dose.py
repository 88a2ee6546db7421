"""When an exposure has had its dose, and when it never will."""

import os
from types import SimpleNamespace

import pytest

os.environ.setdefault("OPHYD_CONTROL_LAYER", "caproto")  # read once, when ophyd is imported

from fake_device import make_fake_device
from hand_clock import HandClock
from ophyd.status import StatusBase

from lics_beamline.devices.beam import Beam
from lics_beamline.devices.image_plate import ImagePlate
from lics_beamline.plans.dose import Dose

RATE_CPS = 1.0e6


class Exposing:
    """An exposure of 100 s that a test plays: the state of the detector, the rate of the monitor, the clock."""

    def __init__(self, *, speed=1.0):
        self.clock = HandClock(speed)
        beam = make_fake_device(Beam)("", name="beam", clock=self.clock)
        plate = make_fake_device(ImagePlate)("", name="plate", clock=self.clock)
        self.rate, self.state = beam.i0_cps, plate.state
        self.rate.sim_put(RATE_CPS)
        self.state.sim_put("Idle")
        self.acquiring = StatusBase()
        self.dose = Dose(
            SimpleNamespace(beam=beam, plate=plate, clock=self.clock),
            exposure_s=100.0,
            i0_cps=RATE_CPS,
            acquiring=self.acquiring,
        )

    def pass_s(self, seconds, *, state="Exposing", rate_cps=RATE_CPS):
        self.state.sim_put(state)
        self.rate.sim_put(rate_cps)
        end_s = self.clock.now_s() + seconds
        while self.clock.now_s() < end_s and not self.dose.done:
            self.clock.tick_to(self.clock.now_s() + 1.0)


@pytest.fixture
def exposing():
    return Exposing()


def test_a_steady_beam_gives_its_rate_times_the_exposure_and_half_is_told_at_half_time(exposing):
    exposing.pass_s(10, state="Erasing")
    exposing.pass_s(49)
    assert not exposing.dose.half.done
    exposing.pass_s(51)
    assert exposing.dose.half.done
    exposing.pass_s(1, state="Waiting")
    assert exposing.dose.exception() is None
    assert exposing.dose.counts == pytest.approx(100.0 * RATE_CPS)


def test_a_beam_that_is_gone_for_more_than_a_twentieth_ends_the_exposure_at_once(exposing):
    exposing.pass_s(40)
    exposing.pass_s(60, rate_cps=0.0)
    assert "the beam did not last" in str(exposing.dose.exception())
    assert exposing.dose.is_short
    assert exposing.clock.now_s() == pytest.approx(47.0, abs=2.0), "not at the end of the exposure"
    assert exposing.dose.half.exception() is not None


def test_a_short_dip_is_borne_and_counted(exposing):
    exposing.pass_s(40)
    exposing.pass_s(4, rate_cps=0.0)
    exposing.pass_s(57)
    exposing.pass_s(1, state="Waiting")
    assert exposing.dose.exception() is None
    assert exposing.dose.counts == pytest.approx(96.0 * RATE_CPS, rel=0.01)


def test_a_beam_at_half_its_rate_is_as_good_as_none_for_half_the_time(exposing):
    exposing.pass_s(20)
    exposing.pass_s(40, rate_cps=0.5 * RATE_CPS)
    assert exposing.dose.is_short


def test_an_exposure_over_between_two_ticks_has_the_rate_it_began_with(exposing):
    exposing.acquiring.set_finished()
    exposing.acquiring.wait()
    exposing.pass_s(1, state="Scanning")
    assert exposing.dose.exception() is None
    assert exposing.dose.counts == pytest.approx(100.0 * RATE_CPS)


def test_an_exposure_that_the_detector_fails_is_no_lack_of_beam(exposing):
    exposing.pass_s(10)
    exposing.acquiring.set_exception(RuntimeError("jammed"))
    with pytest.raises(RuntimeError):
        exposing.acquiring.wait()
    exposing.pass_s(1, state="Error")
    assert "jammed" in str(exposing.dose.exception())
    assert not exposing.dose.is_short
