"""Conditions as people write them, and what is refused."""

import math

import pytest

from lics_beamline.control.condition import LOST_SHARE, NEW_PHASE, Condition, condition, hunted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("alloy > 0.95", Condition(phase="alloy", quantity="fraction", sense=">", number=0.95)),
        (" cs-bcc<.05 ", Condition(phase="cs-bcc", quantity="fraction", sense="<", number=0.05)),
        ("alloy scale < 0.5", Condition(phase="alloy", quantity="scale", sense="<", number=0.5)),
        ("alloy lost", Condition(phase="alloy", quantity="scale", sense="<", number=LOST_SHARE)),
    ],
)
def test_a_condition_is_read_as_it_is_written(text, expected):
    assert condition(text) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("alloy", "is no condition"),
        ("alloy >= 0.95", "is no condition"),
        ("alloy > 95 %", "is no condition"),
        ("alloy > 95", "never passed"),
        ("alloy < 0", "never passed"),
        ("alloy > 0.5 and cs-bcc < 0.1", "is no condition"),
        ("lost", "is no condition"),
    ],
)
def test_anything_else_is_refused_with_what_may_be_said(text, says):
    with pytest.raises(ValueError, match=says):
        condition(text)


def test_a_value_that_is_none_meets_no_condition():
    assert condition("alloy > 0.5").is_met_by(0.51)
    assert condition("alloy < 0.5").is_met_by(0.49)
    assert not condition("alloy > 0.5").is_met_by(0.5)
    assert not condition("alloy > 0.5").is_met_by(math.nan)
    assert not condition("alloy < 0.5").is_met_by(math.nan)


def test_what_is_hunted_has_a_kind_and_a_phase():
    assert (hunted("onset of alloy").kind, hunted("dissociation of cs-bcc").phase) == ("onset", "cs-bcc")
    with pytest.raises(ValueError, match="cannot be hunted"):
        hunted("alloy")


def test_a_new_phase_is_a_condition_and_can_be_hunted():
    new = condition("new phase")
    assert (new.phase, new.quantity) == (NEW_PHASE, "new phases")
    assert new.is_met_by(1.0)
    assert not new.is_met_by(0.0)
    assert (hunted("onset of new phase").phase, hunted("onset of new phase").kind) == (NEW_PHASE, "onset")
    with pytest.raises(ValueError, match="cannot be hunted"):
        hunted("dissociation of new phase")
