"""What the instruments of a beamline say at a first look: who answers, in which unit, within which limits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from ophyd import Device
from ophyd.signal import EpicsSignal

from lics_beamline.devices.alarm import NO_ANSWER
from lics_beamline.devices.beamline import Beamline, Report, missing_limits, pv_names, pvs, wrong_units
from lics_beamline.devices.quantity import has_limits

SHOWN_DIGITS: Final = 7  # of a number that a PV says: what a person compares with a display


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyedPv:
    """One PV that answers.

    Parameters
    ----------
    name : str
        Its whole name.
    value, unit : str
        What it says, and in which unit; the unit is empty where it says none.
    limits : (float, float) or None
        Control limits, where it can be set and has any.
    """

    name: str
    value: str
    unit: str
    limits: tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyedInstrument:
    """One instrument.

    Parameters
    ----------
    name, prefix : str
        Its name in documents, and the prefix of its PVs.
    found : tuple of SurveyedPv
        PVs that answer.
    missing : tuple of str
        Suffixes of those that do not.
    absent : tuple of str
        What the profile may call absent, where that is all that is missing.
    faults : tuple of str
        Sentences about other units than declared, and about what moves without limits.
    """

    name: str
    prefix: str
    found: tuple[SurveyedPv, ...]
    missing: tuple[str, ...]
    absent: tuple[str, ...]
    faults: tuple[str, ...]


def survey(beamline: Beamline, report: Report) -> tuple[SurveyedInstrument, ...]:
    """Return what each instrument says; nothing is written to any.

    Parameters
    ----------
    beamline : Beamline
        The devices.
    report : Report
        What connecting found.
    """
    dead = set(report.dead)
    return tuple(_surveyed(device, dead) for device in beamline.devices())


def _surveyed(device: Device, dead: set[str]) -> SurveyedInstrument:
    missing = {name.removeprefix(device.prefix) for signal in pvs(device) for name in pv_names(signal)} & {
        name.removeprefix(device.prefix) for name in dead if name.startswith(device.prefix)
    }
    optional = [suffix for suffix in getattr(device, "OPTIONAL", {}) if {suffix, f"{suffix}_RBV"} & missing]
    explained = {name for suffix in optional for name in (suffix, f"{suffix}_RBV")}
    found = tuple(_said(device))
    return SurveyedInstrument(
        name=device.name,
        prefix=device.prefix,
        found=found,
        missing=tuple(sorted(missing)),
        absent=tuple(optional) if found and missing <= explained else (),
        faults=(*wrong_units(device), *missing_limits(device)) if not missing else (),
    )


def _said(device: Device) -> Iterator[SurveyedPv]:
    names = set()
    for signal in pvs(device):
        if not signal.connected or signal.pvname in names:
            continue
        names.add(signal.pvname)
        try:
            value = signal.get()
        except NO_ANSWER:
            continue
        low, high = signal.limits if isinstance(signal, EpicsSignal) else (0.0, 0.0)
        numbers = isinstance(low, int | float) and isinstance(high, int | float)
        yield SurveyedPv(
            name=signal.pvname,
            value=_in_words(value),
            unit=str(signal.metadata.get("units") or ""),
            limits=(float(low), float(high)) if numbers and has_limits(low, high) else None,
        )


def _in_words(value: Any) -> str:
    """Return what a PV says, as short as a person wants it."""
    if isinstance(value, float):
        return f"{value:.{SHOWN_DIGITS}g}"
    return f"{len(value)} numbers" if hasattr(value, "__len__") and not isinstance(value, str) else str(value)
