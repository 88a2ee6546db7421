"""What stands between sample and plate: beam stop with its holder, seats of the anvils, absorption on the way out."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_simulators.plate.settings import ShadowSettings

FloatArray = npt.NDArray[np.float64]

SATURATED_WIDTHS: Final = 9.0  # where a smooth step is 0 or 1 to the last digit


def _edge(distance: FloatArray, width: float) -> FloatArray:
    """Smooth step: 0 far below, 1 far above, over a width (standard deviation)."""
    from scipy.special import erf

    step = np.where(distance > 0.0, 1.0, 0.0)
    near = np.abs(distance) < SATURATED_WIDTHS * width
    step[near] = 0.5 * (1 + erf(distance[near] / (math.sqrt(2) * width)))
    return step


def stop_transmission(x_mm: FloatArray, y_mm: FloatArray, settings: ShadowSettings) -> FloatArray:
    """Transmission of beam stop and holder at places on the plate, 0 to 1.

    Parameters
    ----------
    x_mm, y_mm : ndarray
        Laboratory coordinates from the direct beam [mm].
    settings : ShadowSettings
        Sizes.
    """
    azimuth = math.radians(settings.holder_azimuth_deg)
    along = x_mm * math.cos(azimuth) + y_mm * math.sin(azimuth)
    across = np.abs(y_mm * math.cos(azimuth) - x_mm * math.sin(azimuth))
    stop = _edge(np.hypot(x_mm, y_mm) - settings.stop_radius_mm, settings.stop_edge_mm)
    covered = (1 - _edge(across - settings.holder_width_mm / 2, settings.stop_edge_mm)) * (along > 0)
    return stop * (1 - (1 - settings.holder_transmission) * covered)


def cell_transmission(two_theta: FloatArray, azimuth: FloatArray, settings: ShadowSettings) -> FloatArray:
    """Transmission of the pressure cell, relative to the direction of the beam, 0 to 1.

    Parameters
    ----------
    two_theta, azimuth : ndarray
        Scattering angle and azimuth [rad].
    settings : ShadowSettings
        Opening of the seats and absorption.

    Notes
    -----
    Absorption is exp(-mu t (1/cos(2theta) - 1)): the way out through a plane-parallel anvil.
    """
    horizontal = np.degrees(two_theta) * np.cos(azimuth) - settings.seat_offset_deg
    vertical = np.degrees(two_theta) * np.sin(azimuth)
    outside = _edge(np.hypot(horizontal, vertical) - settings.seat_opening_deg, settings.seat_edge_deg)
    absorbed = np.exp(-settings.absorption * (1 / np.cos(two_theta) - 1))
    transmission: FloatArray = absorbed * (1 - (1 - settings.seat_transmission) * outside)
    return transmission
