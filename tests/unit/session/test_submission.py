import asyncio
import os
import shutil
import subprocess
import threading
import tomllib

import pytest
from child import child
from free_port import free_port
from pydantic import ValidationError, create_model

from lics_beamline.profile import shipped
from lics_beamline.session.bound_plans import parameters_of
from lics_beamline.session.queue_ahead import queued_plans
from lics_beamline.session.submission import STILL, WORKER_VARIABLE, SubmissionJudge, annotation, judged_md, refusal

REDIS = shutil.which("redis-server")
SIMULATED = str(shipped() / "simulated")
WHOLE = tomllib.loads((shipped() / "simulated" / "experiments" / "onset.toml").read_text())
HOW_HEATED = {"ramp_rate_k_per_min": 5.0, "soak_s": 0.0}
AT_298_K = {"stroke": "upstroke", "temperature_k": 298.0}
HUNT = {"experiment": "onset", "hunt": "onset of alloy", **AT_298_K, "within_gpa": 0.05, "most_points": 60}


@pytest.mark.parametrize(
    ("plan", "parameters", "why"),
    [
        ("sweep", {"experiment": "no-such"}, "has no experiment 'no-such'; those it has: dissociation"),
        ("sweep", {"experiment": "lics-2015", "points": 0}, "at least 1 point"),
        ("sweep", {"experiment": WHOLE | {"sampel": {}}}, "sampel"),
        ("sweep", {"experiment": 7}, "experiment is 7"),
        ("hunt", HUNT | {"start_gpa": 4.0, "last_gpa": 2.0}, "one way only"),
        ("hunt", HUNT | {"start_gpa": 2.0, "last_gpa": 40.0, "within_gpa": 1.0}, "envelope.pressure_gpa"),
        (
            "isobar",
            {"experiment": "onset", "pressure_gpa": 95.0, "temperatures_k": [348.0], **HOW_HEATED, **AT_298_K},
            "allowed: 0 to 12 GPa",
        ),
        ("heat", {"experiment": "onset", "temperatures_k": [398.0, 348.0], **HOW_HEATED}, "only rises"),
        ("hold", {"experiment": "onset", "count": 0, "wait_s": 0.0, "temperature_k": 298.0}, "count"),
        ("calibrate", {"calibrant": "chalk", "exposure_s": 60.0}, "chalk"),
        ("calibrate", {"calibrant": "CeO2", "exposure_s": 0.0}, "more than 0 s"),
    ],
)
def test_what_a_check_refuses_is_refused_in_the_same_words(plan, parameters, why):
    assert why in refusal(SIMULATED, plan, parameters, queued=())


@pytest.mark.parametrize(
    ("plan", "parameters"),
    [
        ("sweep", {"experiment": "lics-2015", "points": 2}),
        ("sweep", {"experiment": WHOLE}),
        ("hunt", HUNT | {"start_gpa": 2.0, "last_gpa": 4.0}),
        ("isobar", {"experiment": "onset", "pressure_gpa": 5.0, "temperatures_k": [348.0], **HOW_HEATED, **AT_298_K}),
        ("heat", {"experiment": "onset", "temperatures_k": [348.0, 398.0], **HOW_HEATED}),
        ("hold", {"experiment": "onset", "count": 2, "wait_s": 600.0, "temperature_k": 298.0}),
        ("calibrate", {"calibrant": "CeO2", "exposure_s": 60.0}),
        ("sweep", {"points": 2}),  # its experiment was of a wrong type, which the manager says
    ],
)
def test_what_a_check_allows_is_not_refused(plan, parameters):
    assert refusal(SIMULATED, plan, parameters, queued=()) == ""


def test_the_type_of_the_last_parameter_judges_all_of_them_as_the_manager_of_a_queue_does():
    of_md = eval(annotation("sweep", shipped() / "simulated"))
    model = create_model("Model", experiment=(str | dict, ...), points=(int | None, None), md=(of_md, None))

    def said(**parameters):
        while True:
            try:
                return model(**parameters).md
            except ValidationError as error:
                if STILL not in str(error):
                    return str(error)

    assert said(experiment="lics-2015", md={"title": "mine"}) == {"title": "mine"}
    assert "at least 1 point" in said(experiment="lics-2015", points=0)


def test_a_worker_leaves_the_judgement_to_the_plan_that_is_about_to_begin(monkeypatch):
    model = create_model("Model", experiment=(str, ...), md=(judged_md("sweep", SIMULATED), None))
    monkeypatch.setenv(WORKER_VARIABLE, str(os.getpid()))
    assert model(experiment="no-such").md is None


def test_a_judgement_that_takes_long_is_no_silence_and_is_answered_when_asked_again():
    go_on, asked = threading.Event(), []

    def slow(plan, parameters):
        asked.append(plan)
        go_on.wait()
        return "too hot"

    judge = SubmissionJudge(slow)
    assert judge.says("heat", {"temperatures_k": [900.0]}) == STILL
    go_on.set()
    assert judge.says("heat", {"temperatures_k": [900.0]}) in ("too hot", STILL)
    while judge.says("heat", {"temperatures_k": [900.0]}) == STILL:
        pass
    assert set(asked) == {"heat"}


UP = {
    "name": "sweep",
    "item_type": "plan",
    "kwargs": {
        "experiment": WHOLE
        | {
            "legs": [
                {
                    "kind": "pressure",
                    "name": "up",
                    "stroke": "upstroke",
                    "temperature_k": 298.0,
                    "pressures_gpa": [1.0, 2.0, 3.0],
                }
            ]
        }
    },
}
DOWN = {
    "experiment": WHOLE
    | {
        "legs": [
            {
                "kind": "pressure",
                "name": "down",
                "stroke": "downstroke",
                "temperature_k": 298.0,
                "pressures_gpa": [2.5, 2.0],
            }
        ]
    }
}


def test_a_plan_is_judged_from_where_those_before_it_in_the_queue_will_have_brought_the_cell():
    alone = refusal(SIMULATED, "sweep", DOWN, queued=())
    assert "the cell is expected at 0.1" in alone
    assert refusal(SIMULATED, "sweep", DOWN, queued=(UP,)) == ""
    again = refusal(SIMULATED, "sweep", UP["kwargs"], queued=(UP,))
    assert "'up' asks for 1 GPa, the cell is expected at 3.0" in again
    hold = {"name": "hold", "args": ["onset"], "kwargs": {"temperature_k": 298.0}}
    stock = {"name": "count", "args": [["membrane"]], "kwargs": {}}
    assert refusal(SIMULATED, "sweep", DOWN, queued=(UP, hold, stock)) == ""


def test_the_heater_goes_down_between_two_plans_of_a_queue():
    heat = {"name": "heat", "args": ["onset", [348.0, 398.0]], "kwargs": {}}
    assert (
        refusal(SIMULATED, "heat", {"experiment": "onset", "temperatures_k": [348.0], **HOW_HEATED}, queued=(heat,))
        == ""
    )


def test_a_plan_whose_parameters_nobody_understands_moves_no_cell_in_thought():
    assert parameters_of("sweep", ["onset"], {}) == {"experiment": "onset", "points": None, "md": None}
    assert parameters_of("sweep", [], {"nonsense": 1}) is None
    assert parameters_of("count", [["det"]], {}) is None
    gone = {"name": "sweep", "args": ["no-such"]}
    assert "the cell is expected at 0.1" in refusal(SIMULATED, "sweep", DOWN, queued=(gone,))


def test_where_no_queue_can_be_read_there_is_none_ahead(caplog):
    pytest.importorskip("redis", reason="pip install 'lics_beamline[queue]'")
    port = free_port()
    assert queued_plans(["--redis-addr", f"127.0.0.1:{port}"]) == ()
    assert "cannot be read" in caplog.text


@pytest.mark.skipif(REDIS is None, reason="there is no redis-server")
def test_the_queue_is_read_as_a_manager_keeps_it(tmp_path):
    manager = "bluesky_queueserver.manager.plan_queue_ops"
    operations = pytest.importorskip(manager, reason="pip install 'lics_beamline[queue]'")
    port = free_port()
    command = [REDIS, "--port", str(port), "--save", "", "--bind", "127.0.0.1", "--dir", str(tmp_path)]
    with child(command, stdout=subprocess.PIPE, text=True) as server:
        assert any("Ready to accept connections" in line for line in iter(server.stdout.readline, ""))
        queue = operations.PlanQueueOperations(redis_host=f"127.0.0.1:{port}", name_prefix="mine")
        asyncio.run(filled(queue, UP))
        assert [
            item["kwargs"] for item in queued_plans([f"--redis-addr=127.0.0.1:{port}", "--redis-name-prefix", "mine"])
        ] == [UP["kwargs"]]
        assert queued_plans(["--redis-addr", f"127.0.0.1:{port}"]) == ()


async def filled(queue, item):
    await queue.start()
    await queue.add_item_to_queue(dict(item))
    await queue.stop()
