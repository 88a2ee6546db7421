"""Numbers as people and programs write them, and the commas in them that mean something else."""

from __future__ import annotations

import re
from typing import Final

UNSIGNED_NUMBER: Final = (
    r"(?:\d+(?:\.\d*)?|\.\d+)"  # one way to match each text: a million digits are refused at once too
)
NUMBER: Final = re.compile(rf"[+-]?{UNSIGNED_NUMBER}([eE][+-]?\d+)?")
THOUSANDS: Final = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")  # what a comma between thousands looks like
