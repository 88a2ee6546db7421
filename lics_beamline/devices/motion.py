"""Moving in steps: commands written one after the other, each waited for, that can be ended between any two."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from typing import Any, Final

from ophyd import Signal
from ophyd.status import DeviceStatus, StatusBase
from ophyd.utils.errors import WaitTimeoutError

from lics_beamline.devices.alarm import NO_ANSWER, no_answer_in_words
from lics_beamline.devices.clock import ExperimentClock
from lics_beamline.devices.safe_condition import SafeCondition
from lics_beamline.devices.settling import ReadBack, Watched
from lics_beamline.errors import DidNotSettle

logger = logging.getLogger(__name__)

# A monitor tells of a change that happens once only once; a read-back that stays away is asked for at the instrument.
ASK_AGAIN_WALL_S: Final = 0.5
STOPPED: Final = "stopped"  # how a motion was ended before it arrived: it stays where it is
MADE_SAFE: Final = "made safe"  # and here its instrument was made safe


class Motion(DeviceStatus):
    """Steps of one device, carried out one after the other, that can be ended between any two.

    Parameters
    ----------
    device : ophyd.Device
        The device moved.
    steps : callable
        Called with the motion, in a thread; it writes through ``motion.write`` and waits through ``motion.await_step``,
        so that nothing is written any more once ``end`` has returned.
    what : str
        For messages.
    hold : callable, optional
        Makes the device stay where it is; called when a step fails, or the motion is ended or rests.
    """

    def __init__(
        self,
        device: Any,
        steps: Callable[[Motion], None],
        *,
        what: str,
        hold: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(device, call_stop_on_failure=False)
        self.what = what
        self._steps = steps
        self._hold = hold
        self._written: tuple[Signal, Any] | None = None
        self._writing = threading.RLock()
        self._ended: Exception | None = None
        self._waiting_for: Watched | None = None
        self._going = threading.Event()
        self._going.set()
        threading.Thread(target=self._carry_out, name=what, daemon=True).start()

    def write(self, signal: Signal, value: Any, **kwargs: Any) -> None:
        """Put `value` to `signal`, unless the motion has been ended; while it rests, once it goes on."""
        while True:
            self._going.wait()
            with self._writing:
                if self._ended is not None:
                    raise self._ended
                if self._going.is_set():
                    signal.put(value, **kwargs)
                    self._written = (signal, value)
                    return

    def await_step(self, status: Watched) -> None:
        """Wait for a step; raises what it failed with."""
        with self._writing:
            self._waiting_for = status
            status.rests = not self._going.is_set()
            ended = self._ended
        if ended is not None:
            status.end(ended)
        while not status.done:
            try:
                status.wait(ASK_AGAIN_WALL_S)
            except WaitTimeoutError:
                if status.holds_afresh():
                    logger.debug("%s is as commanded when asked; its monitor has not told", status.what)
                    status.succeed()
        status.wait()

    def read_back(
        self,
        signal: Signal,
        agrees: Callable[[Any], bool],
        *,
        clock: ExperimentClock,
        patience_s: float,
        what: str,
        wanted: str,
    ) -> None:
        """Wait until a read-back agrees with what was commanded; parameters as of `ReadBack`."""
        self.await_step(
            ReadBack(
                self.device,
                clock=clock,
                signal=signal,
                agrees=agrees,
                patience_s=patience_s,
                what=what,
                wanted=wanted,
            )
        )

    def read_back_safe(self, conditions: Iterable[SafeCondition], *, clock: ExperimentClock, patience_s: float) -> None:
        """Wait until an instrument that was made safe says so; `patience_s` for each of its read-backs."""
        for condition in conditions:
            self.read_back(
                condition.signal,
                condition.agrees,
                clock=clock,
                patience_s=patience_s,
                what=condition.what,
                wanted=condition.allowed,
            )

    def make_safe(
        self,
        command: Callable[[Motion], None],
        conditions: Iterable[SafeCondition],
        *,
        clock: ExperimentClock,
        attempts: int,
        patience_s: float,
    ) -> bool:
        """Command what makes an instrument safe, again until it says so; `patience_s` for each of its read-backs.

        Returns
        -------
        bool
            Whether it has said so; what it said instead is logged.
        """
        conditions = tuple(conditions)
        for attempt in range(1, attempts + 1):
            try:
                command(self)
                self.read_back_safe(conditions, clock=clock, patience_s=patience_s)
            except TimeoutError as error:
                logger.error(
                    "%s is not safe after attempt %d of %d: %s",
                    self.device.name,
                    attempt,
                    attempts,
                    no_answer_in_words(error),
                )
            else:
                return True
        return False

    def rest(self) -> None:
        """Let the device stay where it is, on its way or not; what is waited for is not judged until it goes on."""
        with self._writing:
            if self.done or self._ended is not None or not self._going.is_set():
                return
            self._going.clear()
            if self._waiting_for is not None:
                self._waiting_for.rests = True
            self._try_to_hold()

    def go_on(self) -> None:
        """Go on after a rest, from where the device is: what was commanded last is commanded again."""
        with self._writing:
            if self._going.is_set():
                return
            if not self.done and self._ended is None:
                if self._written is not None:
                    signal, value = self._written
                    signal.put(value)
                if self._waiting_for is not None:
                    self._waiting_for.begin_anew()
            self._going.set()

    def end(self, why: str, *, hold: bool = True) -> None:
        """End a motion under way: its present step fails, no further one begins, and the device holds.

        Parameters
        ----------
        why : str
            ``stopped``, ``superseded by a new setpoint``.
        hold : bool
            False where the caller commands the device itself right after.
        """
        with self._writing:
            if self.done or self._ended is not None:
                return
            waiting_for = self._waiting_for
            where = f" at {waiting_for.whereabouts()}" if waiting_for is not None else ""
            self._ended = DidNotSettle(f"{self.what} was {why}{where}. Move again when ready.", ended=why)
            if hold:
                self._try_to_hold()
            self._going.set()
        if waiting_for is not None:
            waiting_for.end(self._ended)

    def _carry_out(self) -> None:
        try:
            self._steps(self)
        except Exception as error:  # handed to whoever waits for this status, not swallowed
            with self._writing:
                ended, self._ended = self._ended, self._ended or error
            if ended is None and self._hold is not None:
                self._try_to_hold()
            self.set_exception(error)
        else:
            self.set_finished()

    def _try_to_hold(self) -> None:
        try:
            if self._hold is not None:
                self._hold()
        except NO_ANSWER as error:
            logger.error("%s could not be held where it is: %s", self.what, no_answer_in_words(error))


def finished(device: Any) -> StatusBase:
    """Return a status that is done."""
    status = DeviceStatus(device, call_stop_on_failure=False)
    status.set_finished()
    return status
