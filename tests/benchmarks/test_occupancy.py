"""Whether the error of an occupancy is what it says: two hundred sets of structure factors with known noise.

Run apart: ``python -m pytest -s -o timeout=1200 tests/benchmarks/test_occupancy.py``. B of lithium is drawn from
the range that the question allows, so the interval must cover it too.
"""

import sys

import numpy as np
import pytest
from worlds.measured_alloy import CELL, QUESTION, measured

from lics_beamline.refinement.density import judge
from lics_beamline.refinement.density_grid import DensityGrid

REPLICAS = 200
TRUTH = 0.7
GRID = DensityGrid(cell=CELL, space_group="P m -3 m", shape=(32, 32, 32))


@pytest.mark.parametrize("relative", [0.008])  # 0.4 % of F: a plate of 60 photons a pixel
def test_the_interval_of_one_sigma_covers_the_truth_in_60_to_76_percent(relative, record):
    values, sigmas = np.empty(REPLICAS), np.empty(REPLICAS)
    for seed in range(REPLICAS):
        b_lithium = np.random.default_rng([7, seed]).uniform(QUESTION.b_low_angstrom2, QUESTION.b_high_angstrom2)
        factors = measured(TRUTH, seed=seed, relative=relative, b_lithium=b_lithium)
        found = judge(QUESTION, factors, grid=GRID, replicas=24, seed=seed).occupancy
        assert found is not None
        values[seed], sigmas[seed] = found.value, found.sigma
    covered = float(np.mean(np.abs(values - TRUTH) < sigmas))
    sys.stdout.write(
        f"\ncovered {100 * covered:.0f} %, mean {values.mean():.4f}, scatter {values.std():.4f}, mean error "
        f"{sigmas.mean():.4f}, truth {TRUTH}\n"
    )
    record(covered=round(covered, 3), mean=round(float(values.mean()), 4))
    assert 0.60 <= covered <= 0.76
    assert values.mean() == pytest.approx(TRUTH, abs=0.03)
