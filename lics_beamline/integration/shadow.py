"""What of a frame is not to be used: shadows of beam stop and seat, dead zones, and dead pixels that read zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.frames.counts import Counts
from lics_beamline.frames.negative_pixels import NegativePixels

BLOCK_PX: Final = 10  # shadows are looked for on blocks of 10 x 10 pixels: 100 pixels tell 0.5 from 1 at one count each
SHADOW_SIGMA: Final = 5.0  # Poisson significance below which a dim block is chance
RING_BIN_BLOCKS: Final = 1.5  # width of the rings on which blocks are compared, in blocks
DEAD_SHARE: Final = 0.5  # of a block that may be zero, and the others tell whether these are dead
DEAD_COUNTS: Final = 10.0  # of the dimmest other pixel of a block whose zeros are dead
EVEN_BLOCKS: Final = 0.1  # of the blocks with zeros, the most even ones: others have rings and edges within
BLOCKS_LOOKED_AT: Final = 2000  # of those with zeros: where none of these has dead ones, none has
NEIGHBOUR_RINGS: Final = 2  # a block on the flank of a strong ring is compared with the dimmest of the rings around it


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BlockRings:
    """Blocks of a frame sorted into rings, to see which block is dimmer than the rest of its ring.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of blocks.
    order, starts : ndarray of int
        Blocks ring by ring, and where each ring begins.
    ring_of_block : ndarray of int
        Ring of each block.
    """

    shape: tuple[int, int]
    order: npt.NDArray[np.intp]
    starts: npt.NDArray[np.intp]
    ring_of_block: npt.NDArray[np.intp]

    @classmethod
    def of(cls, two_theta_deg: npt.NDArray[np.float32]) -> BlockRings:
        """Sort the blocks by the scattering angle of each pixel [deg]."""
        rows, columns = (size // BLOCK_PX for size in two_theta_deg.shape)
        centre = two_theta_deg[BLOCK_PX // 2 :: BLOCK_PX, BLOCK_PX // 2 :: BLOCK_PX][:rows, :columns]
        width = RING_BIN_BLOCKS * float(np.median(np.abs(np.diff(centre, axis=0)).max(axis=0)))
        ring = (centre / max(width, 1e-6)).astype(np.intp).ravel()
        ring = np.unique(ring, return_inverse=True)[1]
        order = np.argsort(ring, kind="stable")
        starts = np.searchsorted(ring[order], np.arange(ring.max() + 2))
        return cls(shape=(rows, columns), order=order, starts=starts, ring_of_block=ring)

    def shadows(
        self,
        frame: Counts,
        bad: npt.NDArray[np.bool_] | None,
        fraction: float,
        *,
        noise_counts: float = 0.0,
        compiled: bool = True,
    ) -> npt.NDArray[np.bool_] | None:
        """Pixels of blocks dimmer than `fraction` of their ring, and of the blocks beside them; None without any.

        Pixels known to be bad do not count, so the gaps of a tiled detector cast no shadow on their neighbours. A block
        is dim only beyond counting and the noise of a pixel, `noise_counts`.
        """
        if compiled:  # which takes a second to import
            from lics_beamline.integration.block_sum import block_sums, medians
        else:
            from lics_beamline.integration.plain_block_sum import block_sums, medians

        counts, pixels = block_sums(frame, bad, side_px=BLOCK_PX)
        mean = counts / np.maximum(pixels, 1.0)
        median = np.empty(self.starts.size - 1)
        medians(mean[self.order], self.starts, median)
        padded = np.pad(median, NEIGHBOUR_RINGS, mode="edge")
        around = np.lib.stride_tricks.sliding_window_view(padded, 2 * NEIGHBOUR_RINGS + 1)
        floor = around.min(axis=1)[self.ring_of_block]
        significance = (floor - mean) * np.sqrt(pixels / (np.maximum(floor, 1e-3) + noise_counts**2))
        dim = ((mean < fraction * floor) & (significance > SHADOW_SIGMA)).reshape(self.shape)
        if not dim.any():
            return None
        grown = np.pad(dim, 1)
        grown = grown[:-2] | grown[1:-1] | grown[2:]
        dim = grown[:, :-2] | grown[:, 1:-1] | grown[:, 2:]
        shadow = np.zeros(frame.shape, dtype=bool)
        rows, columns = self.shape
        shadow[: rows * BLOCK_PX, : columns * BLOCK_PX] = dim.repeat(BLOCK_PX, axis=0).repeat(BLOCK_PX, axis=1)
        return shadow


def _largest(frame: Counts) -> float:
    """Return the largest count; NaN is none. Whole numbers have no NaN, and are gone through in half the time."""
    return float(np.nanmax(frame) if frame.dtype.kind == "f" else frame.max())


def _dead_zeros(frame: Counts, bad: npt.NDArray[np.bool_] | None) -> npt.NDArray[np.bool_] | None:
    """Return the pixels of exactly zero where no pixel around them is near it: dead, or in a gap; None without any.

    Notes
    -----
    The variance of even blocks over their mean is what one count is worth, whatever counts were multiplied by. Where
    the dimmest of fifty has 10 their mean is 20 or so, and nothing at all is counted once in 10^8 pixels.
    """
    zero = frame == 0 if bad is None else (frame == 0) & ~bad
    rows, columns = (size // BLOCK_PX for size in frame.shape)
    inner = slice(0, rows * BLOCK_PX), slice(0, columns * BLOCK_PX)
    across = zero[inner].reshape(rows, BLOCK_PX, -1).sum(axis=1, dtype=np.uint8)
    number = across.reshape(rows, columns, BLOCK_PX).sum(axis=2)
    place = np.argwhere((number > 0) & (number <= DEAD_SHARE * BLOCK_PX**2))
    blocks = rows, BLOCK_PX, columns, BLOCK_PX
    sides = frame[inner].reshape(blocks).swapaxes(1, 2)
    unused = None if bad is None else bad[inner].reshape(blocks).swapaxes(1, 2)

    def worth_and_dimmest(these: npt.NDArray[np.intp]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        at = these[:, 0], these[:, 1]
        counts = sides[at].astype(np.float64).reshape(-1, BLOCK_PX**2)
        lit = counts != 0.0 if unused is None else (counts != 0.0) & ~unused[at].reshape(counts.shape)
        seen = lit.sum(axis=1)
        mean = counts.sum(axis=1, where=lit) / np.maximum(seen, 1)
        square = ((counts - mean[:, None]) ** 2).sum(axis=1, where=lit) / np.maximum(seen, 1)
        dimmest = counts.min(axis=1, where=lit, initial=np.inf)
        told = (seen >= DEAD_SHARE * BLOCK_PX**2) & (mean > 0.0)
        return np.where(told, square / np.where(told, mean, 1.0), np.inf), np.where(told, dimmest, 0.0)

    if not place.size:
        return None
    worth, dimmest = worth_and_dimmest(place[:: max(1, len(place) // BLOCKS_LOOKED_AT)])
    least = DEAD_COUNTS * float(np.quantile(worth, EVEN_BLOCKS))
    if not (dimmest > least).any():
        return None
    dead = np.zeros((rows, columns), dtype=bool)
    for part in np.array_split(place, len(place) // BLOCKS_LOOKED_AT + 1):
        dead[part[:, 0], part[:, 1]] = worth_and_dimmest(part)[1] > least
    grown = np.zeros(frame.shape, dtype=bool)
    grown[inner] = dead.repeat(BLOCK_PX, axis=0).repeat(BLOCK_PX, axis=1)
    return grown & zero


def bad_pixels(
    frame: Counts, rings: BlockRings, *, shadow_fraction: float, saturation_counts: int | None, compiled: bool = True
) -> npt.NDArray[np.bool_] | None:
    """Pixels of a frame that are not to be used: dead, saturated or in a shadow; None where there are none.

    Parameters
    ----------
    frame : ndarray, shape (rows, columns)
        Counts.
    rings : BlockRings
        Of its detector.
    shadow_fraction : float
        Blocks dimmer than this fraction of their ring are in a shadow; 0 for none.
    saturation_counts : int or None
        Count of a full pixel; None where full pixels are used.
    compiled : bool
        Whether blocks are summed by compiled code: fast for who reads many frames, once the compiler is loaded.
    """
    bad: npt.NDArray[np.bool_] | None = None
    negative = NegativePixels()
    lowest = frame.min()
    if not lowest >= 0:  # also where the smallest is NaN
        negative = NegativePixels.of(frame)
        bad = negative.dead(frame)
    if not lowest > 0 and (zeros := _dead_zeros(frame, bad)) is not None:
        bad = zeros if bad is None else bad | zeros
    if saturation_counts is not None and _largest(frame) >= saturation_counts:
        full = frame >= saturation_counts
        bad = full if bad is None else bad | full
    if shadow_fraction > 0.0:
        shadow = rings.shadows(frame, bad, shadow_fraction, noise_counts=negative.noise_counts, compiled=compiled)
        if shadow is not None:
            bad = shadow if bad is None else bad | shadow
    return bad
