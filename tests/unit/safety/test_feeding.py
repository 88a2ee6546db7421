"""A watchdog hears of who lives when he says so, whatever becomes of one answer, and of nobody who hangs."""

import threading

import pytest

from lics_beamline.safety.feeding import Feeding
from lics_beamline.safety.heartbeat import BEAT_EVERY_S

LATE_S = 60.0  # for a thread on a busy computer


class Watchdog:
    """Stands in for the watchdog of the instruments: counts what it hears, and may not answer."""

    def __init__(self):
        self.changed = threading.Condition()
        self.heard = []
        self.silent = None

    def feed(self, beat):
        with self.changed:
            self.heard.append(beat)
            self.changed.notify_all()
        if self.silent is not None:
            raise self.silent

    def hears(self, times, within_s=LATE_S):
        with self.changed:
            return self.changed.wait_for(lambda: len(self.heard) >= times, within_s)


def test_who_says_that_he_lives_is_heard_once_for_each_time_and_who_hangs_is_not_heard():
    watchdog = Watchdog()
    with Feeding(watchdog, "engine") as feeding:
        for times in (1, 2, 3):
            feeding.tell()
            assert watchdog.hears(times)
        assert not watchdog.hears(4, within_s=3 * BEAT_EVERY_S), "nobody has said so"
    assert watchdog.heard == ["engine"] * 3


@pytest.mark.parametrize("error", [TimeoutError("no answer"), ConnectionError("gone")])
def test_an_answer_that_does_not_come_ends_no_signs_of_life(error):
    watchdog = Watchdog()
    with Feeding(watchdog, "engine") as feeding:
        watchdog.silent = error
        feeding.tell()
        assert watchdog.hears(1)
        watchdog.silent = None
        feeding.tell()
        assert watchdog.hears(2)


def test_where_there_is_no_watchdog_nobody_is_missed():
    with Feeding(None, None) as feeding:
        feeding.tell()
