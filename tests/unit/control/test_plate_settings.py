"""The plates as a profile states them."""

import pytest
from worlds.stepped_world import shipped_settings

from lics_beamline.frames.plate import Fading

PLATE = shipped_settings().plate


def test_a_fading_that_was_measured_is_believed_before_the_usual_one():
    slow = Fading(fast_share=0.05, fast_s=1200.0, slow_s=4.1e5)
    assert PLATE.measured(None) is PLATE
    assert PLATE.measured(slow).fading == slow
    assert PLATE.measured(slow).loss(exposure_s=120.0, waited_s=1200.0) == pytest.approx(
        PLATE.loss(exposure_s=120.0, waited_s=1200.0) / 3.0, rel=0.1
    )


def test_nothing_is_lost_of_a_short_exposure_read_at_once():
    assert PLATE.loss(exposure_s=1e-3, waited_s=0.0) == pytest.approx(0.0, abs=1e-5)
