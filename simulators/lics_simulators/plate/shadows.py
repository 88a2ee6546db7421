"""What stands between sample and plate: beam stop with its holder, seats of the anvils, absorption on the way out."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_simulators.plate.geometry import Rays
from lics_simulators.plate.settings import ShadowSettings

FloatArray = npt.NDArray[np.float64]

SATURATED_WIDTHS: Final = 9.0  # where a smooth step is 0 or 1 to the last digit
LEAST_ACROSS_MM: Final = 1e-9  # distance from the beam below which a place lies in it [mm]


def _edge(distance: FloatArray, width: float) -> FloatArray:
    """Smooth step: 0 far below, 1 far above, over a width (standard deviation)."""
    from scipy.special import erf

    step = np.where(distance > 0.0, 1.0, 0.0)
    near = np.abs(distance) < SATURATED_WIDTHS * width
    step[near] = 0.5 * (1 + erf(distance[near] / (math.sqrt(2) * width)))
    return step


def stop_transmission(rays: Rays, settings: ShadowSettings) -> FloatArray:
    """Transmission of beam stop and holder at places on the plate, 0 to 1.

    Parameters
    ----------
    rays : Rays
        The ways there.
    settings : ShadowSettings
        Sizes.
    """
    azimuth = math.radians(settings.holder_azimuth_deg)
    along = rays.x_mm * math.cos(azimuth) + rays.y_mm * math.sin(azimuth)
    across = np.abs(rays.y_mm * math.cos(azimuth) - rays.x_mm * math.sin(azimuth))
    stop = _edge(rays.across_mm - settings.stop_radius_mm, settings.stop_edge_mm)
    covered = (1 - _edge(across - settings.holder_width_mm / 2, settings.stop_edge_mm)) * (along > 0)
    return stop * (1 - (1 - settings.holder_transmission) * covered)


def cell_transmission(rays: Rays, two_theta: FloatArray, settings: ShadowSettings) -> FloatArray:
    """Transmission of the pressure cell, relative to the direction of the beam, 0 to 1.

    Parameters
    ----------
    rays : Rays
        The ways through it.
    two_theta : ndarray
        Their scattering angles [rad].
    settings : ShadowSettings
        Opening of the seats and absorption.

    Notes
    -----
    Absorption is exp(-mu t (1/cos(2theta) - 1)): the way out through a plane-parallel anvil.
    """
    two_theta_deg = np.degrees(two_theta)
    per_mm = two_theta_deg / np.maximum(rays.across_mm, LEAST_ACROSS_MM)
    horizontal, vertical = per_mm * rays.x_mm - settings.seat_offset_deg, per_mm * rays.y_mm
    outside = _edge(
        np.sqrt(horizontal * horizontal + vertical * vertical) - settings.seat_opening_deg, settings.seat_edge_deg
    )
    absorbed = np.exp(-settings.absorption * (rays.length_mm / rays.z_mm - 1))
    transmission: FloatArray = absorbed * (1 - (1 - settings.seat_transmission) * outside)
    return transmission
