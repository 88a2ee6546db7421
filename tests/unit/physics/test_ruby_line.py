"""The curve of a fitted doublet: that which was fitted, wherever it is drawn from."""

import json

import numpy as np
import pytest

from lics_beamline import schema
from lics_beamline.physics.ruby_line import RubyLine
from lics_beamline.physics.ruby_spectrum import fit_doublet

R1_NM = 695.0
FINE_NM, COARSE_NM = 680.0 + 0.03 * np.arange(1024), 665.0 + 0.76 * np.arange(80)


def drawn(axis_nm, *, fwhm_nm=0.4, tilt=0.0, hump=0.0, chip=0.0):
    """Return counts of a ruby on a background that slopes or has a hump, beside a second chip."""

    def lines(r1_nm):
        return 1000.0 * sum(
            height / (1.0 + (2.0 * (axis_nm - centre) / fwhm_nm) ** 2)
            for centre, height in ((r1_nm, 1.0), (r1_nm - 1.43, 0.62))
        )

    hill = np.exp(-(((axis_nm - 693.0) / 2.5) ** 2))
    light = 500.0 + tilt * (axis_nm - axis_nm[0]) + hump * hill + lines(R1_NM) + chip * lines(R1_NM + 0.5)
    return np.random.default_rng(3).poisson(light).astype(float)


def fitted(axis_nm, **world):
    counts = drawn(axis_nm, **world)
    return counts, fit_doublet(axis_nm, counts, temperature_k=298.0)


WORLDS = {
    "ordinary": (FINE_NM, {}),
    "sloped": (FINE_NM, {"tilt": 80.0}),
    "humped": (FINE_NM, {"hump": 600.0}),
    "two chips": (FINE_NM, {"chip": 0.5}),
    "not resolved": (COARSE_NM, {"fwhm_nm": 1.6, "tilt": 10.0}),
}


@pytest.mark.parametrize("world", WORLDS)
def test_the_curve_lies_where_the_fit_said_that_it_does(world):
    axis_nm, light = WORLDS[world]
    counts, line = fitted(axis_nm, **light)
    curve = line.curve_counts(axis_nm)
    seen = (axis_nm >= line.fitted_from_nm) & (axis_nm <= line.fitted_to_nm)
    assert np.array_equal(np.isfinite(curve), seen)
    pulls = (counts - curve)[seen] / np.sqrt(curve[seen])
    freedom = seen.sum() - (10 if line.resolved else 5)  # numbers fitted; two more were known beforehand of the hump
    assert np.sum(pulls**2) / freedom == pytest.approx(line.reduced_chi2, rel=0.1)
    for edge in (pulls[:40], pulls[-40:]):
        assert abs(edge.mean()) < 1.0


@pytest.mark.parametrize("world", WORLDS)
def test_a_fit_that_was_recorded_is_drawn_as_it_was_fitted(world):
    axis_nm, light = WORLDS[world]
    line = fitted(axis_nm, **light)[1]
    data = json.loads(json.dumps(line.recorded()))
    names = {field.name for field in (*schema.RUBY_READING, *schema.RUBY_FIT)}
    assert set(data) == {name for name in names if name.startswith("ruby_")} - {"ruby_temperature_k"}
    assert RubyLine.of_record(data) == line


@pytest.mark.parametrize(
    "changed",
    [
        {"ruby_mixing": None},
        {"ruby_fwhm_nm": 0.0},
        {"ruby_height_counts": float("nan")},
        {"ruby_background_terms_counts": [500.0]},
        {"ruby_fitted_to_nm": 600.0},
    ],
)
def test_a_record_that_lacks_a_number_is_no_fit(changed):
    data = fitted(FINE_NM)[1].recorded()
    assert RubyLine.of_record(data) is not None
    assert RubyLine.of_record(data | changed) is None


def test_the_background_under_r1_is_that_of_the_curve():
    line = fitted(FINE_NM, tilt=80.0)[1]
    assert line.background_counts == pytest.approx(500.0 + 80.0 * (R1_NM - FINE_NM[0]), rel=0.02)
