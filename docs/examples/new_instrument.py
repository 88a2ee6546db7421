"""A new instrument: a flow meter in the helium line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ophyd import Component as Cpt
from ophyd import Device, EpicsSignal, EpicsSignalRO, Kind


class FlowMeter(Device):
    """A flow meter with an alarm threshold.

    Parameters
    ----------
    prefix : str
        Prefix of its PVs (``SIM:LICS:FLOW:``).
    name : str
        Name in documents; ``flow``.
    """

    rate_ml_per_min = Cpt(EpicsSignalRO, "Rate_RBV", kind=Kind.hinted, auto_monitor=True)
    least_ml_per_min = Cpt(EpicsSignal, "Least", kind=Kind.config, limits=True)

    UNITS: ClassVar[Mapping[str, str]] = {"rate_ml_per_min": "ml/min", "least_ml_per_min": "ml/min"}
