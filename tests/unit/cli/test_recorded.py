"""Lists of what has been recorded."""

import json

import pytest

from lics_beamline.cli import main
from lics_beamline.cli.recorded import PAGE_RUNS
from lics_beamline.data_folder import DataFolder
from lics_beamline.journal.writer import Journal

EXTRA = 20


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Two pages and some more runs."""
    data = DataFolder(tmp_path_factory.mktemp("runs") / "data").make()
    for number in range(2 * PAGE_RUNS + EXTRA):
        with Journal(data.raw_journals) as journal:
            journal("start", {"uid": f"{number:08d}", "time": float(number), "purpose": "sweep"})
    return data


def listed(data, capsys, *options):
    assert main(["runs", "--data", str(data.root), *options]) == 0
    return capsys.readouterr().out.splitlines()


def test_of_many_runs_the_newest_are_listed_with_how_to_see_the_others(data, capsys):
    first, *rows = listed(data, capsys)
    assert first == f"{PAGE_RUNS + EXTRA} older runs: lics runs --page 2, or --all"
    assert [int(row.split()[0]) for row in rows] == list(range(PAGE_RUNS + EXTRA, 2 * PAGE_RUNS + EXTRA))
    last = listed(data, capsys, "--page", "3")
    assert [int(row.split()[0]) for row in last] == list(range(EXTRA))
    assert listed(data, capsys, "--page", "4") == [f"page 4 is empty: {2 * PAGE_RUNS + EXTRA} runs fill 3."]
    assert len(listed(data, capsys, "--all")) == 2 * PAGE_RUNS + EXTRA


def test_a_program_gets_all_runs_unless_it_asks_for_a_page(data, capsys):
    assert len(json.loads("\n".join(listed(data, capsys, "--json")))) == 2 * PAGE_RUNS + EXTRA
    assert len(json.loads("\n".join(listed(data, capsys, "--json", "--page", "3")))) == EXTRA
