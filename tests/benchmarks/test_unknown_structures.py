"""Structures of phases that nobody named: the alloy of the paper on plates, and drawn compounds of other kinds.

Run apart: ``python -m pytest -s tests/benchmarks/test_unknown_structures.py``. What is drawn is said in
`tests/worlds/blind_alloy.py` and `tests/worlds/drawn_unknowns.py`; contents are read here for the score alone.
"""

import pytest
from worlds.blind_alloy import blind_score
from worlds.drawn_contents import drawn_score
from worlds.swept_world import Sweeper

ALLOY_SEEDS = range(9701, 9711)  # that no choice of a constant has seen, as all below
DRAWN = (("cubic", 9721), ("hexagonal", 9722), ("tetragonal", 9723))
LARGEST_OFF_ANGSTROM = 1e-3  # of the cells by the phase file found from those by the shipped one


def test_the_alloy_is_found_blind_with_its_sites_and_its_phase_file_gives_the_shipped_cells(record, tmp_path):
    sweeper, scores = Sweeper(), []
    for seed in ALLOY_SEEDS:
        scores.append(blind_score(sweeper, seed, tmp_path / str(seed)))
        print(f"\n{seed}: {scores[-1]}", flush=True)  # noqa: T201  what a benchmark is for
    off = max(score.off_shipped for score in scores)
    record(
        right=sum(score.is_right for score in scores),
        of=len(scores),
        off_shipped_angstrom=float(off),
        off_truth_angstrom=round(max(score.off_truth for score in scores), 5),
        seen_in_density=sum(score.shows_light for score in scores),
    )
    assert all(score.is_right for score in scores)
    assert off <= LARGEST_OFF_ANGSTROM
    assert max(score.off_truth for score in scores) <= LARGEST_OFF_ANGSTROM


@pytest.mark.parametrize(("system", "seed"), DRAWN)
def test_a_drawn_compound_is_found_or_honestly_left_open(record, system, seed):
    score = drawn_score(system, seed)
    print(score)  # noqa: T201
    record(**{f"{system}_right": score.is_right, f"{system}_verdict": score.verdict})
    assert score.is_right or score.verdict == "not decided"
