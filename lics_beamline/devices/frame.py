"""The image read from a plate: waits for its file, and announces it as an external asset of the documents."""

from __future__ import annotations

import hashlib
import logging
import math
import time
import uuid
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Final

from ophyd import Component as Cpt
from ophyd import Device, EpicsSignal, EpicsSignalRO, Kind, Signal
from ophyd.status import StatusBase

from lics_beamline.devices.clock import ExperimentClock
from lics_beamline.devices.image_plate import TROUBLE, trouble
from lics_beamline.devices.motion import Motion
from lics_beamline.devices.settling import Watched
from lics_beamline.errors import BadReading, DidNotSettle
from lics_beamline.schema import PLATE_SPEC, PLATE_TEMPLATE

logger = logging.getLogger(__name__)

SHAPE: Final = (3000, 3000)  # (ny, nx) pixels: 300 mm at 100 um (R-AXIS IV++)
FILE_BYTES: Final = (
    2 * SHAPE[1] * (1 + SHAPE[0])
)  # 16-bit words: a header of one record, then one record a row (R-AXIS)
DETECTOR_TEMPLATE: Final = "%s%s%6.6d.osc"  # C style: path, name, number; makes PLATE_TEMPLATE with an empty name
PUT_WALL_S: Final = 5.0  # for a setting to read back; a choice, a hundred times the slowest answer measured
SIZE_PATIENCE_WALL_S: Final = 5.0  # for a network file system to show the whole file; a choice
NO_PLATE: Final = 0  # plates are numbered from 1


class Arrival(Watched):
    """Done when the plate file of one number is complete; fails when the detector reports trouble instead.

    Parameters
    ----------
    frame : Frame
        The frame waited for.
    number : int
        Number of the file in the folder.
    timeout_s : float
        Seconds of experiment after which waiting ends.
    """

    def __init__(self, frame: Frame, *, number: int, timeout_s: float) -> None:
        super().__init__(frame, clock=frame.clock, signal=frame.full_file_name, what="plate file")
        self._frame = frame
        self._number = number
        self._timeout_s = timeout_s
        self.begin()

    def judge(self, value: str, now_s: float) -> None:
        """Decide from the name of the newest file."""
        newest = self._frame.number_of(value)
        file = self._frame.file(self._number)
        if newest is not None and newest >= self._number and file.is_file():
            self.succeed()
        elif newest is not None and newest > self._number:
            self.end(
                BadReading(
                    f"plate file {file.name} never came: the detector has gone on to number {newest}. That image "
                    "is lost; expose again.",
                    newest=newest,
                )
            )
        elif self._frame.state.get() in TROUBLE:
            self.end(trouble(self._frame, f"plate file {file.name} will not come"))
        elif now_s - self._started_s > self._timeout_s:
            self.end(
                DidNotSettle(
                    f"plate file {file} did not come in {now_s - self._started_s:.0f} s (time-out {self._timeout_s:g} "
                    f"s); the newest file is {value or 'none'}. Look at the detector and at its disk.",
                    file=str(file),
                    newest=value,
                )
            )


class Image(Signal):
    """The datum id of a frame; describes the frame itself."""

    def describe(self) -> dict[str, Any]:
        """Describe an external (ny, nx) array of int32."""
        return {
            self.name: {
                "source": "file",
                "dtype": "array",
                "dtype_numpy": "<i4",
                "shape": list(SHAPE),
                "dims": ["y", "x"],
                "units": "counts",
                "external": "FILESTORE:",
            }
        }


class Frame(Device):
    """The image read from a plate: waits for the next file of the open folder and announces it as an external asset.

    Parameters
    ----------
    prefix : str
        Prefix of the driver (``SIM:LICS:RAXIS:cam1:``).
    name : str
        Name in documents; ``frame``.
    clock : ExperimentClock
        Judges the time-out.
    data_root : Path
        The data folder; documents carry paths relative to it, so that it can be moved.
    detector_root : str, optional
        The data folder as the detector's computer names it, where that differs.
    timeout_s : float
        Seconds of experiment that a file may take from ``trigger`` on; scan, erasure and swap take 135 s.

    Notes
    -----
    Which file comes next is decided by its number, counted from 0 in each folder: a file completed before ``trigger``
    is found, and an older one is never taken for it.
    """

    image = Cpt(Image, value="", kind=Kind.normal)
    path = Cpt(Signal, value="", kind=Kind.normal)
    sha256 = Cpt(Signal, value="", kind=Kind.normal)
    waited_s = Cpt(Signal, value=math.nan, kind=Kind.normal)
    plate = Cpt(Signal, value=NO_PLATE, kind=Kind.normal)
    file_path = Cpt(EpicsSignal, "FilePath", kind=Kind.omitted, string=True)
    file_name = Cpt(EpicsSignal, "FileName", kind=Kind.omitted, string=True)
    file_number = Cpt(EpicsSignal, "FileNumber", kind=Kind.omitted)
    file_template = Cpt(EpicsSignal, "FileTemplate", kind=Kind.omitted, string=True)
    auto_increment = Cpt(EpicsSignal, "AutoIncrement", kind=Kind.omitted, string=True)
    full_file_name = Cpt(EpicsSignalRO, "FullFileName_RBV", kind=Kind.omitted, string=True, auto_monitor=True)
    plate_read = Cpt(EpicsSignalRO, "PlateRead_RBV", kind=Kind.omitted, auto_monitor=True)
    read_wait_s = Cpt(EpicsSignalRO, "ReadWait_RBV", kind=Kind.omitted, auto_monitor=True)
    state = Cpt(EpicsSignalRO, "DetectorState_RBV", kind=Kind.omitted, string=True, auto_monitor=True)
    status_message = Cpt(EpicsSignalRO, "StatusMessage_RBV", kind=Kind.omitted, string=True)

    UNITS: ClassVar[Mapping[str, str]] = {"read_wait_s": "s"}

    def __init__(
        self,
        prefix: str = "",
        *,
        name: str,
        clock: ExperimentClock,
        data_root: Path,
        detector_root: str | None = None,
        timeout_s: float = 900.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(prefix, name=name, **kwargs)
        self.clock = clock
        self.data_root = data_root.resolve()
        self.detector_root = detector_root or str(self.data_root)
        self.timeout_s = timeout_s
        self._folder: PurePosixPath | None = None
        self._next = 0
        self._resource_uid = ""
        self._assets: deque[tuple[str, dict[str, Any]]] = deque()
        self._readout: dict[int, tuple[float, int]] = {}
        self.full_file_name.subscribe(self._note, run=True)

    def open_folder(self, folder: str | Path) -> None:
        """Let the detector write into `folder`, numbering from 0.

        Parameters
        ----------
        folder : str or Path
            Below the data folder, or absolute within it; made when it is not there. It must hold no plates yet.

        Raises
        ------
        DidNotSettle
            If the detector does not read back what it was told.
        FileExistsError
            If the folder already holds plate files: they would be taken for new ones.
        """
        path = (self.data_root / folder).resolve()
        below = PurePosixPath(path.relative_to(self.data_root).as_posix())
        path.mkdir(parents=True, exist_ok=True)
        if any(path.glob("*.osc")):
            raise FileExistsError(f"{path} already holds plate files. Give each run a folder of its own.")
        self._folder, self._next = below, 0
        self._readout.clear()
        self._new_resource()
        settings = {
            "file_path": self._as_detector_says(below),
            "file_name": "",
            "file_template": DETECTOR_TEMPLATE,
            "file_number": 0,
            "auto_increment": "Yes",
        }
        for attribute, wanted in settings.items():
            signal = getattr(self, attribute)
            try:
                signal.set(wanted).wait(PUT_WALL_S)
            except TimeoutError as error:
                raise DidNotSettle(
                    f"image plate detector was told {attribute} {wanted!r} and reads back {signal.get()!r}. Look there."
                ) from error

    def stage(self) -> list[Any]:
        """Begin a run: its first frame will announce the folder anew. A folder must be open."""
        self._require_folder()
        self._new_resource()
        return list(super().stage())

    def unstage(self) -> list[Any]:
        """End a run: what was not announced is not carried into the next."""
        self._assets.clear()
        return list(super().unstage())

    def trigger(self) -> StatusBase:
        """Wait for the next plate file, and compute its sha256; done when it can be announced.

        The status fails with `BadReading` when the detector is in Error or Aborting and the file is not there, and with
        `DidNotSettle` after ``timeout_s``. A file that stays shorter than a plate is announced with a warning: that
        point cannot be reduced until it is whole, and the others go on.
        """
        self._require_folder()
        number = self._next

        def steps(motion: Motion) -> None:
            try:
                motion.await_step(Arrival(self, number=number, timeout_s=self.timeout_s))
            except (BadReading, DidNotSettle):
                self._give_up(number)
                raise
            self._announce(number)

        return Motion(self, steps, what="plate file")

    def collect_asset_docs(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Give the resource (once a run) and the datum of each frame since the last call, for the event being read."""
        while self._assets:
            yield self._assets.popleft()

    def file(self, number: int) -> Path:
        """Path of the file of this number in the open folder."""
        return self.data_root / self._require_folder() / PLATE_TEMPLATE.format(number)

    def number_of(self, full_file_name: str) -> int | None:
        """Return the number of a file of the open folder, or None for any other name."""
        path = PurePosixPath(full_file_name)
        if self._folder is None or not full_file_name or not path.stem.isdigit():
            return None
        number = int(path.stem)
        expected = f"{self._as_detector_says(self._folder)}{PLATE_TEMPLATE.format(number)}"
        return number if full_file_name == expected else None

    def _require_folder(self) -> PurePosixPath:
        if self._folder is None:
            raise DidNotSettle("no plate folder is open: no file can be waited for. Call frame.open_folder(...) first.")
        return self._folder

    def _as_detector_says(self, below: PurePosixPath) -> str:
        return f"{PurePosixPath(self.detector_root) / below}/"

    def _new_resource(self) -> None:
        self._resource_uid = str(uuid.uuid4())
        resource = {
            "uid": self._resource_uid,
            "spec": PLATE_SPEC,
            "root": "",
            "resource_path": f"{self._require_folder()}/",
            "path_semantics": "posix",
            "resource_kwargs": {"template": PLATE_TEMPLATE, "chunk_shape": [1, *SHAPE]},
        }
        self._assets.clear()
        self._assets.append(("resource", resource))

    def _announce(self, number: int) -> None:
        file = self.file(number)
        self._wait_for_size(file)
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        waited_s, plate = self._readout_of(number)
        datum_id = f"{self._resource_uid}/{number}"
        self.image.put(datum_id)
        self.path.put(file.relative_to(self.data_root).as_posix())
        self.sha256.put(digest)
        self.waited_s.put(waited_s)
        self.plate.put(plate)
        datum = {"datum_id": datum_id, "resource": self._resource_uid, "datum_kwargs": {"point_number": number}}
        self._assets.append(("datum", datum))
        self._next = number + 1

    def _give_up(self, number: int) -> None:
        """Go on without the file of this number, leaving no gap where nothing else has been exposed since."""
        nothing_since = int(self.file_number.get()) <= number + 1 and self.state.get() in (*TROUBLE, "Idle")
        if nothing_since and not self.file(number).exists():
            self.file_number.put(number)
        else:
            self._next = number + 1
            logger.warning(
                "plate numbers of %s have a gap at %d: its catalog entry will lack frames", self._folder, number
            )

    def _wait_for_size(self, file: Path) -> None:
        give_up = time.monotonic() + SIZE_PATIENCE_WALL_S
        while file.stat().st_size < FILE_BYTES:
            if time.monotonic() > give_up:
                logger.warning(
                    "plate file %s holds %d bytes of %d: it is torn and cannot be reduced until it is whole",
                    file,
                    file.stat().st_size,
                    FILE_BYTES,
                )
                return
            time.sleep(0.1)

    def _readout_of(self, number: int) -> tuple[float, int]:
        waited_s, plate = float(self.read_wait_s.get(use_monitor=False)), int(self.plate_read.get(use_monitor=False))
        if self.number_of(self.full_file_name.get(use_monitor=False)) == number:
            return waited_s, plate
        if number in self._readout:
            return self._readout[number]
        logger.warning("nobody saw how long plate file %d waited: its fading cannot be corrected", number)
        return math.nan, NO_PLATE

    def _note(self, value: str, **_: Any) -> None:
        number = self.number_of(value)
        if number is not None and number not in self._readout:
            self._readout[number] = (float(self.read_wait_s.get()), int(self.plate_read.get()))
