"""Pieces of Markdown that the pages are made of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; empty where there are no rows."""
    filled = [[cell(text) for text in row] for row in rows]
    if not filled:
        return ""
    lines = [heading, ["---"] * len(heading), *filled]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def cell(text: str) -> str:
    """Return text that fits into one cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def code(text: str) -> str:
    """Return text as code; nothing where there is none."""
    return f"`{text}`" if text else ""


def plain(text: str) -> str:
    """Return the words of a docstring or a comment as Markdown: double backticks single, no accidental emphasis."""
    text = re.sub(r"``([^`]*)``", r"`\1`", text)
    pieces = re.split(r"(`[^`]*`)", text)
    escaped = (piece if piece.startswith("`") else re.sub(r"([*_<>\[\]#$])", r"\\\1", piece) for piece in pieces)
    return "".join(escaped)


def first_sentence(docstring: str | None) -> str:
    """Return the first paragraph of a docstring as Markdown."""
    return plain(" ".join((docstring or "").strip().split("\n\n")[0].split()))
