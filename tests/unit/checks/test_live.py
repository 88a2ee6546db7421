"""Rules about the beamline, on read-backs made up: a healthy beamline trips none, each fault its own rule."""

import dataclasses
from functools import cache

import pytest

from lics_beamline.checks import connection, live
from lics_beamline.checks.finding import findings
from lics_beamline.checks.judgement import case_of
from lics_beamline.checks.readings import BeamlineReadings, JudgedSpectrum, WatchdogReading
from lics_beamline.control.exposure import DoseExposure, Exposure
from lics_beamline.devices.beamline import Report
from lics_beamline.experiment import read_experiment
from lics_beamline.profile import WatchdogSettings, read_profile
from lics_beamline.reduction.recipe import read_recipe

LINE = JudgedSpectrum(r1_nm=694.25, r1_sigma_nm=0.002, height_counts=20000.0, background_counts=500.0)
REPORT = Report(alive=("A", "B"), dead=(), not_connected=(), wrong_units=(), missing_limits=())


@cache
def healthy():
    profile = read_profile("simulated")
    case = case_of(read_experiment(profile.experiments / "lics-2015.toml"), profile, read_recipe(profile.recipe_file))
    return BeamlineReadings(
        case=case,
        clock_speed=300.0,
        clock_silent_s=0.02,
        load_bar=0.0,
        supply_bar=120.0,
        effort_percent=0.0,
        membrane_error="No error",
        membrane_control="Off",
        lease="",
        slew_limits_bar_per_s=(0.0005, 0.05),
        membrane_unsafe=(),
        heater_unsafe=(),
        beam_unsafe=(),
        heater_k=298.2,
        heater_auto="Auto",
        contactor="Closed",
        gasket_k=298.1,
        cell_k=298.0,
        membrane_k=297.9,
        ambient_k=297.8,
        thermocouple_types=("K", "K", "K", "K"),
        ruby=LINE,
        ruby_axis_nm=(685.0, 715.0),
        laser="Off",
        ring_current_ma=99.5,
        energy_kev=29.9674,
        attenuator=0,
        detector_state="Idle",
        plate_states=("Ready", "Ready"),
        scan_resolution_um="100",
        exposure_limits_s=(1.0, 36000.0),
        oscillation_limits_deg=(0.0, 20.0),
        watchdog=WatchdogReading(state="Off", timeout_s=10.0),
    )


TRIPS = [
    ("no instrument is in alarm", "refused", {"silent": ("PC1:Pressure_RBV is INVALID",), "alarms": "PC1: INVALID"}),
    ("no instrument is in alarm", "warning", {"alarms": "PC1:Effort_RBV MINOR"}),
    ("clock goes as the profile says", "refused", {"clock_silent_s": 20.0}),
    ("clock goes as the profile says", "warning", {"clock_speed": 60.0}),
    ("supply suffices for the highest load", "refused", {"supply_bar": 60.0}),
    ("supply suffices for the highest load", "warning", {"supply_bar": 90.0}),
    ("supply suffices for the highest load", "warning", {"supply_bar": float("nan")}),
    ("nobody else holds the membrane", "refused", {"lease": "somebody:1234"}),
    ("membrane reports no error", "refused", {"membrane_error": "Overrange"}),
    ("gas is held without effort", "warning", {"effort_percent": 99.0}),
    ("cell holds as much gas as the path begins with", "warning", {"load_bar": 40.0}),
    ("slew is one the controller accepts", "refused", {"slew_limits_bar_per_s": (0.0, 0.01)}),
    ("thermocouples can be believed", "refused", {"gasket_k": -9999.0 + 273.15}),
    ("thermocouples are of the declared type", "refused", {"thermocouple_types": ("K", "J", "K", "K")}),
    ("gasket and heater agree", "warning", {"heater_k": 310.0}),
    ("gasket and heater agree", "warning", {"heater_k": float("nan")}),
    ("room is at the ambient of the profile", "warning", {"ambient_k": 310.0}),
    ("cell is at the temperature the path begins with", "refused", {"gasket_k": 340.0}),
    ("contactor of the heater is closed", "refused", {"contactor": "Open"}),
    ("gas is held without effort", "warning", {"effort_percent": float("nan")}),
    ("gas is held without effort", "warning", {"membrane_unsafe": ("membrane control does not answer (safe: Off)",)}),
    ("heater is in automatic", "warning", {"heater_auto": "Manual"}),
    ("heater is down", "warning", {"heater_unsafe": ("heater output is 3.00 % (safe: up to 0.50 %)",)}),
    ("ruby spectrum can be believed", "refused", {"ruby": JudgedSpectrum(trouble="dark: 12 counts")}),
    (
        "ruby spectrum can be believed",
        "warning",
        {"ruby": dataclasses.replace(LINE, height_counts=100.0, background_counts=900.0)},
    ),
    ("ruby line stays on the spectrometer", "refused", {"ruby_axis_nm": (690.0, 698.0)}),
    ("laser is off", "warning", {"laser": "On"}),
    ("beam shutter is closed", "warning", {"beam_unsafe": ("beam shutter is Open (safe: Closed)",)}),
    ("there is beam", "warning", {"ring_current_ma": 0.0}),
    ("attenuator is out", "warning", {"attenuator": 2}),
    ("beam has the wavelength of the geometry", "refused", {"energy_kev": 25.0}),
    ("beam has the wavelength of the geometry", "warning", {"energy_kev": 29.9800}),
    ("detector is idle", "refused", {"detector_state": "Error"}),
    ("detector is idle", "warning", {"detector_state": "Scanning"}),
    ("plates are ready", "warning", {"plate_states": ("Ready", "Exposed")}),
    ("plates are scanned with the pixels of the geometry", "refused", {"scan_resolution_um": "50"}),
    ("exposure is one the detector accepts", "refused", {"exposure_limits_s": (1.0, 60.0)}),
    ("oscillation is one the stage accepts", "refused", {"oscillation_limits_deg": (0.0, 2.0)}),
    (
        "somebody makes safe when nobody lives",
        "refused",
        {"watchdog": WatchdogReading(state="Tripped", timeout_s=10.0, says="the watchdog tripped at noon.")},
    ),
    ("somebody makes safe when nobody lives", "refused", {"watchdog": WatchdogReading(state="None", timeout_s=10.0)}),
    ("somebody makes safe when nobody lives", "warning", {"watchdog": WatchdogReading(state="Off", timeout_s=60.0)}),
    (
        "somebody makes safe when nobody lives",
        "warning",
        {"watchdog": WatchdogReading(state="Off", timeout_s=float("nan"))},
    ),
]


@pytest.mark.parametrize(("rule", "verdict", "reads"), TRIPS, ids=[f"{rule}: {verdict}" for rule, verdict, _ in TRIPS])
def test_a_beamline_in_the_wrong_state_trips_the_rule_of_that_state(rule, verdict, reads):
    said = findings("beamline", live.RULES, dataclasses.replace(healthy(), **reads))
    (finding,) = (each for each in said if each.rule == rule)
    assert finding.verdict == verdict, finding.says
    assert finding.remedy


@pytest.mark.parametrize(
    ("limits_s", "verdict"), [((1.0, 3600.0), "ok"), ((25.0, 3600.0), "refused"), ((1.0, 900.0), "refused")]
)
def test_an_exposure_by_dose_is_accepted_only_where_its_look_and_its_longest_are(limits_s, verdict):
    case = healthy().case
    dose = Exposure(dose=DoseExposure(strongest_counts=100.0, look_s=20.0, longest_s=1800.0))
    by_dose = dataclasses.replace(case, experiment=case.experiment.model_copy(update={"exposure": dose}))
    said = findings("beamline", live.RULES, dataclasses.replace(healthy(), case=by_dose, exposure_limits_s=limits_s))
    (finding,) = (each for each in said if each.rule == "exposure is one the detector accepts")
    assert finding.verdict == verdict, finding.says


def test_a_healthy_beamline_trips_no_rule():
    said = findings("beamline", live.RULES, healthy())
    assert not [finding.says for finding in said if finding.verdict != "ok"]


def test_every_rule_about_the_beamline_has_a_case_that_trips_it():
    assert {rule.__name__.replace("_", " ") for rule in live.RULES} == {rule for rule, _, _ in TRIPS}


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ("every pv answers", {"dead": ("SIM:LICS:PC1:Setpoint",)}),
        ("units are as declared", {"wrong_units": ("PC1:Pressure_RBV says psi",)}),
        ("everything that moves has limits", {"missing_limits": ("membrane load has no limits",)}),
    ],
)
def test_what_connecting_found_is_refused(rule, found):
    said = findings("connection", connection.RULES, dataclasses.replace(REPORT, **found))
    assert {finding.rule for finding in said if finding.verdict == "refused"} == {rule}


def test_a_hot_cell_may_begin_with_a_heating_leg_from_below_its_first_temperature():
    case = healthy().case
    heating = case.experiment.model_copy(update={"legs": case.experiment.legs[2:3]})
    cold = dataclasses.replace(healthy(), case=dataclasses.replace(case, experiment=heating))
    (finding,) = (
        each
        for each in findings("beamline", live.RULES, cold)
        if each.rule == "cell is at the temperature the path begins with"
    )
    assert finding.verdict == "ok"


@pytest.mark.parametrize(("kind", "verdict"), [("none", "warning"), ("controller", "ok")])
def test_a_beamline_without_a_watchdog_says_by_whose_word_it_is_made_safe(kind, verdict):
    case = healthy().case
    values = case.profile.values.model_copy(update={"watchdog": WatchdogSettings(kind=kind, reason="COMMS-WD of 8 s")})
    case = dataclasses.replace(case, profile=dataclasses.replace(case.profile, values=values))
    judged = live.somebody_makes_safe_when_nobody_lives(dataclasses.replace(healthy(), case=case, watchdog=None))
    assert judged.verdict == verdict
    assert "COMMS-WD of 8 s" in judged.found
