"""The image read from a plate: which file it will be, when that file is there, and its announcement in the documents.

Which file belongs to which exposure is decided before the exposure, by the number the detector will give it, and is
checked against the plate it was read from: never by the order in which files come.
"""

from __future__ import annotations

import hashlib
import logging
import math
import time
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Final

from ophyd import Component as Cpt
from ophyd import Device, EpicsSignal, EpicsSignalRO, Kind, Signal
from ophyd.status import StatusBase

from lics_beamline.devices.alarm import asked_of
from lics_beamline.devices.clock import ExperimentClock
from lics_beamline.devices.control_layer import as_heard
from lics_beamline.devices.file_arrival import FileArrival
from lics_beamline.devices.image_plate import TROUBLE
from lics_beamline.devices.motion import Motion
from lics_beamline.devices.plate_file import (
    FILE_BYTES,
    NO_PLATE,
    PLATE_SHAPE,
    Expected,
    Folder,
    PlateFileReading,
    is_whole,
    resource_of,
)
from lics_beamline.errors import BadReading, DidNotSettle
from lics_beamline.journal.safe_name import inside
from lics_beamline.schema import PLATE_TEMPLATE

logger = logging.getLogger(__name__)

DETECTOR_TEMPLATE: Final = "%s%s%6.6d.osc"  # C style: path, name, number; makes PLATE_TEMPLATE with an empty name
PUT_WALL_S: Final = 60.0  # for a setting to read back; only a hang is caught, on a busy computer it took a second
STILL_HELD: Final = ("Exposed", "Scanning")  # states of a plate whose image is not lost
SIZE_PATIENCE_WALL_S: Final = 5.0  # for a network file system to show the whole file; a choice


class Image(Signal):
    """The datum id of a frame; describes the frame itself."""

    def describe(self) -> dict[str, Any]:
        """Describe an external (ny, nx) array of int32."""
        return {
            self.name: {
                "source": "file",
                "dtype": "array",
                "dtype_numpy": "<i4",
                "shape": list(PLATE_SHAPE),
                "dims": ["y", "x"],
                "units": "counts",
                "external": "FILESTORE:",
            }
        }


class Frame(Device):
    """The images read from plates: says which file comes, waits for it, announces it as an external asset.

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
        Seconds of experiment that a file may take from when it is waited for; scan, erasure and swap take 135 s.

    Notes
    -----
    With two plates overlapped: `expect` before the exposure, `arrival` when its plate is in the reader, and `announce`
    when that is done and an event may be written. With one at a time, ``trigger`` does it all for the next file.
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
    plate1_state = Cpt(EpicsSignalRO, "Plate1State_RBV", kind=Kind.omitted, string=True, auto_monitor=True)
    plate2_state = Cpt(EpicsSignalRO, "Plate2State_RBV", kind=Kind.omitted, string=True, auto_monitor=True)
    status_message = Cpt(EpicsSignalRO, "StatusMessage_RBV", kind=Kind.omitted, string=True)

    UNITS: ClassVar[Mapping[str, str]] = {"read_wait_s": "s"}
    VITAL: ClassVar[tuple[str, ...]] = ("state",)

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
        self.detector_root = as_heard(detector_root or str(self.data_root))
        self.timeout_s = timeout_s
        self._folders: dict[PurePosixPath, Folder] = {}
        self._folder: Folder | None = None
        self._next = 0
        self._unexpected = 0  # first number that no file has been expected by, in the folder that is open
        self._assets: deque[tuple[str, dict[str, Any]]] = deque()
        self._seen: dict[tuple[int, int], tuple[float, int]] = {}
        self._complete: dict[tuple[int, int], PlateFileReading] = {}
        self.full_file_name.subscribe(self._note, run=True)

    def open_folder(self, folder: str | Path) -> None:
        """Let the detector write into `folder`, numbering from 0. Plates still in the reader stay in theirs.

        Parameters
        ----------
        folder : str or Path
            Below the data folder, or absolute within it; made when it is not there. It must hold no plates yet.

        Raises
        ------
        DidNotSettle
            If the detector does not read back what it was told.
        UnsafeName
            If the folder lies outside the data folder.
        FileExistsError
            If the folder already holds plate files: they would be taken for new ones.
        """
        path = inside(self.data_root, folder, what="plate folder")
        below = PurePosixPath(path.relative_to(self.data_root).as_posix())
        path.mkdir(parents=True, exist_ok=True)
        if any(path.glob("*.osc")):
            raise FileExistsError(f"{path} already holds plate files. Give each run a folder of its own.")
        self._folder = Folder(below=below, order=len(self._folders), resource=resource_of(below))
        self._folders[below] = self._folder
        self._next = self._unexpected = 0
        self._tell(below, number=0)

    def _tell(self, below: PurePosixPath, *, number: int) -> None:
        """Tell the detector where to write, and from which number on."""
        for attribute, wanted in {**self._settings(below), "file_number": number}.items():
            signal = getattr(self, attribute)
            try:
                signal.set(wanted).wait(PUT_WALL_S)
            except TimeoutError as error:
                raise DidNotSettle(
                    f"image plate detector was told {attribute} {wanted!r} and reads back {signal.get()!r}. Look there."
                ) from error

    def _settings(self, below: PurePosixPath) -> dict[str, str]:
        """Return what the detector is told about a folder, but for the number of its next file."""
        return {
            "file_path": self._as_detector_says(below),
            "file_name": "",
            "file_template": DETECTOR_TEMPLATE,
            "auto_increment": "Yes",
        }

    def tell_again(self) -> Iterator[str]:
        """Tell a detector that has forgotten it where to write, and the number after all that were used.

        Its IOC may have been started again. Yields a sentence where it does not take it.
        """
        folder = self._folder
        if folder is None:
            return
        settings = self._settings(folder.below)
        if all(getattr(self, attribute).get(use_monitor=False) == wanted for attribute, wanted in settings.items()):
            return
        there = [int(path.stem) + 1 for path in (self.data_root / folder.below).glob("*.osc") if path.stem.isdigit()]
        number = max(self._unexpected, *there, 0)
        try:
            self._tell(folder.below, number=number)
        except DidNotSettle as error:
            yield str(error)
            return
        logger.warning("the detector had forgotten its folder: told again %s, from number %d", folder.below, number)

    def stage(self) -> list[Any]:
        """Begin a run: its first frame will announce the folder anew. A folder must be open."""
        self._require_folder()
        for folder in self._folders.values():
            folder.resource, folder.announced = resource_of(folder.below), False
        self._assets.clear()
        return list(super().stage())

    def unstage(self) -> list[Any]:
        """End a run: what was not announced is not carried into the next."""
        self._assets.clear()
        return list(super().unstage())

    def expect(self, *, plate: int = NO_PLATE) -> Expected:
        """Return the file that the next exposure will become, by the number the detector itself says.

        Parameters
        ----------
        plate : int
            Plate that is about to be exposed: the file is checked against it.
        """
        number = int(self.file_number.get(use_monitor=False))
        self._unexpected = max(self._unexpected, number + 1)
        return Expected(folder=self._require_folder(), number=number, plate=plate)

    def recall(self, below: PurePosixPath, *, plate: int) -> Expected:
        """Return the file that an earlier run of a sweep expected.

        Parameters
        ----------
        below : PurePosixPath
            Its path, below the data folder.
        plate : int
            Plate that was exposed for it.

        Raises
        ------
        UnsafeName
            If it lies outside the data folder.
        BadReading
            If it is no name of a plate file.
        """
        inside(self.data_root, str(below), what="plate file")
        if not below.stem.isdigit() or below.name != PLATE_TEMPLATE.format(int(below.stem)):
            raise BadReading(f"{below} is no name of a plate file ({PLATE_TEMPLATE.format(0)} is one).")
        folder = self._folders.get(below.parent)
        if folder is None:
            # Older than what has been opened: whatever comes in a folder of this session comes after it.
            order = min((one.order for one in self._folders.values()), default=0) - 1
            folder = self._folders[below.parent] = Folder(
                below=below.parent, order=order, resource=resource_of(below.parent)
            )
        return Expected(folder=folder, number=int(below.stem), plate=plate)

    def recovery(self, expected: Expected) -> StatusBase:
        """Wait for a plate file that an earlier run expected; done when it can be announced.

        The status fails with `BadReading` when the file is not there and its plate is not in the reader any more, and
        else as that of `arrival`.
        """

        def steps(motion: Motion) -> None:
            states = (self.plate1_state.get(use_monitor=False), self.plate2_state.get(use_monitor=False))
            is_held = expected.plate == NO_PLATE or states[expected.plate - 1] in STILL_HELD
            file = self.file(expected)
            if is_whole(file) or (file.is_file() and not is_held):
                self._complete_with(expected, file)
            elif is_held:
                self._receive(motion, expected)
            else:
                raise BadReading(
                    f"plate file {expected.below} is not there, and plate {expected.plate} is "
                    f"{states[expected.plate - 1]}: its image is lost.",
                    plate=expected.plate,
                )

        return Motion(self, steps, what="plate file of an earlier run")

    def arrival(self, expected: Expected) -> StatusBase:
        """Wait for a plate file, and compute its sha256; done when it can be announced.

        The status fails with `BadReading` when the file will never come or was read from another plate than the one
        exposed, and with `DidNotSettle` after ``timeout_s``. A file that stays shorter than a plate is taken with a
        warning: that point cannot be reduced until it is whole, and the others go on.
        """
        return Motion(self, lambda motion: self._receive(motion, expected), what="plate file")

    def announce(self, expected: Expected) -> None:
        """Take a file that has arrived for the event about to be read.

        Raises
        ------
        KeyError
            If it has not arrived.
        """
        reading = self._complete[expected.position]
        folder = expected.folder
        if not folder.announced:
            folder.announced = True
            self._assets.append(("resource", folder.resource))
        resource_uid = folder.resource["uid"]
        datum_id = f"{resource_uid}/{expected.number}"
        self.image.put(datum_id)
        self.path.put(str(expected.below))
        self.sha256.put(reading.sha256)
        self.waited_s.put(reading.waited_s)
        self.plate.put(reading.plate)
        datum = {"datum_id": datum_id, "resource": resource_uid, "datum_kwargs": {"point_number": expected.number}}
        self._assets.append(("datum", datum))

    def trigger(self) -> StatusBase:
        """Wait for the next plate file and take it for the event about to be read; fails as `arrival` does."""
        expected = Expected(folder=self._require_folder(), number=self._next)

        def steps(motion: Motion) -> None:
            try:
                self._receive(motion, expected)
            except (BadReading, DidNotSettle):
                self._give_up(expected)
                raise
            self.announce(expected)
            self._next = expected.number + 1

        return Motion(self, steps, what="plate file")

    def collect_asset_docs(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Give the resource (once a run) and the datum of each frame since the last call, for the event being read."""
        while self._assets:
            yield self._assets.popleft()

    def file(self, expected: Expected) -> Path:
        """Path of a plate file."""
        return self.data_root / expected.below

    def position_of(self, full_file_name: str) -> tuple[int, int] | None:
        """Return where a file stands among all that were opened for, or None for a name that is none of ours."""
        path = PurePosixPath(full_file_name)
        if not full_file_name or not path.stem.isdigit():
            return None
        try:
            below = path.relative_to(self.detector_root)
        except ValueError:
            return None
        folder, number = self._folders.get(below.parent), int(path.stem)
        if folder is None or below.name != PLATE_TEMPLATE.format(number):
            return None
        return folder.order, number

    def is_scanning(self, expected: Expected) -> bool:
        """Whether the plate of a file is being scanned, so that the file still comes whatever else is wrong."""
        states = (self.plate1_state.get(), self.plate2_state.get())
        if expected.plate == NO_PLATE:
            return "Scanning" in states
        return bool(states[expected.plate - 1] == "Scanning")

    def _receive(self, motion: Motion, expected: Expected) -> None:
        motion.await_step(FileArrival(self, expected, timeout_s=self.timeout_s))
        self._complete_with(expected, self.file(expected))

    def _complete_with(self, expected: Expected, file: Path) -> None:
        whole = self._wait_for_size(file)
        waited_s, plate = self._readout_of(expected)
        if NO_PLATE not in (plate, expected.plate) and plate != expected.plate:
            raise BadReading(
                f"plate file {expected.below} was read from plate {plate}, and plate {expected.plate} was exposed for "
                "it: it is another image. It is not joined to the point; look at both plates.",
                plate=plate,
                exposed_plate=expected.plate,
            )
        digest = hashlib.sha256(file.read_bytes()).hexdigest() if whole else ""
        self._complete[expected.position] = PlateFileReading(sha256=digest, waited_s=waited_s, plate=plate)

    def _require_folder(self) -> Folder:
        if self._folder is None:
            raise DidNotSettle("no plate folder is open: no file can be waited for. Call frame.open_folder(...) first.")
        return self._folder

    def _as_detector_says(self, below: PurePosixPath) -> str:
        return f"{PurePosixPath(self.detector_root) / below}/"

    def _give_up(self, expected: Expected) -> None:
        """Go on without a file, leaving no gap in the numbers where nothing else has been exposed since."""
        number = expected.number
        nothing_since = int(self.file_number.get()) <= number + 1 and self.state.get() in (*TROUBLE, "Idle")
        if nothing_since and not self.file(expected).exists():
            self.file_number.put(number)
        else:
            self._next = number + 1
            logger.warning(
                "plate numbers of %s have a gap at %d: its catalog entry will lack frames",
                expected.folder.below,
                number,
            )

    def _wait_for_size(self, file: Path) -> bool:
        """Wait until a file is as long as a plate; returns whether it is."""
        give_up = time.monotonic() + SIZE_PATIENCE_WALL_S
        while file.stat().st_size < FILE_BYTES:
            if time.monotonic() > give_up:
                logger.warning(
                    "plate file %s holds %d bytes of %d: it is torn and cannot be reduced until it is whole",
                    file,
                    file.stat().st_size,
                    FILE_BYTES,
                )
                return False
            time.sleep(0.1)
        return True

    def _readout_of(self, expected: Expected) -> tuple[float, int]:
        newest, waited_s, plate = (
            asked_of(signal) for signal in (self.full_file_name, self.read_wait_s, self.plate_read)
        )
        if None not in (newest, waited_s, plate) and self.position_of(newest) == expected.position:
            return float(waited_s), int(plate)
        if expected.position in self._seen:
            return self._seen[expected.position]
        logger.warning("nobody saw how long plate file %s waited: its fading cannot be corrected", expected.below)
        return math.nan, NO_PLATE

    def _note(self, value: str, **_: Any) -> None:
        position = self.position_of(value)
        if position is not None and position not in self._seen:
            self._seen[position] = (float(self.read_wait_s.get()), int(self.plate_read.get()))
