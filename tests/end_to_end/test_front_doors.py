"""The verbs of the command line as a person meets them, each run as a process of its own."""

import json
import os
import signal
import subprocess
import sys

import pytest
from command_line import lics, typed

from lics_beamline.profile import shipped
from lics_beamline.session.simulation import loopback

from .conftest import EXPERIMENT

CEO2_D_ANGSTROM = (3.1241, 2.7056, 1.9131, 1.6315, 1.5620)  # a = 5.4111(1) angstrom, NIST SRM 674b certificate
CEO2_PONI = """poni_version: 2.1
Detector: Detector
Detector_config: {"pixel1": 0.000172, "pixel2": 0.000172, "orientation": 2, "max_shape": [1679, 1475]}
Distance: 0.739779
Poni1: 0.149885
Poni2: 0.1333565
Rot1: 0
Rot2: 0
Rot3: 0
Wavelength: 2.02152e-11
"""


def test_help_lists_every_verb_and_each_verb_teaches(tmp_path):
    text = lics("--help", folder=tmp_path).stdout
    for verb in "dry-run sweep hold continue stop check simulate shell follow runs show replay reduce export".split():
        assert f"\n    {verb} " in text
        assert "usage: lics" in typed(verb, "--help", folder=tmp_path).stdout


def test_the_measured_ceria_frame_gives_its_d_spacings(measured_data, tmp_path):
    """The frame and its instrument are those of the HEXRD examples; 739.779 mm, 61.3323 keV, image upside down."""
    geometry = tmp_path / "ceria.poni"
    geometry.write_text(CEO2_PONI)
    image = next((measured_data / "ceo2-pilatus2m").glob("*.hdf5"))
    done = typed("reduce", str(image), "--geometry", str(geometry), "--to", "ceria.xye", "--json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    found = [peak["d_angstrom"] for peak in json.loads(done.stdout)["peaks"]]
    for d in CEO2_D_ANGSTROM:
        assert min(abs(one - d) for one in found) < 3e-3, (d, found)
    assert (tmp_path / "ceria.xye").read_text().count("\n") > 1000


def test_a_mistake_in_the_experiment_is_one_message_and_exit_code_2(tmp_path):
    (tmp_path / "wrong.toml").write_text(EXPERIMENT.replace("time_s = 120", "time_s = 0"))
    done = lics("check", "wrong.toml", folder=tmp_path)
    assert done.returncode == 2
    assert "exposure.time_s = 0" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_experiment_outside_the_envelope_is_refused_before_anything_starts(tmp_path):
    (tmp_path / "high.toml").write_text(EXPERIMENT.replace("[4.2]", "[14.2]"))
    done = typed("dry-run", "high.toml", "--data", "data", folder=tmp_path)
    assert done.returncode == 2
    assert "14.2" in done.stderr
    assert not list((tmp_path / "data" / "journals").glob("raw/*"))


def test_the_paper_s_experiment_passes_its_check(tmp_path):
    said = json.loads(typed("check", "lics-2015", "--json", folder=tmp_path).stdout)
    assert {finding["verdict"] for finding in said["findings"]} == {"ok"}
    assert said["counts"]["ok"] >= 60
    assert len(said["forecast"]) == 26


def test_the_first_experiment_passes_its_check_by_the_recipe_of_the_elements(tmp_path):
    recipe = shipped() / "simulated" / "cs-rich" / "recipe.toml"
    said = json.loads(typed("check", "lics-2015-first", "--recipe", str(recipe), "--json", folder=tmp_path).stdout)
    assert {finding["verdict"] for finding in said["findings"]} == {"ok"}
    (sought,) = (each for each in said["findings"] if each["rule"] == "phases of the sample are sought")
    assert "not sought" not in sought["found"]


def test_a_recipe_that_is_not_there_is_one_message(tmp_path):
    done = typed("dry-run", "--recipe", "none.toml", "--data", "data", folder=tmp_path)
    assert done.returncode == 2
    assert "none.toml" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_check_tells_refusals_warnings_and_order_apart_and_draws_what_is_expected(tmp_path):
    (tmp_path / "high.toml").write_text(EXPERIMENT.replace("[4.2]", "[14.2]").replace('"tester"', '""'))
    done = typed("check", "high.toml", "--figure", "--hours", "100", folder=tmp_path)
    assert done.returncode == 2
    refused, warned, fine = (done.stdout.index(f"{heading} (") for heading in ("REFUSED", "WARNINGS", "IN ORDER"))
    assert refused < done.stdout.index("14.2 GPa") < warned < done.stdout.index("operator is named") < fine
    assert (tmp_path / "lics-data" / "figures" / "check-high.png").stat().st_size > 10_000
    brief = typed("check", "high.toml", "--brief", folder=tmp_path)
    assert "IN ORDER" not in brief.stdout


@pytest.mark.long
def test_a_live_check_without_a_beamline_is_exit_code_3(tmp_path):
    done = lics("check", "--live", "--json", folder=tmp_path, **loopback(9))
    assert done.returncode == 3
    said = {finding["rule"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert said["every pv answers"]["verdict"] == "refused"


def test_a_beamline_that_does_not_answer_is_exit_code_3_and_names_what_is_dead(tmp_path):
    (tmp_path / "short.toml").write_text(EXPERIMENT)
    done = lics("sweep", "short.toml", "--data", "data", folder=tmp_path, **loopback(9))
    assert done.returncode == 3
    assert "SIM:LICS:PC1:Pressure_RBV" in done.stderr or "membrane: " in done.stderr
    assert "do not answer within 6 s" in done.stderr, "where nothing at all answers, nobody waits for more"
    assert "Start the IOC" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_empty_data_folder_says_how_to_begin(tmp_path):
    assert "lics dry-run" in lics("runs", folder=tmp_path).stdout
    done = lics("show", "last", folder=tmp_path)
    assert done.returncode == 2
    assert "holds none" in done.stderr


SHELL = """
RE(sweep(experiment, points=1))
print("load", beamline.membrane.load_bar.get())
"""


@pytest.mark.long
def test_the_shell_runs_a_sweep_as_an_ordinary_bluesky_plan(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "lics_beamline", "shell", "--followers", "none", "--data", "data"],
        input=SHELL,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "TILED_PROFILES": str(tmp_path / "profiles")},
        check=False,
    )
    assert "load" in done.stdout, done.stderr
    rows = json.loads(lics("runs", "--data", "data", "--json", folder=tmp_path).stdout)
    assert ("sweep", "whole") in {(row["purpose"], row["state"]) for row in rows}


EVERY_PV = """
import asyncio, sys
from aioca import FORMAT_CTRL, caget

async def read(names):
    return await caget(names, format=FORMAT_CTRL, timeout=300, throw=False)

names = sys.stdin.read().split()
for name, value in zip(names, asyncio.run(read(names)), strict=True):
    print(name, "answers" if value.ok else "is dead", getattr(value, "units", ""))
"""


def test_epics_own_client_library_reads_every_pv_of_the_simulated_beamline(tmp_path):
    listed = subprocess.run(
        [sys.executable, "-m", "lics_simulators", "--list"], capture_output=True, text=True, check=True
    )
    names = [line.split()[0] for line in listed.stdout.splitlines()[1:]]
    assert len(names) > 80
    simulators = subprocess.Popen(
        [sys.executable, "-m", "lics_beamline", "simulate", "--data", "data"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    try:
        exported = dict(
            line.removeprefix("export ").strip().split("=", 1)
            for line in iter(simulators.stdout.readline, "Ctrl-C ends it.\n")
            if line.startswith("export ")
        )
        read = subprocess.run(
            [sys.executable, "-c", EVERY_PV],
            input="\n".join(names),
            capture_output=True,
            text=True,
            env={**os.environ, **exported},
            check=True,
        )
    finally:
        simulators.send_signal(signal.SIGINT)
        assert simulators.wait() == 0
        simulators.stdout.close()
    answers = [line.split() for line in read.stdout.splitlines()]
    assert [words[0] for words in answers if words[1] != "answers"] == []
    assert len(answers) == len(names)
    units = {words[0]: words[2] for words in answers if len(words) > 2}
    assert units["SIM:LICS:PC1:Pressure_RBV"] == "bar"
    assert units["SIM:LICS:ET1:RBV_pvTemp"] == "C"


def test_both_profiles_name_a_recipe_and_a_geometry_that_can_be_read():
    from lics_beamline.profile import read_profile
    from lics_beamline.reduction.recipe import read_recipe

    for name in ("simulated", "bl10xu"):
        recipe = read_recipe(read_profile(name).recipe_file)
        assert recipe.geometry.wavelength_angstrom == pytest.approx(0.41373)
    assert (shipped() / "simulated" / "experiments" / "lics-2015.toml").exists()
