"""Loops compiled by numba, which takes a second to import: import what uses this where it is used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

Work = TypeVar("Work", bound=Callable[..., Any])


def compiled(work: Work) -> Work:
    """Compile a function when it is first called, and keep it on disk where there is a place for it."""
    # Sums may be reordered; NaN must stay NaN, for it marks dead pixels.
    options = {"nogil": True, "fastmath": {"reassoc", "contract", "nsz", "arcp"}}
    try:
        return numba.njit(work, cache=True, **options)
    except RuntimeError:  # neither the package's folder nor the user's can be written to
        return numba.njit(work, **options)
