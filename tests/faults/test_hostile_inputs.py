"""Whatever a file holds, reading it ends in a value or in words: never in an error of Python's, or a hang."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lics_beamline.errors import LicsError, ProfileError
from lics_beamline.exports.table import safe_cell
from lics_beamline.files.strict_toml import Strict, validate
from lics_beamline.imports.frame_table import read_table
from lics_beamline.journal.codec import decode
from lics_beamline.physics.spectrum_text import parse_spectrum

from .formats import FORMATS
from .mutate import mutate

CORPUS = Path(__file__).with_name("corpus")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
)


@pytest.mark.parametrize("name", FORMATS)
def test_a_broken_input_is_read_or_refused_in_words(name):
    counts, told = mutate(name, count=60, seed=10_000_000)
    assert (counts["unexpected"], counts["slow"], counts["outside"]) == (0, 0, 0), told
    assert counts["refused"] + counts["read"] == 60
    assert counts["refused"] > 10, "inputs are broken indeed"


def test_a_process_that_dies_before_it_has_counted_is_told_at_once():
    counts, told = mutate("a format that there is not", count=1, seed=7)
    assert (counts["unexpected"], told) == (1, [(7, "the process ended with 1")])


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*/*")), ids=lambda path: path.name)
def test_every_file_of_the_corpus_is_refused_in_words(path, tmp_path):
    copy = tmp_path / "work" / path.name
    copy.parent.mkdir()
    copy.write_bytes(path.read_bytes())
    with pytest.raises(LicsError) as refused:
        FORMATS[path.parent.name].read(copy)
    assert 20 < len(str(refused.value)) < 3000


class Table(Strict):
    """Something to be read."""

    name: str
    numbers: tuple[float, ...] = ()


@given(st.dictionaries(st.text(), JSON) | st.fixed_dictionaries({"name": JSON, "numbers": JSON}))
@settings(deadline=None)
def test_any_values_make_a_model_or_are_refused(values):
    try:
        said = validate(values, Table, source="x.toml").name and "x.toml"
    except ProfileError as error:
        said = str(error)
    assert said == "" or "x.toml" in said


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
@settings(deadline=None)
def test_any_line_is_a_document_or_damage(line):
    try:
        name, doc = decode(line)
    except ValueError:
        return
    assert isinstance(name, str)
    assert isinstance(doc, dict)


@given(st.lists(st.text(max_size=40), min_size=1, max_size=8))
@settings(deadline=None)
def test_any_cells_are_rows_of_a_table_of_frames_or_are_refused(tmp_path_factory, cells):
    path = tmp_path_factory.mktemp("table") / "t.csv"
    path.write_text("file;P (GPa);T (K)\n" + ";".join(cells) + "\n", encoding="utf-8", errors="replace")
    try:
        table = read_table(path)
    except LicsError:
        return
    assert table.rows or table.faults


@given(st.text(max_size=2000))
@settings(deadline=None)
def test_any_text_is_a_spectrum_or_is_refused(text):
    try:
        spectrum = parse_spectrum(text)
    except LicsError:
        return
    assert spectrum.wavelength_nm.size >= 32


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-cmd", "@SUM(A1)", "\t=1", "\r=1", " =1", '=HYPERLINK("http://x")'])
def test_no_cell_of_a_table_is_taken_for_a_formula(text):
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("value", ["-1.2", "+3e5", "-inf", -1.2, 7, "LiCs", "a=b", "", None])
def test_numbers_and_words_of_a_table_stay_as_they_are(value):
    assert safe_cell(value) == value
