"""A bright full-size plate by plane trigonometry, for benchmarks: no simulator, no loader."""

import math
import struct

import numpy as np

SIDE = 3000
WAVELENGTH = 0.41373


def write_plate(path, *, seed=1):
    """A bright full-size plate: rings of the alloy and of rhenium on a background, 40 diamond spots."""
    axis = 0.1 * (np.arange(SIDE, dtype=np.float32) + 0.5 - SIDE / 2)
    angle = np.degrees(np.arctan2(np.hypot(axis[:, None], axis[None, :]), np.float32(350.0)))
    mean = 20.0 + 15.0 * np.exp(-angle / 5.0)
    edge = 3.489
    spacings = [(edge / math.sqrt(n), w) for n, w in ((1, 30), (2, 90), (3, 20), (4, 25), (5, 30), (6, 45), (9, 15))]
    # Rhenium of a = 2.7240 and c = 4.3962 angstrom, as it is at 8 GPa: 100, 002, 101, 102, 110, 103, 112.
    spacings += [(2.359, 12), (2.198, 14), (2.079, 50), (1.608, 6), (1.362, 12), (1.2448, 10), (1.1578, 10)]
    for d, height in spacings:
        centre = 2.0 * math.degrees(math.asin(WAVELENGTH / (2.0 * d)))
        mean += height * np.exp(-4.0 * math.log(2.0) * ((angle - centre) / 0.06) ** 2)
    draw = np.random.default_rng(seed)
    counts = draw.poisson(mean).astype(np.int64)
    for row, column in draw.integers(50, SIDE - 50, (40, 2)):
        counts[row - 3 : row + 4, column - 3 : column + 4] += draw.integers(100, 100_000)
    header = bytearray(2 * SIDE)
    header[0:7] = b"R-AXIS4"
    for offset, kind, value in ((768, "i", SIDE), (772, "i", SIDE), (784, "i", 2 * SIDE), (800, "f", 8.0)):
        struct.pack_into(">" + kind, header, offset, value)
    words = np.where(counts < 32768, counts, 0x8000 | (counts // 8).clip(max=0x7FFF))
    path.write_bytes(bytes(header) + words.astype(">u2").tobytes())
