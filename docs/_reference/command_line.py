"""The command line, verb by verb, from its own parser."""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Iterator
from typing import Any, Final

from _reference.markdown import code, plain, table

INTRODUCTION: Final = """# Command line

`lics VERB`, or `python -m lics_beamline VERB`. Every verb takes `--data DIR` (default `./lics-data`) and `--verbose`.
Exit codes: 0 done, 2 usage, 3 beamline not ready, 4 run failed.
"""
WIDTH: Final = 100  # characters of a line
SHARED: Final = ("help", "data", "verbose")


def page() -> str:
    """Return the page."""
    from lics_beamline.cli import parser

    verbs = next(action for action in parser()._actions if isinstance(action, argparse._SubParsersAction))
    about = {choice.dest: choice.help or "" for choice in verbs._choices_actions}
    listed = [(f"[`{name}`](#{name})", plain(about[name])) for name in verbs.choices]
    parts = [INTRODUCTION, table(("verb", "what it does"), listed)]
    for name, verb in verbs.choices.items():
        usage = _usage(verb)
        parts += [f"({name})=\n## {name}\n", f"```text\n{usage}\n```\n", _prose(verb.description or about[name])]
        rows = [_row(action) for action in verb._actions if action.dest not in SHARED]
        parts.append(table(("argument", "meaning"), rows))
    return "\n".join(parts)


def _usage(verb: argparse.ArgumentParser) -> str:
    """Return how a verb is used, in lines of one length whatever the terminal is."""
    usage = " ".join(verb.format_usage().removeprefix("usage: ").split())
    pieces = re.sub(r"\[[^\]]*\]", lambda option: option[0].replace(" ", "\0"), usage)
    lines = textwrap.fill(pieces, WIDTH, subsequent_indent="     ", break_long_words=False, break_on_hyphens=False)
    return lines.replace("\0", " ")


def _row(action: argparse.Action) -> tuple[str, str]:
    shown = action.metavar if action.metavar is not None else action.dest
    names = ", ".join(_option(option, action, shown) for option in action.option_strings) or str(shown)
    return code(names), plain(_help(action))


def _option(option: str, action: argparse.Action, shown: Any) -> str:
    if action.nargs == 0:
        return option
    value = " ".join(shown) if isinstance(shown, tuple) else str(shown)
    if action.choices is not None and action.metavar is None:
        value = "{" + ",".join(str(choice) for choice in action.choices) + "}"
    return f"{option} {value.upper() if value == action.dest else value}"


def _help(action: argparse.Action) -> str:
    text = (action.help or "").replace("%(default)s", str(action.default))
    if not action.option_strings and action.choices:
        text = f"{text} One of {', '.join(map(str, action.choices))}.".strip()
    return text


def _prose(description: str) -> str:
    """Return a description; what its author laid out by hand stays as it is."""
    return "\n\n".join(_paragraphs(description)) + "\n"


def _paragraphs(description: str) -> Iterator[str]:
    for paragraph in description.split("\n\n"):
        yield f"```text\n{paragraph}\n```" if "\n  " in paragraph else plain(" ".join(paragraph.split()))
