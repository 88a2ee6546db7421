"""Live results: from a derived journal that grows, by a status; late ones hinder, and patience ends."""

import math
import threading

import pytest
from derived_run import START, derived, reduced

from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import DidNotSettle
from lics_beamline.journal.writer import Journal
from lics_beamline.plans.live import MOST_KEPT, LiveResults
from lics_beamline.profile import LiveSettings

AT_ONCE_S = 1e-9  # a deadline that has passed when anybody looks


@pytest.fixture
def folder(tmp_path):
    return DataFolder(tmp_path).make().derived_journals


def results(folder, **patience):
    return LiveResults(folder, START, settings=LiveSettings(**patience))


def test_a_point_is_there_as_soon_as_the_reducer_has_written_it(folder):
    live = results(folder)
    status = live.awaits("e2", what="point 2")
    with Journal(folder) as journal:
        derived(journal, "run")
        reduced(journal, "run", "e1", 1, alloy_fraction=0.1)
        assert not status.done
        reduced(journal, "run", "e2", 2, alloy_fraction=0.4, alloy_fraction_sigma=0.02)
        status.wait()
    found = live.take("e2")
    assert (found.derived_uid, found.reduced) == ("run", True)
    assert (found.fraction("alloy").value, found.fraction("alloy").sigma) == (0.4, 0.02)
    assert live.lag() == ""
    live.close()


@pytest.mark.parametrize("other", [{"recipe_digest": "d2"}, {"sweep_uid": "s2"}])
def test_points_of_another_recipe_or_sweep_are_not_acted_on(folder, other):
    live = results(folder, deadline_s=AT_ONCE_S, most_held_s=0.5)
    with Journal(folder) as journal:
        derived(journal, "run", **other)
        reduced(journal, "run", "e1")
        with pytest.raises(DidNotSettle, match="no live reducer is at work"):
            live.awaits("e1", what="point 1").wait()
    live.close()


def test_a_late_point_hinders_and_says_whether_the_reducer_is_dead_or_behind(folder):
    live = results(folder, deadline_s=AT_ONCE_S, most_held_s=300.0)
    assert live.lag() == ""
    status = live.awaits("e1", what="point 1")
    assert "no live reducer is at work. Start one" in live.lag()
    with Journal(folder) as journal:
        derived(journal, "run")
        reduced(journal, "run", "e0")
        live.awaits("e0", what="point 0").wait()
        late = live.awaits("e1", what="point 1")
        assert "the live reducer is behind" in live.lag()
        reduced(journal, "run", "e1", 2)
        late.wait()
    status.wait()
    assert live.lag() == ""
    live.close()


def test_patience_ends_with_what_was_waited_for(folder):
    live = results(folder, deadline_s=0.05, most_held_s=0.05)
    with pytest.raises(DidNotSettle, match=r"point 1 has not been reduced within 0\.05 s .* held for 0\.05 s"):
        live.awaits("e1", what="point 1").wait()
    live.close()


def test_nobody_follows_after_the_sweep_has_ended(folder):
    live = results(folder)
    status = live.awaits("e1", what="point 1")
    live.close()
    with pytest.raises(DidNotSettle, match="the sweep has ended"):
        status.wait()
    following = [thread for thread in threading.enumerate() if thread.name == "live results"]
    for thread in following:
        thread.join()
    assert not any(thread.is_alive() for thread in following)


def test_an_amount_is_that_for_its_dose_and_a_phase_that_is_gone_is_none(folder):
    live = results(folder)
    with Journal(folder) as journal:
        derived(journal, "run")
        reduced(journal, "run", "e1", 1, alloy_scale=6.0, alloy_scale_sigma=0.3, alloy_fraction=1.0)
        reduced(journal, "run", "e2", 2, alloy_scale=math.nan, alloy_fraction=math.nan)
        reduced(journal, "run", "e3", 3, reduced=False, alloy_scale=math.nan, alloy_fraction=math.nan)
        live.awaits("e3", what="point 3").wait()
    there, gone, failed = (live.take(uid).scale("alloy", dose_counts=3.0) for uid in ("e1", "e2", "e3"))
    assert (there.value, there.sigma) == (2.0, pytest.approx(0.1))
    assert (gone.value, gone.sigma) == (0.0, 0.0)
    assert math.isnan(failed.value)
    assert math.isnan(live.take("e2").fraction("alloy").value)
    live.close()


def test_a_long_sweep_keeps_of_each_point_what_a_plan_decides_by_and_no_pattern(folder):
    live = results(folder)
    with Journal(folder) as journal:
        derived(journal, "run")
        reduced(journal, "run", "e1", 1, alloy_fraction=0.1, pressure_gpa=3.0)
        live.awaits("e1", what="point 1").wait()
    kept = live.take("e1").data
    assert (kept["alloy_fraction"], kept["pressure_gpa"]) == (0.1, 3.0)
    assert "intensity" not in kept
    live.close()


def test_of_a_long_sweep_only_the_newest_results_are_kept(folder):
    live = results(folder)
    with Journal(folder) as journal:
        derived(journal, "run")
        for number in range(1, MOST_KEPT + 3):
            reduced(journal, "run", f"e{number}", number)
        live.awaits(f"e{MOST_KEPT + 2}", what="the last").wait()
    assert live.take("e3").reduced
    with pytest.raises(KeyError):
        live.take("e2")
    live.close()
