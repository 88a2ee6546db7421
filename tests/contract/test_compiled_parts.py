"""Compiled code: the last digits of a number do not depend on which process compiled what, and when."""

import ast
from pathlib import Path

import lics_beamline

PACKAGE = Path(lics_beamline.__file__).parent


def modules_with_compiled_code():
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text()
        if "compiled" in text:
            yield ast.parse(text)


def marked(node, mark):
    return isinstance(node, ast.FunctionDef) and any(getattr(each, "id", "") == mark for each in node.decorator_list)


def called(node):
    return {call.func.id for call in ast.walk(node) if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)}


def test_what_compiled_code_calls_is_compiled_into_it_and_called_by_nothing_else():
    # Compiled by itself and read from the disk it would add its sums in another order than merged into its caller.
    for module in modules_with_compiled_code():
        functions = [node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)]
        parts = {node.name for node in functions if marked(node, "compiled_part")}
        wholes = {node.name for node in functions if marked(node, "compiled")}
        inside = [node for node in functions if marked(node, "compiled") or marked(node, "compiled_part")]
        assert not set().union(*map(called, inside)) & wholes
        others = [node for node in functions if node not in inside]
        assert not set().union(*map(called, others)) & parts
