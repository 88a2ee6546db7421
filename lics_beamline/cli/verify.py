"""The verb that holds what is on disk against what was recorded: verify."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from typing import Any

from lics_beamline.cli.json_answer import tell_json


def add(verbs: Any, shared: argparse.ArgumentParser) -> None:
    """Add the verb to the command line."""
    verb = verbs.add_parser(
        "verify",
        parents=[shared],
        help="hold journals, plates, reductions and catalog against each other",
        description="Hold what is on disk against what was recorded: each line of the journals by its checksum and its "
        "place, plates by their sha256, reductions by their raw runs and recipes, the catalog by the journals. Nothing "
        "is changed; a copy that cannot be written is fine. Exit code 0 when all is well, 4 when something is to be "
        "done, 2 when there is no such run.",
    )
    verb.add_argument("uid", metavar="RUN", nargs="*", help="'last', uids or their first six characters (default: all)")
    verb.add_argument("--json", action="store_true", help="print JSON for a program, nothing else")
    verb.set_defaults(run=verify)


def verify(options: argparse.Namespace) -> int:
    """Hold what is on disk against what was recorded."""
    from lics_beamline.cli.argument import data_folder
    from lics_beamline.verification.whole import verify as look

    found = look(data_folder(options), options.uid)
    wrong = [each for each in found.differences if each.is_wrong]
    if options.json:
        plain = {
            "runs": found.runs,
            "documents": found.documents,
            "plates": found.plates,
            "well": found.is_well,
            "differences": [asdict(each) for each in wrong],
            "notes": [asdict(each) for each in found.differences if not each.is_wrong],
        }
        tell_json(plain)
    else:
        for each in found.differences:
            run = f"run {each.run[:8]}: " if each.run else ""
            sys.stdout.write(f"{'wrong' if each.is_wrong else 'note '}  {run}{each}\n")
        result = f"{len(wrong)} difference{'s' * (len(wrong) > 1)}" if wrong else "all is as it was recorded"
        sys.stdout.write(f"{found.runs} runs, {found.documents} documents, {found.plates} plates: {result}\n")
    return 4 if wrong else 0
