"""Patterns of other programs: every layout gives the same pattern, and what cannot be believed is refused by name."""

import math
import re

import h5py
import numpy as np
import pytest
from reduced_documents import data, documents

from lics_beamline.errors import ProfileError
from lics_beamline.exports.columns import write_columns
from lics_beamline.exports.fullprof import write_fullprof
from lics_beamline.exports.gsas import write_gsas
from lics_beamline.exports.nexus import write_nexus
from lics_beamline.exports.powder_cif import write_powder_cif
from lics_beamline.exports.reduced_run import reduced_run
from lics_beamline.lines.peaks import find_peaks
from lics_beamline.patterns.even_steps import evenly_spaced
from lics_beamline.patterns.pattern_file import read_pattern

WAVELENGTH = 0.41373
X = np.arange(4.0, 14.0, 0.01)
WEAK = 40.0 + 20.0 * np.cos(X / 4.0)  # a background of few counts
LIT = WEAK + 300.0 * np.exp(-(((X - 9.0) / 0.04) ** 2))
FAINT = np.random.default_rng(4).poisson(LIT).astype(float)
Y = np.random.default_rng(3).poisson(200.0 + 900.0 * np.exp(-(((X - 9.0) / 0.04) ** 2))).astype(float)
E = np.sqrt(Y)
Q = 4.0 * math.pi * np.sin(np.radians(X) / 2.0) / WAVELENGTH


def saved(tmp_path, text, name="some.xy"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return path


def rows(*columns, separator=" ", form="{:.6g}"):
    return "".join(separator.join(form.format(v) for v in row) + "\n" for row in zip(*columns, strict=True))


def read(tmp_path, text, name="some.xy", **options):
    return read_pattern(saved(tmp_path, text, name), **{"wavelength_angstrom": WAVELENGTH} | options)


def refusal(tmp_path, text, name="some.xy", **options):
    with pytest.raises(ProfileError) as caught:
        read(tmp_path, text, name, **options)
    assert str(tmp_path / name) in str(caught.value)
    return str(caught.value)


def same(given, *, errors="file"):
    np.testing.assert_allclose(given.pattern.two_theta_deg, X, atol=2e-4)
    np.testing.assert_allclose(given.pattern.intensity, Y, rtol=1e-5)
    assert given.errors == errors
    if errors != "scatter":
        np.testing.assert_allclose(given.pattern.sigma, E, rtol=1e-3)


WRITERS = {
    "xye": lambda run, folder: write_columns(run, folder, layout="xye"),
    "xy": lambda run, folder: write_columns(run, folder, layout="xy"),
    "chi": lambda run, folder: write_columns(run, folder, layout="chi"),
    "gsas": write_gsas,
    "fullprof": write_fullprof,
    "cif": write_powder_cif,
    "nexus": lambda run, folder: write_nexus(run, {}, folder),
}


@pytest.mark.parametrize("layout", WRITERS)
def test_every_layout_that_is_exported_reads_back_the_same_pattern(tmp_path, layout):
    recorded = data(0)
    recorded["intensity"] = np.random.default_rng(5).normal(recorded["intensity"], recorded["intensity_sigma"])
    run = reduced_run(documents([recorded]))
    first = WRITERS[layout](run, tmp_path)[0]
    says_wavelength = layout not in ("chi",)
    given = read_pattern(first, wavelength_angstrom=None if says_wavelength else WAVELENGTH)
    point = run.points[0]
    assert given.pattern.wavelength_angstrom == pytest.approx(run.wavelength_angstrom)
    np.testing.assert_allclose(given.pattern.two_theta_deg, point.two_theta_deg, atol=6e-6)
    np.testing.assert_allclose(given.pattern.intensity, point.intensity, rtol=1e-5)
    if layout in ("xy", "chi"):
        assert given.errors == "scatter"
    else:
        np.testing.assert_allclose(given.pattern.sigma, point.intensity_sigma, rtol=1e-5)


@pytest.mark.parametrize(
    ("heading", "x"),
    [
        ("# 2th_deg  I  sigma\n", X),
        ("# q_A^-1  I  sigma\n", Q),
        ("# q_nm^-1  I  sigma\n", 10.0 * Q),
        ("# d (angstrom)  I  sigma\n", 2.0 * math.pi / Q),
    ],
)
def test_an_abscissa_that_is_named_becomes_the_angle_that_it_is(tmp_path, heading, x):
    same(read(tmp_path, heading + rows(x, Y, E, form="{:.9g}")))


@pytest.mark.parametrize(("unit", "x"), [("q", Q), ("q-nm", 10.0 * Q), ("d", 2.0 * math.pi / Q), ("2theta", X)])
def test_an_abscissa_that_is_not_named_is_what_the_operator_says(tmp_path, unit, x):
    same(read(tmp_path, rows(x, Y, E, form="{:.9g}"), unit=unit))


@pytest.mark.parametrize(
    ("words", "angstrom"),
    [
        ("# Wavelength: 4.1373e-11 m", 0.41373),
        ("# wavelength = 0.413730 angstrom", 0.41373),
        ("# Calibrated wavelength = 0.413259", 0.413259),
        ('#     "wavelength": 4.137e-11', 0.4137),
        ("! lambda 1.5406 A", 1.5406),
        ("# Wavelength (nm): 0.0413730 nm", 0.41373),
        ("# wavelength_nm = 0.0709", 0.709),
        ("# Wavelength [nm]: 0.0413730", 0.41373),
        ("# Wavelength: 41.373 pm", 0.41373),
        ("# Wavelength: 1,5406 A", 1.5406),
        ("# Lambda1: 1.5406", 1.5406),
        ("# Wavelength 2: 1.5444", 1.5444),
        ("# Wavelength (Ka1): 1.540598", 1.540598),
        ("# Lambda1 (A) = 1.5406", 1.5406),
        ("# Wavelength K a1 (nm): 0.15406", 1.5406),
        ("# wavelength Cu K\N{GREEK SMALL LETTER ALPHA}1 1.5406", 1.5406),
        ("# wavelength at BL1: 0.4137\n# lambda/2: 0.1 %", 0.4137),
        ("# wavelength calibrated on 3 May: 0.4137 A", 0.4137),
        ("# Wavelength 0.4137 A  scale = 2", 0.4137),
        ("# Wavelength 1 A  zero = 0.1", 1.0),
    ],
)
def test_the_wavelength_of_a_heading_is_read_in_its_unit(tmp_path, words, angstrom):
    given = read(tmp_path, f"{words}\n# 2th_deg I sigma\n{rows(X, Y, E)}", wavelength_angstrom=None)
    assert given.pattern.wavelength_angstrom == pytest.approx(angstrom)


@pytest.mark.parametrize(
    "words", ["# wavelength of May, 3", "# Wavelength run 2, 300 K", "# Lambda1 = 1.54 Lambda2 = 1.544"]
)
def test_a_wavelength_that_is_not_told_for_sure_is_asked_for(tmp_path, words):
    assert "Give" in refusal(tmp_path, f"{words}\n# 2th_deg I sigma\n{rows(X, Y, E)}", wavelength_angstrom=None)


@pytest.mark.parametrize(
    "words",
    [
        "# Units: a.u.",
        "# Label: A",
        "# x label: A sample",
        "# X-axis: Angle (degrees)",
        "Theta-2Theta Intensity sigma",
    ],
)
def test_words_that_name_no_unit_of_an_axis_leave_it_in_degrees(tmp_path, words):
    same(read(tmp_path, f"{words}\n{rows(X, Y, E)}", "a.xye"))


def test_a_chi_of_fit2d_says_what_its_axis_is_and_how_many_points_it_has(tmp_path):
    head = "ceria_0001.tif\n2-Theta Angle (Degrees)\nIntensity\n     {}\n"
    same(read(tmp_path, head.format(X.size) + rows(X, Y), "a.chi"), errors="counts")
    assert "1200 points and has 1000" in refusal(tmp_path, head.format(1200) + rows(X, Y), "a.chi")
    q_head = "ceria_0001.tif\n{}\nIntensity\n     {}\n"
    for name, times in (
        ("Q (Inverse Nanometres)", 10.0),
        ("Q-Space (Inverse Nanometres)", 10.0),
        ("Q-Space (A^-1)", 1.0),
    ):
        text = q_head.format(name, X.size) + rows(times * Q, Y, form="{:.9g}")
        same(read(tmp_path, text, "q.chi"), errors="counts")


@pytest.mark.parametrize(
    ("heading", "times"),
    [
        ("# unit = q_nm^-1\n", 10),
        ("# X-axis: q (1/A)\n", 1),
        ("q,I,esd\n1/nm,-,-\n", 10),
        ("Q,I,esd\nA-1,-,-\n", 1),
    ],
)
def test_an_abscissa_that_settings_or_a_row_of_units_name_is_taken(tmp_path, heading, times):
    same(read(tmp_path, heading + rows(times * Q, Y, E, separator=",", form="{:.9g}")))


@pytest.mark.parametrize("separator", [" ", "\t", ";"])
def test_commas_are_decimal_or_of_thousands_where_the_file_tells(tmp_path, separator):
    same(read(tmp_path, rows(X, Y, E, separator=separator).replace(".", ",")))
    same(read(tmp_path, rows(X, Y, E, separator=separator, form="{:,.4f}")))
    same(read(tmp_path, rows(X, Y, E, separator=";", form='"{:.6g}"').replace(".", ",")))
    same(read(tmp_path, rows(X, Y, E, separator=",", form='"{:,.4f}"')))


def test_nothing_counted_has_the_error_of_one_count_where_the_file_has_the_root_of_nothing(tmp_path):
    few = np.random.default_rng(5).poisson(LIT / 30.0).astype(float)
    for times in (1.0, 0.25):
        given = read(tmp_path, rows(X, times * few, times * np.sqrt(few)), "a.xye")
        assert np.nanmean(given.pattern.intensity) == pytest.approx(times * few.mean(), rel=0.01)
        assert given.pattern.sigma[given.pattern.intensity == 0.0] == pytest.approx(times)


@pytest.mark.parametrize("errors", [None, E, np.full(X.size, 9.0)])
@pytest.mark.parametrize("times", [1.0, 0.37])
def test_zeros_where_nothing_was_measured_are_left_out(tmp_path, times, errors):
    gap = (X > 6.0) & (X < 6.4) | (np.arange(X.size) % 97 == 50)
    sigma = [] if errors is None else [times * np.where(gap & (errors is E), 0.0, errors)]
    holed = read(tmp_path, rows(X, np.where(gap, 0.0, times * Y), *sigma), "a.xye")
    np.testing.assert_array_equal(np.isnan(holed.pattern.intensity), gap)
    assert f"{np.count_nonzero(gap)} of {X.size} points are empty" in " ".join(holed.remarks)


def test_zeros_of_a_background_taken_off_and_cut_at_zero_stay(tmp_path):
    given = read(tmp_path, rows(X, np.maximum(Y - 200.0, 0.0)))
    assert np.isfinite(given.pattern.intensity).all()


def records(values, width, each):
    fields = [f"{value:{width}}" for value in values]
    return "".join("".join(fields[i : i + each]) + "\n" for i in range(0, len(fields), each))


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("STD", records(Y.astype(int), 8, 10)),
        ("", records(Y.astype(int), 8, 10)),
        ("ESD", records([round(v, 2) for pair in zip(Y, E, strict=True) for v in pair], 8, 10)),
        ("FXYE", rows(100.0 * X, Y, E, form="{:.7g}")),
        ("FXY", rows(100.0 * X, Y, form="{:.7g}")),
        ("fxye", rows(100.0 * X, Y, E, form="{:.7g}")),
    ],
)
def test_gsas_records_of_each_type_give_degrees_counts_and_errors(tmp_path, kind, body):
    text = f"A title: with 1 2 3 numbers\n# a comment\nBANK 1 {X.size} 100 CONST 400.0 1.0 0 0 {kind}\n{body}"
    given = read(tmp_path, text, "a.gsa")
    np.testing.assert_allclose(given.pattern.two_theta_deg, X, atol=1e-6)
    np.testing.assert_allclose(given.pattern.intensity, Y)
    np.testing.assert_allclose(given.pattern.sigma, E, atol=0.006)


def test_counts_that_are_the_mean_of_some_detectors_have_the_error_of_their_sum(tmp_path):
    text = f"title\nBANK 1 100 10 CONST 600 5 0 0\n{records([f' 3{n:6d}' for n in range(300, 400)], 8, 10)}"
    given = read(tmp_path, text, "a.gda")
    np.testing.assert_allclose(given.pattern.sigma, np.sqrt(np.arange(300, 400) / 3.0))


def test_one_bank_of_several_is_chosen_and_not_guessed(tmp_path):
    bank = "BANK {} 100 10 CONST {} 10 0 0 STD\n" + records(range(200, 300), 8, 10)
    text = "title\n" + bank.format(1, 500) + bank.format(2, 900)
    assert "the banks 1, 2. Choose one by --pattern" in refusal(tmp_path, text, "a.gsa")
    assert read(tmp_path, text, "a.gsa", chosen="2").pattern.two_theta_deg[0] == pytest.approx(9.0)


def test_fullprof_counts_on_a_grid_are_read_whatever_number_stands_in_a_line(tmp_path):
    head = "some title\n  4.000  0.010  13.990  CeO2 at 300 K\n"
    same(read(tmp_path, head + records(Y.astype(int), 8, 7), "a.dat"), errors="counts")
    assert "says 1000 points from 4 to 13.99" in refusal(tmp_path, head + records(Y[:600].astype(int), 8, 7), "a.dat")


def test_fullprof_columns_are_multiplied_by_the_factors_of_their_heading(tmp_path):
    text = "XYDATA\nINTER 2.0 10.0 0 0.01\nTEMP 300\n! a\n! b\n! c\n" + rows(X / 2.0, Y / 10.0, E / 10.0)
    same(read(tmp_path, text, "a.dat"))


CIF = """data_a
_diffrn_radiation_wavelength {wavelength}
{pairs}
loop_
{tags}
{table}
"""


def cif(tags, *columns, pairs="", wavelength=WAVELENGTH):
    table = "".join(" ".join(str(v) for v in row) + "\n" for row in zip(*columns, strict=True))
    return CIF.format(wavelength=wavelength, pairs=pairs, tags="\n".join(tags), table=table)


def test_a_powder_cif_is_read_with_brackets_weights_or_counts(tmp_path):
    angle = [f"{x:.4f}" for x in X]
    bracket = [f"{y:.0f}({max(round(e), 1)})" for y, e in zip(Y, E, strict=True)]
    given = read(
        tmp_path,
        cif(["_pd_meas_2theta_scan", "_pd_meas_intensity_total"], angle, bracket),
        "a.cif",
        wavelength_angstrom=None,
    )
    np.testing.assert_allclose(given.pattern.sigma, np.maximum(np.round(E), 1.0))
    weights = [f"{1 / y:.9g}" for y in Y]
    tags = ["_pd_proc_2theta_corrected", "_pd_proc_intensity_total", "_pd_proc_ls_weight"]
    same(read(tmp_path, cif(tags, angle, Y, weights), "b.cif"))
    pairs = "_pd_meas_2theta_range_min 4\n_pd_meas_2theta_range_max 13.99\n_pd_meas_2theta_range_inc 0.01"
    same(read(tmp_path, cif(["_pd_meas_counts_total"], Y.astype(int), pairs=pairs), "c.cif"), errors="counts")


def test_a_powder_cif_of_unit_weights_is_refused_and_one_of_neutrons_is_told(tmp_path):
    tags = ["_pd_proc_2theta_corrected", "_pd_proc_intensity_total", "_pd_proc_ls_weight"]
    angle = [f"{x:.4f}" for x in X]
    unit = cif(tags, angle, Y, [1] * X.size)
    assert "the error 1 everywhere" in refusal(tmp_path, unit, "a.cif")
    assert read(tmp_path, unit, "a.cif", errors="counts").errors == "counts"
    neutrons = cif(tags, angle, Y, [f"{1 / y:.9g}" for y in Y], pairs="_diffrn_radiation_probe neutron")
    assert "neutrons" in read(tmp_path, neutrons, "b.cif").remarks[0]


def nexus(tmp_path, *, units="degree", rows_=1, errors=True, name="two_theta"):
    path = tmp_path / "a.nxs"
    with h5py.File(path, "w") as file:
        entry = file.create_group("entry")
        group = entry.create_group("data")
        group.attrs["NX_class"] = "NXdata"
        group.attrs["signal"] = "I"
        group.attrs["axes"] = [name] if rows_ == 1 else [".", name]
        group[name] = X
        group[name].attrs["units"] = units
        stack = [Y + 5.0 * number for number in range(rows_)]
        group["I"] = stack[0] if rows_ == 1 else np.stack(stack)
        if errors:
            group["I_errors"] = np.sqrt(group["I"])
        entry["wavelength"] = 4.1373e-11
        entry["wavelength"].attrs["units"] = "m"
    return path


def test_a_nexus_pattern_is_read_and_one_of_several_is_chosen(tmp_path):
    same(read_pattern(nexus(tmp_path)))
    path = nexus(tmp_path, rows_=3)
    with pytest.raises(ProfileError, match=r"holds 3 patterns: /entry/data:1.*--pattern"):
        read_pattern(path)
    third = read_pattern(path, chosen="3")
    np.testing.assert_allclose(third.pattern.intensity, Y + 10.0)
    assert third.pattern.wavelength_angstrom == pytest.approx(WAVELENGTH)


def test_a_nexus_file_of_images_or_in_radians_is_refused_by_name(tmp_path):
    path = tmp_path / "image.h5"
    with h5py.File(path, "w") as file:
        file["entry/data/data"] = np.ones((3, 64, 64))
    with pytest.raises(ProfileError, match="lics reduce"):
        read_pattern(path)
    with pytest.raises(ProfileError, match="radians"):
        read_pattern(nexus(tmp_path, units="rad"))
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(ProfileError, match="cannot be read as HDF5"):
        read_pattern(path)


@pytest.mark.parametrize(("name", "units"), [("energy", "keV"), ("r", "mm"), ("d", "nm"), ("chi", "deg")])
def test_a_nexus_axis_that_is_none_of_a_pattern_is_refused_by_name(tmp_path, name, units):
    with pytest.raises(ProfileError, match=rf"{name}.*--unit|over 2theta, q or d but over '{name}"):
        read_pattern(nexus(tmp_path, name=name, units=units))


@pytest.mark.parametrize("axes_by", ["signal", "axes"])
def test_a_nexus_pattern_of_older_custom_names_its_signal_and_axis_on_the_data(tmp_path, axes_by):
    path = nexus(tmp_path, errors=False)
    with h5py.File(path, "a") as file:
        group = file["entry/data"]
        del group.attrs["signal"], group.attrs["axes"]
        group["I"].attrs["signal"] = 1
        if axes_by == "signal":
            group["I"].attrs["axes"] = "two_theta"
        else:
            group["two_theta"].attrs["axis"] = 1
    same(read_pattern(path, wavelength_angstrom=WAVELENGTH), errors="counts")


def test_a_nexus_pattern_over_theta_is_refused(tmp_path):
    with pytest.raises(ProfileError, match=r"is over 'theta', and not over 2theta"):
        read_pattern(nexus(tmp_path, name="theta"), wavelength_angstrom=WAVELENGTH)


def test_a_nexus_pattern_in_scaled_integers_is_what_it_stands_for(tmp_path):
    path = nexus(tmp_path, errors=False)
    with h5py.File(path, "a") as file:
        group = file["entry/data"]
        del group["I"], group["two_theta"]
        group["I"], group["I_scaling_factor"], group["I_offset"] = (4 * Y - 7).astype(np.int32), 0.25, 7
        group["two_theta"] = np.rint(1000 * X).astype(np.int32)
        group["two_theta"].attrs.update({"scale_factor": 0.001, "units": "degree"})
    same(read_pattern(path, wavelength_angstrom=WAVELENGTH), errors="counts")


@pytest.mark.parametrize("named", ["I_uncertainties", "uncertainties", "I_error"])
def test_errors_of_a_nexus_pattern_are_found_under_their_customary_names(tmp_path, named):
    path = nexus(tmp_path)
    with h5py.File(path, "a") as file:
        file.move("entry/data/I_errors", f"entry/data/{named}")
    same(read_pattern(path))


@pytest.mark.parametrize("unit", ["2th_deg", "q_nm^-1"])
def test_the_nexus_file_of_pyfai_is_read_over_what_it_was_integrated(tmp_path, unit):
    import pyFAI.detectors
    from pyFAI.integrator.azimuthal import AzimuthalIntegrator
    from pyFAI.io.nexus import save_NXmonpd

    integrator = AzimuthalIntegrator(
        dist=0.2,
        poni1=0.0,
        poni2=0.0,
        detector=pyFAI.detectors.Detector(1e-3, 1e-3, max_shape=(80, 80)),
        wavelength=WAVELENGTH * 1e-10,
    )
    frame = np.random.default_rng(1).poisson(100, (80, 80))
    result = integrator.integrate1d(frame, 120, unit=unit, error_model="poisson")
    save_NXmonpd(str(tmp_path / "a.nxs"), result)
    given = read_pattern(tmp_path / "a.nxs")
    degrees = integrator.integrate1d(frame, 120, unit="2th_deg", error_model="poisson").radial
    assert given.pattern.wavelength_angstrom == pytest.approx(WAVELENGTH)
    assert given.pattern.two_theta_deg[-1] == pytest.approx(degrees[-1], abs=0.1)
    assert given.errors == "file"


def test_errors_are_those_of_counting_where_intensities_are_whole_and_of_scatter_where_not(tmp_path):
    same(read(tmp_path, rows(X, Y)), errors="counts")
    given = read(tmp_path, rows(X, Y / 7.3, form="{:.8g}"))
    assert given.errors == "scatter"
    assert np.median(given.pattern.sigma / (E / 7.3)) == pytest.approx(1.0, abs=0.05)
    assert any("scatter" in remark for remark in given.remarks)
    assert "no errors" in refusal(tmp_path, rows(X, Y), errors="file")
    negative = rows(X, Y / 7.3 - 40.0, form="{:.8g}")
    assert "is no count" in refusal(tmp_path, negative, errors="counts")
    assert "no scatter" in refusal(tmp_path, rows(X, 1000.5 + 0.0 * X + (X > 9.0)), errors="scatter")


def test_a_pattern_that_falls_is_turned_and_zeros_at_the_ends_are_left_out(tmp_path):
    same(read(tmp_path, rows(X[::-1], Y[::-1], E[::-1])))
    given = read(tmp_path, rows(X, np.where((X < 4.995) | (X > 13.005), 0.0, Y)))
    assert given.pattern.two_theta_deg[0] == pytest.approx(5.0)
    assert given.pattern.two_theta_deg[-1] == pytest.approx(13.0)


def middle(text, line, number=500):
    lines = text.splitlines(keepends=True)
    lines[number] = line + "\n"
    return "".join(lines)


PLAIN = rows(X, Y, E)
REFUSED = {
    "commas and points": (rows(X, Y, 1e3 * E, form="{:.4f}").replace(".", ",", 1), {}, "may be thousands or decimals"),
    "points of thousands": ("10,50 1.234 35,1\n" * 100, {}, "may be thousands or decimals"),
    "commas of either kind": ("\n".join(f"{n} 1,234" for n in range(10, 99)), {}, "may be thousands or decimals"),
    "decimal commas between commas": (rows(X, Y, form="{:.1f}", separator=",").replace(".", ","), {}, "4 columns"),
    "not rising": (middle(PLAIN, "5.0 200 14"), {}, "neither rises nor falls throughout: .*point"),
    "a NaN": (middle(PLAIN, "9.0 nan 14"), {}, "line 501: .*no number.*delete these lines"),
    "stars of Fortran": (middle(PLAIN, "9.0 ****** 14"), {}, "line 501: .*no number"),
    "words between": (middle(PLAIN, "end of the first pattern"), {}, "line 501: .*no row of numbers"),
    "a row cut off": (middle(PLAIN, "9.0 220"), {}, "line 501 has 2 columns, those before 3"),
    "a negative error": (middle(PLAIN, "9.0 220 -14"), {}, r"error -14 in its point \d+.*--columns 1 2"),
    "two lines": (rows(X[:2], Y[:2], E[:2]), {}, "has 2 points"),
    "nothing": ("", {}, "no row of numbers"),
    "a letter": ("Dear colleague,\nthe pattern is attached.\n", {}, "no row of numbers"),
    "radians said": ("# 2th_rad I sigma\n" + rows(np.radians(X), Y, E), {}, "binned in radians"),
    "radians not said": (rows(np.radians(X), Y, E), {}, "radians, q or d.*--unit"),
    "time of flight": ("# tof (usec) I sigma\n" + rows(1000 * X, Y, E), {}, "time-of-flight"),
    "channels": (rows(1000 * X, Y, E), {}, "no 2theta in degrees"),
    "q without a unit": ("# q  I  sigma\n" + rows(Q, Y, E), {}, "--unit q for 1/angstrom"),
    "q squared": ("# q^2 (1/A^2) I sigma\n" + rows(Q**2, Y, E), {}, "no pattern over 2theta, q or d"),
    "s": ("# s [1/nm] I sigma\n" + rows(10 * Q / (2 * np.pi), Y, E), {}, "no pattern over 2theta, q or d"),
    "sines": ("# sin(theta)/lambda I\n" + rows(4 * Q, Y), {}, "no pattern over 2theta, q or d"),
    "azimuth": ("# chi_deg I sigma\n" + rows(X, Y, E), {}, "no pattern over 2theta"),
    "no wavelength": (PLAIN, {"wavelength_angstrom": None}, "--wavelength ANGSTROM"),
    "wavelength in metres": (PLAIN, {"wavelength_angstrom": 4.1e-11}, "not between 0.05 and 5"),
    "q of another unit": (
        "# q_A^-1 I sigma\n" + rows(10 * Q, Y, E),
        {"wavelength_angstrom": 1.54},
        "right --wavelength",
    ),
    "four columns": (rows(X, Y, E, E), {}, "4 columns.*--columns 1 2 3"),
    "a background as third column": (rows(X, Y, 200 + 0 * X), {}, "third column without a name"),
    "a weak background as third column": (rows(X, FAINT, WEAK), {}, "third column without a name.*background"),
    "a background that was taken off": (rows(X, FAINT - WEAK, WEAK), {}, "third column without a name"),
    "a fit as third column": (rows(X, FAINT, LIT), {}, "third column without a name.*or fit"),
    "spacings as third column": (rows(X, Y, WAVELENGTH / (2 * np.sin(np.radians(X / 2)))), {}, "only falls"),
    "a time as third column": (rows(X, Y, 3 + 0 * X), {}, "is 3 everywhere.*--columns 1 2"),
    "numbered points": (rows(1 + np.arange(X.size) / 10, X, Y), {}, "only rises.*--columns 1 3"),
    "a weight as third column": (rows(X, Y, 1 / Y), {}, "one over it: a weight"),
    "logarithms": (rows(X, np.log10(np.round(Y))), {}, r"decimal logarithms of whole counts.*10\*\*numbers"),
    "logarithms times a factor": (rows(X, 100 * np.log10(np.round(Y))), {}, "logarithms, times 43.*, of whole counts"),
    "square roots": (rows(X, np.sqrt(np.round(Y))), {}, "square roots of whole counts"),
    "intensities below zero": (rows(X, -Y), {}, "no intensity above zero"),
    "errors in per cent as third column": (rows(X, Y, 100 / np.sqrt(Y)), {}, "power -0.50.*--columns 1 2"),
    "errors in per cent of a bright pattern": (rows(X, 1e4 * Y, 300 * Y**-0.5), {}, "power -0.50.*--columns 1 2"),
    "errors in per cent where all are alike": ("2theta I err%\n" + rows(X, Y, 500 / Y), {}, "power -1.00.*in per cent"),
    "a calculated pattern as third column": ("2theta Yobs Ycalc\n" + rows(X, Y, Y + 1), {}, "called 'Ycalc'"),
    "the variance of counts": ("2theta I sigma\n" + rows(X, Y, Y), {}, "the intensity itself: a variance"),
    "their weight": ("2theta I sigma\n" + rows(X, Y, 1 / Y), {}, "one over it: a weight"),
    "theta": ("theta counts\n" + rows(X / 2, Y), {}, "over 'theta', and not over 2theta"),
    "energy": ("Energy(keV),Counts\n" + rows(4 * X, Y, separator=","), {}, "over 'Energy"),
    "theta with its unit": ("theta (deg),counts\n" + rows(X / 2, Y, separator=","), {}, "over 'theta .deg.'"),
    "energy in two words": ("# E [keV]  I\n" + rows(4 * X, Y), {}, "over 'E .keV.'"),
    "channels by number": ("# Channel no.   Counts\n" + rows(np.arange(100), Y[:100]), {}, "over 'Channel no.'"),
    "a time": ("time (s),counts\n" + rows(X, Y, separator=","), {}, "over 'time"),
    "radians below a name": ("2theta,I\nrad,counts\n" + rows(X / 3, Y, separator=","), {}, "binned in radians"),
    "a unit without a name": ("# xunit: nm^-1\n" + rows(10 * Q, Y), {}, "abscissa is in 'nm.-1', and not what it is"),
    "a radius": (f"a.tif\nRadial Distance (mm)\nIntensity\n {X.size}\n" + rows(9 * X, Y), {}, "Radial Distance"),
    "a GSAS file in degrees": (
        f"t\nBANK 1 {X.size} {X.size} CONST 400 1 0 0 FXYE\n" + rows(X, Y, E),
        {},
        "seem to be in degrees",
    ),
    "counts of different times": (
        cif(
            ["_pd_meas_2theta_scan", "_pd_meas_counts_total", "_pd_meas_step_count_time"],
            X.round(3),
            Y.astype(int),
            np.where(X > 8.0, 20.0, 10.0),
        ),
        {},
        "_pd_meas_step_count_time is from 10 to 20. Divide",
    ),
    "a column that is not there": (PLAIN, {"columns": (1, 5)}, "columns 1 to 3, not 1 5"),
    "one value everywhere": (rows(X, 7.0 + 0 * X), {}, "same intensity everywhere"),
    "the unit that pyFAI forgot": (
        "#{str(dim1_unit):14s}  {'I':14s}  {'sigma':14s}\n" + rows(Q, Y, E),
        {},
        "--unit 2theta, q or q-nm",
    ),
    "a GSAS file cut off": (
        "t\nBANK 1 1000 100 CONST 400 1 0 0 STD\n" + records(Y[:500].astype(int), 8, 10),
        {},
        "says 1000 points and has 500",
    ),
    "a GSAS file of flight": (
        "t\nBANK 1 1000 100 RALF 81743 65 81743 0.0008 ALT\n" + records(Y.astype(int), 8, 10),
        {},
        "time of flight",
    ),
    "the CIF of a structure": ("data_x\n_cell_length_a 5\n", {}, "no pattern.*--phases"),
    "a doublet": (
        cif(["_pd_meas_2theta_scan", "_pd_meas_counts_total"], X.round(3), Y.astype(int)).replace(
            f"_diffrn_radiation_wavelength {WAVELENGTH}",
            "loop_\n_diffrn_radiation_wavelength_id\n_diffrn_radiation_wavelength\n1 1.5406\n2 1.5444\n",
        ),
        {"wavelength_angstrom": None},
        "lines of a doublet",
    ),
    "a PNG": (b"\x89PNG\r\n\x1a\n" + bytes(3000), {}, "is a PNG picture.*lics reduce"),
    "bytes": (bytes(range(256)) * 20, {}, "is no text"),
    "a spreadsheet": (b"PK\x03\x04" + bytes(200), {}, "a ZIP archive or a spreadsheet"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_believed_is_refused_by_name(tmp_path, case):
    text, options, words = REFUSED[case]
    message = refusal(tmp_path, text, "a.txt", **options)
    assert re.search(words, message), message


def test_columns_are_taken_as_the_operator_says(tmp_path):
    same(read(tmp_path, rows(np.arange(X.size), Y, X, E), columns=(3, 2, 4)))
    same(read(tmp_path, rows(X, Y, 200 + 0 * X), columns=(1, 2)), errors="counts")


@pytest.mark.parametrize("heading", ["# q  I  sigma", "#{str(dim1_unit):14s}  {'I':14s}  {'sigma':14s}", "theta I e"])
def test_an_abscissa_that_the_file_does_not_name_is_what_the_operator_says(tmp_path, heading):
    same(read(tmp_path, f"{heading}\n" + rows(Q, Y, E), unit="q"))
    same(read(tmp_path, f"{heading}\n" + rows(10 * Q, Y, E), unit="q-nm"))


def test_separators_and_headings_of_other_programs_are_passed_over(tmp_path):
    for separator in (",", ", ", ";", "\t", "   "):
        same(read(tmp_path, f"angle{separator}counts{separator}esd\n" + rows(X, Y, E, separator=separator), "a.csv"))
    same(read(tmp_path, rows(X, Y, E, form="{:.9E}").replace("E", "D"), "fortran.xye"))
    same(read(tmp_path, "/* a comment */\n' another\n" + rows(X, Y, E).replace("\n", "\r\n") + "\x1a", "a.xye"))
    same(read(tmp_path, ("# 2th_deg I sigma\n" + rows(X, Y, E)).encode("utf-16"), "b.xye"))


@pytest.mark.parametrize("times", [math.sqrt(2.0), math.log(2.0), math.log10(2.0), 0.01, 1.0 / 7.3])
def test_counts_by_any_factor_are_no_roots_and_no_logarithms(tmp_path, times):
    few = np.random.default_rng(5).poisson(LIT / 30.0)
    np.testing.assert_allclose(read(tmp_path, rows(X, times * few)).pattern.intensity, times * few, rtol=1e-5)
    read(tmp_path, rows(X, times * Y * (1.0 + 1e-3 * X)))  # by a flat too


def test_peaks_are_found_on_uneven_steps(tmp_path):
    d = np.linspace(2.0 * math.pi / Q[0], 2.0 * math.pi / Q[-1], 3 * X.size)
    x = np.degrees(2.0 * np.arcsin(WAVELENGTH / (2.0 * d)))
    y = np.random.default_rng(6).poisson(200.0 + 900.0 * np.exp(-(((x - 9.0) / 0.04) ** 2)))
    (peak,) = find_peaks(read(tmp_path, "d(A) I\n" + rows(d, y, form="{:.9g}")).pattern)
    assert peak.two_theta_deg == pytest.approx(9.0, abs=0.002)


def test_a_pattern_on_uneven_steps_is_spread_evenly_for_what_counts_in_bins(tmp_path):
    q = np.linspace(Q[0], Q[-1], X.size)
    given = read(tmp_path, "# q_A^-1 I sigma\n" + rows(q, Y, E, form="{:.9g}"), wavelength_angstrom=1.2)
    even = evenly_spaced(given.pattern)
    steps = np.diff(even.two_theta_deg)
    assert np.ptp(steps) < 1e-9
    assert np.trapezoid(even.intensity, even.two_theta_deg) == pytest.approx(
        np.trapezoid(given.pattern.intensity, given.pattern.two_theta_deg), rel=1e-3
    )
    gap = (X > 6.0) & (X < 7.0)
    holed = read(tmp_path, rows(X[~gap], Y[~gap], E[~gap])).pattern
    assert np.count_nonzero(np.isnan(evenly_spaced(holed).intensity)) == pytest.approx(99, abs=3)


@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_numbers_in_quotes_are_numbers(tmp_path, separator):
    same(read(tmp_path, "2theta,I\n" + rows(X, Y, separator=separator, form='"{:.6g}"')), errors="counts")
