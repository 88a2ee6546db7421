"""How the beamline was found and left is recorded, where it can be read."""

import bluesky.plan_stubs as bps
import pytest
from bluesky import RunEngine
from bluesky.preprocessors import baseline_wrapper
from ophyd import Signal
from ophyd.utils.errors import DisconnectedError

from lics_beamline.errors import NotConnected
from lics_beamline.plans.baseline import with_baseline
from lics_beamline.plans.sweep import as_run


class Load(Signal):
    """A read-back of an IOC that may go away."""

    gone = False

    def read(self):
        if self.gone:
            raise DisconnectedError("load is not connected")
        return super().read()


@pytest.fixture
def load():
    return Load(name="load", value=3.0)


def documents_of(engine):
    documents = []
    engine.subscribe(lambda *document: documents.append(document))
    return documents


def baseline_events(documents):
    streams = {doc["uid"]: doc["name"] for name, doc in documents if name == "descriptor"}
    return sum(name == "event" and streams[doc["descriptor"]] == "baseline" for name, doc in documents)


def gives_up(load, *, takes_it_along):
    yield from bps.null()
    load.gone = takes_it_along
    raise NotConnected("SIM:PC1:Pressure_RBV does not answer.")


def test_a_run_that_ends_as_an_instrument_is_gone_says_so_and_not_that_it_could_not_be_read_at_the_end(load, caplog):
    engine = RunEngine({})
    documents = documents_of(engine)
    with pytest.raises(NotConnected, match="Pressure_RBV"):
        engine(with_baseline(as_run(gives_up(load, takes_it_along=True), {}), [load]))
    assert baseline_events(documents) == 1
    assert documents[-1][1]["reason"] == "NotConnected: SIM:PC1:Pressure_RBV does not answer."
    assert "how the beamline was left is not recorded: load is not connected" in caplog.text


def test_a_run_that_ends_early_is_read_once_more_where_that_is_possible(load):
    engine = RunEngine({})
    documents = documents_of(engine)
    with pytest.raises(NotConnected):
        engine(with_baseline(as_run(gives_up(load, takes_it_along=False), {}), [load]))
    assert baseline_events(documents) == 2


def test_no_run_goes_on_whose_beginning_cannot_be_read(load):
    engine = RunEngine({})
    load.gone = True
    with pytest.raises(NotConnected, match="load is not connected"):
        engine(with_baseline(as_run(gives_up(load, takes_it_along=True), {}), [load]))


def test_where_all_answer_it_is_what_bluesky_records(load):
    ours, theirs = RunEngine({}), RunEngine({})
    recorded = documents_of(ours), documents_of(theirs)
    ours(with_baseline(as_run(bps.null(), {}), [load]))
    theirs(baseline_wrapper(as_run(bps.null(), {}), [load]))
    first, second = ([name for name, _ in documents] for documents in recorded)
    assert first == second
    assert baseline_events(recorded[0]) == baseline_events(recorded[1]) == 2
