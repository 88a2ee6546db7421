"""The verb that tells how the guard fares, and by which a person takes note of a trip."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import Any

EXIT_TRIPPED = 4


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
    verb.add_argument("--json", action="store_true", help="print JSON for a program, nothing else")
    verb.set_defaults(run=guard)


def guard(options: argparse.Namespace) -> int:
    """Tell how the guard fares, or acknowledge."""
    from lics_beamline.cli.record import data_folder
    from lics_beamline.safety.guard import bury, lost, status
    from lics_beamline.safety.latch import acknowledge, latched

    data = data_folder(options)
    silent = lost(data)
    trip = latched(data)
    kept = None
    if options.acknowledge:
        kept = acknowledge(data)
        bury(data)
    found = status(data)
    if options.json:
        told = {"status": asdict(found), "silent": silent, "tripped": trip, "kept": str(kept) if kept else None}
        sys.stdout.write(json.dumps(told, indent=1) + "\n")
        return EXIT_TRIPPED if (trip or silent) and not options.acknowledge else 0
    sys.stdout.write(f"guard {found.state if found.alive or found.state == 'never ran' else 'does not watch now'}\n")
    for warning in found.warnings if found.alive else ():
        sys.stdout.write(f"warning: {warning}\n")
    if trip is None and silent and kept is None:
        sys.stdout.write(f"{silent}\n")
        return EXIT_TRIPPED
    if trip is None:
        sys.stdout.write("nothing has tripped\n")
        return 0
    sys.stdout.write(f"tripped {trip['when']}, {trip['cause']}: {trip['says']}\n")
    for name, value in (trip.get("read_back_safe") or trip.get("read_back_before") or {}).items():
        sys.stdout.write(f"  {name} {value}\n")
    sys.stdout.write(
        "read back as safe\n" if trip.get("read_back_safe") else "NOT read back as safe: look at the beamline\n"
    )
    if kept is None:
        sys.stdout.write("when you have looked: lics guard --acknowledge\n")
        return EXIT_TRIPPED
    sys.stdout.write(f"acknowledged; kept in {kept}\n")
    return 0
