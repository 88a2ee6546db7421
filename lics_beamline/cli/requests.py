"""The verbs by which a person holds, continues and stops a sweep that runs, or notes something, from any terminal."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING, Any, Final

from lics_beamline.cli.fault import tell_fault
from lics_beamline.cli.json_answer import tell_json
from lics_beamline.cli.running_text import tell_line

if TYPE_CHECKING:
    from pathlib import Path

    from lics_beamline.control.request import SubmittedRequest
    from lics_beamline.data_folder import DataFolder
    from lics_beamline.sweep_request import SweepStatus

EXIT_USAGE: Final = 2
EXIT_NOT_READY: Final = 3
LOOK_S: Final = 0.1  # a file is all there is to look at
FINISHED_SOON_S: Final = 1.0  # after which a person wants to know why a note waits
HEAR_S: Final = 60.0  # for the sweep to say that it has heard; longer than any step in which it cannot look
DONE: Final = {"hold": ("held", "stopping", "ended"), "continue": ("running", "held", "ended"), "stop": ("ended",)}


def add(verbs: Any, shared: argparse.ArgumentParser) -> None:
    """Add the verbs to the command line."""
    who = argparse.ArgumentParser(add_help=False)
    who.add_argument("--who", default="", metavar="NAME", help="who says it (default: user and host)")
    asking = argparse.ArgumentParser(add_help=False)
    asking.add_argument("--why", default="", metavar="TEXT", help="why, for the record")
    asking.add_argument("--no-wait", action="store_true", help="do not wait until it is done, only until it is heard")
    asking.add_argument("--json", action="store_true", help="print JSON for a program, nothing else")
    for name, help_, description in (
        (
            "hold",
            "hold a running sweep: gas and temperature stay, shutter closed",
            "Hold the sweep that records in the data folder: load and temperature stay where they are, on their way or "
            "not, the shutter is closed, everything is watched as before. A point that is being measured is finished "
            "first. It is held until somebody says lics continue or lics stop.",
        ),
        (
            "continue",
            "let a held sweep go on",
            "Let a held sweep go on: ruby and temperature are read afresh, and the approach is planned from there.",
        ),
        (
            "stop",
            "end a running sweep in the safe state",
            "End the sweep that records in the data folder: gas held, heater down, shutter closed. A point that is "
            "being measured is finished first; Ctrl-C where the sweep runs does not wait for it.",
        ),
    ):
        verb = verbs.add_parser(name, parents=[shared, who, asking], help=help_, description=description)
        verb.set_defaults(run=run)
    verb = verbs.add_parser(
        "note",
        parents=[shared, who],
        help="write something down in the record of a running sweep",
        description="Write something down in the record of the sweep that records in the data folder, with who says it "
        "and when: it is an event of the stream holds, and stands in the logbook. The sweep goes on meanwhile.",
    )
    verb.add_argument("text", metavar="TEXT", help="what is to be written down")
    verb.add_argument("--no-wait", action="store_true", help="do not wait until it is written down")
    verb.add_argument("--json", action="store_true", help="print JSON for a program, nothing else")
    verb.set_defaults(run=note)


def run(options: argparse.Namespace) -> int:
    """Ask, wait until it is done, and say what was done.

    Returns
    -------
    int
        0 when it was done; 3 when no sweep runs, it does not answer, or it stays held.
    """
    from lics_beamline.cli.argument import data_folder
    from lics_beamline.control.request import Request
    from lics_beamline.sweep_request import ask, asked_before, sweep_status

    data = data_folder(options)
    stands = sweep_status(data)
    if stands is None or not stands.alive:
        last = f"; the last one: {stands.says}, {stands.when}" if stands is not None else ""
        return _say(options, f"no sweep is running in {data.root}{last}.", EXIT_NOT_READY)
    request = {"hold": Request.PAUSE, "continue": Request.CONTINUE, "stop": Request.STOP}[options.verb]
    asked = ask(data, request, why=options.why, who=options.who)
    if asked.request is not request:
        return _say(options, asked_before(asked), EXIT_NOT_READY, stands)
    return _wait(options, data, asked)


def note(options: argparse.Namespace) -> int:
    """Leave a note, and wait until the sweep has written it down.

    Returns
    -------
    int
        0 when it was; 2 where it is empty or too long; 3 when no sweep runs, or it does not answer.
    """
    from lics_beamline.cli.argument import data_folder
    from lics_beamline.sweep_request import leave_note, sweep_status

    data = data_folder(options)
    stands = sweep_status(data)
    if stands is None or not stands.alive:
        return _say(
            options,
            f"no sweep is running in {data.root}, so there is no record to write in. lics logbook writes the logbook "
            "of a sweep that has ended; add to that.",
            EXIT_NOT_READY,
        )
    try:
        waits = leave_note(data, options.text, who=options.who)
    except ValueError as error:
        return _say(options, str(error), EXIT_USAGE)
    if options.no_wait:
        return _say(options, "it waits to be written down", 0, stands)
    return _written_down(options, data, waits)


def _written_down(options: argparse.Namespace, data: DataFolder, waits: Path) -> int:
    from lics_beamline.sweep_request import sweep_status

    told = False
    until_s = time.monotonic() + FINISHED_SOON_S
    while waits.exists():
        stands = sweep_status(data)
        if (stands is None or not stands.alive) and waits.exists():
            waits.unlink(missing_ok=True)
            return _say(options, "the sweep ended before it could write that down", EXIT_NOT_READY)
        if not told and not options.json and time.monotonic() > until_s:
            told = True
            tell_line("what is being measured is finished first ...")
        time.sleep(LOOK_S)
    return _say(options, "noted", 0, sweep_status(data))


def _wait(options: argparse.Namespace, data: DataFolder, asked: SubmittedRequest) -> int:
    from lics_beamline.sweep_request import asked_after, overtaken_by, sweep_status

    deadline, told = time.monotonic() + HEAR_S, ""
    while True:
        stands = sweep_status(data)
        if stands is not None and stands.answers == asked.uid:
            if stands.state in DONE[options.verb] or options.no_wait:
                goes_on = options.verb != "continue" or stands.state != "held"
                return _say(options, stands.says, 0 if goes_on else EXIT_NOT_READY, stands)
            if stands.says != told and not options.json:
                told = stands.says
                tell_line(f"{told} ...")
        other = overtaken_by(data, asked) if stands is None or stands.answers != asked.uid else None
        if other is not None:
            return _say(options, asked_after(other), EXIT_NOT_READY, stands)
        if stands is None or not stands.alive:
            return _say(options, "the sweep has ended", 0 if options.verb == "stop" else EXIT_NOT_READY, stands)
        if stands.answers != asked.uid and time.monotonic() > deadline:
            return _say(
                options,
                f"the sweep of process {stands.pid} does not answer for {HEAR_S:g} s; it may hear yet. It says: "
                f"{stands.says}. If it hangs its guard makes safe: lics guard.",
                EXIT_NOT_READY,
                stands,
            )
        time.sleep(LOOK_S)


def _say(options: argparse.Namespace, says: str, code: int, stands: SweepStatus | None = None) -> int:
    if code:
        return tell_fault(says, code, kind="not done", verb=options.verb, as_json=options.json)
    if options.json:
        state = stands.state if stands is not None else None
        tell_json({"done": True, "state": state, "says": says})
    else:
        sys.stdout.write(f"{says}\n")
    return code
