"""``python -m tests.faults.soak --points N [--part recording|sweep] [--json]``: is a long run as light as it began?

Two parts, because a sweep of thousands of points on the simulated beamline lasts for hours. In *recording* this process
records points as an engine does, each with a small plate, and waits for its live result before the next; the cataloguer
and the live reducer follow. In *sweep* a session with its guard and its simulators walks a real sweep, as cheap as it
can be, that nobody reduces. Of each process memory, open handles, threads and computing time a point are compared
between the first mark and the last point. Nothing is judged by the wall clock, which other work makes long.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # pytest does the same: the drawn plates are found as worlds.ring_plate
from worlds.ring_plate import (
    ALLOY_LINES,
    AXIS_NM,
    DISTANCE_MM,
    PIXEL_MM,
    SHAPE,
    WAVELENGTH,
    cubic_lines,
    ring_image,
    ruby_spectrum,
    write_osc,
)
from worlds.short_experiment import AS_LOADED, experiment

from lics_beamline.data_folder import DataFolder
from lics_beamline.experiment import read_experiment
from lics_beamline.follower import process as follower
from lics_beamline.follower.status import WHICH, status
from lics_beamline.geometry.geometry import flat_geometry
from lics_beamline.journal.events import Streams
from lics_beamline.journal.head import heads
from lics_beamline.journal.reader import Tail
from lics_beamline.journal.writer import Journal
from lics_beamline.plans.live import LiveResults
from lics_beamline.profile import LiveSettings, read_profile
from lics_beamline.reduction.recipe import Frames, Recipe
from lics_beamline.schema import PLATE_SPEC, READOUT, SWEEP

FIRST_MARK = 200  # points after which nothing may grow any more: every library is loaded, every table filled
WINDOW = 20  # points before a mark, whose median counts: one reading meets what is about to be let go
MOST_GROWTH_PERCENT = 2.0
MOST_MORE_HANDLES = 2.0  # in a median over the window: files come and go, a leak is a handle a point
PLATES = 5  # drawn, and read again and again: more than any memory of images holds
APPROACHES = 3  # events on the way to each point
LONGEST_POINT_S = 600.0  # of wall clock: only a hang is caught
CAUGHT_UP_S = 600.0

SHORT = experiment(AS_LOADED + "count = {points}\n", title="a cell watched for very long", time_s=1)


@dataclass(frozen=True, kw_only=True)
class Footprint:
    """What a process takes: memory that is its own and no file's [KiB], handles, threads, computing time [s].

    Its part of the libraries would change with every other process that comes and goes with the same ones.
    """

    memory_kib: float
    handles: float
    threads: float
    busy_s: float


def footprint(pid: int) -> Footprint:
    """Return what a living process takes now."""
    proc = Path(f"/proc/{pid}")
    memory = next(line for line in (proc / "smaps_rollup").read_text().splitlines() if line.startswith("Anonymous:"))
    said = (proc / "stat").read_text().rsplit(")", 1)[1].split()
    return Footprint(
        memory_kib=float(memory.split()[1]),
        handles=float(len(list((proc / "fd").iterdir()))),
        threads=float(said[17]),
        busy_s=(int(said[11]) + int(said[12])) / os.sysconf("SC_CLK_TCK"),
    )


@dataclass(kw_only=True)
class Watched:
    """One process, looked at before each of two marks."""

    pid: int
    seen: dict[int, Footprint] = field(default_factory=dict)
    looking_s: float = 0.0  # computing time of this process for looking: not that of what it does

    def look(self, point: int) -> None:
        """Take note of what it takes after a number of points; one that is gone is noted by its absence."""
        is_this, began_s = self.pid == os.getpid(), time.process_time()
        if is_this:
            gc.collect()
        with contextlib.suppress(OSError):
            seen = footprint(self.pid)
            self.seen[point] = replace(seen, busy_s=seen.busy_s - self.looking_s)
        self.looking_s += time.process_time() - began_s if is_this else 0.0

    def at(self, mark: int) -> Footprint | None:
        """Return the median over the window before a mark; the computing time is that of a point."""
        seen = [self.seen[point] for point in range(mark - WINDOW + 1, mark + 1) if point in self.seen]
        if len(seen) < 2:
            return None
        return Footprint(
            memory_kib=statistics.median(each.memory_kib for each in seen),
            handles=statistics.median(each.handles for each in seen),
            threads=statistics.median(each.threads for each in seen),
            busy_s=(seen[-1].busy_s - seen[0].busy_s) / (len(seen) - 1),
        )


@dataclass(frozen=True, kw_only=True)
class Change:
    """One process at both marks."""

    process: str
    first: Footprint
    last: Footprint

    @property
    def growth_percent(self) -> float:
        """Memory that came."""
        return 100.0 * (self.last.memory_kib / self.first.memory_kib - 1.0)

    @property
    def is_flat(self) -> bool:
        """Whether it takes no more than at the first mark, as far as this is judged."""
        more_handles = self.last.handles - self.first.handles
        return self.growth_percent < MOST_GROWTH_PERCENT and more_handles <= MOST_MORE_HANDLES


class Soak:
    """Looks at processes as points are measured.

    Parameters
    ----------
    first, last : int
        The points at which they are compared.
    """

    def __init__(self, first: int, last: int) -> None:
        self.first, self.last = first, last
        self.watched: dict[str, Watched] = {}
        self.points_at_s: dict[int, float] = {}

    def watch(self, process: str, pid: int) -> None:
        """Look at a process from now on; whoever takes the place of another one begins anew."""
        if process not in self.watched or self.watched[process].pid != pid:
            self.watched[process] = Watched(pid=pid)

    def measured(self, point: int) -> None:
        """Take note of the time at which a point (from 1) is there, and look where a mark is near."""
        self.points_at_s[point] = time.monotonic()
        if any(mark - WINDOW < point <= mark for mark in (self.first, self.last)):
            for each in sorted(self.watched.values(), key=lambda each: each.pid == os.getpid()):
                each.look(point)

    def changes(self) -> Iterator[Change]:
        """Yield how each process has changed between the marks."""
        for process, each in self.watched.items():
            first, last = each.at(self.first), each.at(self.last)
            if first is None or last is None:
                raise SystemExit(f"{process} was not there, or not the same process, at both marks")
            yield Change(process=process, first=first, last=last)

    def point_s(self, mark: int) -> float:
        """Return the wall-clock time of a point in the window before a mark."""
        there = [self.points_at_s[point] for point in range(mark - WINDOW + 1, mark + 1) if point in self.points_at_s]
        return (there[-1] - there[0]) / (len(there) - 1)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "first": self.first,
            "last": self.last,
            "point_s": [self.point_s(self.first), self.point_s(self.last)],
            "processes": {
                change.process: {
                    "first": asdict(change.first),
                    "last": asdict(change.last),
                    "growth_percent": change.growth_percent,
                    "is_flat": change.is_flat,
                }
                for change in self.changes()
            },
        }

    def lines(self) -> Iterator[str]:
        """Yield it for people."""
        yield (
            f"point {self.first} -> point {self.last}; wall clock a point {self.point_s(self.first):.2f} s -> "
            f"{self.point_s(self.last):.2f} s"
        )
        yield f"{'process':<11}{'memory MiB':>18}{'growth':>9}{'handles':>12}{'threads':>12}{'CPU ms a point':>20}"
        for change in self.changes():
            first, last = change.first, change.last
            yield (
                f"{change.process:<11}{first.memory_kib / 1024:>8.1f} -> {last.memory_kib / 1024:>6.1f}"
                f"{change.growth_percent:>7.2f} %{first.handles:>6.0f} -> {last.handles:>2.0f}"
                f"{first.threads:>6.0f} -> {last.threads:>2.0f}"
                f"{1000 * first.busy_s:>10.0f} -> {1000 * last.busy_s:>6.0f}{'' if change.is_flat else '   grows'}"
            )


class Recording:
    """Points as an engine records them, made by hand, each after the live result of the one before.

    Parameters
    ----------
    folder : Path
        The data folder.
    """

    def __init__(self, folder: Path) -> None:
        self.data = DataFolder(folder).make()
        geometry = flat_geometry(
            distance_mm=DISTANCE_MM, wavelength_angstrom=WAVELENGTH, shape=SHAPE, pixel_mm=PIXEL_MM
        )
        self._recipe = Recipe(geometry=geometry, frames=Frames(bins=2500, two_theta_deg=(3.0, 30.0), polarisation=0.0))
        self._uid = str(uuid.uuid4())
        self._numbers: dict[str, int] = {}
        self._drawn = [self._draw(number) for number in range(PLATES)]
        self._spectra = [ruby_spectrum(3.0, 298.0, seed=number) for number in range(PLATES)]
        self.start = {
            "uid": self._uid,
            "time": time.time(),
            "purpose": SWEEP,
            "sweep_uid": str(uuid.uuid4()),
            "recipe": self._recipe.model_dump(mode="json"),
            "recipe_digest": self._recipe.digest,
            "sample": {"name": "LiCs"},
        }

    def _draw(self, number: int) -> tuple[Path, str]:
        path = self.data.root / "drawn" / f"{number}.osc"
        write_osc(path, ring_image(cubic_lines(3.585, ALLOY_LINES), seed=number), plate=1 + number % 2)
        return path, hashlib.sha256(path.read_bytes()).hexdigest()

    def record(self, points: int, measured: Callable[[int], None]) -> None:
        """Record points, and say of each that its live result is there."""
        live = LiveResults(
            self.data.derived_journals, self.start, settings=LiveSettings(deadline_s=LONGEST_POINT_S, most_held_s=1.0)
        )
        with Journal(self.data.raw_journals) as journal:
            journal("start", self.start)
            for index in range(points):
                for name, doc in self._point(index):
                    journal(name, doc)
                exposure = f"exposure-{index}"
                live.awaits(exposure, what=f"point {index + 1}").wait()
                live.take(exposure).scale("alloy", dose_counts=1.0)
                measured(index + 1)
            journal(
                "stop",
                {
                    "uid": str(uuid.uuid4()),
                    "run_start": self._uid,
                    "time": time.time(),
                    "exit_status": "success",
                    "num_events": dict(self._numbers),
                },
            )
        live.close()

    def _point(self, index: int) -> Iterator[tuple[str, dict[str, Any]]]:
        exposure, spectrum = f"exposure-{index}", self._spectra[index % PLATES]
        drawn, sha256 = self._drawn[index % PLATES]
        path = self.data.plates / "soak" / f"{index:06d}.osc"
        path.parent.mkdir(exist_ok=True)
        os.link(drawn, path)
        reading = {
            "experiment_time_s": 100.0 * index,
            "point_index": index,
            "leg": "up",
            "stroke": "upstroke",
            "membrane_load_bar": 20.0,
            "thermocouples_gasket_k": 298.0,
            "thermocouples_ambient_k": 298.0,
            "ruby_spectrum": spectrum,
            "ruby_wavelength_nm": AXIS_NM,
        }
        for step in range(APPROACHES):
            yield from self._event("approach", {**reading, "next_load_bar": 20.0 + step})
        yield from self._event(
            "primary",
            {
                **reading,
                "exposure_uid": exposure,
                "requested_pressure_gpa": 3.0,
                "requested_temperature_k": 298.0,
                "exposure_s": 1.0,
            },
        )
        if index == 0:
            yield (
                "resource",
                {
                    "uid": f"{self._uid}-plates",
                    "spec": PLATE_SPEC,
                    "root": "",
                    "resource_path": "plates/soak/",
                    "path_semantics": "posix",
                    "resource_kwargs": {"template": "{:06d}.osc", "chunk_shape": [1, *SHAPE]},
                    "run_start": self._uid,
                },
            )
        datum = f"{self._uid}-plates/{index}"
        yield (
            "datum",
            {"datum_id": datum, "resource": f"{self._uid}-plates", "datum_kwargs": {"point_number": index}},
        )
        yield from self._event(
            READOUT,
            {
                "experiment_time_s": 100.0 * index + 90.0,
                "exposure_uid": exposure,
                "point_index": index,
                "frame_image": datum,
                "frame_path": path.relative_to(self.data.root).as_posix(),
                "frame_sha256": sha256,
                "frame_waited_s": 15.0,
                "frame_plate": 1 + index % 2,
                "previous_exposure_uid": f"exposure-{index - 2}" if index > 1 else "",
            },
        )

    def _event(self, stream: str, data: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        descriptor = f"{self._uid}-{stream}"
        if stream not in self._numbers:
            yield (
                "descriptor",
                {
                    "uid": descriptor,
                    "run_start": self._uid,
                    "time": time.time(),
                    "name": stream,
                    "data_keys": {key: _data_key(key, value) for key, value in data.items()},
                    "configuration": {},
                    "hints": {},
                    "object_keys": {},
                },
            )
        self._numbers[stream] = self._numbers.get(stream, 0) + 1
        now = time.time()
        yield (
            "event",
            {
                "uid": str(uuid.uuid4()),
                "descriptor": descriptor,
                "time": now,
                "seq_num": self._numbers[stream],
                "data": dict(data),
                "timestamps": dict.fromkeys(data, now),
                "filled": {key: False for key in data if key == "frame_image"},
            },
        )


def _data_key(key: str, value: object) -> dict[str, Any]:
    if key == "frame_image":
        external = {"external": "FILESTORE:", "dims": ["y", "x"]}
        return {"source": "soak", "dtype": "array", "shape": list(SHAPE), "dtype_numpy": "<i4", **external}
    if isinstance(value, np.ndarray):
        return {"source": "soak", "dtype": "array", "shape": list(value.shape), "dtype_numpy": "<f8"}
    kind = {int: "integer", str: "string"}.get(type(value), "number")
    return {"source": "soak", "dtype": kind, "shape": []}


def recording(points: int, first: int, folder: Path, *, which: tuple[follower.Which, ...] = WHICH) -> Soak:
    """Record points and look at the recorder and at who follows it."""
    soak, made = Soak(first, points), Recording(folder)
    following = {name: follower.start(made.data, name) for name in which}
    try:
        soak.watch("recorder", os.getpid())
        for name, process in following.items():
            soak.watch(name, process.pid)
        made.record(points, soak.measured)
        _await_caught_up(made.data, which)
    finally:
        for process in following.values():
            process.terminate()
            process.wait()
    return soak


def _await_caught_up(data: DataFolder, which: tuple[str, ...]) -> None:
    """Wait until what was recorded is followed to its end: what is looked at was not left behind."""
    until_s = time.monotonic() + CAUGHT_UP_S
    while time.monotonic() < until_s:
        said = [each for each in status(data) if each.name in which]
        if all(each.state == "waiting" and not each.documents_behind for each in said):
            for each in said:
                if each.troubles:
                    raise SystemExit(f"{each.name} has troubles: {each.troubles}")
            return
        time.sleep(0.2)
    raise SystemExit(f"the followers have not caught up {CAUGHT_UP_S:.0f} s after the last point")


def sweep(points: int, first: int, folder: Path) -> Soak:
    """Walk a real sweep in a process of its own and look at session, guard and simulators."""
    soak, data = Soak(first, points), DataFolder(folder).make()
    (folder / "long.toml").write_text(SHORT.format(points=points))
    with (folder / "said.log").open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.soak", "--session", "--folder", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
    soak.watch("session", process.pid)
    try:
        _follow(data, process, soak)
        if process.wait() != 0:
            raise SystemExit(f"the sweep ended with exit code {process.returncode}; see {folder / 'said.log'}")
    finally:
        process.terminate()
        process.wait()
    return soak


def _follow(data: DataFolder, process: subprocess.Popen[bytes], soak: Soak) -> None:
    """Say of each plate that it has been read, until the last or until the session ends."""
    while not (found := heads(data.raw_journals)):
        if process.poll() is not None:
            return
        time.sleep(0.2)
    soak.watch("guard", int(json.loads((data.logs / "guard.json").read_text())["pid"]))
    soak.watch("simulators", _child_of(process.pid, "lics_simulators"))
    number, streams = 0, Streams()
    with Tail(found[0].path) as tail:
        while number < soak.last and process.poll() is None:
            for name, doc in tail.documents():
                for event in streams.take(name, doc):
                    if event.stream == READOUT:
                        number += 1
                        soak.measured(number)
            time.sleep(0.05)


def _child_of(pid: int, module: str) -> int:
    for proc in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((proc / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if parent == pid and module in (proc / "cmdline").read_text():
                return int(proc.name)
    raise SystemExit(f"process {pid} has started no {module}")


def _session(folder: Path) -> int:
    """Walk the sweep of a folder; nobody follows."""
    from lics_beamline.session.session import open_session
    from lics_beamline.session.simulation import simulated_beamline

    profile, data = read_profile("simulated"), DataFolder(folder)
    experiment = read_experiment(folder / "long.toml")
    with (
        simulated_beamline(profile, data, speed=300.0, seed=1) as simulation,
        open_session(profile, data, simulated=simulation, followers=()) as session,
    ):
        session.engine(session.sweep(experiment))
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Soak; exit code 0 where every process is as light at the last point as at the first mark."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--points", type=int, default=2000, metavar="N")
    parser.add_argument("--first", type=int, default=FIRST_MARK, metavar="N", help="compare with this point")
    parser.add_argument("--part", choices=("recording", "sweep"), help="this part only (default: both)")
    parser.add_argument("--folder", type=Path, help="keep everything there (default: a temporary folder)")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--session", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.session:
        return _session(asked.folder)
    if asked.points < asked.first + WINDOW or asked.first < WINDOW:
        parser.error(f"--first is {WINDOW} at least, and --points {WINDOW} more")
    parts = {"recording": recording, "sweep": sweep}
    came: dict[str, Soak] = {}
    with contextlib.ExitStack() as stack:
        folder = asked.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for name in (asked.part,) if asked.part else tuple(parts):
            (folder / name).mkdir(parents=True)
            came[name] = parts[name](asked.points, asked.first, folder / name)
    if asked.json:
        print(json.dumps({name: soak.as_dict() for name, soak in came.items()}, indent=1))  # noqa: T201
    else:
        for name, soak in came.items():
            print(f"{name}:", *soak.lines(), sep="\n  ")  # noqa: T201
    return 0 if all(change.is_flat for soak in came.values() for change in soak.changes()) else 1


if __name__ == "__main__":
    sys.exit(main())
