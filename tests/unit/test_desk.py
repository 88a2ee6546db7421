"""What people ask of a sweep and what it answers, through files that others may write, break or take away."""

import json
import multiprocessing

import pytest

from lics_beamline.data_folder import DataFolder
from lics_beamline.desk import Desk, Request, ask, standing
from lics_beamline.errors import Busy


@pytest.fixture
def data(tmp_path):
    return DataFolder(tmp_path).make()


def test_without_a_sweep_nothing_stands_and_after_one_it_stands_no_more(data):
    assert standing(data) is None
    with Desk(data).open():
        assert standing(data).alive
    assert not standing(data).alive
    assert standing(data).state == "ended"


def test_what_was_asked_of_another_sweep_is_not_heard(data):
    ask(data, Request.STOP)
    desk = Desk(data)
    with desk.open():
        assert desk.asked() is None


def test_the_newest_question_counts_says_who_and_is_asked_until_it_is_answered(data):
    desk = Desk(data)
    with desk.open():
        ask(data, Request.STOP)
        wanted = ask(data, Request.PAUSE, why="tea", who="Ada")
        assert desk.asked() == desk.asked() == wanted
        assert (wanted.who, wanted.why) == ("Ada", "tea")
        desk.say("running", "heard", heard=wanted)
        assert (standing(data).answers, desk.asked()) == (wanted.uid, wanted)
        desk.answer(wanted, "held", "held at 3.12 GPa")
        assert desk.asked() is None
        stands = standing(data)
        assert (stands.state, stands.says, stands.answers) == ("held", "held at 3.12 GPa", wanted.uid)


def test_many_questions_between_two_looks_leave_the_last_one(data):
    desk = Desk(data)
    with desk.open():
        for _ in range(20):
            first = ask(data, Request.PAUSE)
            assert desk.asked() == first
            for request in (Request.STOP, Request.CONTINUE, Request.PAUSE, Request.CONTINUE):
                last = ask(data, request)
            assert desk.asked() == last


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", json.dumps({"request": "vent", "who": 1})])
def test_a_question_that_cannot_be_understood_is_none(data, text):
    desk = Desk(data)
    with desk.open():
        (data.root / "sweep-asked.json").write_text(text)
        assert desk.asked() is None
        asked = ask(data, Request.PAUSE)
        assert desk.asked() == asked


def try_to_open(root, said):
    try:
        with Desk(DataFolder(root)).open():
            said.put("open")
    except Busy as error:
        said.put(str(error))


def test_a_second_process_cannot_sweep_in_the_same_folder_and_is_told_who_does(data):
    spawned = multiprocessing.get_context("spawn")
    said = spawned.Queue()
    with Desk(data).open():
        other = spawned.Process(target=try_to_open, args=(data.root, said))
        other.start()
        assert "is done by process" in said.get(timeout=30)
        other.join()
