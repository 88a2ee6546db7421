"""An exposure chosen by a look gives the count that was asked for, on a world that nobody told it about."""

import os

import pytest

os.environ.setdefault("OPHYD_CONTROL_LAYER", "caproto")  # read once, when ophyd is imported

from lics_beamline.data_folder import DataFolder
from lics_beamline.experiment import Experiment
from lics_beamline.frames.raxis import read_plate
from lics_beamline.lines.brightness import strongest_ring
from lics_beamline.plans.sweep import sweep
from lics_beamline.profile import read_profile
from lics_beamline.reduction.point import integrator
from lics_beamline.session.session import open_session
from lics_beamline.session.simulation import simulated_beamline

pytestmark = pytest.mark.long

ASKED = 150.0  # counts; what the eye sees as a good plate of this sample
GRAINS = 0.15  # a look of few grains and photons tells the ring's brightness no better


def test_the_strongest_ring_reaches_the_count_asked_for_and_the_look_is_on_record_apart_from_the_points(tmp_path):
    experiment = Experiment.model_validate(
        {
            "title": "by dose",
            "sample": {"name": "Li-Cs", "composition": "LiCs"},
            "cell": {"kind": "membrane", "culet_um": 350.0},
            "gasket": {"material": "Re"},
            "exposure": {
                "dose": {"strongest_counts": ASKED, "look_s": 30.0, "shortest_s": 40.0, "longest_s": 1200.0},
                "oscillation_deg": 6.0,
            },
            "legs": ({"kind": "hold", "name": "held", "temperature_k": 298.0},),
        }
    )
    profile, told, streams = read_profile("simulated"), [], {}
    data = DataFolder(tmp_path / "data").make()

    def hear(name, doc):
        if name == "descriptor":
            streams[doc["uid"]] = doc["name"]
        told.append((streams[doc["descriptor"]] if name == "event" else str(name), doc))

    with (
        simulated_beamline(profile, data, speed=120.0, seed=1) as simulated,
        open_session(profile, data, simulated=simulated, followers=()) as session,
    ):
        session.engine.subscribe(hear)
        recipe = session.recipe
        walk = sweep(session.beamline, experiment, profile=session.profile, recipe=recipe, requests=session.requests)
        session.engine(walk)

    def of(name):
        return [doc.get("data", doc) for kind, doc in told if kind == name]

    (look,) = of("look")
    assert look["limit"] == ""
    assert 40.0 < look["chosen_exposure_s"] < 1200.0
    points, readouts = of("primary"), of("readout")
    assert [point["exposure_s"] for point in points] == pytest.approx([look["chosen_exposure_s"]], rel=0.02)
    assert [point["dose_counts"] for point in points] == pytest.approx([look["chosen_dose_counts"]], rel=0.03)
    assert look["look_path"] not in {readout["frame_path"] for readout in readouts}
    assert [doc["datum_kwargs"]["point_number"] for doc in of("datum")] == [0]
    header, frame = read_plate(data.root / readouts[0]["frame_path"])
    engine = integrator(recipe.geometry, recipe.integration(), frame.shape)
    ring = strongest_ring(engine.integrate(frame, saturation_counts=header.saturation_counts))
    assert ring.counts == pytest.approx(ASKED, rel=GRAINS)
