"""Programs whose geometries are read and written, by the name of their format."""

from __future__ import annotations

from typing import Final

PROGRAMS: Final = {"poni": "pyFAI or Dioptas", "fit2d": "Fit2D", "gsas": "GSAS-II", "hexrd": "HEXRD"}
FORMATS: Final = tuple(PROGRAMS)
