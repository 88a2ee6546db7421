"""Stands in the place of a PV that a beamline has not: a constant that says so and takes no command."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from ophyd import Component as Cpt
from ophyd import Signal

from lics_beamline.errors import NotConnected


class StandIn(Signal):
    """A constant in the place of a PV that is not there; it takes no command, so that none is lost silently."""

    stands_in: ClassVar[bool] = True

    def put(self, value: Any, **options: Any) -> None:
        """Refuse.

        Raises
        ------
        NotConnected
            Always: there is no PV to write to.
        """
        raise NotConnected(
            f"{self.name} cannot be {value!r}: the profile says that this beamline has no such PV. Nothing was written."
        )


def lacking(kind: Any, absent: Sequence[str], **says: Any) -> Any:
    """Return a kind of device without some of its PVs.

    Parameters
    ----------
    kind : type
        A device that has ``OPTIONAL``.
    absent : sequence of str
        Suffixes of the PVs that the beamline has not.
    **says
        What an attribute says instead of its own constant, such as a pressure that a person has read.
    """
    if not absent:
        return kind
    stand_ins = {
        attribute: Cpt(StandIn, value=says.get(attribute, value), kind=getattr(kind, attribute).kind)
        for suffix in absent
        for attribute, value in kind.OPTIONAL[suffix].says.items()
    }
    return type(kind.__name__, (kind,), {"__doc__": kind.__doc__, "__module__": kind.__module__, **stand_ins})
