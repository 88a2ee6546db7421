"""The whole chain from plates to a verdict, over twenty loadings of four kinds of worlds at 298 K and 8 GPa.

Run apart: ``python -m pytest -s -o timeout=3000 tests/benchmarks/test_density_chain.py``. Prints each verdict and
the means. A world's seed draws its form factors, grains, texture, diamonds and photons. The truth is read here, in the
score, and nowhere else.
"""

import sys

import numpy as np
import pytest
from worlds.plate_chain import Chain

SEEDS = range(20)


def say(findings):
    lines = [f"{found} chi^2 of the rings {found.chi_squared:.2f}" for found in findings]
    sys.stdout.write("\n" + "\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def chain():
    return Chain()


def test_lithium_is_supported_in_twenty_of_twenty_worlds_and_its_occupancy_is_right(chain, record):
    findings = [chain.ask("volumetric", seed) for seed in SEEDS]
    values = np.array([found.occupancy.value if found.occupancy else np.nan for found, _ in findings])
    say([found for found, _ in findings])
    truth = findings[0][1]
    sys.stdout.write(f"mean {np.nanmean(values):.3f}, scatter {np.nanstd(values):.3f}, truth {truth}\n")
    supported = sum(found.verdict == "supported" for found, _ in findings)
    record(worlds=len(SEEDS), supported=supported, mean=round(float(np.nanmean(values)), 3))
    assert [found.verdict for found, _ in findings] == ["supported"] * len(SEEDS)
    assert all(found.maximum.position == pytest.approx((0.5, 0.5, 0.5), abs=0.02) for found, _ in findings)
    assert np.mean(values) == pytest.approx(truth, abs=0.03)


def test_no_lithium_is_claimed_in_twenty_of_twenty_worlds_without_it(chain, record):
    findings = [chain.ask("no_lithium", seed)[0] for seed in SEEDS]
    say(findings)
    record(falsely_supported=sum(found.verdict == "supported" for found in findings))
    assert not [found for found in findings if found.verdict == "supported"]


def test_texture_of_three_percent_is_not_decided_in_twenty_of_twenty_worlds(chain, record):
    findings = [chain.ask("textured", seed)[0] for seed in SEEDS]
    say(findings)
    record(undecided_by_texture=sum(found.verdict == "not decided by these data" for found in findings))
    assert [found.verdict for found in findings] == ["not decided by these data"] * len(SEEDS)
    assert [found.occupancy for found in findings] == [None] * len(SEEDS)


def test_grains_of_three_percent_are_not_decided_in_twenty_of_twenty_worlds(chain, record):
    findings = [chain.ask("grainy", seed, oscillation_deg=0.0)[0] for seed in SEEDS]
    say(findings)
    record(undecided_by_grains=sum(found.verdict == "not decided by these data" for found in findings))
    assert [found.verdict for found in findings] == ["not decided by these data"] * len(SEEDS)
    assert [found.occupancy for found in findings] == [None] * len(SEEDS)
