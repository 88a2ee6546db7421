"""Presets are read strictly."""

import pytest

from lics_simulators.cell import SaturatingLoadCurve
from lics_simulators.preset import preset_names, read_preset


def own_world(tmp_path, text):
    path = tmp_path / "own.toml"
    path.write_text(f'like = "volumetric"\n{text}', encoding="utf-8")
    return path


def test_every_shipped_preset_can_be_read():
    assert {"volumetric", "linear_reading", "ceo2"} <= set(preset_names())
    assert [read_preset(name).name for name in preset_names()] == list(preset_names())


def test_a_file_says_only_what_differs(tmp_path):
    preset = read_preset(own_world(tmp_path, "[membrane]\nsupply_bar = 60\n"))
    assert preset.membrane.supply_bar == 60.0
    assert preset.cell == read_preset("volumetric").cell


def test_another_form_replaces_a_table_whole(tmp_path):
    text = (
        '[cell.load_curve]\nform = "saturating"\nstart_gpa = 0.1\nfree_travel_bar = 5.0\n'
        "gain_gpa_per_bar = 0.1\nceiling_gpa = 20.0\n"
    )
    curve = read_preset(own_world(tmp_path, text)).cell.load_curve
    assert isinstance(curve, SaturatingLoadCurve)
    assert curve.gain_gpa_per_bar == 0.1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[membrane]\nsuply_bar = 60\n", "suply_bar"),
        ('[membrane]\nsupply_bar = "60 bar"\n', r"membrane\.supply_bar is '60 bar' and must be a float"),
        ("[membrane]\nsupply_bar = true\n", r"membrane\.supply_bar is True"),
        ("[contents.kinetics]\ngrains = 300.5\n", r"kinetics\.grains is 300\.5 and must be a int"),
        (
            '[contents]\nform = "mixture"\nli_per_cs = 1\ntransition_s = 1\nhysteresis_gpa = 0\nshift_mm_per_k = 0\n'
            "constituents = 3\n",
            r"constituents is 3 and must be a list",
        ),
        (
            '[contents]\nform = "mixture"\nli_per_cs = 1\ntransition_s = 1\nhysteresis_gpa = 0\nshift_mm_per_k = 0\n'
            '[[contents.constituents]]\nphase = "cs-bcc"\nweight = 1\nk0_gpa = 1\nk0_prime = 4\n'
            "edges_angstrom = [6.0, 6.0]\n",
            r"constituents\[0\]\.edges_angstrom has 2 entries and must have 3",
        ),
        (
            '[contents]\nform = "mixture"\n[[contents.constituents]]\nedges_angstrom = [1.0, 2.0]\n',
            r"missing keys \['hysteresis_gpa', 'li_per_cs'",
        ),
        ('[cell.load_curve]\nform = "cubic"\n', "quadratic"),
    ],
)
def test_a_mistake_is_refused_by_its_name(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read_preset(own_world(tmp_path, text))


def test_an_unknown_world_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match=r"no world 'mars'.*volumetric"):
        read_preset("mars")
