"""What gas, heater, shutter and thermocouples say now, and what of it is not safe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
        "heater_output_limit_percent": value_of(beamline.heater.output_high_readback_percent),
        "heater_output_percent": value_of(beamline.heater.output_percent),
        "beam_shutter": value_of(beamline.beam.shutter.state),
    }


def unsafe(beamline: Beamline) -> tuple[str, ...]:
    """Phrases for everything that is not in its safe state, or does not say."""
    seen = read_backs(beamline)
    ambient_k = beamline.heater.ambient_k
    safe = {
        "membrane_control": seen["membrane_control"] == "Off",
        "heater_setpoint_k": seen["heater_setpoint_k"] is not None and seen["heater_setpoint_k"] <= ambient_k + 0.2,
        "heater_output_limit_percent": seen["heater_output_limit_percent"] == 0.0,
        "heater_output_percent": seen["heater_output_percent"] is not None
        and (seen["heater_output_percent"] <= 0.5 or value_of(beamline.heater.contactor_readback) == "Open"),
        "beam_shutter": seen["beam_shutter"] == "Closed",
    }
    return tuple(f"{name} is {seen[name]}" for name, is_safe in safe.items() if not is_safe)


def value_of(signal: Any) -> Any:
    """Return what a monitored signal says now; None while it is not connected."""
    try:
        return signal.get() if signal.connected else None
    except (TimeoutError, ConnectionError):
        return None
