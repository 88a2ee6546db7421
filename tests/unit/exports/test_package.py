"""Exports read back by programs of other people: rietx, gemmi, fabio, h5py, pyFAI."""

import hashlib
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from reduced_documents import BINS, PONI, data, documents

from lics_beamline.errors import LicsError, ReductionFailed, UnsafeName
from lics_beamline.exports.layouts import LAYOUTS
from lics_beamline.exports.package import pack
from lics_beamline.exports.raw_point import RawPoint
from lics_beamline.exports.reduced_run import reduced_run
from lics_beamline.geometry.geometry import Geometry
from lics_beamline.phases.phase import default_phases


@pytest.fixture
def run():
    return reduced_run(documents([data(0), data(1, reduced=False), data(2, stroke="heating")]))


def raw_point(uid, frame_path=""):
    return RawPoint(
        exposure_uid=uid,
        ruby_wavelength_nm=np.linspace(690.0, 700.0, 64),
        ruby_counts=np.arange(64.0),
        gasket_k=298.2,
        ambient_k=296.0,
        load_bar=24.0,
        exposure_s=120.0,
        experiment_time_s=1000.0,
        frame_path=frame_path,
    )


def packed(run, folder, layout, raw=None):
    return pack(run, folder, layout=layout, raw=raw or {}, data_root=folder)


def of_suffix(package, suffix):
    return [path for path in package.files if path.suffix == suffix]


class ImpatientPoints(tuple):
    """Points of a run whose reader is interrupted before the second."""

    def __iter__(self):
        yield self[0]
        raise KeyboardInterrupt


@pytest.mark.parametrize("layout", ["xye", "gsas", "cif"])
def test_who_is_interrupted_leaves_what_was_exported_before_and_no_half_of_the_new(run, tmp_path, layout):
    before = packed(run, tmp_path / "again", layout)
    was = {path: path.read_bytes() for path in (*before.files, before.manifest)}
    impatient = replace(run, points=ImpatientPoints(run.points))
    for folder in (tmp_path / "first", tmp_path / "again"):
        with pytest.raises(KeyboardInterrupt):
            packed(impatient, folder, layout)
    assert list((tmp_path / "first").iterdir()) == []
    assert {path: path.read_bytes() for path in (tmp_path / "again").iterdir()} == was


@pytest.mark.parametrize(
    ("layout", "suffix"), [("xye", ".xye"), ("gsas", ".fxye"), ("fullprof", ".dat"), ("cif", ".cif"), ("chi", ".chi")]
)
def test_a_refinement_program_reads_back_the_same_pattern(run, tmp_path, layout, suffix):
    readers = pytest.importorskip("rietx.io.readers", reason="rietx comes with the extra `referee`")
    first, *_ = of_suffix(packed(run, tmp_path, layout), suffix)
    read = readers.read_pattern(first)
    point = run.points[0]
    np.testing.assert_allclose(read.two_theta, point.two_theta_deg, atol=2e-5)
    np.testing.assert_allclose(read.intensity, point.intensity, rtol=2e-6)
    if layout != "chi":
        np.testing.assert_allclose(read.sigma, point.intensity_sigma, rtol=2e-6)


def test_gsas_records_are_eighty_characters_and_its_instrument_file_gives_the_width_of_the_lines(run, tmp_path):
    profiles = pytest.importorskip("rietx.io.instrument_profile", reason="rietx comes with the extra `referee`")
    package = packed(run, tmp_path, "gsas")
    for path in of_suffix(package, ".fxye"):
        assert {len(line) for line in path.read_text().splitlines()} == {80}
    instrument = profiles.read_gsas2_instprm(of_suffix(package, ".instprm")[0])
    assert instrument.source.lines[0].wavelength.value == pytest.approx(0.41373, abs=1e-6)
    # The line drawn is a Gaussian of exp(-(x/0.05)^2): FWHM 2 sqrt(ln 2) 0.05 deg = 0.0833 deg.
    assert math.sqrt(instrument.profile.w.value) == pytest.approx(2 * math.sqrt(math.log(2)) * 0.05, rel=0.05)


def test_a_powder_cif_has_pressure_in_kilopascal_and_says_orientation(run, tmp_path):
    import gemmi

    block = gemmi.cif.read(str(packed(run, tmp_path, "cif").files[0])).sole_block()
    assert float(block.find_value("_diffrn_ambient_pressure")) == pytest.approx(3.01e6)
    assert float(block.find_value("_diffrn_radiation_wavelength")) == pytest.approx(0.41373)
    assert "image orientation 2" in gemmi.cif.as_string(block.find_value("_pd_proc_info_data_reduction"))


def test_a_nexus_file_opens_at_its_default_plot_and_keeps_ruby_and_recipe(run, tmp_path):
    import h5py

    (path,) = packed(run, tmp_path, "nexus", {"e0": raw_point("e0"), "e2": raw_point("e2")}).files
    with h5py.File(path) as file:
        entry = file[file.attrs["default"]]
        plot = entry[entry.attrs["default"]]
        assert entry["definition"].asstr()[()] == "NXazint1d"
        assert list(plot.attrs["axes"]) == [".", "radial_axis"]
        np.testing.assert_array_equal(plot["I"][0], run.points[0].intensity)
        np.testing.assert_array_equal(plot["I_errors"][1], run.points[2].intensity_sigma)
        np.testing.assert_array_equal(plot["radial_axis"], run.points[0].two_theta_deg)
        assert plot["I"].shape == (2, BINS)
        assert plot["radial_axis_edges"].shape == (BINS + 1,)
        assert entry["instrument/monochromator/wavelength"][()] == 0.41373
        assert entry["instrument/monochromator/wavelength"].attrs["units"] == "angstrom"
        np.testing.assert_array_equal(entry["sample/pressure"], [3.01, 5.01])
        assert entry["sample/pressure"].attrs["units"] == "GPa"
        np.testing.assert_array_equal(entry["ruby/counts"][1], np.arange(64.0))
        assert json.loads(entry["reduction/input/recipe"].asstr()[()])["frames"]["bins"] == BINS
        one = entry["point_002"]
        assert one["definition"].asstr()[()] == "NXmonopd"
        np.testing.assert_array_equal(one["data/data"], run.points[2].intensity)
        assert one["monitor/preset"][()] == 120.0


def test_an_exported_image_and_geometry_integrate_as_the_plate_does(run, tmp_path):
    import fabio
    import pyFAI

    counts = np.arange(120 * 100, dtype=np.uint16).reshape(120, 100)
    fabio.edfimage.EdfImage(data=counts).write(str(tmp_path / "plate.edf"))
    package = packed(run, tmp_path, "tiff", {"e0": raw_point("e0", "plate.edf"), "e2": raw_point("e2")})
    (image,) = of_suffix(package, ".tif")
    np.testing.assert_array_equal(fabio.open(str(image)).data, counts)
    (poni,) = of_suffix(package, ".poni")
    assert pyFAI.load(str(poni)).detector.orientation == 2
    assert poni.read_text() == Geometry(poni=PONI).poni


def test_a_plate_that_is_gone_is_named(run, tmp_path):
    with pytest.raises(ReductionFailed, match=r"plates/000\.osc of point 0 is not in"):
        packed(run, tmp_path, "tiff", {"e0": raw_point("e0", "plates/000.osc")})


def test_an_image_outside_the_data_folder_is_not_exported(run, tmp_path):
    import fabio

    folder = tmp_path / "data"
    folder.mkdir()
    fabio.edfimage.EdfImage(data=np.ones((4, 4), dtype=np.uint16)).write(str(tmp_path / "private.edf"))
    for path in ("../private.edf", str(tmp_path / "private.edf")):
        with pytest.raises(UnsafeName, match=r"private\.edf' leads out of"):
            packed(run, folder, "tiff", {"e0": raw_point("e0", path)})


def test_a_phase_whose_name_leads_out_is_refused_because_figures_are_named_by_phases():
    point = data(0) | {"phases": "../../home", "../../home_scale": 1.0, "../../home_scale_sigma": 0.1}
    with pytest.raises(UnsafeName, match=r"phase '\.\./\.\./home'"):
        reduced_run(documents([point]))


def test_a_table_has_a_line_for_each_point_also_for_one_that_failed(run, tmp_path):
    (path,) = packed(run, tmp_path, "csv").files
    header, *lines = path.read_text().splitlines()
    rows = [dict(zip(header.split(","), line.split(","), strict=True)) for line in lines]
    assert [row["reduced"] for row in rows] == ["True", "False", "True"]
    assert float(rows[0]["pressure_gpa"]) == 3.01
    assert rows[0]["phases"] == "alloy re-hcp"
    assert (float(rows[0]["alloy a"]), float(rows[0]["re-hcp c"]), rows[1]["alloy a"]) == (3.55, 4.44, "")
    assert rows[1]["note"] == "plate file torn"


@pytest.mark.parametrize("layout", sorted(set(LAYOUTS) - {"tiff", "mem", "density", "cube", "xsf"}))
def test_a_manifest_has_the_sha256_of_every_file_and_the_whole_recipe(run, tmp_path, layout):
    package = packed(run, tmp_path / layout, layout)
    manifest = json.loads(package.manifest.read_text())
    written = {path.name for path in (tmp_path / layout).iterdir()} - {package.manifest.name}
    assert set(manifest["files"]) == written
    for name, facts in manifest["files"].items():
        assert facts["sha256"] == hashlib.sha256((tmp_path / layout / name).read_bytes()).hexdigest()
    assert manifest["recipe"]["geometry"]["poni"] == PONI
    assert manifest["points_not_reduced"] == {"1": "plate file torn"}
    assert "orientation 2" in manifest["orientation"]


def test_a_run_without_a_reduced_point_is_not_exported_as_nothing(tmp_path):
    run = reduced_run(documents([data(0, reduced=False)]))
    with pytest.raises(LicsError, match="no reduced point"):
        packed(run, tmp_path, "xye")


def with_phases(run_documents):
    """Give a run the phases of the library, as its recipe carries them."""
    run_documents[0][1]["recipe"]["phases"] = [phase.model_dump(mode="json") for phase in default_phases()]
    return reduced_run(run_documents)


def test_fullprof_starts_from_the_phases_found_in_their_cells(tmp_path):
    projects = pytest.importorskip("rietx.io.projects.fullprof")
    package = packed(with_phases(list(documents([data(0)]))), tmp_path, "fullprof")
    (control,) = of_suffix(package, ".pcr")
    model = projects.read_fullprof_pcr(control)
    assert (model.job, model.lambda1) == (0, 0.41373)
    assert [phase.name for phase in model.phases] == ["alloy", "re-hcp"]
    assert model.phases[0].cell["a"].value == pytest.approx(3.55)
    assert model.phases[1].cell["c"].value == pytest.approx(4.44)
    # Li of the alloy: 0.7 of one site in a group of 48 operations.
    assert model.phases[0].atoms[1].values["occ"].value == pytest.approx(0.7 / 48, abs=1e-6)
    assert control.with_suffix(".dat").exists()


def test_topas_starts_from_the_phases_found_with_equal_edges_tied(tmp_path):
    projects = pytest.importorskip("rietx.io.projects.topas")
    package = packed(with_phases(list(documents([data(0)]))), tmp_path, "topas")
    (control,) = of_suffix(package, ".inp")
    model = projects.read_topas_inp(control)
    assert [phase.space_group for phase in model.phases] == ["Pm-3m", "P63/mmc"]
    assert model.phases[1].cell["b"] == model.phases[1].cell["a"] == 2.75
    assert model.phases[0].sites[1].occupancy == 0.7
    text = control.read_text()
    assert "b = Get(a);" in text
    assert "LP_Factor(90)" in text
    assert f'xdd "{control.stem}.xye"' in text
