"""Rubies drawn at random, read as a sweep reads them: how often the interval holds the truth, and how wide it is.

Drawn for each: the temperature correction that is true, the two chips, tails of their lines, the constant errors of
both thermocouples, what the hot one deviates more, the gradient, and how far an unheated cell is from its room.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from lics_beamline.physics.ruby import RubyRuler
from lics_beamline.physics.ruby_chip import RubyChip
from lics_beamline.physics.ruby_temperature import valid_corrections
from lics_beamline.reduction.reference import ReferenceReading, refer
from lics_beamline.reduction.ruby import RubyReduction

AXIS_NM = 684.0 + 0.033 * np.arange(900)
ROOM_K = 298.0
CHIP_TO_CHIP_NM = 0.03  # Vos and Schouten 1991
CLASS_1_K = 1.5  # IEC 60584-1:2013, type K
CHIP_READ_TO_NM = 0.001  # difference of two chips read one after the other


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known before the reading.

    Parameters
    ----------
    chip : bool
        The chip in the cell was read beside the ambient ruby before it was loaded.
    correction : bool
        The temperature correction is known to be the true one.
    rest : bool
        The thermocouples are compared while the cell is not heated.
    scale : bool
        The pressure scale is known to be the true one; else all there are may be.
    """

    chip: bool
    correction: bool
    rest: bool = True
    scale: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """How often the interval held the truth, and the median of its half width."""

    covered: float
    half_width_gpa: float


def skewed_doublet(r1_nm, temperature_k, tail):
    """Pseudo-Voigt doublet of 20 000 counts with an exponential red tail: not the shape that is fitted."""
    fwhm_nm = 0.39 + 1.85e-3 * (temperature_k - 298.0)
    ratio = 0.62 * math.exp(-29.7 * 1.4388 * (1.0 / temperature_k - 1.0 / 298.0))
    counts = np.full(AXIS_NM.size, 60.0)
    for centre_nm, height in ((r1_nm, 20_000.0), (r1_nm - 1.43, 20_000.0 * ratio)):
        u = 2.0 * (AXIS_NM - centre_nm) / fwhm_nm
        d = np.clip(AXIS_NM - centre_nm, 0.0, None) / fwhm_nm
        counts += height * (0.3 / (1.0 + u**2) + 0.7 * np.exp(-math.log(2.0) * u**2))
        counts += height * tail * np.exp(-d) * (1.0 - np.exp(-4.0 * d))
    return counts


def trial(temperature_k, known, *, spectra, seed):
    """Read `spectra` drawn rubies at a temperature of the sample [K]."""
    draw = np.random.default_rng(seed)
    corrections = ("datchi-2007",) if known.correction else valid_corrections(temperature_k)
    held, widths = 0, []
    for _ in range(spectra):
        gpa = draw.uniform(0.5, 9.5)
        pressure = _read(draw, gpa, temperature_k, corrections[draw.integers(len(corrections))], known)
        low, high = pressure.interval_gpa()
        held += low <= gpa <= high
        widths.append(0.5 * (high - low))
    return Trial(covered=held / spectra, half_width_gpa=float(np.median(widths)))


def _read(draw, gpa, temperature_k, correction, known):
    """Draw a world at a pressure, read its reference in a cold cell, then the chip in the cell."""
    outside = RubyRuler(correction=correction)
    inside = replace(outside, reference_wavelength_nm=694.25 + CHIP_TO_CHIP_NM * draw.standard_normal())
    gasket_error_k, room_error_k = CLASS_1_K * draw.standard_normal(2)
    gradient = 0.985 + 0.005 * draw.standard_normal()
    rise_k = (temperature_k - ROOM_K) / gradient
    hot_error_k = CLASS_1_K * min(abs(rise_k) / 100.0, 1.0) * draw.standard_normal()
    recipe = _recipe(draw, inside.reference_wavelength_nm - outside.reference_wavelength_nm, known)
    reference = refer(
        ReferenceReading(
            axis_nm=AXIS_NM,
            neon_counts=np.zeros(AXIS_NM.size),
            ruby_counts=draw.poisson(skewed_doublet(outside.unshifted_nm(ROOM_K), ROOM_K, draw.uniform(0.0, 0.06))),
            gasket_k=ROOM_K + gasket_error_k + 0.3 * draw.standard_normal(),
            cell_k=ROOM_K,
            ambient_k=ROOM_K + room_error_k,
            heater_percent=0.0,
        ),
        recipe,
    )
    gauge = reference.gauge(recipe)
    ruler = replace(
        gauge.ruler,
        rival_scales=() if known.scale else None,
        rival_corrections=() if known.correction else None,
    )
    r1_nm = inside.wavelength_nm(gpa, temperature_k)
    return (
        replace(gauge, ruler=ruler)
        .read(
            AXIS_NM,
            draw.poisson(skewed_doublet(r1_nm, temperature_k, draw.uniform(0.0, 0.06))),
            gasket_k=ROOM_K + rise_k + gasket_error_k + hot_error_k,
            ambient_k=ROOM_K + room_error_k,
        )
        .pressure
    )


def _recipe(draw, apart_nm, known):
    """Return the recipe's choices: the chip's as they were read, if they were."""
    chip = None
    if known.chip:
        chip = RubyChip(
            wavelength_nm=694.25 + apart_nm + CHIP_READ_TO_NM * draw.standard_normal(),
            ambient_wavelength_nm=694.25,
            sigma_nm=CHIP_READ_TO_NM,
        )
    return RubyReduction(
        axis="ambient",
        thermocouples="compared at rest" if known.rest else "as read",
        chip=chip,
        ruby_to_sample_gpa=0.0,
    )
