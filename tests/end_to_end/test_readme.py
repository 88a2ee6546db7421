"""What README and documents say one may type at a Python prompt, typed: it gives the run that is meant."""

import os
import re
import subprocess
import sys

import pytest
from documented import DOCS, ROOT

import lics_beamline

pytestmark = pytest.mark.timeout(600)  # for hangs only: the first of them pays for the dry run

PAGES = (ROOT / "README.md", DOCS / "how-to" / "runs.md")
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SNIPPETS = list(dict.fromkeys(code for page in PAGES for code in PYTHON.findall(page.read_text(encoding="utf-8"))))
TABLES, OTHERS = [code for code in SNIPPETS if "print" in code], [code for code in SNIPPETS if "print" not in code]
COLUMNS = ["pressure_gpa", "temperature_k", "alloy_a_angstrom", "alloy_fraction"]


def carried_out(snippet, dry_run, folder):
    """Run what a page says in a process of its own, where a dry run without --data has written."""
    (folder / "lics-data").symlink_to(dry_run.data)
    return subprocess.run(
        [sys.executable, "-c", snippet],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "TILED_PROFILES": str(dry_run.data.parent / "profiles"), "COLUMNS": "200"},
    )


@pytest.mark.parametrize(
    "snippet", [*TABLES[:2], pytest.param(TABLES[2], marks=pytest.mark.long)], ids=["tiled", "read_run", "databroker"]
)
def test_a_snippet_prints_every_column_of_every_reduced_point(dry_run, tmp_path, snippet):
    assert dry_run.exit_code == 0, dry_run.said
    done = carried_out(snippet, dry_run, tmp_path)
    assert done.returncode == 0, done.stderr
    header, *lines = [line for line in done.stdout.splitlines() if line.strip()]
    assert [word for word in header.split() if word in COLUMNS] == COLUMNS
    table = lics_beamline.read_run("last", dry_run.data).table(COLUMNS)
    assert len(table) == 4
    assert table["alloy_a_angstrom"].notna().any()
    printed = [line.split()[-len(COLUMNS) :] for line in lines if re.match(r"\d", line)]
    assert len(printed) == len(table)
    for words, row in zip(printed, table.itertuples(index=False), strict=True):
        assert [float(word) for word in words] == pytest.approx(list(row), abs=1e-4, nan_ok=True)


@pytest.mark.parametrize("snippet", OTHERS, ids=["filler"])
def test_a_snippet_that_prints_nothing_does_what_the_page_says_without_a_word(dry_run, tmp_path, snippet):
    assert dry_run.exit_code == 0, dry_run.said
    image = "\nassert sum('frame_image' in doc['data'] for kind, doc in told if kind == 'event') == 4\n"
    keeps = snippet.replace("        name, doc = filler(name, doc)", "        told.append(filler(name, doc))")
    assert keeps != snippet
    done = carried_out(f"told = []\n{keeps}{image}", dry_run, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
