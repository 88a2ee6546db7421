"""A derived run written by hand: what a live reducer would have written."""

import numpy as np

START = {"sweep_uid": "s1", "recipe_digest": "d1"}


def derived(journal, uid, **start):
    """Begin the derived run of one sweep and recipe."""
    journal("start", {"uid": uid, "time": 0.0, "purpose": "reduction", "raw_uid": "r1", **START, **start})
    journal("descriptor", {"uid": f"{uid}-d", "run_start": uid, "time": 0.0, "name": "primary", "data_keys": {}})


def reduced(journal, uid, exposure, number=1, **data):
    """Write one reduced point."""
    values = {
        "exposure_uid": exposure,
        "point_index": number - 1,
        "reduced": True,
        "phases": "",
        "intensity": np.zeros(3),
        **data,
    }
    journal(
        "event",
        {
            "uid": f"{uid}-{number}",
            "descriptor": f"{uid}-d",
            "time": 0.0,
            "seq_num": number,
            "data": values,
            "timestamps": dict.fromkeys(values, 0.0),
            "filled": {},
        },
    )
