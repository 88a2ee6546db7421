"""What the sample sends towards the plate: a map of expected photons over scattering angle and azimuth, and spots."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_simulators.plate.geometry import shifted_two_theta
from lics_simulators.plate.scattering import Ring, Table, halo, profile, rings
from lics_simulators.plate.settings import GrainSettings, PlateSettings
from lics_simulators.plate.spots import Spot, anvil_spots, grain_spots
from lics_simulators.plate.structures import STRUCTURES, Structure
from lics_simulators.sample import PhaseState, SampleState

FloatArray = npt.NDArray[np.float64]
Draws = Callable[[str, int], np.random.Generator]  # World.random: (instrument, count) -> generator

ANGLE_STEP_DEG: Final = 0.005  # of the map, interpolated; lines are ten times as wide
ANGLE_MAX_DEG: Final = 33.0  # beyond the corners
GRAIN_SECTORS: Final = 720  # azimuths in which a ring has its own grains
LINE_REACH_DEG: Final = 2.0  # a line is drawn this far from its centre
TABLES: Final[tuple[Table, Table]] = ("waasmaier-kirfel", "it92")


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """What fell on a plate between two erasures.

    Parameters
    ----------
    sample : SampleState
        The sample, averaged over the exposure.
    exposures : float
        Dose in nominal exposures; 0 when the shutter stayed closed.
    oscillation_deg, omega_deg : float
        Range of oscillation and mean rotation of the cell [deg].
    dark_s : float
        Time since the plate was erased [s].
    structures : mapping of str to Structure
        What the phases of the sample are made of, by their names: those of the world.
    """

    sample: SampleState
    exposures: float
    oscillation_deg: float = 0.0
    omega_deg: float = 0.0
    dark_s: float = 0.0
    structures: Mapping[str, Structure] = field(default_factory=lambda: STRUCTURES)

    @property
    def is_in_cell(self) -> bool:
        """Whether the sample lies between anvils; a calibrant does not."""
        return all(self.structures[phase.phase].in_cell for phase in self.sample.phases)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Expected photons before solid angle, polarisation and shadows.

    Parameters
    ----------
    polar : ndarray of float32, shape (GRAIN_SECTORS, angles)
        Photons a pixel at the nearest point of the plate.
    spots : tuple of Spot
        Spots beside the rings.
    """

    polar: npt.NDArray[np.float32]
    spots: tuple[Spot, ...]


def map_angles_deg() -> FloatArray:
    """Scattering angles [deg] of the map, as seen from the nominal position of the sample."""
    angles: FloatArray = np.arange(0.0, ANGLE_MAX_DEG, ANGLE_STEP_DEG)
    return angles


def background(two_theta_deg: FloatArray, scale: float) -> FloatArray:
    """Scattering of air and anvils (Compton) [photons a pixel at the nearest point of the plate]."""
    t = two_theta_deg
    shape: FloatArray = 60 * np.exp(-t / 3) + 45 * (1 - np.exp(-((t / 9) ** 2))) * np.exp(-t / 60) + 8
    return scale * shape


def scene(light: Light, settings: PlateSettings, *, wavelength_angstrom: float, random: Draws, count: int) -> Scene:
    """Compute what the sample sends towards the plate.

    Parameters
    ----------
    light : Light
        Sample and dose.
    settings : PlateSettings
        Light, grains, anvils.
    wavelength_angstrom : float
        Wavelength [A].
    random : callable
        `World.random`.
    count : int
        Number of the exposure: keys its grains. Anvils and texture stay those of the loading.
    """
    exposure, distance_mm = settings.exposure, settings.geometry.distance_mm
    shift_mm = light.sample.shift_along_beam_mm
    seen_deg = shifted_two_theta(map_angles_deg(), shift_mm=shift_mm, distance_mm=distance_mm)
    per_unit = light.exposures * exposure.photons_per_electron_unit
    grains = random("plate grains", count)
    table = TABLES[int(random("plate form factors", 0).integers(len(TABLES)))]
    smooth = background(map_angles_deg(), light.exposures * exposure.air)
    lines: list[FloatArray] = []
    sectors: list[FloatArray] = []
    spots: list[Spot] = []
    for phase in light.sample.phases:
        structure = light.structures[phase.phase].filled(phase.occupancy)
        if not structure.space_group:
            smooth += per_unit * _halo(structure, phase, seen_deg, wavelength_angstrom)
        for ring in rings(
            structure,
            phase.cell_angstrom,
            cells=phase.cells,
            temperature_k=light.sample.temperature_k,
            wavelength_angstrom=wavelength_angstrom,
            two_theta_max_deg=ANGLE_MAX_DEG - 1.0,
            table=table,
        ):
            strength = per_unit * ring.intensity * _texture(settings.grains, random, phase.phase, ring)
            fine = math.degrees((1 - structure.coarse) * strength)
            lines.append(fine * _line(seen_deg, ring, settings))
            sectors.append(_sectors(settings.grains, grains, light.oscillation_deg))
            if structure.grains:
                spots += grain_spots(
                    grains,
                    two_theta_deg=_seen_at(ring.two_theta_deg, shift_mm, distance_mm),
                    photons=structure.coarse * strength * _pixels_around(ring, settings),
                    grains=structure.grains,
                )
    if light.is_in_cell:
        spots += anvil_spots(
            settings.anvils,
            random("plate anvils", 0),
            wavelength_angstrom=wavelength_angstrom,
            pressure_gpa=light.sample.pressure_gpa,
            omega_deg=light.omega_deg,
            exposures=light.exposures,
        )
    polar = np.tile(smooth.astype(np.float32), (GRAIN_SECTORS, 1))
    if lines:
        polar += np.stack(sectors, axis=1).astype(np.float32) @ np.stack(lines).astype(np.float32)
    return Scene(polar=polar, spots=tuple(spots))


def _halo(structure: Structure, phase: PhaseState, seen_deg: FloatArray, wavelength_angstrom: float) -> FloatArray:
    return halo(
        structure,
        seen_deg,
        cell_angstrom=phase.cell_angstrom,
        cells=phase.cells,
        wavelength_angstrom=wavelength_angstrom,
    )


def _line(seen_deg: FloatArray, ring: Ring, settings: PlateSettings) -> FloatArray:
    centre = ring.two_theta_deg
    first, last = np.searchsorted(seen_deg, (centre - LINE_REACH_DEG, centre + LINE_REACH_DEG))
    line = np.zeros_like(seen_deg)
    line[first:last] = profile(seen_deg[first:last], centre, settings.lines)
    return line


def _sectors(settings: GrainSettings, grains: np.random.Generator, oscillation_deg: float) -> FloatArray:
    """Draw how the grains of one ring fill its azimuths; the mean is 1 but for the error of the ring."""
    averaged = math.sqrt(1 + oscillation_deg / settings.averaging_deg)
    contrast = settings.contrast / averaged
    pattern = grains.gamma(contrast**-2, size=GRAIN_SECTORS) if contrast > 0 else np.ones(GRAIN_SECTORS)
    whole = 1 + settings.ring_error / averaged * grains.standard_normal()
    sectors: FloatArray = pattern * (max(whole, 0.0) / pattern.mean())
    return sectors


def _texture(settings: GrainSettings, random: Draws, phase: str, ring: Ring) -> float:
    if settings.fibre_texture == 0.0:
        return 1.0
    draw = random(f"plate texture {phase} {ring.hkl}", 0).standard_normal()
    return max(1 + settings.fibre_texture * float(draw), 0.0)


def _seen_at(two_theta_deg: float, shift_mm: float, distance_mm: float) -> float:
    """Angle [deg], as seen from the nominal position, at which light from the shifted sample hits the plate."""
    tangent = math.tan(math.radians(two_theta_deg)) * (distance_mm - shift_mm) / distance_mm
    return math.degrees(math.atan(tangent))


def _pixels_around(ring: Ring, settings: PlateSettings) -> float:
    """Pixels at the nearest point of the plate that make the solid angle of one radian of scattering angle."""
    pixel = (settings.geometry.pixel_mm / settings.geometry.distance_mm) ** 2
    return 2 * math.pi * math.sin(math.radians(ring.two_theta_deg)) / pixel
