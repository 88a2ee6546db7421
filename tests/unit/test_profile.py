from pathlib import Path

import pytest

from lics_beamline.errors import ProfileError
from lics_beamline.experiment import read_experiment
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
        ("ramp_rate_k_per_min = 5.0", "ramp_rate_k_per_min = 1e6", "heater.ramp_rate_k_per_min = 1000000.0"),
        ("slew_bar_per_s = 0.0166667", "slew_bar_per_s = 60.0", "membrane.slew_bar_per_s = 60.0"),
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


EXPERIMENT = shipped() / "simulated" / "experiments" / "lics-2015-first.toml"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("[2.0, 2.2,", "[nan, 2.2,", ["legs.1.pressure.pressures_gpa.0 = nan: it should be a finite number"]),
        ("time_s = 120.0", "time_s = -1", ["exposure.time_s = -1: it should be greater than or equal to 1"]),
        ("time_s = 120.0", "time_s = 2026-01-01", ["exposure.time_s = '2026-01-01': it should be a valid number"]),
        (
            "culet_um = 350.0",
            "culet = 350.0",
            ["cell.culet_um: it is required", "cell.culet = 350.0: there is no such key"],
        ),
        (
            'kind = "hold"',
            'kind = "rest"',
            ["legs.0: 'kind' = 'rest' is none; it should be 'pressure'"],
        ),
        ('kind = "hold"\n', "", ["legs.0: it lacks 'kind'"]),
        ("[2.0, 2.2,", "[3.0, 2.2,", ["legs.1.pressure: pressures_gpa goes from 3.0 to 2.2 GPa"]),
        ("culet_um = 350.0", f"culet_um = {'9' * 5000}", ["a whole number has thousands of digits"]),
    ],
)
def test_what_is_wrong_with_an_experiment_is_told_in_words_for_people(tmp_path, old, new, says):
    text = EXPERIMENT.read_text()
    assert old in text
    (tmp_path / "a.toml").write_text(text.replace(old, new, 1))
    with pytest.raises(ProfileError) as raised:
        read_experiment(tmp_path / "a.toml")
    told = str(raised.value)
    assert all(each in told for each in says)
    assert told.count("\n") in (0, len(says))
    assert not any(words in told for words in ("Input should", "Value error", "Tuple", "Field required", "sys."))
