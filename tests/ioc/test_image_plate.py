import hashlib
import logging
import os

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
import pytest
from event_model import DocumentNames, schema_validators
from ophyd.status import SubscriptionStatus

from lics_beamline import schema
from lics_beamline.errors import BadReading, DidNotSettle

SPEED = 300.0


@pytest.fixture
def beamline(beamline_at):
    return beamline_at(SPEED)


@pytest.fixture
def folder(beamline, request):
    name = f"plates/{request.node.name}"
    beamline.frame.open_folder(name)
    return name


def until(signal, condition):
    return SubscriptionStatus(signal, lambda value, **_: condition(value), run=True)


def read_out(frame):
    yield from bps.trigger(frame, wait=True)
    yield from bps.create(schema.READOUT)
    yield from bps.read(frame)
    yield from bps.save()


def of(documents, name):
    return [document for kind, document in documents if kind == name]


def test_two_plates_exposed_before_either_is_read_are_announced_in_order(
    beamline, folder, data_folder, engine, documents
):
    plate, frame = beamline.plate, beamline.frame

    @bpp.stage_decorator([frame])
    @bpp.run_decorator()
    def plan():
        yield from bps.mv(plate.exposure_s, 30.0)
        for _ in range(2):
            yield from bps.trigger(plate, wait=True)
        for _ in range(2):
            yield from read_out(frame)

    engine(plan())

    resource, *others = of(documents, "resource")
    assert not others
    assert (resource["root"], resource["resource_path"]) == ("", f"{folder}/")
    assert resource["spec"] == schema.PLATE_SPEC
    assert resource["resource_kwargs"] == {"template": schema.PLATE_TEMPLATE, "chunk_shape": [1, 3000, 3000]}
    datums = of(documents, "datum")
    assert [datum["datum_kwargs"] for datum in datums] == [{"point_number": 0}, {"point_number": 1}]
    events = [event["data"] for event in of(documents, "event")]
    assert [event[schema.FRAME_IMAGE] for event in events] == [datum["datum_id"] for datum in datums]
    assert [event[schema.FRAME_PLATE] for event in events] == [1, 2]
    for number, event in enumerate(events):
        file = data_folder / folder / f"{number:06d}.osc"
        assert event[schema.FRAME_PATH] == f"{folder}/{number:06d}.osc"
        assert event[schema.FRAME_SHA256] == hashlib.sha256(file.read_bytes()).hexdigest()
        assert event[schema.FRAME_WAITED_S] > 0.0
    key = of(documents, "descriptor")[0]["data_keys"][schema.FRAME_IMAGE]
    assert (key["external"], key["shape"], key["dims"], key["dtype_numpy"]) == (
        "FILESTORE:",
        [3000, 3000],
        ["y", "x"],
        "<i4",
    )
    for name, document in documents:
        schema_validators[DocumentNames[name]].validate(document)


def test_the_documents_of_a_second_run_announce_the_folder_anew(beamline, folder, engine, documents):
    plate, frame = beamline.plate, beamline.frame

    @bpp.stage_decorator([frame])
    @bpp.run_decorator()
    def plan():
        yield from bps.mv(plate.exposure_s, 10.0)
        yield from bps.trigger(plate, wait=True)
        yield from read_out(frame)

    engine(plan())
    engine(plan())

    resources, datums = of(documents, "resource"), of(documents, "datum")
    assert resources[0]["uid"] != resources[1]["uid"]
    assert [datum["resource"] for datum in datums] == [resource["uid"] for resource in resources]
    assert [datum["datum_kwargs"]["point_number"] for datum in datums] == [0, 1]


def test_a_folder_that_holds_plates_already_is_refused(beamline, data_folder):
    taken = data_folder / "plates" / "taken"
    taken.mkdir(parents=True)
    (taken / "000000.osc").write_bytes(b"")

    with pytest.raises(FileExistsError, match="already holds plate files"):
        beamline.frame.open_folder(taken)


def test_a_folder_outside_the_data_folder_is_refused(beamline, tmp_path):
    with pytest.raises(ValueError, match="leads out of"):
        beamline.frame.open_folder(tmp_path)


def test_a_torn_plate_is_announced_with_a_warning_so_that_the_others_go_on(beamline, folder, data_folder, caplog):
    plate, frame = beamline.plate, beamline.frame
    plate.exposure_s.set(10.0).wait()
    plate.trigger().wait()
    until(frame.full_file_name, lambda name: name.endswith(f"{folder}/000000.osc")).wait()
    os.truncate(data_folder / folder / "000000.osc", 1000)

    with caplog.at_level(logging.WARNING, logger="lics_beamline"):
        frame.trigger().wait()

    assert "holds 1000 bytes of 18006000" in caplog.text
    assert frame.path.get() == f"{folder}/000000.osc"


def test_an_exposure_that_cannot_be_written_fails_with_the_words_of_the_detector(beamline, folder):
    beamline.frame.file_path.set("/nowhere/at/all/").wait()

    with pytest.raises(BadReading, match="no folder /nowhere/at/all") as refused:
        beamline.plate.trigger().wait()

    assert refused.value.facts["state"] == "Error"


def test_a_frame_is_not_waited_for_while_the_detector_is_in_error(beamline, folder):
    beamline.frame.file_path.set("/nowhere/at/all/").wait()
    with pytest.raises(BadReading):
        beamline.plate.trigger().wait()

    with pytest.raises(BadReading, match="will not come"):
        beamline.frame.trigger().wait()


def test_after_an_error_a_new_exposure_is_judged_by_itself(beamline, folder, data_folder):
    plate, frame = beamline.plate, beamline.frame
    frame.file_path.set("/nowhere/at/all/").wait()
    with pytest.raises(BadReading):
        plate.trigger().wait()
    frame.file_path.set(f"{data_folder.resolve()}/{folder}/").wait()
    plate.exposure_s.set(10.0).wait()

    plate.trigger().wait()
    frame.trigger().wait()

    assert frame.path.get() == f"{folder}/000000.osc"


def test_stop_aborts_the_exposure_under_way(beamline, folder):
    plate = beamline.plate
    plate.exposure_s.set(3000.0).wait()
    exposure = plate.trigger()
    until(plate.state, lambda state: state == "Exposing").wait()

    plate.stop()

    with pytest.raises(DidNotSettle, match="stopped"):
        exposure.wait()
    until(plate.state, lambda state: state != "Exposing").wait()
    plate.exposure_s.set(10.0).wait()
