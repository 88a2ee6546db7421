"""Files that people give are regular files of a bounded size, and text is text."""

import os
from pathlib import Path

import pytest

from lics_beamline.errors import ProfileError
from lics_beamline.files.given_file import check_nesting, one_line, parse_json, read_bytes, read_text


def test_a_folder_is_refused_by_what_it_is(tmp_path):
    with pytest.raises(ProfileError, match=r"is a folder\. Give the path of a recipe"):
        read_text(tmp_path, most_bytes=100, what="a recipe")


def test_a_pipe_that_nobody_writes_to_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.toml")
    with pytest.raises(ProfileError, match="a pipe or a device"):
        read_text(tmp_path / "pipe.toml", most_bytes=100, what="a recipe")


def test_a_device_without_end_is_refused():
    with pytest.raises(ProfileError, match="a pipe or a device"):
        read_bytes(Path("/dev/zero"), most_bytes=100, what="a spectrum")


def test_a_file_beyond_its_bound_is_refused_with_both_sizes(tmp_path):
    file = tmp_path / "big.toml"
    with file.open("wb") as made:
        made.truncate(5 << 30)  # sparse: takes no room, and would take all memory
    with pytest.raises(ProfileError, match=r"has 5368\.7 MB, and 2\.1 MB are the most"):
        read_bytes(file, most_bytes=2 << 20, what="a recipe")


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"a = 1\nb = \xff", r"line 2: byte 0xff is no UTF-8"), (b"a = 1\n\n\0", r"line 3: has a NUL")],
)
def test_what_is_no_text_is_told_with_its_line(tmp_path, content, said):
    (tmp_path / "a.toml").write_bytes(content)
    with pytest.raises(ProfileError, match=said):
        read_text(tmp_path / "a.toml", most_bytes=100, what="a recipe")


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000])
def test_a_name_that_no_file_can_have_is_told(tmp_path, name):
    with pytest.raises(ProfileError, match="cannot be read"):
        read_text(tmp_path / name, most_bytes=100, what="a recipe")


@pytest.mark.parametrize("text", ["[" * 100_000, "[1]", "{", "1" * 5000])
def test_json_that_is_no_record_is_told(text):
    with pytest.raises(ProfileError, match=r"x\.json"):
        parse_json(text, source="x.json", what="a calibration")


def test_values_within_each_other_without_end_are_refused():
    value: object = 1
    for _ in range(1000):
        value = [value]
    with pytest.raises(ProfileError, match="nested more than 40 deep"):
        check_nesting(value, source="x")


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("Li-Cs, 3 GPa \u2192 \U0001f600", "Li-Cs, 3 GPa \u2192 \U0001f600"),
        ("\u05e9\u05dc\u05d5\u05dd", "\u05e9\u05dc\u05d5\u05dd"),
        ("5\xa0GPa, \U0001f468\u200d\U0001f469", "5\xa0GPa, \U0001f468\u200d\U0001f469"),
        ("a\nb\tc\r", r"a\nb\tc\r"),
        ("\x1b[2J\x9b31m\x07", r"\x1b[2J\x9b31m\x07"),
        ("\u202egpj.exe\u2066\u2028", r"\u202egpj.exe\u2066\u2028"),
        ("\ud800", r"\ud800"),
    ],
)
def test_a_text_from_elsewhere_is_shown_on_one_line_and_moves_nothing(given, shown):
    assert one_line(given) == shown


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is empty"),
        (' \n{"when": ', "it breaks off in line 2"),
        ('{"when": "2026', "it breaks off in line 1"),
        ('{"when":\n now}', "line 2 is damaged at character 2"),
        ('{"when": 1}}', "line 1 is damaged at character 12"),
        (f'{{"when": {"1" * 5000}}}', "a number in it has too many digits"),
    ],
)
def test_damaged_json_is_told_by_its_place_and_in_no_words_of_a_parser(text, said):
    with pytest.raises(ProfileError) as refused:
        parse_json(text, source="trip.json", what="a trip")
    assert str(refused.value) == f"trip.json: not readable as a trip: {said}. Restore it."
