"""Reducing one point, as a value: all that it takes goes to whoever has time for it, and the outcome comes back.

A process, or a machine that sees the same files, needs nothing but this package. What comes out does not depend on who
did it, nor on what that process did before.
"""

from __future__ import annotations

import threading
import traceback
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final

from lics_beamline.errors import LicsError
from lics_beamline.physics.gauge import Gauge
from lics_beamline.reduction.event import event_data
from lics_beamline.reduction.image_record import ImageRecord, recording, remembered
from lics_beamline.reduction.pattern_reading import PatternReading, pattern_of
from lics_beamline.reduction.plate_state import NOTHING_UNDONE, plate_data, plate_state
from lics_beamline.reduction.point import GivenState, PointReading, reduce_pattern, reduce_point, warm_up
from lics_beamline.reduction.recipe import Recipe

ONE_AT_A_TIME: Final = threading.Lock()  # Dask gives a worker threads; pyFAI's engine serves one


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Work:
    """One point to be reduced.

    Parameters
    ----------
    taken : ImageRecord
        Its image.
    before : ImageRecord or None
        The image before on the same plate; None where there is none or nobody knows.
    reading : PointReading or GivenState
        Ruby spectrum and thermocouples read beside it, or its pressure and temperature as they were given.
    recipe : Recipe
        The recipe to reduce it by.
    gauge : Gauge or None
        What its pressure rests on; None takes the reference line of the recipe.
    patterns : PatternReading, optional
        How its file is read, where it holds a pattern and no image.
    """

    taken: ImageRecord
    before: ImageRecord | None
    reading: PointReading | GivenState
    recipe: Recipe
    gauge: Gauge | None
    patterns: PatternReading | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WorkOutcome:
    """Result of reducing a point, or the reason for which there is none.

    Parameters
    ----------
    values : dict
        Fields of its event; empty where it could not be reduced.
    note : str
        Why it could not, for people; empty where it could.
    trace : str
        Where an error came up that nobody had thought of.
    """

    values: dict[str, Any] = field(default_factory=dict)
    note: str = ""
    trace: str = ""


def do(work: Work) -> dict[str, Any]:
    """Reduce a point and return the fields of its event that reducing gives.

    Raises
    ------
    LicsError
        Whatever is wrong with plate, spectrum or thermocouples.
    OSError
        If a file cannot be read.
    """
    recipe = work.recipe
    if work.patterns is not None:
        pattern = pattern_of(work.taken, work.patterns, recipe)
        return event_data(reduce_pattern(pattern, work.reading, recipe), recipe) | NOTHING_UNDONE
    image = remembered(work.taken) if recipe.plate.ghosts and work.taken.path.is_file() else recording(work.taken)
    state = plate_state(work.taken, image, recipe.plate, before=work.before)
    reduced = reduce_point(
        image.counts,
        work.reading,
        recipe,
        gauge=work.gauge,
        saturation_counts=image.saturation_counts,
        plate=state,
    )
    reduced = replace(reduced, warnings=image.doubts + reduced.warnings)
    return event_data(reduced, recipe) | plate_data(state, image, recipe.plate)


def outcome(work: Work) -> WorkOutcome:
    """Reduce a point or say why it cannot be: reduce or note."""
    try:
        return WorkOutcome(values=do(work))
    except (LicsError, OSError) as error:
        return WorkOutcome(note=str(error))
    except Exception as error:  # one point must not take the others with it
        return WorkOutcome(note=f"{type(error).__name__}: {error}", trace=traceback.format_exc())


def outcome_elsewhere(work: Work) -> WorkOutcome:
    """Do `outcome` in a process that is one of several: by one thread, for the other cores are other workers'."""
    with ONE_AT_A_TIME:
        warm_up(work.recipe)  # nothing, from the second time on
        with _threads().limit(limits=1):
            return outcome(work)


@lru_cache(maxsize=1)
def _threads() -> Any:
    """Return the thread pools of this process, once all its libraries are loaded."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
