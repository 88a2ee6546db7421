"""The command line as a person types it: in a process of its own, or inside this one."""

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path

from lics_beamline.cli import main


def lics(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one command line as a person would, with catalog profiles kept out of the home folder."""
    return subprocess.run(
        [sys.executable, "-m", "lics_beamline", *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        cwd=folder,
        env={**os.environ, "TILED_PROFILES": str(folder / "profiles"), **environment},
        check=False,
    )


def typed(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run one command line inside this process, for what needs no process of its own: a start costs a second."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(arguments)
        except SystemExit as left:  # of the parser
            code = left.code if isinstance(left.code, int) else 1
    return subprocess.CompletedProcess(["lics", *arguments], code, out.getvalue(), err.getvalue())
