"""The thermocouples: a Measurement Computing converter with four of type K, in K on our side and Celsius on its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ophyd import Component as Cpt
from ophyd import Device, EpicsSignalRO, Kind

from lics_beamline.devices.alarm import name_of, silence_of, value_of
from lics_beamline.devices.quantity import QuantitySignal
from lics_beamline.errors import BadReading
from lics_beamline.physics.thermocouple import check_type_k
from lics_beamline.units import ZERO_CELSIUS_K


@dataclass(frozen=True, slots=True, kw_only=True)
class Temperatures:
    """One believed reading of all four thermocouples.

    Parameters
    ----------
    gasket_k, cell_k, membrane_k, ambient_k : float
        Beside the gasket inside the cell, on its body, on the membrane, and in the room [K].
    """

    gasket_k: float
    cell_k: float
    membrane_k: float
    ambient_k: float


def _celsius(suffix: str) -> Any:
    return Cpt(EpicsSignalRO, suffix, kind=Kind.omitted, auto_monitor=True)


def _kelvin(derived_from: str, kind: Kind = Kind.normal) -> Any:
    return Cpt(
        QuantitySignal, derived_from=derived_from, unit="K", offset=ZERO_CELSIUS_K, write_access=False, kind=kind
    )


def _setting(suffix: str) -> Any:
    return Cpt(EpicsSignalRO, suffix, kind=Kind.config, string=True)


class Thermocouples(Device):
    """Four thermocouples of type K (E-TC or USB-TC of EPICS measComp).

    Reading stays raw, an open circuit included: a record must show what the instrument said. ``believed`` refuses it.

    Parameters
    ----------
    prefix : str
        Prefix of the converter (``SIM:LICS:TC:``).
    name : str
        Name in documents; ``thermocouples``.
    """

    gasket_c = _celsius("Ti1")
    cell_c = _celsius("Ti2")
    membrane_c = _celsius("Ti3")
    ambient_c = _celsius("Ti4")
    gasket_k = _kelvin("gasket_c", Kind.hinted)
    cell_k = _kelvin("cell_c")
    membrane_k = _kelvin("membrane_c")
    ambient_k = _kelvin("ambient_c")
    gasket_type = _setting("Ti1TCType")
    cell_type = _setting("Ti2TCType")
    membrane_type = _setting("Ti3TCType")
    ambient_type = _setting("Ti4TCType")
    gasket_scale = _setting("Ti1Scale")
    cell_scale = _setting("Ti2Scale")
    membrane_scale = _setting("Ti3Scale")
    ambient_scale = _setting("Ti4Scale")

    UNITS: ClassVar[Mapping[str, str]] = dict.fromkeys(("gasket_c", "cell_c", "membrane_c", "ambient_c"), "C")
    VITAL: ClassVar[tuple[str, ...]] = ("gasket_c", "cell_c", "membrane_c", "ambient_c")
    SAYS: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("gasket_scale", "cell_scale", "membrane_scale", "ambient_scale"), "Celsius"),
        **dict.fromkeys(("gasket_type", "cell_type", "membrane_type", "ambient_type"), "K"),
    }
    SYNONYMS: ClassVar[Mapping[str, str]] = {"Type K": "K"}  # as measComp's own database says it

    def believed(self) -> Temperatures:
        """Return the present temperatures.

        Raises
        ------
        BadReading
            If any has no value, or is outside the range of type K: its circuit is open.
        """
        return Temperatures(
            gasket_k=_believed(self.gasket_k, where="gasket"),
            cell_k=_believed(self.cell_k, where="cell"),
            membrane_k=_believed(self.membrane_k, where="membrane"),
            ambient_k=_believed(self.ambient_k, where="ambient"),
        )


def _believed(couple: Any, *, where: str) -> float:
    value_k = value_of(couple)
    if value_k is None:
        said = silence_of(couple) or f"{name_of(couple)} does not answer"
        raise BadReading(f"thermocouple {where} has no value: {said}. Look at the converter and its IOC.", where=where)
    return check_type_k(float(value_k), where=where)
