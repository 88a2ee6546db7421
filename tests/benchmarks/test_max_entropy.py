"""Time of a density on 64^3 points against a bare pair of Fourier transforms and an exponential, in the same run.

Run apart: ``python -m pytest -s tests/benchmarks/test_max_entropy.py``. Prints times and ratios.
"""

import sys
import time

import numpy as np
import pytest
import scipy.fft
from threadpoolctl import threadpool_limits
from worlds.measured_alloy import CELL, QUESTION, measured

from lics_beamline.refinement.density_grid import DensityGrid
from lics_beamline.refinement.max_entropy import MaxEntropy
from lics_beamline.refinement.occupancy import SiteEstimator

GRID = DensityGrid(cell=CELL, space_group="P m -3 m", shape=(64, 64, 64))
ROUNDS = 7
LARGEST_DUAL = 60.0  # bare passes; one takes about 3.3 ms on the machine where 0.2 s was asked for


def best(work):
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


@pytest.fixture(scope="module")
def bare_s():
    density = np.random.default_rng(1).random(GRID.shape)

    def one_pass():
        half = scipy.fft.rfftn(density)
        np.exp(1e-6 * scipy.fft.irfftn(half, s=GRID.shape))

    return best(one_pass)


@pytest.fixture(scope="module")
def amplitudes():
    factors = measured(0.7, seed=1)
    return SiteEstimator(QUESTION, factors, GRID).amplitudes(factors.squared)


def test_a_density_by_the_dual_costs_as_much_as_sixty_bare_passes_at_most(bare_s, amplitudes, record):
    with threadpool_limits(limits=1, user_api="blas"):
        whole_s = best(lambda: MaxEntropy(amplitudes, GRID).solve())
        method = MaxEntropy(amplitudes, GRID)
        solve_s = best(method.solve)
    sys.stdout.write(
        f"\ndual on 64^3: {whole_s:.3f} s, of which solving {solve_s:.3f} s; a bare pass {1e3 * bare_s:.2f} ms, ratio "
        f"{whole_s / bare_s:.1f}\n"
    )
    record(ratio=round(whole_s / bare_s, 1))
    assert whole_s / bare_s < LARGEST_DUAL
