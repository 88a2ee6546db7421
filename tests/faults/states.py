"""Inputs that processes, instruments and earlier runs leave for each other, and how each is believed or not."""

import argparse
import io
import json
import os
import shutil
from contextlib import redirect_stdout, suppress
from dataclasses import asdict
from functools import cache
from pathlib import Path

import numpy as np

RAW, SWEEP = "11111111-aaaa-4aaa-8aaa-aaaaaaaaaaaa", "33333333-cccc-4ccc-8ccc-cccccccccccc"
LONG_AGO = "2001-01-01T00:00:00.000+00:00"
KEPT = "guard-tripped-20261126T120000000000.json"


def small_files():
    """What lies in a data folder for other processes: requests, statuses, trips, locks; each sound."""
    from lics_beamline.control.request import Request, SubmittedRequest
    from lics_beamline.follower.status import FollowerStatus
    from lics_beamline.safety.guard_status import GuardStatus
    from lics_beamline.safety.heartbeat import Beat
    from lics_beamline.sweep_request import SweepStatus

    asked = SubmittedRequest(request=Request.PAUSE, who="me@here", when=LONG_AGO, why="tea", uid=RAW)
    trip = {
        "when": LONG_AGO,
        "cause": "guard lost",
        "says": "look.",
        "watchdog": LONG_AGO,
        "read_back_before": {"membrane_load_bar": 6.0},
        "read_back_safe": None,
    }
    said = {
        "sweep-asked.json": asdict(asked),
        "sweep.json": asdict(SweepStatus(state="running", says="x", pid=1, answers="", when=LONG_AGO)),
        "guard.json": asdict(GuardStatus(state="watching", pid=1, engine_pid=1, host="here", time=1.7e9)),
        "guard-tripped.json": trip,
        KEPT: trip,
        "heartbeat-1.json": asdict(Beat(pid=1, number=7)),
        "reduce.json": asdict(FollowerStatus(name="reduce", pid=1, parent_pid=1, troubles={RAW: "x"}, time=1.7e9)),
        "built-for.json": {"root": "/somewhere"},
    }
    return {name: json.dumps(one, indent=1).encode() for name, one in said.items()} | {"reduce-follower.lock": b"4711"}


def read_small_file(path):
    """Ask everything that anybody asks of a data folder in which one of the files is broken."""
    from lics_beamline.catalog.birth import built_for
    from lics_beamline.cli.guard import guard
    from lics_beamline.data_folder import DataFolder
    from lics_beamline.errors import NotAcknowledged, ProfileError
    from lics_beamline.follower.status import finishing, status, wait_until_caught_up
    from lics_beamline.journal import lock
    from lics_beamline.safety.guard_status import lost
    from lics_beamline.safety.heartbeat import heartbeat_path, read_beat
    from lics_beamline.safety.latch import has_acknowledged, latched, require_acknowledged
    from lics_beamline.session.requests import RequestFiles
    from lics_beamline.sweep_request import sweep_status

    data = DataFolder(path.parent / "data").make()
    name = path.name
    folder = data.catalog if name == "built-for.json" else data.root if name in IN_ROOT else data.logs
    folder.mkdir(exist_ok=True)
    shutil.copy(path, folder / name)
    stands, asked = sweep_status(data), RequestFiles(data).asked()
    beat = read_beat(heartbeat_path(data.logs, 1))
    trip, acknowledged = latched(data), has_acknowledged(data, LONG_AGO)
    followers = status(data)
    json.dumps([asdict(one) for one in (stands, asked, beat, *followers) if one is not None])
    _ = (lost(data), finishing(data, "reduce"), built_for(data), wait_until_caught_up(data, 0.0))
    with (data.logs / "reduce-follower.lock").open("ab") as held:
        lock.claim(held.fileno(), Path(held.name))
        lock.holder(Path(held.name))
    for as_json in (False, True):
        with redirect_stdout(io.StringIO()) as told:
            guard(argparse.Namespace(stays=False, data=data.root, acknowledge=False, json=as_json))
    json.loads(told.getvalue())
    believed = {
        "sweep-asked.json": asked is not None,
        "sweep.json": stands is not None,
        "heartbeat-1.json": beat is not None,
        "reduce.json": followers[0].state != "never ran",
        "guard-tripped.json": trip is not None and trip["cause"] != "unreadable",
        KEPT: acknowledged,
    }
    if name == "guard-tripped.json":
        assert trip is not None, "a trip that cannot be read forbids as any other"
    if not believed.get(name, True):
        raise ProfileError(f"{name} is not believed")
    with suppress(NotAcknowledged):  # a guard that is silent is a trip too
        require_acknowledged(data)


IN_ROOT = ("sweep-asked.json", "guard-tripped.json")


def insane_small_file(content, rng, insane):
    """Return a small file with insane values; of a lock, other bytes."""
    if not content.startswith(b"{"):
        return rng.choice((b"", b"-1", b"9" * 400, b"\0" * 32, "٣".encode(), b"1 2", b"0x10"))
    return json.dumps(insane(json.loads(content), rng)).encode()


def leases():
    """Names of holders as leases have them."""
    from lics_beamline.devices.lease import LeaseHolder

    mine = LeaseHolder.of_process(os.getpid()).name
    return {"mine.txt": mine.encode(), "theirs.txt": b"4711 on elsewhere 11-26T07:05"}


def read_lease(path):
    """Tell who holds a beamline by any bytes that a PV may give."""
    from lics_beamline.devices.lease import LONGEST_CHARACTERS, LeaseHolder, foreign
    from lics_beamline.errors import ProfileError

    name = path.read_bytes().decode("latin-1")
    told = foreign(name, os.getpid())
    assert len(told) <= 4 * len(name) + 60
    holder = LeaseHolder.read(name)
    if holder is None:
        raise ProfileError(f"{name[:40]!r} names no process")
    _ = (holder.is_process(1), holder.is_dead())
    assert len(holder.name) <= LONGEST_CHARACTERS


@cache
def frames(plate):
    """Frames of any detector: ordinary counts in every format that is asked for."""
    import tempfile

    import fabio
    import h5py

    side = 48
    counts = np.random.default_rng(2).poisson(100.0, (side, side)).astype(np.int32)
    sound = plate()
    with tempfile.TemporaryDirectory() as folder:
        for suffix, image in (
            ("edf", fabio.edfimage.EdfImage),
            ("tif", fabio.tifimage.TifImage),
            ("cbf", fabio.cbfimage.CbfImage),
        ):
            path = Path(folder) / f"frame.{suffix}"
            image(data=counts).write(str(path))
            sound[path.name] = path.read_bytes()
    made = io.BytesIO()
    with h5py.File(made, "w") as file:
        file["entry/data"] = counts[None]
    return sound | {"frame.h5": made.getvalue()}


def read_whole_frame(path, poni):
    """Reduce one frame as `lics reduce` does."""
    from lics_beamline.geometry.geometry import Geometry
    from lics_beamline.reduction.image import reduce_image

    reduced = reduce_image(path, Geometry(poni=poni().decode()), bins=50)
    assert reduced.pattern.intensity.shape == (50,)


def sweep_documents():
    """Documents of a sweep that was cut off, as `lics resume` meets them."""
    from lics_beamline import profile
    from lics_beamline.experiment import read_experiment
    from lics_beamline.reduction.recipe import read_recipe

    folder = profile.shipped() / "simulated"
    experiment = read_experiment(sorted((folder / "experiments").glob("*.toml"))[0])
    recipe = read_recipe(folder / "recipe.toml")
    start = {
        "uid": RAW,
        "time": 1.7e9,
        "purpose": "sweep",
        "sweep_uid": SWEEP,
        "plate_folder": SWEEP[:8],
        "recipe": recipe.model_dump(mode="json"),
        "path": [leg.model_dump(mode="json") for leg in experiment.legs],
        **{key: getattr(experiment, key).model_dump(mode="json") for key in ("sample", "cell", "gasket", "exposure")},
        "title": experiment.title,
    }
    leg = experiment.legs[0].name
    ruby = {
        "membrane_load_bar": 12.0,
        "pressure_gpa": 1.0,
        "pressure_sigma_gpa": 0.02,
        "ruby_temperature_k": 298.0,
        "thermocouples_gasket_k": 298.0,
    }
    approached = {
        "experiment_time_s": 1.0,
        "point_index": 0,
        "leg": leg,
        "stroke": "upstroke",
        "phase_of_approach": "hold",
        "next_load_bar": 13.0,
        **ruby,
    }
    exposed = {
        "experiment_time_s": 50.0,
        "point_index": 0,
        "leg": leg,
        "exposure_uid": "x1",
        "exposure_s": 120.0,
        "dose_counts": 1000.0,
        "arrived_s": 1.0,
        "exposed_path": f"plates/{SWEEP[:8]}/000000.osc",
        "exposed_plate": 1,
    }
    read = {"experiment_time_s": 60.0, "point_index": 0, "exposure_uid": "x1", "frame_plate": 1}
    lost = {"experiment_time_s": 70.0, "point_index": 1, "exposure_uid": "x2", "reason": "jam", "plate": 2}
    documents = [("start", start)]
    for stream, data in (("approach", approached), ("primary", exposed), ("readout", read), ("failure", lost)):
        keys = {key: {"dtype": "number", "shape": [], "source": "x"} for key in data}
        about = {"uid": f"d-{stream}", "run_start": RAW, "name": stream, "time": 1.7e9, "data_keys": keys}
        event = {
            "uid": f"e-{stream}",
            "descriptor": about["uid"],
            "time": 1.7e9,
            "seq_num": 1,
            "data": data,
            "timestamps": dict.fromkeys(data, 1.7e9),
        }
        documents += [("descriptor", about), ("event", event)]
    return documents


@cache
def cut_off():
    """A journal without an end."""
    from lics_beamline.journal.codec import Encoder

    return {f"{RAW}.jsonl": b"".join(Encoder().line(name, doc) for name, doc in sweep_documents())}


def read_cut_off(path):
    """Look at a journal as `lics resume` and `lics verify` do, before anything moves."""
    from lics_beamline.cli.resume import _newest
    from lics_beamline.control.cell_estimate import PressureReading
    from lics_beamline.control.recorded_approach import recalled
    from lics_beamline.data_folder import DataFolder
    from lics_beamline.journal.whole_sweep import sweep_documents
    from lics_beamline.plans.resumption import plan_of
    from lics_beamline.plans.sweep_record import SweepRecord
    from lics_beamline.profile import read_profile
    from lics_beamline.verification.whole import verify

    data = DataFolder(path.parent / "data").make()
    path.replace(data.raw_journals / path.name)
    for one in verify(data, ()).differences:
        assert one.says.strip()
    head = _newest(data, "last")
    record = SweepRecord(sweep_documents(head))
    plan_of(record)
    _ = (record.goes_on, record.is_whole, record.experiment.rest(*record.position))
    now = PressureReading(time_s=2.0, load_bar=12.0, pressure_gpa=1.0, sigma_gpa=0.02, temperature_k=298.0)
    recalled(record.readings, now, read_profile("simulated").values)
    for plate in record.unread:
        record.settle(plate, came=False)
