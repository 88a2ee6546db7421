"""What a profile says of the instruments that decisions and forecasts reckon with: membrane, heater, ruby."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from lics_beamline.files.strict_toml import NotNegative, Positive, PvPrefix, Strict

# What a profile may say: beyond it a number has another unit, and every rule that compares with it lets all pass.
FASTEST_BAR_PER_S: Final = 1.0  # of a membrane; pressure controllers for cells are run at a hundredth of it
FASTEST_K_PER_MIN: Final = 20.0  # of a heater; what a leg may ask for at most


class MembraneSettings(Strict):
    """The gas controller of the membrane.

    Parameters
    ----------
    prefix : str
        Prefix of its PVs, after that of the beamline.
    limits_bar : (float, float)
        Lowest and highest load that may be asked of it [bar]; the narrower of these and the PV's limits binds.
    slew_bar_per_s : float
        Rate at which the load is moved [bar/s].
    tolerance_bar : float
        How near the load must come to its setpoint [bar].
    dwell_s : float
        How long it must stay there [s of experiment]; 75 s is the shortest that can be judged at 300 times the wall
        clock.
    stall_s : float
        Time without progress after which a move is given up [s of experiment].
    slew_limits_bar_per_s : (float, float)
        Slowest and fastest slew that may be asked of it [bar/s], likewise; needed where the PV names none, as with the
        stock support of EPICS.
    absent : list of str
        Its PVs that this beamline has not; `lics check` tells what is then not guarded.
    supply_bar : float
        Pressure of the supply as a person has read it [bar]; where ``Source_RBV`` is absent.
    """

    prefix: PvPrefix
    limits_bar: tuple[NotNegative, Positive]
    slew_bar_per_s: Annotated[float, Field(gt=0, le=FASTEST_BAR_PER_S)]
    tolerance_bar: Positive
    dwell_s: NotNegative
    stall_s: Positive
    slew_limits_bar_per_s: tuple[Positive, Positive] | None = None
    absent: tuple[Literal["Source_RBV", "InLimits_RBV"], ...] = ()
    supply_bar: Positive | None = None

    @model_validator(mode="after")
    def _supply_is_told_once(self) -> MembraneSettings:
        if ("Source_RBV" in self.absent) != (self.supply_bar is not None):
            raise ValueError(
                "supply_bar is the pressure of the supply as a person has read it [bar]: it is needed where absent "
                "names Source_RBV, and only there"
            )
        limits = self.slew_limits_bar_per_s
        if limits is not None and not limits[0] <= self.slew_bar_per_s <= limits[1]:
            raise ValueError(
                f"slew_bar_per_s = {self.slew_bar_per_s} is outside slew_limits_bar_per_s = {list(limits)}"
            )
        return self


class HeaterSettings(Strict):
    """The temperature controller of the cell.

    Parameters
    ----------
    prefix : str
        Prefix of its PVs, after that of the beamline.
    limits_k : (float, float)
        Lowest and highest temperature that may be asked of it [K]; the narrower of these and the PV's limits binds.
    ramp_rate_k_per_min : float
        Ramp where a leg names none [K/min].
    tolerance_k : float
        How near the temperature must come to its setpoint [K].
    dwell_s : float
        How long it must stay there [s of experiment].
    stall_s : float
        Time without progress after which a ramp is given up [s of experiment].
    ambient_k : float
        Temperature of the room, and setpoint of a heater made safe [K].
    break_trip : bool
        Whether the controller itself cuts the power when its sensor breaks.
    absent : list of str
        Its PVs that this beamline has not, ``Contactor`` with its read-back; `lics check` tells what is then not
        guarded.
    """

    prefix: PvPrefix
    limits_k: tuple[Positive, Positive]
    ramp_rate_k_per_min: Annotated[float, Field(gt=0, le=FASTEST_K_PER_MIN)]
    tolerance_k: Positive
    dwell_s: NotNegative
    stall_s: Positive
    ambient_k: Positive = 298.0
    break_trip: bool = False
    absent: tuple[Literal["Auto", "OutputHigh", "Contactor"], ...] = ()


class RubySettings(Strict):
    """The ruby spectrometer and how a spectrum is taken.

    Parameters
    ----------
    prefix : str
        Prefix of its PVs, after that of the beamline.
    acquire_time_s : float
        Exposure of one accumulation [s].
    accumulations : int
        Exposures that are added up to a spectrum.
    laser_power_mw : float
        Power of the laser [mW].
    drift_warn_nm : float
        Drift of the axis within a run that is said [nm]; it is corrected in any case.
    drift_stop_nm : float
        Drift that is none any more [nm]: somebody moved the grating, and the sweep ends.
    """

    prefix: PvPrefix
    acquire_time_s: Positive
    accumulations: Annotated[int, Field(ge=1, le=100)] = 1
    laser_power_mw: Positive
    drift_warn_nm: Positive = 0.02  # 0.05 GPa
    drift_stop_nm: Positive = 0.5  # 1.4 GPa: no drift, somebody moved the grating

    @property
    def reading_s(self) -> float:
        """How long one reading takes: all accumulations of a spectrum [s]."""
        return self.acquire_time_s * self.accumulations
