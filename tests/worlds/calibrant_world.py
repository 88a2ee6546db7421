"""Frames of calibrants whose geometry is known to the test alone: from the simulators, and by plain vectors."""

import math
from dataclasses import replace

import numpy as np

from lics_simulators.plate.frame import PlateModel
from lics_simulators.plate.geometry import PlateGeometry
from lics_simulators.plate.scene import Light
from lics_simulators.plate.settings import read_settings
from lics_simulators.sample import PhaseState, SampleState
from lics_simulators.world import World

WAVELENGTH = 0.41373
CELLS = {"ceo2": 5.411651, "lab6": 4.156826}
FCC = [(1, 1, 1), (2, 0, 0), (2, 2, 0), (3, 1, 1), (2, 2, 2), (4, 0, 0), (3, 3, 1), (4, 2, 0), (4, 2, 2), (5, 1, 1)]
FCC += [(4, 4, 0), (5, 3, 1), (6, 0, 0), (6, 2, 0), (5, 3, 3), (6, 2, 2), (4, 4, 4), (7, 1, 1), (6, 4, 0), (6, 4, 2)]


def hidden_geometry(seed: int) -> PlateGeometry:
    """Distance up to 10 % from 350 mm, beam up to 5 mm from the middle each way, tilt up to 1 deg anywhere."""
    draw = np.random.default_rng(seed)
    return PlateGeometry(
        distance_mm=350.0 * (1.0 + draw.uniform(-0.1, 0.1)),
        beam_column_px=1500.0 + draw.uniform(-50.0, 50.0),
        beam_row_px=1500.0 + draw.uniform(-50.0, 50.0),
        tilt_deg=draw.uniform(0.0, 1.0),
        tilt_azimuth_deg=draw.uniform(0.0, 360.0),
    )


def simulated_plate(geometry: PlateGeometry, *, seed: int, phase: str = "ceo2") -> np.ndarray:
    """Counts of a plate of 3000 x 3000 pixels at the nominal exposure, read at once."""
    model = PlateModel(replace(read_settings(), geometry=geometry), WAVELENGTH)
    powder = PhaseState(phase=phase, cell_angstrom=(CELLS[phase],) * 3, cells=1.0)
    sample = SampleState(
        time_s=0.0, pressure_gpa=1.0e-4, temperature_k=298.0, phases=(powder,), shift_along_beam_mm=0.0
    )
    stored = model.stored_counts(Light(sample=sample, exposures=1.0), random=World(seed=seed).random, count=0)
    return model.read_counts(stored, remaining=np.ones(geometry.pixels))


def drawn_frame(
    *,
    beam_mm: tuple[float, float],
    distance_mm: float = 350.0,
    lean: tuple[float, float] = (0.0, 0.0),
    side: int = 750,
    pixel_mm: float = 0.4,
    strength: float = 60.0,
    background: float = 20.0,
    fwhm_deg: float = 0.12,
    seed: int = 1,
) -> np.ndarray:
    """Poisson counts of CeO2 on a flat detector, by vectors: no rotations, no convention of anybody.

    `lean` is how much farther from the sample the detector's plane gets along rows and columns [mm/mm].
    """
    along = pixel_mm * (np.arange(side) + 0.5)
    u, v = along[:, None] - beam_mm[0], along[None, :] - beam_mm[1]
    # Unit vectors of the plane along rows and columns, made orthogonal to each other.
    first = np.array([1.0, 0.0, lean[0]]) / math.hypot(1.0, lean[0])
    second = np.array([0.0, 1.0, lean[1]])
    second -= (second @ first) * first
    second /= np.linalg.norm(second)
    x, y, z = (first[i] * u + second[i] * v + (distance_mm if i == 2 else 0.0) for i in range(3))
    angle = np.degrees(np.arctan2(np.hypot(x, y), z))
    mean = np.full(angle.shape, background)
    for rank, hkl in enumerate(FCC):
        d = CELLS["ceo2"] / math.hypot(*hkl)
        centre = 2.0 * math.degrees(math.asin(WAVELENGTH / (2.0 * d)))
        mean += strength / (1.0 + 0.15 * rank) * np.exp(-4.0 * math.log(2.0) * ((angle - centre) / fwhm_deg) ** 2)
    return np.random.default_rng(seed).poisson(mean).astype(np.int32)
