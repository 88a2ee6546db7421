"""The verb ``completion``: what makes a shell complete verbs, options, names and runs; and the answers it then asks."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from lics_beamline.data_folder import DataFolder

SHELLS: Final = ("bash", "zsh", "fish")
BEFORE: Final = {"zsh": "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }\n"}  # bare, it has no Tab
ASKED: Final = "_ARGCOMPLETE"  # variable by which a shell asks what could come next
SHORT_CHARACTERS: Final = 8  # of a uid that is offered: as `lics runs` shows it
MOST_OFFERED: Final = 200  # newest runs: a person reads no longer list


def add(verbs: Any, shared: argparse.ArgumentParser) -> None:
    """Add the verb to the command line."""
    verb = verbs.add_parser(
        "completion",
        help="what makes bash, zsh or fish complete command lines of lics at Tab",
        description="Print what makes a shell complete verbs, options, profiles, experiments and runs of lics at Tab: "
        'eval "$(lics completion bash)", and so in zsh; lics completion fish | source.',
    )
    verb.add_argument("shell", choices=SHELLS, help="the shell")
    verb.set_defaults(run=run, verbose=False)


def run(options: argparse.Namespace) -> int:
    """Print what makes a shell complete."""
    from argcomplete.shell_integration import shellcode

    sys.stdout.write(BEFORE.get(options.shell, "") + shellcode(["lics"], shell=options.shell) + "\n")
    return 0


def answer_shell(parser: argparse.ArgumentParser) -> None:
    """Say what could come next and end the process, where a shell asks for that; return where none does.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        What reads the command line.
    """
    if ASKED not in os.environ:
        return
    import argcomplete

    for action in _actions(parser):
        if action.metavar == "RUN":
            action.completer = _runs  # type: ignore[attr-defined]  # where argcomplete looks for it
        elif action.dest == "profile":
            action.completer = _profiles  # type: ignore[attr-defined]
        elif action.dest == "experiment":
            action.completer = _experiments  # type: ignore[attr-defined]
    argcomplete.autocomplete(parser, always_complete_options="long")


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:  # noqa: SLF001  # argparse has no other way to tell what a parser reads
        yield action
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for below in action.choices.values():
                yield from _actions(below)


def _runs(prefix: str, parsed_args: argparse.Namespace, **_: object) -> list[str]:
    """Return the newest sweeps of the data folder; reductions where what is typed begins no sweep."""
    data = DataFolder(parsed_args.data)
    for folder in (data.raw_journals, data.derived_journals):
        files = sorted(folder.glob("*.jsonl"), key=lambda file: -file.stat().st_mtime)
        uids = [file.stem for file in files if file.stem.startswith(prefix)][:MOST_OFFERED]
        if uids:
            return [uid[: max(SHORT_CHARACTERS, len(prefix))] for uid in uids] + ["last"]
    return ["last"]


def _profiles(**_: object) -> list[str]:
    from lics_beamline.profile import shipped

    return sorted(found.parent.name for found in shipped().glob("*/profile.toml"))


def _experiments(prefix: str, parsed_args: argparse.Namespace, **more: Any) -> list[str]:
    """Return the experiments of the profile that is typed, and files."""
    from argcomplete.completers import FilesCompleter

    from lics_beamline.profile import read_profile

    profile = read_profile(getattr(parsed_args, "profile", "simulated"))
    files = FilesCompleter(("toml",))(prefix=prefix, parsed_args=parsed_args, **more)
    return [*sorted(file.stem for file in Path(profile.experiments).glob("*.toml")), *files]
