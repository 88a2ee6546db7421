"""What people ask of a sweep and what it answers, through files that others may write, break or take away."""

import json
import multiprocessing

import pytest

from lics_beamline.control.request import Request
from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import Busy
from lics_beamline.session.requests import RequestFiles, ask, sweep_status


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
        ask(data, Request.STOP)
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
            for request in (Request.STOP, Request.CONTINUE, Request.PAUSE, Request.CONTINUE):
                last = ask(data, request)
            assert requests.asked() == last


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
