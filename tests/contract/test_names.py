"""Names say what they are: no number of one bare word for what it bounds and its unit, no class name in two files."""

import ast
import importlib.util
import re
from collections import defaultdict
from pathlib import Path

import pytest

PACKAGE = Path(importlib.util.find_spec("lics_beamline").submodule_search_locations[0])
ROOMS = (*(f"lics_beamline/{file.parent.name}" for file in sorted(PACKAGE.glob("*/__init__.py"))), "lics_simulators")
ONE_WORD = re.compile(r"_?[A-Z][A-Z0-9]*")


def folder_of(room):
    package, _, inside = room.partition("/")
    return Path(importlib.util.find_spec(package).submodule_search_locations[0]) / inside


def is_number(node):
    """Whether an expression is a number, or a tuple of them, without any name in it."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int | float) and not isinstance(node.value, bool)
    if isinstance(node, ast.UnaryOp):
        return is_number(node.operand)
    if isinstance(node, ast.BinOp):
        return is_number(node.left) and is_number(node.right)
    return isinstance(node, ast.Tuple) and bool(node.elts) and all(map(is_number, node.elts))


def bare_numbers(source):
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            if is_number(statement.value):
                yield from (name for name in names if ONE_WORD.fullmatch(name))


@pytest.mark.parametrize("room", ROOMS)
def test_no_number_is_named_by_one_bare_word(room):
    files = sorted(folder_of(room).rglob("*.py"))
    assert files
    bare = [f"{file.name}: {name}" for file in files for name in bare_numbers(file.read_text())]
    assert bare == []


def test_one_bare_word_is_seen_whatever_the_number_looks_like():
    source = "SURE: Final = 2.0\nKEPT = (0.3, 0.8)\nMASKED = -(2**31)\nWORST_SIGMA = 3.0\nSUFFIX = '.x'\nMANY: int\n"
    assert list(bare_numbers(source)) == ["SURE", "KEPT", "MASKED"]


@pytest.mark.parametrize("package", ["lics_beamline", "lics_simulators"])
def test_a_class_name_stands_in_one_file(package):
    found = defaultdict(set)
    for file in sorted(folder_of(package).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ClassDef):
                found[node.name].add(str(file))
    assert found
    assert {name: files for name, files in found.items() if len(files) > 1} == {}
