"""Spots on the plate: reflections of the diamond anvils, and large grains of a soft phase."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_simulators.plate.geometry import PlateGeometry
from lics_simulators.plate.settings import AnvilSettings

FloatArray = npt.NDArray[np.float64]
FrameArray = npt.NDArray[np.float32]

DIAMOND_ANGSTROM: Final = 3.567  # lattice parameter of diamond, JCPDS 6-675
DIAMOND_FAMILIES: Final = (3, 8, 11, 16)  # h^2 + k^2 + l^2 of 111, 220, 311, 400
FAMILY_WEIGHTS: Final = (0.3, 0.2, 0.2, 0.05, 0.25)  # engineering values; the last: strays at any angle
FAINT_PHOTONS: Final = 0.02  # a spot is drawn out to where it adds this much to a pixel
LARGEST_REACH_PX: Final = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """One spot.

    Parameters
    ----------
    two_theta_deg, azimuth_deg : float
        Its place [deg].
    photons : float
        Photons in it.
    core_px : float
        Standard deviation of its core [px].
    tail, tail_px : float
        Fraction of the photons in the wide tail and its half width [px].
    """

    two_theta_deg: float
    azimuth_deg: float
    photons: float
    core_px: float
    tail: float = 0.0
    tail_px: float = 1.0


def anvil_spots(
    settings: AnvilSettings,
    generator: np.random.Generator,
    *,
    wavelength_angstrom: float,
    pressure_gpa: float,
    omega_deg: float,
    exposures: float,
) -> list[Spot]:
    """Spots of both anvils; the same generator gives the same spots, moved by pressure and rotation.

    Parameters
    ----------
    settings : AnvilSettings
        Number and brightness of the spots.
    generator : numpy.random.Generator
        Fresh, of this loading of the cell.
    wavelength_angstrom, pressure_gpa, omega_deg : float
        Wavelength [A], pressure [GPa], rotation of the cell [deg].
    exposures : float
        Dose in nominal exposures.
    """
    spots: list[Spot] = []
    families = generator.choice(len(FAMILY_WEIGHTS), size=settings.spots, p=FAMILY_WEIGHTS)
    turn = settings.azimuth_deg_per_omega_deg * omega_deg + settings.azimuth_deg_per_gpa * pressure_gpa
    for family in families:
        if family < len(DIAMOND_FAMILIES):
            sine = wavelength_angstrom * math.sqrt(DIAMOND_FAMILIES[family]) / (2 * DIAMOND_ANGSTROM)
            angle = math.degrees(2 * math.asin(sine)) + generator.normal(0.0, 0.02)
        else:
            angle = generator.uniform(5.0, 28.0)
        spots.append(
            Spot(
                two_theta_deg=angle + settings.two_theta_deg_per_gpa * pressure_gpa,
                azimuth_deg=generator.uniform(0.0, 360.0) + turn * generator.choice((-1.0, 1.0)),
                photons=exposures * settings.photons_median * math.exp(settings.photons_spread * generator.normal()),
                core_px=settings.core_px * generator.uniform(0.8, 1.6),
                tail=settings.tail,
                tail_px=settings.tail_px,
            )
        )
    return spots


def grain_spots(generator: np.random.Generator, *, two_theta_deg: float, photons: float, grains: int) -> list[Spot]:
    """Return the spots of a few large grains that share the photons of one ring.

    Parameters
    ----------
    generator : numpy.random.Generator
        Draws where the grains reflect and how large each is.
    two_theta_deg, photons : float
        Angle of the ring [deg], photons of all of it.
    grains : int
        Number of grains.
    """
    shares = generator.dirichlet(np.ones(grains))
    return [
        Spot(
            two_theta_deg=two_theta_deg + generator.normal(0.0, 0.01),
            azimuth_deg=generator.uniform(0.0, 360.0),
            photons=photons * float(share),
            core_px=0.9,
        )
        for share in shares
    ]


def draw(photons: FrameArray, spots: Sequence[Spot], geometry: PlateGeometry, transmission: FrameArray) -> None:
    """Add the expected photons of spots to an image.

    Parameters
    ----------
    photons : ndarray of float32
        Expected photons (rows, columns), added to.
    spots : sequence of Spot
        What to draw; those beyond the plate are left out.
    geometry : PlateGeometry
        Where they hit.
    transmission : ndarray of float32
        Share of the light that reaches each pixel, (rows, columns).
    """
    rows, columns = photons.shape
    for spot in spots:
        row, column = geometry.pixel_of(spot.two_theta_deg, spot.azimuth_deg)
        reach = _reach_px(spot)
        top, left = max(int(row) - reach, 0), max(int(column) - reach, 0)
        bottom, right = min(int(row) + reach + 1, rows), min(int(column) + reach + 1, columns)
        if top >= bottom or left >= right:
            continue
        y = np.arange(top, bottom)[:, None] - row
        x = np.arange(left, right)[None, :] - column
        squared: FloatArray = x * x + y * y
        core = np.exp(-squared / (2 * spot.core_px**2)) / (2 * math.pi * spot.core_px**2)
        tail = (1 + squared / spot.tail_px**2) ** -1.5 / (2 * math.pi * spot.tail_px**2)
        patch = spot.photons * ((1 - spot.tail) * core + spot.tail * tail)
        photons[top:bottom, left:right] += (patch * transmission[top:bottom, left:right]).astype(np.float32)


def _reach_px(spot: Spot) -> int:
    """Half side of the square outside which a spot is too faint to draw."""
    peak = spot.photons * spot.tail / (2 * math.pi * spot.tail_px**2)
    tail = spot.tail_px * math.sqrt(max((peak / FAINT_PHOTONS) ** (2 / 3) - 1, 0.0))
    return min(math.ceil(max(6 * spot.core_px, tail)), LARGEST_REACH_PX)
