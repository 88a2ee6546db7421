"""200 random cells up and down: the state machine next to a PI loop and a recipe by hand. Prints the table.

Once on the cells that the constants were chosen on, and once on cells that nothing was chosen on. Seeds 10 000 to
10 799 were held out once: they showed what is mended now, and so belong to the first kind.
"""

import sys

import pytest
from worlds.stepped_world import Integral, Recipe, Score, Stepper, figures, random_case, walk

CELLS = 200
TUNING, HELD_OUT = 0, 20_000  # first seeds


def scores_of(driver, first_seed: int) -> list[Score]:
    seeds = range(first_seed, first_seed + CELLS)
    return [score for seed in seeds for score in walk(random_case(seed), driver)]


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("which", "first_seed"), [("cells tuned on", TUNING), ("held-out cells", HELD_OUT)])
def test_200_random_cells_next_to_a_pi_loop_and_a_recipe_by_hand(capsys, record, which, first_seed):
    found = {driver.name: scores_of(driver, first_seed) for driver in (Stepper, Integral, Recipe)}
    table = [
        f"{CELLS} {which}: gain 0.3-3 x, friction 0.5-2 x, creep 5-20 %, slips to 0.04 GPa, 2 % of readings wild",
        f"{'':20s} stroke  targets  within 0.05  passed >0.05  passed >0.10  worst GPa  median s  p95 s  readings  p95",
    ]
    for name, scores in found.items():
        for direction, stroke in ((+1, "up"), (-1, "down"), (0, "both")):
            f = figures([one for one in scores if direction in (0, one.direction)])
            table.append(
                f"{name:20s} {stroke:6s} {f.approaches:8d} {f.within:12.2%} {f.passed_005:13.2%} {f.passed_010:13d} "
                f"{f.worst_passed_gpa:10.3f} {f.median_s:9.0f} {f.p95_s:6.0f} {f.median_readings:9.0f} "
                f"{f.p95_readings:4.0f}"
            )
    with capsys.disabled():
        sys.stdout.write("\n" + "\n".join(table) + "\n")
    ours, loop = figures(found[Stepper.name]), figures(found[Integral.name])
    if first_seed == HELD_OUT:
        record(
            cells=CELLS,
            targets=ours.approaches,
            within=round(ours.within * ours.approaches),
            passed=round(ours.passed_005 * ours.approaches),
            median_min=ours.median_s / 60.0,
            median_readings=float(ours.median_readings),
            pi_median_min=loop.median_s / 60.0,
            pi_median_readings=float(loop.median_readings),
            pi_passed_010=int(loop.passed_010),
        )
    assert ours.within >= 0.99
    assert ours.passed_010 == 0
    assert ours.passed_005 <= 0.02
    for other in (Integral, Recipe):
        theirs = figures(found[other.name])
        assert ours.passed_005 < theirs.passed_005
        assert ours.within > theirs.within
