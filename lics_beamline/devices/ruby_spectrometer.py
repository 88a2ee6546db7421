"""The ruby spectrometer: laser, lamp, reference ruby and a detector that speaks areaDetector's vocabulary."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from operator import eq
from typing import Any, ClassVar, Final

from ophyd import Component as Cpt
from ophyd import Device, EpicsSignal, EpicsSignalRO, Kind, Signal
from ophyd.status import StatusBase

from lics_beamline.devices.clock import ExperimentClock, WallClock
from lics_beamline.devices.limited_signal import LimitedSignal
from lics_beamline.devices.motion import Motion
from lics_beamline.errors import BadReading, DidNotSettle

READOUT_S: Final = 30.0  # read-out and transfer beyond the exposures themselves; a choice, far above any driver's
SWITCH_S: Final = 5.0  # for a laser or shutter to read back; a choice


class RubySpectrometer(Device):
    """Takes one spectrum at a trigger, and believes only a new one.

    Parameters
    ----------
    prefix : str
        Prefix of the spectrometer (``SIM:LICS:RUBY:``).
    name : str
        Name in documents; ``ruby``.
    clock : ExperimentClock
        Judges how long a spectrum may take.
    """

    spectrum = Cpt(EpicsSignalRO, "image1:ArrayData", kind=Kind.normal)
    wavelength_nm = Cpt(EpicsSignalRO, "Wavelength", kind=Kind.normal)
    unique_id = Cpt(EpicsSignalRO, "image1:UniqueId_RBV", kind=Kind.normal, auto_monitor=True)
    acquire_time_s = Cpt(LimitedSignal, "cam1:AcquireTime", kind=Kind.normal, auto_monitor=True)
    accumulations = Cpt(LimitedSignal, "cam1:NumAccumulations", kind=Kind.normal, auto_monitor=True)
    laser = Cpt(EpicsSignal, "Laser", kind=Kind.normal, string=True, auto_monitor=True)
    laser_power_mw = Cpt(LimitedSignal, "LaserPower", kind=Kind.normal, auto_monitor=True)
    shutter = Cpt(EpicsSignal, "Shutter", kind=Kind.normal, string=True, auto_monitor=True)
    laser_readback = Cpt(EpicsSignalRO, "Laser", kind=Kind.omitted, string=True, auto_monitor=True)
    shutter_readback = Cpt(EpicsSignalRO, "Shutter", kind=Kind.omitted, string=True, auto_monitor=True)
    lamp = Cpt(EpicsSignal, "Lamp", kind=Kind.normal, string=True, auto_monitor=True)
    ambient_ruby = Cpt(EpicsSignal, "AmbientRuby", kind=Kind.normal, string=True, auto_monitor=True)
    acquire = Cpt(EpicsSignal, "cam1:Acquire", kind=Kind.omitted, string=True, auto_monitor=True)
    state = Cpt(EpicsSignalRO, "cam1:DetectorState_RBV", kind=Kind.omitted, string=True, auto_monitor=True)
    array_counter = Cpt(EpicsSignalRO, "cam1:ArrayCounter_RBV", kind=Kind.omitted)
    wait_for_plugins = Cpt(EpicsSignal, "cam1:WaitForPlugins", kind=Kind.config, string=True)
    enable_callbacks = Cpt(EpicsSignal, "image1:EnableCallbacks", kind=Kind.config, string=True)

    UNITS: ClassVar[Mapping[str, str]] = {
        "wavelength_nm": "nm",
        "acquire_time_s": "s",
        "laser_power_mw": "mW",
    }

    STATES: ClassVar[Mapping[str, tuple[tuple[str, ...], ...]]] = {
        "laser": (("Off",), ("On",)),
        "shutter": (("Closed",), ("Open",)),
        "acquire": (("Done",), ("Acquire",)),
    }
    VITAL: ClassVar[tuple[str, ...]] = ("unique_id", "state", "laser_readback", "shutter_readback")

    def __init__(self, prefix: str = "", *, name: str, clock: ExperimentClock, **kwargs: Any) -> None:
        super().__init__(prefix, name=name, **kwargs)
        self.clock = clock
        self.stage_sigs = {"wait_for_plugins": "Yes", "enable_callbacks": "Enable"}
        self._acquisition: Motion | None = None

    def trigger(self) -> StatusBase:
        """Take one spectrum; done when the detector is done and the spectrum is a new one.

        The status fails with `BadReading` when the detector is done and the spectrum still the old one.
        """
        seconds = float(self.acquire_time_s.get()) * int(self.accumulations.get()) + READOUT_S
        # An IOC that is started again counts from 0: a lower id is no new spectrum.
        before = int(self.unique_id.get(use_monitor=False))

        def steps(motion: Motion) -> None:
            motion.write(self.acquire, "Acquire")
            try:
                self._await(motion, self.unique_id, lambda now: int(now) > before, "ruby spectrum", "a new id", seconds)
            except DidNotSettle as error:
                raise BadReading(
                    f"ruby spectrometer gave no new spectrum in {seconds:g} s: its id is still {before} and the "
                    f"detector is {self.state.get()}. Enable the callbacks of image1, or look at the driver.",
                    reason="old spectrum",
                    unique_id=before,
                ) from error
            self._await(motion, self.acquire, lambda now: now == "Done", "ruby spectrometer", "Done", READOUT_S)

        self._acquisition = Motion(self, steps, what="ruby spectrum", hold=lambda: self.acquire.put("Done"))
        return self._acquisition

    def laser_on(self) -> StatusBase:
        """Switch the laser on and open its shutter, verified by read-back."""
        return self._switch({"laser": "On", "shutter": "Open"}, self.clock)

    def laser_off(self) -> StatusBase:
        """Close the shutter and switch the laser off, verified by read-back."""
        return self._switch({"shutter": "Closed", "laser": "Off"}, self.clock)

    def make_safe(self) -> StatusBase:
        """Laser off, also while the world's clock stands still."""
        return self._switch({"shutter": "Closed", "laser": "Off"}, WallClock())

    def stop(self, *, success: bool = False) -> None:
        """End an acquisition under way; laser and lamps stay as they are."""
        if self._acquisition is not None:
            self._acquisition.end("stopped")

    def _switch(self, wanted: Mapping[str, str], clock: ExperimentClock) -> StatusBase:
        def steps(motion: Motion) -> None:
            for attribute, position in wanted.items():
                motion.write(getattr(self, attribute), position)
                read_back = getattr(self, f"{attribute}_readback")
                self._await(motion, read_back, partial(eq, position), f"ruby {attribute}", position, SWITCH_S, clock)

        return Motion(self, steps, what="ruby laser")

    def _await(
        self,
        motion: Motion,
        signal: Signal,
        agrees: Callable[[Any], bool],
        what: str,
        wanted: str,
        patience_s: float,
        clock: ExperimentClock | None = None,
    ) -> None:
        motion.read_back(
            signal,
            agrees,
            clock=clock or self.clock,
            patience_s=patience_s,
            what=what,
            wanted=wanted,
        )
