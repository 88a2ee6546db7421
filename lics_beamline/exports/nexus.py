"""A whole run as one NeXus file: all patterns together, each also by itself, and what was read beside them.

``/entry`` follows NXazint1d (patterns over the points), ``/entry/point_NNN`` NXmonopd; ``/entry/ruby`` and
``/entry/sample`` have the recorded spectra, pressures and temperatures, ``/entry/reduction`` the recipe whole.

References
----------
NeXus definitions v2025.11, NXazint1d and NXmonopd, https://manual.nexusformat.org. NXmonopd counts in integers; mean
counts a pixel are not, and stay what they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from lics_beamline.exports.provenance import orientation, point_name, run_geometry, title
from lics_beamline.exports.raw_point import RawPoint
from lics_beamline.exports.reduced_run import ReducedPoint, ReducedRun
from lics_beamline.files.given_file import one_line
from lics_beamline.units import HC_KEV_ANGSTROM

if TYPE_CHECKING:
    from h5py import Group

NAME: Final = "run.nxs"


def write_nexus(run: ReducedRun, raw: Mapping[str, RawPoint], folder: Path) -> tuple[Path, ...]:
    """Write the reduced points of a run as one NeXus file.

    Parameters
    ----------
    run : ReducedRun
        What to write; points that failed are left out, as there is no pattern.
    raw : mapping of str to RawPoint
        What was recorded beside the patterns; may be empty.
    folder : Path
        Folder to write to; made if absent.

    Returns
    -------
    tuple of Path
        The one file.
    """
    import h5py

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME
    points = [point for point in run.points if point.reduced]
    with h5py.File(path, "w") as file:
        file.attrs["default"] = "entry"
        entry = _group(file, "entry", "NXentry")
        entry.attrs["default"] = "data"
        entry["definition"] = "NXazint1d"
        entry["title"] = str(run.start.get("title") or run.sample)
        entry["start_time"] = _time(run)
        entry["solid_angle_applied"] = True
        entry["polarization_applied"] = True
        entry["normalization_applied"] = False
        entry["monitor_applied"] = False
        _instrument(entry, run)
        _reduction(entry, run)
        if points:
            _patterns(entry, points)
            _sample(entry, run, points)
            _ruby(entry, points, raw)
        for point in points:
            _diffractogram(entry, run, point, raw.get(point.exposure_uid))
    return (path,)


def _group(parent: Group, name: str, nexus_class: str) -> Group:
    group = parent.create_group(name)
    group.attrs["NX_class"] = nexus_class
    return group


def _put(group: Group, name: str, values: Any, units: str, says: str = "") -> None:
    dataset = group.create_dataset(name, data=values)
    if units:
        dataset.attrs["units"] = units
    if says:
        dataset.attrs["long_name"] = says


def _time(run: ReducedRun) -> str:
    return datetime.fromtimestamp(run.start.get("time", 0.0), tz=UTC).isoformat()


def _instrument(entry: Group, run: ReducedRun) -> None:
    instrument = _group(entry, "instrument", "NXinstrument")
    profile = run.start.get("profile")
    beamline = one_line(str(profile.get("name", ""))) if isinstance(profile, dict) else ""
    instrument["name"] = beamline
    source = _group(instrument, "source", "NXsource")
    source["type"] = "Synchrotron X-ray Source"
    source["name"] = beamline
    source["probe"] = "x-ray"
    monochromator = _group(instrument, "monochromator", "NXmonochromator")
    _put(monochromator, "wavelength", run.wavelength_angstrom, "angstrom")
    _put(monochromator, "energy", HC_KEV_ANGSTROM / run.wavelength_angstrom, "keV")


def _reduction(entry: Group, run: ReducedRun) -> None:
    reduction = _group(entry, "reduction", "NXprocess")
    reduction["program"] = "lics_beamline"
    reduction["version"] = json.dumps(run.start.get("versions", {}), sort_keys=True)
    reduction["date"] = _time(run)
    reduction["note"] = orientation(run)
    recipe = run.start.get("recipe", {})
    parameters = _group(reduction, "input", "NXparameters")
    geometry = run_geometry(run)
    parameters["poni"] = geometry.poni if geometry else ""
    parameters["unit"] = "2th_deg"
    _put(parameters, "wavelength", run.wavelength_angstrom, "angstrom")
    if "frames" in recipe:
        parameters["radial_bins"] = recipe["frames"]["bins"]
        parameters["polarization_factor"] = recipe["frames"]["polarisation"]
    parameters["error_model"] = "azimuthal"
    parameters["recipe"] = json.dumps(recipe, sort_keys=True)
    for key in ("raw_uid", "recipe_digest", "geometry_digest", "uid"):
        parameters[key] = str(run.start.get(key, ""))


def _patterns(entry: Group, points: list[ReducedPoint]) -> None:
    data = _group(entry, "data", "NXdata")
    data.attrs["signal"] = "I"
    data.attrs["axes"] = [".", "radial_axis"]
    data.attrs["interpretation"] = "spectrum"
    angle = points[0].two_theta_deg
    step = float(angle[1] - angle[0])
    _put(data, "radial_axis", angle, "degree", "2theta")
    _put(
        data, "radial_axis_edges", np.append(angle - step / 2.0, angle[-1] + step / 2.0), "degree", "2theta, bin edges"
    )
    _put(data, "I", np.stack([point.intensity for point in points]), "counts", "mean counts a pixel, corrected")
    _put(
        data, "I_errors", np.stack([point.intensity_sigma for point in points]), "counts", "standard error of the mean"
    )


def _sample(entry: Group, run: ReducedRun, points: list[ReducedPoint]) -> None:
    sample = _group(entry, "sample", "NXsample")
    sample["name"] = run.sample

    def of(attribute: str) -> npt.NDArray[np.float64]:
        return np.array([getattr(point, attribute) for point in points], dtype=np.float64)

    _put(sample, "pressure", of("pressure_gpa"), "GPa", _pressure_by(run))
    _put(sample, "pressure_errors", of("pressure_sigma_gpa"), "GPa", "statistical standard deviation")
    _put(
        sample,
        "pressure_systematic",
        of("pressure_systematic_gpa"),
        "GPa",
        "systematic standard deviation, as budgeted",
    )
    _put(sample, "temperature", of("temperature_k"), "K")
    _put(sample, "load", of("load_bar"), "bar", "membrane gas pressure")
    _put(sample, "point_index", np.array([point.index for point in points]), "")
    sample["stroke"] = [point.stroke for point in points]
    sample["leg"] = [point.leg for point in points]
    sample["phases"] = [",".join(phase.name for phase in point.phases) for point in points]


def _pressure_by(run: ReducedRun) -> str:
    return f"as given: {run.pressure_by}" if run.is_imported else "from ruby"


def _ruby(entry: Group, points: list[ReducedPoint], raw: Mapping[str, RawPoint]) -> None:
    known = [(number, raw[point.exposure_uid]) for number, point in enumerate(points) if point.exposure_uid in raw]
    known = [(number, taken) for number, taken in known if taken.has_ruby]
    if not known:
        return
    ruby = _group(entry, "ruby", "NXcollection")
    _put(ruby, "point", np.array([number for number, _ in known]), "", "row of /entry/data/I")
    _put(ruby, "wavelength", np.stack([taken.ruby_wavelength_nm for _, taken in known]), "nm", "in air")
    _put(ruby, "counts", np.stack([taken.ruby_counts for _, taken in known]), "counts")
    _put(ruby, "gasket_temperature", np.array([taken.gasket_k for _, taken in known]), "K")
    _put(ruby, "ambient_temperature", np.array([taken.ambient_k for _, taken in known]), "K")


def _diffractogram(entry: Group, run: ReducedRun, point: ReducedPoint, taken: RawPoint | None) -> None:
    one = _group(entry, f"point_{point.index:03d}", "NXsubentry")
    one["definition"] = "NXmonopd"
    one["title"] = title(run, point)
    one["start_time"] = _time(run)
    instrument = _group(one, "instrument", "NXinstrument")
    instrument["source"] = entry["instrument/source"]
    crystal = _group(instrument, "crystal", "NXcrystal")
    _put(crystal, "wavelength", np.array([run.wavelength_angstrom]), "angstrom")
    detector = _group(instrument, "detector", "NXdetector")
    _put(detector, "polar_angle", point.two_theta_deg, "degree")
    _put(detector, "data", point.intensity, "counts")
    _put(detector, "data_errors", point.intensity_sigma, "counts")
    sample = _group(one, "sample", "NXsample")
    sample["name"] = run.sample
    _put(sample, "rotation_angle", 0.0, "degree", "mean of the oscillation")
    _put(sample, "pressure", point.pressure_gpa, "GPa")
    _put(sample, "temperature", point.temperature_k, "K")
    monitor = _group(one, "monitor", "NXmonitor")
    monitor["mode"] = "timer"
    _put(monitor, "preset", taken.exposure_s if taken else np.nan, "s")
    _put(monitor, "integral", np.nan, "counts", "the beam monitor was not integrated")
    data = _group(one, "data", "NXdata")
    data.attrs["signal"] = "data"
    data.attrs["axes"] = ["polar_angle"]
    data["polar_angle"] = detector["polar_angle"]
    data["data"] = detector["data"]
    data["data_errors"] = detector["data_errors"]
    one.attrs["default"] = "data"
    one["name"] = point_name(point)
