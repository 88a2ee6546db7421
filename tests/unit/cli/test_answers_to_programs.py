"""What a program hears of every verb: one JSON document by ``--json``, and no codes of a terminal that is none."""

import argparse
import contextlib
import json
import pty
import threading

import pytest

from lics_beamline.cli import main, parser
from lics_beamline.cli.terminal import console, progress, text_column

# Command lines of each verb that has --json, in a folder where nothing was ever recorded: cheap, whatever they answer.
LINES = {
    "dry-run": ["no-such"],
    "sweep": ["no-such"],
    "check": ["no-such"],
    "resume": [],
    "runs": [],
    "show": [],
    "import": ["FILE"],
    "verify": [],
    "hold": [],
    "continue": [],
    "stop": [],
    "note": ["a bubble"],
    "guard": [],
    "replay": [],
    "reduce": ["FILE", "--geometry", "FILE"],
    "compare": ["last", "FILE", "FILE"],
    "calibrate": ["FILE", "--calibrant", "CeO2"],
    "calibrate-plate": ["--waits", "nan"],
    "calibrate-gradient": ["507.7:498", "407.1:400"],
    "refine": ["last", "1"],
    "fit": ["FILE", "--phases", "FILE", "--wavelength", "0.4"],
    "index": ["FILE", "--wavelength", "0.4"],
    "analyse": ["last"],
    "discover": ["last"],
    "logbook": [],
    "export": ["last", "--for", "xye", "--to", "out"],
    "pressure": ["FILE", "--temperature-k", "298"],
}


def verbs():
    """Every verb with what reads its command line."""
    return next(each for each in parser()._actions if isinstance(each, argparse._SubParsersAction)).choices


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "words.txt").write_text("no numbers here\n")
    return tmp_path


def answered(line, capsys):
    """Exit code and answer of a command line; standard output has that answer and nothing else."""
    try:
        code = main([*line, "--json"])
    except SystemExit as end:
        code = end.code
    return code, json.loads(capsys.readouterr().out)


def test_every_verb_that_answers_programs_is_tried_here():
    asked = {name for name, each in verbs().items() if "--json" in each._option_string_actions}
    assert asked == set(LINES)


@pytest.mark.parametrize("verb", LINES)
def test_every_answer_is_one_document_that_says_why_there_is_none(folder, capsys, verb):
    line = [verb, *("words.txt" if word == "FILE" else word for word in LINES[verb])]
    code, answer = answered(line, capsys)
    if code:
        assert set(answer) == {"error", "kind", "exit_code"}
        assert answer["exit_code"] == code
        assert answer["error"]
    else:
        assert "error" not in answer


@pytest.mark.parametrize("line", [["hold", "--no-such-option"], ["fit"], ["no-such-verb"]])
def test_a_line_that_is_none_is_answered_too(capsys, line):
    code, answer = answered(line, capsys)
    assert (code, answer["kind"], answer["exit_code"]) == (2, "usage", 2)


@contextlib.contextmanager
def terminal(heard):
    """Let standard output be a terminal while the context lasts; all that is written to it comes to a list."""
    master, slave = pty.openpty()

    def listen():
        with open(master, "rb", buffering=0) as shown:
            while chunk := read_some(shown):
                heard.append(chunk)

    listening = threading.Thread(target=listen)
    listening.start()
    with open(slave, "w") as written, contextlib.redirect_stdout(written):
        yield
    listening.join()


def read_some(shown):
    try:
        return shown.read(65536)
    except OSError:  # the other end was closed
        return b""


@pytest.fixture
def said(monkeypatch):
    """Return what a terminal shows of a bar, a line in colours and the help of all verbs, in an environment."""

    def shown(environment):
        for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        heard = []
        with terminal(heard):
            out = console()
            with progress(out, text_column("{task.description}")) as bar:
                bar.advance(bar.add_task("exposing", total=2))
                out.print("a point", style="bold red")
            for each in verbs().values():
                each.print_help()
        return b"".join(heard)

    return shown


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1", "TERM": "xterm-256color"}, {"TERM": "dumb"}])
def test_where_no_codes_are_wanted_there_are_none(said, environment):
    heard = said(environment)
    assert b"a point" in heard
    assert heard.count(b"usage: lics") == len(verbs())
    assert b"\x1b" not in heard


def test_a_terminal_that_can_is_sent_codes(said):
    assert b"\x1b" in said({"TERM": "xterm-256color"})
