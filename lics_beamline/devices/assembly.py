"""The devices of a profile, made and not yet connected."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lics_beamline.data_folder import DataFolder
    from lics_beamline.devices.beamline import Beamline
    from lics_beamline.profile import Profile


def assemble(profile: Profile, data: DataFolder, *, prefix: str | None = None) -> Beamline:
    """Make the devices of a profile; nothing is connected yet.

    Parameters
    ----------
    profile : Profile
        The beamline as data.
    data : DataFolder
        Folder below which plates are written.
    prefix : str, optional
        Prefix of the PVs, instead of the profile's.
    """
    from lics_beamline.devices.beam import Beam
    from lics_beamline.devices.beamline import Beamline
    from lics_beamline.devices.clock import Clock, WallClock
    from lics_beamline.devices.frame import Frame
    from lics_beamline.devices.heater import Heater
    from lics_beamline.devices.image_plate import ImagePlate
    from lics_beamline.devices.membrane import Membrane
    from lics_beamline.devices.ruby_spectrometer import RubySpectrometer
    from lics_beamline.devices.stage import Stage
    from lics_beamline.devices.stand_in import lacking
    from lics_beamline.devices.thermocouples import Thermocouples
    from lics_beamline.devices.watchdog import Watchdog

    values = profile.values
    root = prefix or values.prefix
    clock = Clock(root, name="clock") if values.clock.kind == "world" else WallClock(name="clock")
    plate_s = 2 * (values.plate.read_s + values.plate.erase_s + values.plate.swap_s)
    return Beamline(
        clock=clock,
        membrane=lacking(Membrane, values.membrane.absent, source_bar=values.membrane.supply_bar)(
            root + values.membrane.prefix,
            name="membrane",
            clock=clock,
            limits_bar=values.membrane.limits_bar,
            slew_limits_bar_per_s=values.membrane.slew_limits_bar_per_s,
            tolerance_bar=values.membrane.tolerance_bar,
            dwell_s=values.membrane.dwell_s,
            stall_s=values.membrane.stall_s,
        ),
        heater=lacking(Heater, values.heater.absent)(
            root + values.heater.prefix,
            name="heater",
            clock=clock,
            limits_k=values.heater.limits_k,
            ramp_rate_k_per_min=values.heater.ramp_rate_k_per_min,
            tolerance_k=values.heater.tolerance_k,
            dwell_s=values.heater.dwell_s,
            stall_s=values.heater.stall_s,
            ambient_k=values.heater.ambient_k,
        ),
        thermocouples=Thermocouples(root + values.thermocouples.prefix, name="thermocouples"),
        ruby=RubySpectrometer(root + values.ruby.prefix, name="ruby", clock=clock),
        plate=ImagePlate(root + values.plate.prefix, name="plate", clock=clock, overhead_s=2 * plate_s),
        frame=Frame(root + values.plate.prefix, name="frame", clock=clock, data_root=data.root, timeout_s=2 * plate_s),
        beam=Beam(root + values.beam.prefix, name="beam", clock=clock),
        stage=Stage(root + values.stage.prefix, name="stage", positions=values.stage.positions),
        watchdog=Watchdog(root + values.watchdog.prefix, name="watchdog", timeout_s=values.watchdog.timeout_s)
        if values.watchdog.kind == "ioc"
        else None,
    )
