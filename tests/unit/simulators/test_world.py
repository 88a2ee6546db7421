"""Clock, seed, hold and truth of the world."""

import itertools
import json

import pytest

from lics_simulators.world import World


def test_substeps_are_equal_and_at_most_half_a_second():
    world, seen = World(seed=1), []
    world.steppers.append(lambda now_s, dt_s: seen.append((now_s, dt_s)))
    assert world.advance(1.7) == pytest.approx(1.7)
    assert [dt_s for _, dt_s in seen] == pytest.approx([0.425] * 4)
    assert seen[-1][0] == world.time_s == pytest.approx(1.7)


def test_a_held_world_does_not_move():
    world = World(seed=1)
    with world.hold(), world.hold():
        assert world.is_held
        assert world.advance(10.0) == 0.0
    assert not world.is_held
    assert world.advance(10.0) == pytest.approx(10.0)


def test_a_hold_taken_by_a_stepper_ends_the_advance_at_that_substep():
    world, holds = World(seed=1), []

    def stepper(now_s, dt_s):
        if now_s >= 2.0 and not holds:
            hold = world.hold()
            hold.__enter__()
            holds.append(hold)

    world.steppers.append(stepper)
    assert world.advance(10.0) == pytest.approx(2.0)
    holds[0].__exit__(None, None, None)
    assert world.advance(10.0) == pytest.approx(10.0)


def test_the_same_seed_draws_the_same_and_another_does_not():
    draws = [World(seed=seed).random("plate", 3).random(4).tolist() for seed in (7, 7, 8)]
    assert draws[0] == draws[1] != draws[2]


def test_draws_are_keyed_by_instrument_and_count():
    world = World(seed=7)
    draws = [
        world.random(instrument, count).random() for instrument, count in [("plate", 0), ("plate", 1), ("ruby", 0)]
    ]
    assert len(set(draws)) == 3


def test_two_worlds_of_one_seed_go_the_same_way():
    def after_an_hour(seed):
        world = World(seed=seed)
        world.membrane.setpoint_bar = 40.0
        world.membrane.slew_bar_per_s = 0.02
        world.membrane.set_control(on=True)
        world.heater.set_setpoint(350.0)
        world.advance(3600.0)
        return world.sample_state(), world.thermocouples.offsets_k, world.ruby.reference_nm

    assert after_an_hour(5) == after_an_hour(5)
    assert after_an_hour(5) != after_an_hour(6)


def test_the_paper_s_path_gives_alloy_at_8_gpa_and_9_6_gpa_when_hot():
    world = World(seed=1)
    world.membrane.setpoint_bar, world.membrane.slew_bar_per_s = 52.25, 0.5 / 60.0
    world.membrane.set_control(on=True)
    world.advance(8000.0)
    cold = {phase.phase: phase for phase in world.sample_state().phases}
    assert world.sample_state().pressure_gpa == pytest.approx(8.04, abs=0.01)
    assert cold["alloy"].cells > 0.999
    world.heater.set_setpoint(501.05)  # the gasket; the sample is then at 498 K
    world.advance(4500.0)
    assert world.sample_state().temperature_k == pytest.approx(498.0, abs=0.1)
    assert world.sample_state().pressure_gpa == pytest.approx(9.60, abs=0.02)


def read_truth(folder):
    return [json.loads(line) for line in (folder / "truth.jsonl").read_text(encoding="utf-8").splitlines()]


def test_truth_is_written_every_30_s_of_experiment(tmp_path):
    world = World(seed=1, folder=tmp_path)
    world.advance(300.0)
    world.truth.record("plate", file="a.osc")
    world.close()
    entries = read_truth(tmp_path)
    assert entries[0]["kind"] == "seed"
    assert entries[0]["preset"]["name"] == "volumetric"
    times = [entry["time_s"] for entry in entries if entry["kind"] == "world"]
    assert len(times) == 10
    assert {round(later - earlier, 6) for earlier, later in itertools.pairwise(times)} == {30.0}
    assert {"pressure_gpa", "temperature_k", "phases", "load_bar"} <= set(entries[1])
    assert entries[-1] == {"kind": "plate", "time_s": pytest.approx(300.0), "file": "a.osc"}


def test_a_world_without_a_folder_keeps_no_truth(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    world = World(seed=1)
    world.advance(60.0)
    world.truth.record("plate")
    assert not list(tmp_path.iterdir())
