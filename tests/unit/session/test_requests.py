"""What people ask of a sweep and what it answers, through files that others may write, break or take away."""

import json
import multiprocessing

import pytest

from lics_beamline.control.request import Request
from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import Busy
from lics_beamline.session.requests import RequestFiles
from lics_beamline.sweep_request import ask, leave_note, overtaken_by, sweep_status


@pytest.fixture
def data(tmp_path):
    return DataFolder(tmp_path).make()


def test_without_a_sweep_nothing_stands_and_after_one_it_stands_no_more(data):
    assert sweep_status(data) is None
    with RequestFiles(data).open():
        assert sweep_status(data).alive
    assert not sweep_status(data).alive
    assert sweep_status(data).state == "ended"


def test_what_was_asked_of_another_sweep_is_not_heard(data):
    ask(data, Request.STOP)
    requests = RequestFiles(data)
    with requests.open():
        assert requests.asked() is None


def test_the_newest_question_counts_says_who_and_is_asked_until_it_is_answered(data):
    requests = RequestFiles(data)
    with requests.open():
        ask(data, Request.CONTINUE)
        wanted = ask(data, Request.PAUSE, why="tea", who="Ada")
        assert requests.asked() == requests.asked() == wanted
        assert (wanted.who, wanted.why) == ("Ada", "tea")
        requests.say("running", "heard", heard=wanted)
        assert (sweep_status(data).answers, requests.asked()) == (wanted.uid, wanted)
        requests.answer(wanted, "held", "held at 3.12 GPa")
        assert requests.asked() is None
        stands = sweep_status(data)
        assert (stands.state, stands.says, stands.answers) == ("held", "held at 3.12 GPa", wanted.uid)


def test_many_questions_between_two_looks_leave_the_last_one(data):
    requests = RequestFiles(data)
    with requests.open():
        for _ in range(20):
            first = ask(data, Request.PAUSE)
            assert requests.asked() == first
            for request in (Request.CONTINUE, Request.PAUSE, Request.CONTINUE):
                last = ask(data, request)
            assert requests.asked() == last


def test_what_was_asked_and_never_heard_stands_in_the_record_by_name_when_another_asks(data):
    requests = RequestFiles(data)
    with requests.open():
        first = ask(data, Request.CONTINUE, who="Ada")
        assert overtaken_by(data, first) is None
        second = ask(data, Request.PAUSE, who="Bob")
        assert overtaken_by(data, first) == second
        assert [(note.who, note.text) for note in requests.notes()] == [
            ("Ada", "asked to continue; before that was done Bob asked to hold, and the newest counts")
        ]
        requests.answer(requests.asked(), "held", "held at 3.12 GPa")
        ask(data, Request.CONTINUE, who="Ada")
        assert list(requests.notes()) == [], "the hold was done"


@pytest.mark.parametrize("request_after", [Request.PAUSE, Request.CONTINUE])
@pytest.mark.parametrize("heard_as", ["", "running", "stopping"])
def test_a_stop_that_was_asked_stands_whatever_others_ask(data, request_after, heard_as):
    requests = RequestFiles(data)
    with requests.open():
        stop = ask(data, Request.STOP, who="Ada")
        if heard_as:
            requests.say(heard_as, "what is being measured is finished first", heard=stop)
        assert ask(data, request_after, who="Bob", why="tea") == stop
        assert requests.asked() == stop
        assert [(note.who, note.text) for note in requests.notes()] == [
            ("Bob", f"asked to {request_after.word} (tea); Ada had asked to stop, and a stop stands")
        ]
        again = ask(data, Request.STOP, who="Bob")
        assert requests.asked() == again


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", json.dumps({"request": "vent", "who": 1})])
def test_a_question_that_cannot_be_understood_is_none(data, text):
    requests = RequestFiles(data)
    with requests.open():
        (data.root / "sweep-asked.json").write_text(text)
        assert requests.asked() is None
        asked = ask(data, Request.PAUSE)
        assert requests.asked() == asked


def try_to_open(root, said):
    try:
        with RequestFiles(DataFolder(root)).open():
            said.put("open")
    except Busy as error:
        said.put(str(error))


def test_a_second_process_cannot_sweep_in_the_same_folder_and_is_told_who_does(data):
    spawned = multiprocessing.get_context("spawn")
    said = spawned.Queue()
    with RequestFiles(data).open():
        other = spawned.Process(target=try_to_open, args=(data.root, said))
        other.start()
        assert "is done by process" in said.get()
        other.join()


def test_notes_of_people_are_taken_oldest_first_once_each_and_are_gone_when_the_next_is_asked_for(data):
    requests = RequestFiles(data)
    with requests.open():
        first = leave_note(data, "  the beam was lost for a moment\n", who="Ada")
        second = leave_note(data, "it is back")
        taken = requests.notes()
        note = next(taken)
        assert (note.who, note.text) == ("Ada", "the beam was lost for a moment")
        assert first.exists()  # a sweep that is killed now has not written it down
        assert next(taken).text == "it is back"
        assert not first.exists()
        assert list(taken) == []
        assert not second.exists()
        assert list(requests.notes()) == []


def test_a_note_for_a_sweep_that_is_over_is_not_written_into_the_next_one(data):
    leave_note(data, "for another one")
    requests = RequestFiles(data)
    with requests.open():
        assert list(requests.notes()) == []


def test_a_note_that_cannot_be_understood_is_left_out_once_and_told(data, caplog):
    requests = RequestFiles(data)
    with requests.open():
        leave_note(data, "good")
        (data.root / "sweep-notes" / "0.json").write_text('{"who": 1}')
        assert [note.text for note in requests.notes()] == ["good"]
        assert "is no note" in caplog.text
        assert list(requests.notes()) == []


@pytest.mark.parametrize("text", ["", " \n", "a" * 10_001])
def test_a_note_that_is_empty_or_a_book_is_refused(data, text):
    with pytest.raises(ValueError, match="1 to 10000"):
        leave_note(data, text)


def test_people_elsewhere_hear_that_a_sweep_is_held_once_and_why_it_has_ended(data):
    heard = []
    requests = RequestFiles(data, told=heard.append)

    def sweep():
        with requests.open():
            requests.say("held", "held at 3.12 GPa")
            requests.say("held", "held at 3.13 GPa; the beam is lost")
            requests.say("running", "goes on")
            raise RuntimeError("the membrane leaks")

    with pytest.raises(RuntimeError):
        sweep()
    with requests.open():
        pass
    assert [says.partition(" has ")[2] or says.partition(" is ")[2] for says in heard] == [
        "held at 3.12 GPa",
        "ended: the membrane leaks",
        "ended: every point of its path is done",
    ]
