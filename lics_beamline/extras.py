"""Recorded runs can be read and reduced by every install; a beamline, a catalog, a page, a shell are extras of it.

Which library belongs to which extra is written in ``pyproject.toml`` and nowhere else: here it is read back from what
was installed, so that whoever lacks one is told what to install.
"""

from __future__ import annotations

import importlib.metadata
import re
from collections import Counter
from functools import cache
from importlib.util import find_spec
from typing import Final

from lics_beamline.errors import NotInstalled

DISTRIBUTION: Final = "lics_beamline"
REQUIREMENT: Final = re.compile(r"^([A-Za-z0-9._-]+).*;.*\bextra\s*==\s*['\"]([\w-]+)['\"]")
SEPARATORS: Final = re.compile(r"[-_.]+")  # written one way or another, a name is the same


def require(module: str, *, what: str) -> None:
    """Refuse where a library of an extra is not installed; it is looked for, not imported.

    Parameters
    ----------
    module : str
        Its top module, ``"bokeh"``.
    what : str
        What needs it, in words, ``"the live page"``.

    Raises
    ------
    NotInstalled
        If it is not there.
    """
    if find_spec(module) is None:
        raise _refusal(module, what, extra_of(module))


def not_installed(error: ModuleNotFoundError) -> NotInstalled | None:
    """Return in words that an import failed for want of an extra; None where it failed for another reason.

    Parameters
    ----------
    error : ModuleNotFoundError
        What the import raised.
    """
    module = (error.name or "").partition(".")[0]
    extra = extra_of(module)
    return _refusal(module, "this", extra) if extra else None


def _refusal(module: str, what: str, extra: str) -> NotInstalled:
    wanted = f"'{DISTRIBUTION}[{extra}]'" if extra else module
    return NotInstalled(
        f"{what} needs {module}, which is not installed. pip install {wanted}.", module=module, extra=extra
    )


def extra_of(module: str) -> str:
    """Return the extra that brings a library; empty where none does.

    Parameters
    ----------
    module : str
        Its top module.
    """
    return _extras().get(_plain(module), "")


@cache
def _extras() -> dict[str, str]:
    """Return the extra of each library: of several that bring it the smallest, for extras bring extras."""
    try:
        required = importlib.metadata.requires(DISTRIBUTION) or ()
    except importlib.metadata.PackageNotFoundError:  # run from a folder that was copied
        return {}
    said = [(match[2], _plain(match[1])) for match in map(REQUIREMENT.match, required) if match]
    sizes = Counter(extra for extra, _ in said)
    return {library: extra for extra, library in sorted(said, key=lambda each: (-sizes[each[0]], each[0]))}


def _plain(name: str) -> str:
    return SEPARATORS.sub("-", name).lower()
