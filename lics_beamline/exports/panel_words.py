"""Words that the figures of a report and the live page share: quantities with their units, titles, states of a run.

A word that stands at an axis of both is here, and nowhere else.
"""

from __future__ import annotations

from typing import Final

TRACK: Final = "P-T track"
PRESSURE: Final = "pressure (GPa)"
RUBY_PRESSURE: Final = "pressure from ruby (GPa)"
GASKET_TEMPERATURE: Final = "gasket (K)"
SAMPLE_TEMPERATURE: Final = "sample temperature (K)"
CELL_EDGE: Final = "cell edge a (Å)"
ANGLE: Final = "2θ (deg)"
AZIMUTH: Final = "azimuth (deg)"
LOAD: Final = "load (bar)"
EXPERIMENT_TIME: Final = "time of experiment (h)"
WAVELENGTH_IN_AIR: Final = "wavelength in air (nm)"
MASS_SHARE: Final = "share (%)"
IMAGE_COLUMN: Final = "column (px)"
IMAGE_ROW: Final = "row (px) of the file"
GIVEN_PRESSURE: Final = "pressure as given (GPa)"
FIRST_PRESSURE: Final = "pressure in the first (GPa)"
PATTERNS: Final = "Patterns above background, √ scale"
CELLS: Final = "Cell and equation of state (lines)"


def run_state(ended: str, *, being_written: bool) -> str:
    """Return how a run stands, in a word: ``running``, ``whole``, ``abandoned``, or how it was ended.

    Parameters
    ----------
    ended : str
        Exit status of its stop document; empty where it has none.
    being_written : bool
        Whether a living process writes it.
    """
    if ended:
        return {"success": "whole"}.get(ended, ended)
    return "running" if being_written else "abandoned"
