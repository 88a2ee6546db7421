"""The two-plate cycle, second by second of the experiment."""

import pytest

from lics_simulators.plate.exposure import Order
from lics_simulators.plate.reader import PlateReader
from lics_simulators.plate.settings import read_settings
from lics_simulators.plate.states import DetectorState, EraseMode, PlateState
from lics_simulators.sample import PhaseState, SampleState

SETTINGS = read_settings().reader  # scan 75 s, erase 45 s, swap 15 s
FLUX = 1.0e6


class Bench:
    """A reader with a clock, a shutter and a sample whose pressure is the time."""

    def __init__(self, step_s=0.5):
        self.now_s = 0.0
        self.step_s = step_s
        self.is_open = True
        self.scans = []
        self.reader = PlateReader(SETTINGS, flux=self.flux, sample=self.sample, on_scanned=self.scans.append)

    def flux(self):
        return FLUX if self.is_open else 0.0

    def sample(self):
        phase = PhaseState(phase="alloy", cell_angstrom=(3.5, 3.5, 3.5), cells=1.0)
        return SampleState(
            time_s=self.now_s,
            pressure_gpa=self.now_s,
            temperature_k=300.0,
            phases=(phase,),
            shift_along_beam_mm=0.0,
        )

    def wait(self, seconds):
        end_s = self.now_s + seconds
        while self.now_s < end_s - 1e-9:
            dt_s = min(self.step_s, end_s - self.now_s)
            self.now_s += dt_s
            self.reader.step(self.now_s, dt_s)

    def expose(self, seconds=120.0, **changes):
        self.reader.expose(Order(exposure_s=seconds, path=f"{self.now_s}.osc", **changes))


@pytest.fixture
def bench():
    return Bench()


@pytest.mark.parametrize("step_s", [0.5, 0.37, 7.3, 400.0])
def test_a_plate_is_exposed_swapped_scanned_and_erased_on_time(step_s):
    bench = Bench(step_s)
    bench.expose()
    bench.wait(400.0)
    (scan,) = bench.scans
    assert (scan.began_s, scan.ended_s) == pytest.approx((0.0, 120.0))
    assert (scan.scan_began_s, scan.scan_ended_s) == pytest.approx((135.0, 210.0))
    assert scan.waited_s == pytest.approx(15.0)
    assert bench.reader.plates[0].erased_s == pytest.approx(255.0)
    assert scan.dose_counts == pytest.approx(120 * FLUX)


def test_states_follow_the_plate(bench):
    bench.expose()
    seen = []
    for _ in range(int(300 / 0.5)):
        bench.wait(0.5)
        now = (bench.reader.state, bench.reader.plates[0].state)
        if not seen or seen[-1] != now:
            seen.append(now)
    assert seen == [
        (DetectorState.EXPOSING, PlateState.READY),
        (DetectorState.CHANGING_MODE, PlateState.EXPOSED),
        (DetectorState.SCANNING, PlateState.SCANNING),
        (DetectorState.ERASING, PlateState.ERASING),
        (DetectorState.IDLE, PlateState.READY),
    ]


def test_the_order_is_done_when_the_plates_are_swapped(bench):
    bench.expose()
    bench.wait(134.5)
    assert bench.reader.is_taking
    assert bench.reader.plate_in_use == 1
    bench.wait(0.5)
    assert not bench.reader.is_taking
    assert bench.reader.has_delivered
    assert bench.reader.plate_in_use == 2


def test_one_plate_is_exposed_while_the_other_is_read(bench):
    for _ in range(3):
        bench.expose()
        bench.wait(135.0)
    bench.wait(75.0)
    assert [scan.plate for scan in bench.scans] == [1, 2, 1]
    assert [scan.began_s for scan in bench.scans] == pytest.approx([0.0, 135.0, 270.0])
    assert [scan.waited_s for scan in bench.scans] == pytest.approx([15.0] * 3)


def test_a_short_exposure_waits_for_the_reader_and_fades(bench):
    bench.expose()
    bench.wait(135.0)
    bench.expose(10.0)
    bench.wait(20.0)
    assert bench.reader.state is DetectorState.WAITING
    bench.wait(300.0)
    first, second = bench.scans
    assert second.ended_s == pytest.approx(145.0)
    assert second.scan_began_s == pytest.approx(255.0 + 15.0)  # plate 1 is ready at 255 s
    assert second.waited_s == pytest.approx(125.0)
    assert second.remaining(1)[0] < first.remaining(1)[0]


def test_light_counts_only_while_exposing(bench):
    bench.expose(60.0)
    bench.wait(200.0)
    assert bench.scans[0].dose_counts == pytest.approx(60 * FLUX)


def test_a_closed_shutter_gives_no_dose(bench):
    bench.is_open = False
    bench.expose()
    bench.wait(300.0)
    assert bench.scans[0].dose_counts == 0.0
    assert bench.scans[0].sample.pressure_gpa == pytest.approx(60.0, abs=2.0)


def test_the_sample_is_the_one_the_light_saw(bench):
    bench.expose()
    bench.wait(60.0)
    bench.is_open = False
    bench.wait(300.0)
    assert bench.scans[0].dose_counts == pytest.approx(60 * FLUX)
    assert bench.scans[0].sample.pressure_gpa == pytest.approx(30.0, abs=2.0)


def test_lines_read_later_have_faded_more(bench):
    bench.expose()
    bench.wait(300.0)
    remaining = bench.scans[0].remaining(3000)
    assert remaining.shape == (3000,)
    assert 1.0 > remaining[0] > remaining[-1] > 0.97


def test_no_second_order_while_one_is_under_way(bench):
    bench.expose()
    bench.wait(10.0)
    with pytest.raises(ValueError, match="exposing"):
        bench.expose()
    with pytest.raises(ValueError, match="exposing"):
        bench.reader.erase(1)


def test_an_aborted_exposure_gives_no_file_and_its_plate_is_erased_first(bench):
    bench.expose()
    bench.wait(50.0)
    bench.reader.abort()
    assert bench.reader.state is DetectorState.ABORTING
    bench.wait(5.0)
    assert bench.reader.state is DetectorState.IDLE
    assert not bench.reader.has_delivered
    bench.expose()
    assert bench.reader.state is DetectorState.ERASING
    bench.wait(400.0)
    (scan,) = bench.scans
    assert scan.began_s == pytest.approx(55.0 + 45.0)
    assert scan.dose_counts == pytest.approx(120 * FLUX)


def test_abort_lets_a_scan_under_way_go_on(bench):
    bench.expose()
    bench.wait(140.0)
    bench.reader.abort()
    bench.wait(100.0)
    assert len(bench.scans) == 1


def test_erasing_leaves_a_ghost_and_erasing_twice_a_fainter_one():
    shares = {}
    for mode, erasures in ((EraseMode.NONE, 1), (EraseMode.AFTER_SCAN, 1), (EraseMode.AFTER_SCAN, 2)):
        bench = Bench()
        for _ in range(3):
            bench.expose(erase_mode=mode, erasures=erasures)
            bench.wait(400.0)
        assert bench.scans[0].ghost_share == 0.0
        shares[mode, erasures] = bench.scans[2].ghost_share
    assert shares[EraseMode.NONE, 1] == pytest.approx(0.3)
    assert shares[EraseMode.AFTER_SCAN, 1] == pytest.approx(1e-3)
    assert shares[EraseMode.AFTER_SCAN, 2] < 1e-5


def test_without_erasing_the_plate_is_ready_after_its_scan(bench):
    bench.expose(erase_mode=EraseMode.NONE)
    bench.wait(210.0)
    assert bench.reader.plates[0].state is PlateState.READY


def test_erasing_before_exposing_delays_the_exposure(bench):
    bench.expose(erase_mode=EraseMode.BEFORE_EXPOSE, erasures=2)
    bench.wait(400.0)
    assert bench.scans[0].began_s == pytest.approx(90.0)
    assert bench.scans[0].dark_s == pytest.approx(120.0 + 15.0)


def test_the_plate_in_use_can_be_erased(bench):
    bench.reader.erase(1)
    assert bench.reader.state is DetectorState.ERASING
    bench.wait(45.0)
    assert bench.reader.state is DetectorState.IDLE
    assert bench.scans == []


def test_a_jam_is_an_error_until_the_next_order(bench):
    bench.reader.is_jammed = True
    bench.expose()
    bench.wait(200.0)
    assert bench.reader.state is DetectorState.ERROR
    assert "jammed" in bench.reader.message
    assert not bench.reader.is_taking
    bench.reader.is_jammed = False
    bench.expose()
    bench.wait(400.0)
    assert len(bench.scans) == 1
    assert bench.scans[0].dose_counts == pytest.approx(120 * FLUX)


def test_a_lost_image_shows_as_an_error_but_does_not_disturb_the_next_exposure(bench):
    bench.expose()
    bench.wait(140.0)
    bench.expose()
    bench.reader.fail_reading("disk full")
    assert bench.reader.state is DetectorState.EXPOSING
    bench.wait(140.0)
    assert bench.reader.state is DetectorState.ERROR
    bench.wait(200.0)
    assert len(bench.scans) == 2
