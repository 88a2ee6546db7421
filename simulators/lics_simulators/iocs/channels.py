"""The kinds of PVs the soft IOCs are made of, each as the EPICS record a client would expect, with its own alarm."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from caproto import ChannelType
from caproto.server import pvproperty
from caproto.server.server import PvpropertyChar


def reading(name: str, *, precision: int, doc: str, unit: str = "", value: float = 0.0, **metadata: Any) -> pvproperty:
    """Return a read-only number (ai), published when it changes at its precision."""
    return pvproperty(
        name=name,
        alarm_group=name,
        value=float(value),
        record="ai",
        units=unit,
        precision=precision,
        read_only=True,
        doc=doc,
        **metadata,
    )


def setting(
    name: str, *, value: float, low: float, high: float, precision: int, doc: str, unit: str = "", put: Any = None
) -> pvproperty:
    """Return a settable number (ao) which refuses what lies outside its control limits."""
    return pvproperty(
        put=put,
        name=name,
        alarm_group=name,
        value=float(value),
        record="ao",
        units=unit,
        precision=precision,
        lower_ctrl_limit=float(low),
        upper_ctrl_limit=float(high),
        lower_disp_limit=float(low),
        upper_disp_limit=float(high),
        doc=doc,
    )


def whole_setting(
    name: str, *, value: int, low: int, high: int, doc: str, unit: str = "", put: Any = None
) -> pvproperty:
    """Return a settable integer (longout) which refuses what lies outside its control limits."""
    return pvproperty(
        put=put,
        name=name,
        alarm_group=name,
        value=value,
        record="longout",
        units=unit,
        lower_ctrl_limit=low,
        upper_ctrl_limit=high,
        lower_disp_limit=low,
        upper_disp_limit=high,
        doc=doc,
    )


def counter(name: str, *, doc: str, value: int = 0) -> pvproperty:
    """Return a read-only integer (longin)."""
    return pvproperty(name=name, alarm_group=name, value=value, record="longin", read_only=True, doc=doc)


def choice(name: str, states: tuple[str, ...], *, doc: str, value: int = 0, put: Any = None) -> pvproperty:
    """Return a settable state (bo for two, mbbo for more), kept by its name however a client wrote it."""
    record = "bo" if len(states) == 2 else "mbbo"
    return pvproperty(
        put=_by_name(put) if put else None,
        name=name,
        alarm_group=name,
        value=states[value],
        enum_strings=states,
        dtype=ChannelType.ENUM,
        record=record,
        doc=doc,
    )


def _by_name(put: Any) -> Any:
    """Return `put` with the state's name for an answer: after None, caproto would keep the index a client sent."""

    @functools.wraps(put)
    async def accept(group: Any, instance: Any, value: Any) -> Any:
        answer = await put(group, instance, value)
        return value if answer is None else answer

    return accept


def indicator(name: str, states: tuple[str, ...], *, doc: str, value: int = 0) -> pvproperty:
    """Return a read-only state (bi for two states, mbbi for more)."""
    record = "bi" if len(states) == 2 else "mbbi"
    return pvproperty(
        name=name,
        alarm_group=name,
        value=states[value],
        enum_strings=states,
        dtype=ChannelType.ENUM,
        record=record,
        read_only=True,
        doc=doc,
    )


class LongText(PvpropertyChar):
    """A text of more than 40 characters that may be emptied by a client, as a waveform of EPICS base may."""

    async def write_from_dbr(self, data: Any, data_type: Any, metadata: Any, **options: Any) -> Any:
        """Take no characters for an empty text; caproto itself takes them for a number that is missing."""
        if data_type in (ChannelType.CHAR, ChannelType.STRING) and not b"".join(map(_bytes, data)).strip(b"\0"):
            return await self.write("", verify_value=True)
        return await super().write_from_dbr(data, data_type, metadata, **options)

    async def _read(self, data_type: Any) -> Any:
        """Return an empty text as its end alone: clients of EPICS' own library leave out an event of no characters."""
        metadata, values = await super()._read(data_type)
        return metadata, values if len(values) else np.zeros(1, dtype=np.uint8)


def _bytes(part: Any) -> bytes:
    return bytes(part) if isinstance(part, bytes) else bytes([int(part) % 256])


def long_text(name: str, value: str, *, characters: int, doc: str, read_only: bool = False) -> pvproperty:
    """Return a text of up to so many characters (waveform)."""
    return pvproperty(
        name=name,
        alarm_group=name,
        value=value,
        dtype=ChannelType.CHAR if read_only else LongText,
        max_length=characters,
        record="waveform",
        string_encoding="utf-8",
        read_only=read_only,
        doc=doc,
    )


def text(name: str, value: str, *, doc: str) -> pvproperty:
    """Return a read-only string of up to 40 characters (stringin)."""
    return pvproperty(
        name=name,
        alarm_group=name,
        value=value,
        dtype=ChannelType.STRING,
        record="stringin",
        read_only=True,
        doc=doc,
    )
