"""PVs that a device can be without, what it says in their place, and what is then not guarded; imports no EPICS.

EPICS' stock supports have fewer PVs than these devices read. One that a promise hangs on is never left out silently:
it is named here, a profile says which of them a beamline has not, and the checks print what nobody looks after.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionalPv:
    """A PV that a device can be without.

    Parameters
    ----------
    says : mapping of str to object
        Attributes of the device that read or write it, and the constant that each says in its place.
    unguarded : str
        What nobody looks after without it, for a person who has to.
    """

    says: Mapping[str, Any]
    unguarded: str


OF_MEMBRANE: Final[Mapping[str, OptionalPv]] = {  # the PACE5000 support of the ip module has none of these
    "Source_RBV": OptionalPv(
        says={"source_bar": 0.0},
        unguarded="the supply is what a person has read (membrane.supply_bar); a bottle that runs empty shows only as "
        "effort.",
    ),
    "InLimits_RBV": OptionalPv(
        says={"in_limits": "unknown"},
        unguarded="nothing more: a load has arrived when it has stayed near its target, as with the PV.",
    ),
}
OF_HEATER: Final[Mapping[str, OptionalPv]] = {  # nor has synApps' Eurotherm2k any of these
    "Auto": OptionalPv(
        says={"auto": "unknown"},
        unguarded="a controller in manual is seen only by its output and its temperature, and nothing here sets it "
        "back to automatic.",
    ),
    "OutputHigh": OptionalPv(
        says=dict.fromkeys(("output_high_percent", "output_high_readback_percent"), "unlimited"),
        unguarded="a heater made safe is at ambient, its ramp off, and not locked: any setpoint heats it again.",
    ),
    "Contactor": OptionalPv(
        says={"contactor": "none", "contactor_readback": "none"},
        unguarded="nothing here can cut the power of a heater whose output does not go down (a welded relay): it needs "
        "a limiter of its own, wired to the mains.",
    ),
}


def is_there(signal: Any) -> bool:
    """Whether a PV is behind a signal, connected or not."""
    return not getattr(signal, "stands_in", False)


def unguarded(optional: Mapping[str, OptionalPv], prefix: str, absent: Sequence[str]) -> Iterator[str]:
    """Give a sentence for each PV that is absent, naming it and what is not guarded without it."""
    for suffix in absent:
        yield f"{prefix}{suffix} is absent: {optional[suffix].unguarded}"
