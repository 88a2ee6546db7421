"""How the last sweep has left the cell, by its record and by the gas that is still in the membrane."""

from __future__ import annotations

import logging
import math
from pathlib import Path
from typing import Any, Final

from lics_beamline import schema
from lics_beamline.control.cell_estimate import PressureReading
from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import LicsError
from lics_beamline.journal.codec import decode
from lics_beamline.journal.head import head
from lics_beamline.journal.writer import SUFFIX

SAME_LOAD_BAR: Final = 1.0  # a load that differs by more, or is no more than that, is not the one of the record
LAST_READINGS_BYTES: Final = 8 << 20  # of a journal: a hundred of the largest events of ours

logger = logging.getLogger(__name__)


def as_left(data: DataFolder, *, sample: str, load_bar: float) -> PressureReading | None:
    """Return how the last run of a data folder has left the cell; None where this is no more known.

    It is known where that run was of the same sample, and the membrane has the load still that it ended with: a cell
    that was opened since has none.

    Parameters
    ----------
    data : DataFolder
        Where runs are recorded.
    sample : str
        Name of the sample that is in the cell.
    load_bar : float
        Of the membrane, as it is now [bar].
    """
    if load_bar <= SAME_LOAD_BAR or not data.raw_journals.is_dir():
        return None
    # By the time of its file: to read how each of ten thousand began would keep an engine from saying that it lives.
    newest = max(data.raw_journals.glob(f"*{SUFFIX}"), key=lambda path: path.stat().st_mtime_ns, default=None)
    try:
        last = head(newest) if newest is not None else None
    except (LicsError, OSError) as error:
        logger.warning("how the last run has left the cell is not known: %s", error)
        return None
    if last is None:
        return None
    about = last.start.get("sample", {})
    if not isinstance(about, dict) or about.get("name") != sample:
        return None
    reading = _last_reading(last.path)
    return reading if reading is not None and abs(reading.load_bar - load_bar) <= SAME_LOAD_BAR else None


def _last_reading(path: Path) -> PressureReading | None:
    """Return the last believed pressure of a journal; None where its end has none."""
    with path.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(file.tell() - LAST_READINGS_BYTES, 0))
        lines = file.read().splitlines(keepends=True)
    for line in reversed(lines):
        try:
            name, doc = decode(line)
        except ValueError:  # torn, or begun before what was read
            continue
        reading = _reading(doc.get("data", {})) if name == "event" else None
        if reading is not None:
            return reading
    return None


def _reading(data: Any) -> PressureReading | None:
    names = (schema.EXPERIMENT_TIME.name, schema.LOAD, "pressure_gpa", "pressure_sigma_gpa", "ruby_temperature_k")
    if not isinstance(data, dict) or not all(isinstance(data.get(name), (int, float)) for name in names):
        return None
    time_s, load_bar, pressure_gpa, sigma_gpa, temperature_k = (float(data[name]) for name in names)
    if not all(map(math.isfinite, (load_bar, pressure_gpa, temperature_k))):
        return None
    return PressureReading(
        time_s=time_s,
        load_bar=load_bar,
        pressure_gpa=pressure_gpa,
        sigma_gpa=sigma_gpa,
        temperature_k=temperature_k,
    )
