"""The value of a PV, or none: a PV that is disconnected, or whose instrument does not answer its IOC, has no value.

An IOC that loses an instrument (a serial line, a socket) keeps the last value and sets the severity INVALID. That value
is an old one and is believed nowhere. MINOR and MAJOR say that the value is right and something is not well: they are
told, and recorded in the events.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ophyd import Device

UNDEFINED_STATUS: Final = 17  # alarm status UDF of EPICS base: a record not processed since its IOC was started
NO_ANSWER: Final = (TimeoutError, ConnectionError)  # what a signal raises that nobody answers for
CAPROTO_PV: Final = re.compile(r"<PV name='([^']*)'[^>]*>")  # how caproto's client speaks of a PV that is not there


class Severity(IntEnum):
    """Severity of an alarm, in the order of EPICS."""

    NO_ALARM = 0
    MINOR = 1
    MAJOR = 2
    INVALID = 3


def severity_of(signal: Any) -> Severity:
    """Return the severity of a monitored signal; that of the PV behind it where it is derived from one."""
    said = epics_signal(signal).metadata.get("severity")
    return Severity.NO_ALARM if said is None else Severity(int(said))


def is_undefined(signal: Any) -> bool:
    """Whether the record behind a signal has had no value yet since its IOC was started; then it is INVALID as well."""
    invalid = severity_of(signal) is Severity.INVALID
    return invalid and epics_signal(signal).metadata.get("status") == UNDEFINED_STATUS


def is_believable(signal: Any) -> bool:
    """Whether a monitored signal is connected, and its instrument answers the IOC."""
    return bool(signal.connected) and severity_of(signal) is not Severity.INVALID


def value_of(signal: Any) -> Any:
    """Return what a monitored signal says now; None where it has no value: disconnected, or INVALID."""
    if not is_believable(signal):
        return None
    try:
        return signal.get()
    except NO_ANSWER:
        return None


def asked_of(signal: Any) -> Any:
    """Return what a signal says when the IOC is asked anew; None where that, or its monitor, says it has no value."""
    if not is_believable(signal):
        return None
    try:
        value = signal.get(use_monitor=False)
    except NO_ANSWER:
        return None
    return value if is_believable(signal) and _answered_severity(signal) is not Severity.INVALID else None


def _answered_severity(signal: Any) -> Severity:
    """Return the severity in the last answer to a question about a signal; of a signal without a PV its own."""
    known = getattr(getattr(epics_signal(signal), "_read_pv", None), "_args", None)
    if known is None:
        return severity_of(signal)
    said = getattr(known, "answered_severity", known.get("severity"))  # pyepics writes an answer over what was known
    return Severity.NO_ALARM if said is None else Severity(int(said))


def epics_signal(signal: Any) -> Any:
    """Return the signal of the PV that a signal shows, itself or the one it is derived from."""
    while (behind := getattr(signal, "derived_from", None)) is not None:
        signal = behind
    return signal


def name_of(signal: Any) -> str:
    """Return the name of the PV behind a signal; its own where it has none."""
    found = epics_signal(signal)
    return str(getattr(found, "pvname", None) or found.name)


def silence_of(signal: Any) -> str:
    """Return why a signal has no value, naming its PV; empty where it has one."""
    if not signal.connected:
        return f"{name_of(signal)} is disconnected"
    if is_undefined(signal):
        return f"{name_of(signal)} has had no value since its IOC was started (UDF): write it once, or set PINI"
    if severity_of(signal) is Severity.INVALID:
        return f"{name_of(signal)} is INVALID: its instrument does not answer the IOC, the value shown is an old one"
    return ""


def vital_signals(devices: Iterable[Device]) -> Iterator[Any]:
    """Give the monitored read-backs of devices without whose value nothing may be decided or recorded: ``VITAL``."""
    for device in devices:
        for attribute in getattr(device, "VITAL", ()):
            yield operator.attrgetter(attribute)(device)


def no_answer_in_words(error: Exception) -> str:
    """Return what an error says, with the name of a PV where the client shows its own account of it."""
    return CAPROTO_PV.sub(r"\1", str(error))


def silences(devices: Iterable[Device]) -> tuple[str, ...]:
    """Return a phrase for each vital read-back of devices that has no value, naming its PV once."""
    return tuple(dict.fromkeys(said for signal in vital_signals(devices) if (said := silence_of(signal))))


def alarms_of(devices: Iterable[Device]) -> str:
    """Return the PVs of devices that are in alarm, each with its severity: ``PC1:Effort_RBV MINOR``; empty for none.

    A record that nobody has written since its IOC was started is none: where its value is needed, `silences` say so.
    """
    found = {
        name_of(walk.item): severity
        for device in devices
        for walk in device.walk_signals()
        if (severity := severity_of(walk.item)) is not Severity.NO_ALARM and not is_undefined(walk.item)
    }
    return ", ".join(f"{name} {severity.name}" for name, severity in sorted(found.items()))
