"""Does the interval of a ruby pressure hold the truth? Spectra drawn with every error that the budget names."""

import math
from dataclasses import dataclass

import numpy as np
import pytest

from lics_beamline.physics.ruby import RubyRuler
from lics_beamline.physics.ruby_spectrum import fit_doublet
from lics_beamline.physics.ruby_temperature import valid_corrections

AXIS_NM = 684.0 + 0.033 * np.arange(900)
SPECTRA = 250


@dataclass(frozen=True)
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


def trial(temperature_k, *, chip_nm, reference_nm, thermocouple_k, corrections, rivals, seed):
    draw = np.random.default_rng(seed)
    ruler = RubyRuler(
        chip_to_chip_nm=chip_nm,
        reference_sigma_nm=reference_nm,
        ruby_to_sample_gpa=0.0,
        rival_scales=(),
        rival_corrections=rivals,
    )
    held, widths = 0, []
    for _ in range(SPECTRA):
        gpa = draw.uniform(0.5, 9.5)
        truth = RubyRuler(
            correction=corrections[draw.integers(len(corrections))],
            reference_wavelength_nm=694.25 + math.hypot(chip_nm, reference_nm) * draw.standard_normal(),
        )
        r1_nm = truth.wavelength_nm(gpa, temperature_k)
        counts = draw.poisson(skewed_doublet(r1_nm, temperature_k, draw.uniform(0.0, 0.06)))
        believed_k = temperature_k + thermocouple_k * draw.standard_normal()
        line = fit_doublet(AXIS_NM, counts, temperature_k=believed_k)
        pressure = ruler.pressure(line.r1_nm, line.r1_sigma_nm, believed_k, thermocouple_k)
        low, high = pressure.interval_gpa()
        held += low <= gpa <= high
        widths.append(0.5 * (high - low))
    return Trial(covered=held / SPECTRA, half_width_gpa=float(np.median(widths)))


@pytest.mark.parametrize(
    ("temperature_k", "chip_nm", "reference_nm", "thermocouple_k", "known", "widest_gpa"),
    [
        (498.0, 0.03, 0.003, 1.5, False, 0.31),  # any chip, any correction, class 1: 0.296
        (498.0, 0.0, 0.003, 1.5, False, 0.25),  # the chip in the cell was read at ambient
        (298.0, 0.03, 0.003, 1.5, False, 0.19),
        (298.0, 0.0, 0.001, 0.3, True, 0.02),  # chip and correction known, thermocouples compared at rest
    ],
)
def test_the_interval_holds_the_truth(temperature_k, chip_nm, reference_nm, thermocouple_k, known, widest_gpa):
    result = trial(
        temperature_k,
        chip_nm=chip_nm,
        reference_nm=reference_nm,
        thermocouple_k=thermocouple_k,
        corrections=("datchi-2007",) if known else valid_corrections(temperature_k),
        rivals=() if known else None,
        seed=int(temperature_k + 1000 * chip_nm),
    )
    assert result.covered >= 0.95 - 2.0 * math.sqrt(0.95 * 0.05 / SPECTRA)  # a fair draw of 250 falls below once in 40
    assert result.half_width_gpa < widest_gpa
