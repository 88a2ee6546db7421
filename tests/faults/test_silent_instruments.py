"""A plan meets an instrument without value: it is held, goes on when there is one again, and records no old one."""

import threading
import uuid

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
import pytest
from looking import pace

from lics_beamline import schema
from lics_beamline.control.heating import prior_of
from lics_beamline.control.path import HeatingLeg, Point, PressureLeg
from lics_beamline.data_folder import DataFolder
from lics_beamline.devices.alarm import is_believable, silences
from lics_beamline.devices.reconnection import Reconnections
from lics_beamline.errors import NotConnected
from lics_beamline.plans.approach import approach
from lics_beamline.plans.heating import heat
from lics_beamline.plans.measure import Notes, measure
from lics_beamline.plans.pausing import Pausing
from lics_beamline.plans.plates import Plates
from lics_beamline.plans.reference import leg_reference
from lics_beamline.plans.silence import Silence, answered
from lics_beamline.plans.walk import arm
from lics_beamline.profile import read_profile
from lics_beamline.reduction.recipe import read_recipe
from lics_beamline.session.requests import RequestFiles

from .test_heater_and_ruby_faults import events

PROFILE = read_profile("simulated")
INSTRUMENTS = ("membrane", "heater", "thermocouples", "ruby", "plate", "beam")


def first(*cases):
    """Parameters of which the first stands for all wherever time is short."""
    return [
        cases[0],
        *(pytest.param(*((case,) if isinstance(case, str) else case), marks=pytest.mark.long) for case in cases[1:]),
    ]


@pytest.fixture
def gauge():
    return read_recipe(PROFILE.recipe_file).ruby.gauge()


@pytest.fixture
def held(rig, engine, tmp_path):
    """Carries out a plan that is held while an instrument gives no value, and ends after a patience."""

    def carry_out(plan, *, patience_s=60.0):
        requests = RequestFiles(DataFolder(tmp_path).make())
        silence = Silence(rig.beamline, patience_s=patience_s)
        try:
            with requests.open():
                pausing = Pausing(rig.beamline, requests, hinders=silence)
                engine(bpp.run_wrapper(pausing.pausable(plan)))
        finally:
            silence.close()

    return carry_out


def fails_when(rig, signal, holds, fault):
    """Begin a fault once a monitored value says so."""
    begun = threading.Event()

    def look(value, **_):
        if holds(value) and not begun.is_set():
            begun.set()
            threading.Thread(target=rig.fail, args=(fault,)).start()

    signal.subscribe(look, run=False)
    return begun


def upward(gpa):
    leg = PressureLeg(kind="pressure", name="up", stroke="upstroke", temperature_k=298.0, pressures_gpa=(gpa,))
    return Point(index=0, leg=leg, pressure_gpa=gpa, temperature_k=298.0)


def to_pressure(rig, gauge, gpa, notes):
    yield from arm(rig.beamline, PROFILE.values.membrane)
    yield from approach(rig.beamline, upward(gpa), gauge=gauge, settings=PROFILE.values, notes=notes)


@pytest.mark.parametrize("name", first(*INSTRUMENTS))
def test_on_a_leg_the_sweep_is_held_while_an_instrument_gives_no_value_and_goes_on_after(
    rig, engine, documents, held, gauge, name
):
    load_bar = rig.beamline.membrane.load_bar
    before_bar = float(load_bar.get(use_monitor=False))
    begun = fails_when(rig, load_bar, lambda bar: bar > before_bar + 0.3, f"{name}_line_lost:120")
    held(to_pressure(rig, gauge, 1.0 + 0.3 * INSTRUMENTS.index(name), Notes()))
    assert begun.is_set()
    holds = [event["data"] for event in events(documents, schema.HOLDS)]
    assert [hold["hold_did"] for hold in holds] == ["held", "continued"]
    assert "is INVALID" in holds[0]["hold_why"]


def exposed(rig, gauge, notes, folder):
    """Measure one point, and read its plate."""
    plates = Plates(rig.beamline, readout=notes.readout, failure=notes.failure, folder=folder, overlapped=True)
    yield from plates.open_folder()
    yield from measure(
        rig.beamline,
        upward(1.0),
        gauge=gauge,
        notes=notes,
        arrived_s=0.0,
        exposure_s=60.0,
        plates=plates,
        beam=PROFILE.values.beam,
    )
    yield from plates.finish()


@pytest.mark.parametrize(
    ("state", "fault"),
    [
        *first(
            *(
                ("Exposing", f"{name}_line_lost:120")
                for name in ("heater", "membrane", "thermocouples", "ruby", "plate", "beam")
            )
        ),
        *first(("Scanning", "plate_line_lost:60"), ("Scanning", "thermocouples_line_lost:60")),
    ],
)
def test_in_an_exposure_and_a_readout_the_point_is_measured_once_and_no_old_value_recorded(
    rig, engine, documents, held, gauge, state, fault
):
    values = []
    begun = fails_when(rig, rig.beamline.plate.state, lambda said: said == state, fault)
    held(exposed(rig, gauge, Notes(), uuid.uuid4().hex[:8]))
    assert begun.is_set()
    (primary,) = events(documents, schema.PRIMARY)
    (readout,) = events(documents, schema.READOUT)
    assert readout["data"]["exposure_uid"] == primary["data"]["exposure_uid"]
    for failure in events(documents, schema.FAILURE):
        values.append(failure["data"]["reason"])
        assert "exposure failed by the instrument: " in failure["data"]["reason"]
    if fault.startswith("heater"):
        assert len(values) == 1
        assert f"{rig.prefix}ET1:" in values[0]


@pytest.mark.parametrize("name", first("heater", "thermocouples", "ruby"))
def test_on_a_heating_leg_the_ramp_is_held_while_an_instrument_gives_no_value_and_goes_on_after(
    rig, engine, documents, held, gauge, name
):
    leg = HeatingLeg(
        kind="heating", name="warm", hold="load", temperatures_k=(330.0,), ramp_rate_k_per_min=10.0, soak_s=75.0
    )
    point = Point(index=0, leg=leg, pressure_gpa=float("nan"), temperature_k=330.0)

    def warm():
        yield from arm(rig.beamline, PROFILE.values.membrane)
        settings = PROFILE.values
        yield from heat(
            rig.beamline, point, leg, gauge=gauge, settings=settings, prior=prior_of(settings, None), notes=Notes()
        )

    begun = fails_when(rig, rig.beamline.heater.temperature_k, lambda kelvin: kelvin > 305.0, f"{name}_line_lost:120")
    held(warm())
    assert begun.is_set()
    holds = [event["data"] for event in events(documents, schema.HOLDS)]
    assert [hold["hold_did"] for hold in holds] == ["held", "continued"]
    assert float(rig.beamline.heater.temperature_k.get()) == pytest.approx(330.0, abs=2.0)
    rig.beamline.heater.make_safe().wait()
    rig.put("ET1:OutputHigh", 100.0)


def test_the_reference_of_a_leg_waits_for_an_instrument_without_value_and_records_no_old_one(rig, engine):
    recipe = read_recipe(PROFILE.recipe_file)
    described, silent = {}, []

    def look(name, doc):
        if name == "descriptor":
            described[doc["uid"]] = doc["name"]
        elif name == "event" and described[doc["descriptor"]] == schema.REFERENCE:
            silent.append(silences([rig.beamline.thermocouples]))

    lost = threading.Event()

    def away(value, **_):
        if str(value) == "On" and not lost.is_set():
            lost.set()
            threading.Thread(target=rig.fail, args=("thermocouples_line_lost:300",)).start()

    token = engine.subscribe(look)
    rig.beamline.ruby.laser_readback.subscribe(away, run=False)
    try:
        engine(
            bpp.run_wrapper(
                leg_reference(
                    rig.beamline,
                    upward(1.0),
                    ruby=recipe.ruby,
                    notes=Notes().reference,
                    settings=PROFILE.values.ruby,
                    first=None,
                )
            )
        )
    finally:
        engine.unsubscribe(token)
    assert lost.is_set()
    assert silent == [()], "one reading, of instruments that answer"


def test_a_sweep_whose_instrument_stays_without_value_ends_after_its_patience_and_names_the_pv(rig, held, gauge):
    def wait():
        rig.fail("beam_line_lost:1e6")
        yield from bps.sleep(0.5)
        yield from answered(rig.beamline)

    with pytest.raises(NotConnected, match=r"BEAM:I0_RBV is INVALID.*: since 2 s of wall clock \(patience 1\.5 s\)"):
        held(wait(), patience_s=1.5)


def test_another_unit_and_other_limits_after_a_restart_are_noticed(rig):
    membrane = rig.beamline.membrane
    reconnections = Reconnections([membrane])
    assert not reconnections.findings()
    rig.fail("membrane_ioc_restart:1e6")
    while membrane.load_bar.connected:
        pace()
    rig.fail("wrong_egu")
    rig.fail("clear:membrane_ioc_restart")
    unit = "PC1:Pressure_RBV says its unit is 'psi'; the profile declares 'bar'"
    limits = "PC1:Setpoint came back with limits 0 to 2175.57; they were 0 to 150"
    while not all(
        each in "; ".join(reconnections.findings()) for each in (unit, limits)
    ):  # one by one, as it comes back
        pace()
    assert reconnections.findings(), "asked anew while it is so"
    rig.fail("clear")
    while reconnections.findings():
        pace()
    assert membrane.setpoint_bar.limits == pytest.approx((0.0, 150.0))
    reconnections.close()


def test_a_detector_that_forgot_its_folder_in_a_restart_is_told_again_and_counts_on(rig):
    frame = rig.beamline.frame
    folder = f"plates/{uuid.uuid4().hex[:8]}"
    frame.open_folder(folder)
    told = frame.file_path.get(use_monitor=False)
    assert frame.expect().number == 0
    (frame.data_root / folder / "000003.osc").touch()
    reconnections = Reconnections([frame])
    rig.fail("plate_ioc_restart:1e6")
    while frame.state.connected:
        pace()
    rig.fail("clear:plate_ioc_restart")
    while not is_believable(frame.state):
        pace()
    rig.put("RAXIS:cam1:AutoIncrement", "No")  # as a database begins that nobody has told anything
    rig.put("RAXIS:cam1:FileNumber", 0)
    assert reconnections.findings() == ()
    assert frame.file_path.get(use_monitor=False) == told
    assert frame.auto_increment.get(use_monitor=False) == "Yes"
    assert frame.expect().number == 4
    reconnections.close()
