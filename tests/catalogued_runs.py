"""Runs as a sweep and a reduction record them, small, and what a catalog then has of them."""

import json
import struct

import numpy as np
from fabio.raxisimage import RIGAKU_KEYS

from lics_beamline.catalog.cataloguer import Cataloguer
from lics_beamline.catalog.store import open_catalog
from lics_beamline.data_folder import DataFolder
from lics_beamline.journal.writer import Journal
from lics_beamline.schema import PLATE_SPEC, PLATE_TEMPLATE

NY, NX = 30, 40
SPECTRUM = 16


def write_plate(path, frame):
    """Write an R-AXIS file: a header, then big-endian 16-bit words."""
    values = {
        "InstrumentType": b"R-AXIS4",
        "X Pixels": NX,
        "Y Pixels": NY,
        "Record Length": 1160,  # length of the header; a row is shorter here
        "Total": NY,
        "Photomultiplier Ratio": 8.0,
    }
    header = b""
    for key, kind in RIGAKU_KEYS.items():
        value = values.get(key)
        if kind == "float":
            header += struct.pack(">f", float(value or 0))
        elif kind == "long":
            header += struct.pack(">l", int(value or 0))
        elif kind != -1:
            header += struct.pack(f">{kind}s", value or b"")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(header.ljust(1160, b"\0") + frame.astype(">u2").tobytes())


def frame(number, index):
    return np.arange(NY * NX).reshape(NY, NX) + 100 * number + index


def full_uid(number):
    return f"{number:08d}-0000-4000-8000-{number:012d}"


def key(dtype, shape=(), **more):
    return {"source": "test", "dtype": dtype, "shape": list(shape), **more}


def proposal(number):
    return "alkali" if number % 2 else "oxides"


def raw_run(data, number, points=3, places=None):
    """All documents of a sweep; its plate files are written as they are announced, each at its (folder, number)."""
    places = places or [(f"plates/{number}", index) for index in range(points)]
    uid = full_uid(number)
    sample = {"name": f"sample-{number}", "phases": ["alloy"]}
    yield (
        "start",
        {"uid": uid, "time": 1000.0 + number, "purpose": "sweep", "sample": sample, "operator": "Ada"}
        | {"proposal": proposal(number)},
    )
    image = key("array", (NY, NX), dtype_numpy="<i4", dims=["y", "x"], external="FILESTORE:")
    streams = {
        "baseline": {"load_bar": key("number")},
        "approach": {"pressure_gpa": key("number"), "leg": key("string"), "spectrum": key("array", (SPECTRUM,))},
        "primary": {"exposure_uid": key("string"), "load_bar": key("number"), "point_index": key("integer")},
        "readout": {"exposure_uid": key("string"), "frame_image": image},
    }
    for stream, keys in streams.items():
        about = {"data_keys": keys, "configuration": {}, "hints": {}, "object_keys": {}, "time": 1000.0 + number}
        yield "descriptor", {"uid": f"{uid}-{stream}", "run_start": uid, "name": stream, **about}
    announced = set()
    counts = dict.fromkeys(streams, 0)

    def event(stream, values):
        counts[stream] += 1
        time = 1000.0 + number + sum(counts.values()) / 8
        external = {name: False for name in values if name == "frame_image"}
        return (
            "event",
            {
                "uid": f"{uid}-{stream}-{counts[stream]}",
                "descriptor": f"{uid}-{stream}",
                "seq_num": counts[stream],
                "time": time,
                "data": values,
                "timestamps": dict.fromkeys(values, time),
                "filled": external,
            },
        )

    yield event("baseline", {"load_bar": 0})
    for index in range(points):
        for step in range(2):
            pressure = float("nan") if step else index + number / 7
            spectrum = np.linspace(0, 1, SPECTRUM) + index
            yield event("approach", {"pressure_gpa": pressure, "leg": "up", "spectrum": spectrum})
        # The first load is a whole number: the column must not become one of integers.
        load = index if index == 0 else index + 0.25
        yield event("primary", {"exposure_uid": f"x{index}", "load_bar": load, "point_index": index})
        folder, place = places[index]
        write_plate(data.root / folder / PLATE_TEMPLATE.format(place), frame(number, index))
        if folder not in announced:
            announced.add(folder)
            yield (
                "resource",
                {
                    "uid": f"{uid}-{folder}",
                    "run_start": uid,
                    "spec": PLATE_SPEC,
                    "root": "",
                    "resource_path": f"{folder}/",
                    "path_semantics": "posix",
                    "resource_kwargs": {"template": PLATE_TEMPLATE, "chunk_shape": [1, NY, NX]},
                },
            )
        datum = f"{uid}-{folder}/{place}"
        yield "datum", {"datum_id": datum, "resource": f"{uid}-{folder}", "datum_kwargs": {"point_number": place}}
        yield event("readout", {"exposure_uid": f"x{index}", "frame_image": datum})
    yield event("baseline", {"load_bar": 0.5})
    yield "stop", {"uid": f"{uid}-stop", "run_start": uid, "time": 2000.0 + number, "exit_status": "success"}


def derived_run(number, points=3):
    uid = full_uid(100 + number)
    yield "start", {"uid": uid, "time": 1500.0 + number, "purpose": "reduction", "raw_uid": full_uid(number)}
    keys = {"exposure_uid": key("string"), "intensity": key("array", (5,)), "reduced": key("boolean")}
    about = {"data_keys": keys, "configuration": {}, "hints": {}, "object_keys": {}, "time": 1500.0}
    yield "descriptor", {"uid": f"{uid}-d", "run_start": uid, "name": "primary", **about}
    for index in range(points):
        data = {"exposure_uid": f"x{index}", "intensity": np.full(5, index + number / 3), "reduced": bool(index)}
        stamps = dict.fromkeys(data, 1500.0 + index)
        body = {"time": 1500.0 + index, "seq_num": index + 1, "data": data, "timestamps": stamps, "filled": {}}
        yield "event", {"uid": f"{uid}-e{index}", "descriptor": f"{uid}-d", **body}
    found = ["alloy", "cs-bcc"] if number == 2 else ["alloy"]
    yield "stop", {"uid": f"{uid}-s", "run_start": uid, "time": 1600.0, "exit_status": "success", "phases_found": found}


def record(folder, documents, kept=None):
    with Journal(folder) as journal:
        for name, doc in list(documents)[:kept]:
            journal(name, doc)


def record_all(root, raw=(1, 2, 3), derived=(1, 2)):
    """A data folder with raw and derived runs, journals only."""
    data = DataFolder(root).make()
    for number in raw:
        record(data.raw_journals, raw_run(data, number, points=number))
    for number in derived:
        record(data.derived_journals, derived_run(number))
    return data


def caught_up(data):
    """Catalogue what there is, and return what went wrong, by run."""
    with Cataloguer(data) as cataloguer:
        following = cataloguer.following(retry_s=0.0)
        while following.round() or following.retrying:
            pass
        following.close()
        return following.troubles


def catalogue(data):
    assert caught_up(data) == {}


def contents(data, only=None):
    """Everything that the catalog of a data folder holds, in a form that can be compared."""
    with open_catalog(data) as catalog:
        return contents_of(catalog, only)


def contents_of(catalog, only=None):
    """Everything that an open catalog holds, in a form that can be compared."""
    found = {}
    assert len(set(catalog.uids)) == len(catalog.uids)
    for uid in only or catalog.uids:
        run = catalog.run(uid)
        found[uid, "start"] = json.dumps(run.metadata["start"], sort_keys=True)
        found[uid, "stop"] = json.dumps(run.metadata.get("stop"), sort_keys=True)
        for stream in run:
            dataset = catalog.dataset(uid, stream)
            for name in dataset.variables:
                found[uid, stream, name] = dataset[name].values.tolist()
            if stream == "readout":
                found[uid, "frames"] = run[stream]["frame_image"][:].tolist()
    return found


def same(left, right):
    return json.dumps(sorted((list(k), v) for k, v in left.items())) == json.dumps(
        sorted((list(k), v) for k, v in right.items())
    )
