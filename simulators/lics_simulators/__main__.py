"""``python -m lics_simulators``: serve a simulated beamline, or list its PVs."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lics_simulators.beamline import Beamline
from lics_simulators.fault_kinds import KINDS
from lics_simulators.faults import parse
from lics_simulators.preset import preset_names
from lics_simulators.saved_world import restore, was_killed
from lics_simulators.server import free_port, serve
from lics_simulators.world import World


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the simulators; return the exit code: 0 done, 2 usage, 3 not ready."""
    options = _parser().parse_args(arguments)
    if not 1.0 <= options.speed <= World.MAX_SPEED:
        return _complain(f"speed is {options.speed} and must be 1 to {World.MAX_SPEED:.0f}. Choose another --speed.", 2)
    try:
        faults = [parse(text) for text in options.fault]
    except ValueError as error:
        return _complain(str(error), 2)
    if options.list:
        with tempfile.TemporaryDirectory() as folder:
            return _list(Beamline(options.prefix, world=World(seed=options.seed), folder=Path(folder)))
    try:
        port = free_port(options.port)
    except OSError as error:
        return _complain(f"port {options.port} is taken ({error.strerror}). Choose another --port, or 0 for any.", 3)
    try:
        options.plates.mkdir(parents=True, exist_ok=True)
        world = World(seed=options.seed, preset=options.world, speed=options.speed, folder=options.plates)
    except (ValueError, OSError) as error:
        return _complain(str(error), 2)
    beamline = Beamline(options.prefix, world=world, folder=options.plates)
    try:
        if options.go_on == "always" or (options.go_on == "killed" and was_killed(options.plates)):
            restore(beamline, options.plates)
            beamline.goes_on = True
    except ValueError as error:
        return _complain(str(error), 2)
    for asked in faults:
        beamline.faults.schedule(asked)
    asyncio.run(serve(beamline, port=port, parent_pid=options.parent_pid, announce=_announce))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lics_simulators", description=__doc__)
    parser.add_argument("--prefix", default="SIM:LICS:", help="prefix of every PV (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="keys every random draw (default %(default)s)")
    parser.add_argument("--speed", type=float, default=1.0, help="seconds of experiment per second, 1 to 300")
    parser.add_argument("--port", type=int, default=0, help="Channel Access port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--plates", type=Path, default=Path("plates"), help="folder for plates and truth.jsonl")
    parser.add_argument("--parent-pid", type=int, help="end when this process ends")
    parser.add_argument("--world", default="volumetric", help=f"one of {', '.join(preset_names())}, or a .toml file")
    parser.add_argument(
        "--go-on",
        choices=("never", "killed", "always"),
        default="never",
        help="with the world saved in the folder of plates: if its process was killed, or in any case (default never)",
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="NAME@SECONDS[:VALUE]",
        help=f"what goes wrong, and when [s of experiment]; one of {', '.join(KINDS)}",
    )
    parser.add_argument("--list", action="store_true", help="print every PV and exit")
    return parser


def _announce(port: int) -> None:
    sys.stdout.write(f"ready {port}\n")
    sys.stdout.flush()


def _complain(message: str, code: int) -> int:
    sys.stderr.write(message + "\n")
    return code


def _list(beamline: Beamline) -> int:
    asyncio.run(beamline.prepare())
    rows = [("PV", "type", "unit", "limits", "start")]
    rows += [_described(name, channel) for name, channel in sorted(beamline.pvdb.items())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    try:
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, `head` for one, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _described(name: str, channel: Any) -> tuple[str, str, str, str, str]:
    kind = channel.reported_record_type
    if channel.max_length > 1:
        kind += f"[{channel.max_length}]"
    low, high = getattr(channel, "lower_ctrl_limit", 0), getattr(channel, "upper_ctrl_limit", 0)
    limits = f"{low:g} to {high:g}" if low != high else ""
    if getattr(channel, "enum_strings", ()):
        limits = " | ".join(channel.enum_strings)
    start = channel.value if channel.max_length == 1 or isinstance(channel.value, str) else "..."
    return name, kind, getattr(channel, "units", "") or "", limits, str(start)


if __name__ == "__main__":
    sys.exit(main())
