"""Many journals, one thread: every document once, in order, whatever one run's consumer does."""

import pytest

from lics_beamline.errors import NotConnected
from lics_beamline.journal.codec import Encoder
from lics_beamline.journal.following import MOST_ATTEMPTS, Following
from lics_beamline.journal.writer import Journal


class Recorder:
    """Consumers that note what happens to them, and fail where they are told to."""

    def __init__(self, *, fails_at=None, times=99):
        self.events = {}
        self.closed = []
        self.begun = []
        self.fails_at = fails_at
        self.times = times

    def begin(self, head):
        self.begun.append(head.uid)
        self.events[head.uid] = []
        return self.Consumer(self, head.uid)

    class Consumer:
        def __init__(self, recorder, uid):
            self.recorder = recorder
            self.uid = uid
            self.seen = recorder.events[uid]

        def take(self, name, doc):
            if doc.get("uid") == self.recorder.fails_at and self.recorder.times:
                self.recorder.times -= 1
                raise RuntimeError("cannot be taken")
            self.seen.append(doc["uid"])

        def pause(self):
            if self.seen[-1:] != ["pause"]:
                self.seen.append("pause")

        def abandoned(self):
            self.seen.append("abandoned")

        def close(self):
            self.recorder.closed.append(self.uid)


def documents(uid, count=3):
    yield "start", {"uid": uid, "time": 1.0}
    yield "descriptor", {"uid": f"{uid}-d", "run_start": uid, "name": "primary"}
    for index in range(count):
        yield "event", {"uid": f"{uid}-e{index}", "descriptor": f"{uid}-d"}
    yield "stop", {"uid": f"{uid}-s", "run_start": uid}


def uids(uid, count=3):
    return [doc["uid"] for _, doc in documents(uid, count)]


def record(folder, uid, *, kept=None):
    with Journal(folder) as journal:
        for name, doc in list(documents(uid))[:kept]:
            journal(name, doc)


def rounds(following, limit=20):
    for _ in range(limit):
        if not following.round() and not following.retrying:
            return
    pytest.fail("following does not come to an end")


def test_runs_in_several_folders_are_followed_once_each(tmp_path):
    raw, derived = tmp_path / "raw", tmp_path / "derived"
    record(raw, "aaaaaa")
    recorder = Recorder()
    following = Following((raw, derived), recorder.begin)
    rounds(following)
    record(derived, "bbbbbb")
    record(raw, "cccccc")
    rounds(following)
    assert recorder.events == {uid: uids(uid) for uid in ("aaaaaa", "bbbbbb", "cccccc")}
    assert recorder.closed == ["aaaaaa", "bbbbbb", "cccccc"]
    assert following.behind() == 0


def test_live_runs_are_followed_beside_each_other(tmp_path):
    recorder = Recorder()
    following = Following((tmp_path,), recorder.begin)
    with Journal(tmp_path) as journal:
        for first, second in zip(documents("aaaaaa"), documents("bbbbbb"), strict=True):
            journal(*first)
            journal(*second)
            assert following.round() == 2
            assert following.round() == 0
            assert following.unsettled == (first[0] != "stop")
    for uid in ("aaaaaa", "bbbbbb"):
        assert [seen for seen in recorder.events[uid] if seen != "pause"] == uids(uid)


def test_an_abandoned_run_is_said_to_be_so_once_and_may_be_continued(tmp_path):
    record(tmp_path, "aaaaaa", kept=3)
    recorder = Recorder()
    following = Following((tmp_path,), recorder.begin, grace_s=0.0)
    rounds(following)
    rounds(following)
    assert recorder.events["aaaaaa"] == [*uids("aaaaaa")[:3], "pause", "abandoned", "pause"]
    assert not following.unsettled
    with Journal(tmp_path, resume=True) as journal:
        for name, doc in documents("aaaaaa"):
            journal(name, doc)
    rounds(following)
    assert recorder.events["aaaaaa"][-3:] == uids("aaaaaa")[3:]
    assert recorder.begun == ["aaaaaa"]


def test_a_writer_gone_a_moment_ago_may_still_hand_over(tmp_path):
    record(tmp_path, "aaaaaa", kept=3)
    recorder = Recorder()
    following = Following((tmp_path,), recorder.begin, grace_s=3600.0)
    rounds(following)
    assert following.unsettled
    assert recorder.events["aaaaaa"] == [*uids("aaaaaa")[:3], "pause"]
    following.close()


def test_a_run_being_written_is_not_abandoned(tmp_path):
    recorder = Recorder()
    following = Following((tmp_path,), recorder.begin, grace_s=0.0)
    with Journal(tmp_path) as journal:
        for name, doc in list(documents("aaaaaa"))[:3]:
            journal(name, doc)
        rounds(following)
        assert "abandoned" not in recorder.events["aaaaaa"]
        following.close()
    assert recorder.closed == ["aaaaaa"]


def test_a_run_that_fails_once_is_begun_again_from_its_start(tmp_path):
    record(tmp_path, "aaaaaa")
    record(tmp_path, "bbbbbb")
    recorder = Recorder(fails_at="aaaaaa-e1", times=1)
    following = Following((tmp_path,), recorder.begin, retry_s=0.0)
    rounds(following)
    assert recorder.begun == ["aaaaaa", "bbbbbb", "aaaaaa"]
    assert recorder.events == {uid: uids(uid) for uid in ("aaaaaa", "bbbbbb")}
    assert (following.troubles, following.left) == ({}, set())


def test_a_run_that_always_fails_is_left_and_the_others_go_on(tmp_path):
    record(tmp_path, "aaaaaa")
    record(tmp_path, "bbbbbb")
    recorder = Recorder(fails_at="aaaaaa-e1")
    following = Following((tmp_path,), recorder.begin, retry_s=0.0)
    rounds(following)
    assert recorder.begun.count("aaaaaa") == MOST_ATTEMPTS
    assert recorder.closed.count("aaaaaa") == MOST_ATTEMPTS
    assert recorder.events["bbbbbb"] == uids("bbbbbb")
    assert following.troubles == {"aaaaaa": "RuntimeError: cannot be taken"}
    assert following.left == {"aaaaaa"}


def test_a_run_for_which_a_server_does_not_answer_is_begun_again_until_it_does_and_keeps_nobody_waiting(tmp_path):
    record(tmp_path, "aaaaaa")
    recorder = Recorder()
    is_down = True

    def begin(head):
        if is_down:
            raise NotConnected("the server does not answer")
        return recorder.begin(head)

    following = Following((tmp_path,), begin, retry_s=1e-9)
    for _ in range(3 * MOST_ATTEMPTS):
        assert following.round() == 0
        assert following.retrying
        assert not following.unsettled
        assert following.troubles == {"aaaaaa": "NotConnected: the server does not answer"}
    is_down = False
    rounds(following)
    assert recorder.events["aaaaaa"] == uids("aaaaaa")
    assert following.troubles == {}


def test_a_damaged_journal_does_not_stop_the_others(tmp_path):
    record(tmp_path, "aaaaaa")
    record(tmp_path, "bbbbbb")
    path = tmp_path / "aaaaaa.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], b"{\n", *lines[3:]]))
    recorder = Recorder()
    following = Following((tmp_path,), recorder.begin, retry_s=0.0)
    rounds(following)
    assert recorder.events["bbbbbb"] == uids("bbbbbb")
    assert "damaged in line 3" in following.troubles["aaaaaa"]


def test_an_interruption_takes_effect_after_the_document(tmp_path):
    record(tmp_path, "aaaaaa")
    recorder = Recorder()
    following = Following((tmp_path,), recorder.begin)
    seen = []
    while following.round(interrupted=lambda: True):
        seen.append(following.behind())
    assert recorder.events["aaaaaa"] == uids("aaaaaa")
    assert seen == [5, 4, 3, 2, 1, 0]


def test_asking_how_far_behind_it_is_does_not_disturb_a_round(tmp_path):
    record(tmp_path, "aaaaaa")
    recorder = Recorder()
    following = Following((tmp_path,), recorder.begin)
    seen = []
    assert following.round(interrupted=lambda: bool(seen.append(following.behind()))) == 6
    assert seen == [5, 4, 3, 2, 1, 0]
    assert recorder.events["aaaaaa"] == uids("aaaaaa")


def test_a_run_for_which_nothing_is_to_do_is_asked_for_once(tmp_path):
    record(tmp_path, "aaaaaa", kept=2)
    asked = []
    following = Following((tmp_path,), lambda head: asked.append(head.uid))
    rounds(following)
    rounds(following)
    assert asked == ["aaaaaa"]


def test_a_journal_whose_uid_leads_out_is_noted_once_and_the_others_go_on(tmp_path):
    record(tmp_path, "aaaaaa")
    (tmp_path / "hostile.jsonl").write_bytes(Encoder().line("start", {"uid": "/etc", "time": 1.0}))
    (tmp_path / "folder.jsonl").mkdir()
    record(tmp_path, "zzzzzz")
    recorder = Recorder()
    following = Following((tmp_path,), recorder.begin, retry_s=0.0)
    rounds(following)
    assert recorder.begun == ["aaaaaa", "zzzzzz"]
    assert set(following.troubles) == {"hostile", "folder"}
    assert following.troubles["hostile"].startswith("UnsafeName: start document of ")
    assert not following.unsettled
