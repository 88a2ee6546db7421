"""Duty of a sweep: how much of its time X-rays were used, from its documents."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lics_beamline.journal.events import events
from lics_beamline.schema import EXPERIMENT_TIME, EXPOSURE_S, PRIMARY


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """Time used and time spent.

    Parameters
    ----------
    exposing_s : float
        Exposures of the points measured, together [s of experiment].
    elapsed_s : float
        From the first event of the run to its last [s of experiment]; the first exposure counts from its beginning.
    """

    exposing_s: float
    elapsed_s: float

    @property
    def fraction(self) -> float:
        """Exposing over elapsed, 0 to 1; NaN where no time has passed."""
        return self.exposing_s / self.elapsed_s if self.elapsed_s > 0.0 else math.nan


def duty(documents: Iterable[tuple[str, Mapping[str, Any]]]) -> Duty:
    """Return the duty of a raw run. Exposures that failed or only looked are time spent, not used.

    Parameters
    ----------
    documents : iterable of (str, mapping)
        The run's documents.
    """
    exposing_s, begun_s, ended_s = 0.0, math.inf, -math.inf
    for event in events(documents):
        if EXPERIMENT_TIME.name not in event.data:
            continue
        now_s, exposure_s = float(event.data[EXPERIMENT_TIME.name]), 0.0
        if event.stream == PRIMARY:
            exposure_s = float(event.data.get(EXPOSURE_S.name, 0.0))
            exposure_s = exposure_s if math.isfinite(exposure_s) else 0.0  # not known of an imported run
        exposing_s += exposure_s
        begun_s, ended_s = min(begun_s, now_s - exposure_s), max(ended_s, now_s)
    return Duty(exposing_s=exposing_s, elapsed_s=max(ended_s - begun_s, 0.0))
