"""Every rule is tripped by an experiment or a profile that is wrong in its way, and none by the paper's experiment."""

import dataclasses
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from lics_beamline.calibration.calibration_record import CalibrationRecord, RingRecord, Source
from lics_beamline.checks.judgement import GROUPS, case_of, judge, refusals, warnings
from lics_beamline.checks.place import Kept, Place, look_at
from lics_beamline.checks.record import FORMULA
from lics_beamline.control.path import HeatingLeg, HoldLeg, PressureLeg
from lics_beamline.data_folder import DataFolder
from lics_beamline.experiment import Experiment, read_experiment
from lics_beamline.geometry.geometry import Geometry, flat_geometry
from lics_beamline.journal.head import Head
from lics_beamline.profile import read_profile
from lics_beamline.reduction.recipe import read_recipe

UP = {"kind": "pressure", "name": "up", "stroke": "upstroke", "temperature_k": 298.0}
DOWN = {"kind": "pressure", "name": "down", "stroke": "downstroke", "temperature_k": 298.0}
HEAT = {"kind": "heating", "name": "heat", "ramp_rate_k_per_min": 5.0, "soak_s": 300.0}
HUNT = {"kind": "hunt", "name": "hunt", "hunt": "onset of alloy", "stroke": "upstroke", "temperature_k": 298.0}
PLACE = Place(root=Path("/data"), free_bytes=10**12, writable=True, filesystem="ext4", sweeps=())


@cache
def paper():
    profile = read_profile("simulated")
    return read_experiment(profile.experiments / "lics-2015.toml"), profile, read_recipe(profile.recipe_file)


def experiment(*legs, **parts):
    """The paper's experiment with other legs, or with values of its parts changed: ``sample={"name": ""}``."""
    content = paper()[0].model_dump()
    if legs:
        content["legs"] = tuple(legs)
    for part, values in parts.items():
        content[part] = (content[part] or {}) | values if isinstance(values, dict) else values
    return Experiment.model_validate(content)


def judged(asked=None, *, tables=None, recipe=None, place=PLACE, **surroundings):
    """Verdict of every rule. `tables` changes values of profile tables, `recipe` those of the recipe."""
    _, profile, wanted = paper()
    changed = {name: getattr(profile.values, name).model_copy(update=new) for name, new in (tables or {}).items()}
    profile = dataclasses.replace(profile, values=profile.values.model_copy(update=changed))
    for name, new in (recipe or {}).items():
        wanted = wanted.model_copy(
            update={name: getattr(wanted, name).model_copy(update=new) if isinstance(new, dict) else new}
        )
    return judge(case_of(asked or paper()[0], profile, wanted, place=place, **surroundings))


def geometry(**values):
    poni = paper()[2].geometry.poni
    lines = dict(line.split(": ", 1) for line in poni.splitlines()) | values
    return {"geometry": Geometry(poni="\n".join(f"{key}: {value}" for key, value in lines.items()))}


def calibrated(*ages_h, digests=()):
    """The data folder with calibrations of these ages, oldest first; the last is the geometry in use by default."""
    ring = RingRecord(name="111", d_angstrom=3.1244, found_d_angstrom=3.1244, points=100, mean_px=0.0, rms_px=0.02)
    kept = []
    for index, age_h in enumerate(ages_h):
        record = CalibrationRecord(
            made=(datetime(2026, 11, 22, tzinfo=UTC) - timedelta(hours=age_h)).isoformat(),
            geometry=paper()[2].geometry,
            geometry_digest=digests[index] if digests else paper()[2].geometry.digest,
            calibrant="CeO2",
            calibrant_source="NIST SRM 674b",
            source=Source(image="plates/a/000000.osc", sha256="0" * 64),
            free_wavelength=False,
            sigma={},
            rings=(ring,),
            points=100,
            rms_px=0.02,
            rms_deg=3e-4,
            displacement=0.0,
            displacement_sigma=0.01,
        )
        kept.append(Kept(record=record, age_h=age_h))
    return dataclasses.replace(PLACE, calibrations=tuple(kept))


def sweep(*, stop="success", being_written=False, **start):
    first = {
        "uid": "0123456789",
        "time": 0.0,
        "path": [leg.model_dump(mode="json") for leg in paper()[0].legs],
        "sample": {"name": "Li-Cs equimolar"},
        "profile": {"name": "simulated", "digest": paper()[1].digest},
        "geometry_digest": paper()[2].geometry.digest,
    } | start
    last = {"exit_status": stop} if stop else None
    head = Head(uid="0123456789", path=Path("x"), start=first, stop=last, being_written=being_written)
    return dataclasses.replace(PLACE, sweeps=(head,))


def up(*pressures, **more):
    return UP | {"pressures_gpa": pressures} | more


def down(*pressures, **more):
    return DOWN | {"pressures_gpa": pressures} | more


def hunt(**more):
    return HUNT | {"start_gpa": 2.5, "last_gpa": 3.5} | more


def heat(*temperatures, **more):
    return HEAT | {"temperatures_k": temperatures} | more


def isobar(*temperatures, at_gpa=5.0, **more):
    return heat(*temperatures, hold="pressure", pressure_gpa=at_gpa, **more)


HOLD = {"kind": "hold", "name": "hold", "temperature_k": 298.0}

TRIPS = [
    ("pressures inside the envelope", "refused", lambda: judged(experiment(up(2.0, 14.0)))),
    ("temperatures inside the envelope", "refused", lambda: judged(experiment(heat(515.0)))),
    (
        "each leg begins at the temperature before it",
        "refused",
        lambda: judged(experiment(up(2.0, temperature_k=400.0))),
    ),
    ("the path never cools", "refused", lambda: judged(experiment(heat(400.0), up(2.0)))),
    ("upstrokes go up from where the cell is", "refused", lambda: judged(experiment(up(4.0), up(2.0, name="again")))),
    (
        "upstrokes go up from where the cell is",
        "warning",  # 4.5 GPa is asked for where heating is expected to have made 4.8 +- 0.3
        lambda: judged(experiment(up(4.0), heat(398.0), up(4.5, name="again", temperature_k=398.0))),
    ),
    ("downstrokes go down from where the cell is", "refused", lambda: judged(experiment(up(4.0), down(6.0)))),
    ("points lie further apart than the tolerance", "warning", lambda: judged(experiment(up(4.0, 4.05)))),
    ("no step skips what happens between", "warning", lambda: judged(experiment(up(1.0, 6.0)))),
    ("leg names differ", "warning", lambda: judged(experiment(up(2.0), up(4.0)))),
    ("repeated points are apart in time", "warning", lambda: judged(experiment(HOLD | {"count": 3}))),
    ("load inside the envelope", "refused", lambda: judged(tables={"envelope": {"load_bar": (0.0, 40.0)}})),
    ("load inside the envelope", "warning", lambda: judged(tables={"envelope": {"load_bar": (0.0, 70.0)}})),
    (
        "nothing is left unguarded",
        "warning",
        lambda: judged(tables={"heater": {"absent": ("Contactor",)}}),
    ),
    ("load inside the limits of the membrane", "refused", lambda: judged(tables={"membrane": {"limits_bar": (0, 35)}})),
    ("every pressure can be reached", "refused", lambda: judged(experiment(up(4.0), down(2.0, 0.05)))),
    (
        "every pressure can be reached",
        "refused",
        lambda: judged(experiment(up(8.0)), tables={"cell_model": {"ceiling_gpa": 7.0}}),
    ),
    (
        "first pressure is above that of the cell as loaded",
        "warning",
        lambda: judged(experiment(up(0.12, 2.0))),
    ),
    ("readings suffice for the longest way", "refused", lambda: judged(tables={"approach": {"most_readings": 2}})),
    ("readings suffice for the longest way", "warning", lambda: judged(tables={"approach": {"most_readings": 8}})),
    ("last small step stays inside the envelope", "warning", lambda: judged(experiment(up(12.0)))),
    (
        "dead bands are crossed before the readings end",
        "warning",
        lambda: judged(tables={"approach": {"most_readings": 30, "largest_step_bar": 0.5}}),
    ),
    ("pressure rises gently", "warning", lambda: judged(tables={"membrane": {"slew_bar_per_s": 0.05}})),
    (
        "gain believed first is that of the cell",
        "warning",
        lambda: judged(tables={"approach": {"gain_gpa_per_bar": 0.02, "gain_range": (0.3, 3.0)}}),
    ),
    (
        "smallest step is finer than the tolerance",
        "warning",
        lambda: judged(tables={"approach": {"smallest_step_bar": 1.0}}),
    ),
    (
        "smallest step is coarser than the controller",
        "warning",
        lambda: judged(tables={"approach": {"smallest_step_bar": 0.001}}),
    ),
    ("envelope is wider than a slip", "warning", lambda: judged(tables={"envelope": {"pressure_gpa": (0.0, 9.8)}})),
    (
        "envelope keeps the largest slip from the safety limit",
        "refused",
        lambda: judged(tables={"envelope": {"safety_gpa": 12.5}}),
    ),
    (
        "envelope keeps the largest slip from the safety limit",
        "warning",
        lambda: judged(tables={"envelope": {"safety_gpa": None}}),
    ),
    ("culets bear the pressure", "refused", lambda: judged(experiment(cell={"culet_um": 4000.0}))),
    ("culets bear the pressure", "warning", lambda: judged(experiment(cell={"culet_um": 1800.0}))),
    (
        "gasket bears the pressure",
        "refused",
        lambda: judged(
            experiment(up(24.0), gasket={"material": "CuBe"}), tables={"envelope": {"pressure_gpa": (0.0, 30.0)}}
        ),
    ),
    ("gasket bears the pressure", "warning", lambda: judged(experiment(gasket={"material": "paper"}))),
    (
        "pressure stays inside the envelope while heating",
        "refused",
        lambda: judged(tables={"envelope": {"pressure_gpa": (0.0, 9.0)}}),
    ),
    (
        "pressure stays inside the envelope while heating",
        "warning",
        lambda: judged(tables={"envelope": {"pressure_gpa": (0.0, 10.2)}}),
    ),
    (
        "temperatures inside the limits of the heater",
        "refused",
        lambda: judged(tables={"heater": {"limits_k": (288.15, 450.0)}}),
    ),
    ("heater has room above the hottest point", "warning", lambda: judged(experiment(heat(508.0)))),
    (
        "ramps are no faster than the heater is made for",
        "warning",
        lambda: judged(experiment(heat(398.0, ramp_rate_k_per_min=20.0))),
    ),
    (
        "thermocouple follows the ramp",
        "warning",
        lambda: judged(
            experiment(heat(398.0, ramp_rate_k_per_min=10.0, soak_s=0.0)), tables={"heater": {"dwell_s": 30.0}}
        ),
    ),
    ("soak lets the cell creep to rest", "warning", lambda: judged(experiment(heat(398.0, soak_s=80.0)))),
    (
        "heating points lie further apart than the tolerance",
        "warning",
        lambda: judged(experiment(heat(398.0, 399.5))),
    ),
    (
        "thermocouples measure the hottest point",
        "refused",
        lambda: judged(experiment(heat(700.0)), tables={"thermocouples": {"type": "T"}}),
    ),
    (
        "sample is nearly as hot as the gasket",
        "warning",
        lambda: judged(recipe={"ruby": {"gasket_to_sample": 0.7}}),
    ),
    (
        "ambient lies inside the limits of the heater",
        "refused",
        lambda: judged(tables={"heater": {"limits_k": (310.0, 520.0)}}),
    ),
    ("isobar begins at its pressure", "refused", lambda: judged(experiment(up(4.0), isobar(398.0)))),
    ("isobar begins at its pressure", "warning", lambda: judged(experiment(up(4.9), isobar(398.0)))),
    (
        "isobar can be held to its end",
        "refused",
        lambda: judged(
            experiment(up(5.0), isobar(498.0)),
            tables={
                "cell_model": {
                    "friction_bar": 9.0,
                    "thermal_gpa_per_k": 0.001,
                    "friction_doubt": 0.05,
                    "gain_doubt": 0.05,
                }
            },
        ),
    ),
    (
        "isobar can be held to its end",
        "warning",
        lambda: judged(
            experiment(up(5.0), isobar(498.0)),
            tables={"cell_model": {"friction_bar": 9.0, "thermal_gpa_per_k": 0.001, "friction_doubt": 0.5}},
        ),
    ),
    (
        "gas is left at the end of an isobar",
        "refused",
        lambda: judged(experiment(up(1.0), isobar(498.0, at_gpa=1.0)), tables={"cell_model": {"friction_bar": 12.0}}),
    ),
    (
        "gas is left at the end of an isobar",
        "warning",
        lambda: judged(experiment(up(1.0), isobar(498.0, at_gpa=1.0)), tables={"cell_model": {"friction_bar": 6.0}}),
    ),
    (
        "dead band before an isobar can be crossed",
        "refused",
        lambda: judged(experiment(up(1.0), isobar(398.0, at_gpa=1.0)), tables={"cell_model": {"friction_bar": 12.0}}),
    ),
    (
        "dead band before an isobar can be crossed",
        "warning",
        lambda: judged(experiment(up(1.0), isobar(398.0, at_gpa=1.0)), tables={"cell_model": {"friction_bar": 6.0}}),
    ),
    (
        "gas follows the ramp of an isobar",
        "refused",
        lambda: judged(
            experiment(up(5.0), isobar(398.0, ramp_rate_k_per_min=20.0)), tables={"membrane": {"slew_bar_per_s": 0.005}}
        ),
    ),
    (
        "gas follows the ramp of an isobar",
        "warning",
        lambda: judged(experiment(up(5.0), isobar(398.0, ramp_rate_k_per_min=20.0))),
    ),
    (
        "isobar is read before it drifts",
        "refused",
        lambda: judged(
            experiment(up(5.0), isobar(398.0, ramp_rate_k_per_min=20.0)), tables={"ruby": {"accumulations": 50}}
        ),
    ),
    (
        "pressures inside the range of the ruby scale",
        "refused",
        lambda: judged(
            experiment(up(30.0, 90.0)),
            recipe={"ruby": {"scale": "ruby_mao_1986"}},
            tables={"cell_model": {"ceiling_gpa": 500.0}},
        ),
    ),
    (
        "temperatures inside the range of the ruby correction",
        "refused",
        lambda: judged(recipe={"ruby": {"correction": "vos-1991"}}),
    ),
    (
        "tolerance is wider than the noise of the ruby",
        "warning",
        lambda: judged(tables={"approach": {"tolerance_gpa": 0.005}}),
    ),
    ("pressure is known well enough", "warning", lambda: judged(recipe={"ruby": {"thermocouple_sigma_k": 30.0}})),
    ("laser keeps the ruby cool", "warning", lambda: judged(tables={"ruby": {"laser_power_mw": 40.0}})),
    ("ruby is read faster than the pressure moves", "warning", lambda: judged(tables={"ruby": {"accumulations": 50}})),
    (
        "reference line belongs to this room",
        "warning",
        lambda: judged(recipe={"ruby": {"reference_temperature_k": 320.0}}),
    ),
    ("wavelength axis is checked before each leg", "warning", lambda: judged(recipe={"ruby": {"axis": "none"}})),
    (
        "chip in the cell was read so that it can be used",
        "refused",
        lambda: judged(
            experiment(up(2.0), ruby_chip={"wavelength_nm": 694.3, "sigma_nm": 0.001}),
            recipe={"ruby": {"axis": "ambient"}},
        ),
    ),
    ("images fade less than stated", "warning", lambda: judged(experiment(exposure={"time_s": 3600.0}))),
    ("oscillation averages grains", "warning", lambda: judged(experiment(exposure={"oscillation_deg": 0.0}))),
    ("exposure is worth its plate", "warning", lambda: judged(experiment(exposure={"time_s": 5.0}))),
    (
        "asked count is below saturation",
        "warning",
        lambda: judged(experiment(exposure={"time_s": None, "dose": {"strongest_counts": 2e5}})),
    ),
    (
        "look is short against its exposures",
        "warning",
        lambda: judged(experiment(exposure={"time_s": None, "dose": {"strongest_counts": 100.0, "look_s": 60.0}})),
    ),
    ("phases of the sample are sought", "warning", lambda: judged(experiment(sample={"phases": ("perovskite",)}))),
    (
        "pattern ends on the detector",
        "refused",
        lambda: judged(recipe={"frames": {"two_theta_deg": (70.0, 80.0)}}),
    ),
    (
        "marker lines fall into the integrated range",
        "warning",
        lambda: judged(recipe={"frames": {"two_theta_deg": (10.0, 31.0)}}),
    ),
    (
        "equations of state reach the whole path",
        "warning",
        lambda: judged(recipe={"phases": (paper()[2].phases[0].model_copy(update={"bulk_modulus_gpa": 1e-3}),)}),
    ),
    (
        "geometry is a calibration",
        "warning",
        lambda: judged(
            recipe={
                "geometry": flat_geometry(
                    distance_mm=350.0, wavelength_angstrom=0.41373, shape=(3000, 3000), pixel_mm=0.1
                )
            }
        ),
    ),
    ("geometry is a calibration of late", "warning", lambda: judged(place=calibrated(100.0))),
    (
        "geometry is a calibration of late",
        "warning",
        lambda: judged(place=calibrated(2.0, digests=["another"])),
    ),
    (
        "geometry is a calibration of late",
        "warning",
        lambda: judged(place=calibrated(30.0, 2.0, digests=[paper()[2].geometry.digest, "another"])),
    ),
    (
        "detector is a plate",
        "refused",
        lambda: judged(
            recipe=geometry(Detector_config='{"pixel1": 0.000172, "pixel2": 0.000172, "max_shape": [1679, 1475]}')
        ),
    ),
    ("beam meets the detector", "refused", lambda: judged(recipe=geometry(Poni1="-0.15"))),
    ("beam meets the detector", "warning", lambda: judged(recipe=geometry(Poni1="0.05"))),
    ("pattern ends on the detector", "warning", lambda: judged(recipe=geometry(Distance="0.45"))),
    (
        "pattern begins behind the beam stop",
        "warning",
        lambda: judged(recipe={"frames": {"two_theta_deg": (0.2, 31.0)}}),
    ),
    ("bins are about as wide as pixels", "warning", lambda: judged(recipe={"frames": {"bins": 200}})),
    ("wavelength passes the anvils", "warning", lambda: judged(recipe=geometry(Wavelength="1.5406e-10"))),
    (
        "phases acted on are sought by the recipe",
        "refused",
        lambda: judged(experiment({**UP, "pressures_gpa": (1.0, 2.0), "until": "ally > 0.95"})),
    ),
    ("phases acted on are sought by the recipe", "refused", lambda: judged(experiment(hunt(hunt="onset of re-hcp")))),
    ("hunts begin well before they end", "warning", lambda: judged(experiment(hunt(last_gpa=2.7)))),
    ("hunts are no sharper than ruby and approach", "warning", lambda: judged(experiment(hunt(within_gpa=0.01)))),
    ("exposures are short against the reaction", "warning", lambda: judged(experiment(hunt(tau_s=30.0)))),
    (
        "no transition is hunted twice the same way",
        "refused",
        lambda: judged(experiment(hunt(), hunt(name="again", start_gpa=3.6, last_gpa=4.2))),
    ),
    ("pressures inside the envelope", "refused", lambda: judged(experiment(hunt(start_gpa=11.5, last_gpa=12.5)))),
    ("waits of the legs can be judged", "refused", lambda: judged(experiment(hunt(tau_s=20.0)))),
    ("distance is one of this hutch", "warning", lambda: judged(recipe=geometry(Distance="3.5"))),
    ("beam time suffices", "refused", lambda: judged(beam_time_h=2.0)),
    ("dwells of the profile can be judged", "refused", lambda: judged(tables={"heater": {"dwell_s": 20.0}})),
    ("waits of the legs can be judged", "refused", lambda: judged(experiment(heat(398.0, soak_s=10.0)))),
    ("stalls are longer than dwells", "refused", lambda: judged(tables={"membrane": {"stall_s": 70.0}})),
    ("clock is that of the beamline", "warning", lambda: judged(tables={"clock": {"kind": "wall"}})),
    ("sample is named", "warning", lambda: judged(experiment(sample={"name": " "}))),
    ("operator is named", "warning", lambda: judged(experiment(operator=""))),
    ("proposal is named", "warning", lambda: judged(experiment(proposal=""))),
    ("title is given", "warning", lambda: judged(experiment(title=""))),
    ("alerts can be sent", "warning", lambda: judged(tables={"alerts": {"command": ["no-such-program", "{says}"]}})),
    ("composition is a formula", "warning", lambda: judged(experiment(sample={"composition": "the white powder"}))),
    (
        "data folder can be written",
        "refused",
        lambda: judged(place=dataclasses.replace(PLACE, writable=False)),
    ),
    ("disk has room", "refused", lambda: judged(place=dataclasses.replace(PLACE, free_bytes=10**8))),
    ("disk has room", "warning", lambda: judged(place=dataclasses.replace(PLACE, free_bytes=6 * 10**8))),
    (
        "data folder is on a local disk",
        "warning",
        lambda: judged(place=dataclasses.replace(PLACE, filesystem="nfs4")),
    ),
    ("nobody else records there", "refused", lambda: judged(place=sweep(stop="", being_written=True))),
    ("last sweep ended as it should", "warning", lambda: judged(place=sweep(stop="abort"))),
    ("last sweep ended as it should", "warning", lambda: judged(place=sweep(stop=""))),
    ("experiment was not done before", "warning", lambda: judged(place=sweep())),
    (
        "profile is that of the last sweep",
        "warning",
        lambda: judged(place=sweep(profile={"name": "simulated", "digest": "another"})),
    ),
    ("geometry is that of the last sweep", "warning", lambda: judged(place=sweep(geometry_digest="another"))),
]
CONTENT = {"recipe can be named"}  # says what was read; a recipe that cannot be read is refused before any rule


@pytest.mark.parametrize(("rule", "verdict", "judge"), TRIPS, ids=[f"{rule}: {verdict}" for rule, verdict, _ in TRIPS])
def test_a_rule_trips_where_it_should_and_says_number_limit_and_remedy(rule, verdict, judge):
    (finding,) = (each for each in judge() if each.rule == rule)
    assert finding.verdict == verdict, finding.says
    assert finding.found
    assert finding.limit
    assert finding.remedy.endswith(".")


def test_the_paper_s_experiment_trips_no_rule():
    findings = judged()
    assert not [finding.says for finding in findings if finding.verdict != "ok"]
    assert len(findings) >= 60


def test_every_rule_has_a_case_that_trips_it_and_a_name_of_its_own():
    names = [rule.__name__.replace("_", " ") for _, rules in GROUPS for rule in rules]
    assert max(Counter(names).values()) == 1
    assert len(names) >= 70
    assert set(names) == {rule for rule, _, _ in TRIPS} | CONTENT


def test_a_geometry_calibrated_an_hour_ago_is_in_order_and_its_age_is_said():
    (finding,) = (
        each for each in judged(place=calibrated(80.0, 1.0)) if each.rule == "geometry is a calibration of late"
    )
    assert finding.verdict == "ok"
    assert "1.0 h ago with CeO2" in finding.found


@pytest.mark.parametrize(
    ("name", "group", "rules"), [("isobar-5gpa", "isobar", 6), ("onset", "hunt", 4), ("dissociation", "hunt", 4)]
)
def test_the_other_shipped_experiments_trip_no_rule(name, group, rules):
    _, profile, recipe = paper()
    shipped = read_experiment(profile.experiments / f"{name}.toml")
    findings = judge(case_of(shipped, profile, recipe, place=PLACE))
    assert not [finding.says for finding in findings if finding.verdict != "ok"]
    assert sum(finding.group == group for finding in findings) == rules


def test_a_leg_may_wait_for_a_phase_that_the_recipe_does_not_have_and_a_hunt_may_look_for_it():
    legs = ({**UP, "pressures_gpa": (1.0, 2.0), "until": "new phase"}, hunt(hunt="onset of new phase"))
    for leg in legs:
        rules = {finding.rule for finding in judged(experiment(leg)) if finding.verdict == "refused"}
        assert "phases acted on are sought by the recipe" not in rules


def test_warnings_are_apart_from_refusals():
    findings = judged(experiment(up(2.0, 14.0), operator=""))
    assert {finding.rule for finding in warnings(findings)} >= {"operator is named"}
    assert {finding.rule for finding in refusals(findings)} >= {"pressures inside the envelope"}
    assert not set(warnings(findings)) & set(refusals(findings))


def test_the_same_sample_under_another_name_may_walk_the_same_path():
    findings = judged(experiment(sample={"name": "second loading"}), place=sweep())
    (finding,) = (each for each in findings if each.rule == "experiment was not done before")
    assert finding.verdict == "ok"


def test_an_experiment_of_one_kind_of_leg_is_judged_without_the_others():
    for leg in (HeatingLeg(**heat(350.0)), HoldLeg(**HOLD), PressureLeg(**up(2.0))):
        findings = judged(experiment(leg.model_dump()))
        assert not refusals(findings)


def test_a_folder_that_does_not_exist_yet_is_judged_by_the_one_above(tmp_path):
    place = look_at(DataFolder(tmp_path / "deep" / "data"))
    assert place.writable
    assert place.free_bytes > 0
    assert not place.sweeps
    assert not (tmp_path / "deep").exists()


@pytest.mark.parametrize("composition", ["LiCs", "MgSiO3", "Mg(OH)2", "Li0.5Cs1.5", "Ca(Al.5O4)2 + H2O", "Fe0.9O:Mg"])
def test_a_formula_is_a_formula(composition):
    assert FORMULA.fullmatch(composition)


def test_what_is_nearly_a_formula_is_refused_in_no_time():
    # A pattern with two ways to read the same digits tries all of them before it gives up.
    assert not FORMULA.fullmatch("Li" + "1" * 20_000 + "!")
    assert not FORMULA.fullmatch("A1" * 20_000 + "!")
