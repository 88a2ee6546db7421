"""Rules of ``lics check``, group by group, from the functions that judge."""

from __future__ import annotations

import os
from typing import Any, Final

from _reference.markdown import first_sentence, table

INTRODUCTION: Final = """# Rules of `lics check`

Each rule says what it found, what is allowed, and what to do. A refusal forbids the start; a warning wants a look. A
rule that does not apply to an experiment says nothing, so a check shows fewer than are listed here.
"""


def page() -> str:
    """Return the page."""
    os.environ.setdefault("OPHYD_CONTROL_LAYER", "caproto")  # read as ophyd is imported; nothing is connected here
    from lics_beamline.checks import connection, judgement, live

    groups = [*judgement.GROUPS, ("connection (with --live)", connection.RULES), ("beamline (with --live)", live.RULES)]
    parts = [INTRODUCTION, f"{sum(len(rules) for _, rules in groups)} rules in {len(groups)} groups.\n"]
    for name, rules in groups:
        parts += [f"## {name}\n", table(("rule", "what it looks at"), [_row(rule) for rule in rules])]
    return "\n".join(parts)


def _row(rule: Any) -> tuple[str, str]:
    return rule.__name__.replace("_", " "), first_sentence(rule.__doc__).removeprefix("Check that ").capitalize()
