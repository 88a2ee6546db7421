"""A controller that settles: it is sent to a setpoint, read back, watched until it stays there, held, and made safe."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from ophyd import Device, Signal
from ophyd.status import StatusBase

from lics_beamline.devices.alarm import NO_ANSWER, asked_of, no_answer_in_words, silence_of
from lics_beamline.devices.clock import ExperimentClock, WallClock
from lics_beamline.devices.motion import MADE_SAFE, STOPPED, Motion
from lics_beamline.devices.quantity import Bounds
from lics_beamline.devices.safe_condition import SafeCondition, faults
from lics_beamline.devices.settling import ArrivalCriteria, Settling
from lics_beamline.errors import DidNotSettle, NotConnected

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerTraits:
    """Names, units and patience by which one controller differs from another.

    Parameters
    ----------
    instrument, quantity, move : str
        Its name, what it controls, and what a move of it is called in messages: ``membrane``, ``membrane load``, ...
    unit : str
        Unit of the quantity.
    measured, setpoint, setpoint_readback : str
        Attributes of the device: the quantity as it is, as it is commanded, and the command as the instrument has it.
    resolution : float
        Largest difference by which a read-back of the setpoint agrees with what was commanded [`unit`].
    read_back_s : float
        Longest time for which a read-back may lag behind its command [s].
    safe_attempts : int
        Number of attempts to make it safe.
    at_the_panel : str
        Sentence that tells a person what to do when all attempts have failed.
    """

    instrument: str
    quantity: str
    move: str
    unit: str
    measured: str
    setpoint: str
    setpoint_readback: str
    resolution: float
    read_back_s: float
    safe_attempts: int
    at_the_panel: str


class Controller(Device):
    """A controller of one quantity; heater and membrane supply PVs, limits, and how each is armed and made safe.

    Parameters
    ----------
    prefix, name : str
        As of every ophyd device.
    clock : ExperimentClock
        Judges dwell and time-outs.
    """

    TRAITS: ClassVar[ControllerTraits]

    def __init__(self, prefix: str = "", *, name: str, clock: ExperimentClock, **kwargs: Any) -> None:
        super().__init__(prefix, name=name, **kwargs)
        self.clock = clock
        self._motion: Motion | None = None
        self._watched_elsewhere = False  # it was sent somewhere and nobody here waits for it

    def bounds(self) -> Bounds:
        """Return the limits of the quantity; raises `OutsideEnvelope` when nothing limits it."""
        raise NotImplementedError

    def safe_conditions(self) -> tuple[SafeCondition, ...]:
        """Return what the read-backs of this instrument must say when it is safe."""
        raise NotImplementedError

    def unsafe(self, *, armed: bool = False) -> tuple[str, ...]:
        """Return a phrase for everything that is not safe, or does not say so: number, unit and limit.

        Parameters
        ----------
        armed : bool
            Whether it may be armed, as between sweeps: only what is dangerous in itself is told.
        """
        return faults(self.safe_conditions(), armed=armed)

    def hold(self) -> StatusBase:
        """Stay where the quantity is at this moment; done when the setpoint has been read back."""
        self._watched_elsewhere = False
        return self._move(
            lambda motion: self._command_setpoint(motion, self._present()), f"holding the {self.TRAITS.instrument}"
        )

    def stop(self, *, success: bool = False) -> None:
        """End a move under way and hold the quantity of this moment; at rest, or made safe, do nothing.

        The engine calls this after every plan, on pause and on suspend. `success` changes nothing: a move that has not
        arrived fails in either case, because a plan that goes on must not take it for arrived.
        """
        if self._motion is not None and not self._motion.done:
            self._motion.end(STOPPED)
        elif self._watched_elsewhere:
            self._try_to_hold()
        self._watched_elsewhere = False

    def make_safe(self) -> StatusBase:
        """Make the instrument safe, again and again until its read-backs say so."""
        if self._motion is not None:
            self._motion.end(MADE_SAFE, hold=False)
        self._watched_elsewhere = False
        wall = WallClock()  # works when the world's clock does not
        traits = self.TRAITS

        def steps(motion: Motion) -> None:
            if motion.make_safe(
                self._command_safe,
                self.safe_conditions(),
                clock=wall,
                attempts=traits.safe_attempts,
                patience_s=traits.read_back_s,
            ):
                self._leave_safe()
                return
            said = "; ".join(self.unsafe()) or "it was read back too late"
            raise DidNotSettle(
                f"{traits.instrument} could not be made safe in {traits.safe_attempts} attempts of "
                f"{traits.read_back_s:g} s: {said}. {traits.at_the_panel}",
                attempts=traits.safe_attempts,
            )

        return Motion(self, steps, what=f"making the {traits.instrument} safe")

    def _command_safe(self, motion: Motion) -> None:
        """Command what makes it safe."""
        raise NotImplementedError

    def _leave_safe(self) -> None:
        """Do what is left once it is safe; most have nothing."""

    def _arm(self, motion: Motion) -> None:
        """Command what lets it control, without a jump."""
        raise NotImplementedError

    def _present(self) -> float:
        """Return where the quantity is now, or the nearest place where it may be held."""
        raise NotImplementedError

    def _diagnosis(self) -> str:
        """Say what to look at when a move does not arrive, with numbers."""
        raise NotImplementedError

    def _go(
        self,
        target: float,
        arrival: ArrivalCriteria,
        *,
        settle: bool,
        first: Callable[[Motion], None] = lambda motion: None,
    ) -> Motion:
        """Command a setpoint, after what has to come first, and wait for the quantity if asked to."""
        traits = self.TRAITS
        arrival.require(self.clock, traits.quantity)

        def steps(motion: Motion) -> None:
            first(motion)
            self._command_setpoint(motion, target)
            if settle:
                motion.await_step(self._settling(target, arrival))

        motion = self._move(steps, traits.move)
        self._watched_elsewhere = not settle
        return motion

    def _settling(self, target: float, arrival: ArrivalCriteria) -> Settling:
        """Return what judges a move to `target`."""
        traits = self.TRAITS
        return Settling(
            self,
            clock=self.clock,
            signal=getattr(self, traits.measured),
            target=target,
            arrival=arrival,
            what=traits.move,
            unit=traits.unit,
            look_at=self._diagnosis,
        )

    def _move(self, steps: Callable[[Motion], None], what: str) -> Motion:
        if self._motion is not None:
            self._motion.end("superseded by another command", hold=False)
        self._motion = Motion(self, steps, what=what, hold=self._hold)
        return self._motion

    def _command_setpoint(self, motion: Motion, target: float) -> None:
        traits = self.TRAITS
        motion.write(getattr(self, traits.setpoint), target)
        self._agree(
            motion, getattr(self, traits.setpoint_readback), target, f"{traits.instrument} setpoint [{traits.unit}]"
        )

    def _agree(
        self, motion: Motion, signal: Signal, wanted: float, what: str, *, resolution: float | None = None
    ) -> None:
        """Wait until a read-back agrees with what was commanded."""
        largest = self.TRAITS.resolution if resolution is None else resolution
        self._await(motion, signal, lambda value: bool(abs(value - wanted) <= largest), what=what, wanted=f"{wanted:g}")

    def _await(self, motion: Motion, signal: Signal, agrees: Callable[[Any], bool], *, what: str, wanted: str) -> None:
        motion.read_back(signal, agrees, clock=self.clock, patience_s=self.TRAITS.read_back_s, what=what, wanted=wanted)

    def _asked(self, signal: Signal) -> float:
        """Return what the instrument says when it is asked; an old value is no value.

        Raises
        ------
        NotConnected
            If it has none; names the PV.
        """
        value = asked_of(signal)
        if value is None:
            said = silence_of(signal) or f"{signal.name} did not answer in time"
            raise NotConnected(f"{self.TRAITS.instrument}: {said}. The last setpoint stands; look at its IOC and line.")
        return float(value)

    def _try_to_hold(self) -> None:
        """Hold, or say that nobody answers: the last setpoint stands then."""
        try:
            self._hold()
        except NO_ANSWER as error:
            logger.error("%s could not be held where it is: %s", self.TRAITS.instrument, no_answer_in_words(error))

    def _hold(self) -> None:
        present = self._present()
        logger.info("%s holds %.3f %s", self.TRAITS.instrument, present, self.TRAITS.unit)
        getattr(self, self.TRAITS.setpoint).put(present)
