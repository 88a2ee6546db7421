"""Simulators that fail by name, and beamlines connected to them."""

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from caproto.sync.client import read, write
from child import end_guards

sys.path.append(str(Path(__file__).parents[1]))  # the simulators of tests/ioc are started here too
from ioc.conftest import HANG_S, connected, documents, engine  # noqa: F401 - fixtures are found by their names

from lics_beamline.devices.beamline import Beamline


@pytest.fixture(autouse=True)
def no_guard_left(tmp_path: Path) -> Iterator[None]:
    """End the guard of a test that failed."""
    yield
    end_guards(tmp_path)


@dataclass(frozen=True)
class Rig:
    """A connected beamline, and a client of its own that lets it fail and looks at it."""

    beamline: Beamline
    prefix: str

    def put(self, name: str, value: Any) -> None:
        """Write as another client: each put is a connection of its own."""
        write(f"{self.prefix}{name}", value, repeater=False, notify=True, timeout=HANG_S)

    def get(self, name: str, data_type: str | None = None) -> Any:
        """Read as another client; text as text."""
        answer = read(f"{self.prefix}{name}", repeater=False, timeout=HANG_S, data_type=data_type)
        if data_type is not None:
            return answer
        value = answer.data[0]
        return value.decode() if isinstance(value, bytes) else value

    def fail(self, fault: str) -> None:
        """Begin a fault, or clear."""
        self.put("WORLD:Fault", fault)


@contextlib.contextmanager
def rig_at(folder: Path, speed: float, **membrane: Any) -> Iterator[Rig]:
    """A beamline of its own."""
    with connected(folder, speed=speed, **membrane) as beamline:
        yield Rig(beamline=beamline, prefix=beamline.membrane.prefix.removesuffix("PC1:"))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """One beamline at 60 times the wall clock for the faults of a module that can be mended."""
    with rig_at(tmp_path_factory.mktemp("data"), 60.0, dwell_s=30.0, stall_s=900.0) as rig:
        yield rig


@pytest.fixture
def rig(shared: Rig) -> Iterator[Rig]:
    """The shared beamline, sound before and after."""
    yield shared
    shared.fail("clear")
    if shared.get("ET1:Contactor_RBV") == "Open":
        shared.put("ET1:Contactor", "Closed")
