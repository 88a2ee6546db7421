"""What a plan does because of a live result, each an event of the `decisions` stream."""

from __future__ import annotations

import logging
import math
from collections.abc import Collection
from dataclasses import dataclass

import bluesky.plan_stubs as bps
from bluesky.utils import FailedStatus, MsgGenerator

from lics_beamline import schema
from lics_beamline.control.condition import Condition
from lics_beamline.control.path import Point
from lics_beamline.devices.beamline import Beamline
from lics_beamline.errors import DidNotSettle
from lics_beamline.physics.transition import TransitionEstimate
from lics_beamline.plans.action import do, why
from lics_beamline.plans.live import Amount, LiveResult, LiveResults
from lics_beamline.plans.measure import Measured
from lics_beamline.plans.noted import Noted
from lics_beamline.plans.plates import Plates

log = logging.getLogger(__name__)

NOTHING = Amount(value=math.nan, sigma=math.nan)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a reduced point showed of what a leg looks for.

    Parameters
    ----------
    asked : str
        What the leg looks for.
    quantity : str
        ``fraction`` or ``scale``.
    amount : Amount
        How much; NaN where the point showed nothing.
    """

    asked: str
    quantity: str
    amount: Amount


class Decisions:
    """The live results of a run, and the record of what was done because of them.

    Parameters
    ----------
    beamline : Beamline
        The devices.
    live : LiveResults
        The reduced points of this run.
    plates : Plates
        The plates of this run.
    note : Noted
        The plan's own readable of the `decisions` stream.
    decided : collection of str
        Exposures whose decisions an earlier run of the sweep holds: they are made again, and not recorded again.
    """

    def __init__(
        self,
        beamline: Beamline,
        live: LiveResults,
        *,
        plates: Plates,
        note: Noted,
        decided: Collection[str] = (),
    ) -> None:
        self._beamline, self._live, self._plates, self._note = beamline, live, plates, note
        self._decided = decided

    def result(self, point: Point, measured: Measured) -> MsgGenerator[LiveResult | None]:
        """Wait until a point has been read and reduced; None where it could not be exposed.

        Raises
        ------
        DidNotSettle
            If the reducer is dead or behind for longer than patience lasts. The sweep is held meanwhile.
        """
        yield from self._plates.finish()
        if not measured.exposure_uid:
            return None
        what = f"point {point.index + 1}"
        try:
            yield from do(f"reduction of {what}", lambda: self._live.awaits(measured.exposure_uid, what=what))
        except FailedStatus as error:
            raise DidNotSettle(why(error)) from error
        return self._live.take(measured.exposure_uid)

    def record(
        self,
        point: Point,
        measured: Measured,
        result: LiveResult | None,
        shown: Shown,
        *,
        choice: str,
        knows: TransitionEstimate | None = None,
    ) -> MsgGenerator[None]:
        """Save what was decided after a point, once."""
        if measured.exposure_uid in self._decided:
            return
        log.info("point %d: %s", point.index + 1, choice)
        data = result.data if result is not None else {}
        self._note.note(
            experiment_time_s=self._beamline.clock.now_s(),
            exposure_uid=measured.exposure_uid,
            point_index=point.index,
            leg=point.leg.name,
            derived_uid=result.derived_uid if result is not None else "",
            asked=shown.asked,
            quantity=shown.quantity,
            value=shown.amount.value,
            value_sigma=shown.amount.sigma,
            seen_pressure_gpa=float(data.get("pressure_gpa", math.nan)),
            seen_pressure_sigma_gpa=float(data.get("pressure_sigma_gpa", math.nan)),
            threshold_gpa=knows.median_gpa if knows else math.nan,
            threshold_sigma_gpa=knows.sigma_gpa if knows else math.nan,
            threshold_systematic_gpa=float(data.get("pressure_systematic_gpa", math.nan)) if knows else math.nan,
            reaction_s=knows.tau_s if knows else math.nan,
            choice=choice,
        )
        yield from bps.create(schema.DECISIONS)
        yield from bps.read(self._note)
        yield from bps.save()


class ConditionWatch:
    """The condition of one leg, looked at after each of its points.

    Parameters
    ----------
    decisions : Decisions
        The live results, and where is told what was decided.
    condition : Condition
        What ends the leg.
    asked : str
        The same as it was written.
    """

    def __init__(self, decisions: Decisions, condition: Condition, *, asked: str) -> None:
        self._decisions, self._condition, self._asked = decisions, condition, asked
        self._largest = 0.0

    def after(self, point: Point, measured: Measured, *, last: bool) -> MsgGenerator[bool]:
        """Decide whether the leg ends at a point.

        Parameters
        ----------
        point : Point
            The point just measured.
        measured : Measured
            Its exposure.
        last : bool
            Whether the leg has no further one.

        Returns
        -------
        bool
            Whether the condition is met.
        """
        result = yield from self._decisions.result(point, measured)
        amount = self._amount(result, measured, point)
        met = self._condition.is_met_by(amount.value)
        there = f"{self._asked}: {self._condition.quantity} {amount.value:.3f} +- {amount.sigma:.3f}"
        if math.isnan(amount.value):
            there = f"{self._asked}: the point shows nothing"
        elif self._condition.quantity == "fraction" and result is not None and result.unknown_phases:
            there += f", beside {result.unknown_phases}"
        if met:
            choice = f"the leg ends here, {there}"
        else:
            choice = f"not met at the last point of the leg, {there}" if last else f"the leg goes on, {there}"
        if last and not met:
            log.warning("%s: %s", point.leg.name, choice)
        shown = Shown(asked=self._asked, quantity=self._condition.quantity, amount=amount)
        yield from self._decisions.record(point, measured, result, shown, choice=choice)
        return met

    def _amount(self, result: LiveResult | None, measured: Measured, point: Point) -> Amount:
        if result is None or not result.reduced:
            return NOTHING
        if self._condition.quantity == "new phases":
            # What the first point of a sweep shows has not come: it was loaded.
            return Amount(value=float(len(result.new_phases)) if point.index else 0.0, sigma=0.0)
        if self._condition.quantity == "fraction":
            return result.fraction(self._condition.phase)
        scale = result.scale(self._condition.phase, dose_counts=measured.dose_counts)
        self._largest = max(self._largest, scale.value)
        if self._largest <= 0.0:
            return NOTHING
        return Amount(value=scale.value / self._largest, sigma=scale.sigma / self._largest)
