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

from lics_beamline.catalog.store import write_profile
from lics_beamline.checks.judgement import cell_model_of
from lics_beamline.control.approach import Rules
from lics_beamline.control.envelope import Envelope
from lics_beamline.control.heating import Doubts
from lics_beamline.control.heating_leg import Rules as HeatingRules
from lics_beamline.data_folder import DataFolder
from lics_beamline.devices.assembly import assemble
from lics_beamline.errors import LicsError, ProfileError
from lics_beamline.follower import process as follower
from lics_beamline.follower.status import WHICH
from lics_beamline.journal.writer import Journal
from lics_beamline.plans.action import why
from lics_beamline.plans.exposure import Light
from lics_beamline.plans.gauge import Spectrum
from lics_beamline.plans.live import Patience
from lics_beamline.plans.plates import Keeping
from lics_beamline.plans.reference import Drift
from lics_beamline.plans.sweep import Manner
from lics_beamline.profile import Profile
from lics_beamline.reduction.recipe import read_recipe
from lics_beamline.safety import guard
from lics_beamline.safety.heartbeat import Heartbeat
from lics_beamline.safety.latch import latched, require_acknowledged
from lics_beamline.safety.supervisor import Guardianship
from lics_beamline.session.engine import Engine
from lics_beamline.session.interruption import Interruption
from lics_beamline.session.requests import RequestFiles
from lics_beamline.session.simulation import Simulation, loopback, simulation

if TYPE_CHECKING:
    from lics_beamline.devices.beamline import Beamline

logger = logging.getLogger(__name__)

CONNECT_S = 10.0
GIVE_UP_S = 5.0  # a simulated beamline ends with this process; its guard need not look for it any longer


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
    requests : RequestFiles
        Where people ask to hold, continue or stop a sweep.
    simulation : Simulation or None
        The simulated beamline, where this is one.
    followers : tuple of subprocess.Popen
        Cataloguer and live reducer; they end by themselves after this process, when they have caught up.
    guardianship : Guardianship
        The process that makes safe when this one cannot, and who sees to it that there is one.
    """

    beamline: Beamline
    engine: RunEngine
    manner: Manner
    data: DataFolder
    requests: RequestFiles
    simulation: Simulation | None
    followers: tuple[subprocess.Popen[bytes], ...]
    guardianship: Guardianship


def envelope_of(profile: Profile) -> Envelope:
    """Return where the cell may go by a profile."""
    limits, usual = profile.values.envelope, profile.values.approach
    return Envelope(
        pressure_gpa=limits.pressure_gpa,
        temperature_k=limits.temperature_k,
        load_bar=limits.load_bar,
        supply_fraction=limits.supply_fraction,
        steepest_gain_gpa_per_bar=usual.gain_gpa_per_bar * usual.gain_range[1],
    )


def rules_of(profile: Profile) -> Rules:
    """Return how a pressure is approached by a profile."""
    values = profile.values
    return Rules(**values.approach.model_dump(exclude={"wait_s"}), slew_bar_per_s=values.membrane.slew_bar_per_s)


def heating_rules_of(profile: Profile) -> HeatingRules:
    """Return how a cell is heated by a profile."""
    values = profile.values
    return HeatingRules(
        read_every_s=values.heating.read_every_s,
        first_readings=values.heating.first_readings,
        teach_k=values.heating.teach_k,
        sigmas=values.heating.sigmas,
        tolerance_k=values.heater.tolerance_k,
        stale_s=values.approach.stale_s,
        most_doubts=values.approach.most_doubts,
        most_held_s=values.heating.most_held_s,
        load_band_bar=values.approach.load_band_bar,
        band_gpa=values.heating.band_gpa,
        lost_gpa=values.heating.lost_gpa,
        slew_bar_per_s=values.membrane.slew_bar_per_s,
    )


def doubts_of(profile: Profile) -> Doubts:
    """Return what is usual when a cell is heated, by a profile."""
    usual, rules = profile.values.heating, profile.values.approach
    return Doubts(
        curvature=usual.curvature_doubt,
        friction=usual.release_doubt,
        lag_s=usual.lag_s,
        lag_sigma_s=usual.lag_doubt_s,
        creep_fraction=rules.creep_fraction,
        creep_s=rules.creep_s,
        creep_sigma_gpa=usual.creep_doubt_gpa,
    )


def manner_of(profile: Profile) -> Manner:
    """Return how sweeps are walked with a profile."""
    values = profile.values
    recipe = read_recipe(profile.recipe_file)
    if profile.geometry is not None:
        recipe = recipe.model_copy(update={"geometry": profile.geometry})
    return Manner(
        envelope=envelope_of(profile),
        rules=rules_of(profile),
        heating=heating_rules_of(profile),
        cell=cell_model_of(profile),
        doubts=doubts_of(profile),
        recipe=recipe,
        wait_s=values.approach.wait_s,
        slew_bar_per_s=values.membrane.slew_bar_per_s,
        ramp_tolerance_k=values.heater.tolerance_k,
        spectrum=Spectrum(
            acquire_time_s=values.ruby.acquire_time_s,
            accumulations=values.ruby.accumulations,
            laser_power_mw=values.ruby.laser_power_mw,
        ),
        drift=Drift(warn_nm=values.ruby.drift_warn_nm, stop_nm=values.ruby.drift_stop_nm),
        profile={"name": values.name, "digest": profile.digest},
        light=Light(least_ring_ma=values.beam.least_ring_ma, patience_s=values.beam.patience_s),
        overlapped=values.plate.overlapped,
        patience=Patience(deadline_s=values.live.deadline_s, most_held_s=values.live.most_held_s),
        keeping=Keeping(fading=recipe.plate.fading or values.plate.fading, most=values.plate.most_fading),
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
    NotAcknowledged
        If the guard has tripped and nobody has taken note.
    """
    if simulated:
        os.environ.update(loopback(simulated.port))
    os.environ.setdefault("OPHYD_CONTROL_LAYER", "caproto")
    from lics_beamline.devices.beamline import connect, disconnect, make_safe

    data.make()
    require_acknowledged(data)
    manner = manner_of(profile)
    prefix = simulated.prefix if simulated else profile.values.prefix
    requests = RequestFiles(data)
    give_up_s = GIVE_UP_S if simulated else None
    with contextlib.ExitStack() as stack:
        guardianship = stack.enter_context(
            Guardianship(profile.folder, prefix, data, give_up_s=give_up_s, note=requests.note)
        )
        requests.hindrance = guardianship.missing
        stack.enter_context(Heartbeat(data.logs, at_each=guardianship.look))  # its farewell ends the guard
        beamline = assemble(profile, data, prefix=prefix)
        stack.callback(disconnect, beamline)
        connect(beamline, timeout_s=CONNECT_S, strict=True)
        journal = stack.enter_context(Journal(data.raw_journals))
        engine = Engine(
            {},
            requests=requests,
            context_managers=[
                lambda engine: _guarded(data, guardianship),
                lambda engine: Interruption(engine, lambda: make_safe(beamline)),
            ],
        )
        engine.subscribe(journal)
        guardianship.engine = engine
        if followers:
            write_profile(data)
        following = tuple(follower.start(data, which) for which in WHICH) if followers else ()
        yield Session(
            beamline=beamline,
            engine=engine,
            manner=manner,
            data=data,
            requests=requests,
            simulation=simulated,
            followers=following,
            guardianship=guardianship,
        )


@contextlib.contextmanager
def _guarded(data: DataFolder, guardianship: Guardianship) -> Iterator[None]:
    """Refuse to run a plan while a trip is not acknowledged, or while nobody guards it."""
    require_acknowledged(data)
    guard.wait_until_watching(guardianship.process, data)
    yield


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


def run_plan(engine: RunEngine, plan: MsgGenerator[Any], data: DataFolder) -> str:
    """Run a plan; a Ctrl-C ends it cleanly, and so does the guard.

    Returns
    -------
    str
        Why the plan ended early, for people; empty when it ran to its end.
    """
    try:
        engine(plan)
    except RunEngineInterrupted:
        trip = latched(data)
        return f"ended by the guard: {trip['says']}" if trip else "ended by Ctrl-C"
    except FailedStatus as error:
        return why(error)
    except LicsError as error:
        return str(error)
    return ""
