"""Which file a frame takes for its own, decided without a detector."""

import itertools
import math

import pytest
from fake_device import make_fake_device
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lics_beamline.devices.frame import Frame
from lics_beamline.devices.plate_file import FILE_BYTES, NO_PLATE
from lics_beamline.errors import BadReading, DidNotSettle, UnsafeName


@pytest.fixture
def make_frame(clock, tmp_path):
    """Frames whose detector a test plays, each in a data folder of its own."""
    made = itertools.count()

    def make():
        root = tmp_path / f"data-{next(made)}"
        frame = make_fake_device(Frame)("", name="frame", clock=clock, data_root=root)
        for signal, value in (
            (frame.file_path, ""),
            (frame.file_name, ""),
            (frame.file_template, ""),
            (frame.file_number, 0),
            (frame.auto_increment, ""),
            (frame.full_file_name, ""),
            (frame.plate_read, 1),
            (frame.read_wait_s, 12.0),
            (frame.state, "Idle"),
            (frame.plate1_state, "Ready"),
            (frame.plate2_state, "Ready"),
            (frame.status_message, ""),
        ):
            signal.sim_put(value)
        frame.open_folder("plates/run")
        return frame

    return make


@pytest.fixture
def frame(make_frame):
    return make_frame()


def write(frame, number):
    """Write a plate file as the detector does."""
    file = frame.data_root / "plates" / "run" / f"{number:06d}.osc"
    with file.open("wb") as out:
        out.truncate(FILE_BYTES)
    return file


def complete(frame, number, *, plate=1, waited_s=12.0):
    """Write a plate file as the detector does, and announce it."""
    file = write(frame, number)
    frame.plate_read.sim_put(plate)
    frame.read_wait_s.sim_put(waited_s)
    frame.full_file_name.sim_put(str(file))


def wait(status, clock):
    while not status.done:
        clock.tick_to(clock.now_s() + 0.01)
    return status.exception(0)


def test_a_file_completed_before_the_trigger_is_found(frame, clock):
    complete(frame, 0)

    assert wait(frame.trigger(), clock) is None

    assert frame.path.get() == "plates/run/000000.osc"


def test_an_older_file_is_not_taken_for_the_next(frame, clock):
    complete(frame, 0)
    wait(frame.trigger(), clock)
    second = frame.trigger()
    clock.tick_to(clock.now_s() + 1.0)
    assert not second.done

    complete(frame, 1, plate=2)

    assert wait(second, clock) is None
    assert (frame.path.get(), frame.plate.get()) == ("plates/run/000001.osc", 2)


def test_of_two_files_completed_meanwhile_each_keeps_its_own_waiting_time_and_plate(frame, clock):
    complete(frame, 0, plate=1, waited_s=10.0)
    complete(frame, 1, plate=2, waited_s=20.0)

    wait(frame.trigger(), clock)
    first = (frame.waited_s.get(), frame.plate.get())
    wait(frame.trigger(), clock)

    assert first == (10.0, 1)
    assert (frame.waited_s.get(), frame.plate.get()) == (20.0, 2)


def test_a_file_of_another_folder_is_none_of_ours(frame):
    assert frame.position_of(f"{frame.data_root}/plates/other/000000.osc") is None
    assert frame.position_of(f"{frame.data_root}/plates/run/000000.tif") is None
    assert frame.position_of(f"{frame.data_root}/plates/run/000012.osc") == (0, 12)


def test_a_detector_that_has_gone_on_leaves_the_missing_image_lost_and_the_next_is_its_own(frame, clock):
    frame.file_number.sim_put(2)
    complete(frame, 1)

    assert isinstance(wait(frame.trigger(), clock), BadReading)

    assert wait(frame.trigger(), clock) is None
    assert frame.path.get() == "plates/run/000001.osc"


def test_after_a_jam_the_number_is_used_again_so_that_the_folder_has_no_gap(frame, clock):
    frame.file_number.sim_put(1)  # the detector counted the plate that then jammed
    frame.state.sim_put("Error")
    frame.status_message.sim_put("plate 1 is stuck")

    error = wait(frame.trigger(), clock)

    assert "plate 1 is stuck" in str(error)
    assert frame.file_number.get() == 0


def test_a_file_that_never_comes_is_given_up_after_the_time_out(frame, clock):
    waiting = frame.trigger()
    clock.tick_to(clock.now_s() + 1.0)
    while not waiting.done:
        clock.tick_to(clock.now_s() + 100.0)

    error = waiting.exception(0)
    assert isinstance(error, DidNotSettle)
    assert "did not come" in str(error)


def test_a_file_that_is_there_whole_has_come_though_a_detector_started_again_never_says_so(frame, clock, caplog):
    waiting = frame.trigger()
    clock.tick_to(clock.now_s() + 1.0)
    write(frame, 0)
    while not waiting.done:
        clock.tick_to(clock.now_s() + 100.0)

    assert waiting.exception(0) is None
    assert (frame.path.get(), frame.plate.get()) == ("plates/run/000000.osc", NO_PLATE)
    assert math.isnan(frame.waited_s.get())
    assert "is there, whole, though the detector has not said so" in caplog.text


def test_a_file_written_in_part_has_not_come(frame, clock):
    waiting = frame.trigger()
    clock.tick_to(clock.now_s() + 1.0)
    with write(frame, 0).open("r+b") as out:
        out.truncate(FILE_BYTES - 1)
    while not waiting.done:
        clock.tick_to(clock.now_s() + 100.0)

    assert "did not come" in str(waiting.exception(0))


def test_a_detector_that_was_away_has_the_time_of_a_scan_from_its_return(frame, clock):
    frame.plate1_state.sim_put("Scanning")
    waiting = frame.trigger()
    clock.tick_to(clock.now_s() + 1.0)
    frame.full_file_name._metadata["severity"] = 3  # INVALID: nobody answers for it
    clock.tick_to(clock.now_s() + 5.0 * frame.timeout_s)
    frame.full_file_name._metadata["severity"] = 0
    clock.tick_to(clock.now_s() + 0.9 * frame.timeout_s)
    assert not waiting.done

    complete(frame, 0)

    assert wait(waiting, clock) is None


def test_the_file_of_an_exposure_is_known_before_it_by_the_number_the_detector_says(frame):
    frame.file_number.sim_put(7)
    assert (frame.expect(plate=2).name, frame.expect(plate=2).plate) == ("000007.osc", 2)


FATES = st.lists(st.sampled_from(["whole", "lost", "nobody saw it come"]), min_size=1, max_size=5)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fates=FATES)
def test_whatever_becomes_of_the_plates_before_each_file_is_joined_to_its_own_exposure(make_frame, clock, fates):
    frame = make_frame()
    expected = []
    for number in range(len(fates)):
        frame.file_number.sim_put(number)
        expected.append(frame.expect(plate=1 + number % 2))
    arrivals = [frame.arrival(each) for each in expected]
    for number, fate in enumerate(fates):
        if fate == "whole":
            complete(frame, number, plate=1 + number % 2, waited_s=10.0 + number)
        elif fate != "lost":
            write(frame, number)  # a monitor tells the newest value only
    complete(frame, len(fates), plate=1 + len(fates) % 2)  # the detector has gone on

    errors = [wait(arrival, clock) for arrival in arrivals]

    for each, fate, error in zip(expected, fates, errors, strict=True):
        if fate == "lost":
            assert "never came" in str(error)
            continue
        assert error is None
        frame.announce(each)
        assert frame.path.get() == f"plates/run/{each.number:06d}.osc"
        if fate == "whole":
            assert (frame.plate.get(), frame.waited_s.get()) == (each.plate, 10.0 + each.number)
        else:
            assert (frame.plate.get(), math.isnan(frame.waited_s.get())) == (NO_PLATE, True)
    numbers = [doc["datum_kwargs"]["point_number"] for name, doc in frame.collect_asset_docs() if name == "datum"]
    assert numbers == [each.number for each, fate in zip(expected, fates, strict=True) if fate != "lost"]


def test_a_file_read_from_another_plate_than_the_one_exposed_is_not_joined(frame, clock):
    arrival = frame.arrival(frame.expect(plate=1))
    complete(frame, 0, plate=2)
    assert "read from plate 2, and plate 1 was exposed" in str(wait(arrival, clock))


def test_a_plate_still_in_the_reader_is_waited_for_though_the_next_exposure_failed(frame, clock):
    arrival = frame.arrival(frame.expect(plate=1))
    frame.plate1_state.sim_put("Scanning")
    frame.state.sim_put("Error")
    clock.tick_to(clock.now_s() + 1.0)
    assert not arrival.done
    complete(frame, 0, plate=1)
    assert wait(arrival, clock) is None


def test_a_plate_in_the_reader_keeps_its_folder_when_another_is_opened(frame, clock):
    old = frame.expect(plate=1)
    arrival = frame.arrival(old)
    frame.open_folder("plates/run-1")
    complete(frame, 0, plate=1)
    assert wait(arrival, clock) is None
    frame.announce(old)
    assert frame.path.get() == "plates/run/000000.osc"
    assert frame.expect(plate=2).below.as_posix() == "plates/run-1/000000.osc"


@pytest.mark.parametrize("folder", ["../elsewhere", "/tmp/elsewhere"])
def test_the_detector_is_not_sent_out_of_the_data_folder(frame, folder):
    with pytest.raises(UnsafeName, match="elsewhere' leads out of"):
        frame.open_folder(folder)


def test_frames_without_an_open_folder_are_refused(clock, tmp_path):
    frame = make_fake_device(Frame)("", name="frame", clock=clock, data_root=tmp_path)

    with pytest.raises(DidNotSettle, match="open_folder"):
        frame.trigger()


def test_what_was_not_read_is_not_announced_in_the_next_run(frame, clock):
    frame.stage()
    complete(frame, 0)
    wait(frame.trigger(), clock)
    frame.unstage()

    assert list(frame.collect_asset_docs()) == []
