"""Exposing a calibrant in the sweep's own session: one plate, one run, from which the geometry is found."""

from __future__ import annotations

import importlib.metadata
import logging
import math
import uuid
from typing import Any, Final

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
from bluesky.utils import MsgGenerator

from lics_beamline import schema
from lics_beamline.calibration.calibrant import Calibrant
from lics_beamline.control.path import HoldLeg, Point
from lics_beamline.devices.beamline import Beamline
from lics_beamline.errors import BadReading
from lics_beamline.plans.baseline import baseline_devices, with_baseline
from lics_beamline.plans.exposure import Exposed, expose, wait_for_beam
from lics_beamline.plans.noted import Noted
from lics_beamline.plans.plates import Plates
from lics_beamline.plans.sweep import PACKAGES, as_run, holding
from lics_beamline.profile import BeamSettings, Profile
from lics_beamline.reduction.recipe import Recipe

log = logging.getLogger(__name__)

MOST_TRIES: Final = 2  # a jam or a short dose is tried once more, as in a sweep


def calibrate(
    beamline: Beamline,
    calibrant: Calibrant,
    *,
    profile: Profile,
    recipe: Recipe,
    exposure_s: float,
    oscillation_deg: float = 0.0,
    md: dict[str, Any] | None = None,
) -> MsgGenerator[str]:
    """Expose a calibrant where the sample will be, and wait until its plate has been read.

    Neither gas nor heater is touched: the calibrant is in no cell. The run says ``purpose="calibration"``.

    Parameters
    ----------
    beamline : Beamline
        The devices, connected.
    calibrant : Calibrant
        What is in the beam.
    profile : Profile
        The beamline as data.
    recipe : Recipe
        How its frames are reduced: the geometry to be replaced.
    exposure_s : float
        Time the plate sees X-rays [s of experiment].
    oscillation_deg : float
        Range of oscillation [deg]; averages grains.
    md : dict, optional
        Added to the start document.

    Returns
    -------
    str
        Uid of the run.

    Raises
    ------
    BadReading
        If the plate cannot be exposed.
    """
    start = start_document(
        beamline, calibrant, profile=profile, recipe=recipe, exposure_s=exposure_s, oscillation_deg=oscillation_deg
    ) | (md or {})
    exposed = Noted("point", schema.CALIBRANT_FIELDS)
    plates = Plates(
        beamline,
        readout=Noted("readout", schema.READOUT_FIELDS),
        failure=Noted("failure", schema.FAILURE_FIELDS),
        folder=start["plate_folder"],
        overlapped=False,
    )

    def one_plate() -> MsgGenerator[None]:
        yield from bps.clear_checkpoint()  # a rewind would expose twice
        yield from bps.mv(beamline.stage.oscillation_deg, oscillation_deg)
        yield from _expose(
            beamline, calibrant, beam=profile.values.beam, exposure_s=exposure_s, plates=plates, note=exposed
        )

    def give_back() -> MsgGenerator[None]:
        yield from bps.null()
        beamline.membrane.release()

    def held() -> MsgGenerator[str]:
        yield from plates.open_folder()
        return (yield from with_baseline(as_run(one_plate(), start), baseline_devices(beamline)))

    return (yield from holding(beamline, bpp.finalize_wrapper(held(), give_back)))


def start_document(
    beamline: Beamline,
    calibrant: Calibrant,
    *,
    profile: Profile,
    recipe: Recipe,
    exposure_s: float,
    oscillation_deg: float,
) -> dict[str, Any]:
    """Return everything a start document says: enough to calibrate with no other file than the plate."""
    uid = str(uuid.uuid4())
    return {
        "plan_name": "calibrate",
        "purpose": schema.CALIBRATION,
        "sweep_uid": uid,
        "plate_folder": uid[:8],
        "title": f"{calibrant.name} for the geometry",
        "sample": {"name": calibrant.name, "composition": calibrant.name, "phases": [], "source": calibrant.source},
        "wavelength_angstrom": recipe.geometry.wavelength_angstrom,
        "geometry_digest": recipe.geometry.digest,
        "recipe": recipe.model_dump(mode="json"),
        "recipe_digest": recipe.digest,
        "points": 1,
        "exposure": {"time_s": exposure_s, "oscillation_deg": oscillation_deg},
        "profile": profile.reference,
        "speed": beamline.clock.speed(),
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
    }


def _expose(
    beamline: Beamline, calibrant: Calibrant, *, beam: BeamSettings, exposure_s: float, plates: Plates, note: Noted
) -> MsgGenerator[None]:
    leg = HoldLeg(kind="hold", name=calibrant.name, temperature_k=calibrant.certified_k)
    point = Point(index=0, leg=leg, pressure_gpa=math.nan, temperature_k=calibrant.certified_k)
    for attempt in range(MOST_TRIES):
        exposure_uid = str(uuid.uuid4())
        yield from plates.clean()
        yield from wait_for_beam(beamline, beam)
        yield from bps.create(schema.PRIMARY)
        outcome = yield from expose(beamline, exposure_s=exposure_s, beam=beam)
        if isinstance(outcome, Exposed):
            note.note(
                experiment_time_s=beamline.clock.now_s(),
                point_index=point.index,
                exposure_uid=exposure_uid,
                calibrant=calibrant.name,
                exposure_s=exposure_s,
                dose_counts=outcome.dose_counts,
            )
            yield from bps.read(note)
            yield from bps.save()
            yield from plates.pass_on(point, exposure_uid, outcome, exposure_s=exposure_s)
            return
        yield from bps.drop()
        yield from plates.lose(point, exposure_uid, outcome)
        if attempt + 1 < MOST_TRIES:
            log.warning("%s is exposed again", calibrant.name)
    raise BadReading(
        f"{calibrant.name} cannot be exposed: the {outcome.cause} failed at the last of {MOST_TRIES} tries. "
        f"{outcome.reason}",
        cause=str(outcome.cause),
    )
