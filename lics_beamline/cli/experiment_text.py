"""An experiment as the text of its file, with units beside the values for who changes it by hand."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from lics_beamline.experiment import Experiment

REMARK_COLUMN: Final = 38  # characters before the remarks
UNITS: Final = {
    "culet_um": "diameter of the culets [um]",
    "time_s": "exposure of each point [s]",
    "oscillation_deg": "turn of the cell during it [deg]",
    "temperatures_k": "gasket [K], rising",
    "pressures_gpa": "ruby [GPa], one way only",
    "pressure_gpa": "held by letting gas out [GPa]",
    "ramp_rate_k_per_min": "[K/min]",
    "soak_s": "wait before each point [s]",
    "wait_s": "between two points [s]",
    "wavelength_nm": "R1 of the chip in this cell, before loading, in air [nm]",
    "sigma_nm": "standard deviation of that [nm]",
}


def experiment_text(experiment: Experiment) -> str:
    """Return the file of an experiment, which reads back as the same.

    Parameters
    ----------
    experiment : Experiment
        What is asked for.
    """
    values = experiment.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    legs = values.pop("legs")
    lines = [f"{key} = {_toml(value)}" for key, value in values.items() if not isinstance(value, dict)]
    for name, table in values.items():
        if isinstance(table, dict):
            lines += ["", f"[{name}]", *_entries(table)]
    for leg, model in zip(legs, experiment.legs, strict=True):
        lines += ["", "[[legs]]", *_entries({"kind": model.kind} | leg)]
    text = "\n".join(lines) + "\n"
    tomllib.loads(text)
    return text


def _entries(table: dict[str, Any]) -> Iterator[str]:
    for key, value in table.items():
        said = f"{key} = {_toml(value)}"
        yield f"{said:<{REMARK_COLUMN}}  # {UNITS[key]}" if key in UNITS else said


def _toml(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(_toml(each) for each in value)}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key} = {_toml(each)}' for key, each in value.items())}}}"
    return json.dumps(value)
