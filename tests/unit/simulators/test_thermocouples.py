"""Thermocouples: class, noise, places."""

import numpy as np
import pytest

from lics_simulators.preset import read_preset
from lics_simulators.thermocouples import Thermocouples
from lics_simulators.world import World


def make(seed=0):
    return Thermocouples(read_preset("volumetric").thermocouples, 298.0, np.random.default_rng(seed))


def test_offsets_stay_within_class_1_and_differ_by_seed():
    offsets = np.array([World(seed=seed).thermocouples.offsets_k for seed in range(60)])
    assert np.abs(offsets).max() <= 1.5
    assert offsets.std() == pytest.approx(0.75, rel=0.2)


def test_a_reading_is_truth_offset_and_noise():
    thermocouples, generator = make(), np.random.default_rng(1)
    thermocouples.step(1.0, 498.0)
    readings = [thermocouples.read_k(0, generator) for _ in range(400)]
    assert np.mean(readings) == pytest.approx(498.0 + thermocouples.offsets_k[0], abs=0.01)
    assert np.std(readings) == pytest.approx(0.03, rel=0.15)


def test_body_and_membrane_follow_late_and_only_in_part():
    thermocouples = make()
    thermocouples.step(10.0, 498.0)
    assert thermocouples.true_k[1] < 302.0
    for _ in range(2000):
        thermocouples.step(10.0, 498.0)
    assert thermocouples.true_k == pytest.approx([498.0, 388.0, 322.0, 298.0], abs=0.1)
