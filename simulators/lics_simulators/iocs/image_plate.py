"""PVs of the R-AXIS IV++ image plate, in the words of areaDetector's image-plate driver (ADmar345)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from caproto import AlarmSeverity

from lics_simulators.iocs.channels import choice, counter, indicator, long_text, reading, setting, whole_setting
from lics_simulators.iocs.instrument import InstrumentIOC
from lics_simulators.plate import osc
from lics_simulators.plate.counting import FrameArray
from lics_simulators.plate.exposure import Order, Scan
from lics_simulators.plate.frame import PlateModel
from lics_simulators.plate.reader import PlateReader
from lics_simulators.plate.scene import Light
from lics_simulators.plate.settings import PlateSettings, read_settings
from lics_simulators.plate.states import DetectorState, EraseMode
from lics_simulators.world import World

HC_KEV_ANGSTROM = 12.398419843320026  # h c, SI 2019
LONGEST_PATH = 256
PLATE_STATES = ("Ready", "Exposed", "Scanning", "Erasing")
DETECTOR_STATES = ("Idle", "Exposing", "Scanning", "Erasing", "Changing mode", "Aborting", "Error", "Waiting")
ERASE_MODES = ("None", "Before expose", "After scan")

Result = TypeVar("Result")


class ImagePlateIOC(InstrumentIOC):
    """``$(P)RAXIS:``.

    The put of Acquire completes when the plate has been exposed and moved into the reader, or when it never will be.
    Scanning, writing and erasing go on after that; ``FullFileName_RBV`` changes when the file is complete.

    Parameters
    ----------
    prefix : str
        Prefix of the beamline with its closing colon.
    world : World
        The world whose beam and sample the plates see.
    folder : Path
        ``FilePath`` until a client writes another.
    settings : PlateSettings or None
        The plate; None for the one that comes with the simulators.

    Attributes
    ----------
    reader : PlateReader
        The machine.
    tear_next : bool
        While true, files are cut short after they were announced, as by a failing disk.
    """

    SCAN_S = 0.0

    def __init__(self, prefix: str, *, world: World, folder: Path, settings: PlateSettings | None = None) -> None:
        super().__init__(f"{prefix}RAXIS:", world=world)
        self.settings = settings or read_settings(world.preset.plate)
        self.reader = PlateReader(
            self.settings.reader,
            flux=world.beam.flux,
            sample=world.sample_state,
            on_scanned=self._receive,
        )
        self.tear_next = False
        self._folder = folder
        self.taken = 0  # scans so far: keys their random draws
        self._at: Scan | None = None  # the scan whose file is being written
        self._scans: list[tuple[Scan, contextlib.ExitStack]] = []
        self._images: dict[int, FrameArray] = {}  # what each plate held last
        self._model: asyncio.Task[PlateModel] | None = None
        self._writing: asyncio.Task[None] | None = None
        self._finishing: list[asyncio.Future[None]] = []  # puts that wait for the exposing side
        world.steppers.append(self.reader.step)

    def jam(self, *, jammed: bool) -> None:
        """Let the changer of the plates jam, or free it."""
        self.reader.is_jammed = jammed

    def power_up(self) -> None:
        """Begin as after a power cut."""
        self.reader.power_up()

    def unwritten(self) -> list[Scan]:
        """Return the scans whose files are not complete, oldest first."""
        return [*([] if self._at is None else [self._at]), *(scan for scan, _ in self._scans)]

    def write_again(self, scans: list[Scan]) -> None:
        """Write the files of scans that an earlier process had not completed."""
        later, self._scans = self._scans, []
        for scan in scans:
            Path(scan.order.path).unlink(missing_ok=True)
            self._receive(scan)
        self._scans += later

    async def _put_acquire(self, instance: Any, value: str) -> str | None:
        if self.index(instance, value) == 0:
            self.reader.abort()
            return None
        if self.reader.is_taking:
            raise ValueError(f"{instance.pvname}: an exposure is under way. Wait until it is done, or abort.")
        try:
            path = self._next_path()
        except ValueError as error:
            self.reader.fail(str(error))
            await self.scan()
            return str(instance.enum_strings[0])
        number = int(self.FileNumber.value)
        self.reader.expose(
            Order(
                exposure_s=float(self.AcquireTime.value),
                path=str(path),
                frame=number,
                oscillation_deg=self.world.stage.oscillation_deg,
                omega_deg=self.world.stage.axes["omega"].position,
                erase_mode=EraseMode(ERASE_MODES.index(self.EraseMode.value)),
                erasures=int(self.NumErase.value),
            )
        )
        await instance.write(value, verify_value=False)
        await self._finished()
        if self.reader.has_delivered and self.AutoIncrement.value == "Yes":
            await self.FileNumber.write(number + 1, verify_value=False)
        return str(instance.enum_strings[0])

    async def _put_erase(self, instance: Any, value: str) -> str | None:
        if self.index(instance, value) == 0:
            return None
        self.reader.erase(int(self.NumErase.value))
        await instance.write(value, verify_value=False)
        await self._finished()
        return str(instance.enum_strings[0])

    async def _put_abort(self, instance: Any, value: str) -> str | None:
        if self.index(instance, value) == 0:
            return None
        self.reader.abort()
        await self._finished()
        return str(instance.enum_strings[0])

    async def _put_choice(self, instance: Any, value: str) -> None:
        self.index(instance, value)

    async def _put_resolution(self, instance: Any, value: str) -> None:
        if self.index(instance, value) != 1:
            raise ValueError(f"{instance.pvname} cannot be {value} um: this reader is simulated at 100 um only.")

    Acquire = choice("cam1:Acquire", ("Done", "Acquire"), doc="Expose a plate and pass it on", put=_put_acquire)
    AcquireTime = setting("cam1:AcquireTime", value=120.0, low=1.0, high=36000.0, precision=2, unit="s", doc="Exposure")
    TimeRemaining_RBV = reading("cam1:TimeRemaining_RBV", precision=1, unit="s", doc="Left of the exposure")
    DetectorState_RBV = indicator("cam1:DetectorState_RBV", DETECTOR_STATES, doc="State")
    StatusMessage_RBV = long_text(
        "cam1:StatusMessage_RBV", "ready", characters=LONGEST_PATH, doc="What happened last", read_only=True
    )
    Erase = choice("cam1:Erase", ("Done", "Erase"), doc="Erase the plate in use", put=_put_erase)
    EraseMode = choice("cam1:EraseMode", ERASE_MODES, value=2, doc="When plates are erased", put=_put_choice)
    NumErase = whole_setting("cam1:NumErase", value=1, low=1, high=10, doc="Erasures each time")
    ScanResolution = choice(
        "cam1:ScanResolution", ("50", "100", "200"), value=1, doc="Pixel size in um", put=_put_resolution
    )
    Abort = choice("cam1:Abort", ("Done", "Abort"), doc="Give up the exposure", put=_put_abort)
    PlateInUse_RBV = counter("cam1:PlateInUse_RBV", value=1, doc="Plate in the beam")
    Plate1State_RBV = indicator("cam1:Plate1State_RBV", PLATE_STATES, doc="Plate 1")
    Plate2State_RBV = indicator("cam1:Plate2State_RBV", PLATE_STATES, doc="Plate 2")
    FilePath = long_text("cam1:FilePath", "", characters=LONGEST_PATH, doc="Folder of the files")
    FileName = long_text("cam1:FileName", "", characters=LONGEST_PATH, doc="Start of the file name")
    FileNumber = whole_setting("cam1:FileNumber", value=0, low=0, high=999999, doc="Number of the next file")
    FileTemplate = long_text(
        "cam1:FileTemplate", "%s%s%6.6d.osc", characters=LONGEST_PATH, doc="Of path, name and number"
    )
    AutoIncrement = choice(
        "cam1:AutoIncrement", ("No", "Yes"), value=1, doc="Number rises with each plate", put=_put_choice
    )
    FullFileName_RBV = long_text(
        "cam1:FullFileName_RBV", "", characters=LONGEST_PATH, doc="Newest complete file", read_only=True
    )
    PlateRead_RBV = counter("cam1:PlateRead_RBV", doc="Plate of the newest file")
    ReadWait_RBV = reading("cam1:ReadWait_RBV", precision=2, unit="s", doc="Newest image waited for its scan")

    async def prepare(self) -> None:
        """Say where files go."""
        await self.FilePath.write(str(self._folder), verify_value=False)

    async def forget(self) -> None:
        """Lose folder and number of the files to come, and which file came last: nothing of it is kept by autosave."""
        await self.prepare()
        for channel, value in ((self.FileNumber, 0), (self.FullFileName_RBV, "")):
            await channel.write(value, verify_value=False)

    async def work(self) -> None:
        """See to it that what was scanned is written, and that who waits for the exposing side hears of its end."""
        if not self.reader.is_taking:
            for finishing in self._finishing:
                if not finishing.done():
                    finishing.set_result(None)
            self._finishing.clear()
        if self._model is None and self.reader.is_taking:  # two seconds of one core, which who takes no plate saves
            self._model = asyncio.create_task(_in_thread(self._make_model))
        if self._writing is not None and self._writing.done():
            self._writing.result()
            self._writing = None
        if self._writing is None and self._scans:
            self._writing = asyncio.create_task(self._write_scans())

    async def scan(self) -> None:
        """Show the machine."""
        reader = self.reader
        state = reader.state
        await self.show(self.TimeRemaining_RBV, reader.time_remaining_s)
        await self.show(self.PlateInUse_RBV, reader.plate_in_use)
        await self.show(self.Plate1State_RBV, reader.plates[0].state)
        await self.show(self.Plate2State_RBV, reader.plates[1].state)
        await self.show(self.StatusMessage_RBV, reader.message[: LONGEST_PATH - 1])
        await self.show(self.DetectorState_RBV, state)
        await self.warn(self.DetectorState_RBV, when=state is DetectorState.ERROR, severity=AlarmSeverity.MAJOR_ALARM)

    def _receive(self, scan: Scan) -> None:
        """Take over a scanned plate; the world's clock stands still until its file is there."""
        hold = contextlib.ExitStack()
        hold.enter_context(self.world.hold())
        self._scans.append((scan, hold))

    async def _finished(self) -> None:
        """Return when the exposing side has nothing more to do."""
        while self.reader.is_taking:
            finishing: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._finishing.append(finishing)
            await finishing
        await self.scan()

    def _next_path(self) -> Path:
        """Return the path of the file to come.

        Raises
        ------
        ValueError
            The template does not fit, the folder is missing or read-only, or the file is there already.
        """
        folder = Path(self.FilePath.value)
        template = self.FileTemplate.value
        try:
            path = Path(template % (f"{folder}{os.sep}", self.FileName.value, int(self.FileNumber.value)))
        except (TypeError, ValueError) as error:
            raise ValueError(f"FileTemplate {template!r}: {error}. It takes path, name and number.") from error
        if not path.parent.is_dir():
            raise ValueError(f"no folder {path.parent}. Make it, or write another FilePath.")
        if not os.access(path.parent, os.W_OK):
            raise ValueError(f"cannot write in {path.parent}. Change its permissions, or write another FilePath.")
        if path.exists():
            raise ValueError(f"{path.name} is there already and is not overwritten. Write another FileNumber.")
        return path

    async def _write_scans(self) -> None:
        """Write the files of all scans, in the order in which they came."""
        while self._scans:
            scan, hold = self._scans.pop(0)
            self._at = scan
            with hold:
                await self._write_scan(scan)
            self._at = None

    async def _write_scan(self, scan: Scan) -> None:
        if self._model is None:
            self._model = asyncio.create_task(_in_thread(self._make_model))
        model = await self._model
        number = self.taken
        path = Path(scan.order.path)
        try:
            await _in_thread(lambda: self._render(model, scan, number, path))
        except OSError as error:
            self.taken = number + 1
            self.reader.fail_reading(f"{path.name} was not written: {error.strerror}. The image is lost.")
            await self.scan()
            return
        self.world.truth.record(
            "plate",
            time_s=scan.scan_ended_s,
            file=path.name,
            path=str(path),
            plate=scan.plate,
            began_s=scan.began_s,
            ended_s=scan.ended_s,
            scan_began_s=scan.scan_began_s,
            scan_ended_s=scan.scan_ended_s,
            dose_counts=scan.dose_counts,
            oscillation_deg=scan.order.oscillation_deg,
            remaining=float(scan.remaining(1)[0]),
            ghost_share=scan.ghost_share,
            sample=asdict(scan.sample),
        )
        self.taken = number + 1
        await self.show(self.PlateRead_RBV, scan.plate)
        await self.show(self.ReadWait_RBV, scan.waited_s)
        await self.FullFileName_RBV.write(str(path), verify_value=False)

    def _make_model(self) -> PlateModel:
        return PlateModel(self.settings, HC_KEV_ANGSTROM / self.world.preset.beam.energy_kev)

    def _render(self, model: PlateModel, scan: Scan, number: int, path: Path) -> None:
        """Compute an image and write its file; runs in a thread."""
        order, full = scan.order, self.world.preset.beam.i0_cps * self.settings.exposure.seconds
        light = Light(
            sample=scan.sample,
            exposures=scan.dose_counts / full,
            oscillation_deg=order.oscillation_deg,
            omega_deg=order.omega_deg,
            dark_s=scan.dark_s,
            structures=self.world.structures,
        )
        stored = model.stored_counts(light, random=self.world.random, count=number)
        counts = model.read_counts(
            stored,
            remaining=scan.remaining(stored.shape[0]),
            ghost=self._images.get(scan.plate),
            ghost_share=scan.ghost_share,
        )
        self._images[scan.plate] = stored
        if path.exists():
            raise FileExistsError(17, "a file of this name is there already", str(path))
        osc.write(path, counts, self._header(scan))
        if self.tear_next:
            os.truncate(path, path.stat().st_size // 2)

    def _header(self, scan: Scan) -> osc.OscHeader:
        nominal, middle_s = self.settings.nominal, 0.5 * (scan.began_s + scan.ended_s)
        return osc.OscHeader(
            date=datetime.now().astimezone().strftime("%d-%b-%Y"),
            wavelength_angstrom=nominal.wavelength_angstrom,
            distance_mm=nominal.distance_mm,
            frame=scan.order.frame,
            exposure_minutes=(scan.ended_s - scan.began_s) / 60.0,
            beam_column_px=nominal.beam_column_px,
            beam_row_px=nominal.beam_row_px,
            oscillation_deg=scan.order.oscillation_deg,
            pixel_mm=self.settings.geometry.pixel_mm,
            plate=scan.plate,
            ratio=self.settings.recording.ratio,
            fading_start_minutes=(scan.scan_began_s - middle_s) / 60.0,
            fading_end_minutes=(scan.scan_ended_s - middle_s) / 60.0,
        )


async def _in_thread(compute: Callable[[], Result]) -> Result:
    """Run something slow in a thread that does not keep the process from ending."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()

    def settle(result: Result | None, error: BaseException | None) -> None:
        if future.cancelled():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def work() -> None:
        result: Result | None = None
        error: BaseException | None = None
        try:
            result = compute()
        except BaseException as raised:  # handed to whoever waits
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=work, name="plate", daemon=True).start()
    return await future
