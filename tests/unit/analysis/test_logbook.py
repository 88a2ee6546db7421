"""The logbook: what it tells of a recorded sweep, and that what people write is text in both of its files."""

import math

import pytest
from recorded_documents import EVENTS, approach, documents, hold, readout

from lics_beamline.analysis.logbook import DOES_NOT_SAY, Logbook, LogEntry
from lics_beamline.analysis.logbook_page import markdown, write_logbook


def said(book):
    return [(entry.kind, entry.text) for entry in book.entries]


def noted(text, who="Ada"):
    stream, data = hold(360.0, did="noted")
    return stream, data | {"hold_who": who, "hold_why": text}


def test_a_sweep_is_told_from_what_was_asked_to_its_end_each_approach_in_one_line():
    kinds = [kind for kind, _ in said(Logbook.of(documents()))]
    assert kinds == ["began", "leg", "point", "approach", "held", "point", "decided", "failed", "ended"]


def test_its_lines_give_numbers_with_units_and_reasons():
    told = dict(said(Logbook.of(documents())))
    assert told["began"] == "a title, 3 points asked"
    assert told["approach"] == (
        "point 2: to 1.000 GPa in 2 readings of ruby: 0.500 to 0.900 GPa, load 5.00 to 12.00 bar"
    )
    assert told["held"] == "at - GPa, 10.00 bar, gasket 298.5 K: look at the gasket"
    assert told["point"] == "point 2: exposed 120 s at 1.000 +- 0.003 GPa, gasket 298.5 K, load 10.00 bar"
    assert told["decided"] == "point 2: goes on: alloy 0.20 of 0.95"
    assert told["failed"] == "point 3: the plate reader did not answer for 60 s"
    assert told["ended"] == "success"


def test_a_plate_that_is_read_meanwhile_does_not_part_an_approach():
    events = (approach(0.5, 200.0), readout(0, 210.0), approach(0.9, 300.0))
    told = [text for kind, text in said(Logbook.of(documents(events))) if kind == "approach"]
    assert told == ["point 2: to 1.000 GPa in 2 readings of ruby: 0.500 to 0.900 GPa, load 5.00 to 12.00 bar"]


def test_times_are_those_of_the_events_and_a_simulated_sweep_says_how_fast_its_time_went():
    book = Logbook.of(documents(speed=300.0))
    after_s = [entry.time_s - 1000.0 for entry in book.entries]
    assert after_s == [0.0, 10.0, 10.0, 40.0, 50.0, 60.0, 80.0, 90.0, 1000.0]
    assert "300 times the speed of time" in book.entries[0].text


def test_who_held_and_who_noted_is_named_and_the_engine_is_nobody():
    book = Logbook.of(documents((*EVENTS, noted("the beam was lost"), noted("guard dead", who="engine"))))
    people = {entry.text: entry.who for entry in book.entries if entry.kind == "note"}
    assert people == {"the beam was lost": "Ada", "guard dead": ""}


def test_trips_of_the_time_of_the_sweep_stand_where_they_fell_and_others_do_not():
    trips = [
        LogEntry(time_s=at_s, kind="tripped", who="guard", text=text)
        for at_s, text in ((1055.0, "hot"), (999.0, "before"), (2001.0, "after"), (math.nan, "never"))
    ]
    kinds = said(Logbook.of(documents(), others=trips))
    assert kinds[kinds.index(("tripped", "hot")) - 1][0] == "held"
    assert not {"before", "after", "never"} & {text for _, text in kinds}


def test_a_record_without_end_says_so():
    assert said(Logbook.of(documents(stop=False)))[-1] == ("open", DOES_NOT_SAY)


def test_text_of_people_is_no_markup_in_either_file(tmp_path):
    evil = "a | b `c` <script>alert(1)</script>\n# d [e](f)"
    book = Logbook.of(documents((*EVENTS, noted(evil)), title="<b>t</b> *u*"))
    lines = list(markdown(book))
    (row,) = [line for line in lines if "script" in line]
    assert row.count(" | ") == 3
    assert r"\<script\>" in row
    assert r"\[e\](f)" in row
    assert lines[0] == r"# \<b\>t\</b\> \*u\*"
    page = write_logbook(book, tmp_path / "new" / "log.html").read_text()
    assert "<script>" not in page
    assert "&lt;b&gt;t" in page


def test_a_note_cannot_drive_the_terminal_that_shows_it():
    told = "\n".join(markdown(Logbook.of(documents((*EVENTS, noted("a\x1bc b\x9b2J"))))))
    assert r"a\\x1bc b\\x9b2J" in told
    assert not {"\x1b", "\x9b"} & set(told)


@pytest.mark.parametrize("name", ["log.pdf", "log"])
def test_another_kind_of_file_is_refused_by_name(tmp_path, name):
    with pytest.raises(ValueError, match=r"as \.md or \.html"):
        write_logbook(Logbook.of(documents()), tmp_path / name)
