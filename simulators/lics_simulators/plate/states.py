"""States of the detector and of its plates, and when plates are erased: in the order of their PVs."""

from __future__ import annotations

from enum import IntEnum


class DetectorState(IntEnum):
    """States of the detector, in the order of its PV."""

    IDLE = 0
    EXPOSING = 1
    SCANNING = 2
    ERASING = 3
    CHANGING_MODE = 4
    ABORTING = 5
    ERROR = 6
    WAITING = 7


class PlateState(IntEnum):
    """States of one plate, in the order of its PV."""

    READY = 0
    EXPOSED = 1
    SCANNING = 2
    ERASING = 3


class EraseMode(IntEnum):
    """When plates are erased, in the order of its PV."""

    NONE = 0
    BEFORE_EXPOSE = 1
    AFTER_SCAN = 2
