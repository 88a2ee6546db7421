"""What a leg's pressures rest on: spectra of a lamp and two rubies made by hand on an axis that is off."""

import math

import numpy as np
import pytest

from lics_beamline.errors import BadReading, ProfileError
from lics_beamline.files.strict_toml import validate
from lics_beamline.physics.ruby import RubyRuler
from lics_beamline.physics.ruby_chip import RubyChip
from lics_beamline.reduction.reference import ReferenceReading, refer
from lics_beamline.reduction.ruby import RubyReduction

TRUE_NM = 680.0 + 0.03 * np.arange(2048)
NEON = ((692.94672, 1.0), (702.40500, 0.3), (703.24128, 0.8), (717.39380, 0.35), (724.51665, 0.55))  # NIST ASD, Ne I
OWN_NM = 694.27  # the ambient ruby of these tests at 298 K
WAYS = ("neon", "ambient")


def lines(centres, fwhm_nm, seed):
    counts = np.full(TRUE_NM.size, 300.0) + sum(
        20_000.0 * h * np.exp(-2.7726 * ((TRUE_NM - nm) / fwhm_nm) ** 2) for nm, h in centres
    )
    return np.random.default_rng(seed).poisson(counts).astype(float)


def doublet(r1_nm, seed):
    return lines(((r1_nm, 1.0), (r1_nm - 1.43, 0.62)), 0.39, seed)


def reading(*, off_nm=0.0, bright=1.0, room_k=298.0, gasket_k=298.0, heater_percent=0.0, seed=1, neon=NEON):
    ambient = RubyRuler(reference_wavelength_nm=OWN_NM)
    return ReferenceReading(
        axis_nm=TRUE_NM + off_nm,
        neon_counts=lines(neon, 0.1, seed),
        ruby_counts=bright * doublet(ambient.unshifted_nm(room_k), seed + 1),
        gasket_k=gasket_k,
        cell_k=298.0,
        ambient_k=room_k,
        heater_percent=heater_percent,
    )


def pressure(gauge, gpa, *, off_nm, chip_nm=OWN_NM, gasket_k=298.0, ambient_k=298.0):
    r1_nm = RubyRuler(reference_wavelength_nm=chip_nm).wavelength_nm(gpa, 298.0)
    return gauge.read(TRUE_NM + off_nm, doublet(r1_nm, 7), gasket_k=gasket_k, ambient_k=ambient_k).pressure


@pytest.mark.parametrize("way", WAYS)
def test_a_drift_between_two_legs_is_seen_and_does_not_move_the_pressure(way):
    ruby = RubyReduction(axis=way)
    first = refer(reading(off_nm=0.01), ruby)
    later = refer(reading(off_nm=0.06, room_k=299.5, seed=4), ruby, first=first)
    assert first.drift_nm == 0.0
    assert later.drift_nm == pytest.approx(0.05, abs=0.002)
    assert abs(later.drift_nm - 0.05) < 4.0 * later.drift_sigma_nm
    before = pressure(first.gauge(ruby), 5.0, off_nm=0.01)
    after = pressure(later.gauge(ruby), 5.0, off_nm=0.06)
    uncorrected = pressure(first.gauge(ruby), 5.0, off_nm=0.06)
    assert before.gpa == pytest.approx(5.0, abs=0.006)
    assert after.gpa == pytest.approx(5.0, abs=0.006)
    assert uncorrected.gpa - before.gpa == pytest.approx(0.14, abs=0.01)


def test_what_the_axis_is_not_known_to_is_part_of_the_budget():
    ruby = RubyReduction(axis="neon")
    good, dim = (refer(reading(neon=[(nm, height * scale) for nm, height in NEON]), ruby) for scale in (1.0, 0.03))
    assert dim.axis.offset_sigma_nm > 5.0 * good.axis.offset_sigma_nm
    terms = [pressure(one.gauge(ruby), 5.0, off_nm=0.0).reference_line_gpa for one in (good, dim)]
    assert terms[0] < 0.5 * terms[1]


def test_the_one_that_is_not_believed_may_be_dark():
    assert math.isnan(
        refer(reading(neon=()), RubyReduction(axis="ambient")).fields(RubyReduction(axis="ambient"))["axis_offset_nm"]
    )
    with pytest.raises(BadReading, match="neon lost"):
        refer(reading(neon=()), RubyReduction(axis="neon"))


def test_the_ambient_ruby_stands_in_for_a_lamp_that_goes_dark_within_a_run():
    ruby = RubyReduction(axis="neon")
    first = refer(reading(off_nm=0.01), ruby)
    later = refer(reading(off_nm=0.06, room_k=299.5, seed=4, neon=()), ruby, first=first)
    assert later.fields(ruby)["axis_checked_by"] == "ambient"
    assert later.drift_nm == pytest.approx(0.05, abs=0.002)
    assert pressure(later.gauge(ruby), 5.0, off_nm=0.06).gpa == pytest.approx(5.0, abs=0.006)
    again = refer(reading(off_nm=0.02, seed=9), ruby, first=first)
    assert (again.checked_by, again.drift_nm) == ("neon", pytest.approx(0.01, abs=0.002))
    with pytest.raises(BadReading, match="ambient ruby"):
        refer(reading(neon=(), bright=0.0), ruby, first=first)


@pytest.mark.parametrize("way", WAYS)
def test_thermocouples_compared_at_rest_take_their_common_error_away(way):
    plain, compared = RubyReduction(axis=way), RubyReduction(axis=way, thermocouples="compared at rest")
    seen = reading(gasket_k=299.8, room_k=298.0)
    assert refer(seen, plain).compared is None
    reference = refer(seen, compared)
    assert reference.compared.gasket_above_ambient_k == pytest.approx(1.8)
    zeroed = pressure(reference.gauge(compared), 3.0, off_nm=0.0, gasket_k=299.8)
    as_read = pressure(refer(seen, plain).gauge(plain), 3.0, off_nm=0.0, gasket_k=299.8)
    assert zeroed.gpa == pytest.approx(3.0, abs=0.005)
    assert as_read.gpa == pytest.approx(3.0 - 0.036, abs=0.006)  # 0.0205 GPa/K
    assert zeroed.thermocouple_gpa < 0.01 < 0.035 < as_read.thermocouple_gpa
    later = refer(reading(gasket_k=498.0, heater_percent=40.0), compared, first=reference)
    assert later.compared == reference.compared


@pytest.mark.parametrize("warm", [{"heater_percent": 5.0}, {"gasket_k": 306.0}, {"heater_percent": math.nan}])
def test_a_cell_that_is_not_at_rest_compares_nothing(warm):
    assert refer(reading(**warm), RubyReduction(axis="neon", thermocouples="compared at rest")).compared is None


@pytest.mark.parametrize(
    "chip",
    [
        {"wavelength_nm": 694.312, "sigma_nm": 0.001, "ambient_wavelength_nm": 694.282},  # on an axis 0.012 nm off
        {"wavelength_nm": 694.30, "sigma_nm": 0.001},  # on an axis that was corrected
    ],
)
def test_the_chip_in_the_cell_read_before_loading_is_the_reference_and_scatters_no_more(chip):
    ruby = RubyReduction(axis="neon", chip=RubyChip(**chip))
    gauge = refer(reading(off_nm=0.04), ruby).gauge(ruby)
    known = pressure(gauge, 5.0, off_nm=0.04, chip_nm=694.30)
    anyone = RubyReduction(axis="neon")
    unknown = pressure(refer(reading(off_nm=0.04), anyone).gauge(anyone), 5.0, off_nm=0.04, chip_nm=694.30)
    assert known.gpa == pytest.approx(5.0, abs=0.006)
    assert known.chip_to_chip_gpa == 0.0
    assert unknown.gpa - known.gpa == pytest.approx(0.082, abs=0.01)
    assert unknown.chip_to_chip_gpa == pytest.approx(0.083, abs=0.005)


@pytest.mark.parametrize(
    ("content", "needs"),
    [
        ({"thermocouples": "compared at rest"}, "axis"),
        ({"axis": "ambient", "chip": {"wavelength_nm": 694.3, "sigma_nm": 0.001}}, "ambient_wavelength_nm"),
    ],
)
def test_choices_that_nothing_on_record_supports_are_refused(content, needs):
    with pytest.raises(ProfileError, match=needs):
        validate(content, RubyReduction, source="recipe")
