"""Rules about the instruments as the profile says they are: which PVs are absent, and what that leaves unguarded."""

from __future__ import annotations

from lics_beamline.checks.case import Case
from lics_beamline.checks.finding import Judgement, Rule, warned_if
from lics_beamline.devices.optional_pv import OF_HEATER, OF_MEMBRANE, unguarded


def nothing_is_left_unguarded(case: Case) -> Judgement | None:
    """Check that no PV is absent on which a promise hangs."""
    membrane, heater = case.settings.membrane, case.settings.heater
    if not (membrane.absent or heater.absent):
        return None
    found = (
        *unguarded(OF_MEMBRANE, membrane.prefix, membrane.absent),
        *unguarded(OF_HEATER, heater.prefix, heater.absent),
    )
    return warned_if(
        True,
        " ".join(found),
        "every PV of the devices",
        "Let a person look after each, or add the PVs to the IOC and take them out of absent in the profile.",
    )


RULES: tuple[Rule[Case], ...] = (nothing_is_left_unguarded,)
