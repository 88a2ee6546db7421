"""A load on its way: the status of a membrane's move, which also notices a leak and another client's setpoint."""

from __future__ import annotations

import logging
import time
from typing import Any, Final

from ophyd import Signal

from lics_beamline.devices.alarm import asked_of, value_of
from lics_beamline.devices.clock import SHORTEST_JUDGEMENT_WALL_S
from lics_beamline.devices.leak import LEAK_EFFORT_PERCENT, LEAK_STOP_S, LEAK_WARNING_S, struggles
from lics_beamline.devices.settling import Settling
from lics_beamline.errors import DidNotSettle

logger = logging.getLogger(__name__)

FOREIGN_BAR: Final = 0.05  # a setpoint read back so far from the one commanded is another client's [bar]


class Loading(Settling):
    """Done when the load has stayed near its target; fails on a leak, and when another client commands.

    Parameters
    ----------
    device : ophyd.Device
        The membrane.
    effort_percent, setpoint_bar : ophyd.Signal
        Monitored read-backs; the setpoint must have been read back as `target` before.
    **settling
        As for `Settling`.
    """

    def __init__(self, device: Any, *, effort_percent: Signal, setpoint_bar: Signal, **settling: Any) -> None:
        self._effort = effort_percent
        self._setpoint = setpoint_bar
        self._high_since: tuple[float, float] | None = None
        self._warned = False
        super().__init__(device, **settling)

    def judge(self, value: float, now_s: float) -> None:
        """Decide from the newest read-backs."""
        self._judge_effort(value, now_s)
        self._judge_setpoint(value)
        if not self.done:
            super().judge(value, now_s)

    def _judge_effort(self, load_bar: float, now_s: float) -> None:
        effort_percent = float(value_of(self._effort) or 0.0)
        if not struggles(effort_percent):
            self._high_since, self._warned = None, False
            return
        if self._high_since is None:
            self._high_since = (now_s, time.monotonic())
        high_s = now_s - self._high_since[0]
        if time.monotonic() - self._high_since[1] <= SHORTEST_JUDGEMENT_WALL_S:
            return
        if high_s > LEAK_WARNING_S and not self._warned:
            self._warned = True
            logger.warning(
                "%s stands at %.2f bar of %.2f bar at %.0f %% effort for %.0f s: a leak? It ends at %.0f s",
                self.what,
                load_bar,
                self.target,
                effort_percent,
                high_s,
                LEAK_STOP_S,
            )
        if high_s > LEAK_STOP_S:
            self.end(
                DidNotSettle(
                    f"{self.what} stands at {load_bar:.2f} bar of {self.target:.2f} bar at {effort_percent:.0f} % "
                    f"effort for {high_s:.0f} s (limit {LEAK_STOP_S:.0f} s of {LEAK_EFFORT_PERCENT:.0f} %): a leak? "
                    "The valves are shut. Look for the leak.",
                    effort_percent=effort_percent,
                    load_bar=load_bar,
                    leak=True,
                    high_s=high_s,
                )
            )

    def _judge_setpoint(self, load_bar: float) -> None:
        told = value_of(self._setpoint)
        setpoint_bar = self.target if told is None else float(told)
        if abs(setpoint_bar - self.target) > FOREIGN_BAR:
            setpoint_bar = self._asked_setpoint_bar()  # a monitor may not have told yet of our own
        if not self.done and abs(setpoint_bar - self.target) > FOREIGN_BAR:
            self.end(
                DidNotSettle(
                    f"{self.what} was sent to {self.target:.2f} bar and its setpoint reads {setpoint_bar:.2f} bar: "
                    f"another client commands it. It is held at {load_bar:.2f} bar. Ask who it is, then move again.",
                    setpoint_bar=setpoint_bar,
                    target=self.target,
                )
            )

    def _asked_setpoint_bar(self) -> float:
        """Return the setpoint by asking for it; the target where nobody answers, which is no accusation."""
        said = asked_of(self._setpoint)
        return self.target if said is None else float(said)
