"""A clock moved by hand."""

from lics_beamline.devices.clock import SHORTEST_JUDGEMENT_WALL_S
from lics_beamline.errors import ClockTooFast


class HandClock:
    """An experiment clock that a test moves on."""

    parent = None
    name = "clock"
    patience_s = stall_s = 30.0

    def __init__(self, speed=1.0):
        self.time_s = 0.0
        self.silence_s = 0.0
        self.listeners = []
        self._speed = speed

    def now_s(self):
        return self.time_s

    def speed(self):
        return self._speed

    def silent_s(self):
        return self.silence_s

    def release(self):
        """Wait for nobody: this clock goes when the test says so."""

    def require(self, duration_s, what):
        if duration_s / self._speed < SHORTEST_JUDGEMENT_WALL_S:
            raise ClockTooFast(what)

    def on_tick(self, callback):
        self.listeners.append(callback)
        return lambda: self.listeners.remove(callback) if callback in self.listeners else None

    def tick_to(self, time_s):
        self.time_s = time_s
        for callback in list(self.listeners):
            callback()

    def beat(self):
        """Call everybody without moving on, as the watch does while the clock is silent."""
        self.tick_to(self.time_s)
