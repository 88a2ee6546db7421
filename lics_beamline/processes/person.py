"""Who sits at this computer, for the record."""

from __future__ import annotations

import getpass
import os
import socket


def whoever_asks() -> str:
    """Return the user and the host of this process: ``ada@bl10xu-1``; the number of a user who has no name."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # in a container the user often has none
        user = str(os.getuid()) if hasattr(os, "getuid") else "somebody"
    return f"{user}@{socket.gethostname()}"
