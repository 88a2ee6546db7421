"""Answers to programs are JSON as its standard has it, which has neither NaN nor Infinity."""

import json
import math

import numpy as np

from lics_beamline.cli.json_answer import tell_json


def refuse(constant):
    raise AssertionError(f"{constant} is no JSON")


def test_a_number_that_is_none_is_null_wherever_it_stands(capsys):
    tell_json({"a": math.nan, "b": [1.5, -math.inf, (np.float64("nan"), 2)], "c": {"d": math.inf, "e": "NaN"}})
    told = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert told == {"a": None, "b": [1.5, None, [None, 2]], "c": {"d": None, "e": "NaN"}}
