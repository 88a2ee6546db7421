import peritheos
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_beamline.errors import OutsideCalibration
from lics_beamline.physics.equation_of_state import EquationOfState


@pytest.mark.parametrize(
    ("record", "form", "gpa"),
    [
        ("alumina_dewaele_2013_vinet_1", "vinet", (1.0, 20.0, 100.0)),
        ("alpha_quartz_angel_1997_bm3_1", "birch-murnaghan-3", (0.5, 3.0, 8.9)),
    ],
)
def test_both_forms_agree_with_an_independent_program_on_published_records(record, form, gpa):
    other = peritheos.get_eos_record(record).eos
    ours = EquationOfState(
        volume0_angstrom3=other.V0, bulk_modulus_gpa=other.K0, bulk_modulus_slope=other.K0_prime, form=form
    )
    for pressure in gpa:
        volume = float(other.volume(pressure))
        assert ours.pressure_gpa(volume, 298.0) == pytest.approx(pressure, abs=1e-6)
        assert ours.volume_angstrom3(pressure, 298.0) == pytest.approx(volume, rel=1e-8)


@pytest.mark.parametrize(("gpa", "edge_angstrom"), [(0.12, 6.014), (1.0, 5.514), (1.9, 5.246), (2.4, 5.136)])
def test_caesium_has_the_edges_tabulated_for_its_isotherm(gpa, edge_angstrom):
    caesium = EquationOfState(volume0_angstrom3=231.6, bulk_modulus_gpa=1.70, bulk_modulus_slope=3.85)
    assert caesium.volume_angstrom3(gpa, 298.0) ** (1 / 3) == pytest.approx(edge_angstrom, abs=6e-4)


@pytest.mark.parametrize(("gpa", "edge_angstrom"), [(0.12, 3.495), (1.0, 3.419), (3.0, 3.293), (8.0, 3.096)])
def test_lithium_has_the_edges_tabulated_for_its_isotherm(gpa, edge_angstrom):
    lithium = EquationOfState(
        volume0_angstrom3=43.12, bulk_modulus_gpa=11.57, bulk_modulus_slope=3.4, form="birch-murnaghan-3"
    )
    assert lithium.volume_angstrom3(gpa, 298.0) ** (1 / 3) == pytest.approx(edge_angstrom, abs=6e-4)


@pytest.mark.parametrize("form", ["vinet", "birch-murnaghan-3"])
def test_bulk_modulus_and_its_slope_are_what_they_are_called(form):
    state = EquationOfState(volume0_angstrom3=40.0, bulk_modulus_gpa=50.0, bulk_modulus_slope=4.5, form=form)

    def modulus(volume):
        step = 1e-4 * volume
        rise = state.pressure_gpa(volume - step, 298.0) - state.pressure_gpa(volume + step, 298.0)
        return volume * rise / (2 * step)

    assert modulus(40.0) == pytest.approx(50.0, rel=1e-5)
    volume = state.volume_angstrom3(0.5, 298.0)
    assert (modulus(volume) - 50.0) / 0.5 == pytest.approx(4.5, rel=0.02)


@given(
    gpa=st.floats(-0.5, 30.0),
    temperature_k=st.floats(250.0, 600.0),
    form=st.sampled_from(["vinet", "birch-murnaghan-3"]),
)
def test_a_volume_gives_back_its_pressure(gpa, temperature_k, form):
    state = EquationOfState(
        volume0_angstrom3=49.0,
        bulk_modulus_gpa=40.0,
        bulk_modulus_slope=4.0,
        thermal_pressure_gpa_per_k=8e-3,
        form=form,
    )
    volume = state.volume_angstrom3(gpa, temperature_k)
    assert state.pressure_gpa(volume, temperature_k) == pytest.approx(gpa, abs=1e-8)


def test_thermal_pressure_over_bulk_modulus_is_the_expansion():
    state = EquationOfState(
        volume0_angstrom3=60.0, bulk_modulus_gpa=50.0, bulk_modulus_slope=4.0, thermal_pressure_gpa_per_k=2e-3
    )
    expansion = (state.volume_angstrom3(0.0, 299.0) / 60.0 - 1.0) / 1.0
    assert expansion == pytest.approx(2e-3 / 50.0, rel=1e-3)


def test_a_pressure_that_no_volume_gives_is_refused():
    state = EquationOfState(volume0_angstrom3=231.6, bulk_modulus_gpa=1.7, bulk_modulus_slope=3.85)
    with pytest.raises(OutsideCalibration, match="V/V0"):
        state.volume_angstrom3(500.0, 298.0)
