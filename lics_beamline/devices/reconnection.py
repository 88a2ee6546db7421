"""What an instrument says of its units and limits after it was gone: the same as when it was connected, or not.

A detector that has forgotten where to write is told again.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Iterator
from typing import Any, Final

from ophyd import Device
from ophyd.signal import EpicsSignal

from lics_beamline.devices.alarm import NO_ANSWER, epics_signal, is_believable, vital_signals
from lics_beamline.devices.beamline import missing_limits, pvs, wrong_units
from lics_beamline.devices.frame import Frame
from lics_beamline.devices.quantity import has_limits

SAME_LIMIT: Final = 1e-6  # relative difference of limits that only another way of rounding makes


class Reconnections:
    """Compares units and limits of each instrument that was gone and is back with what they were.

    An IOC that is started again may come back with another database, and its controller may have been switched at the
    panel meanwhile; a control layer does not ask again by itself.

    Parameters
    ----------
    devices : iterable of ophyd.Device
        The instruments, connected.
    """

    def __init__(self, devices: Iterable[Device]) -> None:
        self._devices = tuple(devices)
        self._limits = {device.name: dict(_limits(device)) for device in self._devices}
        self._answering = {
            device.name: tuple(signal for signal in pvs(device) if signal.connected) for device in self._devices
        }
        self._gone: set[str] = set()  # names of devices that were gone since they were asked last
        self._turn = threading.Lock()
        self._watched = [
            (signal, signal.subscribe(self._watcher(device.name), event_type=signal.SUB_META, run=False))
            for device in self._devices
            for signal in map(epics_signal, vital_signals([device]))
        ]

    def findings(self) -> tuple[str, ...]:
        """Return a sentence for each unit and limit that is another one than before; asked anew while there are any."""
        found: list[str] = []
        for device in self._devices:
            is_back = all(map(is_believable, vital_signals([device])))
            with self._turn:
                if not is_back:
                    self._gone.add(device.name)
                was_gone = device.name in self._gone
            if not was_gone or not is_back:
                continue
            try:
                said = tuple(self._compare(device))
            except NO_ANSWER:
                continue  # gone again
            found += said
            if not said and all(signal.connected for signal in self._answering[device.name]):
                with self._turn:
                    self._gone.discard(device.name)
        return tuple(found)

    def close(self) -> None:
        """Watch no more."""
        for signal, watch in self._watched:
            signal.unsubscribe(watch)

    def _watcher(self, name: str) -> Any:
        def watch(*, connected: bool = True, **_: Any) -> None:
            if not connected:
                with self._turn:
                    self._gone.add(name)

        return watch

    def _compare(self, device: Device) -> Iterator[str]:
        for signal in pvs(device):
            if signal.connected:
                signal.get(use_monitor=False, form="ctrl")
                if isinstance(signal, EpicsSignal) and signal.setpoint_pvname != signal.pvname:
                    signal.get_setpoint(use_monitor=False, form="ctrl")
        yield from wrong_units(device)
        yield from missing_limits(device)
        for pv, before in self._limits[device.name].items():
            now = dict(_limits(device)).get(pv, (0.0, 0.0))
            if not all(math.isclose(*pair, rel_tol=SAME_LIMIT) for pair in zip(now, before, strict=True)):
                yield (
                    f"{pv} came back with limits {now[0]:g} to {now[1]:g}; they were {before[0]:g} to {before[1]:g}. "
                    "Find out who changed them, and set them right."
                )
        if isinstance(device, Frame):
            yield from device.tell_again()


def _limits(device: Device) -> Iterator[tuple[str, tuple[float, float]]]:
    """Give the control limits of each PV of a device that can be set and has any."""
    for signal in pvs(device):
        if isinstance(signal, EpicsSignal):
            low, high = signal.limits
            if has_limits(low, high):
                yield signal.setpoint_pvname, (float(low), float(high))
