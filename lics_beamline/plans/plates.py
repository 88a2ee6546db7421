"""The plates of a run that are exposed and not read yet: their readouts, saved as soon as no other event is open.

With two plates the next one is exposed, and the cell is moved, while the last one is read and erased. So a readout
comes when it comes. `announcing` lets it in between the messages of whatever plan is under way.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
from bluesky.utils import FailedStatus, Msg, MsgGenerator
from ophyd.status import StatusBase

from lics_beamline import schema
from lics_beamline.control.path import Point
from lics_beamline.control.plate_settings import PlateSettings
from lics_beamline.devices.beamline import Beamline
from lics_beamline.devices.plate_file import Expected
from lics_beamline.plans.action import do
from lics_beamline.plans.exposure import Exposed, Failed
from lics_beamline.plans.noted import Noted

log = logging.getLogger(__name__)

LOOK_WALL_S: Final = 0.2  # how often a long wait is interrupted to see whether a plate has been read; a choice


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A plate in the reader.

    Parameters
    ----------
    point_index : int
        The point it belongs to.
    exposure_uid : str
        Uid of its exposure.
    file : Expected
        What it will become.
    exposure_s : float
        Time it saw X-rays [s].
    previous_exposure_uid : str
        What it held before; empty where this run knows of none.
    arrival : StatusBase
        Done when its file is complete.
    """

    point_index: int
    exposure_uid: str
    file: Expected
    exposure_s: float
    previous_exposure_uid: str
    arrival: StatusBase


class Plates:
    """The plates of one run.

    Parameters
    ----------
    beamline : Beamline
        The devices.
    readout, failure : Noted
        The plan's own readables of these streams.
    folder : str
        Folder of this run's plates, below the data folder's ``plates``.
    overlapped : bool
        Whether the plan goes on while a plate is read; else each is waited for.
    keeping : PlateSettings, optional
        How images fade and how much of one may be lost: more is warned of.

    Attributes
    ----------
    lost_the_last : bool
        Whether the point before could not be exposed.
    event_is_open, is_announcing : bool
        Whether the plan is inside an event, and whether readouts are being saved.
    """

    def __init__(
        self,
        beamline: Beamline,
        *,
        readout: Noted,
        failure: Noted,
        folder: str,
        overlapped: bool,
        keeping: PlateSettings | None = None,
    ) -> None:
        self._keeping = keeping
        self.overlapped = overlapped
        self.lost_the_last = False
        self.event_is_open = False
        self.is_announcing = False
        self._beamline = beamline
        self._readout, self._failure = readout, failure
        self._folder = folder
        self._folders = 0
        self._waiting: deque[Waiting] = deque()
        self._held: dict[int, str] = {}  # the newest exposure of each plate
        self._marked: set[int] = set()

    @property
    def are_waiting(self) -> bool:
        """Whether there is a plate that has not been announced."""
        return bool(self._waiting)

    @property
    def one_has_come(self) -> bool:
        """Whether the oldest of them has been read, or never will be."""
        return bool(self._waiting) and bool(self._waiting[0].arrival.done)

    def open_folder(self, kind: str = "") -> MsgGenerator[None]:
        """Let the detector write into an empty folder of its own: the run's, or a further one of a kind.

        Whether the plate of a failed exposure was delivered all the same nobody knows. So the ones after it are counted
        in another folder.
        """
        yield from bps.null()
        name = "-".join([self._folder, *([str(self._folders)] if self._folders else []), *([kind] if kind else [])])
        self._folders += 1
        self._beamline.frame.open_folder(f"plates/{name}")

    def clean(self) -> MsgGenerator[None]:
        """Erase the plate in use, where it is marked: what it holds nobody knows."""
        plate = int(self._beamline.plate.plate_in_use.get(use_monitor=False))
        if plate in self._marked:
            log.warning("plate %d is erased before it is exposed again", plate)
            yield from do("erasure of a plate", self._beamline.plate.erase)
            self._marked.discard(plate)

    def pass_on(self, point: Point, exposure_uid: str, exposed: Exposed, *, exposure_s: float) -> MsgGenerator[None]:
        """Take over a plate that is in the reader; where plates are not overlapped, wait until it has been read."""
        self._waiting.append(
            Waiting(
                point_index=point.index,
                exposure_uid=exposure_uid,
                file=exposed.file,
                exposure_s=exposure_s,
                previous_exposure_uid=self._held.get(exposed.file.plate, ""),
                arrival=self._beamline.frame.arrival(exposed.file),
            )
        )
        self.hold(exposure_uid, exposed)
        if not self.overlapped:
            yield from self.finish()

    def adopt(self, waiting: Waiting) -> None:
        """Take over a plate that an earlier run of the sweep exposed: its image is announced in this one."""
        self._waiting.append(waiting)
        self._held[waiting.file.plate] = waiting.exposure_uid

    def mark(self, plate: int) -> None:
        """Have a plate erased before it is exposed: what it holds nobody knows."""
        self._marked.add(plate)
        self._held.pop(plate, None)

    def hold(self, exposure_uid: str, exposed: Exposed) -> None:
        """Note what a plate holds now."""
        self._held[exposed.file.plate] = exposure_uid

    def lose(self, point: Point, exposure_uid: str, failed: Failed) -> MsgGenerator[None]:
        """Note an exposure that failed, and mark its plate: it is erased before it is used again."""
        self._marked.add(failed.plate)
        self._held[failed.plate] = exposure_uid
        yield from self.note_failure(
            point.index,
            exposure_uid,
            f"exposure failed by the {failed.cause}: {failed.reason} Plate {failed.plate} is marked, to be erased "
            "before it is used again.",
            plate=failed.plate,
        )
        yield from self.open_folder()

    def announce(self) -> MsgGenerator[None]:
        """Save the readouts of the plates that have been read, oldest first; no event may be open."""
        while self.one_has_come:
            with self._announcing():
                yield from self._read_out(self._waiting[0])

    def finish(self) -> MsgGenerator[None]:
        """Wait for all plates, and save their readouts."""
        self.event_is_open = False  # one that was is dropped by whoever ends the plan
        while self._waiting:
            try:
                with self._announcing():
                    yield from do("plate file", self._oldest)
            except FailedStatus:
                log.debug("a plate does not come; its failure is noted with its readout")
            yield from self.announce()

    def _oldest(self) -> StatusBase:
        return self._waiting[0].arrival

    @contextmanager
    def _announcing(self) -> Iterator[None]:
        self.is_announcing = True
        try:
            yield
        finally:
            self.is_announcing = False

    def _read_out(self, waiting: Waiting) -> MsgGenerator[None]:
        error = waiting.arrival.exception(0)
        if error is not None:
            yield from self.note_failure(
                waiting.point_index,
                waiting.exposure_uid,
                f"plate not read: {error}",
                plate=waiting.file.plate,
                done=self._waiting.popleft,
            )
            return
        frame = self._beamline.frame
        frame.announce(waiting.file)
        self._judge_fading(waiting, float(frame.waited_s.get()))
        self._readout.note(
            experiment_time_s=self._beamline.clock.now_s(),
            exposure_uid=waiting.exposure_uid,
            point_index=waiting.point_index,
            exposure_s=waiting.exposure_s,
            previous_exposure_uid=waiting.previous_exposure_uid,
        )
        yield from self._event(schema.READOUT, self._readout, frame, done=self._waiting.popleft)

    def _event(self, stream: str, *readables: object, done: Callable[[], object]) -> MsgGenerator[None]:
        """Save an event. A plan that is ended meanwhile can tell whether it is open, and what is left to be saved."""
        self.event_is_open = True
        yield from bps.create(stream)
        for readable in readables:
            yield from bps.read(readable)
        self.event_is_open = False
        done()
        yield from bps.save()

    def _judge_fading(self, waiting: Waiting, waited_s: float) -> None:
        if self._keeping is None:
            return
        loss = self._keeping.loss(exposure_s=waiting.exposure_s, waited_s=waited_s)
        if loss > self._keeping.most_fading:
            log.warning(
                "point %d: about %.1f %% of the image faded before its scan (%.1f %% may), which began %.0f s after an "
                "exposure of %.0f s",
                waiting.point_index + 1,
                100.0 * loss,
                100.0 * self._keeping.most_fading,
                waited_s,
                waiting.exposure_s,
            )

    def note_failure(
        self, point_index: int, exposure_uid: str, reason: str, *, plate: int, done: Callable[[], object] = lambda: None
    ) -> MsgGenerator[None]:
        """Save that the image of a point will not come, and why; `done` is called when that is certain to be saved."""
        log.error("point %d: %s", point_index + 1, reason)
        self._failure.note(
            experiment_time_s=self._beamline.clock.now_s(),
            exposure_uid=exposure_uid,
            point_index=point_index,
            reason=reason,
            plate=plate,
        )
        yield from self._event(schema.FAILURE, self._failure, done=done)


def announcing(plan: MsgGenerator[None], plates: Plates) -> MsgGenerator[None]:
    """Let readouts in between the messages of a plan: before an event is begun, and during waits outside of events."""

    def before(message: Msg) -> MsgGenerator[object]:
        yield from plates.announce()
        plates.event_is_open = True
        return (yield message)

    def meanwhile(message: Msg) -> MsgGenerator[object]:
        glance = message._replace(kwargs={**message.kwargs, "timeout": LOOK_WALL_S, "error_on_timeout": False})
        while plates.are_waiting:
            if (yield glance):
                return True
            yield from plates.announce()
        return (yield message)

    def insert(message: Msg) -> tuple[MsgGenerator[object] | None, None]:
        if plates.is_announcing:
            return None, None
        if message.command == "create":
            return before(message), None
        if message.command in ("save", "drop"):
            plates.event_is_open = False
        elif message.command == "wait" and not plates.event_is_open and plates.are_waiting and _is_plain(message):
            return meanwhile(message), None
        return None, None

    return bpp.plan_mutator(plan, insert)


def _is_plain(message: Msg) -> bool:
    """Whether a wait has no limit of its own."""
    return message.kwargs.get("timeout") is None and bool(message.kwargs.get("error_on_timeout", True))
