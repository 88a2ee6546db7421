"""A profile's file with some of its keys set anew; what it says beside them, comments too, stays."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any


def with_keys(text: str, keys: Mapping[tuple[str, str], Any]) -> str:
    """Return a TOML text with keys set, each on a line of its own.

    Parameters
    ----------
    text : str
        Of a profile: flat tables, a key a line.
    keys : mapping
        Values by table and key; the table of keys before the first is ``""``.
    """
    lines: list[str] = []
    table, left = "", dict(keys)
    for line in [*text.splitlines(), "[]"]:
        if opened := re.match(r"\[([^\]]*)\]", line):
            end = len(lines)
            while end and not lines[end - 1].strip():
                end -= 1
            new = [f"{key} = {toml(left.pop((where, key)))}" for where, key in list(left) if where == table]
            lines[end:end] = new
            table = opened[1]
        elif (found := re.match(r"([A-Za-z_]+)\s*=", line)) and (table, found[1]) in left:
            line = f"{found[1]} = {toml(left.pop((table, found[1])))}"
        lines.append(line)
    return "\n".join(lines[:-1]) + "\n"


def toml(value: Any) -> str:
    """Return a number, a text, or several of them as TOML writes them."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
