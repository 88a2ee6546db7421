"""Fields of a record that repeat what its value carries: unit, precision and limits, which caproto leaves empty."""

from __future__ import annotations

from typing import Any

DESCRIPTION_CHARACTERS = 40  # of DESC, in EPICS base


async def fill_record(channel: Any) -> None:
    """Fill description, unit, precision and limits of the record behind a PV, as far as it has such fields."""
    fields = channel.field_inst
    repeated = {
        "description": (channel.__doc__ or "")[:DESCRIPTION_CHARACTERS],
        "engineering_units": getattr(channel, "units", ""),
        "display_precision": getattr(channel, "precision", 0),
        "drive_low_limit": getattr(channel, "lower_ctrl_limit", 0),
        "drive_high_limit": getattr(channel, "upper_ctrl_limit", 0),
        "low_operating_range": getattr(channel, "lower_disp_limit", 0),
        "high_operating_range": getattr(channel, "upper_disp_limit", 0),
    }
    for name, value in repeated.items():
        field = getattr(fields, name, None)
        if field is not None and value:
            await field.write(value, verify_value=False)
