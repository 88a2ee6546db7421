import bluesky.plan_stubs as bps
import pytest

from lics_beamline import schema
from lics_beamline.errors import OutsideEnvelope

SPEED = 60.0


@pytest.fixture
def beam(beamline_at):
    return beamline_at(SPEED).beam


@pytest.fixture
def stage(beamline_at):
    return beamline_at(SPEED).stage


def test_the_shutter_is_where_its_read_back_says(beam, engine):
    engine(bps.mv(beam.shutter, "Open"))
    assert beam.shutter.state.get(use_monitor=False) == "Open"
    assert beam.i0_cps.get(use_monitor=False) >= 0.0

    engine(bps.mv(beam.shutter, "Closed"))
    assert beam.shutter.state.get(use_monitor=False) == "Closed"
    assert not beam.shutter.is_open


def test_a_shutter_position_that_does_not_exist_is_refused(beam):
    with pytest.raises(ValueError, match="Closed or Open"):
        beam.shutter.set("Half")


def test_made_safe_the_shutter_is_closed(beam):
    beam.shutter.set("Open").wait()

    beam.make_safe().wait()

    assert beam.shutter.state.get(use_monitor=False) == "Closed"


def test_the_monitor_has_the_name_the_documents_promise(beam):
    assert beam.read()[schema.I0]["value"] >= 0.0
    assert beam.describe()[schema.I0]["units"] == "counts/s"


def test_a_named_position_brings_every_axis_there(stage):
    stage.go_to("ruby").wait()

    assert stage.x.position == pytest.approx(0.05, abs=1e-3)
    assert stage.z.position == pytest.approx(-0.02, abs=1e-3)
    stage.go_to("x-ray").wait()
    assert stage.x.position == pytest.approx(0.0, abs=1e-3)


def test_a_position_without_a_name_is_refused_with_those_there_are(stage):
    with pytest.raises(OutsideEnvelope, match="ruby, x-ray"):
        stage.go_to("nowhere")
