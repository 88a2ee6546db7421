"""Which file a frame takes for its own, decided without a detector."""

import pytest
from ophyd.sim import make_fake_device

from lics_beamline.devices.frame import FILE_BYTES, Frame
from lics_beamline.errors import BadReading, DidNotSettle


@pytest.fixture
def frame(clock, tmp_path):
    frame = make_fake_device(Frame)("", name="frame", clock=clock, data_root=tmp_path)
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


def complete(frame, number, *, plate=1, waited_s=12.0):
    """Write a plate file as the detector does, and announce it."""
    file = frame.data_root / "plates" / "run" / f"{number:06d}.osc"
    with file.open("wb") as out:
        out.truncate(FILE_BYTES)
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
