"""The set of instruments of one beamline: connect them and say what is wrong, make them safe, let them go."""

from __future__ import annotations

import contextlib
import logging
import re
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from ophyd import Device, get_cl
from ophyd.signal import EpicsSignalBase

from lics_beamline.devices.alarm import NO_ANSWER, no_answer_in_words
from lics_beamline.devices.beam import Beam
from lics_beamline.devices.clock import ExperimentClock
from lics_beamline.devices.frame import Frame
from lics_beamline.devices.heater import Heater
from lics_beamline.devices.image_plate import ImagePlate
from lics_beamline.devices.membrane import Membrane
from lics_beamline.devices.ruby_spectrometer import RubySpectrometer
from lics_beamline.devices.stage import Stage
from lics_beamline.devices.thermocouples import Thermocouples
from lics_beamline.devices.update_order import keep_in_ophyd
from lics_beamline.devices.watchdog import Watchdog
from lics_beamline.errors import DidNotSettle, LicsError, NotConnected, OutsideEnvelope, WrongUnit

logger = logging.getLogger(__name__)
keep_in_ophyd()

SAFE_WALL_S: Final = 60.0  # longest that making safe may take: all attempts of the slowest device, and spare

DEAD_PVS_NAMED: Final = 4  # dead PVs named in a sentence; the report names all
CONNECTION_LOOK_S: Final = 2.0  # between two looks at which PVs have answered [s]; one busy computer took 1 s
NOBODY_THERE_S: Final = 6.0  # without any answer [s], after which there is no beamline to wait for
ANSWER_S: Final = 10.0  # for an instrument to answer when it is asked [s]: ten times what a busy computer needed
CALLBACK_THREADS: Final = ("metadata", "monitor", "get_put")  # of ophyd, by either control layer
EGU_CHARACTERS: Final = 7  # of a unit that Channel Access carries (EPICS base, MAX_UNITS_SIZE less its end)
CELSIUS: Final = re.compile("deg(rees?)? ?c(elsius)?|celsius|\N{DEGREE SIGN} ?c")  # names of the degree in lower case
QUIET_S: Final = 1.0  # how long an instrument may take to answer the last question [s]; it takes milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Beamline:
    """The instruments a plan may use.

    Parameters
    ----------
    clock : ExperimentClock
        Time of the experiment.
    membrane : Membrane
        Load of the cell.
    heater : Heater
        Temperature of the cell.
    thermocouples : Thermocouples
        Gasket, cell body, membrane and room.
    ruby : RubySpectrometer
        Pressure, by fluorescence.
    plate, frame : ImagePlate, Frame
        Exposures, and the images read from the plates.
    beam : Beam
        X-rays.
    stage : Stage
        Motors that move the cell.
    watchdog : Watchdog or None
        What makes safe when nobody lives to do so; None where no PVs tell of one.
    """

    clock: ExperimentClock
    membrane: Membrane
    heater: Heater
    thermocouples: Thermocouples
    ruby: RubySpectrometer
    plate: ImagePlate
    frame: Frame
    beam: Beam
    stage: Stage
    watchdog: Watchdog | None = None

    def devices(self) -> tuple[Device, ...]:
        """Every ophyd device of the set; a wall clock is none."""
        values = (getattr(self, field.name) for field in fields(self))
        return tuple(value for value in values if isinstance(value, Device))


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Findings of an attempt to connect.

    Parameters
    ----------
    alive, dead : tuple of str
        PVs that answer, and that do not.
    not_connected, wrong_units, missing_limits : tuple of str
        Findings, each a sentence.
    """

    alive: tuple[str, ...]
    dead: tuple[str, ...]
    not_connected: tuple[str, ...]
    wrong_units: tuple[str, ...]
    missing_limits: tuple[str, ...]

    @property
    def findings(self) -> tuple[str, ...]:
        """All findings."""
        return self.not_connected + self.wrong_units + self.missing_limits

    @property
    def ready(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def be_patient() -> None:
    """Let signals that are made from now on wait longer for an answer: a busy computer is late, and nothing is lost.

    ophyd's own limit is 2 s, and can only be changed before the first signal of a process is made.
    """
    with contextlib.suppress(RuntimeError):
        EpicsSignalBase.set_defaults(timeout=ANSWER_S)


def connect(beamline: Beamline, timeout_s: float = 30.0, *, strict: bool = True) -> Report:
    """Wait until the instruments answer, and compare their units and limits with what is declared.

    Parameters
    ----------
    beamline : Beamline
        The instruments.
    timeout_s : float
        Wall-clock seconds without another answer, after which the others are dead: a busy machine is waited for. Where
        nothing at all answers, `NOBODY_THERE_S` are enough.
    strict : bool
        Raise on findings; otherwise only report.

    Raises
    ------
    NotConnected
        If a PV does not answer; names them all.
    WrongUnit
        If an instrument speaks another unit than declared.
    OutsideEnvelope
        If a quantity that can be set has no limits.
    """
    waited_s = _wait_for(beamline, timeout_s)
    alive: list[str] = []
    dead: list[str] = []
    not_connected: list[str] = []
    for device in beamline.devices():
        missing = []
        for signal in pvs(device):
            names = pv_names(signal)
            try:
                signal.wait_for_connection(timeout=timeout_s if signal.connected else 0.001)
            except TimeoutError:
                missing += names
            else:
                alive += names
        if missing:
            first, more = ", ".join(missing[:DEAD_PVS_NAMED]), len(missing) - DEAD_PVS_NAMED
            not_connected.append(
                f"{device.name}: {len(missing)} PVs do not answer within {waited_s:g} s: {first}"
                f"{f' and {more} more' if more > 0 else ''}. {_remedy(device, missing)}"
            )
        dead += missing
    reachable = [device for device in beamline.devices() if all(signal.connected for signal in pvs(device))]
    report = Report(
        alive=tuple(alive),
        dead=tuple(dead),
        not_connected=tuple(not_connected),
        wrong_units=tuple(finding for device in reachable for finding in wrong_units(device)),
        missing_limits=tuple(finding for device in reachable for finding in missing_limits(device)),
    )
    for finding in report.findings:
        logger.warning("%s", finding)
    if strict and not report.ready:
        leaf = NotConnected if report.not_connected else WrongUnit if report.wrong_units else OutsideEnvelope
        raise leaf("\n".join(report.findings), findings=report.findings, report=report)
    return report


def _remedy(device: Device, missing: Sequence[str]) -> str:
    """Return what to do about PVs that do not answer: all that is missing may be what stock supports have not."""
    suffixes = {name.removeprefix(device.prefix) for name in missing}
    optional = {name for suffix in getattr(device, "OPTIONAL", {}) for name in (suffix, f"{suffix}_RBV")}
    if not suffixes <= optional:
        return "Start the IOC, or mend prefix and network."
    return f"Add them to the IOC, or say {device.name}.absent in profile.toml and what is then not guarded is told."


def _wait_for(beamline: Beamline, timeout_s: float) -> float:
    """Wait until every PV answers, or none more for so long; return for how long that was [s]."""
    waiting = [signal for device in beamline.devices() for signal in pvs(device)]
    patience_s, last = min(timeout_s, NOBODY_THERE_S), time.monotonic()
    while waiting and time.monotonic() - last < patience_s:
        with contextlib.suppress(TimeoutError):
            waiting[0].wait_for_connection(timeout=min(CONNECTION_LOOK_S, timeout_s))
        left = [signal for signal in waiting if not signal.connected]
        if len(left) < len(waiting):
            patience_s, last = timeout_s, time.monotonic()
        waiting = left
    return patience_s


def pvs(device: Device) -> Iterator[EpicsSignalBase]:
    """Every EPICS signal of a device and of its parts."""
    for walk in device.walk_signals(include_lazy=True):
        if isinstance(walk.item, EpicsSignalBase):
            yield walk.item


def pv_names(signal: EpicsSignalBase) -> list[str]:
    """Names of the PVs a signal reads and writes: one, or two."""
    return sorted({signal.pvname, getattr(signal, "setpoint_pvname", signal.pvname)})


def wrong_units(device: Device) -> Iterator[str]:
    """Sentences about each unit, setting and name of a state that is not the one declared.

    An empty EGU says nothing and is not judged.
    """
    for attribute, declared in getattr(device, "UNITS", {}).items():
        signal = getattr(device, attribute)
        said = str(signal.metadata.get("units") or "").strip()
        if said and not _is_same_unit(said, declared):
            yield (
                f"{signal.pvname} says its unit is {said!r}; the profile declares {declared!r}. Set the instrument to "
                f"{declared}, or its EGU field right."
            )
    for attribute, declared in getattr(device, "SAYS", {}).items():
        signal = getattr(device, attribute)
        said = str(signal.get()).strip()
        if getattr(device, "SYNONYMS", {}).get(said, said).casefold() != declared.casefold():
            yield f"{signal.pvname} says {said!r}; declared is {declared!r}. Set the instrument to {declared}."
    for attribute, states in getattr(device, "STATES", {}).items():
        signal = getattr(device, attribute)
        there = getattr(signal, "enum_strs", None) or ()  # a PV of texts has no names of states, nor has one absent
        lacking = [" or ".join(map(repr, names)) for names in states if there and not set(names) & set(there)]
        if lacking:
            yield (
                f"{signal.pvname} has no state {' nor '.join(lacking)}, only {', '.join(map(repr, there))}. Name the "
                "states of the record so (ZNAM, ONAM, ZRST ...)."
            )


def _is_same_unit(said: str, declared: str) -> bool:
    """Whether two units are one, in upper or lower case, and by any of the names that a degree Celsius has."""
    short = CELSIUS.sub("c", said.casefold())
    wanted = declared.casefold()
    return short == wanted or (len(said) >= EGU_CHARACTERS and wanted.startswith(short))


def missing_limits(device: Device) -> Iterator[str]:
    """Sentences about each quantity that a plan may move and nothing limits."""
    for limits in ("bounds", "slew_bounds"):
        if hasattr(device, limits):
            try:
                getattr(device, limits)()
            except OutsideEnvelope as error:
                yield str(error)


def make_safe(beamline: Beamline) -> None:
    """Hold the gas, bring the heater down, close the shutter; each verified, each tried whatever the others do.

    Raises
    ------
    DidNotSettle
        After all have been tried: what could not be made safe, one sentence each.
    """
    failures: list[str] = []
    begun = []
    for device in (beamline.membrane, beamline.heater, beamline.beam):
        try:
            begun.append((device, device.make_safe()))
        except (LicsError, *NO_ANSWER) as error:
            failures.append(f"{device.name}: {no_answer_in_words(error)}")
    beamline.clock.release()  # a simulated world may be waiting for an engine that hangs, or that waits here
    deadline = time.monotonic() + SAFE_WALL_S
    for device, status in begun:
        try:
            status.wait(timeout=max(deadline - time.monotonic(), 0.05))
        except (LicsError, *NO_ANSWER) as error:
            failures.append(f"{device.name}: {no_answer_in_words(error)}")
        else:
            logger.info("%s is safe", device.name)
    if failures:
        raise DidNotSettle("could not make safe: " + " ".join(failures), failures=tuple(failures))
    _disarm(beamline)


def _disarm(beamline: Beamline) -> None:
    """Ask for no signs of life once all is safe; a watchdog that does not hear trips over a safe beamline."""
    if beamline.watchdog is None:
        return
    try:
        beamline.watchdog.disarm().wait(timeout=SAFE_WALL_S)
    except (LicsError, *NO_ANSWER) as error:
        logger.warning("all is safe, but the watchdog is armed still and will trip: %s", no_answer_in_words(error))


def disconnect(beamline: Beamline) -> None:
    """Let all PVs go and close the connections that nobody else uses; devices made afterwards connect anew.

    A caproto client that ends while monitors still arrive prints tracebacks of its threads, and ophyd's ``destroy``
    leaves the monitors on; a circuit that is closed while its thread is at work on what has arrived prints some as
    well. So monitors are cancelled first; once a question asked after that is answered nothing is under way, and the
    circuits are closed and their channels forgotten. The context stays: a process has only one.
    """
    ours = {name for device in beamline.devices() for signal in pvs(device) for name in pv_names(signal)}
    for device in beamline.devices():
        device.destroy()
    if get_cl().name == "caproto":
        from caproto.threading.pyepics_compat import PV

        context = PV.default_context()
        for circuit in list(context.circuit_managers.values()):
            channels = list(circuit.pvs.values())
            if all(channel.name in ours for channel in channels):
                if channels and not circuit.dead.is_set():
                    _let_fall_silent(context, circuit, channels)
                circuit.disconnect()
                for channel in channels:
                    context.pvs.pop((channel.name, channel.priority), None)
    _finish_callbacks()


def _let_fall_silent(context: Any, circuit: Any, channels: Sequence[Any]) -> None:
    """Cancel the monitors of a circuit, and wait until nothing of them is under way any more."""
    from caproto import CaprotoError

    from lics_beamline.devices.lasting_context import LastingContext

    if isinstance(context, LastingContext):
        context.cancel_monitors(circuit)
    for subscription in list(circuit.subscriptions.values()):
        subscription.clear()
    with contextlib.suppress(CaprotoError, OSError):  # who does not answer any more sends nothing either
        channels[0].read(timeout=QUIET_S)


def _finish_callbacks() -> None:
    """Wait until ophyd's threads have dealt with what had arrived."""
    dispatcher, finished = get_cl().get_dispatcher(), []
    for name in CALLBACK_THREADS:
        finished.append(threading.Event())
        dispatcher.get_thread_context(name).run(finished[-1].set)
    for event in finished:
        event.wait(QUIET_S)
