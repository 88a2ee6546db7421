"""Every error of the project: one root, leaves named by what the operator can do about them.

A message says what happened, with number, unit and limit, and what to do. The facts are also keyword fields, so that a
program can act on them: ``error.facts["limit_bar"]``.
"""

from __future__ import annotations

from typing import Any


class LicsError(Exception):
    """Root of every error this project raises on purpose.

    Parameters
    ----------
    message : str
        What happened - number, unit, limit - what to do.
    **facts
        The same facts as fields, with the unit in the name (``load_bar=12.3``).
    """

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.facts = facts


class ProfileError(LicsError, ValueError):
    """A profile, experiment or recipe file says something that cannot be used. Mend the file."""


class NotConnected(LicsError, ConnectionError):
    """A PV or a server does not answer. Start the IOC, or mend prefix and network."""


class NotInstalled(LicsError, ImportError):
    """What this needs is an extra of the package that is not installed. Install it; the message names it."""


class WrongUnit(LicsError, ValueError):
    """An instrument speaks another unit than declared. Change the instrument's unit or the profile."""


class OutsideEnvelope(LicsError, ValueError):
    """A move would leave the region where the cell is safe. Ask for less, or change the limits knowingly."""


class OutsideCalibration(LicsError, ValueError):
    """A formula was asked outside the range it was published for. Choose another scale or correction."""


class ClockTooFast(LicsError, ValueError):
    """A dwell or time-out is too short to be judged at this speed of the simulated world. Lower the speed."""


class DidNotSettle(LicsError, TimeoutError):
    """A quantity did not arrive, or did not stay. Look at the instrument."""


class BadReading(LicsError, RuntimeError):
    """An instrument gave a value that cannot be believed. Look at the instrument."""


class ReductionFailed(LicsError, RuntimeError):
    """A frame could not be turned into a pattern. The raw data are untouched; mend the cause and replay."""


class JournalError(LicsError, OSError):
    """A journal cannot be written or read: what is not recorded must not go on. Make room, or mend the disk."""


class UnsafeName(LicsError, ValueError):
    """A document gives a name that might lead out of the data folder. Look where the document came from."""


class CalibrationRefused(LicsError, RuntimeError):
    """A frame of a calibrant does not give a geometry that can be trusted. Look at the frame, its start, its flip."""


class RunNotFound(LicsError, LookupError):
    """No recorded run answers to this name. ``lics runs`` lists what there is."""


class Busy(LicsError, RuntimeError):
    """Another process holds what this one needs alone. Wait for it, or stop it."""


class Stopped(LicsError, RuntimeError):
    """A person stopped what ran, or nobody guarded it any more. Look why; begin again when it may go on."""


class NotAcknowledged(LicsError, RuntimeError):
    """The guard has tripped and nobody has taken note. Look at the beamline, then ``lics guard --acknowledge``."""


class RefinementFailed(LicsError, RuntimeError):
    """A model or a density cannot be fitted to the data. Look at the data, or ask less of them."""
