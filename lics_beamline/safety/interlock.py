"""When to make safe: a pure step from what was watched and what is seen now to actions, without any instrument.

Sticky: what has tripped stays tripped, and is made safe again whenever it is not, until a person acknowledges.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from lics_beamline.devices.leak import LEAK_STOP_S, LEAK_WARNING_S, struggles
from lics_beamline.errors import BadReading
from lics_beamline.physics.thermocouple import check_type_k

HEARTBEAT_S: Final = 3.5  # without a sign of life of the engine [s]: leaves 1.5 s of five to be read back as safe
AWAY_S: Final = 1.0  # between two looks [s]: who was kept from looking for longer cannot tell who was silent meanwhile
BLIND_S: Final = 30.0  # for which a reading without value is waited for [s]: an IOC may be restarted
LEFT_S: Final = 3.0  # after a farewell, for what was at work to be read back as at rest [s]: a monitor may be late
SHORTEST_WALL_S: Final = 0.25  # nothing shorter can be judged over Channel Access: five of its slowest answers


class TripCause(StrEnum):
    """What can trip the interlock."""

    OPEN = "thermocouple open"
    OVER = "over-temperature"
    BLIND = "thermocouple silent"
    LOAD = "load silent"
    ENGINE = "engine lost"
    RUBY = "ruby stale while the load rises"
    LEAK = "leak"
    LEFT = "left unsafe"
    WATCHDOG = "watchdog"


class InterlockAction(StrEnum):
    """What the interlock may demand."""

    MAKE_SAFE = "make safe"
    CUT_POWER = "cut power"
    END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class InterlockLimits:
    """Limits beyond which the interlock trips.

    Parameters
    ----------
    gasket_k : float
        Highest temperature of the gasket [K].
    ruby_s : float
        Age of the newest ruby spectrum on which the load may still rise [s of experiment].
    rising_bar : float
        The load counts as rising while its setpoint is so far above it [bar].
    power_can_be_cut : bool
        Whether there is a contactor that this program can open; where there is none a person must cut the power.
    """

    gasket_k: float
    ruby_s: float
    rising_bar: float
    power_can_be_cut: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class InterlockReading:
    """What the instruments and the engine say at one moment; None is what does not answer.

    Parameters
    ----------
    wall_s : float
        Steady wall clock [s].
    experiment_s : float or None
        Time of the experiment [s].
    thermocouples_k : mapping of str to float or None
        Readings by place [K]; ``gasket`` among them.
    beat : int
        Number of the newest sign of life of the engine; 0 when there was none yet.
    farewell : bool
        Whether the engine has ended lawfully.
    engine_gone : bool
        Whether its process has ended.
    spectrum : int or None
        Number of the newest ruby spectrum.
    load_bar, setpoint_bar, effort_percent : float or None
        Of the membrane.
    controls : bool or None
        Whether the membrane's valves are at work; None where its controller does not answer.
    unsafe : tuple of str
        What is not in its safe state, or not known to be, one phrase each.
    at_work, silent : tuple of str
        What answers and is not at rest, one phrase each; what would tell and does not answer.
    holds : bool
        Whether the engine that is watched holds the beamline.
    foreign : str
        Who else holds the beamline: then it is not ours to touch. Empty where nobody else does.
    watchdog : str
        What the instruments say that made themselves safe; empty where they have not, or it is known already.
    contactor_closed : bool
        Whether the heater's independent contactor is closed.
    acknowledged : bool
        Whether a person has taken note of the trip.
    """

    wall_s: float
    experiment_s: float | None = None
    thermocouples_k: Mapping[str, float | None] = field(default_factory=dict)
    beat: int = 0
    farewell: bool = False
    engine_gone: bool = False
    spectrum: int | None = None
    load_bar: float | None = None
    setpoint_bar: float | None = None
    effort_percent: float | None = None
    controls: bool | None = None
    unsafe: tuple[str, ...] = ()
    at_work: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    holds: bool = False
    foreign: str = ""
    watchdog: str = ""
    contactor_closed: bool = False
    acknowledged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """The moment at which something began: on the wall clock, and in the experiment where its time is known [s]."""

    wall_s: float
    experiment_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """One trip, with its cause.

    Parameters
    ----------
    cause : TripCause
        The first cause.
    says : str
        Sentence about what happened, with number, unit and limit, and about what to do.
    wall_s : float
        Moment of the trip [s of the steady wall clock].
    """

    cause: TripCause
    says: str
    wall_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class InterlockState:
    """What the interlock remembers from one step to the next.

    Parameters
    ----------
    beat : int
        Number of the newest sign of life of the engine.
    beat_s : float or None
        Moment at which it was seen first [s of the steady wall clock], later by the time for which nobody looked; None
        before the first look.
    looked_s : float or None
        Moment of the last look [s of the steady wall clock]; None before the first.
    silent_s : mapping of str to float
        Thermocouples that do not answer, and the moment at which each fell silent [s of the steady wall clock].
    controlled : bool
        Whether the gas was controlled when the membrane answered last.
    load_silent_s : float or None
        Moment since which a controlled load has no value [s of the steady wall clock].
    spectrum : int or None
        Number of the newest ruby spectrum.
    spectrum_since, rising_since, effort_since : Since or None
        Moments at which that spectrum came, the load began to rise, and the effort became high.
    engaged : bool or None
        Whether something is at work, by what was said last, that was at rest before or is the engine's; None where it
        is at work for somebody else since before.
    farewell_s : float or None
        Moment of the engine's farewell [s of the steady wall clock].
    trip : Trip or None
        The trip that nobody has acknowledged yet.
    """

    beat: int = 0
    beat_s: float | None = None
    looked_s: float | None = None
    silent_s: Mapping[str, float] = field(default_factory=dict)
    controlled: bool = False
    load_silent_s: float | None = None
    spectrum: int | None = None
    spectrum_since: Since | None = None
    rising_since: Since | None = None
    effort_since: Since | None = None
    engaged: bool | None = None
    farewell_s: float | None = None
    trip: Trip | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InterlockDecision:
    """What one step of the interlock leads to.

    Parameters
    ----------
    actions : frozenset of InterlockAction
        What has to be done now.
    watch : InterlockState
        Memory for the next step.
    warnings : tuple of str
        Sentences about what is not well and does not trip yet.
    """

    actions: frozenset[InterlockAction]
    watch: InterlockState
    warnings: tuple[str, ...] = ()


def step(watch: InterlockState, seen: InterlockReading, limits: InterlockLimits) -> InterlockDecision:
    """Decide what to do.

    Parameters
    ----------
    watch : InterlockState
        Memory of the step before; a new one at the start.
    seen : InterlockReading
        The present moment; its `wall_s` never goes back.
    limits : InterlockLimits
        Limits of the profile.
    """
    now = _remember(watch, seen, limits)
    if seen.foreign:  # whoever holds the beamline has a guard of his own
        ends = {InterlockAction.END} if seen.farewell or seen.engine_gone else set()
        return InterlockDecision(actions=frozenset(ends), watch=replace(now, engaged=None))
    if now.trip is not None and seen.acknowledged:
        now = replace(now, trip=None)
    causes = dict(_causes(now, seen, limits))
    actions: set[InterlockAction] = set()
    if now.trip is None and causes:
        cause, says = next(iter(causes.items()))
        now = replace(now, trip=Trip(cause=cause, says=says, wall_s=seen.wall_s))
        actions.add(InterlockAction.MAKE_SAFE)
    elif now.trip is not None and seen.unsafe:
        actions.add(InterlockAction.MAKE_SAFE)
    if TripCause.OVER in causes and seen.contactor_closed:
        actions.add(InterlockAction.CUT_POWER)
    over = seen.farewell and not (now.trip is None and now.engaged)
    if not actions and (over or (now.trip is not None and TripCause.ENGINE in causes)):
        actions.add(InterlockAction.END)
    silent = [
        f"thermocouple {place} does not answer since {seen.wall_s - since_s:.0f} s (limit {BLIND_S:.0f} s)"
        for place, since_s in now.silent_s.items()
    ]
    if now.load_silent_s is not None:
        silent.append(
            f"the membrane does not say its load since {seen.wall_s - now.load_silent_s:.0f} s, and controls it (limit "
            f"{BLIND_S:.0f} s)"
        )
    leaks = [_leak(seen, LEAK_WARNING_S)] if now.trip is None and _lasts(now.effort_since, seen, LEAK_WARNING_S) else []
    return InterlockDecision(actions=frozenset(actions), watch=now, warnings=(*silent, *leaks))


def _remember(watch: InterlockState, seen: InterlockReading, limits: InterlockLimits) -> InterlockState:
    moment = Since(wall_s=seen.wall_s, experiment_s=seen.experiment_s)
    beats = watch.beat_s is None or seen.beat != watch.beat
    away_s = 0.0 if watch.looked_s is None else max(seen.wall_s - watch.looked_s - AWAY_S, 0.0)
    # A spectrometer that is started again counts from 0: a lower number is no new spectrum.
    fresh = watch.spectrum_since is None or (seen.spectrum is not None and seen.spectrum > (watch.spectrum or 0))
    controlled = watch.controlled if seen.controls is None else seen.controls
    silent = controlled and seen.load_bar is None
    rises = None not in (seen.load_bar, seen.setpoint_bar) and (
        (seen.setpoint_bar or 0.0) > (seen.load_bar or 0.0) + limits.rising_bar
    )
    leaks = seen.effort_percent is not None and struggles(seen.effort_percent)
    engaged = watch.engaged
    if seen.at_work:
        engaged = True if seen.holds or engaged is not None else None
    elif not seen.silent:
        engaged = False
    return replace(
        watch,
        engaged=engaged,
        farewell_s=(watch.farewell_s or seen.wall_s) if seen.farewell else None,
        beat=seen.beat,
        beat_s=seen.wall_s if beats or watch.beat_s is None else watch.beat_s + away_s,
        looked_s=seen.wall_s,
        silent_s={
            place: watch.silent_s.get(place, seen.wall_s)
            for place, value_k in seen.thermocouples_k.items()
            if value_k is None
        },
        controlled=controlled,
        load_silent_s=(seen.wall_s if watch.load_silent_s is None else watch.load_silent_s) if silent else None,
        spectrum=seen.spectrum if seen.spectrum is not None else watch.spectrum,
        spectrum_since=moment if fresh else watch.spectrum_since,
        # What rose when it fell silent may rise on.
        rising_since=(watch.rising_since or moment) if rises else watch.rising_since if silent else None,
        effort_since=(watch.effort_since or moment) if leaks else None,
    )


def _causes(watch: InterlockState, seen: InterlockReading, limits: InterlockLimits) -> Iterator[tuple[TripCause, str]]:
    """Every cause there is now, the gravest first."""
    for place, value_k in seen.thermocouples_k.items():
        if value_k is None:
            continue
        try:
            check_type_k(value_k, where=place)
        except BadReading as error:
            yield TripCause.OPEN, str(error)
    gasket_k = seen.thermocouples_k.get("gasket")
    if gasket_k is not None and gasket_k > limits.gasket_k:
        yield (
            TripCause.OVER,
            f"the gasket is at {gasket_k:.1f} K, the limit is {limits.gasket_k:.1f} K. "
            + (
                "Look at the heater's relay."
                if limits.power_can_be_cut
                else "There is no contactor here that could cut its power: cut it at the panel, now."
            ),
        )
    if not seen.farewell:
        unheard_s = seen.wall_s - (seen.wall_s if watch.beat_s is None else watch.beat_s)
        if seen.engine_gone:
            yield (
                TripCause.ENGINE,
                "the process that runs the plan ended without a farewell. Find out why; start it again.",
            )
        elif unheard_s > HEARTBEAT_S:
            yield (
                TripCause.ENGINE,
                f"no sign of life of the process that runs the plan for {unheard_s:.1f} s (limit {HEARTBEAT_S:g} s). "
                "Find out what holds it; end it, and start it again.",
            )
    elif watch.engaged and seen.wall_s - (watch.farewell_s or seen.wall_s) > LEFT_S:
        left = "; ".join(seen.at_work) or f"no answer whether it is at rest: {', '.join(seen.silent)}"
        yield (
            TripCause.LEFT,
            f"the process that ran the plan ended and left the beamline at work: {left}. Look why it was not safe.",
        )
    if seen.watchdog:
        yield TripCause.WATCHDOG, seen.watchdog
    for place, since_s in watch.silent_s.items():
        if seen.wall_s - since_s > BLIND_S:
            yield (
                TripCause.BLIND,
                f"thermocouple {place} does not answer since {seen.wall_s - since_s:.0f} s (limit {BLIND_S:.0f} s). "
                "Look whether its IOC is alive.",
            )
    if watch.load_silent_s is not None and seen.wall_s - watch.load_silent_s > BLIND_S:
        yield (
            TripCause.LOAD,
            f"the membrane does not say its load since {seen.wall_s - watch.load_silent_s:.0f} s (limit {BLIND_S:.0f} "
            "s), and controlled it when it said so last. Look at its IOC and its line; close the gas at the panel.",
        )
    if _lasts(watch.effort_since, seen, LEAK_STOP_S):
        yield TripCause.LEAK, _leak(seen, LEAK_STOP_S)
    if _lasts(watch.rising_since, seen, 0.0) and _lasts(watch.spectrum_since, seen, limits.ruby_s):
        yield (
            TripCause.RUBY,
            f"the load rises from {_number(seen.load_bar)} to {_number(seen.setpoint_bar)} bar and the newest ruby "
            f"spectrum is older than {limits.ruby_s:.0f} s. Read the pressure before the load goes on.",
        )


def _leak(seen: InterlockReading, lasted_s: float) -> str:
    return (
        f"the membrane needs {seen.effort_percent or 0.0:.0f} % effort since more than {lasted_s:.0f} s to hold "
        f"{_number(seen.load_bar)} bar of {_number(seen.setpoint_bar)} bar (limit {LEAK_STOP_S:.0f} s). Look for a "
        "leak or an empty supply."
    )


def _lasts(since: Since | None, seen: InterlockReading, duration_s: float) -> bool:
    """Whether something has lasted longer than `duration_s` of experiment, and long enough to be believed."""
    if since is None or since.experiment_s is None or seen.experiment_s is None:
        return False
    lasted_s = seen.experiment_s - since.experiment_s
    return lasted_s > duration_s and seen.wall_s - since.wall_s > SHORTEST_WALL_S


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:.2f}"
