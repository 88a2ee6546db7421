import pytest
from worlds.stepped_world import changed, shipped_settings

from lics_beamline.control.cell_model import Grip
from lics_beamline.control.exposure import DoseExposure, Exposure
from lics_beamline.control.forecast import forecast
from lics_beamline.control.path import HeatingLeg, HoldLeg, Point, PressureLeg

SETTINGS = shipped_settings(
    membrane={"slew_bar_per_s": 1 / 60, "dwell_s": 90.0},
    heater={"dwell_s": 120.0, "ambient_k": 298.0},
    ruby={"acquire_time_s": 2.0, "accumulations": 1},
    plate={"read_s": 75.0, "erase_s": 45.0, "swap_s": 15.0, "overlapped": False},
    approach={"wait_s": 0.0, "tolerance_gpa": 0.03, "step_fraction": 0.7, "largest_step_bar": 6.0},
    cell_model={
        "start_gpa": 0.1,
        "free_travel_bar": 6.0,
        "gain_gpa_per_bar": 0.2,
        "ceiling_gpa": 40.0,
        "friction_bar": 3.0,
        "friction_per_bar": 0.06,
        "friction_relief_per_k": 0.00125,
        "thermal_gpa_per_k": 0.007,
        "thermal_full_gpa": 2.0,
        "gain_doubt": 0.3,
        "friction_doubt": 0.4,
        "thermal_doubt": 0.35,
    },
)
CELL = SETTINGS.cell_model
HEAT = HeatingLeg(kind="heating", name="h", temperatures_k=(498.0,), ramp_rate_k_per_min=5.0, soak_s=300.0)


def going(stroke, *pressures, temperature_k=298.0):
    leg = PressureLeg(
        kind="pressure", name=stroke, stroke=stroke, temperature_k=temperature_k, pressures_gpa=tuple(pressures)
    )
    return [Point(index=i, leg=leg, pressure_gpa=p, temperature_k=temperature_k) for i, p in enumerate(pressures)]


def heated(to_k=498.0):
    return [Point(index=0, leg=HEAT, pressure_gpa=float("nan"), temperature_k=to_k)]


def walked(points, *, settings=SETTINGS):
    return forecast(points, settings=settings, exposure=Exposure(time_s=60.0))


def other_cell(**values):
    return changed(SETTINGS, cell_model=values)


def test_a_longer_way_takes_longer_and_a_slower_gas_takes_longer_still():
    near, far = (walked(going("upstroke", 0.5, to)).arrivals[1].duration_s for to in (1.0, 6.0))
    assert far > near
    slow = changed(SETTINGS, membrane={"slew_bar_per_s": 1 / 600})
    assert walked(going("upstroke", 0.5, 6.0), settings=slow).arrivals[1].duration_s > 2 * far


def test_a_heating_point_takes_its_ramp_dwell_soak_exposure_and_plate():
    assert walked(heated()).duration_s == pytest.approx(200 / 5 * 60 + 120 + 300 + 2 + 60 + 90)


def test_the_load_of_a_pressure_is_the_transmitted_load_and_half_the_dead_band():
    """By hand: 40 (1 - exp(-0.2 d/40)) = 4.9 GPa gives d = 26.13 bar, u = 32.13, r = 3 + 0.06 u = 4.93 bar."""
    (arrival,) = walked(going("upstroke", 5.0)).arrivals
    assert arrival.at.pressure_gpa == pytest.approx(5.0)
    assert arrival.at.load_bar == pytest.approx(32.13 + 4.93, abs=0.02)


def test_the_way_down_begins_with_the_dead_band_and_needs_less_gas():
    track = walked(going("upstroke", 5.0) + going("downstroke", 4.5))
    up, down = track.arrivals
    assert down.lost_bar == pytest.approx(4.93 + 4.76, abs=0.02)  # the halves at 5 and at 4.5 GPa
    assert up.lost_bar < down.lost_bar
    assert down.at.load_bar < up.at.load_bar - down.lost_bar
    assert down.at.pressure_gpa == pytest.approx(4.5)


def test_heating_at_constant_load_raises_the_pressure_as_in_the_paper():
    """8 -> 9.6 GPa over 200 K, Desgreniers et al. 2015; the prior of the profile was chosen from it."""
    track = walked(going("upstroke", 8.0) + heated())
    cold, hot = track.arrivals
    assert hot.at.load_bar == cold.at.load_bar
    assert hot.at.pressure_gpa == pytest.approx(9.6, abs=0.1)


def isobar(pressure_gpa, *temperatures):
    leg = HeatingLeg(
        kind="heating",
        name="i",
        hold="pressure",
        pressure_gpa=pressure_gpa,
        temperatures_k=temperatures,
        ramp_rate_k_per_min=5.0,
    )
    return [Point(index=i, leg=leg, pressure_gpa=pressure_gpa, temperature_k=t) for i, t in enumerate(temperatures)]


def test_an_isobar_lets_out_the_dead_band_first_and_then_what_heat_adds():
    """By hand: u = 32.13 bar carries 5 GPa at 298 K, so r = 4.93 bar; 5 - 1.4 GPa are carried by 24.31 bar at 498 K."""
    track = walked(going("upstroke", 5.0) + isobar(5.0, 398.0, 498.0))
    up, warm, hot = track.arrivals
    assert warm.lost_bar == pytest.approx(2 * 4.93, abs=0.02)
    assert hot.lost_bar == pytest.approx(0.0, abs=1e-9)
    assert hot.at.load_bar == pytest.approx(24.31 - 0.75 * (3.0 + 0.06 * 24.31), abs=0.02)
    assert hot.at.pressure_gpa == pytest.approx(5.0, abs=1e-6)
    crossing = [m for m in track.moments if m.temperature_k == 298.0 and m.time_s > up.at.time_s]
    assert all(m.pressure_gpa == pytest.approx(5.0, abs=1e-6) for m in crossing)
    assert crossing[-1].load_bar == pytest.approx(32.13 - 4.93, abs=0.02)
    assert warm.duration_s > 9.8 / SETTINGS.membrane.slew_bar_per_s + 100 / 5 * 60


def test_an_isobar_without_gas_to_let_out_is_short():
    *_, hot = walked(going("upstroke", 1.0) + isobar(1.0, 498.0), settings=other_cell(friction_bar=12.0)).arrivals
    assert hot.at.load_bar == 0.0
    assert hot.short_gpa > 0.1


def test_friction_alone_lets_pressure_rise_on_heating_after_an_upstroke_only():
    """A released grip follows the gas: up after loading, not before the dead band of the way down is used up."""
    no_thermal = other_cell(thermal_gpa_per_k=0.0)
    up = walked(going("upstroke", 8.0) + heated(), settings=no_thermal).arrivals[-1].at.pressure_gpa
    down = (
        walked(going("upstroke", 8.0) + going("downstroke", 6.0) + heated(), settings=no_thermal)
        .arrivals[-1]
        .at.pressure_gpa
    )
    assert up > 8.15
    assert down < 6.0


def test_the_doubt_is_in_the_load_on_a_pressure_leg_and_in_the_pressure_on_a_heating_leg():
    cold, hot = walked(going("upstroke", 8.0) + heated()).arrivals
    assert cold.at.pressure_sigma_gpa == pytest.approx(0.0, abs=1e-9)
    assert cold.at.load_sigma_bar > 10.0
    assert 0.4 < hot.at.pressure_sigma_gpa < 0.6  # 0.35 of 1.4 GPa


def test_less_doubt_about_the_cell_is_less_doubt_in_the_forecast():
    sure = other_cell(gain_doubt=0.03, friction_doubt=0.04, thermal_doubt=0.035)
    points = going("upstroke", 8.0) + heated()
    vague, narrow = (walked(points, settings=settings).arrivals[-1].at for settings in (SETTINGS, sure))
    assert narrow.pressure_sigma_gpa < vague.pressure_sigma_gpa / 5
    assert narrow.load_sigma_bar < vague.load_sigma_bar / 5


def test_a_point_behind_the_cell_is_passed_and_moves_no_gas():
    first, second = walked(going("upstroke", 5.0) + going("upstroke", 4.0)).arrivals
    assert second.passed_gpa == pytest.approx(1.0)
    assert second.at.load_bar == first.at.load_bar


def test_a_pressure_that_no_load_gives_is_short():
    *_, last = walked(going("upstroke", 4.0) + going("downstroke", 0.05)).arrivals
    assert last.short_gpa == pytest.approx(0.05, abs=0.01)
    (above,) = walked(going("upstroke", 50.0)).arrivals
    assert above.short_gpa > 10.0


def test_moments_rise_in_time_and_end_with_the_sweep():
    track = walked(going("upstroke", 1.0, 5.0) + heated())
    times = [moment.time_s for moment in track.moments]
    assert times == sorted(times)
    assert times[-1] == pytest.approx(track.duration_s)


def test_transmitted_load_and_pressure_are_inverse():
    for temperature_k in (298.0, 398.0, 498.0):
        for pressure_gpa in (0.5, 1.9, 2.6, 5.0, 9.6):
            load_bar = CELL.transmitted_bar(pressure_gpa, temperature_k)
            assert CELL.pressure_gpa(load_bar, temperature_k) == pytest.approx(pressure_gpa)


def test_the_grip_holds_inside_the_dead_band_and_follows_at_its_edge():
    grip = Grip(gas_bar=40.0, transmitted_bar=34.0, temperature_k=298.0)
    half_bar = CELL.dead_band_bar(grip) / 2
    assert CELL.moved(grip, gas_bar=34.0 + half_bar - 0.1, temperature_k=298.0).transmitted_bar == 34.0
    assert CELL.moved(grip, gas_bar=34.0 - half_bar + 0.1, temperature_k=298.0).transmitted_bar == 34.0
    assert CELL.moved(grip, gas_bar=34.0 + half_bar + 1.0, temperature_k=298.0).transmitted_bar > 34.5
    assert CELL.moved(grip, gas_bar=34.0 - half_bar - 1.0, temperature_k=298.0).transmitted_bar < 33.5


def held(count):
    leg = HoldLeg(kind="hold", name="held", temperature_k=298.0, count=count)
    return [Point(index=index, leg=leg, pressure_gpa=float("nan"), temperature_k=298.0) for index in range(count)]


def test_two_plates_expose_at_least_1_4_times_as_much_of_the_time_as_one_where_exposure_equals_read_and_erase():
    def duration_s(*, overlapped):
        settings = changed(SETTINGS, plate={"overlapped": overlapped})
        return forecast(held(10), settings=settings, exposure=Exposure(time_s=75.0 + 45.0)).duration_s

    assert duration_s(overlapped=False) >= 1.4 * duration_s(overlapped=True)


def test_exposures_by_dose_are_forecast_with_a_look_a_leg_or_a_point():
    def duration_s(**dose):
        exposure = Exposure(dose=DoseExposure(strongest_counts=100.0, shortest_s=60.0, longest_s=240.0, **dose))
        return forecast(held(10), settings=SETTINGS, exposure=exposure).duration_s

    fixed = forecast(held(10), settings=SETTINGS, exposure=Exposure(time_s=120.0)).duration_s
    look_s = 20.0 + 15.0 + 75.0
    waiting_s = 45.0  # a plate that was waited for is erased while the other is looked at; a look is waited for alike
    assert duration_s(look_s=20.0, each="leg") - fixed == pytest.approx(look_s, abs=waiting_s)
    assert duration_s(look_s=20.0, each="point") - fixed >= 10 * look_s


def test_a_short_exposure_waits_for_the_reader_and_a_long_one_does_not():
    plates = SETTINGS.plate
    assert plates.swapped_s(100.0, last_swap_s=70.0) == 70.0 + 75.0 + 45.0 + 15.0
    assert plates.swapped_s(300.0, last_swap_s=70.0) == 315.0
