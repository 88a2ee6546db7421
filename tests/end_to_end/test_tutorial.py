"""The tutorial, typed as it stands: every command works and prints what the page shows, but for the numbers."""

import shutil
from pathlib import Path

import pytest
from command_line import lics
from documented import DOCS, commands, files, shown_in

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]

TUTORIAL = DOCS / "tutorial.md"


@pytest.fixture(scope="module")
def typed(tmp_path_factory) -> tuple[Path, dict[str, str]]:
    """The folder of somebody who typed the whole tutorial, and what each command printed."""
    folder = tmp_path_factory.mktemp("tutorial")
    for name, text in files(TUTORIAL).items():
        (folder / name).write_text(text)
    printed = {}
    for command in commands(TUTORIAL):
        done = lics(*command.words[1:], folder=folder, COLUMNS="200")
        assert done.returncode == 0, f"{command.line}: {done.stderr}"
        printed[command.line] = done.stdout
    yield folder, printed
    shutil.rmtree(folder / "lics-data", ignore_errors=True)


@pytest.mark.parametrize("command", commands(TUTORIAL), ids=lambda command: command.line)
def test_a_command_of_the_tutorial_prints_what_the_page_shows(typed, command):
    _, printed = typed
    assert command.output
    assert shown_in(command.output, printed[command.line]) == [], printed[command.line]


def test_the_tutorial_leaves_the_files_that_it_tells_of(typed):
    folder, _ = typed
    assert list(folder.glob("lics-data/figures/*-summary.png"))
    assert list(folder.glob("lics-data/figures/analyse-*/density.png"))
    assert len(list((folder / "mem").glob("*.mem"))) == 5
    assert (folder / "mem" / "manifest.json").exists()
