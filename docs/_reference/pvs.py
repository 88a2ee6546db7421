"""PVs: what the devices read and write, beside what the simulators serve under the same name."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from _reference.markdown import code, first_sentence, plain, table

LIKE: Final = {"frame": "plate"}  # devices that share the prefix of another
PREFIX: Final = "P:"
INTRODUCTION: Final = """# PVs

What each device of `lics_beamline/devices` asks of EPICS. A PV is the prefix of the beamline (`prefix` in
`profile.toml`), the prefix of the device, and the suffix in the table. Prefixes shown are those of the shipped profile
`simulated`; a real beamline is a change of prefixes, nothing else.

access
: `r` is read, `rw` is read and written

in documents
: the field of the event, for what is read at each point; `configuration` for what is read once a stream; nothing for
  what only the device itself looks at

unit
: what the device insists on, where it does: connecting refuses an instrument that says another

limits or states, meaning
: those of the simulated instrument; a real one has its own limits, and what may be set needs some
"""


def page() -> str:
    """Return the page."""
    os.environ.setdefault("OPHYD_CONTROL_LAYER", "caproto")  # read as ophyd is imported; nothing is connected here
    from lics_beamline.devices.beamline import Beamline
    from lics_beamline.profile import read_profile

    served, values = _served(), read_profile("simulated").values
    parts = [INTRODUCTION]
    for name, kind in typing.get_type_hints(Beamline).items():
        kind = _device(kind)
        settings = getattr(values, LIKE.get(name, name), None)
        prefix = "" if name == "clock" else str(settings.prefix)
        units = getattr(kind, "UNITS", {})
        rows = [_row(name, prefix, *found, served=served, units=units) for found in _signals(kind)]
        parts += [
            f"## {name}\n",
            f"{first_sentence(kind.__doc__)} Module `{kind.__module__}`, prefix {code(prefix) or 'none'}.\n",
            table(("suffix", "access", "unit", "in documents", "limits or states", "meaning"), rows),
        ]
    return "\n".join(parts)


def _device(kind: Any) -> Any:
    """Return the device class of a field of the beamline: of a protocol, the one that speaks to EPICS."""
    from ophyd import Device

    kind = next((one for one in typing.get_args(kind) if one is not type(None)), kind)  # of what may be absent
    if isinstance(kind, type) and issubclass(kind, Device):
        return kind
    beside = vars(sys.modules[kind.__module__]).values()
    return next(one for one in beside if isinstance(one, type) and issubclass(one, Device) and one is not Device)


def _signals(kind: Any, suffix: str = "", field: str = "") -> Iterator[tuple[Any, str, str]]:
    """Yield component, whole suffix and name of each PV of a device class; a motor record is one."""
    from ophyd import Device, EpicsMotor
    from ophyd.signal import EpicsSignalBase

    for name in kind.component_names:
        component = getattr(kind, name)
        whole = suffix + (component.suffix or "")
        if issubclass(component.cls, EpicsMotor | EpicsSignalBase):
            yield component, whole, f"{field}{name}"
        elif issubclass(component.cls, Device):
            yield from _signals(component.cls, whole, f"{field}{name}_")


def _row(device: str, prefix: str, component: Any, suffix: str, field: str, **known: Any) -> tuple[str, ...]:
    from ophyd import EpicsMotor, EpicsSignalRO

    written = component.kwargs.get("write_pv", "")
    channel = known["served"][PREFIX + prefix + suffix]
    unit = known["units"].get(field, "") or str(getattr(channel, "units", "") or "")
    access = "r" if issubclass(component.cls, EpicsSignalRO) else "rw"
    names = code(suffix) + (f", written to {code(written)}" if written else "")
    said = "" if component.doc.startswith("Component attribute") else component.doc  # which ophyd makes up itself
    said = said or channel.__doc__ or ""
    if issubclass(component.cls, EpicsMotor):
        names, said = f"{code(suffix)} (motor record)", said or "Motor."
    described = known["served"].get(PREFIX + prefix + written, channel)
    return names, access, unit, _place(device, component, field), _limits(described), plain(said)


def _place(device: str, component: Any, field: str) -> str:
    kind = component.kind.name
    if kind in ("hinted", "normal"):
        return code(f"{device}_{field}")
    return "configuration" if kind == "config" else ""


def _limits(channel: Any) -> str:
    if getattr(channel, "enum_strings", ()):
        return ", ".join(code(str(state)) for state in channel.enum_strings)
    low, high = getattr(channel, "lower_ctrl_limit", 0), getattr(channel, "upper_ctrl_limit", 0)
    return f"{low:g} to {high:g}" if low != high else ""


def _served() -> dict[str, Any]:
    """Return the PVs of the simulated beamline, without serving them."""
    from lics_simulators.beamline import Beamline
    from lics_simulators.world import World

    with tempfile.TemporaryDirectory() as folder:
        world = World(seed=1, folder=Path(folder))
        beamline = Beamline(PREFIX, world=world, folder=Path(folder))
        asyncio.run(beamline.prepare())
        world.close()
    return dict(beamline.pvdb)
