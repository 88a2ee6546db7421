"""The map of the house: rooms, their captions, and the first line of each module."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

from _reference.markdown import code, first_sentence, table

INTRODUCTION: Final = """# Map of the house

Imports go downwards only; `lint-imports` checks it against the contracts in `pyproject.toml`. What follows is the first
line of every module.
"""
ROOTS: Final = ("lics_beamline", "lics_simulators")


def page() -> str:
    """Return the page."""
    import importlib

    parts = [INTRODUCTION]
    for root in ROOTS:
        folder = Path(importlib.import_module(root).__path__[0])
        parts += [f"## {root}\n", first_sentence(_docstring(folder / "__init__.py")) + "\n", _modules(folder)]
        for room in sorted(path.parent for path in folder.rglob("__init__.py") if path.parent != folder):
            name = ".".join((root, *room.relative_to(folder).parts))
            parts += [f"### {name}\n", first_sentence(_docstring(room / "__init__.py")) + "\n", _modules(room)]
    return "\n".join(parts)


def _modules(room: Path) -> str:
    modules = sorted(path for path in room.glob("*.py") if not path.stem.startswith("__"))
    return table(("module", "what it is"), [(code(path.stem), first_sentence(_docstring(path))) for path in modules])


def _docstring(path: Path) -> str | None:
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
