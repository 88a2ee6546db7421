"""A table of frames is read in one way or refused, and all that is wrong with it is told at once."""

import math

import pytest

from lics_beamline.errors import ProfileError
from lics_beamline.imports.frame_table import read_table


@pytest.fixture
def table(tmp_path):
    def of(text, encoding="utf-8"):
        path = tmp_path / "runs.csv"
        path.write_bytes(text.encode(encoding))
        return read_table(path)

    return of


def refusal(table, text):
    with pytest.raises(ProfileError) as error:
        table(text)
    return str(error.value)


@pytest.mark.parametrize(
    ("headings", "cells", "gpa", "kelvin"),
    [
        ("file,pressure_gpa,temperature_k", "a.cbf,4.38,300", 4.38, 300.0),
        ("Filename;P (GPa);T/K", "a.cbf;4.38;300", 4.38, 300.0),
        ("image\tP [kbar]\tT (\N{DEGREE SIGN}C)", "a.cbf\t43.8\t25", 4.38, 298.15),
        ("file,P/MPa,temperature_c", "a.cbf,4380,-269", 4.38, 4.15),
        ("file;P_bar;T K", "a.cbf;43800;1e3", 4.38, 1000.0),
        ("frame,Pressure (gpa),Temp. (K)", "a.cbf,+4.38,.5", 4.38, 0.5),
    ],
)
def test_units_are_those_of_the_headings(table, headings, cells, gpa, kelvin):
    (row,) = table(f"{headings}\n{cells}\n").rows
    assert row.file == "a.cbf"
    assert row.pressure_gpa == pytest.approx(gpa)
    assert row.temperature_k == pytest.approx(kelvin)


@pytest.mark.parametrize("error", ["+-", "\N{PLUS-MINUS SIGN}", "+/-", "error", "dP", "sigma_P", "P_err (kbar)", "esd"])
def test_an_error_belongs_to_its_quantity_in_its_own_unit_or_that_of_the_quantity(table, error):
    (row,) = table(f"file;P (kbar);{error};T (C)\na;43.8;0.5;25\n").rows
    assert row.pressure_sigma_gpa == pytest.approx(0.05)
    assert math.isnan(row.temperature_sigma_k)


def test_a_t_in_seconds_is_an_exposure_and_no_temperature(table):
    (row,) = table("file,P (GPa),T (K),t (s)\na,1,300,20\n").rows
    assert (row.temperature_k, row.exposure_s) == (300.0, 20.0)


def test_an_error_of_celsius_is_one_of_kelvin_without_the_offset(table):
    (row,) = table("file,P (GPa),T (C),+-\na,1,25,2\n").rows
    assert (row.temperature_k, row.temperature_sigma_k) == (pytest.approx(298.15), 2.0)


@pytest.mark.parametrize("missing", ["", "-", "nan", "N/A", " "])
def test_what_is_missing_is_nan_and_never_zero(table, missing):
    (row,) = table(f"file,P (GPa),T (K),exposure (s)\na,{missing},{missing},{missing}\n").rows
    assert all(map(math.isnan, (row.pressure_gpa, row.temperature_k, row.exposure_s, row.pressure_sigma_gpa)))


def test_the_other_columns_are_read_and_those_that_say_nothing_are_named(table):
    found = table(
        "file,frame,P (GPa),T (K),exposure (min),wavelength (nm),sample,comment,direction,ring current\n"
        'scan.h5,3,1,300,2,0.04133,Au,"hot, then cold",decompression,99.1\n'
        "scan.h5,sum,1,300,,,,,,\n"
    )
    first, second = found.rows
    assert (first.frame, first.exposure_s, first.sample, first.stroke) == (3, 120.0, "Au", "downstroke")
    assert first.wavelength_angstrom == pytest.approx(0.4133)
    assert first.comment == "hot, then cold"
    assert (second.frame, second.stroke) == (0, "")
    assert found.not_used == ("ring current",)
    assert found.faults == ()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_how_a_spreadsheet_saves_a_table_changes_nothing(table, encoding, ends):
    lines = (
        "# beamtime of may",
        "file;P (GPa);T (\N{DEGREE SIGN}C)",
        '"a.tif";"1,5";25',
        "",
        "# the last",
        "b.tif;2,5;26;",
    )
    found = table(ends.join(lines), encoding)
    assert [(row.file, row.pressure_gpa, row.line) for row in found.rows] == [("a.tif", 1.5, 3), ("b.tif", 2.5, 6)]
    assert found.faults == ()


def test_the_last_comment_may_be_the_headings(table):
    (row,) = table("# cell 12\n#file, P (GPa), T (K)\na.tif, 1.5, 300\n").rows
    assert (row.file, row.pressure_gpa, row.line) == ("a.tif", 1.5, 3)


def test_a_comma_that_may_part_thousands_is_refused(table):
    found = table("file;P (kbar);T (K)\na;1,000;300\nb;12,5;300\n")
    assert len(found.faults) == 1
    assert "line 2, column 'P (kbar)': '1,000'" in found.faults[0]
    assert "1.000 or 1000" in found.faults[0]


def test_a_decimal_comma_between_commas_is_refused_with_what_to_do(table):
    (fault,) = table("file,P (GPa),T (K)\na,4,38,300\n").faults
    assert "line 2: has 4 columns, and the headings are 3" in fault
    assert "semicolons" in fault


def test_a_decimal_comma_before_an_empty_cell_is_no_temperature(table):
    (fault,) = table("file,P (GPa),T (K)\na,4,38,\n").faults
    assert "line 2: has 4 columns, and the headings are 3" in fault


@pytest.mark.parametrize(("cells", "heading"), [("4,38,300,", "+-"), ("4,,38,300", "dT")])
def test_an_error_above_the_value_itself_is_doubted(table, cells, heading):
    (fault,) = table(f"file,P (GPa),+-,T (K),dT\na,{cells}\n").faults
    assert f"line 2, column '{heading}': the error" in fault
    assert table("file,P (GPa),+-,T (K)\na,0.1,0.3,300\n").faults == ()


def test_points_and_commas_in_one_table_are_refused(table):
    (fault,) = table("file;P (GPa);T (K)\na;4,38;300\nb;4.41;300\n").faults
    assert "line 3: has a decimal point, and line 2 the other" in fault


def test_all_faults_of_a_table_are_told_at_once_with_line_column_and_value(table):
    found = table(
        "file,P (GPa),+-,T (K),exposure (s),stroke,frame\n"
        "a,-3,,300,1,up,1\n"
        "b,1e6,,300,1,up,1\n"
        "c,1,-0.1,300,1,up,1\n"
        "d,1,,-5,1,up,1\n"
        "e,1,,0,1,up,1\n"
        "f,4.38 GPa,,300,1,up,1\n"
        "g,1,,300,-1,sideways,0\n"
        ",1,,300,1,up,1\n"
        "h,1,,300\n"
    )
    expected = {
        2: "column 'P (GPa)': -3 is not within -0.5 and 1000 GPa",
        3: "column 'P (GPa)': 1e6 is not within -0.5 and 1000 GPa",
        4: "column '+-': -0.1 is not within 0 and 1000 GPa",
        5: "column 'T (K)': -5 is not above 0 and at most 10000 K",
        6: "column 'T (K)': 0 is not above 0 and at most 10000 K",
        7: "column 'P (GPa)': '4.38 GPa' is no number",
        9: "names no file",
        10: "has 4 columns, and the headings are 7",
    }
    for line, says in expected.items():
        assert [fault for fault in found.faults if f"line {line}" in fault and says in fault], (line, says)
    assert len([fault for fault in found.faults if "line 8" in fault]) == 3  # exposure, stroke and frame
    assert len(found.faults) == len(expected) + 3


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("file,P (GPa),T\na,1,25\n", "column 'T': the unit of temperature is not said, and none is guessed"),
        ("file,P,T (K)\na,1,25\n", "column 'P': the unit of pressure is not said"),
        ("file,P (mbar),T (K)\na,1,25\n", "'mbar' is no unit of pressure that is read"),
        ("file,P (mPa),T (K)\na,1,25\n", "'mPa' is no unit of pressure that is read"),
        ("file,P (GPa),T (F)\na,1,25\n", "'F' is no unit of temperature that is read"),
        ("file,P (GPa)\na,1\n", "has no column of temperature"),
        ("file,P (GPa),P (kbar),T (K)\na,1,10,300\n", "both say pressure"),
        ("number,P (GPa),T (K)\n1,1,300\n", "no headings with a column of files"),
        ("a.cbf,1,300\n", "no headings with a column of files"),
        ("file,P (GPa),T (K)\n", "has headings and no row"),
        ("", "is empty"),
        ("file,P (GPa),T (K)\na\0b,1,300\n", "line 2: has a NUL in it"),
    ],
)
def test_headings_that_can_be_read_in_two_ways_or_none_are_refused(table, text, says):
    assert says in refusal(table, text)


def test_every_heading_that_is_wrong_is_told(table):
    said = refusal(table, "file,P,T\na,1,25\n")
    assert "'P'" in said
    assert "'T'" in said


def test_quotes_that_do_not_end_are_told_with_their_line(table):
    (fault,) = table('file,P (GPa),T (K)\na,1,300\n"b,2,300\n').faults
    assert "line 3: cannot be read" in fault
