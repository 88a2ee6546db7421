"""Break sound inputs of one format a number of times and count what comes of it.

``python -m tests.faults.mutate --format F --count N --seed S``

*read*: taken for sound; *refused*: by one of our own errors; *unexpected*: any other error; *slow*: more than five
seconds of work, or a minute of waiting; *outside*: a file was written, changed or removed where it must not be.
"""

import argparse
import contextlib
import io
import json
import logging
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from functools import cache
from pathlib import Path

from .formats import FORMATS

SLOW_S = 5.0  # of work: a busy computer makes nothing slow
WAITED_S = 60.0  # on the wall: what waits for ever does not work
MEMORY_BYTES = 3 << 30  # beyond what the process has once all is loaded
CHUNK = 2500  # inputs a process
MOST_TOLD = 5
SHARED = (  # what most formats are read with
    f"{__package__}.formats",
    "lics_beamline.follower.live_reduction",
    "lics_beamline.replay",
    "lics_beamline.frames.fabio_frames",
    "lics_beamline.lines.compilation",
    "scipy.optimize",
)


class SlowInput(BaseException):
    """An input took too long."""


def _too_slow(*_):
    raise SlowInput


@cache
def sound(name: str) -> list[tuple[str, bytes]]:
    """Return the sound inputs of a format, by their names."""
    return sorted(FORMATS[name].sound().items())


def one(name: str, seed: int, folder: Path) -> tuple[str, str]:
    """Read one broken input; return what came of it, and where an unexpected error came up."""
    from lics_beamline.errors import LicsError

    form = FORMATS[name]
    rng = random.Random(f"{name} {seed}")
    file, content = rng.choice(sound(name))
    broken = form.documents if form.documents is not None and rng.random() < 0.6 else form.broken
    path = folder / "work" / file
    path.parent.mkdir()
    path.write_bytes(broken(content, rng))
    signal.setitimer(signal.ITIMER_PROF, SLOW_S)
    signal.setitimer(signal.ITIMER_REAL, WAITED_S)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            form.read(path)
    except LicsError as error:
        return ("refused", "") if str(error).strip() else ("unexpected", "a refusal without a word")
    except SlowInput:
        return "slow", traceback.format_exc()
    except Exception:
        return "unexpected", traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        shutil.rmtree(path.parent)
    return "read", ""


def _state(folder: Path) -> list[tuple[str, int, int]]:
    found = sorted(folder.rglob("*"))
    return [(str(path), path.lstat().st_size, path.lstat().st_mtime_ns if path.is_file() else 0) for path in found]


def _chunk(name: str, seeds: range, results) -> None:
    """Work of a child: bounded in memory, watched by a clock, in a folder whose surroundings are compared."""
    logging.disable(logging.CRITICAL)
    os.environ["OMP_NUM_THREADS"] = "1"
    signal.signal(signal.SIGALRM, _too_slow)
    signal.signal(signal.SIGPROF, _too_slow)
    with tempfile.TemporaryDirectory() as made:
        top = Path(made)
        os.chdir(top)
        (top / "neighbour.txt").write_text("not to be touched")
        folder = top / "inputs"
        folder.mkdir()
        counts: Counter[str] = Counter()
        told: list[tuple[int, str]] = []
        form = FORMATS[name]
        for file, content in sound(name):  # loads all libraries, and shows that what is sound is read
            (folder / "work").mkdir()
            (folder / "work" / file).write_bytes(content)
            form.read(folder / "work" / file)
            shutil.rmtree(folder / "work")
        used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY_BYTES, used + MEMORY_BYTES))
        before = _state(top)
        for seed in seeds:
            what, where = one(name, seed, folder)
            counts[what] += 1
            if where:
                told.append((seed, where))
        counts["outside"] += _state(top) != before
    results.send((dict(counts), told[:MOST_TOLD]))


def mutate(name: str, *, count: int, seed: int) -> tuple[Counter[str], list[tuple[int, str]]]:
    """Break a format `count` times; return what came of it how often, and where what must not came up."""
    context = multiprocessing.get_context("forkserver")  # a fresh process for each, and the imports once
    context.set_forkserver_preload(list(SHARED))
    total: Counter[str] = Counter(dict.fromkeys(("refused", "read", "unexpected", "slow", "outside"), 0))
    told: list[tuple[int, str]] = []
    for begin in range(seed, seed + count, CHUNK):
        answer, results = context.Pipe(duplex=False)
        child = context.Process(target=_chunk, args=(name, range(begin, min(begin + CHUNK, seed + count)), results))
        with answer:
            with results:  # held by the child alone from here on: with it ends what could come of it
                child.start()
            if not answer.poll(CHUNK * WAITED_S):
                child.kill()
            try:
                counts, some = answer.recv()
                child.join()
            except EOFError:
                child.join()
                counts, some = {"unexpected": 1}, [(begin, f"the process ended with {child.exitcode}")]
        total.update(counts)
        told += some
    return total, told


def main() -> int:
    """Break what was asked for, print the counts, and end with 4 where something came up that must not."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--format", choices=[*FORMATS, "all"], default="all")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    worst = 0
    for name in FORMATS if asked.format == "all" else [asked.format]:
        counts, told = mutate(name, count=asked.count, seed=asked.seed)
        worst += counts["unexpected"] + counts["slow"] + counts["outside"]
        line = json.dumps({"format": name, **counts}) if asked.json else f"{name:<16} {dict(counts)}"
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
        for seed, where in told[:MOST_TOLD]:
            sys.stderr.write(f"--- {name}, seed {seed}\n{where}\n")
    return 4 if worst else 0


if __name__ == "__main__":
    sys.exit(main())
