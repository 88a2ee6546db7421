"""Duty of sweeps with two plates overlapped, against one plate at a time: exposing over elapsed, in experiment time."""

import os
import sys

import pytest

os.environ.setdefault("OPHYD_CONTROL_LAYER", "caproto")  # read once, when ophyd is imported

from lics_beamline.data_folder import DataFolder
from lics_beamline.experiment import read_experiment
from lics_beamline.journal.duty import duty
from lics_beamline.plans.sweep import sweep
from lics_beamline.profile import read_profile
from lics_beamline.session.session import open_session
from lics_beamline.session.simulation import simulated_beamline


def walked(folder, experiment, *, speed, overlapped):
    """Duty of one sweep on simulators of its own."""
    profile, told = read_profile("simulated"), []
    data = DataFolder(folder / ("two" if overlapped else "one")).make()
    with (
        simulated_beamline(profile, data, speed=speed, seed=1) as simulated,
        open_session(profile, data, simulated=simulated, followers=()) as session,
    ):
        session.engine.subscribe(lambda name, doc: told.append((str(name), doc)))
        told_to = session.profile if overlapped else session.profile.with_one_plate()
        walk = sweep(session.beamline, experiment, profile=told_to, recipe=session.recipe, requests=session.requests)
        session.engine(walk)
    return duty(told)


def tell(capsys, what, two, one):
    with capsys.disabled():
        sys.stdout.write(
            f"\n{what}: two plates {two.exposing_s:.0f} s of {two.elapsed_s:.0f} s ({two.fraction:.1%}), one plate "
            f"{one.exposing_s:.0f} s of {one.elapsed_s:.0f} s ({one.fraction:.1%}), {two.fraction / one.fraction:.2f} "
            "times\n"
        )


@pytest.mark.timeout(300)
def test_two_plates_are_used_at_least_1_4_times_as_much_as_one_where_exposure_equals_read_and_erase(
    tmp_path, capsys, record
):
    plate = read_profile("simulated").values.plate
    paper = read_experiment(read_profile("simulated").experiments / "lics-2015.toml")
    hold = paper.legs[0].model_copy(update={"count": 8})
    exposure = paper.exposure.model_copy(update={"time_s": plate.read_s + plate.erase_s})
    still = paper.model_copy(update={"legs": (hold,), "exposure": exposure})
    two, one = (walked(tmp_path, still, speed=30.0, overlapped=overlapped) for overlapped in (True, False))
    tell(capsys, "8 held points, exposure = read + erase", two, one)
    record(held_gain=round(two.fraction / one.fraction, 2))
    assert two.fraction >= 1.4 * one.fraction


@pytest.mark.timeout(900)
def test_the_papers_sweep_with_two_plates_uses_more_of_its_time_than_with_one(tmp_path, capsys, record):
    paper = read_experiment(read_profile("simulated").experiments / "lics-2015.toml")
    two, one = (walked(tmp_path, paper, speed=300.0, overlapped=overlapped) for overlapped in (True, False))
    tell(capsys, "the paper's sweep, 26 points", two, one)
    record(paper_gain=round(two.fraction / one.fraction, 2))
    assert two.fraction > one.fraction
