"""A setpoint whose instrument says within which limits it may lie."""

from __future__ import annotations

from typing import Any

from ophyd import EpicsSignal


class LimitedSignal(EpicsSignal):
    """A setpoint that is refused outside the limits its PV states.

    Those of a PV that is away are not known. Then it is waited for, as for any write; ophyd would compare with None.

    Parameters
    ----------
    *args, **options
        As of `ophyd.EpicsSignal`.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, limits=True, **options)

    def check_value(self, value: Any) -> None:
        """Refuse a value outside the limits.

        Raises
        ------
        ophyd.utils.LimitError
            If it is outside.
        TimeoutError
            If the PV does not answer, or says no limits.
        """
        if None in self.limits:
            self.wait_for_connection(timeout=self.connection_timeout)
        if None in self.limits:
            raise TimeoutError(f"{self.setpoint_pvname} does not say its limits. Look at its IOC.")
        super().check_value(value)
