import csv
import math
from functools import partial

import h5py
import numpy as np
import pytest
from reduced_documents import BINS, data, documents

from lics_beamline.errors import RunNotFound
from lics_beamline.exports.columns import write_columns
from lics_beamline.exports.figure import draw_summary
from lics_beamline.exports.fullprof import write_fullprof
from lics_beamline.exports.gsas import write_gsas
from lics_beamline.exports.nexus import write_nexus
from lics_beamline.exports.powder_cif import write_powder_cif
from lics_beamline.exports.provenance import graininess
from lics_beamline.exports.reduced_run import reduced_run
from lics_beamline.exports.table import write_table
from lics_beamline.exports.topas import write_topas


def test_an_xye_file_says_pressure_wavelength_and_recipe_and_reads_back_the_same_numbers(tmp_path):
    run = reduced_run(documents([data(0), data(1, reduced=False)]))
    (file,) = write_columns(run, tmp_path, layout="xye")
    text = file.read_text()
    assert "0.413730" in text
    assert "abcdef0123" in text
    assert "3.0100 +- 0.0020" in text
    table = np.loadtxt(file)
    assert table.shape == (BINS, 3)
    np.testing.assert_allclose(table[:, 1], run.points[0].intensity, rtol=1e-5)
    np.testing.assert_allclose(table[:, 0], run.points[0].two_theta_deg, atol=5e-6)


def test_empty_bins_are_left_out_of_a_file(tmp_path):
    point = data(0)
    point["intensity"][:7] = math.nan
    (file,) = write_columns(reduced_run(documents([point])), tmp_path, layout="xy")
    assert np.loadtxt(file).shape == (BINS - 7, 2)


def test_a_raw_run_is_not_taken_for_a_reduced_one():
    with pytest.raises(RunNotFound, match="lics replay"):
        reduced_run(documents([], purpose="sweep"))


@pytest.mark.parametrize(
    "points",
    [
        [data(0), data(1, stroke="heating"), data(2, stroke="downstroke", a=3.6)],
        [data(0, a=math.nan)],
        [data(0, reduced=False)],
    ],
    ids=["whole", "no alloy", "nothing reduced"],
)
def test_the_summary_is_drawn_whatever_was_found(tmp_path, points):
    file = draw_summary(reduced_run(documents(points)), tmp_path / "figures" / "summary.png")
    assert file.read_bytes().startswith(b"\x89PNG")
    assert file.stat().st_size > 20_000


def test_every_pattern_says_how_grainy_its_rings_are():
    run = reduced_run(documents([data(0)]))
    assert graininess(run.points[0]).endswith("deg 2.4 %")
    older = data(0)
    del older["graininess"]
    assert graininess(reduced_run(documents([older])).points[0]).endswith("not measured")


def test_the_table_of_points_has_what_no_phase_explains_where_there_is_such(tmp_path):
    unnamed = {"unknown_phases": "unknown 1,unknown 2", "unknown_fraction": 0.31, "unknown_fraction_sigma": 0.04}
    (file,) = write_table(reduced_run(documents([data(0), data(1) | unnamed])), tmp_path)
    first, second = csv.DictReader(file.read_text(encoding="utf-8").splitlines())
    assert (first["unknown_phases"], float(first["unknown_fraction"])) == ("", 0.0)
    assert second["unknown_phases"] == "unknown 1, unknown 2"
    assert (float(second["unknown_fraction"]), float(second["unknown_fraction_sigma"])) == (0.31, 0.04)
    (file,) = write_table(reduced_run(documents([data(0)])), tmp_path)
    assert "unknown_fraction" not in file.read_text(encoding="utf-8")


def test_no_name_in_the_table_of_points_is_taken_for_a_formula(tmp_path):
    (file,) = write_table(reduced_run(documents([{**data(0), "leg": "=cmd()", "note": "@SUM(A1)"}])), tmp_path)
    with file.open(newline="") as table:
        (point,) = csv.DictReader(table)
    assert point["leg"] == "'=cmd()"
    assert not any(cell.startswith(("=", "@")) for cell in point.values())


HOSTILE = "a\n=cmd()\x1b[2J\x9b31m\u202eb\u2028c\0\ud800"


def hostile_run():
    """A reduced run whose names end lines, clear terminals and turn the order of letters round."""
    told = list(documents([{**data(0), "leg": HOSTILE, "note": HOSTILE}]))
    told[0][1].update(title=HOSTILE, operator=HOSTILE, sample={"name": HOSTILE}, profile={"name": HOSTILE})
    return reduced_run(told)


@pytest.mark.parametrize(
    "write",
    [
        partial(write_columns, layout="xye"),
        partial(write_columns, layout="chi"),
        write_fullprof,
        write_gsas,
        write_powder_cif,
        write_table,
        write_topas,
    ],
    ids=["xye", "chi", "fullprof", "gsas", "cif", "csv", "topas"],
)
def test_no_name_begins_a_line_of_an_exported_file_or_moves_the_cursor_of_who_reads_it(tmp_path, write):
    for file in write(hostile_run(), tmp_path):
        text = file.read_bytes().decode(errors="replace")
        assert not any(each in text for each in "\x1b\x9b\u202e\u2028\0")
        assert not any(line.startswith("=cmd") for line in text.splitlines())


def test_a_name_of_any_characters_is_one_line_of_a_nexus_file(tmp_path):
    (path,) = write_nexus(hostile_run(), {}, tmp_path)
    with h5py.File(path) as file:
        for name in ("title", "instrument/name"):
            assert file[f"entry/{name}"].asstr()[()].isprintable()
