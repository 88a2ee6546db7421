import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_beamline.errors import BadReading
from lics_beamline.physics.exposure import next_exposure_s

LIMITS = {"saturation_counts": 65_535.0, "shortest_s": 0.01, "longest_s": 60.0}


def test_a_good_exposure_is_kept():
    assert next_exposure_s(peak_counts=30_000.0, exposure_s=1.3, **LIMITS) == 1.3


def test_a_dim_line_is_brought_to_six_tenths_of_saturation():
    assert next_exposure_s(peak_counts=10_000.0, exposure_s=1.0, **LIMITS) == pytest.approx(0.6 * 6.5535)


def test_the_bias_of_the_detector_does_not_grow_with_time():
    second = next_exposure_s(peak_counts=11_000.0, exposure_s=1.0, background_counts=1000.0, **LIMITS)
    assert 1000.0 + 10_000.0 * second == pytest.approx(1000.0 + 0.6 * 64_535.0)


def test_a_saturated_line_is_exposed_a_quarter_and_a_dark_one_ten_times():
    assert next_exposure_s(peak_counts=65_535.0, exposure_s=1.0, **LIMITS) == 0.25
    assert next_exposure_s(peak_counts=0.0, exposure_s=1.0, **LIMITS) == 10.0


@given(counts_per_s=st.floats(1.0, 1e7), first_s=st.floats(0.01, 60.0))
def test_any_brightness_is_exposed_well_after_ten_spectra_or_at_the_limit(counts_per_s, first_s):
    exposure_s = first_s
    for _ in range(10):
        peak = min(counts_per_s * exposure_s, 65_535.0)
        exposure_s = next_exposure_s(peak_counts=peak, exposure_s=exposure_s, **LIMITS)
        assert 0.01 <= exposure_s <= 60.0
    filled = counts_per_s * exposure_s / 65_535.0
    assert 0.29 < filled < 0.81 or exposure_s in (0.01, 60.0)


@pytest.mark.parametrize("wrong", [{"exposure_s": 0.0}, {"peak_counts": float("nan")}, {"background_counts": 7e4}])
def test_numbers_that_mean_nothing_are_refused(wrong):
    with pytest.raises(BadReading):
        next_exposure_s(**({"peak_counts": 100.0, "exposure_s": 1.0} | LIMITS | wrong))
