"""What editors and mypy know of the public interface; ``__init__.py`` loads it lazily."""

from lics_beamline.analysis.overview import Overview
from lics_beamline.analysis.report import write_report as write_report
from lics_beamline.calibration.calibrant import find_calibrant as find_calibrant
from lics_beamline.calibration.calibration import calibrate as calibrate_frame
from lics_beamline.data_folder import DataFolder as DataFolder
from lics_beamline.errors import LicsError as LicsError
from lics_beamline.experiment import read_experiment as read_experiment
from lics_beamline.exports.comparison import compare as compare_runs
from lics_beamline.exports.figure import draw_summary as draw_summary
from lics_beamline.exports.package import pack as export_run
from lics_beamline.exports.recorded_run import RecordedRun as RecordedRun
from lics_beamline.exports.recorded_run import read_run as read_run
from lics_beamline.geometry.geometry import read_geometry as read_geometry
from lics_beamline.physics.ruby import RubyRuler as RubyRuler
from lics_beamline.physics.ruby_spectrum import fit_doublet as fit_ruby
from lics_beamline.profile import read_profile as read_profile
from lics_beamline.reduction.image import reduce_image as reduce_image
from lics_beamline.reduction.recipe import read_recipe as read_recipe
from lics_beamline.refinement.isotherm import CellReading as CellReading
from lics_beamline.refinement.isotherm import fit_isotherm as fit_isotherm
from lics_beamline.replay import replay as replay_run
from lics_beamline.session.session import open_session as open_session
from lics_beamline.session.session import run_plan as run_plan
from lics_beamline.session.simulation import simulated_beamline as simulated_beamline

__version__: str

analyse_run = Overview.of

__all__ = [
    "CellReading",
    "DataFolder",
    "LicsError",
    "RecordedRun",
    "RubyRuler",
    "analyse_run",
    "calibrate_frame",
    "compare_runs",
    "draw_summary",
    "export_run",
    "find_calibrant",
    "fit_isotherm",
    "fit_ruby",
    "open_session",
    "read_experiment",
    "read_geometry",
    "read_profile",
    "read_recipe",
    "read_run",
    "reduce_image",
    "replay_run",
    "run_plan",
    "simulated_beamline",
    "write_report",
]
