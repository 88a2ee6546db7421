"""How the beamline was found and left: every instrument read when a run opens, and again before it closes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
from bluesky.utils import Msg, MsgGenerator
from ophyd import Device

from lics_beamline.devices.alarm import no_answer_in_words, silences
from lics_beamline.devices.beamline import Beamline
from lics_beamline.plans.silence import NO_READING, in_words, named
from lics_beamline.schema import BASELINE

log = logging.getLogger(__name__)


def baseline_devices(beamline: Beamline) -> list[Device]:
    """Return the devices that a baseline reads: reading triggers, so none that exposes or acquires then.

    Parameters
    ----------
    beamline : Beamline
        The devices.
    """
    left_out = (beamline.plate, beamline.frame, beamline.ruby, beamline.watchdog)
    return [device for device in beamline.devices() if device not in left_out]


def with_baseline(plan: MsgGenerator[Any], devices: Sequence[Any]) -> MsgGenerator[Any]:
    """Read devices into the stream ``baseline`` after a run of a plan has opened, and before it closes.

    A run may end because an instrument is gone. Then its last reading is left out, with a warning that names the PVs:
    it would be an old one, and its failure would take the place of the reason why the run ended.

    Parameters
    ----------
    plan : generator of messages
        The plan.
    devices : sequence of Device
        What is read.

    Raises
    ------
    NotConnected
        If an instrument has no value when the run opens; names the PVs.
    """

    def found() -> MsgGenerator[None]:
        try:
            yield from bps.declare_stream(*devices, name=BASELINE)
            yield from bps.trigger_and_read(devices, name=BASELINE)
        except NO_READING as error:
            raise named(error) from error

    def left(closing: Msg) -> MsgGenerator[Any]:
        said = silences(devices)
        if not said:
            try:
                yield from bps.trigger_and_read(devices, name=BASELINE)
            except NO_READING as error:
                said = silences(devices) or (no_answer_in_words(error),)
        if said:
            log.warning("how the beamline was left is not recorded: %s", in_words(said))
        return (yield closing)

    def insert(message: Msg) -> tuple[MsgGenerator[Any] | None, MsgGenerator[Any] | None]:
        if message.command == "open_run":
            return None, found()
        if message.command == "close_run":
            return left(message), None
        return None, None

    return (yield from bpp.plan_mutator(plan, insert))
