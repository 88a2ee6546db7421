"""The reference pages, written from the code: what the program says of itself, and nothing by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from _reference import command_line, documents, errors, pvs, rooms, rules, settings

PAGES: dict[str, Callable[[], str]] = {
    "pvs": pvs.page,
    "documents": documents.page,
    "profile": settings.profile_page,
    "recipe": settings.recipe_page,
    "experiment": settings.experiment_page,
    "errors": errors.page,
    "rules": rules.page,
    "command-line": command_line.page,
    "rooms": rooms.page,
}


def write_reference(folder: Path) -> None:
    """Write every page below `folder`; a page that says the same is left alone, so that a second build is quick."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        path, text = folder / f"{name}.md", page()
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
