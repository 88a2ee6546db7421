"""The image plates: a Rigaku R-AXIS IV++ exposes one of its two plates while it reads and erases the other.

`ImagePlate` exposes; `Frame` (``frame.py``) announces the file of a plate once it has been read. They are two readables
because they are read at different times, into different streams.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from ophyd import Component as Cpt
from ophyd import Device, EpicsSignal, EpicsSignalRO, Kind
from ophyd.status import StatusBase

from lics_beamline.devices.clock import ExperimentClock
from lics_beamline.devices.limited_signal import LimitedSignal
from lics_beamline.devices.motion import Motion
from lics_beamline.devices.settling import Watched
from lics_beamline.errors import BadReading, DidNotSettle

TROUBLE: Final = ("Error", "Aborting")
TAKING: Final = ("Exposing", "Waiting", "Changing mode", "Aborting")  # an exposure is under way, to the swap of plates
ABORT_S: Final = 60.0  # for an exposure to be given up; a choice, far above the seconds it takes


def trouble(detector: Device, what: str) -> BadReading:
    """Return the detector's trouble as an error, in its own words."""
    state, message = detector.state.get(), detector.status_message.get()
    return BadReading(
        f"{what}: the image plate detector is in {state}: {message or 'it says nothing more'}. Look at the detector "
        "before exposing again.",
        state=state,
        detector_says=message,
    )


class Completion(Watched):
    """Done when the detector has completed a command; fails when it reports trouble.

    Parameters
    ----------
    plate : ImagePlate
        The detector.
    timeout_s : float
        Seconds of experiment after which waiting ends.
    what : str
        The command, in messages.
    """

    def __init__(self, plate: ImagePlate, *, timeout_s: float, what: str) -> None:
        super().__init__(plate, clock=plate.clock, signal=plate.state, what=what)
        self._plate = plate
        self._timeout_s = timeout_s
        self._put_completed = False
        self._was_well = False  # an error left from before is no verdict on this command
        self.begin()

    def completed(self, **_: Any) -> None:
        """Note that the detector has completed the command."""
        self._put_completed = True

    def judge(self, value: str, now_s: float) -> None:
        """Decide from the state of the detector."""
        self._was_well = self._was_well or value not in TROUBLE
        if value in TROUBLE and (self._was_well or self._put_completed):
            self.end(trouble(self._plate, f"{self.what} failed"))
        elif self._put_completed:
            self.succeed()
        elif now_s - self._started_s > self._timeout_s:
            self.end(
                DidNotSettle(
                    f"{self.what} is not over after {now_s - self._started_s:.0f} s (time-out "
                    f"{self._timeout_s:.0f} s); the detector is {value}. Look at the detector.",
                    state=value,
                )
            )


class ImagePlate(Device):
    """The detector as an exposing instrument (verbs of areaDetector's ADmar345).

    Parameters
    ----------
    prefix : str
        Prefix of the driver (``SIM:LICS:RAXIS:cam1:``).
    name : str
        Name in documents; ``plate``.
    clock : ExperimentClock
        Judges the time-out.
    overhead_s : float
        Seconds of experiment an exposure may last beyond its own time: waiting for the other plate, and the swap.
    """

    exposure_s = Cpt(LimitedSignal, "AcquireTime", kind=Kind.normal, auto_monitor=True)
    plate_in_use = Cpt(EpicsSignalRO, "PlateInUse_RBV", kind=Kind.normal, auto_monitor=True)
    state = Cpt(EpicsSignalRO, "DetectorState_RBV", kind=Kind.omitted, string=True, auto_monitor=True)
    time_remaining_s = Cpt(EpicsSignalRO, "TimeRemaining_RBV", kind=Kind.omitted, auto_monitor=True)
    plate1_state = Cpt(EpicsSignalRO, "Plate1State_RBV", kind=Kind.omitted, string=True, auto_monitor=True)
    plate2_state = Cpt(EpicsSignalRO, "Plate2State_RBV", kind=Kind.omitted, string=True, auto_monitor=True)
    status_message = Cpt(EpicsSignalRO, "StatusMessage_RBV", kind=Kind.omitted, string=True)
    acquire = Cpt(EpicsSignal, "Acquire", kind=Kind.omitted, put_complete=True, string=True)
    abort_command = Cpt(EpicsSignal, "Abort", kind=Kind.omitted, string=True)
    erase_command = Cpt(EpicsSignal, "Erase", kind=Kind.omitted, put_complete=True, string=True)
    erase_mode = Cpt(EpicsSignal, "EraseMode", kind=Kind.config, string=True)
    erasures = Cpt(EpicsSignal, "NumErase", kind=Kind.config)
    resolution_um = Cpt(EpicsSignal, "ScanResolution", kind=Kind.config, string=True)

    UNITS: ClassVar[Mapping[str, str]] = {"exposure_s": "s", "time_remaining_s": "s"}
    SAYS: ClassVar[Mapping[str, str]] = {"resolution_um": "100"}
    STATES: ClassVar[Mapping[str, tuple[tuple[str, ...], ...]]] = {
        "acquire": (("Acquire",),),
        "abort_command": (("Abort",),),
    }
    VITAL: ClassVar[tuple[str, ...]] = ("state", "plate_in_use")

    def __init__(
        self, prefix: str = "", *, name: str, clock: ExperimentClock, overhead_s: float = 900.0, **kwargs: Any
    ) -> None:
        super().__init__(prefix, name=name, **kwargs)
        self.clock = clock
        self.overhead_s = overhead_s
        self._exposure: Motion | None = None

    def trigger(self) -> StatusBase:
        """Expose a plate for ``exposure_s``; done when it has been exposed and moved to the reader.

        The status fails with `BadReading`, carrying the detector's own message, when it goes to Error or Aborting.
        Scanning and erasing go on afterwards; the file is announced by `Frame`.
        """
        timeout_s = float(self.exposure_s.get()) + self.overhead_s
        self._exposure = self._commanded(self.acquire, "Acquire", timeout_s=timeout_s, what="exposure of a plate")
        return self._exposure

    expose = trigger

    def erase(self) -> StatusBase:
        """Erase the plate in use; done when it may be exposed. Fails as ``trigger`` does."""
        return self._commanded(self.erase_command, "Erase", timeout_s=self.overhead_s, what="erasure of a plate")

    def abort(self) -> StatusBase:
        """Give up an exposure under way; done when the detector rests. Its plate is to be erased before the next."""

        def steps(motion: Motion) -> None:
            motion.write(self.abort_command, "Abort")
            motion.read_back(
                self.state,
                lambda state: state not in TAKING,
                clock=self.clock,
                patience_s=ABORT_S,
                what="exposure of a plate",
                wanted="its end",
            )

        if self._exposure is not None:
            self._exposure.end("aborted")
        return Motion(self, steps, what="abort of an exposure")

    def stop(self, *, success: bool = False) -> None:
        """Abort an exposure under way; scanning and erasing of the other plate are left alone when none is."""
        if self._exposure is not None and not self._exposure.done:
            self._exposure.end("stopped")
            self.abort_command.put("Abort")

    def _commanded(self, command: EpicsSignal, value: str, *, timeout_s: float, what: str) -> Motion:
        def steps(motion: Motion) -> None:
            completion = Completion(self, timeout_s=timeout_s, what=what)
            motion.write(command, value, callback=completion.completed)
            motion.await_step(completion)
            if self.state.get(use_monitor=False) in TROUBLE:  # the answer to the put may overtake the monitor
                raise trouble(self, f"{what} failed")

        return Motion(self, steps, what=what)
