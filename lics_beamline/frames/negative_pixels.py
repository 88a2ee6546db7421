"""What the pixels below zero of a frame are: marks of dead pixels, or the noise of a frame whose dark was taken off.

Detectors that count mark dead pixels and gaps by a number no count can be: -1 and -2 (Dectris), the least number of the
type, -999. Where a dark image was taken off, dim pixels scatter about zero, and leaving out half of them would lift the
mean. A mark is one number held by far more pixels than the numbers beside it; noise is many numbers, each held by about
as many pixels as the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from lics_beamline.physics.robust_scatter import SIGMA_OVER_MAD

if TYPE_CHECKING:
    from lics_beamline.frames.counts import Counts

LOOKED_AT: Final = 100_000  # pixels below zero that tell what all of them are
FEWEST_NOISE_VALUES: Final = 4  # fewer different numbers below zero are marks
MARK_OVER_NEIGHBOURS: Final = 4.0  # times as many pixels as hold the next number, for a mark
WIDE_NOISE_STEPS: Final = 3.0  # noise over the steps of its numbers, from which each is held by as many as the next ...
MARK_EXCESS: Final = 0.25  # ... within 6 %: more than so much more than the next marks dead pixels ...
SURE_EXCESS: Final = 10.0  # ... if it is so many standard deviations of counting
MARK_SHARE: Final = 1.0e-3  # of the pixels below zero, that a mark among noise has at least
FEWEST_MARKED: Final = 10  # pixels; so few of a number may be chance
DEEPEST_NOISE_SIGMA: Final = 20.0  # what is lower is no noise, and dead


@dataclass(frozen=True, slots=True, kw_only=True)
class NegativePixels:
    """The pixels below zero of a frame.

    Parameters
    ----------
    lowest_counts : float
        What is lower is dead: 0 where nothing below zero is noise.
    noise_counts : float
        Standard deviation of the noise about zero [counts]; 0 where there is none.
    marks : tuple of float
        Numbers among the noise that mark dead pixels.
    """

    lowest_counts: float = 0.0
    noise_counts: float = 0.0
    marks: tuple[float, ...] = ()

    @classmethod
    def of(cls, frame: Counts) -> NegativePixels:
        """Judge the pixels below zero of a frame."""
        negative = frame[frame < 0]
        every = max(1, negative.size // LOOKED_AT)
        value, held = np.unique(negative[::every].astype(np.float64), return_counts=True)
        if value.size < FEWEST_NOISE_VALUES:
            return cls()
        is_mark = held > np.maximum(FEWEST_MARKED, MARK_SHARE * held.sum())
        if np.array_equal(value, np.rint(value)):
            others = frame[frame >= 0]
            next_above = np.count_nonzero(others == others.min()) // every if others.size else 0
            numbers = np.array([0, *held, next_above])
            beside = np.maximum(numbers[:-2], numbers[2:])  # not one less and one more: counts may be scaled
            surely = is_mark & (held > MARK_OVER_NEIGHBOURS * beside)
            if _sigma(value, held, ~surely) > WIDE_NOISE_STEPS * np.median(np.diff(value)):
                surely |= is_mark & (held - beside > np.maximum(MARK_EXCESS * beside, SURE_EXCESS * np.sqrt(beside)))
            is_mark = surely
        noise = ~is_mark
        if np.count_nonzero(noise) < FEWEST_NOISE_VALUES:
            return cls()
        sigma = _sigma(value, held, noise)
        return cls(lowest_counts=-DEEPEST_NOISE_SIGMA * sigma, noise_counts=sigma, marks=tuple(value[is_mark].tolist()))

    def dead(self, frame: Counts) -> npt.NDArray[np.bool_]:
        """Return which pixels of the frame are dead; NaN is."""
        dead = np.asarray(~(frame >= self.lowest_counts))
        for mark in self.marks:
            dead |= frame == mark
        return dead


def _sigma(value: npt.NDArray[np.float64], held: npt.NDArray[np.intp], chosen: npt.NDArray[np.bool_]) -> float:
    """Return the standard deviation about zero of numbers held by some pixels each; 0 where none is chosen."""
    depth = np.repeat(-value[chosen], held[chosen])
    return SIGMA_OVER_MAD * float(np.median(depth)) if depth.size else 0.0
