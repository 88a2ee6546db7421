"""Automated high-pressure powder diffraction: sweep pressure and temperature, record, reduce live, replay.

The names of `__all__` are the public Python interface: what a notebook or a session imports. Each is loaded when it is
first asked for, so that ``import lics_beamline`` costs nothing; ``__init__.pyi`` tells editors and mypy what they are.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

__version__ = "0.1.0"

_HOMES: Final = {  # public name: module and name there; a function whose room has its name already gets its object too
    "DataFolder": "data_folder:DataFolder",
    "LicsError": "errors:LicsError",
    # files
    "read_profile": "profile:read_profile",
    "read_experiment": "experiment:read_experiment",
    "read_recipe": "reduction.recipe:read_recipe",
    "read_geometry": "geometry.geometry:read_geometry",
    # at the beamline, or at a simulated one
    "open_session": "session.session:open_session",
    "simulated_beamline": "session.simulation:simulated_beamline",
    "run_plan": "session.session:run_plan",
    # runs that were recorded
    "RecordedRun": "exports.recorded_run:RecordedRun",
    "read_run": "exports.recorded_run:read_run",
    "replay_run": "replay:replay",
    "compare_runs": "exports.comparison:compare",
    "analyse_run": "analysis.overview:Overview.of",
    "write_report": "analysis.report:write_report",
    "draw_summary": "exports.figure:draw_summary",
    "export_run": "exports.package:pack",
    # one image, one spectrum, one series of cells
    "reduce_image": "reduction.image:reduce_image",
    "calibrate_frame": "calibration.calibration:calibrate",
    "find_calibrant": "calibration.calibrant:find_calibrant",
    "fit_ruby": "physics.ruby_spectrum:fit_doublet",
    "RubyRuler": "physics.ruby:RubyRuler",
    "CellReading": "refinement.isotherm:CellReading",
    "fit_isotherm": "refinement.isotherm:fit_isotherm",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it offers {', '.join(_HOMES)}")
    module, _, path = home.partition(":")
    try:
        found: Any = import_module(f"{__name__}.{module}")
    except ModuleNotFoundError as error:
        from lics_beamline.extras import not_installed

        raise (not_installed(error) or error) from error
    for part in path.split("."):
        found = getattr(found, part)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
