"""1000 drawn rubies: the interval must hold the truth in 95 %, and be no wider than what is known makes it.

Run apart: ``python -m pytest -s tests/benchmarks/test_ruby_coverage.py``. Prints coverage and median half width.
"""

import pytest
from worlds.drawn_rubies import Known, trial

SPECTRA = 1000


@pytest.mark.parametrize(
    ("temperature_k", "known", "widest_gpa"),
    [
        (498.0, Known(chip=True, correction=True), 0.25),
        (498.0, Known(chip=True, correction=False), 0.25),
        (498.0, Known(chip=False, correction=False), 0.31),  # any chip by any correction is wider than 0.25
        (298.0, Known(chip=True, correction=True), 0.02),
        (298.0, Known(chip=True, correction=False), 0.02),
        (298.0, Known(chip=False, correction=False), 0.18),
        (298.0, Known(chip=True, correction=True, scale=False), 0.10),  # scales differ by more than all else
    ],
)
def test_the_interval_holds_the_truth_of_a_thousand(temperature_k, known, widest_gpa, record):
    result = trial(temperature_k, known, spectra=SPECTRA, seed=1)
    print(  # noqa: T201  what a benchmark is for
        f"{temperature_k:.0f} K, {known}: {result.covered:.1%} within +-{result.half_width_gpa:.3f} GPa"
    )
    what = [name for name in ("chip", "correction", "rest", "scale") if getattr(known, name)]
    record(**{f"covered at {temperature_k:.0f} K, known: {', '.join(what)}": round(float(result.covered), 3)})
    assert result.covered >= 0.95
    assert result.half_width_gpa <= widest_gpa
