"""Known phases of drawn points: which are found, what is found beside them, and whether shares and errors are true.

Run apart: ``python -m pytest -s tests/benchmarks/test_known_phases.py``. What is drawn, and which phases a
counter could tell, is said in `tests/worlds/drawn_points.py`.
"""

import numpy as np
from worlds.drawn_points import draw, identified, score

SCORED = 200
FIRST_SEED = 810_000  # seeds that no test and no choice of a constant has seen
LEAST_FOUND = 0.99
LARGEST_FALSE = 0.005  # of points
COVERED = (0.60, 0.76)  # of the true shares, by 68 % intervals
BESIDE = 80  # points, each once without each phase of the sample
FIRST_BESIDE = 815_000
LARGEST_FAR = 0.01  # of the cells


def test_nearly_all_phases_that_can_be_told_are_found_with_true_shares_and_nothing_is_called_new(record):
    found = score((draw(FIRST_SEED + k) for k in range(SCORED)), identified)
    print("\n".join(["", *found.remarks, str(found)]))  # noqa: T201  what a benchmark is for
    covered = float(np.mean(np.abs(found.pulls) < 1.0))
    record(
        found=round(found.tellable_found / found.tellable, 4),
        false=found.false,
        called_new=found.called_new,
        shares_covered=round(covered, 2),
        share_bias=round(float(np.mean(found.errors)), 4),
        identification_ms=round(1e3 * float(np.median(found.seconds)), 1),
    )
    assert found.tellable_found >= LEAST_FOUND * found.tellable
    assert found.false <= LARGEST_FALSE * found.points
    assert found.called_new == 0
    assert COVERED[0] <= covered <= COVERED[1]


def test_a_phase_that_nobody_named_takes_nothing_from_the_others_but_what_lies_on_them(record):
    points = (
        point.without(phase.name)
        for point in map(draw, range(FIRST_BESIDE, FIRST_BESIDE + BESIDE))
        for phase in point.phases
        if not np.isnan(phase.mass_share)
    )
    found = score(points, identified)
    print("\n".join(["", *found.remarks, str(found)]))  # noqa: T201
    record(
        beside_found=round(found.tellable_found / found.tellable, 4),
        beside_false=round(found.false / found.points, 3),  # most: one lattice is the other's, but for a few lines
        beside_far_cells=round(found.far_cells / len(found.cell_errors), 4),
    )
    assert found.tellable_found >= LEAST_FOUND * found.tellable
    assert found.far_cells <= LARGEST_FAR * len(found.cell_errors)
