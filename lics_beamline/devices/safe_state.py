"""What gas, heater, shutter and thermocouples say now, and what of it is not safe by the devices' own word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from lics_beamline.devices.alarm import value_of
from lics_beamline.devices.optional_pv import is_there
from lics_beamline.devices.safe_condition import SafeCondition

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


class Rest(NamedTuple):
    """Whether a beamline is at rest: gas not controlled, heater down, shutter closed.

    A heater that may heat and does not is at rest.

    Attributes
    ----------
    at_work : tuple of str
        A phrase for everything that answers and is not at rest.
    silent : tuple of str
        The names of what would tell, and does not answer.
    """

    at_work: tuple[str, ...]
    silent: tuple[str, ...]


def rest_of(beamline: Beamline) -> Rest:
    """Ask everything that tells whether a beamline is at rest, each once."""
    at_work: list[str] = []
    silent: list[str] = []
    for condition in _of_rest(beamline):
        value = value_of(condition.signal)
        if value is None:
            silent.append(condition.what)
        elif fault := condition.fault_of(value):
            at_work.append(fault)
    return Rest(tuple(at_work), tuple(silent))


def _of_rest(beamline: Beamline) -> tuple[SafeCondition, ...]:
    heater = (condition for condition in beamline.heater.safe_conditions() if not condition.is_lock)
    return (*beamline.membrane.safe_conditions(), *heater, *beamline.beam.safe_conditions())
