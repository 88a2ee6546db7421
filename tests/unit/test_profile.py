from pathlib import Path

import pytest

from lics_beamline.errors import ProfileError
from lics_beamline.profile import read_profile, shipped


def changed(tmp_path, old, new):
    text = (shipped() / "simulated" / "profile.toml").read_text()
    assert old in text
    (tmp_path / "profile.toml").write_text(text.replace(old, new))
    return str(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("speed = 300.0", "speed = 500.0", "simulators.speed = 500.0"),
        ("limits_bar = [0.0, 120.0]", "limits_bar = [120.0, 0.0]", "membrane.limits_bar"),
        ("load_bar = [0.0, 100.0]", "load_bar = [0.0, 130.0]", "only 120.0 bar"),
        ("temperature_k = [288.15, 510.0]", "temperature_k = [288.15, 900.0]", "the heater only 520.0 K"),
        ("gain_range = [0.1, 3.3]", "gain_range = [3.3, 0.1]", "gain_range = [3.3, 0.1]: the lower limit"),
        ("smallest_step_bar = 0.02", "smallest_step_bar = 50.0", "above largest_step_bar = 6.0"),
        ('prefix = "SIM:LICS:"', 'prefix = "SIM LICS:"', "prefix = 'SIM LICS:'"),
        ('prefix = "PC1:"', 'prefix = "PC1:.VAL"', "membrane.prefix = 'PC1:.VAL'"),
        ('prefix = "TC:"', f'prefix = "{"T" * 100}:"', "thermocouples.prefix = 'TTTT"),
        ('kind = "world"', 'kind = "sun"', "clock.kind = 'sun'"),
        ("supply_fraction = 0.8", "supply_fraction = 80", "envelope.supply_fraction = 80"),
        ("slew_bar_per_s = 0.0166667", "slew = 1", "membrane.slew = 1"),
        ("tolerance_gpa = 0.03", 'tolerance_gpa = "0.03"', "approach.tolerance_gpa = '0.03'"),
    ],
)
def test_what_cannot_be_used_is_said_with_key_value_and_limit(tmp_path, old, new, said):
    with pytest.raises(ProfileError) as raised:
        read_profile(changed(tmp_path, old, new))
    assert said in str(raised.value)


def test_a_profile_that_does_not_exist_names_those_that_do():
    with pytest.raises(ProfileError, match="bl10xu, simulated"):
        read_profile("bl99")


def test_the_two_shipped_profiles_differ_in_data_only():
    simulated, real = read_profile("simulated").values, read_profile("bl10xu").values
    assert type(simulated) is type(real)
    assert simulated.simulators is not None
    assert real.simulators is None
    assert real.prefix != simulated.prefix
    assert simulated.membrane.prefix == real.membrane.prefix


def test_the_digest_follows_the_content_of_the_file(tmp_path):
    other = read_profile(changed(tmp_path, "tolerance_gpa = 0.03", "tolerance_gpa = 0.04"))
    assert other.digest != read_profile("simulated").digest


def test_one_plate_changes_nothing_but_the_waiting_for_plates():
    two = read_profile("simulated")
    one = two.with_one_plate()
    assert (two.values.plate.overlapped, one.values.plate.overlapped) == (True, False)
    overlapped = one.values.plate.model_copy(update={"overlapped": True})
    assert one.values.model_copy(update={"plate": overlapped}) == two.values
    assert one.digest == two.digest


def test_another_recipe_changes_nothing_but_by_what_runs_are_reduced(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = read_profile("simulated")
    other = own.with_recipe(Path("mine.toml"))
    assert other.recipe_file == tmp_path / "mine.toml"
    assert other.values.model_copy(update={"recipe": own.values.recipe}) == own.values
    assert other.digest == own.digest
