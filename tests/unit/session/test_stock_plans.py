"""Plans of bluesky in a queue, validated as its manager does: what would fail late is refused as it is submitted."""

import math

import pytest
import yaml
from ophyd.sim import SynAxis, SynSignal

from lics_beamline.profile import shipped
from lics_beamline.session.queue_worker import queued_names
from lics_beamline.session.stock_plans import LONGEST_DELAY_S, MOST_READINGS, STOCK_PLANS, stock_plans

queue = pytest.importorskip("bluesky_queueserver.manager.profile_ops", reason="pip install 'lics_beamline[queue]'")
PROFILE = shipped() / "simulated"
DETECTORS, MOTORS = ("thermocouples", "ruby", "beam"), ("stage", "membrane", "heater")


@pytest.fixture(scope="module")
def said():
    """Return what says why a plan is refused: empty where it is taken, and then it can be begun."""
    devices = {name: SynSignal(name=name) for name in DETECTORS} | {name: SynAxis(name=name) for name in MOTORS}
    names = devices | queued_names(stock_plans(), PROFILE)
    plans, kinds, plans_there, devices_there = queue.existing_plans_and_devices_from_nspace(nspace=names)
    groups = yaml.safe_load((PROFILE / "startup" / "user_group_permissions.yaml").read_text())
    allowed_plans, allowed_devices = queue.load_allowed_plans_and_devices(
        existing_plans=plans, existing_devices=kinds, user_group_permissions=groups
    )
    assert set(allowed_plans["primary"]) == set(STOCK_PLANS)

    def asked(plan, args, kwargs):
        item = {"name": plan, "args": args, "kwargs": kwargs, "item_type": "plan", "user_group": "primary"}
        taken, why = queue.validate_plan(
            item, allowed_plans=allowed_plans["primary"], allowed_devices=allowed_devices["primary"]
        )
        if taken:
            there = {"plans_in_nspace": plans_there, "devices_in_nspace": devices_there}
            begun = queue.prepare_plan(item, **there, allowed_plans=allowed_plans, allowed_devices=allowed_devices)
            assert all(each is devices[each.name] for each in begun["args"][0])
        return why

    return asked


ALLOWED = "'beam', 'ruby', 'stage'"


@pytest.mark.parametrize(
    ("plan", "args", "kwargs", "why"),
    [
        ("count", [["membrane"]], {}, ALLOWED),  # there, and not to be read so
        ("count", [["ruby", "rubby"]], {}, ALLOWED),
        ("count", [[7]], {}, ALLOWED),
        ("count", ["ruby"], {}, "detectors"),
        ("count", [[]], {}, "would read nothing"),
        ("count", [["ruby"]], {"num": 0}, f"num is 0: a plan of a queue reads 1 to {MOST_READINGS} times"),
        ("count", [["ruby"]], {"num": -1}, "num is -1"),
        ("count", [["ruby"]], {"num": 10**9}, "num is 1000000000"),
        ("count", [["ruby"]], {"num": None}, "num is None"),
        ("count", [["ruby"]], {"num": math.nan}, "finite number"),
        ("count", [["ruby"]], {"num": "3"}, "Incorrect parameter type: key='num'"),
        ("count", [["ruby"]], {"delay": -1.0}, "delay is -1 s"),
        ("count", [["ruby"]], {"delay": math.nan}, f"0 to {LONGEST_DELAY_S:g} s are waited"),
        ("count", [["ruby"]], {"num": 3, "delay": [1.0]}, "delay has 1 times, 3 readings have 2 between them"),
        ("count", [["ruby"]], {"per_shot": "count"}, "per_shot"),
        ("count", [["ruby"]], {"nonsense": 1}, "nonsense"),
        ("scan", [["ruby"], "thermocouple", 0.0, 1.0, 5], {}, "args.0"),
        ("scan", [["ruby"], "membrane", 0.0, 1.0, 5], {}, "args.0"),
        ("scan", ["stage", ["ruby"], 0.0, 1.0, 5], {}, "detectors"),
        ("scan", [["ruby"], 0.0, "stage", 1.0, 5], {}, "where the name of a motor and start and stop are expected"),
        ("scan", [["ruby"], "stage", 0.0], {"num": 5}, "scan has 2 words for its motors"),
        ("scan", [["ruby"]], {"num": 5}, "scan has 0 words"),
        ("scan", [["ruby"], "stage", 0.0, 1.0, "stage", 2.0, 3.0], {"num": 5}, "stage is named twice"),
        ("scan", [["ruby"], "stage", 0.0, math.inf, 5], {}, "stage is sent to [0.0, inf]"),
        ("scan", [["ruby"], "stage", 0.0, 1.0, 5.5], {}, "num is 5.5"),
        ("rel_scan", [["ruby"], "stage", -1.0, 1.0], {}, "num is None"),
        ("list_scan", [["ruby"], "stage", [0.0, math.nan]], {}, "stage is sent to [0.0, nan]"),
        ("list_scan", [["ruby"], "stage", []], {}, "at least one"),
        ("list_scan", [["ruby"], "stage", 1.0], {}, "a list of positions"),
    ],
)
def test_what_would_fail_late_or_never_end_is_refused_with_words_that_help(said, plan, args, kwargs, why):
    assert why in said(plan, args, kwargs)


@pytest.mark.parametrize(
    ("plan", "args", "kwargs"),
    [
        ("count", [["ruby", "beam"]], {}),
        ("count", [["ruby"], 3, 0.5], {"md": {"title": "mine"}}),
        ("count", [["ruby"]], {"num": 3, "delay": [1.0, 2.0]}),
        ("scan", [["ruby"], "stage", -1, 1, 5], {}),
        ("scan", [["ruby"], "stage", -1.0, 1.0], {"num": 5}),
        ("rel_scan", [["ruby", "stage"], "stage", -1.0, 1.0, 5], {}),
        ("list_scan", [["ruby"], "stage", [0.0, 1.0, 4.0]], {}),
    ],
)
def test_what_can_be_walked_is_taken_and_its_names_become_devices(said, plan, args, kwargs):
    assert said(plan, args, kwargs) == ""
