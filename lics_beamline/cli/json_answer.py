"""The answer of a verb to a program: JSON as its standard has it, where a number that is none is ``null``."""

from __future__ import annotations

import json
import math
import sys
from typing import Any


def tell_json(answer: object) -> None:
    """Write an answer to standard output.

    Parameters
    ----------
    answer : object
        Tables, lists, texts, numbers, None. Python would write ``NaN`` and ``Infinity``, which other readers refuse
        (RFC 8259, 6).
    """
    sys.stdout.write(json.dumps(_with_null(answer), indent=1, allow_nan=False) + "\n")


def _with_null(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _with_null(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_with_null(each) for each in value]
    return value
