"""How much of each phase is in a pattern, with errors that know of texture and grains.

The areas of a phase's lines scatter about what its structure gives them. By how much is taken from the lines
themselves, as far as they tell, and the scales of all phases are fitted together with it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from lics_beamline.phases.phase_mixture import TEXTURE_SPREAD, Flags, Mixture, MixtureFit

Array = npt.NDArray[np.float64]

KNOWN_TEXTURE: Final = 0.12  # relative spread of areas about the structure, where the lines do not tell
KNOWN_LINES: Final = 4.0  # so many lines' worth is that known
SPREAD_ROUNDS: Final = 2  # of taking the spread from a fit with the spread before


class Share(NamedTuple):
    """A part of the whole and its standard deviation."""

    fraction: float
    sigma: float


def scaled(mixture: Mixture, chosen: Sequence[int]) -> MixtureFit | None:
    """Fit the scales of the phases that are there; None where they cannot be told apart."""
    spreads: list[float] = [TEXTURE_SPREAD] * len(chosen)
    fit = mixture.fit(chosen, texture=spreads, start=mixture.start[list(chosen)], errors=True)
    told: MixtureFit | None = None
    for _ in range(SPREAD_ROUNDS + 1):
        if fit is None or not np.all(fit.scale > 0.0):
            break
        loose = mixture.covered(fit)
        fit = mixture.fit(chosen, texture=spreads, start=fit.scale, loose=loose, errors=True)
        if fit is not None and np.all(fit.scale > 0.0):
            told, spreads = fit, _spreads(mixture, fit, ~loose)
    return told


def _spreads(mixture: Mixture, fit: MixtureFit, telling: Flags) -> list[float]:
    """Return by how much the areas of each phase scatter about its structure; lines that tell little count little."""
    rows = mixture.rows_of(fit.chosen)
    spreads = []
    for number, k in enumerate(fit.chosen):
        mine = np.isin(rows, mixture.rows[k])
        due = fit.scale[number] * mixture.strength[mixture.rows[k]]
        weight = telling[mine] * (1.0 + (fit.area_sigma[mine] / due / KNOWN_TEXTURE) ** 2) ** -2.0
        squares = float(weight @ (fit.area[mine] / due - 1.0) ** 2) + KNOWN_LINES * KNOWN_TEXTURE**2
        spreads.append(math.sqrt(squares / (float(weight.sum()) + KNOWN_LINES)))
    return spreads


def shares(fit: MixtureFit, mass: Sequence[float]) -> list[Share]:
    """Return the part of each phase in the mass of the sample (Hill and Howard 1987).

    Parameters
    ----------
    fit : MixtureFit
        Scales, with their errors.
    mass : sequence of float
        Mass times volume of the cell of each phase [u angstrom^3]; 0 of one that is not of the sample.
    """
    weight = np.asarray(mass, dtype=np.float64)
    total = float(weight @ fit.scale)
    parts = weight * fit.scale / total if total > 0.0 else np.full(weight.size, math.nan)
    told = []
    for place, part in enumerate(parts.tolist()):
        turn = weight * (np.eye(weight.size)[place] - part) / total if total > 0.0 else weight
        told.append(Share(part, math.sqrt(max(float(turn @ fit.scale_covariance @ turn), 0.0))))
    return told
