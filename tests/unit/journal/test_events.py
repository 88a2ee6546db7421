"""Events know their streams, one by one or packed in pages, for a run that is whole or still growing."""

import event_model
import pytest
from paged_documents import paged
from reduced_documents import data as reduced_data

from lics_beamline.errors import JournalError
from lics_beamline.exports.raw_point import raw_points
from lics_beamline.exports.reduced_run import reduced_run
from lics_beamline.journal.duty import duty
from lics_beamline.journal.events import Streams, events

DESCRIPTORS = [
    ("descriptor", {"uid": f"d-{stream}", "run_start": "run", "name": stream})
    for stream in ("primary", "readout", "approach")
]


def event(stream, number, **data):
    return "event", {
        "uid": f"{stream}-{number}",
        "descriptor": f"d-{stream}",
        "time": 1.0,
        "seq_num": number,
        "data": data,
        "timestamps": dict.fromkeys(data, 10.0 + number),
        "filled": {},
    }


def measured(number):
    return {
        "exposure_uid": f"e{number}",
        "experiment_time_s": 500.0 * number,
        "exposure_s": 120.0,
        "ruby_wavelength_nm": [690.0, 700.0],
        "ruby_spectrum": [1.0, 2.0],
        "thermocouples_gasket_k": 298.0,
        "thermocouples_ambient_k": 297.0,
        "membrane_load_bar": 20.0 + number,
    }


def sweep():
    """Two points, each with steps of its approach, and their plates."""
    steps = [event("approach", number, experiment_time_s=float(number), load_bar=2.0 * number) for number in (1, 2, 3)]
    points = [event("primary", number, **measured(number)) for number in (1, 2)]
    plates = [event("readout", number, exposure_uid=f"e{number}", frame_path=f"{number}.osc") for number in (1, 2)]
    yield "start", {"uid": "run", "time": 1.0}
    yield from [*DESCRIPTORS, *steps, *points, *plates]
    yield "stop", {"uid": "stop", "run_start": "run", "num_events": {"primary": 2}}


def test_each_event_comes_in_order_with_its_stream_its_values_and_their_times():
    found = list(events(sweep()))
    assert [each.stream for each in found] == ["approach"] * 3 + ["primary"] * 2 + ["readout"] * 2
    assert found[1].data == {"experiment_time_s": 2.0, "load_bar": 4.0}
    assert found[1].timestamps == {"experiment_time_s": 12.0, "load_bar": 12.0}
    assert found[1].descriptor == {"uid": "d-approach", "run_start": "run", "name": "approach"}


def test_events_packed_into_pages_are_the_same_events():
    names = [name for name, _ in paged(sweep())]
    assert names.count("event_page") == 3
    assert "event" not in names
    assert list(events(paged(sweep()))) == list(events(sweep()))


def test_a_page_as_event_model_packs_it_is_read_alike():
    steps = [doc for name, doc in sweep() if name == "event" and doc["descriptor"] == "d-approach"]
    page = event_model.pack_event_page(*steps)
    assert list(events([*DESCRIPTORS, ("event_page", page)])) == list(events(sweep()))[:3]


def test_documents_may_be_taken_one_by_one_while_the_run_grows():
    streams = Streams()
    assert streams.names == ()
    one_by_one = [each for name, doc in sweep() for each in streams.take(name, doc)]
    assert one_by_one == list(events(sweep()))
    assert streams.names == ("primary", "readout", "approach")


@pytest.mark.parametrize("packed", [list, lambda documents: list(paged(documents))])
def test_an_event_that_nobody_described_is_refused_by_the_name_of_what_is_missing(packed):
    orphan = event("dark", 7, load_bar=1.0)
    with pytest.raises(JournalError, match=r"event .*7.* descriptor d-dark.* described are: primary, readout") as error:
        list(events(packed([*DESCRIPTORS, orphan])))
    assert error.value.facts == {"descriptor": "d-dark"}


def test_the_duty_of_a_run_is_that_of_its_pages():
    assert duty(sweep()).exposing_s == 240.0
    assert duty(paged(sweep())) == duty(sweep())


def test_the_points_of_a_raw_run_are_those_of_its_pages():
    def told(documents):
        return {uid: (point.load_bar, point.frame_path) for uid, point in raw_points(documents).items()}

    assert told(sweep()) == {"e1": (21.0, "1.osc"), "e2": (22.0, "2.osc")}
    assert told(paged(sweep())) == told(sweep())


def test_the_points_of_a_reduced_run_are_those_of_its_pages():
    start = {"uid": "run", "purpose": "reduction"}
    documents = [("start", start), *DESCRIPTORS, *(event("primary", n, **reduced_data(n)) for n in (1, 2, 3))]

    def told(documents):
        return [(point.exposure_uid, point.pressure_gpa) for point in reduced_run(documents).points]

    assert [uid for uid, _ in told(documents)] == ["e1", "e2", "e3"]
    assert told(paged(documents)) == told(documents)
