"""The world at rest: its physical state as one file, so that soft IOCs that are started again meet the same cell.

The world is physical and the IOCs are not: gas stays in the membrane, the heater's controller goes on with its own
power and setpoint, a plate stays in the reader. What only an IOC knew (counters, leases, names of files) is lost with
it. The file is JSON of numbers, texts and names of classes of this package, with a checksum; nothing in it is carried
out, and one that somebody or a disk has changed is not gone on with: its numbers might be no world at all.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import importlib
import json
import os
import sys
import time
from collections import deque
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from lics_simulators.beamline import Beamline

FILE_NAME: Final = "world.json"
PACKAGE: Final = "lics_simulators."
LONGEST_CATCH_UP_S: Final = 1800.0  # the world goes on without its IOCs for so long at most [s of experiment]
PARTS: Final = ("beam", "stage", "membrane", "heater", "thermocouples", "ruby", "cell", "contents")


class WorldKeeper:
    """Saves a world again and again; where it cannot be saved the world goes on, which is said once.

    Instruments do not end for a disk that is full or gone.

    Parameters
    ----------
    beamline : Beamline
        The world, with what its instruments hold; saved in the folder of its plates.
    """

    def __init__(self, beamline: Beamline) -> None:
        self._beamline = beamline
        self._is_told = False

    def keep(self, *, ended: bool = False) -> None:
        """Save the world; with `ended` as one that somebody ended."""
        try:
            save(self._beamline, self._beamline.folder, ended=ended)
            self._is_told = False
        except OSError as error:
            with contextlib.suppress(OSError):  # the log may be on the same disk
                if not self._is_told:
                    sys.stderr.write(
                        f"the world cannot be saved in {self._beamline.folder}, and goes on: {error.strerror}\n"
                    )
            self._is_told = True


def save(beamline: Beamline, folder: Path, *, ended: bool = False, wall_s: float | None = None) -> None:
    """Write the state of a world, all of it or nothing.

    Parameters
    ----------
    beamline : Beamline
        The world, with what its instruments hold.
    folder : Path
        Folder of the plates.
    ended : bool
        Whether somebody ended the world, so that it is not gone on with unless asked for.
    wall_s : float, optional
        Moment of it [s since 1970]; default now.
    """
    world, plates = beamline.world, beamline.plates
    state = {
        "seed": world.seed,
        "preset": world.preset.name,
        "ended": ended,
        "wall_s": time.time() if wall_s is None else wall_s,
        "speed": world.speed,
        "time_s": world.time_s,
        "parts": {name: _encoded(getattr(world, name)) for name in PARTS},
        "reader": _encoded(plates.reader),
        "scans": _encoded(plates.unwritten()),
        "plates_taken": plates.taken,
        "spectra_drawn": beamline.ruby.drawn,
        "faults": dict(beamline.faults.active),
    }
    beside = folder / f"{FILE_NAME}.new"
    beside.write_text(sealed(json.dumps(state)), encoding="utf-8")
    os.replace(beside, folder / FILE_NAME)


def was_killed(folder: Path) -> bool:
    """Whether a world lies in a folder that nobody ended, or one that cannot be used: `restore` says why."""
    try:
        return bool(_state((folder / FILE_NAME).read_text(encoding="utf-8"))["ended"] is False)
    except FileNotFoundError:
        return False
    except (OSError, ValueError, KeyError, TypeError):
        return True


def restore(beamline: Beamline, folder: Path, *, wall_s: float | None = None) -> None:
    """Go on with a saved world, which went on meanwhile: at its speed, for `LONGEST_CATCH_UP_S` at most.

    Parameters
    ----------
    beamline : Beamline
        A new one of the same seed and world.
    folder : Path
        Folder of the plates.
    wall_s : float, optional
        Moment of it [s since 1970]; default now.

    Raises
    ------
    ValueError
        If there is no saved world, or it is another one; the message says which.
    """
    world, path = beamline.world, folder / FILE_NAME
    try:
        state = _state(path.read_text(encoding="utf-8"))
        of = (int(state["seed"]), str(state["preset"]))
        if of != (world.seed, world.preset.name):
            raise ValueError(
                f"it is that of seed {of[0]} and world {of[1]}, and asked for are seed {world.seed} and world "
                f"{world.preset.name}"
            )
        world.time_s = float(state["time_s"])
        for name in PARTS:
            setattr(world, name, _decoded(state["parts"][name], getattr(world, name)))
        _decoded(state["reader"], beamline.plates.reader)
        beamline.plates.taken = int(state["plates_taken"])
        beamline.ruby.drawn = int(state["spectra_drawn"])
        beamline.faults.resume({str(name): float(value) for name, value in state["faults"].items()})
        now_s = time.time() if wall_s is None else wall_s
        gone_s = max(now_s - float(state["wall_s"]), 0.0) * float(state["speed"])
        scans = _decoded(state["scans"], None)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError) as error:
        raise ValueError(f"{path} cannot be gone on with: {error}. Remove it to begin a new world.") from error
    world.truth.record("restart", time_s=world.time_s, gone_s=gone_s)
    world.advance(min(gone_s, LONGEST_CATCH_UP_S))
    beamline.plates.write_again(scans)


def sealed(state: str) -> str:
    """Return the text of a file for a state, itself JSON, with its checksum."""
    return f'{{"sha256": "{_digest(state)}", "state": {state}}}'


def _state(text: str) -> dict[str, Any]:
    """Return the state that a file holds, if it is as it was saved."""
    said = json.loads(text)
    state: dict[str, Any] = said["state"]
    if said["sha256"] != _digest(json.dumps(state)):
        raise ValueError("it is not as it was saved: the checksum is another one")
    return state


def _digest(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()


def _encoded(value: Any) -> Any:
    """Return a value as JSON can say it; functions are left out by whoever holds them."""
    kind = type(value)
    if isinstance(value, Enum):
        return {"enum": _name(kind), "value": value.value}
    if value is None or kind in (bool, int, float, str):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
        return {"array": data, "dtype": value.dtype.str, "shape": list(value.shape)}
    if isinstance(value, np.random.Generator):
        return {"generator": value.bit_generator.state}
    if isinstance(value, list | tuple | set | frozenset | deque):
        return {"items": kind.__name__, "of": [_encoded(item) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[_encoded(key), _encoded(item)] for key, item in value.items()]}
    if kind.__module__.startswith(PACKAGE):
        held = {name: getattr(value, name) for name in _attributes(value)}
        return {"object": _name(kind), "state": {n: _encoded(v) for n, v in held.items() if not callable(v)}}
    raise TypeError(f"{kind.__name__} has no place in a saved world")


def _decoded(said: Any, present: Any) -> Any:
    """Return the value that was encoded; an object that is there already is brought to its state."""
    if not isinstance(said, dict):
        return said
    if "enum" in said:
        return _class(said["enum"])(said["value"])
    if "array" in said:
        flat = np.frombuffer(base64.b64decode(said["array"]), dtype=np.dtype(said["dtype"]))
        return flat.reshape(said["shape"]).copy()
    if "generator" in said:
        generator = present if isinstance(present, np.random.Generator) else np.random.default_rng(0)
        generator.bit_generator.state = said["generator"]
        return generator
    if "items" in said:
        kinds = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset, "deque": deque}
        there = list(present) if isinstance(present, list | tuple) and len(present) == len(said["of"]) else ()
        items = [_decoded(item, there[place] if there else None) for place, item in enumerate(said["of"])]
        return kinds[said["items"]](items)
    if "dict" in said:
        held = present if isinstance(present, dict) else {}
        return {(key := _decoded(k, None)): _decoded(v, held.get(key)) for k, v in said["dict"]}
    kind = _class(said["object"])
    found = present if type(present) is kind and not _is_frozen(kind) else object.__new__(kind)
    for name, value in said["state"].items():
        object.__setattr__(found, name, _decoded(value, getattr(found, name, None)))
    return found


def _attributes(value: Any) -> list[str]:
    slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
    return [*slots, *getattr(value, "__dict__", {})]


def _is_frozen(kind: type) -> bool:
    parameters = getattr(kind, "__dataclass_params__", None)
    return parameters is not None and bool(parameters.frozen)


def _name(kind: type) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


def _class(name: str) -> Any:
    module, _, within = str(name).partition(":")
    if not module.startswith(PACKAGE) or "." in within:
        raise ValueError(f"{name} is no class of the simulators")
    kind = getattr(importlib.import_module(module), within)
    if not isinstance(kind, type):
        raise TypeError(f"{name} is no class")
    return kind
