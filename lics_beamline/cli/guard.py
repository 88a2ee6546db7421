"""The verb that tells how the guard fares, and by which a person takes note of a trip."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from typing import Any

from lics_beamline.cli.json_answer import tell_json
from lics_beamline.cli.running_text import tell_line
from lics_beamline.files.given_file import one_line

EXIT_TRIPPED = 4
READ_BACK_DIGITS = 6  # of a value that was read back: 298.05 K, and not the digits that kelvin make of degrees


def add(verbs: Any, shared: argparse.ArgumentParser) -> None:
    """Add the verb to the command line."""
    verb = verbs.add_parser(
        "guard",
        parents=[shared],
        help="how the guard fares; --acknowledge takes note of a trip",
        description="Tell whether the guard watches, what has tripped, and what was read back. After a trip no sweep "
        "begins until somebody has looked at the beamline and said so with --acknowledge. Exit code 4 while tripped, "
        "and where a guard has fallen silent without an end.",
    )
    verb.add_argument("--acknowledge", action="store_true", help="I have looked: let sweeps begin again")
    verb.add_argument(
        "--run",
        dest="stays",
        action="store_true",
        help="guard the beamline until SIGTERM, whoever runs plans on whatever computer",
    )
    verb.add_argument("--profile", default="simulated", help="with --run: name or folder of a profile")
    verb.add_argument("--prefix", help="with --run: prefix of the PVs (default: the profile's)")
    verb.add_argument("--json", action="store_true", help="print JSON for a program, nothing else")
    verb.set_defaults(run=guard)


def guard(options: argparse.Namespace) -> int:
    """Tell how the guard fares, acknowledge, or be a guard that stays."""
    if options.stays:
        return _run(options)
    from lics_beamline.cli.argument import data_folder
    from lics_beamline.safety.guard_status import STAYING, bury, lost, status
    from lics_beamline.safety.latch import acknowledge, latched

    data = data_folder(options)
    silent = lost(data)
    trip = latched(data)
    kept = None
    if options.acknowledge:
        kept = acknowledge(data)
        bury(data)
    found = status(data)
    stays = status(data, STAYING)
    if options.json:
        told = {
            "status": asdict(found),
            "stays": asdict(stays),
            "silent": silent,
            "tripped": trip,
            "kept": str(kept) if kept else None,
        }
        tell_json(told)
        return EXIT_TRIPPED if (trip or silent) and not options.acknowledge else 0
    sys.stdout.write(f"guard {found.state if found.alive or found.state == 'never ran' else 'does not watch now'}\n")
    if stays.alive:
        sys.stdout.write(f"guard that stays {stays.state} (process {stays.pid} on {stays.host})\n")
    for warning in found.warnings if found.alive else ():
        sys.stdout.write(f"warning: {one_line(warning)}\n")
    if trip is None and silent and kept is None:
        sys.stdout.write(f"{silent}\n")
        return EXIT_TRIPPED
    if trip is None:
        sys.stdout.write("nothing has tripped\n")
        return 0
    sys.stdout.write(one_line(f"tripped {trip['when']}, {trip['cause']}: {trip['says']}") + "\n")
    for name, value in (trip.get("read_back_safe") or trip.get("read_back_before") or {}).items():
        told_value = f"{value:.{READ_BACK_DIGITS}g}" if isinstance(value, float) else value
        sys.stdout.write(one_line(f"  {name} {told_value}") + "\n")
    sys.stdout.write(
        "read back as safe\n" if trip.get("read_back_safe") else "NOT read back as safe: look at the beamline\n"
    )
    if kept is None:
        sys.stdout.write("when you have looked: lics guard --acknowledge\n")
        return EXIT_TRIPPED
    sys.stdout.write(f"acknowledged; kept in {kept}\n")
    return 0


def _run(options: argparse.Namespace) -> int:
    """Guard until told to end; say what is watched."""
    from lics_beamline.cli.argument import data_folder
    from lics_beamline.profile import read_profile
    from lics_beamline.safety.guard import limits_of, serve

    profile, data = read_profile(options.profile), data_folder(options)
    prefix, limits = options.prefix or profile.values.prefix, limits_of(profile)
    lives = {
        "ioc": "whoever runs plans, by the watchdog of the instruments",
        "controller": "nobody's life: the profile names no watchdog to hear of it by",
        "none": "nobody's life: the profile names no watchdog to hear of it by",
    }[profile.values.watchdog.kind]
    tell_line(
        f"guarding {profile.values.beamline} ({prefix}) until SIGTERM or Ctrl-C\n"
        f"watching four thermocouples (gasket up to {limits.gasket_k:.1f} K), the membrane for leaks, the age of the "
        f"ruby spectrum while the load rises, and {lives}\n"
        f"log in {data.logs}, trips in {data.root}"
    )
    return serve(profile, prefix, data)
