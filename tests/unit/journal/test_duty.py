"""What share of a sweep X-rays were used."""

import math

import pytest

from lics_beamline.journal.duty import duty


def documents(*events):
    streams = {stream for stream, _ in events}
    yield from (("descriptor", {"uid": stream, "name": stream}) for stream in streams)
    yield from (("event", {"descriptor": stream, "data": data}) for stream, data in events)


def test_exposures_of_points_count_and_those_that_looked_or_failed_are_time_spent():
    told = duty(
        documents(
            ("primary", {"experiment_time_s": 220.0, "exposure_s": 120.0}),
            ("look", {"experiment_time_s": 400.0, "exposure_s": 20.0}),
            ("primary", {"experiment_time_s": 700.0, "exposure_s": 180.0}),
            ("readout", {"experiment_time_s": 850.0, "exposure_s": 180.0}),
        )
    )
    assert told.exposing_s == 300.0
    assert told.elapsed_s == 850.0 - 100.0
    assert told.fraction == pytest.approx(0.4)


def test_a_run_without_points_has_no_duty():
    assert math.isnan(duty([]).fraction)


def test_an_exposure_of_which_nobody_knows_how_long_it_took_leaves_the_others_known():
    told = duty(
        documents(
            ("primary", {"experiment_time_s": 220.0, "exposure_s": 120.0}),
            ("primary", {"experiment_time_s": 700.0, "exposure_s": math.nan}),
        )
    )
    assert (told.exposing_s, told.elapsed_s) == (120.0, 600.0)
