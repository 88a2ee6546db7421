"""The wait for one plate file: it is there, it never will be, or it takes too long."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from lics_beamline.devices.image_plate import TROUBLE, trouble
from lics_beamline.devices.plate_file import Expected, is_whole, size_bytes
from lics_beamline.devices.settling import Watched
from lics_beamline.errors import BadReading, DidNotSettle

if TYPE_CHECKING:
    from lics_beamline.devices.frame import Frame

logger = logging.getLogger(__name__)

ARRIVAL_SILENT_WALL_S: Final = 300.0  # for a detector without value [s]: it scans meanwhile, and waiting loses nothing


class FileArrival(Watched):
    """Done when a plate file is complete; fails when it never will be.

    Parameters
    ----------
    frame : Frame
        The device waited for.
    expected : Expected
        The file.
    timeout_s : float
        Seconds of experiment after which waiting ends; they count anew when a detector that was away answers again.

    Notes
    -----
    The disk has the last word: a file that is there whole has come, though a detector whose IOC ended meanwhile never
    said so.
    """

    silence_wall_s = ARRIVAL_SILENT_WALL_S

    def __init__(self, frame: Frame, expected: Expected, *, timeout_s: float) -> None:
        super().__init__(frame, clock=frame.clock, signal=frame.full_file_name, what="plate file")
        self._frame = frame
        self._expected = expected
        self._timeout_s = timeout_s
        self.begin()

    def judge(self, value: str, now_s: float) -> None:
        """Decide from the name of the newest file."""
        newest = self._frame.position_of(value)
        has_come = newest is not None and newest >= self._expected.position
        file = self._frame.file(self._expected)
        if has_come and size_bytes(file) >= 0:
            self.succeed()
        elif newest is not None and newest > self._expected.position:
            self.give_up(
                BadReading(
                    f"plate file {file.name} never came: the detector has gone on to {value}. That image is lost; "
                    "expose again.",
                    newest=value,
                )
            )
        elif self._frame.state.get() in TROUBLE and not self._frame.is_scanning(self._expected):
            self.give_up(trouble(self._frame, f"plate file {file.name} will not come"))
        elif now_s - self._started_s > self._timeout_s:
            self.give_up(
                DidNotSettle(
                    f"plate file {file} did not come in {now_s - self._started_s:.0f} s (time-out {self._timeout_s:g} "
                    f"s); the newest file is {value or 'none'}. Look at the detector and at its disk.",
                    file=str(file),
                    newest=value,
                )
            )

    def give_up(self, error: Exception) -> None:
        """Fail with `error`, unless the file is there whole."""
        if is_whole(self._frame.file(self._expected)):
            logger.warning("plate file %s is there, whole, though the detector has not said so", self._expected.below)
            self.succeed()
        else:
            self.end(error)

    def _judge_silence(self) -> None:
        super()._judge_silence()
        self._started_s = self._clock.now_s()
