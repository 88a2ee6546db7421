"""What gas, heater, shutter and thermocouples say now, and what of it is not safe by the devices' own word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lics_beamline.devices.alarm import value_of
from lics_beamline.devices.optional_pv import is_there
from lics_beamline.devices.safe_condition import SafeCondition, faults

if TYPE_CHECKING:
    from lics_beamline.devices.beamline import Beamline


def places(beamline: Beamline) -> dict[str, Any]:
    """Return the monitored thermocouples by place [K]."""
    couples = beamline.thermocouples
    return {
        "gasket": couples.gasket_k,
        "cell": couples.cell_k,
        "membrane": couples.membrane_k,
        "ambient": couples.ambient_k,
    }


def read_backs(beamline: Beamline) -> dict[str, Any]:
    """Return what gas, heater and shutter say; None for what does not answer."""
    return {
        "membrane_control": value_of(beamline.membrane.control_readback),
        "membrane_load_bar": value_of(beamline.membrane.load_bar),
        "heater_setpoint_k": value_of(beamline.heater.setpoint_readback_k),
        "heater_output_limit_percent": value_of(beamline.heater.output_high_readback_percent)
        if is_there(beamline.heater.output_high_readback_percent)
        else None,
        "heater_output_percent": value_of(beamline.heater.output_percent),
        "beam_shutter": value_of(beamline.beam.shutter.state),
    }


def unsafe(beamline: Beamline) -> tuple[str, ...]:
    """Return a phrase for everything that is not in its safe state, or does not say so.

    What ``make_safe`` waits for, the guard watches and the checks report: each device says it of itself.
    """
    return (*beamline.membrane.unsafe(), *beamline.heater.unsafe(), *beamline.beam.unsafe())


def at_work(beamline: Beamline) -> tuple[str, ...]:
    """Return a phrase for everything that answers and is not at rest: gas controlled, heater up, shutter open.

    A heater that may heat and does not is at rest.
    """
    return faults(condition for condition in _of_rest(beamline) if condition.answers())


def silent(beamline: Beamline) -> tuple[str, ...]:
    """Return the names of what would tell whether the beamline is at rest, and does not answer."""
    return tuple(condition.what for condition in _of_rest(beamline) if not condition.answers())


def _of_rest(beamline: Beamline) -> tuple[SafeCondition, ...]:
    heater = (condition for condition in beamline.heater.safe_conditions() if not condition.is_lock)
    return (*beamline.membrane.safe_conditions(), *heater, *beamline.beam.safe_conditions())
