"""A small plate with rings of known cells, and a ruby spectrum of known pressure: a measured point made by hand."""

import math
import struct

import numpy as np

from lics_beamline.physics.ruby import RubyRuler

SHAPE = (600, 600)
PIXEL_MM = 0.5
DISTANCE_MM = 350.0
WAVELENGTH = 0.41373
AXIS_NM = 680.0 + 0.03 * np.arange(2048)


def write_osc(path, counts, *, ratio=8.0, plate=1, minutes=5.0):
    """R-AXIS file by the published layout, independent of the reader under test."""
    rows, columns = counts.shape
    header = bytearray(max(2 * columns, 1400))
    header[0:7] = b"R-AXIS4"
    for offset, kind, value in (
        (292, "f", WAVELENGTH),
        (344, "f", DISTANCE_MM),
        (536, "f", minutes),
        (768, "i", columns),
        (772, "i", rows),
        (776, "f", PIXEL_MM),
        (780, "f", PIXEL_MM),
        (784, "i", len(header)),
        (788, "i", rows),
        (796, "i", plate),
        (800, "f", ratio),
    ):
        struct.pack_into(">" + kind, header, offset, value)
    counts = np.asarray(counts, dtype=np.int64)
    words = np.where(counts < 32768, counts, 0x8000 | np.minimum(np.rint(counts / ratio), 0x7FFF).astype(np.int64))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(header) + words.astype(">u2").tobytes())


def ring_image(spacings, *, strength=200.0, background=30.0, seed=1, fwhm_deg=0.3):
    """Poisson image of rings of these spacings [angstrom] by plane trigonometry, with a few diamond-like spots."""
    rows, columns = np.indices(SHAPE)
    radius_mm = PIXEL_MM * np.hypot(rows + 0.5 - SHAPE[0] / 2, columns + 0.5 - SHAPE[1] / 2)
    angle = np.degrees(np.arctan2(radius_mm, DISTANCE_MM))
    mean = np.full(SHAPE, background)
    for d, weight in spacings:
        centre = 2.0 * math.degrees(math.asin(WAVELENGTH / (2.0 * d)))
        mean += strength * weight * np.exp(-4.0 * math.log(2.0) * ((angle - centre) / fwhm_deg) ** 2)
    cosine = np.cos(np.radians(angle))
    draw = np.random.default_rng(seed)
    image = draw.poisson(mean * cosine**3)
    for row, column in draw.integers(40, 560, (12, 2)):
        image[row - 1 : row + 2, column - 1 : column + 2] += 20_000
    return image


def cubic_lines(a, hkls):
    return [(a / math.sqrt(h * h + k * k + l * l), weight) for (h, k, l), weight in hkls]  # noqa: E741


def ruby_spectrum(gpa, temperature_k, *, height=20_000.0, seed=3):
    r1 = RubyRuler().wavelength_nm(gpa, temperature_k)
    half = 0.5 * (0.39 + 1.85e-3 * max(0.0, temperature_k - 298.0))
    lines = sum(weight / (1.0 + ((AXIS_NM - line) / half) ** 2) for line, weight in ((r1, 1.0), (r1 - 1.43, 0.62)))
    return np.random.default_rng(seed).poisson(100.0 + height * lines).astype(float)


# Heights of the alloy's lines over that of its strongest, by the structure factors of its CIF and the Lorentz factor
ALLOY_LINES = (
    ((1, 0, 0), 1.0),
    ((1, 1, 0), 0.89),
    ((1, 1, 1), 0.29),
    ((2, 0, 0), 0.15),
    ((2, 1, 0), 0.39),
    ((2, 1, 1), 0.31),
    ((2, 2, 0), 0.09),
    ((2, 2, 1), 0.16),
    ((3, 1, 0), 0.11),
    ((3, 1, 1), 0.09),
    ((3, 2, 0), 0.06),
    ((3, 2, 1), 0.11),
    ((3, 2, 2), 0.06),
)
