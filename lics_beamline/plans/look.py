"""A short look: a plate exposed briefly, read, and the dose of the exposures to come chosen by its strongest ring."""

from __future__ import annotations

import logging
import uuid
from pathlib import Path

import bluesky.plan_stubs as bps
from bluesky.utils import FailedStatus, MsgGenerator

from lics_beamline import schema
from lics_beamline.control.dosage import Dosage, dosage
from lics_beamline.control.exposure import DoseExposure, Exposure
from lics_beamline.control.path import AnyLeg, Point
from lics_beamline.devices.beamline import Beamline
from lics_beamline.devices.plate_file import Expected
from lics_beamline.errors import BadReading
from lics_beamline.lines.brightness import Brightness, strongest_ring
from lics_beamline.plans.action import compute, do, why
from lics_beamline.plans.exposure import Exposed, ExposureFault, Failed, expose, wait_for_beam
from lics_beamline.plans.noted import Noted
from lics_beamline.plans.plates import Plates
from lics_beamline.profile import BeamSettings
from lics_beamline.reduction.recipe import Recipe

log = logging.getLogger(__name__)

MOST_LOOKS = 2  # a look that failed is taken once more


class Exposures:
    """How long the points of a sweep are exposed: always the same, or as the newest look says.

    Parameters
    ----------
    beamline : Beamline
        The devices.
    exposure : Exposure
        What the experiment asks for.
    recipe : Recipe
        How a frame becomes a pattern.
    plates : Plates
        The plates of this run.
    note : Noted
        The plan's own readable of the `look` stream.
    beam : BeamSettings
        What an exposure asks of the beam.
    """

    def __init__(
        self, beamline: Beamline, exposure: Exposure, *, recipe: Recipe, plates: Plates, note: Noted, beam: BeamSettings
    ) -> None:
        self._beamline, self._exposure = beamline, exposure
        self._recipe, self._plates, self._note, self._beam = recipe, plates, note, beam
        self._chosen: Dosage | None = None
        self._leg: AnyLeg | None = None

    def time_s(self, point: Point) -> MsgGenerator[float]:
        """Return the exposure of a point [s of experiment], the cell being there; takes a look where one is due.

        Raises
        ------
        BadReading
            If a look fails.
        """
        asked = self._exposure.dose
        if asked is None:
            return self._exposure.longest_s
        if self._chosen is None or asked.each == "point" or point.leg is not self._leg:
            self._leg = point.leg
            self._chosen = yield from look(
                self._beamline,
                point,
                asked=asked,
                recipe=self._recipe,
                plates=self._plates,
                note=self._note,
                beam=self._beam,
            )
        return self._chosen.exposure_s(float(self._beamline.beam.ring_current_ma.get(use_monitor=False)))


def look(
    beamline: Beamline,
    point: Point,
    *,
    asked: DoseExposure,
    recipe: Recipe,
    plates: Plates,
    note: Noted,
    beam: BeamSettings,
) -> MsgGenerator[Dosage]:
    """Take a look at a point, and choose the dose of the exposures to come.

    Its plate lies in a folder of its own, beside the points', and is erased after its scan as every plate is.

    Parameters
    ----------
    beamline : Beamline
        The devices.
    point : Point
        The point the cell is at.
    asked : DoseExposure
        What is asked for.
    recipe : Recipe
        How a frame becomes a pattern.
    plates : Plates
        The plates of this run.
    note : Noted
        The plan's own readable of the `look` stream.
    beam : BeamSettings
        What an exposure asks of the beam.

    Raises
    ------
    BadReading
        If beam, shutter, detector or file failed at `MOST_LOOKS` looks.
    """
    from lics_beamline.frames.raxis import read_header

    for _ in range(MOST_LOOKS):
        exposure_uid = str(uuid.uuid4())
        yield from plates.open_folder("look")
        yield from plates.clean()
        yield from wait_for_beam(beamline, beam)
        ring_ma = float(beamline.beam.ring_current_ma.get(use_monitor=False))
        outcome = yield from expose(beamline, exposure_s=asked.look_s, beam=beam)
        if isinstance(outcome, Exposed):
            file = outcome.file
            plates.hold(exposure_uid, outcome)
            try:
                seen = yield from _read_out(beamline, file, recipe)
                break
            except FailedStatus as error:
                outcome = Failed(cause=ExposureFault.PLATE, reason=why(error), plate=file.plate)
        yield from plates.lose(point, exposure_uid, outcome)
    else:
        raise BadReading(
            f"point {point.index + 1} cannot be looked at: {outcome.reason} The sweep ends here.",
            cause=str(outcome.cause),
        )
    chosen = dosage(
        asked,
        seen,
        dose_counts=outcome.dose_counts,
        ring_ma=ring_ma,
        saturation_counts=read_header(beamline.frame.file(file)).saturation_counts,
    )
    exposure_s = chosen.exposure_s(ring_ma)
    if chosen.limit:
        log.warning("exposure of %.0f s: limited by %s", exposure_s, chosen.limit)
    yield from bps.create(schema.LOOK)
    note.note(
        experiment_time_s=beamline.clock.now_s(),
        exposure_uid=exposure_uid,
        point_index=point.index,
        exposure_s=asked.look_s,
        dose_counts=outcome.dose_counts,
        look_path=str(file.below),
        ring_two_theta_deg=seen.two_theta_deg,
        ring_counts=seen.counts,
        background_counts=seen.background_counts,
        asked_counts=asked.strongest_counts,
        chosen_dose_counts=chosen.dose_counts,
        chosen_exposure_s=exposure_s,
        limit=chosen.limit,
    )
    yield from bps.read(note)
    yield from bps.save()
    yield from plates.open_folder()
    return chosen


def _read_out(beamline: Beamline, file: Expected, recipe: Recipe) -> MsgGenerator[Brightness]:
    yield from do("plate of the look", lambda: beamline.frame.arrival(file))
    return (yield from compute("strongest ring", lambda: _brightness(beamline.frame.file(file), recipe)))


def _brightness(path: Path, recipe: Recipe) -> Brightness:
    """Return the strongest ring of a plate file, integrated as its points will be."""
    from lics_beamline.frames.raxis import read_plate
    from lics_beamline.reduction.point import integrator

    header, frame = read_plate(path)
    shape = (int(frame.shape[0]), int(frame.shape[1]))
    engine = integrator(recipe.geometry, recipe.integration(), shape)
    return strongest_ring(engine.integrate(frame, saturation_counts=header.saturation_counts))
