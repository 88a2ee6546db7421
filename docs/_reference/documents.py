"""Documents: the streams of a raw run and of a reduced one, with every field that rooms have agreed on."""

from __future__ import annotations

import inspect
import re
from typing import Any, Final

from _reference.markdown import code, plain, table

STREAM: Final = re.compile(r'^([A-Z_]+): Final = "([a-z ]+)"(?:\s+# (.*))?$', re.MULTILINE)
OF_A_REDUCED_RUN: Final = "reduced"
PURPOSES: Final = ("SWEEP", "REDUCTION", "PLATE_CALIBRATION", "CALIBRATION")
INTRODUCTION: Final = """# Documents and their fields

A sweep is one bluesky run. Its documents follow
[event-model](https://blueskyproject.io/event-model/). Names that several rooms agree on stand in
`lics_beamline/schema.py`, from which this page is made; the fields of the devices themselves are on the page of
[PVs](pvs.md), and the start document is [described by hand](../start.md).

Every number has its unit in its name and in the data key. A value that could not be had is NaN, never 0.
"""


def page() -> str:
    """Return the page."""
    from lics_beamline import schema

    said = {name: (value, comment) for name, value, comment in STREAM.findall(inspect.getsource(schema))}
    parts = [INTRODUCTION, "## Purposes\n", "`purpose` in the start document says what a run is.\n"]
    parts.append(table(("purpose", "meaning"), [(code(said[name][0]), plain(said[name][1])) for name in PURPOSES]))
    parts.append("## Streams of a raw run\n")
    streams = {name: both for name, both in said.items() if name not in (*PURPOSES, "REDUCED")}
    parts.append(table(("stream", "meaning"), [(code(value), plain(comment)) for value, comment in streams.values()]))
    for name, (value, _) in streams.items():
        fields = getattr(schema, f"{name}_FIELDS", ())
        if fields:
            parts += [f"### {value}\n", _fields(fields)]
    others = [name for name in vars(schema) if name.endswith("_FIELDS") and name.removesuffix("_FIELDS") not in streams]
    for name in others:
        parts += [f"### {name.removesuffix('_FIELDS').replace('_', ' ').lower()}\n", _fields(getattr(schema, name))]
    parts += [
        "## The stream of a reduced run\n",
        "One event a point. `bins` is the number of bins that the recipe asks for.\n",
        _fields(schema.reduced_fields(0)),
        "### of each phase\n",
        "Begins with the name of the phase, blanks and hyphens as underscores: `alloy_a_angstrom`, "
        "`cs_bcc_fraction`. Only the free numbers of the cell are there; only phases of the sample have a fraction.\n",
        _fields(schema.phase_fields("PHASE", ("a", "beta"), of_sample=True)),
    ]
    return "\n".join(parts)


def _fields(fields: tuple[Any, ...]) -> str:
    rows = [(code(each.name), _type(each), each.units, plain(each.about)) for each in fields]
    return table(("field", "type", "unit", "meaning"), rows)


def _type(field: Any) -> str:
    if not field.shape:
        return str(field.dtype)
    return f"array of {' x '.join(str(length) if length else 'bins' for length in field.shape)}"
