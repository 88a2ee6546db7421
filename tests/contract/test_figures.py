"""Figures: what they look like does not depend on how busy the computer is."""

import ast
from pathlib import Path

import pytest

import lics_beamline

MODULES = sorted(Path(lics_beamline.__file__).parent.rglob("*.py"))


@pytest.mark.parametrize(
    "module", [path for path in MODULES if ".legend(" in path.read_text()], ids=lambda path: path.stem
)
def test_a_legend_has_a_place_and_none_is_searched_for(module):
    # matplotlib's search warns, aloud, when it takes more than a second.
    calls = [node for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.Call)]
    legends = [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "legend"]
    assert all(any(given.arg == "loc" for given in call.keywords) for call in legends)
