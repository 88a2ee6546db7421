"""Names of the crystal systems whose lattices are looked for, the highest symmetry first."""

from __future__ import annotations

from typing import Final

SYSTEMS: Final = ("cubic", "hexagonal", "tetragonal", "orthorhombic", "monoclinic")
