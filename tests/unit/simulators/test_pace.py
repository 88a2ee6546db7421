"""How far a world may go before those who drive it have caught up."""

import asyncio

import pytest

from lics_simulators.pace import SILENT_WALL_S, Pace

ONE, OTHER = ("127.0.0.1", 40001), ("127.0.0.1", 40002)


@pytest.fixture
def pace():
    """A world that has just stepped to 12 s, of which one driver has heard until 6 s."""
    pace = Pace()
    pace.hear(ONE, 6.0, wall_s=0.0)
    pace.stepped(wall_s=0.0)
    return pace


def test_nobody_is_waited_for_who_does_not_drive():
    assert not Pace().is_behind(12.0, wall_s=0.0)


def test_a_driver_is_waited_for_until_it_has_dealt_with_the_last_step(pace):
    assert pace.is_behind(12.0, wall_s=1.0)
    pace.hear(ONE, 12.0, wall_s=1.0)
    assert not pace.is_behind(12.0, wall_s=1.0)


def test_a_time_that_was_rounded_on_its_way_is_the_time_that_was_told(pace):
    pace.hear(ONE, 12.0, wall_s=1.0)
    assert not pace.is_behind(12.0004, wall_s=1.0)


def test_the_slowest_driver_is_waited_for(pace):
    pace.hear(OTHER, 12.0, wall_s=1.0)
    assert pace.is_behind(12.0, wall_s=1.0)


def test_a_driver_that_says_that_it_drives_no_more_is_not_waited_for(pace):
    pace.hear(ONE, -1.0, wall_s=1.0)
    assert not pace.is_behind(12.0, wall_s=1.0)
    assert pace.drivers == 0


def test_a_driver_whose_connection_ended_is_not_waited_for(pace):
    pace.keep({OTHER})
    assert not pace.is_behind(12.0, wall_s=1.0)


def test_a_driver_that_is_connected_is_kept(pace):
    pace.keep({ONE, OTHER})
    assert pace.is_behind(12.0, wall_s=1.0)


def test_when_drivers_are_released_only_who_speaks_again_is_waited_for(pace):
    pace.release()
    assert not pace.is_behind(12.0, wall_s=1.0)
    pace.hear(ONE, 12.0, wall_s=2.0)
    assert pace.is_behind(18.0, wall_s=2.0)


def test_a_driver_that_owes_an_answer_for_too_long_is_not_waited_for(pace):
    assert pace.is_behind(12.0, wall_s=SILENT_WALL_S)
    assert not pace.is_behind(12.0, wall_s=SILENT_WALL_S + 0.1)
    assert pace.drivers == 0


def test_a_driver_owes_nothing_while_the_world_stands_still(pace):
    pace.hear(ONE, 12.0, wall_s=1.0)
    assert not pace.is_behind(12.0, wall_s=1000.0)
    pace.stepped(wall_s=1000.0)
    assert pace.is_behind(18.0, wall_s=1001.0)
    assert pace.drivers == 1


def test_waiting_ends_when_a_driver_speaks_and_is_counted():
    async def wait():
        pace = Pace()
        waiting = asyncio.ensure_future(pace.wait(3600.0))
        await asyncio.sleep(0)
        pace.hear(ONE, 12.0, wall_s=0.0)
        await waiting
        return pace.waited_wall_s

    assert 0.0 < asyncio.run(wait()) < 3600.0


def test_waiting_ends_by_itself_so_that_those_who_look_on_are_told():
    asyncio.run(Pace().wait(0.01))


def test_the_world_may_be_as_far_ahead_as_an_answer_is_under_way_and_no_farther():
    pace = Pace()
    pace.hear("engine", 100.0, wall_s=0.0)
    assert not pace.is_behind(112.0, wall_s=1.0, ahead_s=12.0)
    assert pace.is_behind(112.1, wall_s=1.0, ahead_s=12.0)
