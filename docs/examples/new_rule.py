"""A rule for ``lics check``: the plates come back before the beam time ends."""

from __future__ import annotations

import math
from typing import Final

from lics_beamline.checks.case import Case
from lics_beamline.checks.finding import Judgement, warned_if

PACKING_H: Final = 2.0  # to warm down, unload and pack; a choice


def time_is_left_to_pack(case: Case) -> Judgement | None:
    """Check that the sweep ends early enough before the beam time does."""
    if math.isinf(case.beam_time_h):
        return None  # nobody said how much there is: the rule has nothing to say
    needed_h = case.track.duration_s / 3600.0 + PACKING_H
    return warned_if(
        needed_h > case.beam_time_h,
        f"{needed_h:.1f} h with {PACKING_H:g} h to pack",
        f"{case.beam_time_h:g} h of beam time",
        "Leave points out, or ask for more time.",
    )
