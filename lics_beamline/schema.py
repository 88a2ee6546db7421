"""Names that travel in documents: streams, fields with their units, and what a start document carries.

Devices name their own fields by ``<device>_<attribute>`` with the unit in the attribute (``membrane_load_bar``). The
fields listed here are those that several rooms must agree on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

# Streams of a raw run.
BASELINE: Final = "baseline"  # the devices at the beginning and at the end of the sweep
REFERENCE: Final = "reference"  # neon and ambient ruby at the beginning of a leg: what its pressures rest on
APPROACH: Final = "approach"  # each ruby reading on the way to a pressure
HEATING: Final = "heating"  # each ruby reading on a heating leg, with what was predicted
PRIMARY: Final = "primary"  # a measured point, without its image
READOUT: Final = "readout"  # a plate that has been read, joined to its point by exposure_uid
LOOK: Final = "look"  # a short exposure by which those of the points were chosen
FAILURE: Final = "failure"  # a plate or point that never came, and why
DECISIONS: Final = "decisions"  # what the plan did because of a live result
HOLDS: Final = "holds"  # the sweep held, continued or stopped on somebody's word
RESUMED: Final = "resumed"  # what a sweep that was cut off found when it went on, and what it will do
# The one stream of a derived run.
REDUCED: Final = "primary"

# `purpose` in the start document.
SWEEP: Final = "sweep"  # a path walked: a raw run
REDUCTION: Final = "reduction"  # a raw run reduced by one recipe: a derived run
PLATE_CALIBRATION: Final = "plate calibration"  # images that waited and blank reads, to measure the plates themselves
CALIBRATION: Final = "calibration"  # a calibrant instead of a sample, to find the geometry

# Asset specification of one folder of R-AXIS plate files, and the MIME type under which the catalog serves it.
PLATE_SPEC: Final = "RAXIS_OSC_SEQ"
PLATE_MIMETYPE: Final = "multipart/related;type=application/x-rigaku-raxis"
PLATE_TEMPLATE: Final = "{:06d}.osc"
# The same for files of frames that other programs recorded, of any format and name: one resource a file.
FOREIGN_SPEC: Final = "LICS_FRAME_FILE"
FOREIGN_MIMETYPE: Final = "multipart/related;type=application/x-lics-frames"

IMPORTED: Final = "imported"  # in the start document of frames recorded elsewhere: table, digest, who said P and T
PATTERNS: Final = (
    "patterns"  # in what a start document says of an import: its files hold patterns, and how they are read
)
IMPORTED_LEG: Final = "imported"  # the leg of all its points: nobody knows the path


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of an event: what a data key says about it.

    Parameters
    ----------
    name : str
        Key in ``event["data"]``, with the unit in the name where there is one.
    dtype : str
        JSON type of event-model.
    units : str
        Unit, empty where there is none.
    shape : tuple of int
        Empty for a scalar.
    about : str
        One sentence for people.
    hinted : bool
        Whether whoever knows nothing of the stream, a best-effort table or plot, shows it.
    """

    name: str
    dtype: Literal["number", "integer", "string", "boolean", "array"]
    units: str = ""
    shape: tuple[int, ...] = ()
    about: str = ""
    hinted: bool = False

    def data_key(self, *, source: str) -> dict[str, Any]:
        """Return the event-model data key of this field."""
        key: dict[str, Any] = {"source": source, "dtype": self.dtype, "shape": list(self.shape)}
        if self.units:
            key["units"] = self.units
        return key


def hints(fields: Iterable[Field]) -> dict[str, list[str]]:
    """Return what a descriptor hints of an object that has these fields."""
    return {"fields": [field.name for field in fields if field.hinted]}


def dimensions(kinds: Iterable[str], *, temperature: str) -> dict[str, Any]:
    """Return what a start document hints: what the points of a path are best plotted against.

    Parameters
    ----------
    kinds : iterable of str
        Kinds of the legs of the path; of none where frames were recorded elsewhere.
    temperature : str
        Field of the temperature.
    """
    walked = set(kinds)
    axis = "pressure_gpa"
    if walked and not walked & {"pressure", "hunt"}:
        axis = temperature if "heating" in walked else EXPERIMENT_TIME.name
    return {"dimensions": [[[axis], PRIMARY]]}


def _number(name: str, units: str, about: str, *, hinted: bool = False) -> Field:
    return Field(name=name, dtype="number", units=units, about=about, hinted=hinted)


def _text(name: str, about: str) -> Field:
    return Field(name=name, dtype="string", about=about)


def _integer(name: str, about: str) -> Field:
    return Field(name=name, dtype="integer", about=about)


# Fields of REFERENCE that the reduction reads.
RUBY_PIXELS: Final = 2048  # of the spectrometer's detector
REFERENCE_AXIS: Final = "reference_axis_nm"
NEON_SPECTRUM: Final = "neon_spectrum"
AMBIENT_RUBY_SPECTRUM: Final = "ambient_ruby_spectrum"

EXPERIMENT_TIME: Final = _number("experiment_time_s", "s", "Time of the experiment: the world's own clock.")
EXPOSURE_UID: Final = _text("exposure_uid", "Joins a point, its plate and its reduced pattern.")
POINT_INDEX: Final = _integer("point_index", "Index of the point in the path, from 0.")
LEG: Final = _text("leg", "Name of the leg of the path.")
STROKE: Final = _text("stroke", "upstroke, downstroke, heating or held.")

ALARMS: Final = _text(
    "alarms", "PVs in alarm as the event was saved, with severity: `PC1:Effort_RBV MINOR`; else empty."
)
EXPOSURE_S: Final = _number("exposure_s", "s", "Time the plate saw X-rays.")
DOSE_COUNTS: Final = _number("dose_counts", "counts", "Counts of the incident-beam monitor during the exposure.")

RUBY_READING: Final = (
    _number("pressure_gpa", "GPa", "Pressure from ruby at the temperature of the ruby.", hinted=True),
    _number("pressure_sigma_gpa", "GPa", "Its statistical standard deviation."),
    _number("pressure_systematic_gpa", "GPa", "Its systematic standard deviation, as budgeted."),
    _number("ruby_r1_nm", "nm", "Fitted R1 wavelength in air.", hinted=True),
    _number("ruby_r1_sigma_nm", "nm", "Standard deviation of R1 from the fit."),
    _number("ruby_temperature_k", "K", "Temperature of the ruby used for the correction."),
)
# The rest of the fit, where the spectrum is recorded beside it: `RubyLine`, by the names of its numbers.
RUBY_FIT: Final = (
    _number("ruby_r2_nm", "nm", "Fitted R2 wavelength in air."),
    _number("ruby_r2_sigma_nm", "nm", "Its standard deviation from the fit."),
    _number("ruby_fwhm_nm", "nm", "Full width of R1 at half its height."),
    _number("ruby_r2_fwhm_nm", "nm", "The same of R2."),
    _number("ruby_ratio", "", "Height of R2 over that of R1."),
    _number("ruby_mixing", "", "Lorentz fraction of both lines."),
    _number("ruby_asymmetry_per_nm", "1/nm", "Common asymmetry of the lines; 0 where they are symmetric."),
    _number("ruby_height_counts", "counts", "Height of R1 over the background."),
    Field(
        name="ruby_background_terms_counts",
        dtype="array",
        units="counts",
        shape=(5,),
        about="Terms of the powers 0 to 4 of a place that goes from -1 to 1 over what was fitted.",
    ),
    _number("ruby_fitted_from_nm", "nm", "First wavelength that was fitted, in air."),
    _number("ruby_fitted_to_nm", "nm", "Last wavelength that was fitted, in air."),
    _number("ruby_pixel_nm", "nm", "Pixels that the lines were averaged over; 0 where they are small beside them."),
    _number("ruby_reduced_chi2", "", "Of the fit."),
    Field(name="ruby_resolved", dtype="boolean", about="Whether the spectrum tells the two lines apart."),
    _number("ruby_missed_share", "", "Share of the height of R1 by which the fit misses the spectrum beyond noise."),
)

REFERENCE_FIELDS: Final = (
    EXPERIMENT_TIME,
    POINT_INDEX,
    LEG,
    Field(name=REFERENCE_AXIS, dtype="array", units="nm", shape=(RUBY_PIXELS,), about="Axis as calibrated, in air."),
    Field(name=NEON_SPECTRUM, dtype="array", shape=(RUBY_PIXELS,), about="Counts of the neon lamp."),
    Field(name=AMBIENT_RUBY_SPECTRUM, dtype="array", shape=(RUBY_PIXELS,), about="Counts of the ruby outside."),
    _text("axis_checked_by", "neon or ambient: what was believed; ambient also where the lamp went dark."),
    _number("axis_offset_nm", "nm", "Axis minus truth at 694.25 nm by the neon lines; NaN where they are not used."),
    _number("axis_drift_nm", "nm", "How far the axis has moved since the first reading of the run."),
    _number("axis_drift_sigma_nm", "nm", "Its standard deviation."),
    _number("reference_r1_nm", "nm", "Unshifted line in air that the pressures of this leg rest on.", hinted=True),
    _number("reference_r1_sigma_nm", "nm", "Its standard deviation."),
    _number("reference_temperature_k", "K", "Temperature of that line."),
    _number("thermocouples_apart_k", "K", "Gasket minus ambient at rest, taken away; NaN where not compared."),
)

APPROACH_FIELDS: Final = (
    EXPERIMENT_TIME,
    POINT_INDEX,
    LEG,
    STROKE,
    _number("target_pressure_gpa", "GPa", "Pressure approached."),
    *RUBY_READING,
    *RUBY_FIT,
    _number("gain_gpa_per_bar", "GPa/bar", "Gain believed when the next step was chosen."),
    _number("gain_error", "", "Its relative standard deviation; 1 before anything was learned."),
    _number("ending_pressure_gpa", "GPa", "Where the pressure is believed to end at this load; NaN when unknown."),
    _number("next_load_bar", "bar", "Load commanded after this reading."),
    _text("phase_of_approach", "approach, settle, hold, pause or abort."),
    ALARMS,
)

HEATING_FIELDS: Final = (
    EXPERIMENT_TIME,
    POINT_INDEX,
    LEG,
    STROKE,
    _text("hold", "load or pressure: what is held while the cell is heated."),
    _number("target_temperature_k", "K", "Temperature of the sample that the ramp goes to."),
    _number("target_pressure_gpa", "GPa", "Pressure held on an isobar; NaN where the load is held."),
    *RUBY_READING,
    *RUBY_FIT,
    _number("predicted_pressure_gpa", "GPa", "Pressure expected of this reading by those before it; NaN at first."),
    _number("predicted_sigma_gpa", "GPa", "Its standard deviation, the noise of a reading included."),
    _number("final_pressure_gpa", "GPa", "Pressure predicted for the end of the leg at the load of now."),
    _number("final_sigma_gpa", "GPa", "Its standard deviation."),
    _number("slope_gpa_per_k", "GPa/K", "Rise of the pressure with temperature at a held load, as believed now."),
    _number("slope_sigma_gpa_per_k", "GPa/K", "Its standard deviation."),
    _number("gain_gpa_per_bar", "GPa/bar", "Gain believed now; NaN where none is needed."),
    _number("next_load_bar", "bar", "Load commanded after this reading."),
    _text("phase_of_heating", "ready, cross, ramp, held, soak, done or abort."),
    _text("decided", "What was decided after this reading, and why, for people."),
    ALARMS,
)

PRIMARY_FIELDS: Final = (
    EXPERIMENT_TIME,
    POINT_INDEX,
    LEG,
    STROKE,
    EXPOSURE_UID,
    _number("requested_pressure_gpa", "GPa", "Pressure asked for; NaN where the leg holds the load instead."),
    _number("requested_temperature_k", "K", "Temperature asked for."),
    *RUBY_READING,
    *RUBY_FIT,
    EXPOSURE_S,
    DOSE_COUNTS,
    _number("arrived_s", "s", "Since when the cell had been at its pressure [s of experiment]: the middle of the way."),
    _text("exposed_path", "Plate file that its image becomes, relative to the data folder."),
    _integer("exposed_plate", "Plate that was exposed, 1 or 2."),
    ALARMS,
)

CALIBRANT_FIELDS: Final = (
    EXPERIMENT_TIME,
    POINT_INDEX,
    EXPOSURE_UID,
    _text("calibrant", "Powder in the beam."),
    EXPOSURE_S,
    DOSE_COUNTS,
)

PLATE_READ_FIELDS: Final = (
    EXPERIMENT_TIME,
    POINT_INDEX,
    EXPOSURE_UID,
    _text("role", "strong, blank or delayed: what this read is for."),
    _number("open_s", "s", "Time the plate saw X-rays; 0 for a blank read."),
    _number("open_sigma_s", "s", "Standard deviation of that."),
    _number("kept_s", "s", "Time between closing the shutter and the end of the exposure."),
    _number("monitor_cps", "counts/s", "Mean reading of the incident-beam monitor meanwhile."),
)

IMPORTED_FIELDS: Final = (  # of PRIMARY where frames were recorded elsewhere and P and T are as somebody gave them
    POINT_INDEX,
    LEG,
    STROKE,
    EXPOSURE_UID,
    EXPOSURE_S,
    _number("pressure_gpa", "GPa", "Pressure as given; NaN where none was.", hinted=True),
    _number("pressure_sigma_gpa", "GPa", "Its standard deviation as given; NaN where none was."),
    _number("temperature_k", "K", "Temperature of the sample as given; NaN where none was.", hinted=True),
    _number("temperature_sigma_k", "K", "Its standard deviation as given; NaN where none was."),
    _text("comment", "What the table says beside it."),
    _text("table_file", "File of the frame as the table names it."),
    _integer("table_line", "Line of the table, from 1."),
)

READOUT_FIELDS: Final = (
    EXPERIMENT_TIME,
    EXPOSURE_UID,
    POINT_INDEX,
    EXPOSURE_S,
    _text("previous_exposure_uid", "Exposure that this plate held before; empty where this run knows of none."),
)

LOOK_FIELDS: Final = (
    EXPERIMENT_TIME,
    EXPOSURE_UID,
    POINT_INDEX,
    EXPOSURE_S,
    DOSE_COUNTS,
    _text("look_path", "Plate file of the look, relative to the data folder."),
    _number("ring_two_theta_deg", "deg", "Where the strongest ring of the look is; NaN where none stands out."),
    _number("ring_counts", "counts", "Mean counts a pixel at its top, above the background."),
    _number("background_counts", "counts", "Mean counts a pixel under it."),
    _number("asked_counts", "counts", "What was asked for at the top of the strongest ring."),
    _number("chosen_dose_counts", "counts", "Monitor counts of the exposures to come."),
    _number("chosen_exposure_s", "s", "Time that gives them at the present ring current."),
    _text("limit", "What kept the dose from giving what was asked; empty where nothing did."),
)

FAILURE_FIELDS: Final = (
    EXPERIMENT_TIME,
    EXPOSURE_UID,
    POINT_INDEX,
    _text("reason", "What happened, for people."),
    _integer("plate", "Plate concerned, 1 or 2; 0 where none is."),
)

DECISIONS_FIELDS: Final = (
    EXPERIMENT_TIME,
    EXPOSURE_UID,
    POINT_INDEX,
    LEG,
    _text("derived_uid", "Derived run whose reduced point was acted on."),
    _text("asked", "What the leg looks for: alloy > 0.95, onset of alloy."),
    _text(
        "quantity", "fraction, new phases, or scale: the amount for its dose, on a hunt; else relative to the largest."
    ),
    _number("value", "", "What the point showed; NaN where it showed nothing."),
    _number("value_sigma", "", "Its standard deviation."),
    _number("seen_pressure_gpa", "GPa", "Pressure of the reduced point."),
    _number("seen_pressure_sigma_gpa", "GPa", "Its statistical standard deviation."),
    _number("threshold_gpa", "GPa", "Median threshold of the grains as known now; NaN where none is hunted."),
    _number("threshold_sigma_gpa", "GPa", "Its statistical standard deviation."),
    _number("threshold_systematic_gpa", "GPa", "Systematic standard deviation of the pressures it rests on."),
    _number("reaction_s", "s", "Time constant of the reaction as known now; NaN where none is hunted."),
    _text("choice", "What was decided, and why, for people."),
)

HOLDS_FIELDS: Final = (
    EXPERIMENT_TIME,
    _text("hold_did", "held, continued, stopped or noted."),
    _text("hold_who", "Who asked for it, or wrote it down; `engine` where no person did."),
    _text("hold_asked_at", "When it was asked, ISO 8601; empty where nobody asked."),
    _text("hold_why", "What was said with it, or written down; empty when nothing was."),
    _number("hold_lasted_s", "s", "Time of the experiment since it was held; 0 when it was not."),
    _number("hold_pressure_gpa", "GPa", "Pressure read last; NaN before any."),
    _number("hold_load_bar", "bar", "Membrane gas pressure then; NaN where it had no value."),
    _number("hold_gasket_k", "K", "Temperature of the gasket then; NaN where it had no value."),
)

RESUMED_FIELDS: Final = (
    EXPERIMENT_TIME,
    POINT_INDEX,
    LEG,
    *RUBY_READING,
    *RUBY_FIT,
    _number("points_whole", "", "Points measured whole before."),
    _text("plates_unread", "Exposures whose plates were not read yet, comma separated; empty where there are none."),
    _number("cut_off_s", "s", "Time of the experiment since the last event before; NaN where its clock began anew."),
    _text("does", "What is done now, and why, for people."),
)

# Fields of the frame (the readable that announces a plate file) in READOUT.
FRAME_IMAGE: Final = "frame_image"  # external asset, (ny, nx) int32 counts
FRAME_PATH: Final = "frame_path"  # relative to the data folder, posix
FRAME_SHA256: Final = "frame_sha256"
FRAME_WAITED_S: Final = "frame_waited_s"  # s of experiment from end of exposure to scan: it faded so long
FRAME_PLATE: Final = "frame_plate"  # 1 or 2
FRAME_NUMBER: Final = "frame_number"  # of a file with several frames, from 1; 0 for the sum of all; absent: the first
FRAME_DATASET: Final = "frame_dataset"  # data set inside an HDF5 file; empty for the only stack of images

# Device fields in PRIMARY that the reduction reads.
LOAD: Final = "membrane_load_bar"
GASKET_TEMPERATURE: Final = "thermocouples_gasket_k"
AMBIENT_TEMPERATURE: Final = "thermocouples_ambient_k"
CELL_TEMPERATURE: Final = "thermocouples_cell_k"
HEATER_OUTPUT: Final = "heater_output_percent"
RUBY_SPECTRUM: Final = "ruby_spectrum"  # (2048,) counts
RUBY_WAVELENGTH: Final = "ruby_wavelength_nm"  # (2048,) nm in air
RUBY_OUTSIDE: Final = "ruby_ambient_ruby"  # "On": the spectrometer looks at the ruby outside the cell
RUBY_LAMP: Final = "ruby_lamp"  # "On": neon lines are in the spectrum
I0: Final = "beam_i0_cps"  # counts/s of the incident-beam monitor


def phase_fields(phase: str, cell: Iterable[str], *, of_sample: bool) -> tuple[Field, ...]:
    """Return the fields of one phase of a reduced point: NaN where it was not found.

    Parameters
    ----------
    phase : str
        Beginning of the field names: ``alloy``, ``cs_bcc``.
    cell : iterable of str
        The free numbers of its cell: ``a``, ``c``, ``beta``.
    of_sample : bool
        Whether it has a fraction, and is shown to whoever knows nothing of it.
    """
    found = []
    for name in cell:
        edge = name in ("a", "b", "c")
        unit, key = ("angstrom", f"{name}_angstrom") if edge else ("deg", f"{name}_deg")
        error = f"{name}_sigma_{unit}"
        found.append(
            _number(f"{phase}_{key}", unit, f"{'Edge' if edge else 'Angle'} {name} of the cell.", hinted=of_sample)
        )
        found.append(_number(f"{phase}_{error}", unit, "Its standard deviation from the lines of the phase."))
    found.append(_number(f"{phase}_scale", "", "Area of its lines over m |F|^2 and the Lorentz factor."))
    found.append(_number(f"{phase}_scale_sigma", "", "Its standard deviation."))
    if of_sample:
        share = "Part of the mass of the sample's crystalline phases found."
        found.append(_number(f"{phase}_fraction", "", share, hinted=True))
        found.append(_number(f"{phase}_fraction_sigma", "", "Its standard deviation."))
    return tuple(found)


def reduced_fields(bins: int) -> tuple[Field, ...]:
    """Return the fields of one reduced point, but for those of its phases (`phase_fields`).

    Parameters
    ----------
    bins : int
        Number of bins of the pattern.
    """
    return (
        EXPOSURE_UID,
        POINT_INDEX,
        LEG,
        STROKE,
        EXPERIMENT_TIME,
        _number("requested_pressure_gpa", "GPa", "Pressure asked for."),
        _number("requested_temperature_k", "K", "Temperature asked for."),
        _number("load_bar", "bar", "Membrane gas pressure."),
        _number("temperature_k", "K", "Temperature of the sample, from gasket and ambient thermocouples.", hinted=True),
        *RUBY_READING,
        Field(name="two_theta_deg", dtype="array", units="deg", shape=(bins,), about="Bin centres."),
        Field(name="intensity", dtype="array", units="counts", shape=(bins,), about="Mean corrected counts a pixel."),
        Field(
            name="intensity_sigma", dtype="array", units="counts", shape=(bins,), about="Standard error of the mean."
        ),
        Field(
            name="graininess",
            dtype="array",
            shape=(bins,),
            about="Azimuthal scatter of the ring of each bin beyond counting, relative; NaN between rings.",
        ),
        _number("rejected_fraction", "", "Fraction of unmasked pixels rejected as spots."),
        _number("fading_remaining", "", "Fraction of the image left when read, divided out; 1 where not corrected."),
        _number("fading_sigma", "", "Its relative standard deviation, common to the whole pattern."),
        _number("ghost_fraction", "", "Counts of the image before in this frame, taken off; NaN where not known."),
        _text("phases", "Phases found, comma separated; empty when none."),
        _integer("unknown_peaks", "Strong peaks that no phase of the recipe explains."),
        _text("unknown_d_angstrom", "Their spacings, by rising angle, blank separated."),
        _text(
            "lines",
            "Lines of the pattern, one a row: 2theta, its error, height, its error, full width, Lorentz fraction, "
            "background, part rejected as spots, graininess, phase (? where nothing explains it), indices; - for none.",
        ),
        _text("unknown_phases", "Phases there that no phase of the recipe explains, comma separated."),
        _number(
            "unknown_fraction", "", "Part of the area of the sample's lines that they make; 0 where there are none."
        ),
        _number("unknown_fraction_sigma", "", "Its standard deviation."),
        _text("new_phases", "Those of them that no earlier point told, comma separated."),
        _text("changes", "Lines that came, went, split or merged since the point before, for people."),
        Field(name="reduced", dtype="boolean", about="False where the frame could not be reduced."),
        _text("note", "Why not, or what to look at; empty when all is well."),
    )
