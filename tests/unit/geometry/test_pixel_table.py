"""Tables of pixels that are kept on disk: used by the next process, never believed where they are not what was kept."""

import logging
import multiprocessing
import os
import subprocess
import sys

import numpy as np
import pytest

from lics_beamline.geometry.geometry import Geometry, flat_geometry
from lics_beamline.geometry.pixel_table import DTYPES, PixelTable, pixel_table
from lics_beamline.integration.integration import Integration, Integrator

SHAPE = (1000, 1200)


def geometry(distance_mm=200.0):
    return flat_geometry(distance_mm=distance_mm, wavelength_angstrom=0.41, shape=SHAPE, pixel_mm=0.1)


def drawn(seed):
    draw = np.random.default_rng(seed)
    return PixelTable(
        two_theta_deg=draw.uniform(0.0, 30.0, SHAPE),
        weight=draw.uniform(0.5, 1.0, SHAPE).astype(np.float32),
        sector=draw.integers(0, 72, SHAPE, dtype=np.uint8),
        masked=draw.uniform(size=SHAPE) < 0.1,
    )


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LICS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "pixels"


def asked(seed, *, where=None, polarisation=0.99, sectors=72):
    """Return the weights asked for, and whether they were made anew."""
    made = []

    def make():
        made.append(seed)
        return drawn(seed)

    table = pixel_table(where or geometry(), SHAPE, polarisation=polarisation, sectors=sectors, make=make)
    return table, bool(made)


def same(one, other):
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in DTYPES)


def test_a_table_is_made_once_and_is_the_same_to_the_last_bit_when_asked_for_again(cache):
    first, made = asked(1)
    again, made_again = asked(2)
    assert (made, made_again) == (True, False)
    assert same(first, again)


@pytest.mark.parametrize("other", [{"where": geometry(201.0)}, {"polarisation": 0.9}, {"sectors": 36}])
def test_another_geometry_polarisation_or_division_has_a_table_of_its_own(cache, other):
    asked(1)
    table, made = asked(2, **other)
    assert made
    assert same(table, drawn(2))
    assert same(asked(3)[0], drawn(1))


def cut(content):
    return content[: len(content) // 2]


def flipped(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize("damage", [cut, flipped, lambda content: b"", lambda content: b"not a table" * 1000])
def test_a_damaged_table_is_made_anew_and_said(cache, damage, caplog):
    asked(1)
    (file,) = cache.iterdir()
    file.write_bytes(damage(file.read_bytes()))
    with caplog.at_level(logging.WARNING):
        table, made = asked(2)
    assert made
    assert same(table, drawn(2))
    assert file.name in caplog.text
    assert same(asked(3)[0], drawn(2))


def test_a_table_that_lies_under_the_name_of_another_is_not_taken_for_it(cache):
    asked(1)
    (mine,) = cache.iterdir()
    asked(2, where=geometry(201.0))
    (other,) = set(cache.iterdir()) - {mine}
    mine.write_bytes(other.read_bytes())
    assert same(asked(3)[0], drawn(3))


def test_where_no_table_can_be_kept_each_process_makes_its_own(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    for folder in (str(tmp_path / "file"), "", "/proc/none"):
        monkeypatch.setenv("LICS_CACHE", folder)
        for seed in (1, 2):
            table, made = asked(seed)
            assert made
            assert same(table, drawn(seed))


def test_a_full_disk_leaves_no_part_of_a_table(cache):
    cache.mkdir(parents=True)
    resource = pytest.importorskip("resource")
    least, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal = pytest.importorskip("signal")
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, most))
    try:
        table, made = asked(1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (least, most))
        signal.signal(signal.SIGXFSZ, before)
    assert made
    assert same(table, drawn(1))
    assert list(cache.iterdir()) == []


def test_the_tables_longest_unused_make_room_and_so_does_what_a_dead_process_left(cache):
    cache.mkdir(parents=True)
    for name, size, age_s in (("older.npz", 600e6, 7200), ("old.npz", 600e6, 3600), (".torn.npz.1.new", 1e3, 7200)):
        with (cache / name).open("wb") as file:
            file.truncate(int(size))  # a hole, which takes no room on the disk
        then = (cache / name).stat().st_mtime - age_s
        os.utime(cache / name, (then, then))
    asked(1)
    left = {file.name for file in cache.iterdir()}
    assert "old.npz" in left
    assert len(left) == 2
    assert not asked(2)[1]


def test_a_table_that_is_used_stays_longest(cache):
    asked(1)
    (file,) = cache.iterdir()
    os.utime(file, (1e9, 1e9))
    asked(2)
    assert file.stat().st_mtime > 1.1e9


def _ask(folder, results):
    os.environ["LICS_CACHE"] = folder
    results.put([float(asked(5)[0].weight.sum(dtype=np.float64)) for _ in range(3)])


def test_several_processes_at_once_all_have_the_right_table(tmp_path):
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    processes = [context.Process(target=_ask, args=(str(tmp_path), results)) for _ in range(3)]
    for process in processes:
        process.start()
    found = [results.get() for _ in processes]
    for process in processes:
        process.join()
    right = float(drawn(5).weight.sum(dtype=np.float64))
    assert found == [[right] * 3] * 3


def test_a_pattern_by_a_kept_table_is_that_of_a_new_one_to_the_last_bit(cache):
    frame = np.random.default_rng(1).poisson(50.0, SHAPE).astype(np.int32)
    new, kept = (Integrator(geometry(), Integration(bins=500), shape=SHAPE).integrate(frame) for _ in range(2))
    assert len(list(cache.iterdir())) == 1
    for name in ("two_theta_deg", "intensity", "sigma", "counted", "rejected"):
        assert np.array_equal(getattr(new, name), getattr(kept, name)), name


def test_where_a_table_was_kept_pyfai_is_not_loaded_and_the_gaps_of_the_detector_are_known(cache):
    plain = geometry().poni
    config = next(line for line in plain.splitlines() if line.startswith("Detector_config"))
    plain = plain.replace(config, 'Detector_config: {"orientation": 3}')
    where = Geometry(poni=plain.replace("Detector: Detector", "Detector: Pilatus 1M"))
    Integrator(where, Integration(bins=300), shape=(1043, 981))
    (cache.parent / "g.poni").write_text(where.poni)
    code = """
import sys
import numpy as np
from pathlib import Path
from lics_beamline.geometry.geometry import read_geometry
from lics_beamline.integration.integration import Integration, Integrator
kept = Integrator(read_geometry(Path(sys.argv[1])), Integration(bins=300), shape=(1043, 981))
print("pyFAI" in sys.modules, int(kept.integrate(np.full((1043, 981), 100, np.int32)).counted.sum()))
"""
    said = subprocess.run(
        [sys.executable, "-c", code, str(cache.parent / "g.poni")], capture_output=True, text=True, check=True
    )
    loaded, counted = said.stdout.split()
    assert loaded == "False"
    assert int(counted) == 10 * 195 * 487  # modules of 195 rows and 487 columns, with gaps between them
