"""Startup files of profiles: a few lines that call what is tested, no program of their own."""

import ast

import pytest

from lics_beamline.profile import shipped

FILES = sorted(shipped().glob("*/startup/*.py"))
MOST_LINES = 20


def test_every_profile_has_one():
    assert {file.parents[1].name for file in FILES} == {path.parent.name for path in shipped().glob("*/profile.toml")}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parents[1].name)
def test_it_is_short_and_defines_nothing(file):
    text = file.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    assert not [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.ClassDef)]
