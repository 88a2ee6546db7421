"""What a profile says of the instruments that decisions and forecasts reckon with: membrane, heater, ruby."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lics_beamline.strict_toml import NotNegative, Positive, Strict


class MembraneSettings(Strict):
    """The gas controller of the membrane."""

    prefix: str
    limits_bar: tuple[NotNegative, Positive]
    slew_bar_per_s: Positive
    tolerance_bar: Positive
    dwell_s: NotNegative
    stall_s: Positive


class HeaterSettings(Strict):
    """The temperature controller of the cell."""

    prefix: str
    limits_k: tuple[Positive, Positive]
    ramp_rate_k_per_min: Positive
    tolerance_k: Positive
    dwell_s: NotNegative
    stall_s: Positive
    ambient_k: Positive = 298.0
    break_trip: bool = False  # whether the controller itself cuts the power when its sensor breaks


class RubySettings(Strict):
    """The ruby spectrometer and how a spectrum is taken."""

    prefix: str
    acquire_time_s: Positive
    accumulations: Annotated[int, Field(ge=1, le=100)] = 1
    laser_power_mw: Positive
    drift_warn_nm: Positive = 0.02  # 0.05 GPa
    drift_stop_nm: Positive = 0.5  # 1.4 GPa: no drift, somebody moved the grating

    @property
    def reading_s(self) -> float:
        """How long one reading takes: all accumulations of a spectrum [s]."""
        return self.acquire_time_s * self.accumulations
