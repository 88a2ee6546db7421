"""A small raw run made of points drawn by hand, and what they are drawn with."""

import hashlib
import uuid
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest
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

from lics_beamline.geometry.geometry import flat_geometry
from lics_beamline.reduction.recipe import Frames, Recipe


@pytest.fixture
def draw():
    """What plates are drawn with, for tests that write their own."""
    return SimpleNamespace(osc=write_osc, image=ring_image, lines=cubic_lines, alloy=ALLOY_LINES)


@dataclass
class RawRun:
    """Documents of a small raw run and the data folder they talk about."""

    root: Path
    recipe: Recipe
    start: dict
    descriptors: dict
    points: list
    stop: dict

    def documents(self):
        yield "start", self.start
        for descriptor in self.descriptors.values():
            yield "descriptor", descriptor
        for primary, readout in self.points:
            yield "event", primary
            yield "event", readout
        yield "stop", self.stop


@pytest.fixture(scope="session")
def recipe():
    geometry = flat_geometry(distance_mm=DISTANCE_MM, wavelength_angstrom=WAVELENGTH, shape=SHAPE, pixel_mm=PIXEL_MM)
    return Recipe(geometry=geometry, frames=Frames(bins=500, two_theta_deg=(3.0, 30.0), polarisation=0.0))


@cache
def _reading(index, gpa, edge):
    """Ruby spectrum and plate of a point: a hundred tests begin with the same three, which take half a second to draw.

    Nobody changes the image, which is written to a file at once, and each takes a copy of the spectrum.
    """
    return ruby_spectrum(gpa, 298.0, seed=index), ring_image(cubic_lines(edge, ALLOY_LINES), seed=index)


@pytest.fixture
def raw_run(tmp_path, recipe):
    """Three points at 3, 5 and 8 GPa and 298 K, alloy cells 3.585, 3.537, 3.489 angstrom."""
    uid = str(uuid.uuid4())
    descriptors = {
        name: {"uid": str(uuid.uuid4()), "name": name} for name in ("reference", "primary", "readout", "failure")
    }
    points = []
    for index, (gpa, edge) in enumerate(((3.0, 3.585), (5.0, 3.537), (8.0, 3.489))):
        exposure = f"exposure-{index}"
        path = tmp_path / "plates" / "a" / f"{index:06d}.osc"
        spectrum, image = _reading(index, gpa, edge)
        write_osc(path, image)
        primary = {
            "experiment_time_s": 100.0 * index,
            "point_index": index,
            "leg": "up",
            "stroke": "upstroke",
            "exposure_uid": exposure,
            "requested_pressure_gpa": gpa,
            "requested_temperature_k": 298.0,
            "membrane_load_bar": 20.0 + index,
            "thermocouples_gasket_k": 298.0,
            "thermocouples_ambient_k": 298.0,
            "ruby_spectrum": spectrum.copy(),
            "ruby_wavelength_nm": AXIS_NM,
        }
        readout = {
            "experiment_time_s": 100.0 * index + 90.0,
            "exposure_uid": exposure,
            "point_index": index,
            "frame_path": f"plates/a/{index:06d}.osc",
            "frame_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "frame_waited_s": 15.0,
            "frame_plate": 1,
        }
        points.append(
            tuple(
                {"uid": str(uuid.uuid4()), "descriptor": descriptors[stream]["uid"], "seq_num": index + 1, "data": data}
                for stream, data in (("primary", primary), ("readout", readout))
            )
        )
    return RawRun(
        root=tmp_path,
        recipe=recipe,
        start={
            "uid": uid,
            "time": 1.0,
            "purpose": "sweep",
            "sweep_uid": "sweep-1",
            "recipe": recipe.model_dump(mode="json"),
            "sample": {"name": "LiCs"},
            "operator": "somebody",
            "proposal": "2026A0000",
        },
        descriptors=descriptors,
        points=points,
        stop={"uid": str(uuid.uuid4()), "run_start": uid, "time": 2.0, "exit_status": "success"},
    )
