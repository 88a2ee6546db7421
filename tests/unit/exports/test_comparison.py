import math

import pytest
from reduced_documents import data, documents

from lics_beamline.errors import RunNotFound
from lics_beamline.exports.comparison import boundaries, compare
from lics_beamline.exports.comparison_figure import draw_comparison
from lics_beamline.exports.reduced_run import reduced_run


def run_of(points, **recipe):
    made = list(documents(points))
    made[0][1]["recipe"] = made[0][1]["recipe"] | recipe
    return reduced_run(made)


def test_differences_are_the_second_less_the_first_with_their_sign():
    first = run_of([data(0), data(1)])
    other = data(1, a=3.5512)
    second = run_of([data(0), other | {"pressure_gpa": other["pressure_gpa"] - 0.33, "alloy_fraction": 0.9}])
    same, changed = compare(first, second).points
    assert (same.pressure_gpa, same.phase("alloy").cell["a"], same.phase("alloy").fraction) == (0.0, 0.0, 0.0)
    assert changed.pressure_gpa == pytest.approx(-0.33)
    assert changed.phase("alloy").cell["a"] == pytest.approx(0.0012)
    assert changed.phase("alloy").fraction == pytest.approx(-0.1)
    assert set(changed.phase("re-hcp").cell) == {"a", "c"}
    assert math.isnan(changed.phase("re-hcp").fraction)


def test_a_phase_that_only_one_of_them_found_is_said_to_be():
    (point,) = compare(run_of([data(0, a=math.nan)]), run_of([data(0)])).points
    assert point.phase("alloy").found_by == "second"
    assert point.phase("alloy").fraction == 1.0
    assert point.phase("alloy").cell == {}


def test_where_a_phase_comes_is_between_two_points_and_moves_with_the_scale_of_pressure():
    points = [data(0, a=math.nan), data(1, a=math.nan), data(2), data(3)]
    (boundary,) = boundaries(run_of(points))
    assert (boundary.phase, boundary.appears) == ("alloy", True)
    assert (boundary.before_gpa, boundary.after_gpa) == (4.01, 5.01)
    shifted = [point | {"pressure_gpa": point["pressure_gpa"] + 0.2} for point in points]
    (difference,) = compare(run_of(points), run_of(shifted)).boundaries
    assert difference.pressure_gpa == pytest.approx(0.2)
    (lost,) = compare(run_of(points), run_of([data(n) for n in range(4)])).boundaries
    assert lost.second is None
    assert math.isnan(lost.pressure_gpa)


def test_what_differs_between_the_recipes_is_named_by_its_key():
    changed = compare(
        run_of([data(0)], ruby={"scale": "a", "correction": "x"}),
        run_of([data(0)], ruby={"scale": "b", "correction": "x"}),
    ).changed
    assert changed == {"ruby.scale": ("a", "b")}


def test_reductions_of_two_runs_are_not_compared():
    other = run_of([data(0)])
    other.start["raw_uid"] = "another"
    with pytest.raises(RunNotFound, match="only reductions of one run"):
        compare(run_of([data(0)]), other)


@pytest.mark.parametrize("points", [[data(0), data(1, stroke="heating")], [data(0, reduced=False)]])
def test_a_comparison_is_drawn_whatever_was_found(tmp_path, points):
    file = draw_comparison(compare(run_of(points), run_of(points)), tmp_path / "figures" / "comparison.png")
    assert file.read_bytes().startswith(b"\x89PNG")
