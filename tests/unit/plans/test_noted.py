import pytest

from lics_beamline.plans.noted import Noted
from lics_beamline.schema import EXPERIMENT_TIME, EXPOSURE_UID, PRIMARY_FIELDS, READOUT_FIELDS


def test_what_is_noted_is_read_with_its_unit():
    noted = Noted("point", (EXPERIMENT_TIME, EXPOSURE_UID)).note(experiment_time_s=3.0, exposure_uid="x")
    assert {name: reading["value"] for name, reading in noted.read().items()} == {
        "experiment_time_s": 3.0,
        "exposure_uid": "x",
    }
    assert noted.describe()["experiment_time_s"]["units"] == "s"


@pytest.mark.parametrize(
    "values", [{"experiment_time_s": 3.0}, {"experiment_time_s": 3.0, "exposure_uid": "x", "y": 1}]
)
def test_a_missing_or_unknown_field_is_refused(values):
    with pytest.raises(ValueError, match="missing"):
        Noted("point", (EXPERIMENT_TIME, EXPOSURE_UID)).note(**values)


def test_what_is_worth_a_plot_is_hinted_and_nothing_else():
    assert Noted("point", PRIMARY_FIELDS).hints == {"fields": ["pressure_gpa", "ruby_r1_nm"]}
    assert Noted("readout", READOUT_FIELDS).hints == {"fields": []}, "said, or everything would be shown"
