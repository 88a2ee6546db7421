"""``python -m tests.faults.campaign --kills N --seed S [--json]``: a sweep killed at random moments and resumed.

A shortened sweep runs against soft IOCs in a process of their own. At random moments engine, guard, followers, IOCs or
pairs of them are killed with SIGKILL; what must make safe does so; a person's acknowledgement is given; the sweep is
resumed. When it is whole the next one begins, until the kills are spent; Ctrl-C ends the campaign with the sweep
that is under way. Nothing here helps what is tried: it only kills, starts again what a supervisor of services would
start again, and counts.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1]))  # pytest does the same: what tests share is found as worlds
from worlds.short_experiment import AS_LOADED, experiment, heating, pressure

from lics_beamline.data_folder import DataFolder
from lics_beamline.devices.control_layer import choose
from lics_beamline.experiment import Experiment, read_experiment
from lics_beamline.follower.status import WHICH
from lics_beamline.journal.events import events
from lics_beamline.journal.head import heads
from lics_beamline.journal.reader import read
from lics_beamline.profile import read_profile
from lics_beamline.schema import APPROACH, FAILURE, HEATING, PRIMARY, READOUT, SWEEP
from lics_beamline.session.simulation import loopback
from lics_beamline.verification.whole import verify
from lics_simulators.server import free_port

EXPERIMENT = experiment(
    AS_LOADED,
    pressure(1.0, 2.0, 4.2),
    heating(330.0, 350.0, soak_s=150),
    pressure(3.8, stroke="downstroke", temperature_k=350),
    title="a short way, cut off again and again",
)
POINTS = 7
TARGETS = (
    *(("engine",),) * 4,
    ("guard",),
    ("reduce",),
    ("catalog",),
    ("engine", "guard"),
    ("engine", "reduce"),
    ("engine", "catalog"),
    ("ioc",),
    ("engine", "ioc"),
)
BETWEEN_S = 40.0  # a kill comes at a random moment within this of the opening of the run
EARLY = 0.15  # share of the kills that come before, while the session opens, within
EARLY_S = 5.0
SAFE_WITHIN_S = 60.0  # after which a beamline that is not safe counts as one that never was
ENVELOPE_GPA = read_profile("simulated").values.envelope.pressure_gpa[1]
LONGEST_SWEEP_S = 900.0  # without being killed, of wall clock: only a hang is caught


@dataclass(kw_only=True)
class Score:
    """What came of a campaign."""

    kills: int = 0
    killed: Counter[str] = field(default_factory=Counter)
    sweeps: int = 0
    points_asked: int = 0
    measured_once: int = 0
    measured_twice: int = 0
    lost: int = 0
    plates_lost: int = 0
    journals_damaged: int = 0
    differences: int = 0  # of plates, reductions and catalog from what was recorded
    documents_lost: int = 0
    breaches: int = 0
    unsafe_s: dict[str, float] = field(default_factory=dict)  # the longest, by what was killed
    recovered_s: list[float] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        plain = asdict(self) | {"killed": dict(self.killed)}
        plain["longest_unsafe_s"] = max(self.unsafe_s.values(), default=0.0)
        plain["median_recovery_s"] = statistics.median(self.recovered_s) if self.recovered_s else None
        return plain

    def line(self) -> str:
        """Return how it stands, in one line."""
        return (
            f"{self.kills} kills in {self.sweeps} sweeps: {self.measured_once} of {self.points_asked} points once, "
            f"{self.measured_twice} twice, {self.lost} lost; {self.documents_lost} documents lost, {self.breaches} "
            f"breaches, at most {max(self.unsafe_s.values(), default=0.0):.1f} s unsafe, {len(self.troubles)} troubles"
        )

    def lines(self) -> Iterator[str]:
        """Yield it for people."""
        yield f"kills                 {self.kills} ({', '.join(f'{n} {what}' for what, n in self.killed.items())})"
        yield f"sweeps, points asked  {self.sweeps}, {self.points_asked}"
        yield f"measured once         {self.measured_once}"
        yield f"measured twice        {self.measured_twice}"
        yield f"lost                  {self.lost}"
        yield f"plates lost           {self.plates_lost} (measured again where the cell was still there)"
        yield f"documents lost        {self.documents_lost}, journals damaged {self.journals_damaged}"
        yield f"differences           {self.differences} between journals, plates, reductions and catalog"
        yield f"envelope breaches     {self.breaches}"
        longest = (f"{seconds:.1f} s after {what}" for what, seconds in self.unsafe_s.items())
        yield f"longest unsafe time   {', '.join(longest) or 'none'}"
        if self.recovered_s:
            yield (
                f"measuring again       {statistics.median(self.recovered_s):.1f} s (median), "
                f"{max(self.recovered_s):.1f} s (most) after the resume, reheating not counted"
            )
        for trouble in self.troubles:
            yield f"trouble               {trouble}"


class Iocs:
    """The soft IOCs, on a port of their own, with the plates and the world in a folder."""

    def __init__(self, folder: Path, *, seed: int, speed: float) -> None:
        self._folder, self._seed, self._speed = folder, seed, speed
        self.port = free_port(0)
        self.environment = loopback(self.port)
        self.process = self._start()

    def _start(self) -> subprocess.Popen[str]:
        (self._folder / "logs").mkdir(parents=True, exist_ok=True)
        with (self._folder / "logs" / "iocs.log").open("a") as said:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "lics_simulators", "--port", str(self.port)),
                    *("--seed", str(self._seed), "--speed", f"{self._speed:g}"),
                    *("--plates", str(self._folder / "plates"), "--parent-pid", str(os.getpid()), "--go-on", "killed"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                start_new_session=True,
            )
        for line in process.stdout or ():
            if line.startswith("ready"):
                break
        return process

    def restart(self) -> None:
        """Start them again, as the supervisor of a beamline's IOCs does."""
        _end(self.process)
        self.process = self._start()

    def end(self) -> None:
        """End them."""
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        _end(self.process)


class Campaign:
    """Sweeps, killed until the kills are spent."""

    def __init__(
        self,
        *,
        kills: int,
        seed: int,
        speed: float,
        folder: Path,
        targets: Sequence[tuple[str, ...]] = TARGETS,
        experiment: str = EXPERIMENT,
        between_s: float = BETWEEN_S,
        early: float = EARLY,
    ) -> None:
        self._between_s = between_s
        self._early = early
        self._experiment = experiment
        self._kills, self._speed, self._folder, self._targets = kills, speed, folder, targets
        follow = any(which in target for target in targets for which in WHICH)
        self._followers = "both" if follow else "none"  # where none is killed, none is needed
        self._random = random.Random(seed)
        self._seed = seed
        self.score = Score()

    def kill_no_more(self, *_: object) -> None:
        """Let the sweep under way run to its end, and count what there is by then."""
        self._kills = self.score.kills

    def run(self) -> Score:
        """Run it."""
        while self.score.kills < self._kills:
            folder = self._folder / f"sweep-{self.score.sweeps}"
            folder.mkdir(parents=True)
            (folder / "short.toml").write_text(self._experiment)
            iocs = Iocs(folder / "data", seed=self._seed + self.score.sweeps, speed=self._speed)
            safety = Safety(iocs)
            try:
                self._sweep(folder, iocs, safety)
            finally:
                safety.end()
                iocs.end()
                _end_all(DataFolder(folder / "data"))
            self.score.sweeps += 1
            self._verify(folder)
            self._count(DataFolder(folder / "data"), read_experiment(folder / "short.toml"))
            print(self.score.line(), file=sys.stderr, flush=True)  # noqa: T201
        return self.score

    def _sweep(self, folder: Path, iocs: Iocs, safety: Safety) -> None:
        data = DataFolder(folder / "data")
        environment = {**os.environ, **iocs.environment, "TILED_PROFILES": str(folder / "profiles")}
        command, begun = ["sweep", str(folder / "short.toml")], False
        tries = 0
        while True:
            resumed_at = time.monotonic()
            with (folder / "said.log").open("a") as said:
                said.write(f"--- lics {' '.join(command)}\n")
                said.flush()
                engine = subprocess.Popen(
                    [
                        *(sys.executable, "-m", "lics_beamline", *command),
                        *("--followers", self._followers, "--data", str(data.root)),
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=said,
                    env=environment,
                    start_new_session=True,
                )
            if begun:
                self._watch_recovery(data, engine, resumed_at)
            targets = self._random.choice(self._targets) if self.score.kills < self._kills else ()
            ended = self._await_moment(engine, data) if targets else self._await(engine, LONGEST_SWEEP_S)
            if ended is None and not targets:
                self.score.troubles.append(f"{folder.name}: a sweep nobody killed did not end in {LONGEST_SWEEP_S} s")
                engine.kill()
                return
            if ended is None:
                self._kill(targets, engine, data, iocs, safety)
            code = self._await(engine, LONGEST_SWEEP_S)
            if code is None:
                self.score.troubles.append(f"{folder.name}: lics {command[0]} hung, {'+'.join(targets)} killed")
                engine.kill()
                engine.wait()
            if code == 0:
                return
            tries = 0 if ended is None else tries + 1
            if tries > 2:
                self.score.troubles.append(f"{folder.name}: lics {command[0]} ends with exit code {code}; see said.log")
                return
            subprocess.run(
                [sys.executable, "-m", "lics_beamline", "guard", "--acknowledge", "--data", str(data.root)],
                env=environment,
                capture_output=True,
                check=False,
            )
            begun = any(head.start.get("purpose") == SWEEP for head in heads(data.raw_journals))
            command = ["resume", "--yes"] if begun else ["sweep", str(folder / "short.toml")]

    def _await_moment(self, engine: subprocess.Popen[bytes], data: DataFolder) -> int | None:
        """Wait for the moment of a kill: while the session opens, or once its run has, late on a busy computer."""
        if self._random.random() < self._early:
            return self._await(engine, self._random.uniform(0.2, EARLY_S))
        wait_s = self._random.uniform(0.0, self._between_s)
        known = set(data.raw_journals.glob("*.jsonl"))
        until_s = time.monotonic() + LONGEST_SWEEP_S
        while set(data.raw_journals.glob("*.jsonl")) <= known and time.monotonic() < until_s:
            code = self._await(engine, 0.1)
            if code is not None:
                return code
        return self._await(engine, wait_s)

    def _await(self, process: subprocess.Popen[bytes], seconds: float) -> int | None:
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def _kill(
        self,
        targets: tuple[str, ...],
        engine: subprocess.Popen[bytes],
        data: DataFolder,
        iocs: Iocs,
        safety: Safety,
    ) -> None:
        """Kill at once, and time how long the beamline is not safe where it must become so."""
        pids = {"engine": engine.pid, "ioc": iocs.process.pid}
        for name in ("guard", "reduce", "catalog"):
            with contextlib.suppress(OSError, ValueError, KeyError):
                pids[name] = int(json.loads((data.logs / f"{name}.json").read_text())["pid"])
        killed_at = time.monotonic()
        for target in targets:
            with contextlib.suppress(KeyError, ProcessLookupError):
                os.kill(pids[target], signal.SIGKILL)
        self.score.kills += 1
        self.score.killed["+".join(targets)] += 1
        if "ioc" in targets:
            iocs.restart()
            killed_at = time.monotonic()
        if "engine" in targets:
            engine.wait()
            what, unsafe_s = "+".join(targets), safety.seconds_until_safe(killed_at)
            self.score.unsafe_s[what] = max(unsafe_s, self.score.unsafe_s.get(what, 0.0))

    def _watch_recovery(self, data: DataFolder, engine: subprocess.Popen[bytes], since: float) -> None:
        """Note when the resumed run reads its first pressure beyond the way back to temperature."""

        def watch() -> None:
            known = {head.uid for head in heads(data.raw_journals)}
            while engine.poll() is None:
                for head in heads(data.raw_journals):
                    if head.uid in known:
                        continue
                    with contextlib.suppress(Exception):
                        streams = {
                            event.stream
                            for event in events(read(head.path))
                            if not str(event.data.get("leg", "")).startswith("back to")
                        }
                        if streams & {APPROACH, HEATING, PRIMARY}:
                            self.score.recovered_s.append(time.monotonic() - since)
                            return
                time.sleep(0.5)

        threading.Thread(target=watch, daemon=True).start()

    def _verify(self, folder: Path) -> None:
        """Let the followers catch up with what was killed in their hands, and hold all that is there against it."""
        if self._followers == "none":
            return
        data = DataFolder(folder / "data")
        environment = {**os.environ, "TILED_PROFILES": str(folder / "profiles")}
        subprocess.run(
            [sys.executable, "-m", "lics_beamline", "follow", "--once", "--data", str(data.root)],
            env=environment,
            capture_output=True,
            check=False,
        )
        for difference in verify(data).differences:
            if difference.is_wrong:
                self.score.differences += 1
                self.score.troubles.append(f"{folder.name}: {difference}")

    def _count(self, data: DataFolder, experiment: Experiment) -> None:
        """Count what the journals of one sweep hold."""
        read_out: Counter[int] = Counter()
        exposed: dict[str, int] = {}
        for head in heads(data.raw_journals):
            if head.start.get("purpose") != SWEEP:
                continue
            numbers: Counter[str] = Counter()
            try:
                documents = list(read(head.path))
            except Exception as error:  # whatever is wrong with it: that is what is counted
                self.score.journals_damaged += 1
                self.score.troubles.append(f"{head.path.name}: {error}")
                continue
            for name, doc in documents:
                if name == "event":
                    numbers[doc["descriptor"]] += 1
                    self.score.documents_lost += int(doc["seq_num"] != numbers[doc["descriptor"]])
            for event in events(documents):
                if event.stream == PRIMARY:
                    exposed[event.data["exposure_uid"]] = event.data["point_index"]
                elif event.stream == READOUT:
                    read_out[exposed[event.data["exposure_uid"]]] += 1
                elif event.stream == FAILURE and "plate not read" in event.data["reason"]:
                    self.score.plates_lost += 1
                pressure_gpa = event.data.get("pressure_gpa")
                self.score.breaches += int(pressure_gpa is not None and float(pressure_gpa) > ENVELOPE_GPA)
        asked = len(experiment.points())
        if experiment.acts:  # how many points that takes is seen on the way
            asked = max(exposed.values(), default=-1) + 1
        self.score.points_asked += asked
        self.score.measured_once += sum(count == 1 for count in read_out.values())
        self.score.measured_twice += sum(count > 1 for count in read_out.values())
        self.score.lost += sum(index not in read_out for index in range(asked))
        for line in (data.plates / "truth.jsonl").read_text().splitlines():
            with contextlib.suppress(ValueError):  # the last line of IOCs that were killed
                self.score.breaches += int(json.loads(line).get("pressure_gpa", 0.0) > ENVELOPE_GPA)


class Safety:
    """What the PVs read back, watched by a process of its own: it has no part in what is tried.

    Time for which the world stood still, to draw a plate or to wait for who drives it, is none in which it was unsafe:
    nothing heats or leaks then, and no instrument can answer a command.
    """

    def __init__(self, iocs: Iocs) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.campaign", "--watch"],
            env={**os.environ, **iocs.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        self._seen: list[tuple[float, bool]] = []
        self._stood: list[tuple[float, float]] = []  # when, and for how long the world had stood still by then
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            when, state, still_s = line.split()
            with self._changed:
                self._stood.append((float(when), float(still_s)))
                if [state == "safe"] != [safe for _, safe in self._seen[-1:]]:
                    self._seen.append((float(when), state == "safe"))
                self._changed.notify_all()

    def seconds_until_safe(self, since: float) -> float:
        """Return how long after a moment the beamline was read back as safe; the limit where it never was."""

        def safe_at() -> float | None:
            before = [safe for when, safe in self._seen if when <= since]
            if before and before[-1] and not any(when > since for when, _ in self._seen):
                return since
            return next((when for when, safe in self._seen if when > since and safe), None)

        with self._changed:
            self._changed.wait_for(lambda: safe_at() not in (None, since), timeout=1.0)
            self._changed.wait_for(lambda: safe_at() is not None, timeout=SAFE_WITHIN_S)
            found = safe_at()
            if found is None:
                return SAFE_WITHIN_S
            return max(found - since - self._stood_still_s(since, found), 0.0)

    def _stood_still_s(self, since: float, until: float) -> float:
        """Return for how long the world stood still between two moments; IOCs started again count from nothing."""
        stood = [still_s for when, still_s in self._stood if when <= since][-1:]
        stood += [still_s for when, still_s in self._stood if since < when <= until]
        return sum(max(later - earlier, 0.0) for earlier, later in itertools.pairwise(stood))

    def end(self) -> None:
        """Watch no more."""
        self._process.kill()
        self._reader.join()
        _end(self._process)


def _watch() -> int:
    """Print when the beamline becomes safe by what is read back, or not any more, or stood still; for ever."""
    choose()
    from lics_beamline.devices.alarm import value_of
    from lics_beamline.devices.assembly import assemble
    from lics_beamline.devices.beamline import connect
    from lics_beamline.devices.safe_state import rest_of

    with tempfile.TemporaryDirectory() as folder:
        beamline = assemble(read_profile("simulated"), DataFolder(Path(folder)))
        connect(beamline, 20.0, strict=False)
        was: tuple[bool, float] | None = None
        while True:
            safe = not any(rest_of(beamline))
            clock = beamline.clock
            still_s = sum(value_of(stands) or 0.0 for stands in (clock.held_wall_s, clock.waited_wall_s))
            if (safe, still_s) != was:
                print(time.monotonic(), "safe" if safe else "unsafe", still_s, flush=True)  # noqa: T201
            was = safe, still_s
            time.sleep(0.05)


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    if process.stdout:
        process.stdout.close()


def _end_all(data: DataFolder) -> None:
    """End guard and followers that are still there."""
    for name in ("guard", "reduce", "catalog"):
        with contextlib.suppress(OSError, ValueError, KeyError):
            said = json.loads((data.logs / f"{name}.json").read_text())
            if said.get("state") != "ended":
                os.kill(int(said["pid"]), signal.SIGKILL)


def main(arguments: list[str] | None = None) -> int:
    """Run a campaign; exit code 0 where nothing was lost, nothing twice, and no limit passed."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.campaign", description=__doc__)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", type=float, default=300.0)
    parser.add_argument("--only", metavar="WHAT", help="kill only this: engine, guard, engine+ioc ... (default: any)")
    parser.add_argument("--between", type=float, default=BETWEEN_S, metavar="S", help="longest time to a kill")
    parser.add_argument("--experiment", type=Path, metavar="FILE", help="sweep that is killed (default: a short one)")
    parser.add_argument("--folder", type=Path, help="keep everything there (default: a temporary folder)")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--watch", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.watch:
        return _watch()
    with contextlib.ExitStack() as stack:
        folder = asked.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        targets = [tuple(asked.only.split("+"))] if asked.only else TARGETS
        campaign = Campaign(
            kills=asked.kills,
            seed=asked.seed,
            speed=asked.speed,
            folder=folder,
            targets=targets,
            between_s=asked.between,
            experiment=asked.experiment.read_text() if asked.experiment else EXPERIMENT,
        )
        signal.signal(signal.SIGINT, campaign.kill_no_more)
        score = campaign.run()
    print(json.dumps(score.as_dict(), indent=1) if asked.json else "\n".join(score.lines()))  # noqa: T201
    bad = score.measured_twice or score.lost or score.documents_lost or score.journals_damaged or score.breaches
    return 1 if bad or score.troubles else 0


if __name__ == "__main__":
    sys.exit(main())
