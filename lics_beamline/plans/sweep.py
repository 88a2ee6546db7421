"""The sweep: a path walked, each point measured, one run, and the safe state at its end however it ends."""

from __future__ import annotations

import importlib.metadata
import logging
import math
import uuid
from typing import Any, TypeVar

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
from bluesky.utils import FailedStatus, MsgGenerator, RunEngineControlException

from lics_beamline import schema
from lics_beamline.control.envelope import Envelope
from lics_beamline.control.path import Point
from lics_beamline.devices.beamline import Beamline, make_safe
from lics_beamline.devices.motion import MADE_SAFE
from lics_beamline.errors import DidNotSettle, JournalError, Stopped
from lics_beamline.experiment import Experiment
from lics_beamline.plans.action import do, ended_by, why
from lics_beamline.plans.baseline import baseline_devices, with_baseline
from lics_beamline.plans.ending import SweepEnding, drop_open_event
from lics_beamline.plans.gauge import prepare
from lics_beamline.plans.live import LiveResults
from lics_beamline.plans.measure import Notes
from lics_beamline.plans.pausing import Pausing, Requests
from lics_beamline.plans.plates import Plates, announcing
from lics_beamline.plans.reference import reference_line, require_same_line
from lics_beamline.plans.silence import Silence
from lics_beamline.plans.sweep_record import SweepRecord
from lics_beamline.plans.walk import Walk
from lics_beamline.profile import Profile
from lics_beamline.reduction.recipe import Recipe

log = logging.getLogger(__name__)

T = TypeVar("T")
PACKAGES = ("lics_beamline", "bluesky", "ophyd", "caproto", "event-model", "numpy", "pyFAI", "fabio", "peritheos")


def sweep(
    beamline: Beamline,
    experiment: Experiment,
    *,
    profile: Profile,
    recipe: Recipe,
    requests: Requests,
    md: dict[str, Any] | None = None,
    record: SweepRecord | None = None,
) -> MsgGenerator[str]:
    """Walk the path of an experiment and measure each of its points.

    The ambient reference ruby is read first, so that the pressures of this run rest on a line measured with this
    spectrometer today; where the recipe says so, it and a neon lamp are read before each leg. However the plan ends,
    gas is held, the heater goes down and the shutter closes.

    Parameters
    ----------
    beamline : Beamline
        The devices, connected.
    experiment : Experiment
        Path, sample and exposure.
    profile : Profile
        The beamline as data: how a sweep is walked here.
    recipe : Recipe
        How frames and ruby spectra are reduced; travels in the start document.
    requests : Requests
        Where people ask to hold, continue or stop it.
    md : dict, optional
        Added to the start document.
    record : SweepRecord, optional
        Of this sweep until it was cut off: the run goes on with it, and says so.

    Returns
    -------
    str
        Uid of the run.
    """
    ending = SweepEnding()

    def rescue(error: Exception, plates: Plates) -> MsgGenerator[None]:
        """Keep what is exposed already: its image is worth the minute until it has been read, in the safe state."""
        ending.begin()
        if isinstance(error, JournalError):
            return  # nothing can be recorded any more
        try:
            make_safe(beamline)
        except DidNotSettle as unsafe:
            log.error("%s", unsafe)  # tried again when the run is closed, and raised then
        yield from drop_open_event()
        yield from plates.finish()

    def walk() -> MsgGenerator[str]:
        settings = profile.values
        for point in experiment.points():
            _check(point, settings.envelope)
        yield from prepare(beamline, settings.ruby)
        reference = yield from reference_line(beamline)
        if record is None:
            todays_recipe = recipe.with_chip(experiment.ruby_chip).with_reference(
                reference.r1_nm, reference.temperature_k, reference.r1_sigma_nm
            )
        else:  # one sweep is reduced by one recipe
            todays_recipe = record.recipe
            require_same_line(reference, todays_recipe.ruby, settings.ruby)
        start = start_document(beamline, experiment, profile=profile, recipe=todays_recipe)
        start |= (record.goes_on if record else {}) | (md or {})
        notes = Notes()
        plates = Plates(
            beamline,
            readout=notes.readout,
            failure=notes.failure,
            folder=start["plate_folder"],
            overlapped=settings.plate.overlapped,
            keeping=settings.plate.measured(todays_recipe.plate.fading),
        )
        yield from plates.open_folder()
        live = LiveResults(requests.data.derived_journals, start, settings=settings.live)
        silence = Silence(beamline)
        pausing = Pausing(beamline, requests, meanwhile=plates.announce, hinders=lambda: live.lag() or silence())
        steps = Walk(
            beamline,
            experiment,
            settings=settings,
            recipe=todays_recipe,
            notes=notes,
            plates=plates,
            live=live,
            request=pausing.request,
            record=record,
        ).steps()
        pausable = pausing.pausable(announcing(steps, plates))
        reading = bpp.contingency_wrapper(pausable, except_plan=lambda why: rescue(why, plates))
        try:
            return (yield from with_baseline(as_run(reading, start), baseline_devices(beamline)))
        finally:
            silence.close()
            live.close()

    def held() -> MsgGenerator[str]:
        return (yield from bpp.finalize_wrapper(walk(), lambda: safe(beamline)))

    with requests.open():
        return (yield from holding(beamline, ending.for_the_first_reason(held())))


def holding(beamline: Beamline, plan: MsgGenerator[T]) -> MsgGenerator[T]:
    """Hold the beamline while a plan runs; where another process holds it, nothing of the plan is done, nor undone.

    Once all is safe the membrane has given its lease back; what could not be made safe keeps it.
    """

    def let_go(error: Exception) -> MsgGenerator[None]:
        yield from bps.null()
        beamline.membrane.release()

    yield from bpp.contingency_wrapper(do("taking of the lease", beamline.membrane.take), except_plan=let_go)
    return (yield from plan)


def safe(beamline: Beamline) -> MsgGenerator[None]:
    """Hold the gas, bring the heater down, close the shutter, each verified by read-back."""
    yield from bps.null()
    holder = beamline.membrane.foreign_holder()
    if holder:  # it was safe before it was given back, and is theirs now
        log.warning("the beamline is held by %s: nothing is cleaned up any more", holder)
        return
    make_safe(beamline)


def start_document(beamline: Beamline, experiment: Experiment, *, profile: Profile, recipe: Recipe) -> dict[str, Any]:
    """Return everything a start document says: enough to redo the reduction with no other file than the plates."""
    sweep_uid = str(uuid.uuid4())
    return {
        "plan_name": "sweep",
        "purpose": schema.SWEEP,
        "sweep_uid": sweep_uid,
        "plate_folder": sweep_uid[:8],
        "title": experiment.title,
        "operator": experiment.operator,
        "proposal": experiment.proposal,
        "sample": experiment.sample.model_dump(mode="json"),
        "cell": experiment.cell.model_dump(mode="json"),
        "gasket": experiment.gasket.model_dump(mode="json"),
        "ruby": recipe.ruby.model_dump(mode="json"),
        "wavelength_angstrom": recipe.geometry.wavelength_angstrom,
        "geometry_digest": recipe.geometry.digest,
        "recipe": recipe.model_dump(mode="json"),
        "recipe_digest": recipe.digest,
        "path": [leg.model_dump(mode="json") for leg in experiment.legs],
        "points": len(experiment.points()),
        "hints": schema.dimensions((leg.kind for leg in experiment.legs), temperature=schema.GASKET_TEMPERATURE),
        "exposure": experiment.exposure.model_dump(mode="json"),
        "profile": profile.reference,
        "plates": {"overlapped": profile.values.plate.overlapped},
        "speed": beamline.clock.speed(),
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
    }


def as_run(plan: MsgGenerator[None], start: dict[str, Any]) -> MsgGenerator[str]:
    """Run a plan inside one bluesky run whose stop document says why it ended."""
    uid = yield from bps.open_run(start)

    def failed(error: Exception) -> MsgGenerator[None]:
        yield from drop_open_event()
        if isinstance(error, RunEngineControlException):
            reason = "ended from outside the plan: Ctrl-C, the guard, or an abort of the engine"
            yield from bps.close_run(exit_status=error.exit_status, reason=reason)
        elif isinstance(error, Stopped):
            yield from bps.close_run(exit_status="abort", reason=str(error))
        elif isinstance(error, FailedStatus) and ended_by(error) == MADE_SAFE:  # heard before the engine was aborted
            yield from bps.close_run(exit_status="abort", reason=f"ended from outside the plan: {why(error)}")
        else:
            reason = why(error) if isinstance(error, FailedStatus) else str(error)
            yield from bps.close_run(exit_status="fail", reason=f"{type(error).__name__}: {reason}")

    yield from bpp.contingency_wrapper(plan, except_plan=failed, else_plan=bps.close_run)
    return uid


def _check(point: Point, envelope: Envelope) -> None:
    if not math.isnan(point.pressure_gpa):
        envelope.check_pressure(point.pressure_gpa)
    envelope.check_temperature(point.temperature_k)
