"""Replay of full-size plates: one core against reading and bare pyFAI, two processes against one, a campaign.

Run apart: ``python -m pytest -s tests/benchmarks/test_replay.py``. Some five minutes, most of them a campaign of a
thousand points. Everything is a ratio within one run; a machine that does something else meanwhile spoils it.
"""

import hashlib
import os
import statistics
import time
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits
from worlds.bright_plate import SIDE, WAVELENGTH, write_plate

from lics_beamline.data_folder import DataFolder
from lics_beamline.geometry.geometry import flat_geometry
from lics_beamline.journal.reader import read
from lics_beamline.journal.writer import Journal
from lics_beamline.physics.ruby import RubyRuler
from lics_beamline.reduction.recipe import Recipe
from lics_beamline.replay import replay

PLATES = 8
CORES = sorted(os.sched_getaffinity(0))
LARGEST_RATIO = 0.5
SMALLEST_GAIN = 1.7
LARGEST_GROWTH = 0.05
pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def plates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plates")
    for number in range(PLATES):
        write_plate(folder / f"{number}.osc", seed=number)
    return folder


@pytest.fixture
def recorded(plates, tmp_path):
    """Return what records a run of so many points, whose plates are the same few over and over."""

    def record(points, name="run"):
        data = DataFolder(tmp_path / name).make()
        axis_nm = 680.0 + 0.03 * np.arange(2048)
        r1 = RubyRuler().wavelength_nm(8.0, 298.0)
        lines = sum(w / (1.0 + ((axis_nm - line) / 0.195) ** 2) for line, w in ((r1, 1.0), (r1 - 1.43, 0.62)))
        spectrum = np.random.default_rng(1).poisson(100.0 + 20_000.0 * lines)
        geometry = flat_geometry(distance_mm=350.0, wavelength_angstrom=WAVELENGTH, shape=(SIDE, SIDE), pixel_mm=0.1)
        digests = [hashlib.sha256((plates / f"{n}.osc").read_bytes()).hexdigest() for n in range(PLATES)]
        (data.root / "plates").mkdir(exist_ok=True)
        recipe = Recipe(geometry=geometry).model_dump(mode="json")
        with Journal(data.raw_journals) as journal:
            journal("start", {"uid": "raw-run", "time": 0.0, "purpose": "sweep", "recipe": recipe})
            for stream in ("primary", "readout"):
                keys = {"uid": stream, "name": stream, "run_start": "raw-run", "time": 0.0, "data_keys": {}}
                journal("descriptor", keys)
            for number in range(points):
                path = Path("plates") / f"{number:06d}.osc"
                os.link(plates / f"{number % PLATES}.osc", data.root / path)
                shared = {"exposure_uid": f"e{number}", "point_index": number}
                primary = {
                    **shared,
                    "thermocouples_gasket_k": 298.0,
                    "thermocouples_ambient_k": 298.0,
                    "ruby_spectrum": spectrum,
                    "ruby_wavelength_nm": axis_nm,
                }
                readout = {**shared, "frame_path": str(path), "frame_sha256": digests[number % PLATES]}
                for stream, values in (("primary", primary), ("readout", readout)):
                    event = {"uid": f"{stream}-{number}", "descriptor": stream, "seq_num": number + 1, "time": 0.0}
                    journal("event", event | {"data": values, "timestamps": {}})
            journal("stop", {"uid": "stop", "run_start": "raw-run", "time": 1.0, "exit_status": "success"})
        return data

    return record


def say(text):
    print("\n" + text)  # noqa: T201  what a benchmark is for


@pytest.fixture
def one_core():
    os.sched_setaffinity(0, CORES[:1])
    yield
    os.sched_setaffinity(0, CORES)


@pytest.fixture(scope="module")
def bare(plates):
    """Read a plate with fabio and integrate it by one bare call of pyFAI: what nobody can do without."""
    import fabio
    from pyFAI.detectors import Detector
    from pyFAI.integrator.azimuthal import AzimuthalIntegrator

    engine = AzimuthalIntegrator(
        dist=0.35,
        poni1=0.15,
        poni2=0.15,
        detector=Detector(1e-4, 1e-4, max_shape=(SIDE, SIDE), orientation=3),
        wavelength=WAVELENGTH * 1e-10,
    )

    def integrate():
        engine.sigma_clip_ng(
            fabio.open(str(plates / "0.osc")).data.astype(np.int32),
            2500,
            unit="2th_deg",
            radial_range=(3.0, 31.0),
            error_model="azimuthal",
            method=("no", "csr", "cython"),
            polarization_factor=0.99,
            thres=5.0,
            max_iter=5,
        )

    integrate()
    return integrate


def test_a_point_on_one_core_takes_less_than_half_of_reading_and_bare_integration(recorded, bare, one_core, record):
    data = recorded(25)
    times = {"point": [], "bare": []}
    left = time.perf_counter()

    def told(point):
        nonlocal left
        times["point"].append(time.perf_counter() - left)
        started = time.perf_counter()
        bare()  # between the points, so that a busy machine slows both
        times["bare"].append(time.perf_counter() - started)
        left = time.perf_counter()

    with threadpool_limits(limits=1):
        result = replay(data, "last", told=told)
    assert (result.points, result.failed) == (25, 0)
    middle = {name: statistics.median(values[1:]) for name, values in times.items()}
    ratio = middle["point"] / middle["bare"]
    say(
        f"one core: {1e3 * middle['point']:.0f} ms a point of a replay, documents and all; fabio + pyFAI "
        f"{1e3 * middle['bare']:.0f} ms: ratio {ratio:.3f}, limit {LARGEST_RATIO}; load {os.getloadavg()[0]:.1f}"
    )
    record(ratio=round(ratio, 3))
    assert ratio < LARGEST_RATIO


def rate(data, *, jobs, skipped=8):
    """Points a second once all work, and seconds of the whole replay."""
    came = []
    started = time.perf_counter()
    result = replay(data, "last", told=lambda point: came.append(time.perf_counter()), jobs=jobs)
    whole = time.perf_counter() - started
    assert result.failed == 0
    return (len(came) - 1 - skipped) / (came[-1] - came[skipped]), whole, result


def numbers(result):
    """Return the data of each event, NaN and all, to the last bit."""
    return [
        {key: np.asarray(value).tobytes() if np.ndim(value) else repr(value) for key, value in doc["data"].items()}
        for name, doc in read(result.journal)
        if name == "event"
    ]


@pytest.mark.skipif(len(CORES) < 2, reason="one core")
def test_two_processes_reduce_at_least_1_7_times_the_points_of_one(recorded, record):
    os.sched_setaffinity(0, CORES[:1])
    try:
        with threadpool_limits(limits=1):
            one, alone_s, alone = rate(recorded(48, "one"), jobs=1)
    finally:
        os.sched_setaffinity(0, CORES)
    hands = [2] + [n for n in (4, 8, 16) if n <= len(CORES)]
    gains = {}
    for jobs in hands:
        found, whole_s, result = rate(recorded(24 * jobs, f"by {jobs}"), jobs=jobs, skipped=4 * jobs)
        gains[jobs] = found / one
        same = numbers(result)[:48] == numbers(alone)
        say(
            f"{jobs} processes: {found:.2f} points/s, {gains[jobs]:.2f} times those of one core ({one:.2f}); the whole "
            f"{whole_s:.1f} s for {24 * jobs} points against {alone_s:.1f} s for 48; load {os.getloadavg()[0]:.1f}; "
            f"numbers {'identical' if same else 'DIFFER'}"
        )
        assert same
    record(two_cores=round(gains[2], 2))
    assert gains[2] > SMALLEST_GAIN


def processes():
    """Return the folders in /proc of this process and its children."""
    mine = os.getpid()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mine in (int(folder.name), int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])):
                yield folder
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended


def memory_mb():
    """Resident memory of this process and its children [MB]."""
    page = os.sysconf("SC_PAGE_SIZE")
    return sum(int((folder / "statm").read_text().split()[1]) * page for folder in processes()) / 1e6


def processor_s():
    """Processor that this process and its children have used [s]."""
    ticks = (sum(map(int, (folder / "stat").read_text().rsplit(")", 1)[1].split()[11:13])) for folder in processes())
    return sum(ticks) / os.sysconf("SC_CLK_TCK")


@pytest.mark.skipif(len(CORES) < 2, reason="one core")
def test_what_sixty_points_take_of_two_cores_says_what_a_thousand_would(recorded, record):
    """A busy computer makes points wait, and takes no more processor for them: that is what a thousand is said by."""
    data, skipped = recorded(72), 12
    found = []
    result = replay(
        data, "last", told=lambda point: found.append((time.perf_counter(), processor_s(), memory_mb())), jobs=2
    )
    assert (result.points, result.failed) == (72, 0)
    wall_s, processor, memory = (np.array(each) for each in zip(*found[skipped - 1 :], strict=True))
    points = len(found) - skipped
    each_s = (processor[-1] - processor[0]) / points
    say(
        f"{points} points by two processes: {1e3 * each_s:.0f} ms of processor each, documents and all, so 1000 in "
        f"{1000.0 * each_s / 2.0:.0f} s of two quiet cores; in fact {points / (wall_s[-1] - wall_s[0]):.2f} points/s, "
        f"load {os.getloadavg()[0]:.1f}; memory {memory[0]:.0f} to {memory[-1]:.0f} MB"
    )
    record(point_ms=round(1e3 * each_s), thousand_points_s=round(1000.0 * each_s / 2.0))
    assert memory[-1] < (1.0 + LARGEST_GROWTH) * memory[: points // 4].max()


def test_memory_is_flat_over_a_campaign_of_1000_points(recorded, record):
    data = recorded(1000)
    found = []
    result = replay(data, "last", told=lambda point: found.append(memory_mb()), jobs=2)
    assert (result.points, result.failed) == (1000, 0)
    early, late = max(found[80:120]), max(found[980:])
    say(f"two processes and this one hold {early:.0f} MB after 100 points and {late:.0f} MB after 1000")
    record(memory_mb=round(late), growth=round(late / early - 1.0, 3))
    assert late < (1.0 + LARGEST_GROWTH) * early
