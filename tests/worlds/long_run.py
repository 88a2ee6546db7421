"""A run as long as any: a thousand points, each approached in many readings, with patterns of full length."""

import math

import numpy as np
import recorded_documents as recorded
from derived_documents import reduction
from reduced_documents import data

from lics_beamline.journal.writer import Journal
from lics_beamline.phases.phase import default_phases

BINS = 2500  # as of the recipes of the profiles
READINGS = 12  # of ruby on the way to a point
RUBY_PIXELS = 1340
AXIS_NM = np.linspace(690.0, 700.0, RUBY_PIXELS)
ANGLES_DEG = np.linspace(5.0, 17.0, BINS)
RECIPE = {"phases": [phase.model_dump(mode="json") for phase in default_phases()]}


def spectrum(pressure_gpa):
    r1_nm = 694.25 + 0.365 * pressure_gpa
    lines = np.exp(-(((AXIS_NM - r1_nm) / 0.3) ** 2)) + 0.6 * np.exp(-(((AXIS_NM - r1_nm + 1.4) / 0.3) ** 2))
    return {"ruby_wavelength_nm": AXIS_NM, "ruby_spectrum": 500.0 + 1e4 * lines}


def raw_events(points):
    """Approach, point and plate of each point, the pressure rising and falling ten times."""
    for index in range(points):
        asked = 2.0 + 1.5 * math.sin(2.0 * math.pi * index / max(points / 10.0, 1.0))
        for number in range(READINGS):
            at_s = 900.0 * index + 60.0 * number
            stream, doc = recorded.approach(asked - 0.02 * (READINGS - number), at_s, index=index, target=asked)
            yield stream, doc | spectrum(doc["pressure_gpa"])
        stream, doc = recorded.primary(asked, 900.0 * index + 800.0, index=index, asked=asked)
        yield stream, doc | spectrum(asked)
        yield recorded.readout(index, 900.0 * index + 850.0)


def reduced(index):
    pattern = 100.0 + 400.0 * np.exp(-(((ANGLES_DEG - 9.36 - 2e-4 * index) / 0.05) ** 2))
    full = {"intensity": pattern, "intensity_sigma": np.sqrt(pattern), "two_theta_deg": ANGLES_DEG}
    asked = 2.0 + 1.5 * math.sin(0.02 * math.pi * index)
    placed = {"pressure_gpa": asked, "graininess": np.full(BINS, math.nan), "a": 3.55 - 0.05 * asked}
    edge = {"alloy_a_angstrom": placed.pop("a")}
    return data(index) | full | placed | edge


def write(folder, documents):
    with Journal(folder) as journal:
        for name, doc in documents:
            journal(name, doc)


def write_long_run(data_folder, points, *, began=2e9, title="a thousand points"):
    """Record a whole run and its reduction; journals are not synchronised one document at a time."""
    path = [recorded.PATH[0] | {"count": points}]
    uid = "a1b2c3d4-long"
    write(
        data_folder.raw_journals,
        recorded.documents(raw_events(points), began=began, uid=uid, points=points, path=path, title=title),
    )
    written = reduction(map(reduced, range(points)), uid="d-long", raw_uid=uid, began=began + 1.0, recipe=RECIPE)
    write(data_folder.derived_journals, written)
    return uid


def write_short_runs(data_folder, count):
    """Record short runs, each on a day of its own, before the long one."""
    for number in range(count):
        uid = f"{number:08d}-short"
        write(
            data_folder.raw_journals, recorded.documents(began=1e9 + 86400.0 * number, uid=uid, title=f"run {number}")
        )
