"""What a monitor told of a PV stands until it tells again: an answer that comes late does not take its place.

caproto 1.3 writes the answer to each question over what is known of a PV, in the thread that asked, which on a busy
computer may come to it after a monitor has told what is newer. ophyd 1.9 asks each PV once for its units, limits and
states, in a thread of its own, and writes all that was known then over what monitors have told since. Where nothing
changes any more the older word stands for good: an alarm is lost, a state that was left is shown.

Here an answer fills in what no monitor tells (units, limits, names of states), and the rest only until one has told.
"""

from __future__ import annotations

import threading
from typing import Any, Final

from caproto.threading import pyepics_compat

OF_THE_MOMENT: Final = frozenset(
    ("raw_value", "value", "char_value", "status", "severity", "timestamp", "posixseconds", "nanoseconds")
)  # what every update of a monitor brings, by caproto's names and by ophyd's


class KnownOfPv(dict[str, Any]):
    """What is known of one PV, by the names of pyepics; any thread may add to it.

    Attributes
    ----------
    telling : set of int
        Threads in which a monitor tells just now (`threading.get_ident`).
    is_told : bool
        Whether a monitor has told anything since the PV was connected.
    answered_severity : int or None
        The severity in the last answer to a question; None before one.
    """

    def __init__(self, *known: Any) -> None:
        super().__init__(*known)
        self.telling: set[int] = set()
        self.is_told = False
        self.answered_severity: int | None = None
        self._adding = threading.Lock()

    def update(self, *known: Any, **heard: Any) -> None:
        """Take in what a monitor tells, or of an answer what no monitor tells; arguments as of `dict.update`."""
        heard = dict(*known, **heard)
        with self._adding:
            if threading.get_ident() in self.telling:
                self.is_told = True
            else:
                self.answered_severity = heard.get("severity", self.answered_severity)
                if self.is_told:
                    heard = self._untold(heard)
            super().update(heard)

    def _untold(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Return what no monitor tells, and the name of a state that one told before its name was known."""
        untold = {name: value for name, value in answer.items() if name not in OF_THE_MOMENT}
        if names := untold.get("enum_strs"):
            states = [names[state] if 0 <= state < len(names) else "" for state in self["raw_value"]]
            untold["char_value"] = states[0] if len(states) == 1 else states
        return untold


class MonitoredPV(pyepics_compat.PV):
    """A PV of caproto of which no late answer hides what a monitor told."""

    @property
    def _args(self) -> KnownOfPv:
        return self._known

    @_args.setter
    def _args(self, known: dict[str, Any]) -> None:
        self._known = KnownOfPv(known)

    def _connection_state_changed(self, caproto_pv: Any, state: str) -> None:
        if state != "connected":
            self._known.is_told = False
        super()._connection_state_changed(caproto_pv, state)

    def _PV__on_changes(self, sub: Any, command: Any) -> None:  # noqa: N802  # caproto's name for what a monitor calls
        thread = threading.get_ident()
        self._known.telling.add(thread)
        try:
            super()._PV__on_changes(sub, command)
        finally:
            self._known.telling.discard(thread)


def keep_in_caproto() -> None:
    """Let PVs that ophyd makes keep the order of their updates; before ophyd is imported."""
    pyepics_compat.PV = MonitoredPV


def keep_in_ophyd() -> None:
    """Let signals of ophyd, by either control layer, keep the order of their updates."""
    from ophyd.signal import EpicsSignalBase

    of_the_moment = {f"{of}{name}" for of in ("", "setpoint_") for name in OF_THE_MOMENT}
    translated = EpicsSignalBase._metadata_changed  # noqa: SLF001  # all of ophyd's metadata pass here, and only here
    adding = threading.Lock()

    def metadata_changed(signal: Any, pvname: str, known: Any, *, from_monitor: bool, update: bool, **how: Any) -> Any:
        metadata = translated(signal, pvname, known, from_monitor=from_monitor, update=False, **how)
        with adding:
            told = signal.__dict__.setdefault("_told_by_monitor", set())
            if from_monitor:
                told.add(pvname)
            elif pvname in told:
                metadata = {name: value for name, value in metadata.items() if name not in of_the_moment}
            if update:
                signal._metadata.update(metadata)  # noqa: SLF001
        return metadata

    EpicsSignalBase._metadata_changed = metadata_changed  # noqa: SLF001
