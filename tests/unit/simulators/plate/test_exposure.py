"""Dose, fading and the mean sample of one exposure."""

import numpy as np
import pytest

from lics_simulators.plate.exposure import LatentImage, SampleAverage
from lics_simulators.plate.settings import read_settings
from lics_simulators.sample import PhaseState, SampleState

READER = read_settings().reader


def sample(pressure_gpa, *, a=3.5, cells=1.0, phase="alloy"):
    return SampleState(
        time_s=0.0,
        pressure_gpa=pressure_gpa,
        temperature_k=300.0,
        phases=(PhaseState(phase=phase, cell_angstrom=(a, a, a), cells=cells),),
        shift_along_beam_mm=0.0,
    )


def test_an_unread_image_loses_15_percent_in_the_first_hour():
    image = LatentImage(READER)
    image.step(1000.0, 1e-3)
    assert image.remaining(np.array([0.0, 3600.0])) == pytest.approx([1.0, 0.85], abs=0.01)


def test_fading_does_not_depend_on_how_time_is_cut():
    whole, pieces = LatentImage(READER), LatentImage(READER)
    for image, parts in ((whole, 1), (pieces, 50)):
        image.step(1000.0, 1e-3)
        for _ in range(parts):
            image.step(0.0, 900.0 / parts)
    assert whole.remaining(np.zeros(1)) == pytest.approx(pieces.remaining(np.zeros(1)), rel=1e-12)


def test_a_plate_without_dose_has_nothing_to_lose():
    image = LatentImage(READER)
    image.step(0.0, 100.0)
    assert image.dose_counts == 0.0
    assert image.remaining(np.array([0.0, 1e4])).tolist() == [1.0, 1.0]


def test_the_mean_sample_is_weighted_by_light():
    average = SampleAverage()
    average.add(sample(4.0, a=3.5), counts=3e6, dt_s=3.0)
    average.add(sample(8.0, a=3.4), counts=1e6, dt_s=3.0)
    mean = average.mean()
    assert mean.pressure_gpa == pytest.approx(5.0, rel=1e-6)
    assert mean.phases[0].cell_angstrom == pytest.approx((3.475,) * 3, rel=1e-6)


def test_a_phase_present_half_of_the_time_counts_half_with_its_own_cell():
    average = SampleAverage()
    average.add(sample(1.0, a=6.0, cells=0.5, phase="cs-bcc"), counts=1e6, dt_s=1.0)
    average.add(sample(4.0, a=3.5), counts=1e6, dt_s=1.0)
    phases = {phase.phase: phase for phase in average.mean().phases}
    assert phases["cs-bcc"].cells == pytest.approx(0.25)
    assert phases["alloy"].cell_angstrom[0] == pytest.approx(3.5)


def test_without_light_time_is_the_weight():
    average = SampleAverage()
    average.add(sample(2.0), counts=0.0, dt_s=1.0)
    average.add(sample(5.0), counts=0.0, dt_s=2.0)
    assert average.mean().pressure_gpa == pytest.approx(4.0)
