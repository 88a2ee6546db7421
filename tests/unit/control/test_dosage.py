"""What dose is chosen from what a look has seen."""

import math

import numpy as np
import pytest
from pydantic import ValidationError

from lics_beamline.control.dosage import MOST_SATURATION_SHARE, dosage
from lics_beamline.control.exposure import DoseExposure, Exposure
from lics_beamline.lines.brightness import Brightness, strongest_ring
from lics_beamline.patterns.pattern import Pattern

ASKED = DoseExposure(strongest_counts=400.0, look_s=20.0, shortest_s=30.0, longest_s=1800.0)


def chosen(counts, *, asked=ASKED, background_counts=5.0, saturation_counts=262136.0):
    seen = Brightness(two_theta_deg=8.0, counts=counts, background_counts=background_counts)
    return dosage(asked, seen, dose_counts=2.0e6, ring_ma=100.0, saturation_counts=saturation_counts)


def test_ten_times_the_count_of_the_look_takes_ten_times_its_dose():
    assert chosen(40.0).dose_counts == pytest.approx(2.0e7)
    assert chosen(40.0).exposure_s(100.0) == pytest.approx(200.0)
    assert chosen(40.0).limit == ""


def test_a_weaker_ring_current_is_exposed_longer_for_the_same_dose():
    assert chosen(40.0).exposure_s(80.0) == pytest.approx(250.0)


@pytest.mark.parametrize(
    ("counts", "exposure_s", "limit"),
    [(4000.0, 30.0, "shortest_s"), (1.0, 1800.0, "longest_s"), (0.0, 1800.0, "no ring in the look")],
)
def test_limits_are_kept_and_named(counts, exposure_s, limit):
    assert (chosen(counts).exposure_s(100.0), chosen(counts).limit) == (pytest.approx(exposure_s), limit)


def test_ring_and_background_together_stay_below_half_of_saturation():
    asked = ASKED.model_copy(update={"strongest_counts": 9000.0})
    limited = chosen(100.0, asked=asked, background_counts=60.0, saturation_counts=10000.0)
    factor = limited.dose_counts / 2.0e6
    assert limited.limit == "saturation"
    assert factor * 160.0 == pytest.approx(MOST_SATURATION_SHARE * 10000.0)


def test_the_strongest_ring_of_a_pattern_is_its_highest_peak_above_background():
    two_theta_deg = np.linspace(3.0, 31.0, 2500)
    lines = sum(
        height * np.exp(-4 * math.log(2) * ((two_theta_deg - at) / 0.12) ** 2)
        for at, height in ((8.0, 30.0), (14.0, 90.0))
    )
    intensity = 20.0 + lines
    pattern = Pattern(
        two_theta_deg=two_theta_deg,
        intensity=intensity,
        sigma=np.sqrt(intensity / 100.0),
        wavelength_angstrom=0.41373,
    )
    ring = strongest_ring(pattern)
    assert ring.two_theta_deg == pytest.approx(14.0, abs=0.01)
    assert ring.counts == pytest.approx(90.0, rel=0.03)
    assert ring.background_counts == pytest.approx(20.0, rel=0.1)


def test_an_exposure_is_either_for_a_time_or_by_dose():
    with pytest.raises(ValidationError, match="either time_s"):
        Exposure(time_s=60.0, dose=ASKED)
    with pytest.raises(ValidationError, match="either time_s"):
        Exposure()
    with pytest.raises(ValidationError, match="must be below"):
        DoseExposure(strongest_counts=10.0, shortest_s=60.0, longest_s=50.0)
