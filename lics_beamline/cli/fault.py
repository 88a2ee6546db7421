"""How a verb that did not do what it was asked for says why: in words for people, and as JSON for a program."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from lics_beamline.cli.json_answer import tell_json
from lics_beamline.files.given_file import one_line


def tell_fault(says: str, exit_code: int, *, kind: str, verb: str, as_json: bool, lines: Sequence[str] = ()) -> int:
    """Say why a verb has ended without what it was asked for; the one way for all verbs.

    Parameters
    ----------
    says : str
        What happened, and what to do.
    exit_code : int
        The code it ends with.
    kind : str
        What it is, for a program: the class of an error, or a word.
    verb : str
        The verb.
    as_json : bool
        Whether ``--json`` was asked for: then standard output has one object with ``error``, ``kind`` and
        ``exit_code``, in place of what was asked for.
    lines : sequence of str
        For people; default what happened, after the verb.

    Returns
    -------
    int
        `exit_code`.
    """
    if as_json:
        tell_json({"error": says, "kind": kind, "exit_code": exit_code})
    for line in lines or (f"lics {verb}: {says}",):
        sys.stderr.write(readable(line) + "\n")
    return exit_code


def readable(text: str) -> str:
    """Return lines as people read them, whatever documents and files put into them."""
    return "\n".join(one_line(line) for line in text.split("\n"))
