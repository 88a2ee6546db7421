"""The path of a sweep, walked: to each of its points and measured there, leg by leg."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import groupby

import bluesky.plan_stubs as bps
from bluesky.utils import MsgGenerator

from lics_beamline.control.approach import ApproachState
from lics_beamline.control.condition import condition
from lics_beamline.control.heating import prior_of
from lics_beamline.control.instrument_settings import MembraneSettings
from lics_beamline.control.path import AnyLeg, HeatingLeg, HoldLeg, HuntLeg, Point, PressureLeg
from lics_beamline.control.request import Request
from lics_beamline.devices.beamline import Beamline
from lics_beamline.experiment import Experiment
from lics_beamline.physics.gauge import Gauge
from lics_beamline.plans.action import do
from lics_beamline.plans.approach import approach, wait
from lics_beamline.plans.decisions import ConditionWatch, Decisions
from lics_beamline.plans.heating import Heated, heat
from lics_beamline.plans.hunt import hunt
from lics_beamline.plans.live import LiveResults
from lics_beamline.plans.look import Exposures
from lics_beamline.plans.measure import Measured, Notes, measure
from lics_beamline.plans.plates import Plates
from lics_beamline.plans.reference import gauge_of, leg_reference
from lics_beamline.plans.resumption import find_cell, find_plates, way_back
from lics_beamline.plans.sweep_record import SweepRecord
from lics_beamline.profile import ProfileFile
from lics_beamline.reduction.recipe import Recipe
from lics_beamline.reduction.reference import Reference


class Walk:
    """The path of an experiment, walked once.

    Parameters
    ----------
    beamline : Beamline
        The devices.
    experiment : Experiment
        Path and exposure.
    settings : ProfileFile
        How a sweep is walked here.
    recipe : Recipe
        How spectra and frames are reduced.
    notes : Notes
        The plan's own readables of this run.
    plates : Plates
        The plates of this run.
    live : LiveResults
        Its reduced points, for legs that act on them.
    request : callable
        What a person asks now: pause, continue, stop.
    record : SweepRecord, optional
        Of the sweep until it was cut off: what is recorded is not done again, and what it taught is believed.
    """

    def __init__(
        self,
        beamline: Beamline,
        experiment: Experiment,
        *,
        settings: ProfileFile,
        recipe: Recipe,
        notes: Notes,
        plates: Plates,
        live: LiveResults,
        request: Callable[[], Request | None],
        record: SweepRecord | None = None,
    ) -> None:
        self._beamline, self._experiment = beamline, experiment
        self._settings, self._recipe, self._notes, self._plates = settings, recipe, notes, plates
        self._request, self._record = request, record
        self._exposures = Exposures(
            beamline, experiment.exposure, recipe=recipe, plates=plates, note=notes.look, beam=settings.beam
        )
        self._decisions = Decisions(
            beamline, live, plates=plates, note=notes.decision, decided=record.decided if record else ()
        )
        self._leg: AnyLeg | None = None
        self._first = record.first_reference if record else None  # of the sweep
        self._gauge: Gauge = recipe.ruby.gauge()  # of the leg
        self._is_armed = False
        self._state: ApproachState | None = None
        self._heated: Heated | None = None
        self._arrived_s = 0.0  # since when the cell has been at its pressure, half of the way counted

    def steps(self) -> MsgGenerator[None]:
        """Walk it; ends when the plates of all its points have been read."""
        yield from bps.clear_checkpoint()  # a rewind would expose twice or repeat a load step
        if self._record is not None:
            yield from self._find(self._record)
        measured_points = 0
        for _, of_leg in groupby(self._experiment.points(), key=lambda point: id(point.leg)):
            asked = [replace(point, index=measured_points + place) for place, point in enumerate(of_leg)]
            leg = asked[0].leg
            if isinstance(leg, HuntLeg):
                measured_points += yield from hunt(
                    leg,
                    first_index=measured_points,
                    visit=self._visit,
                    arrived_s=lambda: self._arrived_s,
                    decisions=self._decisions,
                    settings=self._settings,
                    clock=self._beamline.clock,
                )
                continue
            until = leg.until if isinstance(leg, PressureLeg | HoldLeg) else None
            watch = ConditionWatch(self._decisions, condition(until), asked=until) if until is not None else None
            for point in asked:
                measured = yield from self._visit(point)
                measured_points += 1
                if watch is not None and (yield from watch.after(point, measured, last=point is asked[-1])):
                    break
        yield from self._plates.finish()

    def _visit(self, point: Point, *, rests: bool = False, wait_s: float = 0.0) -> MsgGenerator[Measured]:
        """Go to a point, unless the cell rests there, wait, and measure it."""
        recorded = self._record.visited(point.index) if self._record else None
        if recorded is not None:
            self._arrived_s = recorded.arrived_s
            return recorded.measured
        yield from self._be_ready(point)
        if isinstance(point.leg, HeatingLeg):
            yield from self._heat(point, point.leg)
        elif isinstance(point.leg, HoldLeg):
            yield from wait(self._beamline, point.leg.wait_s)
        elif not rests:
            began_s = self._beamline.clock.now_s()
            decision = yield from approach(
                self._beamline,
                point,
                gauge=self._gauge,
                settings=self._settings,
                notes=self._notes,
                state=self._state,
                asked=self._request,
            )
            self._state, self._heated = decision.state, None
            self._arrived_s = 0.5 * (began_s + self._beamline.clock.now_s())
        yield from wait(self._beamline, wait_s)
        exposure_s = yield from self._exposures.time_s(point)
        return (
            yield from measure(
                self._beamline,
                point,
                gauge=self._gauge,
                notes=self._notes,
                arrived_s=self._arrived_s,
                exposure_s=exposure_s,
                plates=self._plates,
                beam=self._settings.beam,
            )
        )

    def _be_ready(self, point: Point) -> MsgGenerator[None]:
        """Read what the pressures of a new leg rest on; before the first point also take cell and heater over.

        The reading comes before the arming: a cell that nobody heats is as warm as its room, and its thermocouples can
        be compared.
        """
        if point.leg is not self._leg:
            self._leg = point.leg
            reference = yield from self._reference(point)
            self._first = self._first or reference
            self._gauge = gauge_of(reference, self._recipe.ruby)
        if not self._is_armed:
            self._is_armed = True
            yield from arm(self._beamline, self._settings.membrane)
            yield from bps.mv(self._beamline.stage.oscillation_deg, self._experiment.exposure.oscillation_deg)
            if self._record is not None:
                yield from self._go_back(point, self._record)

    def _find(self, record: SweepRecord) -> MsgGenerator[None]:
        """Read the cell and the plates as they are found, before anything moves."""
        reference, ruby = self._first, self._recipe.ruby
        self._state = yield from find_cell(
            self._beamline, record, gauge=gauge_of(reference, ruby), settings=self._settings, note=self._notes.resumed
        )
        yield from find_plates(self._beamline, self._plates, record)

    def _go_back(self, point: Point, record: SweepRecord) -> MsgGenerator[None]:
        """Bring the cell back to the temperature it was cut off at, watched like any heating."""
        leg = way_back(self._beamline, point, record, self._settings)
        if leg is not None:
            back_k = leg.temperatures_k[0]
            yield from self._heat(replace(point, leg=leg, pressure_gpa=math.nan, temperature_k=back_k), leg)
            self._heated = None

    def _reference(self, point: Point) -> MsgGenerator[Reference | None]:
        """Read what the pressures of a leg rest on; nothing where the recipe is content with the run's own line."""
        ruby = self._recipe.ruby
        if ruby.axis == "none":
            return None
        return (
            yield from leg_reference(
                self._beamline,
                point,
                ruby=ruby,
                notes=self._notes.reference,
                settings=self._settings.ruby,
                first=self._first,
            )
        )

    def _heat(self, point: Point, leg: HeatingLeg) -> MsgGenerator[None]:
        """Ramp to the temperature of a point and soak there."""
        self._heated = yield from heat(
            self._beamline,
            point,
            leg,
            gauge=self._gauge,
            settings=self._settings,
            prior=prior_of(self._settings, self._state),
            notes=self._notes,
            after=self._heated,
            asked=self._request,
        )


def arm(beamline: Beamline, membrane: MembraneSettings) -> MsgGenerator[None]:
    """Take membrane and heater under control where they are, so that nothing jumps; from now on somebody must live."""
    if beamline.watchdog is not None:
        yield from do("arming of the watchdog", beamline.watchdog.arm)
    yield from do("arming of the membrane", beamline.membrane.arm)
    yield from do("slew of the membrane", lambda: beamline.membrane.set_slew(membrane.slew_bar_per_s))
    yield from do("arming of the heater", beamline.heater.arm)
