import math

import pytest

from lics_beamline.errors import ProfileError
from lics_beamline.experiment import read_experiment
from lics_beamline.profile import read_profile

TEXT = """
title = "t"
[sample]
name = "s"
composition = "LiCs"
[cell]
kind = "membrane"
culet_um = 350
[gasket]
material = "Re"
[exposure]
time_s = 60
[[legs]]
kind = "pressure"
name = "up"
stroke = "upstroke"
temperature_k = 298
pressures_gpa = [1, 2.0]
[[legs]]
kind = "heating"
name = "heat"
temperatures_k = [400.0, 498.0]
ramp_rate_k_per_min = 5
"""


def written(tmp_path, text):
    file = tmp_path / "experiment.toml"
    file.write_text(text)
    return file


def test_points_follow_the_legs_in_order_and_a_held_load_asks_for_no_pressure(tmp_path):
    points = read_experiment(written(tmp_path, TEXT)).points()
    assert [(point.index, point.stroke, point.temperature_k) for point in points] == [
        (0, "upstroke", 298.0),
        (1, "upstroke", 298.0),
        (2, "heating", 400.0),
        (3, "heating", 498.0),
    ]
    assert [point.pressure_gpa for point in points[:2]] == [1.0, 2.0]
    assert all(math.isnan(point.pressure_gpa) for point in points[2:])


def test_an_isobar_asks_for_its_pressure_at_each_temperature(tmp_path):
    held = 'ramp_rate_k_per_min = 5\nhold = "pressure"\npressure_gpa = 2.0'
    points = read_experiment(written(tmp_path, TEXT.replace("ramp_rate_k_per_min = 5", held))).points()
    assert [(point.pressure_gpa, point.temperature_k) for point in points[2:]] == [(2.0, 400.0), (2.0, 498.0)]
    assert {point.stroke for point in points[2:]} == {"heating"}


@pytest.mark.parametrize("count", [1, 2, 3, 4, 9])
def test_the_first_points_of_an_experiment_are_the_first_points_of_its_path(tmp_path, count):
    experiment = read_experiment(written(tmp_path, TEXT))
    few = experiment.first(count).points()
    assert len(few) == min(count, 4)
    assert [point.temperature_k for point in few] == [p.temperature_k for p in experiment.points()][:count]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[1, 2.0]", "[2.0, 1]", "goes from 2.0 to 1"),
        ("[1, 2.0]", "[]", "legs.0.pressure.pressures_gpa"),
        ("[1, 2.0]", '["1 GPa"]', "1 GPa"),
        ("[1, 2.0]", "[nan]", "pressures_gpa.0 = nan"),
        ('"upstroke"', '"up"', "'upstroke' or 'downstroke'"),
        ("time_s = 60", "time_s = 0", "exposure.time_s = 0"),
        ("time_s = 60", "time = 60", "exposure.time = 60"),
        ('kind = "heating"', 'kind = "cooling"', "'pressure', 'heating', 'hold'"),
        ("[400.0, 498.0]", "[498.0, 400.0]", "only rises"),
        ("ramp_rate_k_per_min = 5", 'ramp_rate_k_per_min = 5\nhold = "pressure"', "needs pressure_gpa"),
        ("ramp_rate_k_per_min = 5", "ramp_rate_k_per_min = 5\npressure_gpa = 5.0", "is held by nothing"),
        ("ramp_rate_k_per_min = 5", 'ramp_rate_k_per_min = 5\nhold = "gas"', "'load' or 'pressure'"),
        ('title = "t"', 'title = "t', "not readable as TOML"),
    ],
)
def test_what_is_wrong_is_said_with_file_key_value_and_what_is_allowed(tmp_path, old, new, said):
    assert old in TEXT
    file = written(tmp_path, TEXT.replace(old, new))
    with pytest.raises(ProfileError) as raised:
        read_experiment(file)
    assert str(file) in str(raised.value)
    assert said in str(raised.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ProfileError, match=r"nowhere\.toml: there is no such file"):
        read_experiment(tmp_path / "nowhere.toml")


def test_the_paper_s_experiment_goes_up_at_298_k_heats_at_constant_load_and_comes_down_at_498_k():
    points = read_experiment(read_profile("simulated").experiments / "lics-2015.toml").points()
    assert points[0].stroke == "held", "the cell as loaded, at 0.12 GPa"
    up = [point.pressure_gpa for point in points if point.stroke == "upstroke"]
    down = [point for point in points if point.stroke == "downstroke"]
    assert (up[0], up[-1]) == (0.5, 8.0)
    assert {point.temperature_k for point in down} == {498.0}
    assert down[-1].pressure_gpa == 1.5
    assert 23 <= len(points) <= 27


HUNT = """
[[legs]]
kind = "hunt"
name = "onset"
hunt = "onset of alloy"
stroke = "upstroke"
temperature_k = 298
start_gpa = 2.5
last_gpa = 3.06
"""


def test_a_hunt_is_reckoned_with_as_a_ladder_to_its_last_pressure(tmp_path):
    text = TEXT[: TEXT.index("[[legs]]")] + HUNT
    experiment = read_experiment(written(tmp_path, text))
    points = experiment.points()
    assert [round(point.pressure_gpa, 3) for point in points] == [2.5, 2.593, 2.687, 2.78, 2.873, 2.967, 3.06]
    assert {point.stroke for point in points} == {"upstroke"}
    assert experiment.acts
    assert experiment.most_points == 60
    few = experiment.first(3)
    assert (few.legs[0].most_points, len(few.points())) == (3, 3)


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("onset of alloy", "beginning of alloy", 'Say "onset of alloy" or "dissociation of alloy"'),
        ("last_gpa = 3.06", "last_gpa = 2.4", "does not lie beyond start_gpa"),
        ("upstroke", "downstroke", "does not lie beyond start_gpa"),
        ("last_gpa = 3.06", "last_gpa = 3.06\nwithin_gpa = 0.0", "within_gpa"),
    ],
)
def test_a_hunt_that_makes_no_sense_is_refused(tmp_path, before, after, says):
    text = TEXT[: TEXT.index("[[legs]]")] + HUNT
    with pytest.raises(ProfileError) as caught:
        read_experiment(written(tmp_path, text.replace(before, after)))
    assert says in str(caught.value)


def test_a_leg_may_say_until_when_it_goes_on_and_nonsense_is_refused_by_name(tmp_path):
    until = 'pressures_gpa = [1, 2.0]\nuntil = "alloy > 0.95"'
    experiment = read_experiment(written(tmp_path, TEXT.replace("pressures_gpa = [1, 2.0]", until)))
    assert experiment.legs[0].until == "alloy > 0.95"
    assert experiment.acts
    assert not read_experiment(written(tmp_path, TEXT)).acts
    with pytest.raises(ProfileError, match=r"until.*is no condition"):
        read_experiment(written(tmp_path, TEXT.replace("pressures_gpa = [1, 2.0]", until.replace("> 0.95", "formed"))))


HOLD = '[[legs]]\nkind = "hold"\nname = "h"\ntemperature_k = 298.0\n'


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[[legs]]", HOLD * 10_000 + "[[legs]]", "at most 1000 items"),
        ("[[legs]]", f"{HOLD}count = 1000000000000\n[[legs]]", "less than or equal to 10000"),
        ("[[legs]]", f"{HOLD}count = 9000\n" * 2 + "[[legs]]", "legs have 1800"),
        ('title = "t"', f'title = "{"t" * 1_000_000}"', "at most 500 characters"),
        ('composition = "LiCs"', f'composition = "{"LiCs" * 100}"', "at most 200 characters"),
        ('title = "t"', f'title = "{"t" * 50_000_000}"', "are the most"),
        ('title = "t"', 'title = "a\\u0000b"', "title has the character U+0000"),
        ('title = "t"', 'title = "t"\nx = ' + "[" * 5000 + "]" * 5000, "nested too deep"),
        ('title = "t"', ".".join("a" * 5000) + ' = 1\ntitle = "t"', "nested more than 40 deep"),
        ('title = "t"', 'title = "t"\nx = 0x' + "f" * 9000, "x is a whole number of 36000 bits"),
        ("[1, 2.0]", "[1, 1e300]", "legs.0.pressures_gpa.1 is 1e+300"),
        ("[1, 2.0]", "[1, 2000.0]", "less than or equal to 1000"),
    ],
)
def test_an_experiment_beyond_all_measure_is_refused_at_once(tmp_path, old, new, said):
    assert old in TEXT
    with pytest.raises(ProfileError) as raised:
        read_experiment(written(tmp_path, TEXT.replace(old, new, 1)))
    assert said in str(raised.value)
    assert len(str(raised.value)) < 3000


def test_a_hunt_asks_for_no_more_than_ruby_can_tell(tmp_path):
    hunt = HOLD.replace("hold", "hunt") + (
        'hunt = "onset of alloy"\nstroke = "upstroke"\nstart_gpa = 0.1\nlast_gpa = 9.0\nwithin_gpa = '
    )
    with pytest.raises(ProfileError, match=r"within_gpa = 1e-09"):
        read_experiment(written(tmp_path, TEXT.replace("[[legs]]", f"{hunt}1e-9\n[[legs]]", 1)))
    assert len(read_experiment(written(tmp_path, TEXT.replace("[[legs]]", f"{hunt}1e-4\n[[legs]]", 1))).points()) < 100
