"""A simulated beamline as a process of its own, on a random port and prefix of the loopback interface."""

import contextlib
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("OPHYD_CONTROL_LAYER", "caproto")  # read once, when ophyd is imported

from bluesky import RunEngine

from lics_beamline.devices.beam import Beam
from lics_beamline.devices.beamline import Beamline, be_patient, connect, disconnect
from lics_beamline.devices.clock import Clock
from lics_beamline.devices.frame import Frame
from lics_beamline.devices.heater import Heater
from lics_beamline.devices.image_plate import ImagePlate
from lics_beamline.devices.membrane import Membrane
from lics_beamline.devices.ruby_spectrometer import RubySpectrometer
from lics_beamline.devices.stage import Stage
from lics_beamline.devices.thermocouples import Thermocouples
from lics_beamline.session.simulation import Simulation, loopback, simulation

HANG_S = 300.0  # a client that is not answered by then never will be
POSITIONS = {"ruby": {"x": 0.05, "z": -0.02}, "x-ray": {"x": 0.0, "z": 0.0}}


be_patient()


def devices(prefix: str, folder: Path, *, patience_s: float = 120.0, **membrane: Any) -> Beamline:
    """Every device of a beamline, not connected yet."""
    clock = Clock(prefix, name="clock", patience_s=patience_s, stall_s=HANG_S)
    return Beamline(
        clock=clock,
        membrane=Membrane(f"{prefix}PC1:", name="membrane", clock=clock, **membrane),
        heater=Heater(f"{prefix}ET1:", name="heater", clock=clock),
        thermocouples=Thermocouples(f"{prefix}TC:", name="thermocouples"),
        ruby=RubySpectrometer(f"{prefix}RUBY:", name="ruby", clock=clock),
        plate=ImagePlate(f"{prefix}RAXIS:cam1:", name="plate", clock=clock),
        frame=Frame(f"{prefix}RAXIS:cam1:", name="frame", clock=clock, data_root=folder),
        beam=Beam(f"{prefix}BEAM:", name="beam", clock=clock),
        stage=Stage(f"{prefix}STAGE:", name="stage", positions=POSITIONS),
    )


@contextlib.contextmanager
def simulated(folder: Path, *, speed: float, world: str = "volumetric") -> Iterator[Simulation]:
    """A simulated beamline while the context lasts; it ends by itself when this process does."""
    found = dict(os.environ)
    running = simulation(
        prefix=f"T{uuid.uuid4().hex[:6]}:",
        world=world,
        seed=1,
        speed=speed,
        plates=folder / "plates",
        log=folder / "simulators.log",
    )
    try:
        with running as simulators:
            os.environ.update(loopback(simulators.port))
            yield simulators
    finally:
        os.environ.clear()
        os.environ.update(found)


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The prefix of a simulated beamline at the pace of the wall clock."""
    with simulated(tmp_path_factory.mktemp("data"), speed=1.0) as simulators:
        yield simulators.prefix


@contextlib.contextmanager
def connected(folder: Path, *, speed: float, drives: bool = True, **membrane: Any) -> Iterator[Beamline]:
    """A connected beamline on simulators of its own, whose world waits for it."""
    with simulated(folder, speed=speed) as simulators:
        beamline = devices(simulators.prefix, folder, **membrane)
        try:
            connect(beamline)
            if drives:
                beamline.clock.drive()
            yield beamline
        finally:
            disconnect(beamline)


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the beamlines of one module."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def beamline_at(data_folder: Path) -> Iterator[Callable[[float], Beamline]]:
    """A beamline at a speed; one for each speed and module."""
    with contextlib.ExitStack() as stack:
        made: dict[float, Beamline] = {}

        def at(speed: float) -> Beamline:
            if speed not in made:
                made[speed] = stack.enter_context(connected(data_folder, speed=speed))
            return made[speed]

        yield at


@pytest.fixture
def engine() -> Iterator[RunEngine]:
    """A run engine that nobody listens to yet."""
    engine = RunEngine({}, context_managers=[])
    yield engine
    if engine.state != "idle":
        engine.halt()
    engine.loop.call_soon_threadsafe(engine.loop.stop)
    engine._th.join()
    engine.loop.close()


@pytest.fixture
def documents(engine: RunEngine) -> list[tuple[str, dict[str, Any]]]:
    """Documents of the engine, as they come."""
    kept: list[tuple[str, dict[str, Any]]] = []
    engine.subscribe(lambda name, document: kept.append((str(name), document)))
    return kept
