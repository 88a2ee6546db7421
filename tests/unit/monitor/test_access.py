"""Who is let in: everybody at this computer; from elsewhere who brings the token, and nobody else."""

import asyncio
import gc
import logging
import threading
import urllib.error
import urllib.request
import warnings

import pytest
from bokeh.client import pull_session
from bokeh.document.events import MessageSentEvent
from bokeh.events import ButtonClick
from bokeh.models import Button, TextInput
from tornado.ioloop import IOLoop

from lics_beamline.control.request import Request
from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import Busy
from lics_beamline.monitor.access import free_port, is_loopback, new_token
from lics_beamline.monitor.server import serve
from lics_beamline.session.requests import RequestFiles


@pytest.mark.parametrize(
    ("address", "here"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("192.0.2.7", False), ("", False)],
)
def test_only_addresses_of_this_computer_need_no_token(address, here):
    assert is_loopback(address) is here


def test_no_two_tokens_are_alike_and_none_can_be_guessed():
    assert new_token() != new_token()
    assert len(new_token()) >= 32


@pytest.fixture
def served(tmp_path):
    """Serve a folder in a thread of its own, until the test has ended."""
    over, serving = threading.Event(), []

    def start(**options):
        begun, urls = threading.Event(), []

        def run():
            asyncio.set_event_loop(asyncio.new_event_loop())

            def tell(url):
                urls.append(url)
                begun.set()

            port = free_port("127.0.0.1", 0)
            serve(DataFolder(tmp_path), port=port, begun=tell, over=over.is_set, **options)
            IOLoop.current().close(all_fds=True)

        serving.append(threading.Thread(target=run))
        serving[-1].start()
        assert begun.wait(120.0)
        return urls[0]

    yield start
    over.set()
    for thread in serving:
        thread.join()


def answer(url, cookie=""):
    request = urllib.request.Request(url, headers={"Cookie": cookie} if cookie else {})
    try:
        with urllib.request.urlopen(request, timeout=120.0) as got:
            return got.status, got.read().decode(), got.headers.get("Set-Cookie", "")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(), ""


def test_without_a_token_at_this_computer_everybody_may_look(served):
    status, page, _ = answer(served())
    assert status == 200
    assert "lics monitor" in page


def test_where_there_is_a_token_only_who_brings_it_is_let_in_and_it_is_never_logged(served, caplog):
    caplog.set_level(logging.DEBUG)
    token = new_token()
    url = served(token=token)
    assert url.endswith(f"/?token={token}")
    bare = url.split("?")[0]
    for wrong in (bare, f"{bare}?token=", f"{bare}?token={token[:-1]}", f"{bare}?token=wrong"):
        status, page, _ = answer(wrong)
        assert status == 403, wrong
        assert "lics monitor" in page
        assert "data-root-id" not in page
    status, page, cookie = answer(url)
    assert status == 200
    assert "data-root-id" in page
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert answer(bare, cookie.split(";")[0])[0] == 200, "the page goes on without its token in the address"
    assert token not in caplog.text


def test_two_pages_of_one_computer_do_not_take_each_others_tokens(served, tmp_path):
    urls = [served(token=new_token()) for _ in range(2)]
    first, second = (answer(url)[2].split(";")[0] for url in urls)
    both = f"{first}; {second}"  # as a browser keeps them: cookies do not know of ports
    assert first.split("=")[0] != second.split("=")[0]
    assert [answer(url.split("?")[0], both)[0] for url in urls] == [200, 200]
    assert answer(urls[0].split("?")[0], second)[0] == 403


def test_the_page_loads_nothing_from_elsewhere(served):
    url = served()
    _, page, _ = answer(url)
    elsewhere = [part for part in page.split('"') if part.startswith(("http://", "https://", "//"))]
    assert elsewhere == []


def test_a_port_where_somebody_listens_is_refused_in_words(served, tmp_path):
    port = int(served().rsplit(":", 1)[1].rstrip("/"))
    with pytest.raises(Busy, match=rf"127\.0\.0\.1:{port}.*--port"):
        serve(DataFolder(tmp_path), port=port)
    assert free_port("127.0.0.1", port) != port


class Pressed(ButtonClick):
    """A press as a browser sends it: it names the button, which the server knows."""

    def to_serializable(self, serializer):
        entries = [["model", {"id": self.model.id}]]
        return {"type": "event", "name": self.event_name, "values": {"type": "map", "entries": entries}}


@pytest.fixture
def client():
    """Open pages as a browser does, by Bokeh's client, which leaves its connections to be found unclosed."""
    yield pull_session
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def sent_by_a_browser(session, name, press):
    """Send a name, and the press of a button, as a browser does; return once the server has dealt with both."""
    session.document.select_one({"type": TextInput, "title": "Your name, for the record"}).value = name
    event = MessageSentEvent(session.document, "bokeh_event", Pressed(press))
    session.document.callbacks.trigger_on_change(event)
    session.force_roundtrip()


def test_a_press_is_heard_from_a_page_with_control_and_nothing_that_is_sent_to_one_without(served, client, tmp_path):
    requests = RequestFiles(DataFolder(tmp_path).make())
    with requests.open():
        token = new_token()
        session = client(url=served(token=token, control=True).split("?")[0], arguments={"token": token})
        hold = session.document.select_one({"type": Button, "label": "Hold"})
        sent_by_a_browser(session, "Ada", hold)
        asked = requests.asked()
        assert (asked.request, asked.who) == (Request.PAUSE, "Ada (page)")
        session.close()
        requests.answer(asked, "held", "held")

        session = client(url=served(token=""))
        assert session.document.select_one({"type": Button}) is None
        for each in (Button(label="Continue"), TextInput(title="Your name, for the record")):
            session.document.add_root(each)  # as one who forges the messages of a browser would
        sent_by_a_browser(session, "Eve", session.document.select_one({"type": Button}))
        assert requests.asked() is None
        session.close()
        del session


def test_who_brings_no_token_reaches_no_page_with_control(served, client, tmp_path):
    with RequestFiles(DataFolder(tmp_path).make()).open():
        url = served(token=new_token(), control=True)
        with pytest.raises(OSError, match="HTTP-Error"):
            client(url=url.split("?")[0])
