"""Quantities in the project's units, whatever the instrument speaks, and the limits that bind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ophyd.signal import DerivedSignal

from lics_beamline.errors import OutsideEnvelope


class QuantitySignal(DerivedSignal):
    """A signal shifted into the project's unit; describes itself in that unit.

    Parameters
    ----------
    derived_from : str
        Attribute of the signal in the instrument's unit.
    unit : str
        Unit of this signal, in ``describe()``.
    offset : float
        What is added to the instrument's value (273.15 for K from Celsius; 0 where only the name of the unit differs).
    """

    def __init__(self, derived_from: Any, *, unit: str, offset: float = 0.0, **kwargs: Any) -> None:
        self._unit = unit
        self._offset = offset
        super().__init__(derived_from, **kwargs)

    def inverse(self, value: float) -> float:
        """Value in our unit from the instrument's."""
        return float(value) + self._offset

    def forward(self, value: float) -> float:
        """Value in the instrument's unit from ours."""
        return float(value) - self._offset

    @property
    def limits(self) -> tuple[float, float]:
        """Control limits of the PV in our unit; (0, 0) where the PV has none."""
        low, high = self.derived_from.limits
        return (low + self._offset, high + self._offset) if has_limits(low, high) else (0.0, 0.0)

    def describe(self) -> dict[str, Any]:
        """Describe the signal in our unit."""
        described: dict[str, Any] = super().describe()
        key = described[self.name]
        key["units"] = self._unit
        key["dtype"] = "number"
        low, high = self.limits if hasattr(self.derived_from, "limits") else (0.0, 0.0)
        for limit, value in (("lower_ctrl_limit", low), ("upper_ctrl_limit", high)):
            if limit in key:
                key[limit] = value
        return described


def has_limits(low: float | None, high: float | None) -> bool:
    """Whether control limits are limits; EPICS says (0, 0) for none."""
    return low is not None and high is not None and low < high


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The limits of a quantity that can be set.

    Parameters
    ----------
    low, high : float
        Inclusive, in `unit`.
    unit : str
        For messages.
    """

    low: float
    high: float
    unit: str

    @classmethod
    def narrower(
        cls, of_pv: tuple[float | None, float | None], of_profile: tuple[float, float] | None, *, what: str, unit: str
    ) -> Bounds:
        """Return the narrower of the PV's control limits and the profile's.

        Raises
        ------
        OutsideEnvelope
            If there is neither, or they exclude each other.
        """
        pv = (float(of_pv[0] or 0.0), float(of_pv[1] or 0.0)) if has_limits(*of_pv) else None
        if pv is None and of_profile is None:
            raise OutsideEnvelope(
                f"{what} has no limits: the PV says {of_pv} {unit} and the profile says nothing. "
                "Give limits in profile.toml before anything moves.",
                pv_low=of_pv[0],
                pv_high=of_pv[1],
            )
        given = [limits for limits in (pv, of_profile) if limits is not None]
        low, high = max(limits[0] for limits in given), min(limits[1] for limits in given)
        if not low < high:
            raise OutsideEnvelope(
                f"{what}: limits of the PV {pv} {unit} and of the profile {of_profile} {unit} leave nothing. "
                "Mend profile.toml.",
                low=low,
                high=high,
            )
        return cls(low=low, high=high, unit=unit)

    def check(self, value: float, what: str) -> None:
        """Refuse a value outside.

        Raises
        ------
        OutsideEnvelope
            With the value and both limits.
        """
        if not self.low <= value <= self.high:
            raise OutsideEnvelope(
                f"{what} was asked for {value:g} {self.unit}; allowed is {self.low:g} to {self.high:g} {self.unit}. "
                "Ask for less, or change the limits knowingly.",
                value=value,
                low=self.low,
                high=self.high,
            )
