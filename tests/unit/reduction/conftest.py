"""A measured point made by hand: a small plate with rings of known cells, a ruby spectrum of known pressure."""

import hashlib
import math
import struct
import uuid
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from lics_beamline.diffraction.geometry import flat_geometry
from lics_beamline.physics.ruby import RubyRuler
from lics_beamline.reduction.recipe import Frames, Recipe

SHAPE = (600, 600)
PIXEL_MM = 0.5
DISTANCE_MM = 350.0
WAVELENGTH = 0.41373
AXIS_NM = 680.0 + 0.03 * np.arange(2048)


def write_osc(path, counts, *, ratio=8.0, plate=1, minutes=5.0):
    """R-AXIS file by the published layout, independent of the reader under test."""
    rows, columns = counts.shape
    header = bytearray(max(2 * columns, 1400))
    header[0:7] = b"R-AXIS4"
    for offset, kind, value in (
        (292, "f", WAVELENGTH),
        (344, "f", DISTANCE_MM),
        (536, "f", minutes),
        (768, "i", columns),
        (772, "i", rows),
        (776, "f", PIXEL_MM),
        (780, "f", PIXEL_MM),
        (784, "i", len(header)),
        (788, "i", rows),
        (796, "i", plate),
        (800, "f", ratio),
    ):
        struct.pack_into(">" + kind, header, offset, value)
    counts = np.asarray(counts, dtype=np.int64)
    words = np.where(counts < 32768, counts, 0x8000 | np.minimum(np.rint(counts / ratio), 0x7FFF).astype(np.int64))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(header) + words.astype(">u2").tobytes())


def ring_image(spacings, *, strength=200.0, background=30.0, seed=1, fwhm_deg=0.3):
    """Poisson image of rings of these spacings [angstrom] by plane trigonometry, with a few diamond-like spots."""
    rows, columns = np.indices(SHAPE)
    radius_mm = PIXEL_MM * np.hypot(rows + 0.5 - SHAPE[0] / 2, columns + 0.5 - SHAPE[1] / 2)
    angle = np.degrees(np.arctan2(radius_mm, DISTANCE_MM))
    mean = np.full(SHAPE, background)
    for d, weight in spacings:
        centre = 2.0 * math.degrees(math.asin(WAVELENGTH / (2.0 * d)))
        mean += strength * weight * np.exp(-4.0 * math.log(2.0) * ((angle - centre) / fwhm_deg) ** 2)
    cosine = np.cos(np.radians(angle))
    draw = np.random.default_rng(seed)
    image = draw.poisson(mean * cosine**3)
    for row, column in draw.integers(40, 560, (12, 2)):
        image[row - 1 : row + 2, column - 1 : column + 2] += 20_000
    return image


def cubic_lines(a, hkls):
    return [(a / math.sqrt(h * h + k * k + l * l), weight) for (h, k, l), weight in hkls]  # noqa: E741


def ruby_spectrum(gpa, temperature_k, *, height=20_000.0, seed=3):
    r1 = RubyRuler().wavelength_nm(gpa, temperature_k)
    half = 0.5 * (0.39 + 1.85e-3 * max(0.0, temperature_k - 298.0))
    lines = sum(weight / (1.0 + ((AXIS_NM - line) / half) ** 2) for line, weight in ((r1, 1.0), (r1 - 1.43, 0.62)))
    return np.random.default_rng(seed).poisson(100.0 + height * lines).astype(float)


ALLOY_LINES = (((1, 0, 0), 0.4), ((1, 1, 0), 1.0), ((2, 0, 0), 0.4), ((2, 1, 1), 0.5))


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
        write_osc(path, ring_image(cubic_lines(edge, ALLOY_LINES), seed=index))
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
            "ruby_spectrum": ruby_spectrum(gpa, 298.0, seed=index),
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
