"""The process that makes safe by itself: ``python -m lics_beamline.safety.guard --profile NAME --prefix P --data DIR``.

It watches thermocouples, ruby age, the membrane's effort and the sign of life of the process that runs plans, and holds
the gas, brings the heater down and closes the shutter when one of them forbids to go on. What has tripped stays so
until a person acknowledges: ``lics guard --acknowledge``. It says how it fares in ``logs/guard.json``, once a second.
"""

from __future__ import annotations

import argparse
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from lics_beamline.data_folder import DataFolder
from lics_beamline.devices.alarm import value_of
from lics_beamline.devices.control_layer import choose
from lics_beamline.devices.lease import this_host
from lics_beamline.devices.safe_state import read_backs
from lics_beamline.errors import LicsError, NotConnected
from lics_beamline.physics.thermocouple import TYPE_K_CLASS_1_K
from lics_beamline.processes import background_process
from lics_beamline.processes.alert import Alerts
from lics_beamline.processes.background_process import BackgroundProcess
from lics_beamline.processes.status_file import uptime_s
from lics_beamline.profile import Profile, read_profile
from lics_beamline.safety.feeding import NO_ENGINE_BEAT, Feeding
from lics_beamline.safety.guard_record import GuardRecord
from lics_beamline.safety.guard_status import NAME, STAYING, GuardStatus, status
from lics_beamline.safety.heartbeat import heartbeat_path
from lics_beamline.safety.interlock import (
    InterlockAction,
    InterlockLimits,
    InterlockReading,
    InterlockState,
    Trip,
    TripCause,
    step,
)
from lics_beamline.safety.lifeline import Lifeline
from lics_beamline.safety.observation import AnyEngine, EngineProcess, Observation

if TYPE_CHECKING:
    from lics_beamline.devices.beamline import Beamline

MODULE: Final = "lics_beamline.safety.guard"  # its name is __main__ where it runs

logger = logging.getLogger(MODULE)

LOOKED_WITHIN_S: Final = 0.1  # longest time between two looks [s]; a monitor that tells of a change is looked at sooner
LOOKED_AGAIN_AFTER_S: Final = 0.03  # shortest time between two looks [s]: what one step changes is looked at together
CONNECTED_WITHIN_S: Final = 20.0  # for the PVs at the start [s]; the watch begins in any case
WATCHING_WITHIN_S: Final = 300.0  # after a guard's start [s]: nothing runs before, so only a hang is caught
TRIED_AGAIN_AFTER_S: Final = 1.0  # between two attempts to make safe [s]
SHORTEST_RUBY_S: Final = 900.0  # a ruby spectrum younger than this is never called stale [s of experiment]


def start(
    profile_name: str, prefix: str, data: DataFolder, *, lifeline: socket.socket, give_up_s: float | None = None
) -> subprocess.Popen[bytes]:
    """Start a guard of this process; it ends after this process' farewell, or when all is safe after its death.

    Parameters
    ----------
    profile_name : str
        Name or folder of the profile.
    prefix : str
        Prefix of the PVs.
    data : DataFolder
        Where the latch and the logs are.
    lifeline : socket
        The guard's end of a `Lifeline`.
    give_up_s : float, optional
        After the death of this process, seconds for which PVs that do not answer are tried; default for ever.
    """
    arguments = ["--profile", profile_name, "--prefix", prefix, "--lifeline", str(lifeline.fileno())]
    if give_up_s is not None:
        arguments += ["--give-up", f"{give_up_s:g}"]
    return background_process.start(MODULE, arguments, name=NAME, data=data, leave_open=(lifeline.fileno(),))


def wait_until_watching(process: subprocess.Popen[bytes], data: DataFolder) -> None:
    """Wait until a guard that was started watches.

    Raises
    ------
    NotConnected
        If it ends, or is not ready in time; says where its log is.
    """
    deadline = time.monotonic() + WATCHING_WITHIN_S
    while process.poll() is None and time.monotonic() < deadline:
        said = status(data)
        if said.pid == process.pid and said.state != "starting":
            return
        time.sleep(0.02)  # a file is all there is to look at
    process.terminate()
    log = background_process.log_path(data, NAME)
    raise NotConnected(
        f"the guard does not watch {WATCHING_WITHIN_S:.0f} s after its start: see {log}. Nothing runs without it.",
        log=str(log),
    )


def limits_of(profile: Profile) -> InterlockLimits:
    """Return what a guard tolerates by a profile.

    The hottest a leg may ask for, and what a thermocouple and a settling heater may add to it; and the time the longest
    load step may take, after which its ruby spectrum is stale.
    """
    values = profile.values
    step_s = values.approach.largest_step_bar / values.membrane.slew_bar_per_s
    return InterlockLimits(
        gasket_k=values.envelope.temperature_k[1] + TYPE_K_CLASS_1_K + values.heater.tolerance_k,
        ruby_s=max(SHORTEST_RUBY_S, step_s + values.membrane.stall_s + 2 * values.membrane.dwell_s),
        rising_bar=3 * values.membrane.tolerance_bar,
        power_can_be_cut="Contactor" not in values.heater.absent,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Watch until told to end; return the exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command line; default that of the process.

    Returns
    -------
    int
        0 done, 2 usage, 3 the profile cannot be used.
    """
    parser = background_process.parser_of(MODULE, __doc__.split("\n")[0], parent="the process that runs plans")
    parser.add_argument("--profile", required=True, help="name or folder of the profile")
    parser.add_argument("--prefix", help="prefix of the PVs (default: the profile's)")
    parser.add_argument(
        "--lifeline", type=int, metavar="FD", help="where it says that it lives; else its end is waited for"
    )
    parser.add_argument("--give-up", type=float, metavar="S", help="after its death, try silent PVs so long only")
    asked = parser.parse_args(arguments)
    return background_process.run(NAME, asked, partial(_guard, asked))


def serve(profile: Profile, prefix: str, data: DataFolder) -> int:
    """Guard a beamline until SIGTERM or SIGINT, whoever runs plans there; return the exit code.

    Parameters
    ----------
    profile : Profile
        The beamline as data.
    prefix : str
        Prefix of the PVs.
    data : DataFolder
        Where its log, its status and its trips go: that of the sweeps, where both can reach it, or one of its own.
    """
    asked = argparse.Namespace(data=data.root, parent_pid=None)
    return background_process.run(
        STAYING, asked, lambda process: GuardAtWork(process, profile, prefix, stays=True).work()
    )


def _guard(asked: argparse.Namespace, process: BackgroundProcess) -> int:
    """Watch as the command line asks."""
    lifeline = None if asked.lifeline is None else Lifeline.inherited(asked.lifeline)
    profile = read_profile(asked.profile)
    return GuardAtWork(process, profile, asked.prefix, lifeline, give_up_s=asked.give_up).work()


class GuardAtWork:
    """One guard at work: that of a process, or one that stays whoever comes and goes.

    Parameters
    ----------
    process : BackgroundProcess
        Its data folder, its status, the process it watches and whether it was told to end.
    profile : Profile
        The beamline as data.
    prefix : str, optional
        Prefix of the PVs, instead of the profile's.
    lifeline : Lifeline, optional
        Where it hears of the process it watches, and answers.
    give_up_s : float, optional
        After the death of that process, seconds for which PVs that do not answer are tried; default for ever.
    stays : bool
        Whether it watches any engine by the watchdog of the instruments, and ends only when told to.
    """

    def __init__(
        self,
        process: BackgroundProcess,
        profile: Profile,
        prefix: str | None,
        lifeline: Lifeline | None = None,
        *,
        give_up_s: float | None = None,
        stays: bool = False,
    ) -> None:
        self._data = process.data
        self._status = process.status
        self._record = GuardRecord(process.data, process.status)
        self._profile = profile
        self._prefix = prefix
        self._engine_pid = process.parent_pid
        self._engine_gone = process.parent_gone
        self._lifeline = lifeline
        self._give_up_s = give_up_s
        self._stays = stays
        self._limits = limits_of(profile)
        self._alerts = Alerts(profile.values.alerts.command, process.data.logs / "alerts.log")
        self._changed = threading.Event()
        self._over = process.told_to_end  # also when it has nothing more to watch
        self._making: threading.Thread | None = None
        self._made_at = -TRIED_AGAIN_AFTER_S
        self._trip_record: dict[str, Any] | None = None
        self._known_trip = ""
        self._warned: set[str] = set()

    def work(self) -> int:
        """Watch until the engine's farewell finds all at rest, or until all is safe after its death."""
        logging.getLogger("caproto").setLevel(logging.CRITICAL)  # that a PV is gone is told in our own words
        with self._record:
            self._say("starting")
            try:
                self._watch_beamline()
            finally:
                self._say("ended")
                self._alerts.finish()
        if self._engine_pid:
            heartbeat_path(self._data.logs, self._engine_pid).unlink(missing_ok=True)
        return 0

    def _watch_beamline(self) -> None:
        choose()
        from lics_beamline.devices.assembly import assemble
        from lics_beamline.devices.beamline import connect, disconnect

        beamline = assemble(self._profile, self._data, prefix=self._prefix)
        watchdog = beamline.watchdog
        engine = (
            AnyEngine(watchdog) if self._stays else EngineProcess(self._engine_pid, self._engine_gone, self._lifeline)
        )
        observation = Observation(beamline, engine, self._changed)
        try:
            connect(beamline, CONNECTED_WITHIN_S, strict=False)
            observation.begin(self._over)
            with Feeding(watchdog, watchdog.guard_beat if watchdog is not None else None) as feeding:
                self._watch(beamline, observation, feeding)
                self._over.set()
            observation.end()
        finally:
            disconnect(beamline)

    def _watch(self, beamline: Beamline, observation: Observation, feeding: Feeding) -> None:
        watch, alone_since = InterlockState(), None
        gives_up: bool | float | None = False
        while not self._over.is_set():
            self._over.wait(LOOKED_AGAIN_AFTER_S)
            self._changed.wait(LOOKED_WITHIN_S)
            self._changed.clear()
            acknowledged = self._is_acknowledged(beamline, watch)
            seen = observation.look(acknowledged=acknowledged, known_trip=self._known_trip)
            if self._lifeline is not None:
                self._lifeline.beat()  # from here, so that one who hangs is silent
            decision = step(watch, seen, self._limits)
            if InterlockAction.CUT_POWER in decision.actions:
                beamline.heater.contactor.put("Open")
            if decision.watch.trip is not None and decision.watch.trip is not watch.trip:
                self._trip(beamline, decision.watch.trip, seen)
            elif InterlockAction.MAKE_SAFE in decision.actions:
                self._make_safe(beamline)
            watch = decision.watch
            if watch.trip is None and not seen.farewell and not seen.foreign:
                feeding.tell()  # from here, for the same reason
            self._warn(decision.warnings)
            self._finish(beamline, watch, seen)
            alone = self._engine_gone() and all(value is None for value in seen.thermocouples_k.values())
            alone_since = (alone_since or seen.wall_s) if alone else None
            gives_up = self._give_up_s is not None and alone_since and seen.wall_s - alone_since > self._give_up_s
            if gives_up or (InterlockAction.END in decision.actions and not self._stays):
                break
            self._say(
                ("tripped" if seen.unsafe else "safe") if watch.trip else "watching",
                says=watch.trip.says if watch.trip else "",
                warnings=decision.warnings,
            )
        if self._making is not None and not gives_up:
            self._making.join()

    def _is_acknowledged(self, beamline: Beamline, watch: InterlockState) -> bool:
        """Whether a person has taken note of the trip; then the watchdog of the instruments is told so too."""
        if watch.trip is None or self._trip_record is None or not self._record.acknowledged:
            return False
        watchdog = beamline.watchdog
        if watchdog is not None and watchdog.trip_at():
            self._known_trip = watchdog.trip_at()
            watchdog.reset.put("Yes")
        return True

    def _trip(self, beamline: Beamline, trip: Trip, seen: InterlockReading) -> None:
        self._make_safe(beamline)
        heater = self._profile.values.heater
        self._trip_record = {
            "when": datetime.now().astimezone().isoformat(timespec="milliseconds"),
            "cause": str(trip.cause),
            "says": trip.says,
            "commanded_after_s": round(time.monotonic() - seen.wall_s, 4),
            "engine_pid": self._engine_pid,
            "thermocouples_k": dict(seen.thermocouples_k),
            "controller": {
                "contactor": value_of(beamline.heater.contactor_readback),
                "has_a_break_trip_of_its_own": heater.break_trip,
            },
            "watchdog": beamline.watchdog.trip_at() if beamline.watchdog is not None else "",
            "read_back_before": read_backs(beamline),
            "read_back_safe": None,
            "safe_after_s": None,
        }
        self._record.latch(self._trip_record)
        logger.error("tripped (%s): %s", trip.cause, trip.says)
        self._alerts.tell(
            f"lics: the guard has tripped ({trip.cause}): {trip.says} It makes the beamline safe. Look at it, then say "
            f"lics guard --acknowledge --data {self._data.root}"
        )
        if self._stays and beamline.watchdog is not None and beamline.watchdog.trip.connected:
            beamline.watchdog.trip.put("Yes")  # so that it is known to whoever begins, on whatever computer

    def _make_safe(self, beamline: Beamline) -> None:
        if (
            self._making is not None and self._making.is_alive()
        ) or time.monotonic() - self._made_at < TRIED_AGAIN_AFTER_S:
            return
        self._made_at = time.monotonic()
        self._making = threading.Thread(target=_try_to_make_safe, args=(beamline,), name="making safe", daemon=True)
        self._making.start()

    def _finish(self, beamline: Beamline, watch: InterlockState, seen: InterlockReading) -> None:
        """Note what was read back once all is safe; give back the lease of a dead engine."""
        if watch.trip is None:
            self._trip_record = None
        elif self._trip_record is not None and self._trip_record["read_back_safe"] is None and not seen.unsafe:
            self._trip_record["read_back_safe"] = read_backs(beamline)
            self._trip_record["safe_after_s"] = round(seen.wall_s - watch.trip.wall_s, 3)
            logger.warning("all is safe, read back after %.2f s", self._trip_record["safe_after_s"])
            if beamline.watchdog is not None:
                self._trip_record["watchdog"] = beamline.watchdog.trip_at()
            self._record.latch(self._trip_record)
            if seen.engine_gone or seen.farewell or watch.trip.cause is TripCause.ENGINE:
                beamline.membrane.lease.put("")
                if beamline.watchdog is not None:
                    beamline.watchdog.engine_beat.put(NO_ENGINE_BEAT)

    def _warn(self, warnings: tuple[str, ...]) -> None:
        """Log when something becomes not well; the number of seconds in it goes on."""
        kinds = {warning.split(" since ")[0] for warning in warnings}
        for warning in warnings:
            if warning.split(" since ")[0] not in self._warned:
                logger.warning("%s", warning)
        self._warned = kinds

    def _say(self, state: str, *, says: str = "", warnings: tuple[str, ...] = ()) -> None:
        if not self._status.is_due(state):
            return
        self._record.say(
            GuardStatus(
                state=state,
                pid=os.getpid(),
                engine_pid=self._engine_pid,
                host=this_host(),
                alive=True,
                says=says,
                warnings=warnings,
                time=time.time(),
                uptime_s=uptime_s(),
            )
        )


def _try_to_make_safe(beamline: Beamline) -> None:
    from lics_beamline.devices.beamline import make_safe

    try:
        make_safe(beamline)
    except LicsError as error:
        logger.error("%s", error)


if __name__ == "__main__":
    sys.exit(main())
