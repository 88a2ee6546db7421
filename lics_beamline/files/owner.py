"""Whose a file or a folder is that lets somebody not in."""

from __future__ import annotations

import os
from pathlib import Path


def whose(path: Path) -> str:
    """Return who else owns a path, or the nearest folder above it that is there, and can let others in.

    Parameters
    ----------
    path : Path
        The file or folder.

    Returns
    -------
    str
        A sentence; empty where it is our own, or nobody's that this computer knows.
    """
    try:
        path = path.absolute()
        nearest = next(each for each in (path, *path.parents) if os.path.lexists(each))
        if nearest.stat().st_uid == os.geteuid():
            return ""
        return f"It is {nearest.owner()}'s, who may share the folder with a group."
    except (OSError, KeyError, ValueError):
        return ""
