"""What a PV that does not answer says to people."""

from types import SimpleNamespace

import pytest
from caproto.threading.client import PV

from lics_beamline.devices.alarm import no_answer_in_words

OF_CAPROTO = "<PV name='SIM:PC1:Control' priority=0 (searching....)> could not connect within 1.0-second timeout."


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (TimeoutError(OF_CAPROTO), "SIM:PC1:Control could not connect within 1.0-second timeout."),
        (TimeoutError("Failed to connect to A:B within 1.00 sec"), "Failed to connect to A:B within 1.00 sec"),
        (ConnectionError("a < b > c"), "a < b > c"),
    ],
)
def test_a_pv_that_does_not_answer_is_named_and_not_shown(error, says):
    assert no_answer_in_words(error) == says


def test_a_pv_is_named_as_caproto_shows_it():
    shown = PV.__repr__(SimpleNamespace(_idle=True, name="SIM:PC1:Control", priority=0))
    assert no_answer_in_words(TimeoutError(f"{shown} is idle")) == "SIM:PC1:Control is idle"
