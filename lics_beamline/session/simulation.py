"""Starting and ending the simulated beamline as a process of its own, reached over Channel Access on loopback only."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import NotConnected, ProfileError
from lics_beamline.extras import require
from lics_beamline.journal import lock
from lics_beamline.profile import Profile

logger = logging.getLogger(__name__)

GoOn = Literal["never", "killed", "always"]
LOCK_NAME: Final = "simulators.lock"  # of the one world that a data folder has at a time
START_S: Final = 600.0  # a process that hangs is ended; a cold start loads tables, on a busy computer for a minute
USAGE_EXIT_CODE: Final = 2  # of the simulators, as of every command: what was asked for cannot be
END_S: Final = 60.0  # for it to end when asked; longer means that it hangs


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """A running simulated beamline.

    Parameters
    ----------
    process : subprocess.Popen
        The process that serves all soft IOCs.
    port : int
        Port of Channel Access on 127.0.0.1.
    prefix : str
        Prefix of its PVs.
    plates : Path
        Where it writes plates and its hidden truth.
    addresses : dict of str to str
        Variables of the environment by which a client of Channel Access finds it and nothing else.
    world : dict
        Name of the preset of its world, seed, and seconds of experiment in a second: what makes it again.
    """

    process: subprocess.Popen[str]
    port: int
    prefix: str
    plates: Path
    addresses: dict[str, str]
    world: dict[str, Any]


def loopback(port: int) -> dict[str, str]:
    """Return the environment by which a Channel Access client finds the simulated beamline and nothing else.

    Parameters
    ----------
    port : int
        Port the soft IOCs answer on.
    """
    return {
        "EPICS_CA_SERVER_PORT": str(port),
        "EPICS_CA_ADDR_LIST": "127.0.0.1",
        "EPICS_CA_AUTO_ADDR_LIST": "NO",
        "EPICS_CA_REPEATER_PORT": str(_free_port()),
        "EPICS_CA_MAX_ARRAY_BYTES": "64000000",
    }


def require_world(world: str) -> None:
    """Refuse a world that the simulators do not have, before a process is started for it.

    Parameters
    ----------
    world : str
        Name of a preset, or the path of a TOML file.

    Raises
    ------
    ProfileError
        If there is none of that name.
    """
    if world.endswith(".toml"):
        if not Path(world).is_file():
            raise ProfileError(f"world {world!r} is no file. Give the path of a TOML file that is there.", world=world)
        return
    found = importlib.util.find_spec("lics_simulators")  # where it lies; it is not imported
    folders = found.submodule_search_locations if found is not None else None
    presets = sorted(file.stem for folder in folders or () for file in Path(folder).glob("worlds/*.toml"))
    if world not in presets:
        raise ProfileError(
            f"there is no world {world!r}. Choose one of {', '.join(presets)}, or name a .toml file.", world=world
        )


@contextlib.contextmanager
def simulation(
    *, prefix: str, world: str, seed: int, speed: float, plates: Path, log: Path, go_on: GoOn = "never"
) -> Iterator[Simulation]:
    """Run the simulated beamline while the context lasts.

    Parameters
    ----------
    prefix : str
        Prefix of its PVs.
    world : str
        Name of the preset of the hidden world.
    seed : int
        Seed of its random draws.
    speed : float
        Experiment seconds a wall-clock second, 1 to 300.
    plates : Path
        Where it writes plates and truth.
    log : Path
        File that takes what the process says.
    go_on : str
        Whether it goes on with the world that is saved in `plates`: ``never``, where its process was ``killed``, or
        ``always``.

    Raises
    ------
    ProfileError
        If it refuses what it is asked for, as a speed that it does not have; the message carries its words.
    NotConnected
        If it does not become ready; the message carries the end of its log.
    """
    plates.mkdir(parents=True, exist_ok=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [
        *(sys.executable, "-m", "lics_simulators"),
        *("--prefix", prefix, "--world", world, "--seed", str(seed), "--speed", f"{speed:g}"),
        *("--go-on", go_on, "--port", "0", "--plates", str(plates), "--parent-pid", str(os.getpid())),
    ]
    with log.open("a", encoding="utf-8") as said:
        said_before_bytes = said.tell()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, text=True, start_new_session=True
        )
    try:
        port = _await_ready(process, log, said_before_bytes)
        yield Simulation(
            process=process,
            port=port,
            prefix=prefix,
            plates=plates,
            addresses=loopback(port),
            world={"world": world, "seed": seed, "speed": speed},
        )
    finally:
        process.terminate()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            logger.warning("the simulators did not end within %g s of being asked; ended by force", END_S)
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


@contextlib.contextmanager
def simulated_beamline(
    profile: Profile,
    data: DataFolder,
    *,
    speed: float | None,
    seed: int | None,
    world: str | None = None,
    go_on: GoOn = "never",
) -> Iterator[Simulation]:
    """Run the simulated beamline of a profile while the context lasts; `go_on` as of `simulation`.

    Raises
    ------
    ProfileError
        If the profile is that of a real beamline, or there is no such world.
    Busy
        If another process simulates one in this data folder.
    NotInstalled
        If what the simulators need is not installed.
    """
    require("caproto", what="the simulated beamline")
    wanted = profile.values.simulators
    if wanted is None:
        raise ProfileError(
            f"profile {profile.values.name!r} is a real beamline: it has no [simulators] table. "
            "Use --profile simulated.",
            profile=profile.values.name,
        )
    require_world(world or wanted.world)
    what = f"simulating a beamline in {data.root}"
    with (
        lock.sole(data.logs / LOCK_NAME, what=what),  # two worlds in one folder would mix their plates and truths
        simulation(
            prefix=profile.values.prefix,
            world=world or wanted.world,
            seed=wanted.seed if seed is None else seed,
            speed=wanted.speed if speed is None else speed,
            plates=data.plates,
            log=data.logs / "simulators.log",
            go_on=go_on,
        ) as running,
    ):
        yield running


def _await_ready(process: subprocess.Popen[str], log: Path, said_before_bytes: int) -> int:
    """Return the port once the process says that its PVs answer; what others said in the log before is not its own."""
    too_late = threading.Timer(START_S, process.kill)
    too_late.start()
    try:
        for line in process.stdout or ():
            words = line.split()
            if words[:1] == ["ready"]:
                return int(words[1])
    finally:
        too_late.cancel()
    process.wait()
    last = log.read_bytes()[said_before_bytes:].decode("utf-8", errors="replace").strip().splitlines()[-5:]
    if process.returncode == USAGE_EXIT_CODE and last:
        raise ProfileError(f"the simulated beamline refuses: {last[-1]}", exit_code=process.returncode)
    raise NotConnected(
        f"the simulated beamline did not start (exit {process.returncode}, limit {START_S:.0f} s). Its last words, "
        f"from {log}:\n  " + "\n  ".join(last or ["(none)"]),
        exit_code=process.returncode,
    )


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
