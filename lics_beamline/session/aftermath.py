"""What a plan or a session leaves behind: whatever is on is made safe, and the truth of it is said."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING

from bluesky import RunEngine
from bluesky.utils import RunEngineInterrupted, TransitionError

from lics_beamline.devices.safe_state import read_backs, unsafe
from lics_beamline.errors import DidNotSettle, LicsError

if TYPE_CHECKING:  # devices import ophyd, which chooses the control layer: not before a session does
    from lics_beamline.devices.beamline import Beamline

logger = logging.getLogger(__name__)


def left_on(beamline: Beamline) -> tuple[str, ...]:
    """Return a phrase for everything that is on, or does not say that it is safe; nothing where nobody answers.

    What somebody else holds is not left behind by us.
    """
    if beamline.membrane.foreign_holder():
        return ()
    instruments = (beamline.membrane, beamline.heater, beamline.beam)
    return unsafe(beamline) if any(instrument.connected for instrument in instruments) else ()


def make_safe(beamline: Beamline) -> bool:
    """Make safe what is on, and say what was read back, or what stays on.

    Parameters
    ----------
    beamline : Beamline
        The devices, connected.

    Returns
    -------
    bool
        Whether all is safe.
    """
    from lics_beamline.devices import beamline as devices

    holder = beamline.membrane.foreign_holder()
    if holder:
        logger.warning("the beamline is held by %s: nothing was touched", holder)
        return True
    try:
        if left_on(beamline):
            devices.make_safe(beamline)
        elif unknown := unsafe(beamline):
            raise DidNotSettle("; ".join(unknown) + ".")
    except LicsError as error:
        logger.error("NOT safe: %s", error)
        return False
    logger.warning("all is safe, read back: %s", _said(beamline))
    return True


def leave(engine: RunEngine, beamline: Beamline) -> bool:
    """End the plan that is paused, if there is one, and make safe what is on.

    Parameters
    ----------
    engine : RunEngine
        Of the session that ends.
    beamline : Beamline
        Its devices, connected.

    Returns
    -------
    bool
        Whether all is safe, as far as anything answers.
    """
    try:
        if engine.state != "idle":
            logger.warning("the plan that is %s is ended: the session ends", engine.state)
            engine.abort("the session ended")
    except (LicsError, RunEngineInterrupted, TransitionError) as error:
        logger.warning("%s", error)
    finally:  # however the plan ended
        is_safe = make_safe(beamline) if left_on(beamline) else True
    return is_safe


def _said(beamline: Beamline) -> str:
    said = {name: math.nan if value is None else value for name, value in read_backs(beamline).items()}
    return (
        f"gas held at {said['membrane_load_bar']:.2f} bar (control {said['membrane_control']}), heater setpoint "
        f"{said['heater_setpoint_k']:.1f} K, output {said['heater_output_percent']:.1f} % of at most "
        f"{said['heater_output_limit_percent']:.1f} %, shutter {said['beam_shutter']}"
    )
