"""Every format that is read: sound inputs to be broken, and how each is read all the way to where it is believed."""

import io
import json
import random
import struct
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np

from . import states
from .mutations import damaged, insane

SIDE_PX = 48
RAW, DERIVED = "11111111-aaaa-4aaa-8aaa-aaaaaaaaaaaa", "22222222-bbbb-4bbb-8bbb-bbbbbbbbbbbb"


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """Sound inputs by file name, how one is broken, and how a file is read."""

    sound: Callable[[], dict[str, bytes]]
    read: Callable[[Path], object]
    broken: Callable[[bytes, random.Random], bytes] = damaged
    documents: Callable[[bytes, random.Random], bytes] | None = None  # values changed, and well formed again


def poni():
    from lics_beamline.geometry.geometry import flat_geometry

    return flat_geometry(
        distance_mm=350.0, wavelength_angstrom=0.41373, shape=(SIDE_PX, SIDE_PX), pixel_mm=5.0
    ).poni.encode()


def plate():
    header = bytearray(1400)
    header[:7] = b"R-AXIS4"
    fields = {292: 0.41373, 344: 350.0, 536: 5.0, 776: 0.1, 780: 0.1, 800: 8.0, 804: 3.0, 808: 4.0}
    for offset, number in fields.items():
        struct.pack_into(">f", header, offset, number)
    for offset, number in {768: SIDE_PX, 772: SIDE_PX, 784: len(header), 796: 1}.items():
        struct.pack_into(">i", header, offset, number)
    words = np.random.default_rng(1).integers(0, 65_535, SIDE_PX * SIDE_PX)
    return {"a.osc": bytes(header) + words.astype(">u2").tobytes()}


@cache
def masks():
    import fabio
    import h5py

    mask = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    mask[3:9] = 1
    made = io.BytesIO()
    np.save(made, mask)
    sound = {"mask.npy": made.getvalue()}
    classes = {"edf": fabio.edfimage.EdfImage, "tif": fabio.tifimage.TifImage, "cbf": fabio.cbfimage.CbfImage}
    with tempfile.TemporaryDirectory() as folder:
        for suffix, image in classes.items():
            path = Path(folder) / f"mask.{suffix}"
            image(data=mask.astype(np.int32) if suffix == "cbf" else mask).write(str(path))
            sound[path.name] = path.read_bytes()
    made = io.BytesIO()
    with h5py.File(made, "w") as file:
        file["entry/data"] = mask
    return sound | {"mask.h5": made.getvalue()}


def spectra():
    axis = 690.0 + 0.05 * np.arange(200)
    counts = 100.0 + 9000.0 / (1.0 + ((axis - 695.0) / 0.3) ** 2) + 6000.0 / (1.0 + ((axis - 693.6) / 0.3) ** 2)
    pairs = list(zip(axis, counts, strict=True))
    return {
        "a.txt": "\n".join(["# nm\tcounts", *(f"{x:.3f}\t{y:.1f}" for x, y in pairs)]).encode(),
        "b.csv": "\n".join(f"{x:.3f};{y:.1f}".replace(".", ",") for x, y in pairs).encode(),
    }


def shipped(pattern):
    from lics_beamline import profile

    return {path.name: path.read_bytes() for path in sorted(profile.shipped().glob(pattern))}


def phases():
    from lics_beamline.phases.phase import LIBRARY

    return {path.name: path.read_bytes() for path in sorted(LIBRARY.glob("*.toml"))[:4]}


def structures():
    from lics_beamline.refinement.structural_model import SHIPPED

    return {path.name: path.read_bytes() for path in sorted(SHIPPED.glob("*.cif"))[:4]}


def calibrations():
    from lics_beamline.calibration.calibration_record import CalibrationRecord, RingRecord, Source
    from lics_beamline.frames.plate import Fading
    from lics_beamline.frames.plate_calibration import PlateCalibration
    from lics_beamline.geometry.geometry import Geometry

    geometry = Geometry(poni=poni().decode())
    made = datetime(2026, 11, 22, tzinfo=UTC).isoformat()
    ring = RingRecord(name="111", d_angstrom=3.1, found_d_angstrom=3.1, points=9, mean_px=0.1, rms_px=0.1)
    record = CalibrationRecord(
        made=made,
        geometry=geometry,
        geometry_digest=geometry.digest,
        calibrant="CeO2",
        calibrant_source="674b",
        source=Source(image="a.osc", sha256="0" * 64),
        free_wavelength=False,
        sigma={"distance_mm": 0.1},
        rings=(ring,),
        points=9,
        rms_px=0.1,
        rms_deg=0.01,
        displacement=0.0,
        displacement_sigma=0.1,
    )
    plates = PlateCalibration(fading=Fading(fast_share=0.2, fast_s=600.0, slow_s=90_000.0), made=made, run_uid=RAW)
    return {
        "geometry-a.json": json.dumps({"digest": record.digest, **record.model_dump(mode="json")}).encode(),
        "plate-a.json": json.dumps({"digest": plates.digest, **plates.model_dump(mode="json")}).encode(),
    }


@cache
def raw_documents():
    from lics_beamline.geometry.geometry import Geometry
    from lics_beamline.phases.phase import named_phase
    from lics_beamline.reduction.recipe import Frames, Recipe

    recipe = Recipe(
        geometry=Geometry(poni=poni().decode()),
        frames=Frames(bins=20, two_theta_deg=(3.0, 18.0)),
        phases=(named_phase("alloy"),),
    )
    start = {
        "uid": RAW,
        "time": 1.7e9,
        "purpose": "sweep",
        "title": "t",
        "sample": {"name": "LiCs"},
        "recipe": recipe.model_dump(mode="json"),
        "plate_folder": "2026",
        "path": [{"kind": "hold"}],
    }
    point = {
        "experiment_time_s": 5.0,
        "point_index": 0,
        "leg": "up",
        "stroke": "upstroke",
        "exposure_uid": "x1",
        "requested_pressure_gpa": 1.0,
        "requested_temperature_k": 298.0,
        "exposure_s": 60.0,
        "dose_counts": 1e6,
        "membrane_load_bar": 20.0,
        "thermocouples_gasket_k": 298.0,
        "thermocouples_ambient_k": 297.0,
        "ruby_wavelength_nm": (690.0 + 0.1 * np.arange(64)).tolist(),
        "ruby_spectrum": np.arange(64.0).tolist(),
    }
    read = {
        "exposure_uid": "x1",
        "point_index": 0,
        "experiment_time_s": 9.0,
        "frame_path": "plates/a.osc",
        "frame_plate": 1,
    }
    lost = {"exposure_uid": "x2", "point_index": 1, "experiment_time_s": 9.0, "reason": "jam", "plate": 2}
    chosen = {"exposure_uid": "x1", "point_index": 1, "experiment_time_s": 9.0, "choice": "stay", "value": 0.5}
    documents = [("start", start)]
    for stream, data in (("primary", point), ("readout", read), ("failure", lost), ("decisions", chosen)):
        keys = {key: {"dtype": "number", "shape": [], "source": "x"} for key in data}
        documents += [
            ("descriptor", {"uid": f"d-{stream}", "run_start": RAW, "name": stream, "time": 1.7e9, "data_keys": keys}),
            (
                "event",
                {
                    "uid": f"e-{stream}",
                    "descriptor": f"d-{stream}",
                    "time": 1.7e9,
                    "seq_num": 1,
                    "data": data,
                    "timestamps": dict.fromkeys(data, 1.7e9),
                },
            ),
        ]
    return [*documents, ("stop", {"uid": "s", "run_start": RAW, "time": 1.7e9, "exit_status": "success"})]


def raw_journal():
    from lics_beamline.journal.codec import Encoder

    return {f"{RAW}.jsonl": b"".join(Encoder().line(name, doc) for name, doc in raw_documents())}


@cache
def derived_journal():
    from lics_beamline.journal.codec import Encoder
    from lics_beamline.reduction.reducer import Reducer

    reducer = Reducer(None, data_root=Path("/nowhere"))
    derived = [pair for name, doc in raw_documents() for pair in reducer(name, doc)]
    return {f"{DERIVED}.jsonl": b"".join(Encoder().line(name, doc) for name, doc in derived)}


def insane_line(content, rng):
    """One document of a journal with insane values, in the place of itself, or of another."""
    lines = content.splitlines()
    at = rng.randrange(len(lines))
    lines[at] = json.dumps(insane(json.loads(lines[at])[:2], rng), separators=(",", ":")).encode()
    if rng.random() < 0.5:  # else without a checksum, as older ones are
        lines[at] = with_checksum(lines[at][:-1])
    if rng.random() < 0.1:
        lines.insert(rng.randrange(len(lines)), lines[at])
    return b"\n".join(lines) + b"\n"


def with_checksum(body):
    """A line of a journal that ends behind its document, as whoever has lied on purpose ends it."""
    return b'%b,"%08x"]' % (body, zlib.crc32(body))


def damaged_journal(content, rng):
    """A damaged journal; half of them with checksums that say that nothing happened."""
    broken = damaged(content, rng)
    if rng.random() < 0.5:
        return broken
    return b"\n".join(
        with_checksum(line.rpartition(b',"')[0]) if line.endswith(b'"]') and b',"' in line else line
        for line in broken.split(b"\n")
    )


def insane_json(content, rng):
    return json.dumps(insane(json.loads(content), rng)).encode()


def read_raw(path):
    from lics_beamline.cli.recorded import _row
    from lics_beamline.cli.run_summary import story
    from lics_beamline.data_folder import DataFolder
    from lics_beamline.exports.raw_point import raw_points
    from lics_beamline.journal.head import heads
    from lics_beamline.journal.reader import read
    from lics_beamline.reduction.reducer import Reducer

    data = DataFolder(path.parent)
    data.make()
    inside = data.raw_journals / path.name
    path.replace(inside)
    (data.raw_journals / "33333333.jsonl").write_bytes(b'["start",{"uid":"33333333","time":1.0}]\n')
    found = heads(data.raw_journals)
    json.dumps([_row(head) for head in found])
    assert "33333333" in [head.uid for head in found], "one bad journal hides another"
    for head in found:
        if head.path == inside:
            told = story(data, head)
            list(told.lines())
            json.dumps(told.as_dict(), default=str)
    reducer = Reducer(None, data_root=data.root)
    for name, doc in read(inside):
        for _ in reducer(name, doc):
            pass
    raw_points(read(inside))
    refuse_damage(inside)


def refuse_damage(path):
    """Refuse a journal of which a line could not be used: the others are read, and that is said."""
    from lics_beamline.errors import JournalError
    from lics_beamline.journal.reader import Tail

    with Tail(path) as tail:
        list(tail.documents())
        if tail.faults:
            raise JournalError(str(tail.faults[0]))


def read_derived(path):
    from lics_beamline.cli.run_summary import point_line
    from lics_beamline.exports.reduced_run import reduced_run
    from lics_beamline.exports.table import write_table
    from lics_beamline.journal.reader import read

    run = reduced_run(read(path))
    _ = (run.main_phase, run.sample, run.wavelength_angstrom)
    for point in run.points:
        point_line(point)
    write_table(run, path.parent / "out")
    refuse_damage(path)


def read_poni(path):
    from lics_beamline.geometry.geometry import read_geometry
    from lics_beamline.integration.integration import detector_of

    geometry = read_geometry(path)
    _ = (geometry.digest, geometry.plane, geometry.oriented(2))
    detector_of(geometry, (SIDE_PX, SIDE_PX))


def read_plate_file(path):
    from lics_beamline.frames.frame import FrameSeries, check_file

    check_file(path)
    recording = FrameSeries(path).frame(1)
    _ = (recording.plate, recording.plate and recording.plate.waited_s)


def read_mask_file(path):
    from lics_beamline.frames.mask_file import read_mask
    from lics_beamline.frames.static_image import StaticImage

    mask = read_mask(path)
    mask.array((mask.rows, mask.columns))
    StaticImage.of(path).array((mask.rows, mask.columns))


def read_profile_file(path):
    from lics_beamline.profile import read_profile

    path.replace(path.with_name("profile.toml"))
    read_profile(str(path.parent))


def read_experiment_file(path):
    from lics_beamline.experiment import read_experiment

    experiment = read_experiment(path)
    _ = (experiment.points(), experiment.looks, experiment.first(3), experiment.exposure.expected_s)


def read_recipe_file(path):
    from lics_beamline.reduction.recipe import read_recipe

    (path.parent / "geometry.poni").write_bytes(poni())
    recipe = read_recipe(path)
    _ = (recipe.digest, recipe.ruby.gauge(), recipe.integration())


def read_phase_file(path):
    from lics_beamline.phases.phase import LIBRARY, read_phase

    for cif in LIBRARY.glob("*.cif"):
        (path.parent / cif.name).write_bytes(cif.read_bytes())
    lines_of(read_phase(path))


def lines_of(phase):
    lines = phase.lines(phase.expected(5.0, 298.0), wavelength_angstrom=0.41373, d_min_angstrom=1.2)
    phase.marker_lines(lines)


def read_structure(path):
    from lics_beamline.refinement.structural_model import read_model

    model = read_model(path)
    model.phase()
    model.structure.structure_factors(np.array([[1, 1, 0], [2, 0, 0]]))
    _ = (model.structure.cell.volume_angstrom3, model.cell.numbers)


def read_calibration(path):
    from lics_beamline.calibration.calibration_record import read_record
    from lics_beamline.frames.plate_calibration import read_plate_calibration

    (read_record if path.name.startswith("geometry") else read_plate_calibration)(path)


def read_spectrum(path):
    from lics_beamline.cli.pressure import _read
    from lics_beamline.physics.ruby_spectrum import fit_doublet

    spectrum = _read(path)
    fit_doublet(spectrum.wavelength_nm, spectrum.counts, temperature_k=298.0)


def readings():
    axis = (690.0 + 0.05 * np.arange(200)).tolist()
    counts = [
        100.0 + 9000.0 / (1.0 + ((x - 695.0) / 0.3) ** 2) + 6000.0 / (1.0 + ((x - 693.6) / 0.3) ** 2) for x in axis
    ]
    return {"pvs.json": json.dumps({"axis": axis, "counts": counts, "gasket_k": 298.0, "ambient_k": 297.0}).encode()}


def insane_reading(content, rng):
    """Values of PVs: insane ones, arrays of other lengths, in which any element may be anything."""
    values = json.loads(content)
    key = rng.choice(("axis", "counts", "gasket_k", "ambient_k"))
    if key in ("axis", "counts") and rng.random() < 0.8:
        array = values[key]
        for _ in range(rng.choice((1, 5, 100))):
            array[rng.randrange(len(array))] = rng.choice(
                (float("nan"), float("inf"), -1e308, 1e308, 0.0, -5.0, 1e-320)
            )
        values[key] = rng.choice((array, array[:7], array[::-1], array * 2, [0.0] * len(array), []))
        return json.dumps(values).encode()
    return json.dumps(insane(values, rng)).encode()


def read_reading(path):
    from lics_beamline.physics.gauge import Gauge
    from lics_beamline.reduction.ruby import RubyReduction

    values = json.loads(path.read_bytes())
    gauge: Gauge = RubyReduction().gauge()
    wanted = {"axis", "counts", "gasket_k", "ambient_k"}
    if set(values) != wanted:
        return
    gauge.read(values["axis"], values["counts"], gasket_k=values["gasket_k"], ambient_k=values["ambient_k"])


def frame_tables():
    rows = [f"a_{index}.cbf;{index + 1};{0.5 * index};0,1;300;{'up' if index < 9 else 'down'};" for index in range(20)]
    text = "\n".join(("# cell 3", "file;frame;P (GPa);+-;T (K);stroke;comment", *rows)) + "\n"
    with_commas = text.replace("0,1", "0.1").replace(";", ",")
    return {"a.csv": text.replace(".5;", ",5;").replace(".0;", ",0;").encode(), "b.csv": with_commas.encode("utf-16")}


def read_frame_table(path):
    from lics_beamline.errors import ProfileError
    from lics_beamline.imports.frame_table import read_table

    table = read_table(path)
    if table.faults:
        raise ProfileError("\n".join(table.faults))
    return table


def geometries():
    """A tilted detector as other programs say it."""
    from lics_beamline.calibration.geometry_formats import geometry_text
    from lics_beamline.calibration.geometry_program import PROGRAMS
    from lics_beamline.geometry.geometry import flat_geometry

    flat = flat_geometry(distance_mm=350.0, wavelength_angstrom=0.41373, shape=(SIDE_PX, SIDE_PX), pixel_mm=5.0)
    return {f"a.{form}": geometry_text(flat, form, shape=(SIDE_PX, SIDE_PX)).encode() for form in PROGRAMS}


def read_any(path):
    from lics_beamline.calibration.geometry_formats import geometry_text, read_any_geometry

    found = read_any_geometry(path, shape=(SIDE_PX, SIDE_PX), pixel_mm=(5.0, 5.0))
    _ = (found.geometry.digest, found.geometry.plane)
    geometry_text(found.geometry, "fit2d", shape=(SIDE_PX, SIDE_PX))


@cache
def patterns():
    """One pattern in every layout that is written."""
    from lics_beamline.exports.columns import write_columns
    from lics_beamline.exports.fullprof import write_fullprof
    from lics_beamline.exports.gsas import write_gsas
    from lics_beamline.exports.nexus import write_nexus
    from lics_beamline.exports.powder_cif import write_powder_cif
    from lics_beamline.exports.reduced_run import reduced_run

    from ..reduced_documents import data, documents

    recorded = data(0)
    recorded["intensity"] = np.random.default_rng(5).normal(recorded["intensity"], recorded["intensity_sigma"])
    run = reduced_run(documents([recorded]))
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for layout in ("xye", "chi"):
            write_columns(run, folder, layout=layout)
        for write in (write_fullprof, write_gsas, write_powder_cif):
            write(run, folder)
        write_nexus(run, {}, folder)
        return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix not in (".instprm", ".pcr")}


def read_given_pattern(path):
    from lics_beamline.patterns.even_steps import evenly_spaced
    from lics_beamline.patterns.pattern_file import read_pattern

    evenly_spaced(read_pattern(path, wavelength_angstrom=0.41373).pattern)


FORMATS = {
    "raw-journal": Format(sound=raw_journal, read=read_raw, broken=damaged_journal, documents=insane_line),
    "derived-journal": Format(sound=derived_journal, read=read_derived, broken=damaged_journal, documents=insane_line),
    "cut-off-sweep": Format(
        sound=states.cut_off, read=states.read_cut_off, broken=damaged_journal, documents=insane_line
    ),
    "plate": Format(sound=plate, read=read_plate_file),
    "mask": Format(sound=masks, read=read_mask_file),
    "poni": Format(sound=lambda: {"a.poni": poni()}, read=read_poni),
    "profile": Format(sound=lambda: shipped("simulated/profile.toml"), read=read_profile_file),
    "experiment": Format(sound=lambda: shipped("simulated/experiments/*.toml"), read=read_experiment_file),
    "recipe": Format(sound=lambda: shipped("simulated/recipe.toml"), read=read_recipe_file),
    "phase": Format(sound=phases, read=read_phase_file),
    "cif": Format(sound=structures, read=read_structure),
    "calibration": Format(sound=calibrations, read=read_calibration, documents=insane_json),
    "spectrum": Format(sound=spectra, read=read_spectrum),
    "pv": Format(sound=readings, read=read_reading, broken=insane_reading),
    "frame": Format(sound=lambda: states.frames(plate), read=lambda path: states.read_whole_frame(path, poni)),
    "small-file": Format(
        sound=states.small_files,
        read=states.read_small_file,
        documents=lambda content, rng: states.insane_small_file(content, rng, insane),
    ),
    "frame-table": Format(sound=frame_tables, read=read_frame_table),
    "geometry": Format(sound=geometries, read=read_any),
    "pattern": Format(sound=patterns, read=read_given_pattern),
    "lease": Format(sound=states.leases, read=states.read_lease),
}
