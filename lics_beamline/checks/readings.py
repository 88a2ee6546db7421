"""What the beamline says of itself now, as the rules of ``live.py`` judge it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lics_beamline.checks.case import Case


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedSpectrum:
    """One ruby spectrum, judged.

    Parameters
    ----------
    r1_nm, r1_sigma_nm : float
        R1 in air and its standard deviation [nm].
    height_counts, background_counts : float
        Height of R1 over the background, and the background under it [counts].
    trouble : str
        Why the spectrum cannot be believed; empty where it can.
    """

    r1_nm: float = math.nan
    r1_sigma_nm: float = math.nan
    height_counts: float = 0.0
    background_counts: float = 0.0
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchdogReading:
    """What the watchdog of the instruments says of itself.

    Parameters
    ----------
    state : str
        ``Off``, ``Armed`` or ``Tripped``.
    timeout_s : float
        Silence it bears [s of wall clock].
    says : str
        About its trip; empty where it has not tripped.
    """

    state: str
    timeout_s: float
    says: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeamlineReadings:
    """What the beamline says of itself. Fields are named as the instruments' read-backs.

    Parameters
    ----------
    case : Case
        The experiment to be judged against it.
    ruby : JudgedSpectrum or None
        A spectrum taken now; None where none could be taken without disturbing somebody.
    watchdog : WatchdogReading or None
        What makes safe when nobody lives to do so; None where no PVs tell of one.
    membrane_unsafe, heater_unsafe, beam_unsafe : tuple of str
        What these devices say of themselves that is not safe before a sweep; membrane and heater may be armed.
    silent : tuple of str
        A phrase for each read-back without whose value nothing may be decided, and which has none: ``INVALID``.
    alarms : str
        PVs in alarm, each with its severity; empty for none.
    """

    case: Case
    clock_speed: float
    clock_silent_s: float
    load_bar: float
    supply_bar: float
    effort_percent: float
    membrane_error: str
    membrane_control: str
    lease: str
    slew_limits_bar_per_s: tuple[float, float]
    membrane_unsafe: tuple[str, ...]
    heater_unsafe: tuple[str, ...]
    beam_unsafe: tuple[str, ...]
    heater_k: float
    heater_auto: str
    contactor: str
    gasket_k: float
    cell_k: float
    membrane_k: float
    ambient_k: float
    thermocouple_types: tuple[str, ...]
    ruby: JudgedSpectrum | None
    ruby_axis_nm: tuple[float, float]
    laser: str
    ring_current_ma: float
    energy_kev: float
    attenuator: int
    detector_state: str
    plate_states: tuple[str, ...]
    scan_resolution_um: str
    exposure_limits_s: tuple[float, float]
    oscillation_limits_deg: tuple[float, float]
    watchdog: WatchdogReading | None = None
    silent: tuple[str, ...] = ()
    alarms: str = ""
