"""The reference line: the ambient ruby outside the cell, read with the spectrometer as it is today."""

from __future__ import annotations

from dataclasses import dataclass

import bluesky.plan_stubs as bps
from bluesky.utils import MsgGenerator

from lics_beamline.devices.beamline import Beamline
from lics_beamline.physics.ruby_spectrum import fit_doublet
from lics_beamline.plans.gauge import laser_off, laser_on
from lics_beamline.schema import AMBIENT_TEMPERATURE, RUBY_SPECTRUM, RUBY_WAVELENGTH


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceLine:
    """R1 of the ambient ruby.

    Parameters
    ----------
    r1_nm, r1_sigma_nm : float
        Fitted wavelength in air and its standard deviation [nm].
    temperature_k : float
        Temperature of the room it was read at [K].
    """

    r1_nm: float
    r1_sigma_nm: float
    temperature_k: float


def reference_line(beamline: Beamline) -> MsgGenerator[ReferenceLine]:
    """Read the ambient ruby. Not part of a run: its result goes into the start document.

    Raises
    ------
    BadReading
        If the spectrum cannot be believed.
    """
    yield from bps.mv(beamline.ruby.ambient_ruby, "On")
    yield from laser_on(beamline)
    yield from bps.trigger(beamline.ruby, wait=True)
    readings = yield from bps.read(beamline.ruby)
    room = yield from bps.read(beamline.thermocouples)
    yield from laser_off(beamline)
    yield from bps.mv(beamline.ruby.ambient_ruby, "Off")
    temperature_k = float(room[AMBIENT_TEMPERATURE]["value"])
    line = fit_doublet(
        readings[RUBY_WAVELENGTH]["value"], readings[RUBY_SPECTRUM]["value"], temperature_k=temperature_k
    )
    return ReferenceLine(r1_nm=line.r1_nm, r1_sigma_nm=line.r1_sigma_nm, temperature_k=temperature_k)
