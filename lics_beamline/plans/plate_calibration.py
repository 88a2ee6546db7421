"""Measuring the plates themselves: strong exposures, blank reads after them, and images that wait before they are read.

An image is made to wait by closing the shutter long before its exposure ends: the plate stays where it is, in the dark.
The sample must only stay as it is; a calibrant with strong rings serves best. Both plates take turns, as always.
"""

from __future__ import annotations

import importlib.metadata
import logging
import math
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
from bluesky.utils import MsgGenerator

from lics_beamline import schema
from lics_beamline.devices.beamline import Beamline
from lics_beamline.frames.plate_measurement import Role
from lics_beamline.plans.noted import Noted
from lics_beamline.plans.sweep import PACKAGES, as_run
from lics_beamline.profile import Profile
from lics_beamline.reduction.recipe import Recipe

log = logging.getLogger(__name__)

PLATE_COUNT: Final = 2  # they take turns
MONITOR_READINGS: Final = 4  # their mean is known to half the noise of one
BLANK_S: Final = 10.0  # a blank read still needs an exposure, behind the closed shutter
SHUTTER_LATE_SHARE: Final = 0.1  # of the time until its read-back agrees, one standard deviation: an engineering value
KEPT_SIGMA_S: Final = 0.05  # of what the detector says is left of an exposure: it counts in tenths


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Which reads are taken.

    Parameters
    ----------
    strong_s : float
        Length of the strong exposures [s]; the ghost must stand well above one count.
    open_s : float
        Time the images that wait see X-rays [s].
    waits_s : tuple of float
        How long each of them waits beyond the swap [s]. Plates take turns, so each should get short and long ones.
    oscillation_deg : float
        Range of oscillation, which averages grains [deg].
    """

    strong_s: float = 3600.0
    open_s: float = 600.0
    waits_s: tuple[float, ...] = (0.0, 0.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 3600.0)
    oscillation_deg: float = 10.0

    @property
    def duration_s(self) -> float:
        """About how long the series takes, without scans and swaps [s]."""
        return PLATE_COUNT * (self.strong_s + BLANK_S) + len(self.waits_s) * self.open_s + sum(self.waits_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    role: Role
    open_s: float
    kept_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shot:
    open_s: float
    open_sigma_s: float
    kept_s: float
    monitor_cps: float


def calibrate_plates(
    beamline: Beamline, series: Series, *, profile: Profile, recipe: Recipe, md: dict[str, Any] | None = None
) -> MsgGenerator[str]:
    """Take the reads that measure fading and ghosts of both plates, as one run.

    Gas and heater are left as they are.

    Parameters
    ----------
    beamline : Beamline
        The devices, connected; a sample or calibrant that will not change is in the beam.
    series : Series
        Which reads are taken.
    profile : Profile
        The beamline as data; its name and digest travel in the start document.
    recipe : Recipe
        How frames are reduced here; travels in the start document.
    md : dict, optional
        Added to the start document.

    Returns
    -------
    str
        Uid of the run.

    Raises
    ------
    FailedStatus
        If shutter or detector fail: the reads so far are in the run, and it is marked as failed.
    """
    uid = str(uuid.uuid4())
    start = {
        "plan_name": "calibrate_plates",
        "purpose": schema.PLATE_CALIBRATION,
        "sweep_uid": uid,
        "plate_folder": uid[:8],
        "title": "fading and ghosts of the plates",
        "wavelength_angstrom": recipe.geometry.wavelength_angstrom,
        "geometry_digest": recipe.geometry.digest,
        "recipe": recipe.model_dump(mode="json"),
        "recipe_digest": recipe.digest,
        "points": 2 * PLATE_COUNT + len(series.waits_s),
        "exposure": {
            "strong_s": series.strong_s,
            "open_s": series.open_s,
            "waits_s": list(series.waits_s),
            "oscillation_deg": series.oscillation_deg,
        },
        "profile": profile.reference,
        "speed": beamline.clock.speed(),
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
        **(md or {}),
    }
    read, readout = Noted("point", schema.PLATE_READ_FIELDS), Noted("readout", schema.READOUT_FIELDS)

    def reads() -> MsgGenerator[None]:
        yield from bps.clear_checkpoint()  # a rewind would expose twice
        yield from bps.mv(beamline.stage.oscillation_deg, series.oscillation_deg)
        for index, wanted in enumerate(_wanted(series)):
            yield from _take(beamline, index, wanted, read=read, readout=readout)

    def safe() -> MsgGenerator[None]:
        yield from bps.mv(beamline.beam.shutter, "Closed")

    yield from bps.mv(beamline.beam.shutter, "Closed")
    beamline.frame.open_folder(f"plates/{start['plate_folder']}")
    return (yield from bpp.finalize_wrapper(as_run(reads(), start), safe))


def _wanted(series: Series) -> Iterator[_Wanted]:
    """Say which reads are taken, in order: ghosts first, so that the images that wait lie on plates without any."""
    for _ in range(PLATE_COUNT):
        yield _Wanted(role="strong", open_s=series.strong_s, kept_s=0.0)
    for _ in range(PLATE_COUNT):
        yield _Wanted(role="blank", open_s=0.0, kept_s=BLANK_S)
    for wait_s in series.waits_s:
        yield _Wanted(role="delayed", open_s=series.open_s, kept_s=wait_s)


def _take(beamline: Beamline, index: int, wanted: _Wanted, *, read: Noted, readout: Noted) -> MsgGenerator[None]:
    """Take one read: exposure, its event, and the readout once the file is there."""
    log.info("read %d: %s, %.0f s, then %.0f s in the dark", index + 1, wanted.role, wanted.open_s, wanted.kept_s)
    exposure_uid = str(uuid.uuid4())
    shot = yield from bpp.contingency_wrapper(
        _expose(beamline, wanted), except_plan=lambda _: bps.mv(beamline.beam.shutter, "Closed")
    )
    yield from bps.create(schema.PRIMARY)
    read.note(
        experiment_time_s=beamline.clock.now_s(),
        point_index=index,
        exposure_uid=exposure_uid,
        role=wanted.role,
        open_s=shot.open_s,
        open_sigma_s=shot.open_sigma_s,
        kept_s=shot.kept_s,
        monitor_cps=shot.monitor_cps,
    )
    yield from bps.read(read)
    yield from bps.save()
    yield from bps.trigger(beamline.frame, wait=True)
    yield from bps.create(schema.READOUT)
    readout.note(
        experiment_time_s=beamline.clock.now_s(),
        point_index=index,
        exposure_uid=exposure_uid,
        exposure_s=shot.open_s,
        previous_exposure_uid="",
    )
    yield from bps.read(readout)
    yield from bps.read(beamline.frame)
    yield from bps.save()


def _expose(beamline: Beamline, wanted: _Wanted) -> MsgGenerator[_Shot]:
    """Expose, and keep the image in the dark until its exposure ends; the detector itself tells for how long."""
    total_s = wanted.open_s + wanted.kept_s
    exposed = f"exposure-{uuid.uuid4()}"
    yield from bps.mv(beamline.plate.exposure_s, total_s)
    if wanted.open_s == 0.0:
        yield from bps.trigger(beamline.plate, wait=True)
        return _Shot(open_s=0.0, open_sigma_s=0.0, kept_s=wanted.kept_s, monitor_cps=math.nan)
    yield from bps.mv(beamline.beam.shutter, "Open")
    yield from bps.trigger(beamline.plate, group=exposed, wait=False)
    monitor = 0.0
    for _ in range(MONITOR_READINGS):
        yield from bps.mv(beamline.clock, beamline.clock.now_s() + wanted.open_s / (MONITOR_READINGS + 2))
        monitor += float(beamline.beam.i0_cps.get(use_monitor=False)) / MONITOR_READINGS
    kept_s, sigma_s = 0.0, 0.0
    if wanted.kept_s > 0.0:
        left_s = float(beamline.plate.time_remaining_s.get(use_monitor=False)) - wanted.kept_s
        if left_s > 0.0:
            yield from bps.mv(beamline.clock, beamline.clock.now_s() + left_s)
        before_s = float(beamline.plate.time_remaining_s.get(use_monitor=False))
        yield from bps.mv(beamline.beam.shutter, "Closed")
        after_s = float(beamline.plate.time_remaining_s.get(use_monitor=False))
        # A fast shutter moves within milliseconds of its command; what lasts is hearing back from it.
        kept_s, sigma_s = before_s, math.hypot(SHUTTER_LATE_SHARE * (before_s - after_s), KEPT_SIGMA_S)
    yield from bps.wait(exposed)
    yield from bps.mv(beamline.beam.shutter, "Closed")
    return _Shot(open_s=total_s - kept_s, open_sigma_s=sigma_s, kept_s=kept_s, monitor_cps=monitor)
