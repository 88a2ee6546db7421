"""A bright full-size plate by plane trigonometry, for benchmarks: no simulator, no loader."""

import math
import struct

import numpy as np

SIDE = 3000
WAVELENGTH = 0.41373
EDGE = 3.489  # of the alloy [angstrom]
RHENIUM = (2.7240, 4.3962)  # a and c at 8 GPa [angstrom]
# Heights as the structures scatter, to the edge of the plate: a phase is known by the lines that it lacks, too.
ALLOY = (  # h2 + k2 + l2 of each line
    *((1, 90), (2, 79), (3, 26), (4, 14), (5, 34), (6, 27), (8, 8), (9, 14), (10, 10), (11, 7.4), (12, 2.2), (13, 5)),
    *((14, 9), (16, 0.8), (17, 5), (18, 3.4), (19, 1.9), (20, 1.7), (21, 2.8)),
)
RHENIUM_LINES = (
    *((1, 0, 0, 11.5), (0, 0, 2, 12.8), (1, 0, 1, 50), (1, 0, 2, 8.3), (1, 1, 0, 10.2), (1, 0, 3, 11.6)),
    *((2, 0, 0, 1.6), (1, 1, 2, 12.3), (2, 0, 1, 8.8), (0, 0, 4, 1.7), (2, 0, 2, 2.2), (1, 0, 4, 1.9), (2, 0, 3, 4.2)),
    *((2, 1, 0, 1.3), (2, 1, 1, 7.1), (1, 1, 4, 4.4), (2, 1, 2, 1.9), (1, 0, 5, 2.9), (2, 0, 4, 0.9), (3, 0, 0, 1.6)),
)


def write_plate(path, *, seed=1):
    """A bright full-size plate: rings of the alloy and of rhenium on a background, 40 diamond spots."""
    axis = 0.1 * (np.arange(SIDE, dtype=np.float32) + 0.5 - SIDE / 2)
    angle = np.degrees(np.arctan2(np.hypot(axis[:, None], axis[None, :]), np.float32(350.0)))
    mean = 20.0 + 15.0 * np.exp(-angle / 5.0)
    spacings = [(EDGE / math.sqrt(n), height) for n, height in ALLOY]
    spacings += [
        (1.0 / math.sqrt(4.0 / 3.0 * (h * h + h * k + k * k) / RHENIUM[0] ** 2 + (ell / RHENIUM[1]) ** 2), height)
        for h, k, ell, height in RHENIUM_LINES
    ]
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
