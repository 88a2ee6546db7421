"""The verb that calibrates the gradient of a cell, from melting points: indium 429.75 K, tin 505.08 K (ITS-90)."""

import json
import tomllib

import pytest

from lics_beamline.cli import main

INDIUM_K, TIN_K = 429.7485, 505.078


def gasket(sample_k, gradient, ambient_k=298.0):
    return f"{ambient_k + (sample_k - ambient_k) / gradient:.3f}:{sample_k}"


def test_melting_points_give_the_two_lines_of_the_recipe(capsys):
    assert main(["calibrate-gradient", gasket(INDIUM_K, 0.972), gasket(TIN_K, 0.972), "--sigma-k", "0.5"]) == 0
    printed = capsys.readouterr().out
    ruby = tomllib.loads(printed[printed.index("[ruby]") :])["ruby"]
    assert ruby["gasket_to_sample"] == pytest.approx(0.972, abs=1e-4)
    # one sigma over the root of the summed squares of the rises
    assert ruby["gasket_to_sample_sigma"] == pytest.approx(0.5 / 252.6, rel=1e-2)
    assert "505.08" in printed


def test_the_room_is_where_the_rise_begins_and_scatter_counts_where_it_is_larger(capsys):
    pairs = ["500:498", "400:397"]
    assert main(["calibrate-gradient", *pairs, "--ambient-k", "300", "--sigma-k", "0.1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["gasket_to_sample"] == pytest.approx((200 * 198 + 100 * 97) / (200**2 + 100**2))
    assert told["gasket_to_sample_sigma"] > 5 * 0.1 / 223.6
    assert told["pairs"] == 2


def test_what_is_no_calibration_is_refused_in_words(capsys):
    assert main(["calibrate-gradient", "298:298"]) == 4
    assert "no calibration of the gradient" in capsys.readouterr().err
    assert main(["calibrate-gradient", "400:600"]) == 4
    assert "Check which column is which" in capsys.readouterr().err
    assert main(["calibrate-gradient", "9999:505.08"]) == 4
    assert "open circuit" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stopped:
        main(["calibrate-gradient", "500"])
    assert stopped.value.code == 2
    assert "write 507.7:505.08" in capsys.readouterr().err
