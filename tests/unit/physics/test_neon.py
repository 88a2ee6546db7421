import numpy as np
import pytest

from lics_beamline.errors import BadReading
from lics_beamline.physics.air import vacuum_from_air_nm
from lics_beamline.physics.neon import check_wavelengths

# Ne I in air [nm], NIST Atomic Spectra Database, with heights as a lamp shows them.
LINES = (
    (692.94672, 0.35),
    (702.40500, 0.20),
    (703.24128, 1.00),
    (705.91079, 0.07),
    (717.39380, 0.45),
    (724.51665, 0.60),
    (743.88981, 0.25),
)
TRUE_NM = 684.0 + 0.032 * np.arange(2048)  # to 749.5 nm


def lamp(*, height=20_000.0, seed=1, lines=LINES, fwhm_nm=0.12):
    counts = np.full(TRUE_NM.size, 80.0)
    for nm, relative in lines:
        counts += height * relative * np.exp(-4.0 * np.log(2.0) * ((TRUE_NM - nm) / fwhm_nm) ** 2)
    return np.random.default_rng(seed).poisson(counts).astype(float)


def axis(offset_nm, slope):
    """Axis that is off by an offset at 694.25 nm and a slope."""
    return TRUE_NM + offset_nm + slope * (TRUE_NM - 694.25)


@pytest.mark.parametrize(("offset_nm", "slope"), [(0.0, 0.0), (0.05, 0.0), (-0.3, 4e-4), (1.4, -8e-4)])
def test_offset_and_slope_of_a_wrong_axis_are_found_and_mended(offset_nm, slope):
    off = axis(offset_nm, slope)
    check = check_wavelengths(off, lamp())
    assert len(check.lines) == 7
    assert check.offset_nm == pytest.approx(offset_nm, abs=4.0 * check.offset_sigma_nm)
    assert check.slope == pytest.approx(slope, abs=4.0 * check.slope_sigma)
    assert check.offset_sigma_nm < 1e-3
    assert np.abs(check.corrected_nm(off) - TRUE_NM).max() < 4.0 * check.sigma_nm(float(off[-1]))


def test_the_errors_of_offset_and_slope_are_their_scatter():
    checks = [check_wavelengths(axis(0.05, 1e-4), lamp(height=3000.0, seed=seed)) for seed in range(60)]
    pulls = [(check.offset_nm - 0.05) / check.offset_sigma_nm for check in checks]
    slopes = [(check.slope - 1e-4) / check.slope_sigma for check in checks]
    assert 0.6 < np.std(pulls) < 1.25
    assert 0.6 < np.std(slopes) < 1.25


def test_an_axis_in_vacuum_is_compared_with_vacuum_wavelengths():
    vacuum = np.array([vacuum_from_air_nm(nm) for nm in TRUE_NM])
    assert abs(check_wavelengths(vacuum, lamp(), medium="vacuum").offset_nm) < 0.002
    assert check_wavelengths(vacuum, lamp()).offset_nm == pytest.approx(0.191, abs=0.002)


def test_ruby_lines_and_cosmic_rays_beside_the_lamp_do_not_disturb():
    counts = lamp()
    for nm, height in ((694.25, 6000.0), (692.82, 3500.0)):
        counts += height / (1.0 + ((TRUE_NM - nm) / 0.2) ** 2)
    counts[[200, 900, 1500]] += 15_000.0
    check = check_wavelengths(axis(0.05, 0.0), counts)
    assert check.corrected_nm([703.29128])[0] == pytest.approx(703.24128, abs=0.003)


def test_a_ruby_line_in_the_place_of_a_lamp_line_is_not_taken_for_it():
    counts = lamp(lines=[line for line in LINES if line[0] != 702.40500])
    counts += 12_000.0 * np.exp(-4.0 * np.log(2.0) * ((TRUE_NM - 702.32) / 0.36) ** 2)
    check = check_wavelengths(TRUE_NM, counts)
    assert [round(one.known_nm, 1) for one in check.lines] == [692.9, 703.2, 705.9, 717.4, 724.5, 743.9]
    assert abs(check.offset_nm) < 0.002


@pytest.mark.parametrize("lines", [LINES[:2], LINES[:0], ((690.0, 1.0), (700.0, 1.0), (710.5, 1.0))])
def test_fewer_than_three_lines_are_refused(lines):
    with pytest.raises(BadReading) as caught:
        check_wavelengths(TRUE_NM, lamp(lines=lines))
    assert caught.value.facts["reason"] == "neon lost"
    assert caught.value.facts["found"] < 3
