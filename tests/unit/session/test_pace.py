from lics_beamline.devices.clock import WallClock
from lics_beamline.session.pace import Pace, Stopwatch


def test_what_was_reached_and_why_it_was_not_more_is_one_line():
    pace = Pace(experiment_s=2120.0, wall_s=10.0, most=300.0, drawing_wall_s=2.5, waiting_wall_s=0.3)

    assert pace.says() == (
        "reached 212 of 300 times the wall clock; the world stood still 25% of the time to draw plates and 3% to wait "
        "for this computer"
    )


def test_the_wall_clock_goes_at_its_own_pace_and_never_stands_still():
    pace = Stopwatch(WallClock()).pace()

    assert pace.most == 1.0
    assert (pace.drawing_wall_s, pace.waiting_wall_s) == (0.0, 0.0)
