"""An environment in which only what the package itself asks for can be imported, nothing of its extras."""

import importlib.metadata
from collections.abc import Iterator

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

USERS = frozenset({"beamline", "catalog", "monitor", "shell", "dask", "queue"})
HIDE = "import sys\nsys.modules.update(dict.fromkeys({hidden!r}))\n"  # what is None there cannot be imported


def needed_distributions(name: str = "lics_beamline", extras: frozenset[str] = frozenset()) -> set[str]:
    """Return the names of what an installation brings, itself among them."""
    wanted, found = [(name, extras)], set[tuple[str, frozenset[str]]]()
    while wanted:
        one = wanted.pop()
        if one in found:
            continue
        found.add(one)
        wanted += _asked_by(*one)
    return {canonicalize_name(each) for each, _ in found}


def _asked_by(name: str, extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    try:
        required = importlib.metadata.requires(name) or ()
    except importlib.metadata.PackageNotFoundError:  # of an extra that is not installed here: nothing of it to hide
        return
    for text in required:
        asked = Requirement(text)
        if asked.marker is None or any(asked.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield canonicalize_name(asked.name), frozenset(asked.extras)


def hiding_extras(program: str) -> str:
    """Return a program that finds what the package itself asks for, and nothing that users add to it by extras.

    Tools of developers stay as they are: some libraries look for a module of Sphinx, and would take one that is hidden.
    """
    needed = needed_distributions(extras=frozenset({"docs"}))
    extra = needed_distributions(extras=USERS) - needed
    homes = importlib.metadata.packages_distributions()
    hidden = {module for module, names in homes.items() if {canonicalize_name(each) for each in names} <= extra}
    return HIDE.format(hidden=sorted(hidden)) + program
