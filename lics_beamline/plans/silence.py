"""Instruments that give no value: the sweep is held while there are any, and ended when it lasts too long."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Sequence
from typing import Any, Final

import bluesky.plan_stubs as bps
from bluesky.utils import MsgGenerator
from ophyd import Device
from ophyd.utils.errors import DisconnectedError

from lics_beamline.devices.alarm import NO_ANSWER, alarms_of, no_answer_in_words, silences
from lics_beamline.devices.beamline import Beamline
from lics_beamline.devices.reconnection import Reconnections
from lics_beamline.errors import LicsError, NotConnected, WrongUnit

log = logging.getLogger(__name__)

SILENT_WALL_S: Final = 300.0  # for which values are waited for, all held [s]: an IOC computer starts in two minutes
LOOK_S: Final = 0.2  # between two looks at what gives no value [s of wall clock]
SAID_PVS: Final = 4  # PVs named in a sentence
NO_READING: Final = (*NO_ANSWER, DisconnectedError)  # what a device raises that cannot be read


class Silence:
    """Says which instruments give no value, or other units or limits than before they were gone.

    Parameters
    ----------
    beamline : Beamline
        The devices.
    patience_s : float
        How long that may last [s of wall clock].
    """

    def __init__(self, beamline: Beamline, *, patience_s: float = SILENT_WALL_S) -> None:
        self._devices = beamline.devices()
        self._patience_s = patience_s
        self._reconnections = Reconnections(self._devices)
        self._since_s: float | None = None

    def __call__(self) -> str:
        """Return what is wrong now; empty where nothing is.

        Raises
        ------
        NotConnected
            If an instrument has given no value for too long.
        WrongUnit
            If one speaks other units or has other limits for so long.
        """
        silent = silences(self._devices)
        said = (*silent, *self._reconnections.findings())
        if not said:
            self._since_s = None
            return ""
        says = in_words(said)
        if self._since_s is None:
            self._since_s = time.monotonic()
        lasted_s = time.monotonic() - self._since_s
        if lasted_s > self._patience_s:
            leaf = NotConnected if silent else WrongUnit
            raise leaf(
                f"{says}: since {lasted_s:.0f} s of wall clock (patience {self._patience_s:g} s). Mend it first.",
                silent_s=lasted_s,
            )
        return says

    def close(self) -> None:
        """Watch no more."""
        self._reconnections.close()


class AlarmNote:
    """The alarms of a run as its events record them; told whenever they change."""

    def __init__(self) -> None:
        self._told = ""

    def of(self, beamline: Beamline) -> str:
        """Return the PVs in alarm now, each with its severity; empty for none."""
        says = alarms_of(beamline.devices())
        if says != self._told:
            self._told = says
            log.warning("in alarm: %s", says or "nothing any more")
        return says


def answered(beamline: Beamline, *, patience_s: float = SILENT_WALL_S) -> MsgGenerator[None]:
    """Wait until every instrument gives a value. A sweep is held meanwhile: it looks whenever something is waited for.

    Raises
    ------
    NotConnected
        If they do not in time; names the PVs.
    """
    since_s = time.monotonic()
    while said := silences(beamline.devices()):
        if time.monotonic() - since_s > patience_s:
            raise NotConnected(f"{in_words(said)}: since {patience_s:g} s of wall clock. Look at the IOC and its line.")
        yield from bps.wait(group=f"answer-{uuid.uuid4()}")
        yield from bps.sleep(LOOK_S)


def read_believed(*devices: Device) -> MsgGenerator[dict[str, Any]]:
    """Read devices into the event that is open, and give their values by field name; an old value is none.

    Raises
    ------
    NotConnected
        If one of them has no value; names the PVs. The event is to be dropped.
    """
    readings: dict[str, Any] = {}
    try:
        for device in devices:
            readings |= yield from bps.read(device)
    except NO_READING as error:
        raise _without_value(silences(devices) or (no_answer_in_words(error),)) from error
    said = silences(devices)
    if said:
        raise _without_value(said)
    return {name: reading["value"] for name, reading in readings.items()}


def _without_value(said: Sequence[str]) -> NotConnected:
    return NotConnected(f"{in_words(said)}. Nothing of it is recorded; look at its IOC and its line.")


def in_words(said: Sequence[str]) -> str:
    """Return what is said of several PVs as one sentence: the first few, and how many more there are."""
    more = f"; and {len(said) - SAID_PVS} more" if len(said) > SAID_PVS else ""
    return "; ".join(said[:SAID_PVS]) + more


def named(error: Exception) -> Exception:
    """Return an error of ours for what ophyd raises when nobody answers: it names the PV; others as they are."""
    if isinstance(error, NO_READING) and not isinstance(error, LicsError):
        return NotConnected(f"an instrument did not answer: {no_answer_in_words(error)}. Look at its IOC and its line.")
    return error
