"""The main job: a sweep on simulated hardware, recorded, reduced live, replayed, exported."""

import importlib
import importlib.metadata
import json
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import event_model
import fabio
import numpy as np
import pandas as pd
import pytest
from bluesky.callbacks.best_effort import hinted_fields
from command_line import typed
from documented import DOCS
from elsewhere import elsewhere, there_is_no_elsewhere
from event_model import DocumentNames, schema_validators
from lean import hiding_extras
from looking import pace
from suitcase import csv, tiff_series

from lics_beamline.catalog.store import open_catalog
from lics_beamline.data_folder import DataFolder
from lics_beamline.exports.reduced_run import reduced_run
from lics_beamline.follower.status import status
from lics_beamline.journal.head import heads
from lics_beamline.journal.reader import read

from .conftest import EXPERIMENT


def only(folder):
    (head,) = heads(folder)
    return head


def raw_of(dry_run):
    return only(DataFolder(dry_run.data).raw_journals)


def derived_of(dry_run):
    return only(DataFolder(dry_run.data).derived_journals)


def test_a_dry_run_measures_every_point_and_says_where_everything_is(dry_run):
    assert dry_run.exit_code == 0, dry_run.said
    assert raw_of(dry_run).stop["exit_status"] == "success"
    assert raw_of(dry_run).stop["num_events"]["primary"] == 4
    assert raw_of(dry_run).stop["num_events"]["readout"] == 4
    for number in range(1, 5):
        assert any(line.split()[:1] == [str(number)] for line in dry_run.printed.splitlines())
    last = dry_run.printed[dry_run.printed.rindex("\nrun ") :]
    places = dict(line.split(maxsplit=1) for line in last.replace("raw journal", "raw").splitlines() if "/" in line)
    for what in ("raw", "figure", "plates", "catalog"):
        assert Path(places[what].split("  ")[0].strip()).exists(), (what, places)


def test_every_document_is_valid_and_the_start_document_is_enough_to_redo_the_reduction(dry_run):
    for head in (raw_of(dry_run), derived_of(dry_run)):
        for name, doc in read(head.path):
            schema_validators[DocumentNames[name]].validate(json.loads(json.dumps(doc, default=_plain)))
    start = raw_of(dry_run).start
    for key in (
        *("sample", "cell", "gasket", "ruby", "wavelength_angstrom", "geometry_digest", "recipe", "path", "profile"),
        *("speed", "sweep_uid", "versions", "operator", "proposal"),
    ):
        assert start[key], key
    assert start["recipe"]["geometry"]["poni"].count("Distance") == 1
    assert start["ruby"]["reference_wavelength_nm"] != 694.25, "the reference line is measured, not assumed"


@pytest.mark.parametrize(("heading", "head_of"), [("Of a sweep", raw_of), ("Of a reduced run", derived_of)])
def test_the_page_of_start_documents_tells_every_key(dry_run, heading, head_of):
    page = (DOCS / "reference" / "start.md").read_text(encoding="utf-8")
    section = page.split(f"## {heading}\n")[1].split("\n## ")[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    told = {name.strip(" `") for cell in cells for name in cell.split(",")}
    not_here = {"resumes", "resumed_times", "imported"}  # of a sweep that was cut off, and of frames from elsewhere
    assert told - not_here == set(head_of(dry_run).start)


MOST_AXES = 10  # of a best-effort plot: redrawn with each event, it takes seconds beyond


@pytest.mark.parametrize("head_of", [raw_of, derived_of])
def test_every_stream_hints_a_few_numbers_and_what_to_plot_them_against(dry_run, head_of):
    head = head_of(dry_run)
    (((axis,), stream),) = head.start["hints"]["dimensions"]
    assert (axis, stream) == ("pressure_gpa", "primary")
    for name, doc in read(head.path):
        if name == "descriptor":
            fields = hinted_fields(doc)
            assert len({*fields} - {axis}) <= MOST_AXES, (doc["name"], fields)
            assert {doc["data_keys"][field]["dtype"] for field in fields} <= {"number", "integer"}
            assert doc["name"] != stream or axis in fields


def filled(dry_run, head):
    """Yield the documents of a run with their images, by the handlers that any program finds."""
    found = importlib.metadata.entry_points(group="databroker.handlers", name="RAXIS_OSC_SEQ")
    handlers = {entry.name: entry.load() for entry in found}
    with event_model.Filler(handlers, root_map={"": str(dry_run.data)}, inplace=False) as filler:
        for name, doc in read(head.path):
            yield filler(name, doc)


def exported(serializer, documents):
    """Give documents to an exporter, which closes its files with the stop document."""
    for name, doc in documents:
        serializer(name, doc)
    return serializer.artifacts["stream_data"]


def test_other_programs_export_a_sweep_and_its_reduction_with_their_own_exporters(dry_run, tmp_path):
    raw, derived = raw_of(dry_run), derived_of(dry_run)
    for head in (raw, derived):
        told = exported(csv.Serializer(tmp_path, "{start[purpose]}-{start[scan_id]}-"), filled(dry_run, head))
        table = pd.read_csv(next(path for path in told if path.name == f"{head.start['purpose']}-1-primary.csv"))
        points = [doc["data"] for name, doc in read(head.path) if name == "event" and "exposure_uid" in doc["data"]]
        wanted = [point["pressure_gpa"] for point in points if "requested_pressure_gpa" in point]
        assert table["pressure_gpa"].tolist() == pytest.approx(wanted, nan_ok=True)
    images = exported(tiff_series.Serializer(tmp_path), filled(dry_run, raw))
    assert len(images) == 4
    with open_catalog(DataFolder(dry_run.data)) as catalog:
        np.testing.assert_array_equal(fabio.open(str(images[2])).data, catalog.image(raw.uid, 2))


def _plain(value):
    return value.tolist() if isinstance(value, np.ndarray) else value.item()


def test_a_point_never_waits_for_its_plate_and_readout_is_joined_to_it_by_the_exposure_uid(dry_run):
    names, joined = {}, {"primary": [], "readout": []}
    for name, doc in read(raw_of(dry_run).path):
        if name == "descriptor":
            names[doc["uid"]] = doc["name"]
            assert ("frame_image" in doc["data_keys"]) == (doc["name"] == "readout")
        elif name == "event" and names[doc["descriptor"]] in joined:
            stream = names[doc["descriptor"]]
            joined[stream].append(doc["data"]["exposure_uid"])
            assert stream == "primary" or doc["data"]["exposure_uid"] in joined["primary"]
    assert joined["primary"] == joined["readout"]
    assert len(set(joined["primary"])) == 4


def test_a_plate_is_exposed_for_each_point_and_never_besides(dry_run):
    assert len(list((dry_run.data / "plates").glob("*/*.osc"))) == 4


def test_the_reference_ruby_and_the_approach_are_on_record(dry_run):
    counts = Counter()
    names = {}
    for name, doc in read(raw_of(dry_run).path):
        if name == "descriptor":
            names[doc["uid"]] = doc["name"]
        elif name == "event":
            counts[names[doc["descriptor"]]] += 1
    assert counts["approach"] >= 6
    assert counts["baseline"] == 2
    legs = next(read(raw_of(dry_run).path))[1]["path"]
    assert counts["reference"] == len(legs), "the axis is checked before each"


def test_the_live_reduction_agrees_with_the_hidden_truth_within_what_it_states(dry_run):
    """A scoring test: the only kind that may open the simulator's secret."""
    truth = {}
    for line in (dry_run.data / "plates" / "truth.jsonl").read_text().splitlines():
        entry = json.loads(line)
        if entry["kind"] == "plate":
            truth[entry["file"]] = entry["sample"]
    plates = [
        doc["data"]["frame_path"].rsplit("/", 1)[-1]
        for name, doc in read(raw_of(dry_run).path)
        if name == "event" and "frame_path" in doc["data"]
    ]
    points = reduced_run(read(derived_of(dry_run).path)).points
    scored = 0
    for point in points:
        sample = truth[plates[point.index]]
        stated = 3 * point.pressure_sigma_gpa + point.pressure_systematic_gpa
        assert abs(point.pressure_gpa - sample["pressure_gpa"]) <= stated, point.index
        for phase in sample["phases"]:
            if phase["phase"] == "alloy" and phase["cells"] > 0.5:
                assert abs(point.phase("alloy").cell["a"] - phase["cell_angstrom"][0]) < 2e-3, point.index
                scored += 1
    assert scored == 3


@pytest.mark.long
def test_a_replay_of_the_run_found_through_the_catalog_gives_the_same_documents_but_for_times(dry_run, tmp_path):
    copy = tmp_path / "copied"  # a copy elsewhere: the folder must work wherever it lies
    shutil.copytree(dry_run.data, copy)
    shutil.rmtree(copy / "journals" / "derived")
    shutil.rmtree(copy / "catalog")
    done = typed("follow", "catalog", "--once", "--data", str(copy), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    with open_catalog(DataFolder(copy)) as catalog:
        (uid,) = catalog.search(sample="Li-Cs", purpose="sweep")
    done = typed("replay", uid, "--jobs", "1", "--data", str(copy), "--json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    live = [_timeless(name, doc) for name, doc in read(derived_of(dry_run).path)]
    again = [_timeless(name, doc) for name, doc in read(Path(json.loads(done.stdout)["journal"]))]
    assert live == again


def _timeless(name, doc):
    """A document without its times, arrays as exact bytes."""
    plain = {key: value for key, value in doc.items() if key not in ("time", "timestamps")}
    if name == "event":
        plain["data"] = {
            key: value.tobytes() if isinstance(value, np.ndarray) else repr(value)
            for key, value in plain["data"].items()
        }
    return name, plain


@pytest.mark.nightly
def test_a_run_that_only_the_catalog_knows_is_replayed_from_it_with_a_warning(dry_run, tmp_path):
    copy = tmp_path / "copied"
    shutil.copytree(dry_run.data, copy, ignore=shutil.ignore_patterns("derived", "catalog"))
    assert typed("follow", "catalog", "--once", "--data", str(copy), folder=tmp_path).returncode == 0
    uid = only(DataFolder(copy).raw_journals).uid
    shutil.rmtree(copy / "journals" / "raw")
    done = typed("replay", uid, "--jobs", "1", "--data", str(copy), "--json", folder=tmp_path)
    assert "documents come from the catalog" in done.stderr
    foreign = reduced_run(read(Path(json.loads(done.stdout)["journal"]))).points
    ours = reduced_run(read(derived_of(dry_run).path)).points
    assert [point.pressure_gpa for point in foreign] == [point.pressure_gpa for point in ours]
    assert [point.phase("alloy") for point in foreign[1:]] == [point.phase("alloy") for point in ours[1:]]


ONE_AFTER_ANOTHER = """
import json, sys
from lics_beamline.cli import main
for line in json.loads(sys.argv[1]):
    if code := main(line):
        sys.exit(f"{line}: {code}")
"""


@pytest.mark.long
def test_who_has_installed_no_extra_reads_reduces_verifies_and_exports(dry_run, tmp_path):
    copy = tmp_path / "copied"
    shutil.copytree(dry_run.data, copy, ignore=shutil.ignore_patterns("derived"))
    lines = [
        ["runs"],
        ["show"],
        ["replay", "last", "--jobs", "1", "--json"],
        ["verify"],
        ["export", "last", "--for", "nexus", "--to", str(tmp_path / "out")],
        ["logbook", "last", "--to", str(tmp_path / "sweep.md")],
    ]
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            hiding_extras(ONE_AFTER_ANOTHER),
            json.dumps([[*line, "--data", str(copy)] for line in lines]),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"points": 4' in done.stdout


@pytest.mark.long
@pytest.mark.skipif(there_is_no_elsewhere(), reason="this user may make no namespaces")
def test_a_follower_of_another_computer_makes_the_same_run(dry_run, tmp_path):
    copy = tmp_path / "copied"
    shutil.copytree(dry_run.data, copy, ignore=shutil.ignore_patterns("derived", "catalog"))
    follow = [sys.executable, "-m", "lics_beamline", "follow", "reduce", "--once", "--jobs", "1", "--data", str(copy)]
    done = subprocess.run(elsewhere(*follow), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    ours, theirs = derived_of(dry_run), only(DataFolder(copy).derived_journals)
    assert theirs.uid == ours.uid
    numbers = [
        [
            {key: np.asarray(value).tobytes() if np.ndim(value) else repr(value) for key, value in doc["data"].items()}
            for name, doc in read(head.path)
            if name == "event"
        ]
        for head in (ours, theirs)
    ]
    assert numbers[0] == numbers[1]
    (reduce,) = (each for each in status(DataFolder(copy)) if each.name == "reduce")
    assert (reduce.alive, reduce.state) == (False, "ended")


def test_the_same_recipe_is_not_reduced_twice_and_another_recipe_gives_another_run(dry_run, tmp_path):
    copy = tmp_path / "copied"
    shutil.copytree(dry_run.data, copy, ignore=shutil.ignore_patterns("catalog"))
    again = json.loads(typed("replay", "last", "--data", str(copy), "--json", folder=tmp_path).stdout)
    assert again["already"]
    profile = Path(__file__).parents[2] / "profiles" / "simulated"
    text = (profile / "recipe.toml").read_text().replace("datchi-2007", "ragan-1992")
    recipe = tmp_path / "ragan.toml"
    recipe.write_text(text.replace('"geometry.poni"', f'"{profile / "geometry.poni"}"'))
    other = json.loads(
        typed(
            *("replay", "last", "--recipe", str(recipe), "--jobs", "1", "--data", str(copy), "--json"), folder=tmp_path
        ).stdout
    )
    assert other["uid"] != again["uid"]
    ours = reduced_run(read(Path(again["journal"]))).points
    theirs = reduced_run(read(Path(other["journal"]))).points
    # Same spectra and reference line: near the temperature of the reference the corrections agree, at 340 K they part.
    near, far = (abs(theirs[index].pressure_gpa - ours[index].pressure_gpa) for index in (1, 2))
    assert far > 3 * near
    np.testing.assert_array_equal(theirs[2].intensity, ours[2].intensity)


def test_exported_patterns_read_back_as_numbers(dry_run, tmp_path):
    done = typed(
        "export",
        "last",
        "--for",
        "xye",
        "--to",
        str(tmp_path / "out"),
        "--data",
        str(dry_run.data),
        "--json",
        folder=tmp_path,
    )
    files = json.loads(done.stdout)["files"]
    assert len(files) == 4
    table = np.loadtxt(files[1])
    assert table.shape[1] == 3
    assert table[:, 2].min() > 0


def test_runs_and_show_tell_the_run_to_people_and_to_programs(dry_run, tmp_path):
    rows = json.loads(typed("runs", "--data", str(dry_run.data), "--json", folder=tmp_path).stdout)
    assert [row["purpose"] for row in rows] == ["sweep", "reduction"]
    assert {row["state"] for row in rows} == {"whole"}
    told = json.loads(typed("show", rows[0]["uid"][:8], "--data", str(dry_run.data), "--json", folder=tmp_path).stdout)
    assert len(told["points"]) == 4
    assert told["events"]["readout"] == 4
    text = typed("show", "last", "--data", str(dry_run.data), folder=tmp_path).stdout
    assert "alloy" in text


@pytest.mark.long
def test_ctrl_c_ends_a_sweep_in_the_safe_state_with_a_closed_journal(tmp_path):
    from lics_beamline.journal.reader import follow
    from lics_beamline.session.simulation import simulation

    (tmp_path / "short.toml").write_text(EXPERIMENT)
    data = DataFolder(tmp_path / "data").make()
    with simulation(
        prefix="SIM:LICS:", world="volumetric", seed=1, speed=300, plates=data.plates, log=data.logs / "simulators.log"
    ) as running:
        environment = _loopback(running.port)
        sweep = subprocess.Popen(
            [sys.executable, "-m", "lics_beamline", "sweep", "short.toml", "--followers", "none", "--data", "data"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**environment, "TILED_PROFILES": str(tmp_path / "profiles")},
        )
        try:
            journal = _first_journal(data, sweep)
            readings = 0
            for name, doc in follow(journal):
                readings += name == "event" and "next_load_bar" in doc["data"]
                if readings == 4:  # the load is on its way up
                    sweep.send_signal(signal.SIGINT)
                    readings += 1
            printed, _ = sweep.communicate()
        finally:
            sweep.kill()
        control, shutter, setpoint_c, output = _get(
            *("PC1:Control_RBV", "BEAM:Shutter_RBV", "ET1:RBV_spTemp", "ET1:OutputHigh"), environment=environment
        )
    assert sweep.returncode == 4, printed
    assert "Ctrl-C" in printed, printed
    assert "reduced run  none yet; lics follow --once reduces what was recorded" in printed
    assert "catalog      not yet; lics follow catalog --once fills it" in printed
    assert [each.state for each in status(data)] == ["never ran", "never ran"], "as asked"
    stop = list(read(journal))[-1]
    assert stop[0] == "stop"
    assert stop[1]["exit_status"] == "abort"
    assert (control, shutter) == ("Off", "Closed")
    assert float(setpoint_c) < 30
    assert float(output) == 0


def _loopback(port):
    import os

    from lics_beamline.session.simulation import loopback

    return {**os.environ, **loopback(port)}


def _first_journal(data, process):
    while process.poll() is None:
        found = heads(data.raw_journals)
        if found:
            return found[0].path
        pace()
    raise AssertionError(process.stdout.read())


def _get(*names, environment):
    """Read PVs with an independent client program."""
    wanted = [f"SIM:LICS:{name}" for name in names]
    done = subprocess.run(
        [sys.executable, "-m", "caproto.commandline.get", "--no-repeater", "--format", "{response.data[0]}", *wanted],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    return [text[2:-1] if text.startswith("b'") else text for text in done.stdout.split("\n")[: len(names)]]


def test_event_model_knows_every_document_name_we_write(dry_run):
    for head in (raw_of(dry_run), derived_of(dry_run)):
        assert {name for name, _ in read(head.path)} <= {each.name for each in event_model.DocumentNames}
