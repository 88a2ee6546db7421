"""What recorded readings of approaches teach: the state of an approach after a sweep was cut off.

The decisions are pure steps, so what was learned of the cell is a fold of the readings they rested on. What the cell
did since nobody knows: its gains are believed, where it creeps to and whether its friction is overcome are not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from lics_beamline.control.approach import ApproachState, LoadStep
from lics_beamline.control.cell_estimate import CellEstimate, PressureReading
from lics_beamline.control.gain import LearnedGain
from lics_beamline.control.settings import ControlSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedReading:
    """One reading of an approach, as recorded, and what was decided.

    Parameters
    ----------
    reading : PressureReading
        What was read.
    direction : int
        +1 on the upstroke, -1 on the downstroke.
    believed : bool
        Whether it was; a doubted one teaches nothing.
    commanded_bar : float
        Load commanded after it [bar]; that of the reading where none was.
    """

    reading: PressureReading
    direction: int
    believed: bool
    commanded_bar: float


def learned(readings: Iterable[RecordedReading], settings: ControlSettings) -> LearnedGain:
    """Return the gains that readings have taught, in the order they were taken."""
    estimate = CellEstimate(direction=1)
    for recorded in readings:
        if recorded.believed:
            estimate = estimate.turned(recorded.direction).after(recorded.reading, settings)
    return estimate.gains


def recalled(
    readings: Iterable[RecordedReading], now: PressureReading, settings: ControlSettings
) -> ApproachState | None:
    """Return the state from which approaches go on after a sweep was cut off; None where there was no approach.

    Parameters
    ----------
    readings : iterable of RecordedReading
        Of all approaches of the sweep, in the order they were taken.
    now : PressureReading
        The cell as it was found.
    settings : ControlSettings
        How approaches go.
    """
    recorded = tuple(readings)
    if not recorded:
        return None
    direction = recorded[-1].direction
    estimate = CellEstimate(direction=direction, gains=learned(recorded, settings))
    moves = tuple(
        LoadStep(time_s=one.reading.time_s, bar=one.commanded_bar - one.reading.load_bar)
        for one in recorded
        if one.commanded_bar != one.reading.load_bar and one.reading.time_s > now.time_s - settings.approach.budget_s
    )
    state = ApproachState(target_gpa=now.pressure_gpa, estimate=estimate.after(now, settings), moves=moves)
    return replace(state, commanded_bar=now.load_bar)
