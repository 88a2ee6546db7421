"""Loops compiled by numba, which takes a second to import: import what uses this where it is used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import numba

Work = TypeVar("Work", bound=Callable[..., Any])


# Sums may be reordered; NaN must stay NaN, for it marks dead pixels.
OPTIONS: Final = {"nogil": True, "fastmath": {"reassoc", "contract", "nsz", "arcp"}}


def compiled(work: Work) -> Work:
    """Compile a function when it is first called, and keep it on disk where there is a place for it."""
    try:
        return numba.njit(work, cache=True, **OPTIONS)
    except RuntimeError:  # neither the package's folder nor the user's can be written to
        return numba.njit(work, **OPTIONS)


def compiled_part(work: Work) -> Work:
    """Compile a function that only compiled ones call into each of them, and not by itself.

    Compiled by itself, its callers would use that code in the process that compiled it and their own copy of it where
    they are read from the disk. The two add sums in another order: the last digits would depend on who came first.
    """
    return numba.njit(work, inline="always", **OPTIONS)


def compiled_exactly(work: Work) -> Work:
    """Compile a function as `compiled` does, with every operation in its order and rounded as numpy would."""
    exactly = {"nogil": True, "error_model": "numpy"}
    try:
        return numba.njit(work, cache=True, **exactly)
    except RuntimeError:
        return numba.njit(work, **exactly)
