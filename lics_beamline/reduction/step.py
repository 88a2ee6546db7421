"""Steps from a raw run to its derived run: what a raw document causes, and what of it waits for a point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lics_beamline.reduction.work import Work

Document = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pending:
    """A point whose plate is there.

    Parameters
    ----------
    exposure_uid : str
        Uid of the exposure.
    number : int
        Of its event in the derived run, from 1.
    values : dict
        Fields of its event where it cannot be reduced.
    work : Work or None
        What is to be done; None where nothing can be, which a note says.
    """

    exposure_uid: str
    number: int
    values: dict[str, Any]
    work: Work | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The end of the derived run, which waits for the points before it.

    Parameters
    ----------
    exit_status, reason : str
        Of the stop document.
    """

    exit_status: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A point that the derived run holds already.

    Parameters
    ----------
    values : mapping
        Fields of its event, without its arrays.
    """

    values: Mapping[str, Any]


Step = Document | Pending | Ending | Skipped


def work_of(step: Step) -> Work | None:
    """Return what a step waits for; None where it waits for nothing."""
    return step.work if isinstance(step, Pending) else None
