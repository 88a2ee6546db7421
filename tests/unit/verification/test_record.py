"""A journal whose documents are those of no run is told in words, not in the names of the program's errors."""

import json

import pytest

from lics_beamline.verification.record import read_record

START = ["start", {"uid": "a", "time": 1.0}]
STREAM = ["descriptor", {"uid": "d", "run_start": "a", "name": "primary", "data_keys": {}, "time": 1.0}]


@pytest.mark.parametrize(
    ("documents", "told"),
    [
        ([["event", {"descriptor": 3}]], "descriptor = 3, which is not a text"),
        ([["event", {"uid": "e", "descriptor": "d", "data": 3}]], "data = 3, which is not a table"),
        ([["event", {"uid": "e", "descriptor": "q", "data": {}}]], "before the descriptor document q that it needs"),
    ],
)
def test_documents_of_no_run_are_told_in_words(tmp_path, documents, told):
    path = tmp_path / "0.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in (START, STREAM, *documents)))
    said = " ".join(difference.says for difference in read_record(path).differences)
    assert told in said
    assert "Error" not in said


def test_a_file_that_is_no_journal_is_told_in_words(tmp_path):
    path = tmp_path / "0.jsonl"
    path.write_text("[3]\n")
    said = " ".join(difference.says for difference in read_record(path).differences)
    assert said
    assert "Error" not in said
