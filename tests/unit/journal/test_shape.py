"""A document that cannot be what it says is refused with file, line, field and what it should be."""

import json
import logging
import re

import numpy as np
import pytest

from lics_beamline.errors import JournalError
from lics_beamline.journal.codec import decode
from lics_beamline.journal.events import events
from lics_beamline.journal.head import heads
from lics_beamline.journal.reader import read
from lics_beamline.journal.shape import DocumentShapes

UID = "11111111-aaaa"
START = {"uid": UID, "time": 1.7e9, "purpose": "sweep", "sample": {"name": "LiCs"}}
DESCRIPTOR = {"uid": "d", "run_start": UID, "name": "failure", "data_keys": {"reason": {"dtype": "string"}}}
EVENT = {"uid": "e", "descriptor": "d", "seq_num": 1, "data": {"point_index": 3, "reason": "jam"}, "timestamps": {}}
STOP = {"uid": "s", "run_start": UID, "exit_status": "success"}


def written(folder, *, start=START, descriptor=DESCRIPTOR, event=EVENT, stop=STOP, uid=UID):
    path = folder / f"{uid}.jsonl"
    pairs = [("start", start), ("descriptor", descriptor), ("event", event), ("stop", stop)]
    path.write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    return path


def test_a_sound_journal_is_read_whole(tmp_path):
    assert [name for name, _ in read(written(tmp_path))] == ["start", "descriptor", "event", "stop"]


@pytest.mark.parametrize(
    ("changed", "line", "said"),
    [
        ({"start": {**START, "time": float("nan")}}, 1, "time = nan, which is not seconds since 1970"),
        ({"start": {**START, "time": 1.7e12}}, 1, "time = 1700000000000.0, which is not seconds since 1970"),
        ({"start": {**START, "time": "today"}}, 1, "time = 'today'"),
        ({"start": {**START, "sample": "LiCs"}}, 1, "sample = 'LiCs', which is not a table"),
        ({"start": {**START, "path": 10**1000}}, 1, "path = of 3322 bits"),
        ({"descriptor": {"uid": "d", "data_keys": {}}}, 2, "lacks 'name', a text"),
        ({"descriptor": {**DESCRIPTOR, "data_keys": {"x": {}}}}, 2, "data_keys = .*, which is not a table of tables"),
        ({"event": {"data": {}}}, 3, "lacks 'descriptor', a text"),
        ({"event": {**EVENT, "data": [1]}}, 3, r"data = \[1\], which is not a table"),
        ({"event": {**EVENT, "data": {"point_index": 3}}}, 3, "lacks 'reason', a text"),
        ({"event": {**EVENT, "data": {"point_index": "3", "reason": "jam"}}}, 3, "point_index = '3'"),
        ({"event": {**EVENT, "data": {"point_index": 10**400, "reason": ""}}}, 3, "point_index = of 1329 bits"),
        (
            {"event": {**EVENT, "data": {**EVENT["data"], "exposure_s": -60.0}}},
            3,
            "exposure_s = -60.0, which is not a time",
        ),
        (
            {"event": {**EVENT, "data": {**EVENT["data"], "exposure_s": float("inf")}}},
            3,
            "exposure_s = inf, which is not",
        ),
        ({"stop": {**STOP, "exit_status": 3}}, 4, "exit_status = 3, which is not a text"),
    ],
)
def test_what_is_wrong_is_said_with_file_line_field_and_what_is_right(tmp_path, changed, line, said, caplog):
    path = written(tmp_path, **changed)
    if line == 1:  # without a start document nothing can be used
        with pytest.raises(JournalError, match=rf"{path.name}, line 1: start document.*{said}"):
            list(read(path))
        return
    read_back = [name for name, _ in read(path)]
    assert re.search(rf"{path.name} is damaged in line {line}: \w+ document.*{said}", caplog.text)
    assert "start" in read_back
    assert ["start", "descriptor", "event", "stop"][line - 1] not in read_back


def test_an_event_that_stands_before_its_start_is_judged_as_any_other(tmp_path, caplog):
    path = written(tmp_path, event={**EVENT, "data": {"point_index": "3", "reason": "jam"}})
    start, descriptor, event, stop = path.read_text().splitlines(keepends=True)
    path.write_text("".join((event, start, descriptor, stop)))
    assert [name for name, _ in read(path)] == ["start", "descriptor", "stop"]
    assert re.search(r"damaged in line 1: event document.*point_index = '3', which is not a whole number", caplog.text)


def test_runs_of_other_plans_may_call_what_they_like_as_they_like(tmp_path):
    other = {**START, "purpose": "my own", "sample": "LiCs"}
    assert len(list(read(written(tmp_path, start=other, event={**EVENT, "data": {"point_index": "first"}})))) == 4


@pytest.mark.parametrize(
    "changed",
    [
        {"start": {**START, "time": float("nan")}},
        {"start": {**START, "time": 1.7e12}},
        {"start": {"uid": UID}},
        {"stop": {"uid": "s"}},
        {"stop": {**STOP, "exit_status": [1]}},
    ],
)
def test_one_bad_journal_hides_no_other(tmp_path, changed, caplog):
    written(tmp_path, uid="22222222-bbbb", start={**START, "uid": "22222222-bbbb"})
    written(tmp_path, **changed)
    with caplog.at_level(logging.WARNING):
        found = heads(tmp_path)
    assert "22222222-bbbb" in [each.uid for each in found]
    assert all(each.exit_status in ("success", "unknown", "") for each in found)


def test_a_folder_or_a_pipe_among_the_journals_is_told_and_passed_over(tmp_path, caplog):
    import os

    (tmp_path / "a.jsonl").mkdir()
    os.mkfifo(tmp_path / "b.jsonl")
    written(tmp_path)
    assert [each.uid for each in heads(tmp_path)] == [UID]
    assert caplog.text.count("no regular file") == 2
    with pytest.raises(JournalError, match="no regular file"):
        list(read(tmp_path / "b.jsonl"))


@pytest.mark.parametrize(
    "line",
    [
        b'["event",{"a":{"__npy__":""}}]',
        b'["event",{"a":{"__npy__":5,"kind":"array"}}]',
        b'["event",{"a":{"__npy__":"","kind":"items","items":[1],"dtype":"V999999999999","shape":[1]}}]',
        b'["event",{"a":{"__npy__":"","kind":"items","items":[1],"dtype":"O","shape":["x"]}}]',
        b'["event",{"a":{"__npy__":"UEsDBA==","kind":"array"}}]',
        b'["event",{"a":{"__npy__":"k05VTVBZ","kind":"array"}}]',
        b'["event",{"a":"\\ud800"}]',
        b'["event",{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}]",
        b'["event",{"a":' + b"[" * 100 + b"]" * 100 + b"}]",
        b'["event",{"a":' + b"9" * 5000 + b"}]",
        b"\x00\xff",
    ],
)
def test_a_line_that_is_no_document_is_damage_and_nothing_else(line):
    with pytest.raises(ValueError, match=r".+"):
        decode(line)


def test_a_pair_of_surrogates_is_a_character_and_is_read():
    assert decode(b'["start",{"title":"\\ud83d\\ude00"}]') == ("start", {"title": "\U0001f600"})


def test_an_array_that_promises_more_than_its_bytes_is_damage():
    import base64
    import io

    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    header = buffer.getvalue().replace(b"(3,)", b"(300000000000,)").replace(b" " * 13 + b"\n", b" " * 2 + b"\n")
    line = json.dumps(["event", {"a": {"__npy__": base64.b64encode(header).decode(), "kind": "array"}}]).encode()
    with pytest.raises(ValueError, match="no array"):
        decode(line)


def test_an_event_says_what_it_lacks_and_of_which_run_it_is():
    documents = [("start", START), ("descriptor", DESCRIPTOR), ("event", EVENT)]
    (event,) = events(documents)
    with pytest.raises(JournalError, match=rf"lacks 'plate' in event 1 of stream 'failure' of run {UID}"):
        event.data["plate"]


def test_a_list_of_lists_of_any_lengths_in_a_start_document_is_a_list():
    start = {"uid": "aaaaaa", "time": 1.0, "purpose": "sweep", "path": [[1, 2], [3], 4]}
    DocumentShapes().check("start", start, where="x")
