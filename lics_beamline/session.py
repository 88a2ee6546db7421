"""Front door to the beamline: assembles devices, engine, journal and followers from a profile, and takes them down."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bluesky import RunEngine
from bluesky.utils import FailedStatus, MsgGenerator, RunEngineInterrupted

from lics_beamline import follower
from lics_beamline.catalog.store import write_profile
from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import LicsError, ProfileError
from lics_beamline.interruption import Interruption
from lics_beamline.journal.writer import Journal
from lics_beamline.plans.action import why
from lics_beamline.plans.approach import Rules
from lics_beamline.plans.envelope import Envelope
from lics_beamline.plans.gauge import Spectrum
from lics_beamline.plans.sweep import Manner
from lics_beamline.profile import Profile
from lics_beamline.reduction.recipe import read_recipe
from lics_beamline.simulation import Simulation, loopback, simulation

if TYPE_CHECKING:
    from lics_beamline.devices.beamline import Beamline

logger = logging.getLogger(__name__)

CONNECT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Everything a person needs at the beamline.

    Parameters
    ----------
    beamline : Beamline
        The devices, connected.
    engine : RunEngine
        Its only direct subscriber is the journal: record or stop.
    manner : Manner
        How sweeps are walked here.
    data : DataFolder
        Where everything is kept.
    simulation : Simulation or None
        The simulated beamline, where this is one.
    followers : tuple of subprocess.Popen
        Cataloguer and live reducer; they end by themselves after this process, when they have caught up.
    """

    beamline: Beamline
    engine: RunEngine
    manner: Manner
    data: DataFolder
    simulation: Simulation | None
    followers: tuple[subprocess.Popen[bytes], ...]


def manner_of(profile: Profile) -> Manner:
    """Return how sweeps are walked with a profile."""
    values = profile.values
    return Manner(
        envelope=Envelope(
            pressure_gpa=values.envelope.pressure_gpa,
            temperature_k=values.envelope.temperature_k,
            load_bar=values.envelope.load_bar,
            supply_fraction=values.envelope.supply_fraction,
            steepest_gain_gpa_per_bar=values.approach.gain_gpa_per_bar * values.approach.gain_range[1],
        ),
        rules=Rules(
            tolerance_gpa=values.approach.tolerance_gpa,
            step_fraction=values.approach.step_fraction,
            gain_gpa_per_bar=values.approach.gain_gpa_per_bar,
            gain_range=values.approach.gain_range,
            smallest_step_bar=values.approach.smallest_step_bar,
            largest_step_bar=values.approach.largest_step_bar,
            most_readings=values.approach.most_readings,
        ),
        recipe=read_recipe(profile.recipe_file),
        wait_s=values.approach.wait_s,
        slew_bar_per_s=values.membrane.slew_bar_per_s,
        ramp_tolerance_k=values.heater.tolerance_k,
        spectrum=Spectrum(
            acquire_time_s=values.ruby.acquire_time_s,
            accumulations=values.ruby.accumulations,
            laser_power_mw=values.ruby.laser_power_mw,
        ),
        profile={"name": values.name, "digest": profile.digest},
    )


def assemble(profile: Profile, data: DataFolder, *, prefix: str | None = None) -> Beamline:
    """Make the devices of a profile; nothing is connected yet.

    Parameters
    ----------
    profile : Profile
        The beamline as data.
    data : DataFolder
        Where plates go.
    prefix : str, optional
        Prefix of the PVs, instead of the profile's.
    """
    from lics_beamline.devices.beam import Beam
    from lics_beamline.devices.beamline import Beamline
    from lics_beamline.devices.clock import Clock, WallClock
    from lics_beamline.devices.heater import Heater
    from lics_beamline.devices.image_plate import Frame, ImagePlate
    from lics_beamline.devices.membrane import Membrane
    from lics_beamline.devices.ruby_spectrometer import RubySpectrometer
    from lics_beamline.devices.stage import Stage
    from lics_beamline.devices.thermocouples import Thermocouples

    values = profile.values
    root = prefix or values.prefix
    clock = Clock(root, name="clock") if values.clock.kind == "world" else WallClock(name="clock")
    plate_s = 2 * (values.plate.read_s + values.plate.erase_s + values.plate.swap_s)
    return Beamline(
        clock=clock,
        membrane=Membrane(
            root + values.membrane.prefix,
            name="membrane",
            clock=clock,
            limits_bar=values.membrane.limits_bar,
            tolerance_bar=values.membrane.tolerance_bar,
            dwell_s=values.membrane.dwell_s,
            stall_s=values.membrane.stall_s,
        ),
        heater=Heater(
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
    )


@contextlib.contextmanager
def open_session(
    profile: Profile,
    data: DataFolder,
    *,
    simulated: Simulation | None = None,
    followers: bool = True,
) -> Iterator[Session]:
    """Connect the devices of a profile and be ready to run plans.

    Parameters
    ----------
    profile : Profile
        The beamline as data.
    data : DataFolder
        Where journals, plates and catalog go.
    simulated : Simulation, optional
        A running simulated beamline to connect to; else the environment (EPICS_CA_...) says where PVs are.
    followers : bool
        Whether to start cataloguer and live reducer, a process each.

    Raises
    ------
    NotConnected, WrongUnit
        With the whole list of what is dead or speaks another unit.
    """
    if simulated:
        os.environ.update(loopback(simulated.port))
    os.environ.setdefault("OPHYD_CONTROL_LAYER", "caproto")
    from lics_beamline.devices.beamline import connect, disconnect, make_safe

    data.make()
    manner = manner_of(profile)
    beamline = assemble(profile, data, prefix=simulated.prefix if simulated else None)
    with contextlib.ExitStack() as stack:
        stack.callback(disconnect, beamline)
        connect(beamline, timeout_s=CONNECT_S, strict=True)
        journal = stack.enter_context(Journal(data.raw_journals))
        engine = RunEngine({}, context_managers=[lambda engine: Interruption(engine, lambda: make_safe(beamline))])
        engine.subscribe(journal)
        if followers:
            write_profile(data)
        following = tuple(follower.start(data, which) for which in follower.WHICH) if followers else ()
        yield Session(
            beamline=beamline, engine=engine, manner=manner, data=data, simulation=simulated, followers=following
        )


@contextlib.contextmanager
def simulated_beamline(
    profile: Profile, data: DataFolder, *, speed: float | None, seed: int | None, world: str | None = None
) -> Iterator[Simulation]:
    """Run the simulated beamline of a profile while the context lasts.

    Raises
    ------
    ProfileError
        If the profile is that of a real beamline.
    """
    wanted = profile.values.simulators
    if wanted is None:
        raise ProfileError(
            f"profile {profile.values.name!r} is a real beamline: it has no [simulators] table. "
            "Use --profile simulated.",
            profile=profile.values.name,
        )
    with simulation(
        prefix=profile.values.prefix,
        world=world or wanted.world,
        seed=wanted.seed if seed is None else seed,
        speed=wanted.speed if speed is None else speed,
        plates=data.plates,
        log=data.logs / "simulators.log",
    ) as running:
        yield running


def run_plan(engine: RunEngine, plan: MsgGenerator[Any]) -> str:
    """Run a plan; a Ctrl-C ends it cleanly.

    Returns
    -------
    str
        Why the plan ended early, for people; empty when it ran to its end.
    """
    try:
        engine(plan)
    except RunEngineInterrupted:
        return "ended by Ctrl-C"
    except FailedStatus as error:
        return why(error)
    except LicsError as error:
        return str(error)
    return ""
