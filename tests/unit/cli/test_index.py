"""The verb that finds the lattice of an unknown phase, on drawn patterns, a reduced run and a measured pattern."""

import json
import math

import numpy as np
import pytest
from reduced_documents import data, documents
from worlds.drawn_alloy import EDGE, alloy, drawn

from lics_beamline.cli import main
from lics_beamline.data_folder import DataFolder
from lics_beamline.journal.writer import Journal

LAB6_ANGSTROM = 4.15692  # NIST SRM 660b
QUICK = ["--systems", "cubic", "tetragonal", "--rietx", "0"]  # what the alloy has to be told from, in a second


@pytest.fixture(scope="module")
def xye(tmp_path_factory):
    """Return the path of a drawn pattern of the alloy as columns, without a heading."""
    pattern = drawn(alloy())
    path = tmp_path_factory.mktemp("patterns") / "alloy.xye"
    np.savetxt(path, np.column_stack([pattern.two_theta_deg, pattern.intensity, pattern.sigma]))
    return str(path)


def test_the_alloy_is_a_primitive_cube_from_its_pattern_alone(xye, capsys):
    assert main(["index", xye, "--wavelength", "0.41373", *QUICK, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    best = told["lattices"][0]
    assert (best["system"], best["centring"]) == ("cubic", "P")
    assert best["points"][0]["cell"]["a_angstrom"] == pytest.approx(EDGE, abs=1e-3)
    assert "P m -3 m" in best["space_groups"][0]["groups"]
    assert told["verdict"] in ("sure", "likely")
    assert [1, 0, 0] in best["points"][0]["indices"]


def test_a_formula_and_a_pressure_leave_lattices_that_can_hold_it(xye, capsys):
    known = ["--formula", "LiCs", "--pressure", "4.0"]
    assert main(["index", xye, "--wavelength", "0.41373", *QUICK, *known, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["lattices"][0]["content"].startswith("Cs Li, 0.")
    assert told["lattices"][0]["points"][0]["pressure_gpa"] == 4.0
    refused = [one["rejected"] for one in told["lattices"] if one["rejected"]]
    assert any("no atoms of that formula" in why for why in refused)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--formula", "LiCs", "--elements", "Cs"], "Give one of them"),
        (["--formula", "lics"], "is no formula"),
        (["--pressure", "3"], "Give --elements or --formula too"),
    ],
)
def test_contents_that_say_nothing_or_too_much_are_refused(xye, capsys, given, said):
    assert main(["index", xye, "--wavelength", "0.41373", *QUICK, *given]) == 2
    assert said in capsys.readouterr().err


@pytest.fixture
def tube_pattern(tmp_path):
    """Return what writes a pattern of LaB6 by both lines of a copper tube, of lines of a width [deg]."""

    def written(fwhm_deg):
        angle = np.arange(18.0, 118.0, 0.02)
        light = np.full(angle.size, 50.0)
        for squares in (1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14):
            for wavelength, height in ((1.5405929, 4000.0), (1.5444274, 2000.0)):
                centre = 2.0 * math.degrees(math.asin(wavelength * math.sqrt(squares) / (2.0 * LAB6_ANGSTROM)))
                shape = np.exp(-4.0 * math.log(2.0) * ((angle - centre) / fwhm_deg) ** 2)
                light += height / math.sqrt(squares) * shape
        counts = np.random.default_rng(7).poisson(light)
        path = tmp_path / f"lab6_{fwhm_deg}.xye"
        np.savetxt(path, np.column_stack([angle, counts, np.sqrt(np.maximum(counts, 1))]))
        return str(path)

    return written


@pytest.mark.long
def test_fluorapatite_of_a_diffractometer_is_found_where_its_sample_stood_out_of_the_axis(tmp_path, capsys):
    """The tutorial pattern of GSAS by copper, P 63/m: a = 9.3717, c = 6.8859 angstrom by its own fit."""
    from importlib.resources import files

    path = tmp_path / "apatite.raw"
    path.write_bytes((files("rietx.data") / "examples" / "FAP.XRA").read_bytes())
    words = ["index", str(path), "--wavelength", "CuKa", "--range", "15", "60", "--rietx", "0", "--json"]
    assert main([*words, "--systems", "hexagonal"]) == 0
    told = json.loads(capsys.readouterr().out)
    best = told["lattices"][0]
    cell = best["points"][0]["cell"]
    assert told["verdict"] == "not decided"  # what a doublet leaves beside its lines is no second phase, but may be
    assert (cell["a_angstrom"], cell["c_angstrom"]) == pytest.approx((9.3717, 6.8859), abs=5e-3)
    assert any("P 63/m" in one["groups"] for one in best["space_groups"])


@pytest.mark.parametrize(
    ("fwhm_deg", "wavelength", "last_deg"),
    [(0.08, "CuKa", 118.0), (0.08, "1.5406", 118.0), (0.08, "1.5418", 118.0), (0.4, "CuKa", 75.0)],
)
def test_lines_of_a_tube_are_indexed_by_its_first_wavelength_alone(
    tube_pattern, capsys, fwhm_deg, wavelength, last_deg
):
    words = ["--wavelength", wavelength, "--range", "18", str(last_deg), *QUICK, "--json"]
    assert main(["index", tube_pattern(fwhm_deg), *words]) == 0
    told = json.loads(capsys.readouterr().out)
    best = told["lattices"][0]
    assert (best["system"], best["centring"]) == ("cubic", "P")
    assert best["points"][0]["cell"]["a_angstrom"] == pytest.approx(LAB6_ANGSTROM, rel=1e-4)
    assert told["verdict"] in ("sure", "likely")


def test_the_table_says_verdict_lattices_and_groups(xye, capsys):
    assert main(["index", xye, "--wavelength", "0.41373", *QUICK]) == 0
    said = capsys.readouterr().out
    assert "verdict: " in said
    assert "cubic P" in said
    assert "P m -3 m" in said
    assert "reduced cell: " in said


def test_lines_of_a_known_phase_are_taken_off_first(xye, capsys):
    words = ["index", xye, "--wavelength", "0.41373", *QUICK, "--phases", "B", "--within", "0.05"]
    assert main(words) == 4
    assert "Nothing is there to be indexed" in capsys.readouterr().err


def test_the_lines_of_all_points_of_a_run_are_of_one_lattice(tmp_path, capsys):
    journal = Journal(DataFolder(tmp_path).derived_journals)
    points = []
    for number, edge in enumerate((EDGE, 0.985 * EDGE)):
        pattern = drawn(alloy(edge=edge), seed=number + 1)
        points.append(
            data(number)
            | {"two_theta_deg": pattern.two_theta_deg, "intensity": pattern.intensity, "phases": ""}
            | {"intensity_sigma": pattern.sigma, "graininess": np.full(pattern.sigma.size, math.nan)}
        )
    for number, (name, document) in enumerate(documents(points)):
        journal(name, {"uid": f"event {number}", "run_start": "d-0123456789", **document})
    assert main(["index", "d-0123456789", "--data", str(tmp_path), *QUICK, "--json"]) == 0
    best = json.loads(capsys.readouterr().out)["lattices"][0]
    edges = {round(one["pressure_gpa"], 2): one["cell"]["a_angstrom"] for one in best["points"]}
    assert edges == {3.01: pytest.approx(EDGE, abs=1e-3), 4.01: pytest.approx(0.985 * EDGE, abs=1e-3)}
    assert main(["index", "d-0123456789", "7", "--data", str(tmp_path), *QUICK]) == 2
    assert "has no point 7" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--volume", "90", "20"], "does not rise"),
        (["3"], "is a pattern, which has no point 3"),
        (["--range", "9", "4"], "does not rise"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(xye, capsys, words, why):
    assert main(["index", xye, *words, "--wavelength", "0.41373"]) == 2
    assert why in capsys.readouterr().err


def test_a_run_has_its_own_phases_and_wavelength(tmp_path, capsys):
    assert main(["index", "last", "--wavelength", "0.4", "--data", str(tmp_path)]) == 2
    assert "a run has those of its recipe" in capsys.readouterr().err


@pytest.mark.long
def test_a_measured_garnet_like_fluoride_is_indexed_from_its_lines_beside_those_of_fluorite(capsys):
    """11-BM NAC, Na2Ca3Al2F14 with CaF2: I 21 3, a = 10.25 angstrom (Courbion & Ferey 1988, J. Solid State Chem.)."""
    from importlib.resources import files

    pattern = files("rietx.data") / "examples" / "11BM_NAC.fxye"
    words = ["index", str(pattern), "--wavelength", "0.413909", "--range", "2", "25", "--rietx", "0", "--json"]
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)
    best = told["lattices"][0]
    assert told["verdict"] == "sure"
    assert (best["system"], best["centring"]) == ("cubic", "I")
    assert best["points"][0]["cell"]["a_angstrom"] == pytest.approx(10.25, abs=5e-3)
    assert any("I 21 3" in one["groups"] for one in best["space_groups"])
