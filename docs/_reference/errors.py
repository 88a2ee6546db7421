"""Errors: each with what it means and what to do, and what else it is to Python."""

from __future__ import annotations

import inspect
from typing import Final

from _reference.markdown import code, plain, table

INTRODUCTION: Final = """# Errors

Every error that is raised on purpose is a `LicsError`, and a builtin besides, so that `except TimeoutError` works. The
message says what happened, with number, unit and limit, and what to do. The same facts are fields: `error.facts`.

At the command line an error is one message and an exit code: 0 done, 2 usage, 3 beamline not ready, 4 run failed.
"""


def page() -> str:
    """Return the page."""
    from lics_beamline import errors

    found = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.LicsError)]
    found.remove(errors.LicsError)  # the root is told of above the table
    rows = []
    for one in found:
        also = ", ".join(code(base.__name__) for base in one.__bases__ if base.__module__ == "builtins")
        said = " ".join((inspect.getdoc(one) or "").split("\n\n")[0].split())
        what, _, remedy = said.partition(". ")
        rows.append((code(one.__name__), also, plain(what.rstrip(".")) + ".", plain(remedy)))
    return INTRODUCTION + "\n" + table(("error", "also a", "when", "what to do"), rows)
