"""The notebook of the documents runs on a recorded run, as a person at home would run it."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from documented import DOCS

from .conftest import DryRun


def script() -> str:
    """Return the code of the notebook as one program that draws into no window."""
    cells = json.loads((DOCS / "notebook.ipynb").read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    return "\n\n".join(["import matplotlib\n\nmatplotlib.use('Agg')", *code])


def test_the_notebook_is_committed_without_outputs():
    cells = json.loads((DOCS / "notebook.ipynb").read_text(encoding="utf-8"))["cells"]
    assert [cell["outputs"] for cell in cells if cell["cell_type"] == "code" and cell["outputs"]] == []


@pytest.mark.long
def test_the_notebook_runs_on_a_recorded_run(dry_run: DryRun, tmp_path):
    assert dry_run.exit_code == 0, dry_run.said
    shutil.copytree(dry_run.data, tmp_path / "lics-data")  # a replay writes, and others look at the dry run too
    (tmp_path / "notebook.py").write_text(script())
    done = subprocess.run(
        [sys.executable, "notebook.py"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "MPLCONFIGDIR": str(tmp_path)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "a short way through the alloy - 4 points" in done.stdout
    assert "'frames.bins': (2500, 1500)" in done.stdout
    assert "000003.osc: " in done.stdout, "the plate of the last of four points"
    assert "K0 = 32.8" in done.stdout
