"""What bluesky's best-effort plots of a reduction cost, against those of the same documents without their hints."""

import contextlib
import io
import time
import warnings

import matplotlib as mpl
import pytest

from lics_beamline import schema
from lics_beamline.profile import read_profile
from lics_beamline.reduction.event import fields_of
from lics_beamline.reduction.recipe import read_recipe

mpl.use("agg")

import matplotlib.pyplot as plt
from bluesky.callbacks.best_effort import BestEffortCallback

POINTS = 1
LARGEST_RATIO = 0.2  # of the time without hints: the plots of 64 numbers are redrawn with each of them


def documents(*, hinted):
    """A reduction by the recipe of the simulated beamline: every number it has, no patterns."""
    fields = [field for field in fields_of(read_recipe(read_profile("simulated").recipe_file)) if not field.shape]
    start = {"uid": "d", "time": 1.7e9, "scan_id": 1, "plan_name": "reduction", "plan_type": "reduction"}
    hints = {"reduction": schema.hints(fields)}
    about = {field.name: field.data_key(source="reduction") for field in fields}
    yield "start", start | ({"hints": schema.dimensions(("pressure",), temperature="temperature_k")} if hinted else {})
    yield (
        "descriptor",
        {
            "uid": "p",
            "run_start": "d",
            "time": 1.7e9,
            "name": schema.REDUCED,
            "data_keys": about,
            "object_keys": {"reduction": list(about)},
            "configuration": {},
            "hints": hints if hinted else {},
        },
    )
    blank = {"number": 1.0, "string": "", "integer": 1, "boolean": True}
    for number in range(1, POINTS + 1):
        data = {field.name: blank[field.dtype] for field in fields}
        times = dict.fromkeys(data, 1.7e9)
        yield (
            "event",
            {
                "uid": f"e{number}",
                "descriptor": "p",
                "seq_num": number,
                "time": 1.7e9 + number,
                "data": data,
                "timestamps": times,
                "filled": {},
            },
        )


def drawn(*, hinted):
    """Axes that were drawn, and the seconds of this process that it took."""
    plt.close("all")
    shown, began_s = BestEffortCallback(), time.process_time()
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, doc in documents(hinted=hinted):
            shown(name, doc)
    took_s = time.process_time() - began_s
    axes = sum(1 for number in plt.get_fignums() for one in plt.figure(number).axes if one.get_visible())
    plt.close("all")
    return axes, took_s


@pytest.mark.timeout(3600)
def test_a_reduction_is_plotted_on_a_few_axes_in_a_fraction_of_the_time(record):
    axes, took_s = drawn(hinted=True)
    all_axes, all_took_s = drawn(hinted=False)
    record(axes=axes, axes_unhinted=all_axes, ratio=round(took_s / all_took_s, 4))
    assert axes <= 10
    assert took_s / all_took_s < LARGEST_RATIO
