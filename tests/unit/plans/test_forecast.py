import pytest

from lics_beamline.plans.approach import Rules
from lics_beamline.plans.forecast import Pace, forecast
from lics_beamline.plans.path import HeatingLeg, Point, PressureLeg

RULES = Rules(
    tolerance_gpa=0.03,
    step_fraction=0.7,
    gain_gpa_per_bar=0.2,
    gain_range=(0.3, 3.0),
    smallest_step_bar=0.1,
    largest_step_bar=6.0,
    most_readings=60,
)
PACE = Pace(slew_bar_per_s=1 / 60, wait_s=90.0, ruby_s=2.0, ramp_dwell_s=120.0, plate_s=90.0, ambient_k=298.0)


def points(*pressures):
    leg = PressureLeg(
        kind="pressure", name="up", stroke="upstroke", temperature_k=298.0, pressures_gpa=tuple(pressures)
    )
    return [Point(index=i, leg=leg, pressure_gpa=p, temperature_k=298.0) for i, p in enumerate(pressures)]


def test_a_longer_way_takes_longer_and_a_slower_gas_takes_longer_still():
    near, far = (forecast(points(0.5, to), rules=RULES, pace=PACE, exposure_s=60.0)[1] for to in (1.0, 6.0))
    assert far > near
    slow = Pace(slew_bar_per_s=1 / 600, wait_s=90.0, ruby_s=2.0, ramp_dwell_s=120.0, plate_s=90.0, ambient_k=298.0)
    assert forecast(points(0.5, 6.0), rules=RULES, pace=slow, exposure_s=60.0)[1] > 2 * far


def test_a_heating_point_takes_its_ramp_dwell_soak_exposure_and_plate():
    leg = HeatingLeg(kind="heating", name="h", temperatures_k=(498.0,), ramp_rate_k_per_min=5.0, soak_s=300.0)
    point = Point(index=0, leg=leg, pressure_gpa=float("nan"), temperature_k=498.0)
    (seconds,) = forecast([point], rules=RULES, pace=PACE, exposure_s=60.0)
    assert seconds == pytest.approx(200 / 5 * 60 + 120 + 300 + 2 + 60 + 90)
