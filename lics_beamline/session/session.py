"""Front door to the beamline: assembles devices, engine, journal and followers from a profile, and takes them down."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bluesky.utils import FailedStatus, MsgGenerator, RunEngineInterrupted

from lics_beamline.catalog.place import set_catalog_place
from lics_beamline.data_folder import DataFolder
from lics_beamline.devices.assembly import assemble
from lics_beamline.devices.control_layer import choose, logged_in
from lics_beamline.errors import LicsError
from lics_beamline.follower.status import WHICH, Which
from lics_beamline.follower.supervisor import FollowerSupervisor
from lics_beamline.journal import lock
from lics_beamline.journal.writer import Journal
from lics_beamline.processes.alert import Alerts
from lics_beamline.profile import Profile
from lics_beamline.reduction.recipe import Recipe, read_recipe
from lics_beamline.safety import guard
from lics_beamline.safety.feeding import NO_ENGINE_BEAT, Feeding
from lics_beamline.safety.guard_status import lost
from lics_beamline.safety.heartbeat import Heartbeat
from lics_beamline.safety.latch import has_acknowledged, latched, require_acknowledged, trip
from lics_beamline.safety.supervisor import GuardSupervisor
from lics_beamline.session import aftermath
from lics_beamline.session.engine import Engine
from lics_beamline.session.interruption import Interruption
from lics_beamline.session.metadata import session_metadata
from lics_beamline.session.requests import RequestFiles
from lics_beamline.session.simulation import Simulation

if TYPE_CHECKING:  # plans and devices import ophyd, which chooses the control layer: not before a session does
    from bluesky import RunEngine

    from lics_beamline.devices.beamline import Beamline
    from lics_beamline.experiment import Experiment
    from lics_beamline.plans.sweep_record import SweepRecord

logger = logging.getLogger(__name__)

LOCK_NAME = "session.lock"  # of the one session that a data folder has at a time
CONNECT_S = 30.0  # without another PV that answers [s]; on a busy computer one took 1 s
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
    profile : Profile
        The beamline as data.
    recipe : Recipe
        How runs are reduced here, read once: that of the profile, with its geometry.
    data : DataFolder
        Where everything is kept.
    requests : RequestFiles
        Where people ask to hold, continue or stop a sweep.
    simulation : Simulation or None
        The simulated beamline, where this is one.
    followers : FollowerSupervisor
        Keeps those at work that it started; they end by themselves after this process, when they have caught up.
    guard_supervisor : GuardSupervisor
        The process that makes safe when this one cannot, and who sees to it that there is one.
    """

    beamline: Beamline
    engine: RunEngine
    profile: Profile
    recipe: Recipe
    data: DataFolder
    requests: RequestFiles
    simulation: Simulation | None
    followers: FollowerSupervisor
    guard_supervisor: GuardSupervisor

    def sweep(self, experiment: Experiment, *, md: Mapping[str, Any] | None = None) -> MsgGenerator[str]:
        """Return the plan that walks an experiment at this beamline: ``session.engine(session.sweep(experiment))``."""
        return self._sweep(experiment, record=None, md=md)

    def resume(self, record: SweepRecord) -> MsgGenerator[str]:
        """Return the plan that goes on with a sweep that was cut off (`plans.sweep_record`)."""
        return self._sweep(record.experiment, record=record)

    def _sweep(
        self, experiment: Experiment, *, record: SweepRecord | None, md: Mapping[str, Any] | None = None
    ) -> MsgGenerator[str]:
        from lics_beamline.plans.sweep import sweep

        return sweep(
            self.beamline,
            experiment,
            profile=self.profile,
            recipe=self.recipe,
            requests=self.requests,
            md={**(md or {}), **({"simulated": self.simulation.world} if self.simulation else {})},
            record=record,
        )


@contextlib.contextmanager
def open_session(
    profile: Profile,
    data: DataFolder,
    *,
    simulated: Simulation | None = None,
    followers: Sequence[Which] = WHICH,
) -> Iterator[Session]:
    """Connect the devices of a profile and be ready to run plans; what is on when it closes is made safe.

    Parameters
    ----------
    profile : Profile
        The beamline as data.
    data : DataFolder
        Where journals, plates and catalog go.
    simulated : Simulation, optional
        A running simulated beamline to connect to; else the environment (``EPICS_CA_ADDR_LIST``) says where PVs are.
    followers : sequence of {"reduce", "catalog"}
        Which to start, a process each; the others run elsewhere, or later (``lics follow``).

    Raises
    ------
    NotConnected, WrongUnit
        With the whole list of what is dead or speaks another unit.
    Busy
        If another process holds the beamline, or has a session in this data folder; nothing was touched.
    NotAcknowledged
        If the guard, or the watchdog of the instruments, has tripped and nobody has taken note.
    """
    choose(simulated.addresses if simulated else None)
    from lics_beamline.devices.beamline import be_patient, connect, disconnect

    data.make()
    with contextlib.ExitStack() as stack:
        # Guard, heartbeat and requests of a session are files of its data folder: a second one would write over them.
        stack.enter_context(lock.sole(data.logs / LOCK_NAME, what=f"a session in {data.root}"))
        lost(data)
        require_acknowledged(data)
        recipe = read_recipe(profile.recipe_file, geometry=profile.geometry)
        prefix = simulated.prefix if simulated else profile.values.prefix
        alerts = Alerts(profile.values.alerts.command, data.logs / "alerts.log")
        stack.callback(alerts.finish)
        requests = RequestFiles(data, told=alerts.tell)
        give_up_s = GIVE_UP_S if simulated else None
        stack.enter_context(logged_in(data.logs))
        be_patient()
        beamline = assemble(profile, data, prefix=prefix)
        stack.callback(disconnect, beamline)
        connect(beamline, timeout_s=CONNECT_S, strict=True)
        beamline.membrane.require_free()
        _require_untripped(beamline, data)
        guard_supervisor = stack.enter_context(
            GuardSupervisor(profile.folder, prefix, data, give_up_s=give_up_s, note=requests.note)
        )
        requests.hindrance = guard_supervisor.missing
        feeding = stack.enter_context(_feeding(beamline))

        def tell(*, farewell: bool) -> None:
            guard_supervisor.tell(farewell=farewell)
            if not (farewell or guard_supervisor.has_tripped):  # or the instruments would be kept from making safe too
                feeding.tell()

        following = FollowerSupervisor(data, note=requests.note)

        def look() -> None:
            guard_supervisor.look()
            following.look()

        # Its farewell lets the guard end.
        stack.enter_context(Heartbeat(data.logs, tell=tell, look=look))
        journal = stack.enter_context(Journal(data.raw_journals))
        engine = Engine(
            stack.enter_context(session_metadata(data.session_metadata)),
            requests=requests,
            context_managers=[
                lambda engine: _guarded(engine, data, guard_supervisor),
                lambda engine: Interruption(
                    engine, lambda: _make_safe(beamline), ended=lambda: aftermath.make_safe(beamline)
                ),
            ],
        )
        engine.subscribe(journal)
        beamline.clock.drive(engine.loop)
        guard_supervisor.engine = engine
        if profile.values.catalog:
            set_catalog_place(data, profile.values.catalog)
        following.start(followers)
        stack.callback(aftermath.leave, engine, beamline)  # the guard goes with the session: nothing may stay on
        yield Session(
            beamline=beamline,
            engine=engine,
            profile=profile,
            recipe=recipe,
            data=data,
            requests=requests,
            simulation=simulated,
            followers=following,
            guard_supervisor=guard_supervisor,
        )


def _require_untripped(beamline: Beamline, data: DataFolder) -> None:
    """Refuse while the instruments have made themselves safe and nobody has taken note; else let them be armed."""
    watchdog = beamline.watchdog
    tripped_at = watchdog.trip_at() if watchdog is not None else ""
    if watchdog is None or not tripped_at:
        return
    if not has_acknowledged(data, tripped_at):
        trip(data, cause="watchdog", says=watchdog.says(), watchdog=tripped_at)
        require_acknowledged(data)
    watchdog.reset.put("Yes", wait=True)


@contextlib.contextmanager
def _feeding(beamline: Beamline) -> Iterator[Feeding]:
    """Feed the watchdog of the instruments, and say farewell to it in the end."""
    watchdog = beamline.watchdog
    with Feeding(watchdog, watchdog.engine_beat if watchdog is not None else None) as feeding:
        yield feeding
    if watchdog is not None and watchdog.engine_beat.connected:
        watchdog.engine_beat.put(NO_ENGINE_BEAT)


def _make_safe(beamline: Beamline) -> None:
    """Make safe past the engine, unless another process holds the beamline."""
    from lics_beamline.devices.beamline import make_safe

    holder = beamline.membrane.foreign_holder()
    if holder:
        logger.warning("the beamline is held by %s: nothing was touched", holder)
    else:
        make_safe(beamline)


@contextlib.contextmanager
def _guarded(engine: RunEngine, data: DataFolder, guard_supervisor: GuardSupervisor) -> Iterator[None]:
    """Refuse to begin or resume a plan while a trip is not acknowledged, or nobody guards; one may always be ended."""
    if engine.state in ("idle", "paused"):
        require_acknowledged(data)
        guard.wait_until_watching(guard_supervisor.process, data)
    yield


def run_plan(engine: RunEngine, plan: MsgGenerator[Any], data: DataFolder) -> str:
    """Run a plan; a Ctrl-C ends it cleanly, and so does the guard.

    Returns
    -------
    str
        Why the plan ended early, for people; empty when it ran to its end.
    """
    from lics_beamline.plans.action import why
    from lics_beamline.plans.silence import NO_READING, named

    try:
        engine(plan)
    except RunEngineInterrupted:
        trip = latched(data)
        return f"ended by the guard: {trip['says']}" if trip else "ended by Ctrl-C"
    except FailedStatus as error:
        return why(error)
    except LicsError as error:
        return str(error)
    except NO_READING as error:
        return str(named(error))
    return ""
