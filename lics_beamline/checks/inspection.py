"""Reading the beamline for the rules of ``live.py``: nothing is moved; at most one ruby spectrum is taken."""

from __future__ import annotations

import math

from lics_beamline.checks.case import Case
from lics_beamline.checks.readings import BeamlineReadings, JudgedSpectrum, WatchdogReading
from lics_beamline.devices.alarm import alarms_of, silences
from lics_beamline.devices.beamline import Beamline
from lics_beamline.errors import BadReading, LicsError
from lics_beamline.physics.ruby_spectrum import fit_doublet

PATIENCE_S = 300.0  # of wall clock for one spectrum, laser on and off included; only a hang is caught


def inspect(beamline: Beamline, case: Case, *, spectrum: bool = True) -> BeamlineReadings:
    """Read what the rules need.

    Parameters
    ----------
    beamline : Beamline
        The devices; every PV must answer.
    case : Case
        The experiment to be judged.
    spectrum : bool
        Whether to take a ruby spectrum, with the laser on for its duration. None is taken while another client holds
        the membrane: then a sweep is under way.
    """
    membrane, heater, thermocouples = beamline.membrane, beamline.heater, beamline.thermocouples
    ruby, plate, beam = beamline.ruby, beamline.plate, beamline.beam
    lease = str(membrane.lease.get())
    laser = str(ruby.laser.get())
    axis_nm = ruby.wavelength_nm.get()
    return BeamlineReadings(
        case=case,
        clock_speed=beamline.clock.speed(),
        clock_silent_s=beamline.clock.silent_s(),
        load_bar=float(membrane.load_bar.get()),
        supply_bar=float(membrane.source_bar.get()),
        effort_percent=float(membrane.effort_percent.get()),
        membrane_error=str(membrane.error.get()),
        membrane_control=str(membrane.control_readback.get()),
        lease=lease,
        slew_limits_bar_per_s=_limits(membrane.slew_bar_per_s),
        membrane_unsafe=membrane.unsafe(armed=True),
        heater_unsafe=heater.unsafe(armed=True),
        beam_unsafe=beam.unsafe(),
        heater_k=float(heater.temperature_k.get()),
        heater_auto=str(heater.auto.get()),
        contactor=str(heater.contactor_readback.get()),
        gasket_k=float(thermocouples.gasket_k.get()),
        cell_k=float(thermocouples.cell_k.get()),
        membrane_k=float(thermocouples.membrane_k.get()),
        ambient_k=float(thermocouples.ambient_k.get()),
        thermocouple_types=tuple(
            str(getattr(thermocouples, f"{where}_type").get()) for where in ("gasket", "cell", "membrane", "ambient")
        ),
        ruby_axis_nm=(float(axis_nm[0]), float(axis_nm[-1])) if len(axis_nm) else (math.nan, math.nan),
        laser=laser,
        ring_current_ma=float(beam.ring_current_ma.get()),
        energy_kev=float(beam.energy_kev.get()),
        attenuator=int(beam.attenuator.get()),
        detector_state=str(plate.state.get()),
        plate_states=(str(plate.plate1_state.get()), str(plate.plate2_state.get())),
        scan_resolution_um=str(plate.resolution_um.get()),
        exposure_limits_s=_limits(plate.exposure_s),
        oscillation_limits_deg=_limits(beamline.stage.oscillation_deg),
        watchdog=_watchdog(beamline),
        silent=silences(beamline.devices()),
        alarms=alarms_of(beamline.devices()),
        ruby=_spectrum(beamline, case) if spectrum and not lease.strip() and laser == "Off" else None,
    )


def _watchdog(beamline: Beamline) -> WatchdogReading | None:
    watchdog = beamline.watchdog
    if watchdog is None:
        return None
    return WatchdogReading(
        state=str(watchdog.state.get()),
        timeout_s=float(watchdog.silence_s.get()),
        says=watchdog.says() if watchdog.trip_at() else "",
    )


def _limits(signal: object) -> tuple[float, float]:
    low, high = getattr(signal, "limits", None) or (0.0, 0.0)
    return float(low or 0.0), float(high or 0.0)


def _spectrum(beamline: Beamline, case: Case) -> JudgedSpectrum:
    """Take one spectrum of the ruby in the cell as a sweep would, and switch the laser off whatever comes."""
    ruby, wanted = beamline.ruby, case.settings.ruby
    try:
        ruby.acquire_time_s.set(wanted.acquire_time_s).wait(PATIENCE_S)
        ruby.accumulations.set(wanted.accumulations).wait(PATIENCE_S)
        ruby.laser_power_mw.set(wanted.laser_power_mw).wait(PATIENCE_S)
        ruby.laser_on().wait(PATIENCE_S)
        try:
            ruby.trigger().wait(PATIENCE_S)
            counts, wavelength_nm = ruby.spectrum.get(), ruby.wavelength_nm.get()
        finally:
            ruby.laser_off().wait(PATIENCE_S)
        temperature_k = float(beamline.thermocouples.gasket_k.get())
        line = fit_doublet(wavelength_nm, counts, temperature_k=temperature_k)
    except (BadReading, LicsError, TimeoutError) as error:
        return JudgedSpectrum(trouble=str(error) or type(error).__name__)
    return JudgedSpectrum(
        r1_nm=line.r1_nm,
        r1_sigma_nm=line.r1_sigma_nm,
        height_counts=line.height_counts,
        background_counts=line.background_counts,
    )
