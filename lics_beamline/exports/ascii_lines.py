"""Files of lines for programs that read ASCII and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from lics_beamline.files.whole_file import write_whole


def write_lines(path: Path, lines: Iterable[str]) -> Path:
    """Write lines, all of them or nothing, and return the file; what is not ASCII becomes a question mark.

    Parameters
    ----------
    path : Path
        File to write; its folder is made if absent.
    lines : iterable of str
        The lines, without their ends.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, ("\n".join(lines) + "\n").encode("ascii", errors="replace"))
    return path
