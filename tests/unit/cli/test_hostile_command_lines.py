"""Whatever a person passes on a command line, it is answered in words, with the exit code for usage."""

import argparse
import contextlib
import os
from pathlib import Path

import pytest

from lics_beamline.cli import main, parser
from lics_beamline.cli.argument import pathname
from lics_beamline.geometry.geometry import flat_geometry

LONG = "x" * 5000


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["show", "a\0b"], "no run answers"),
        (["show", "\ud800"], "no run answers"),
        (["runs", "--data", "FILE"], "is no folder"),
        (["runs", "--data", "a\0b"], "can be no folder"),
        (["runs", "--data", LONG], "can be no folder"),
        (["pressure", "FOLDER", "--temperature-k", "298"], "is a folder"),
        (["pressure", "/dev/zero", "--temperature-k", "298"], "a pipe or a device"),
        (["calibrate", LONG, "--calibrant", "CeO2"], "is no image file"),
        (["replay", "last", "--recipe", "FOLDER"], "is a folder"),
        (["check", LONG], "has no experiment"),
        (["check", "FOLDER.toml"], "there is no such file"),
        (["check", "lics-2015", "--profile", LONG], "there is no profile"),
        (["check", "lics-2015", "--hours", "nan"], "nan is no number within 0.01 and 1e+06 h"),
        (["dry-run", "--seed", "-1"], "-1 is not within 0 and 4294967295"),
        (["dry-run", "--points", "0"], "0 is not within 1 and"),
        (["calibrate", "--pixel", "172"], "172 is no number within 0.0001 and 10 mm"),
        (["calibrate", "--wavelength", "40"], "40 is no number within 0.05 and 5 angstrom"),
        (["calibrate-plate", "--waits", "0", "nan"], "nan is no number within 0 and 1e+06 s"),
        (["calibrate-gradient", "507.7:inf"], "is no pair of temperatures"),
        (["fit", "FILE", "--phases", "FILE", "--wavelength", "0,0.1"], "0 is no number within 0.05 and 5 angstrom"),
        (["geometry", "FILE", "--shape", "0", "5"], "0 is not within 1 and"),
        (["check", "lics-2015", "--figure", "FOLDER/a.toml"], "no kind of figure"),
        (["check", "lics-2015", "--figure", "FOLDER/a.png/"], "a folder"),
        (["check", "lics-2015", "--figure", ""], "no name of a file"),
        (["check", "lics-2015", "--figure", "."], "it is a folder"),
        (["check", "lics-2015", "--figure", ".."], "it is a folder"),
        (["check", "lics-2015", "--figure", "/"], "it is a folder"),
        (["check", "lics-2015", "--figure", "FOLDER"], "it is a folder"),
        (["export", "last", "--to", "~nobody-at-all/x"], "a home that nobody has here"),
        (["check", "lics-2015", "--recipe", "CIRCLE"], "leads to itself"),
        (["check", "CIRCLE"], "has no experiment"),
        (["check", "lics-2015", "--profile", "CIRCLE"], "there is no profile"),
        (["new", ""], "no name of a file"),
        (["new", "."], "is a folder"),
        (["new", "/"], "is a folder"),
        (["screens", ""], "no name of a file"),
        (["serve", "--new-key", "PIPE"], "is a pipe"),
        (["geometry", "FILE", "--as", "fit2d", "--to", "PIPE"], "is a pipe"),
        (["reduce", "FILE\0", "--geometry", "FILE"], "no name of a file"),
    ],
)
def test_what_cannot_be_meant_is_told(line, said, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FILE").write_text("x")
    (tmp_path / "FOLDER" / "a.png").mkdir(parents=True)
    (tmp_path / "CIRCLE").symlink_to("CIRCLE")
    os.mkfifo(tmp_path / "PIPE")
    try:
        code = main(line)
    except SystemExit as ended:
        code = ended.code
    told = capsys.readouterr().err
    assert said in told
    assert "unexpected" not in told
    assert code == 2
    assert len(told) < 12_000


def test_a_home_is_meant_by_its_sign_also_where_no_shell_reads_it(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert pathname("~/x") == tmp_path / "x"
    assert pathname("~/a.h5::/entry/data") == tmp_path / "a.h5::/entry/data"
    assert pathname("./~") == Path("~")


def options_of(made):
    """Every option of every verb, with the name of its verb."""
    (verbs,) = (action for action in made._actions if isinstance(action, argparse._SubParsersAction))
    return [(name, action) for name, verb in verbs.choices.items() for action in verb._actions]


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e400", "-1e400", "9" * 5000, ""])
def test_no_verb_takes_what_is_no_number_for_one(text):
    for verb, option in options_of(parser()):
        with contextlib.suppress(argparse.ArgumentTypeError, ValueError):
            taken = option.type(text) if option.type is not None else ""
            assert not isinstance(taken, (int, float)), f"lics {verb} {option.dest} takes {text[:9]!r}"


def test_every_number_of_every_verb_has_bounds():
    unbounded = [(verb, option.dest) for verb, option in options_of(parser()) if option.type in (int, float)]
    assert {name for _, name in unbounded} <= {"orientation"}, "which has four values"


@pytest.mark.parametrize(
    ("to", "said"), [("FOLDER", "Is a directory"), ("/dev/full", "No space left on device"), ("FILE/x", "no folder")]
)
def test_where_nothing_can_be_written_is_told_by_its_name(to, said, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FOLDER").mkdir()
    (tmp_path / "FILE").write_text("x")
    poni = flat_geometry(distance_mm=350.0, wavelength_angstrom=0.4, shape=(100, 100), pixel_mm=0.1).poni
    (tmp_path / "a.poni").write_text(poni)
    assert main(["geometry", "a.poni", "--as", "fit2d", "--to", to]) in (2, 4)
    told = capsys.readouterr().err
    assert said in told
    assert "unexpected" not in told
