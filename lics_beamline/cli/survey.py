"""A first look at the instruments of a profile: connected read-only, and told instrument by instrument."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from lics_beamline.cli.json_answer import tell_json
from lics_beamline.cli.running_text import tell_line

if TYPE_CHECKING:
    from lics_beamline.data_folder import DataFolder
    from lics_beamline.devices.survey import SurveyedInstrument
    from lics_beamline.profile import Profile

LOOK_S: Final = 4.0  # without another answer [s of wall clock], after which the rest does not answer: Channel Access
# asks again after 0.03, 0.1, 0.3, 1 and 2 s; a session waits longer
MOST_NAMED: Final = 8  # missing PVs of one instrument in a line

EXIT_DONE, EXIT_USAGE, EXIT_NOT_READY = 0, 2, 3


def surveyed(profile: Profile, data: DataFolder) -> tuple[SurveyedInstrument, ...]:
    """Connect to the instruments of a profile, look, let go; nothing is written to any."""
    import logging

    from lics_beamline.devices.assembly import assemble
    from lics_beamline.devices.control_layer import choose, logged_in

    with logged_in(data.logs):
        choose()
        from lics_beamline.devices.beamline import connect, disconnect
        from lics_beamline.devices.survey import survey

        beamline = assemble(profile, data)
        quiet = logging.getLogger("lics_beamline.devices.beamline")
        level = quiet.level
        quiet.setLevel(logging.ERROR)  # what connecting finds is told below, once
        try:
            return survey(beamline, connect(beamline, timeout_s=LOOK_S, strict=False))
        finally:
            quiet.setLevel(level)
            disconnect(beamline)


def tell(instruments: tuple[SurveyedInstrument, ...], *, values: bool) -> None:
    """Print what each instrument says, with the values of its PVs where asked for."""
    for each in instruments:
        count = len(each.found) + len(each.missing)
        tell_line(f"{each.name:<14} {each.prefix:<20} {len(each.found)} of {count} PVs answer")
        if values:
            for pv in each.found:
                limits = f"  limits {pv.limits[0]:g} to {pv.limits[1]:g}" if pv.limits else ""
                tell_line(f"    {pv.name.removeprefix(each.prefix):<24} {pv.value[:40]} {pv.unit}{limits}".rstrip())
        if each.missing:
            more = len(each.missing) - MOST_NAMED
            tell_line(f"    missing: {', '.join(each.missing[:MOST_NAMED])}{f' and {more} more' if more > 0 else ''}")
        for fault in each.faults:
            tell_line(f"    {fault}")


def look(profile: Profile, data: DataFolder, *, as_json: bool) -> int:
    """Tell what the instruments of a profile say, and what is not guarded there.

    Returns
    -------
    int
        0 where all answer as they should, 2 where one speaks another unit or has no limits, 3 where a PV is missing.
    """
    from lics_beamline.devices.optional_pv import OF_HEATER, OF_MEMBRANE, unguarded

    instruments = surveyed(profile, data)
    values = profile.values
    not_guarded = [
        *unguarded(OF_MEMBRANE, values.membrane.prefix, values.membrane.absent),
        *unguarded(OF_HEATER, values.heater.prefix, values.heater.absent),
    ]
    dead = sum(len(each.missing) for each in instruments)
    if as_json:
        tell_json({"instruments": [asdict(each) for each in instruments], "not_guarded": not_guarded})
    else:
        tell(instruments, values=False)
        for sentence in not_guarded:
            tell_line(f"not guarded: {sentence}")
        alive = sum(len(each.found) for each in instruments)
        remedy = (
            "all answer"
            if not dead
            else "start the IOCs, mend the prefixes in profile.toml, or say where they are: EPICS_CA_ADDR_LIST"
            if not alive
            else "lics profile new asks for prefixes and shows what is missing"
        )
        tell_line(f"{values.beamline} (profile {values.name}): {alive} of {alive + dead} PVs answer; {remedy}")
    if dead:
        return EXIT_NOT_READY
    return EXIT_USAGE if any(each.faults for each in instruments) else EXIT_DONE
