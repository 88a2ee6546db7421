"""The report and the live page draw with the same words and colours: each stands in one file."""

import ast
import re
from pathlib import Path

import pytest

import lics_beamline
from lics_beamline.exports import panel_colours, panel_words
from lics_beamline.exports.panel_colours import ON_DARK, ON_WHITE

PACKAGE = Path(lics_beamline.__file__).parent
DRAWS = re.compile(r"^ *(from|import) (matplotlib|bokeh)\b", re.MULTILINE)
DRAWING = sorted(
    path
    for room in ("monitor", "exports", "analysis", "cli")
    for path in (PACKAGE / room).glob("*.py")
    if DRAWS.search(path.read_text(encoding="utf-8"))
)
COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")
GROUNDS = {"GROUND", "RAISED", "EDGE", "TEXT", "DIM", "CLEAR", "NO_PIXEL_COLOUR", "LIMIT"}  # of one program: no data
LABELS = {"xlabel", "ylabel", "x_axis_label", "y_axis_label"}
LABELLING = {"set_xlabel", "set_ylabel", "dark_figure"}
KNOWN = [word for name, word in vars(panel_words).items() if name.isupper() and isinstance(word, str)]
HUES = {hue.upper() for colours in (ON_WHITE, ON_DARK) for hue in (*colours.phases, colours.yellow)}


def named(tree):
    """Every constant of a module, with the names that it is given."""
    for node in tree.body:
        names = set()
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)}
        for each in ast.walk(node):
            if isinstance(each, ast.Constant) and isinstance(each.value, str):
                yield names, each.value


@pytest.mark.parametrize("path", DRAWING, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_figure_has_a_hue_of_its_own_for_what_it_shows(path):
    found = [value for names, value in named(ast.parse(path.read_text())) if not names & GROUNDS]
    assert [each for each in found if COLOUR.fullmatch(each) and each.upper() in HUES] == []


@pytest.mark.parametrize("path", DRAWING, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_stands_at_an_axis_is_not_said_twice(path):
    said = []
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        called = getattr(node.func, "attr", getattr(node.func, "id", ""))
        given = [word.value for word in node.keywords if word.arg in LABELS]
        given += node.args if called in LABELLING else []
        said += [each.value for part in given for each in ast.walk(part) if isinstance(each, ast.Constant)]
    assert [each for each in said if each in KNOWN] == []


def test_each_word_and_each_hue_stands_for_one_thing():
    assert len(set(KNOWN)) == len(KNOWN)
    for colours in (ON_WHITE, ON_DARK):
        assert len(set(colours.phases)) == len(colours.phases) == 8
        assert len(set(colours.strokes.values())) == len(colours.strokes)


def luminance(colour):
    parts = [int(colour[place : place + 2], 16) / 255.0 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_hue_of_the_page_is_seen_on_its_dark_ground():
    ground = luminance("#0d1117")
    for hue in ON_DARK.phases:
        assert (luminance(hue) + 0.05) / (ground + 0.05) >= 4.5, hue  # WCAG 2.1, 1.4.3


def test_the_modules_that_hold_words_and_hues_draw_nothing():
    for module in (panel_colours, panel_words):
        assert not DRAWS.search(Path(module.__file__).read_text(encoding="utf-8"))
