"""The verb that exports a run, asked for the electron density of its main phase: patterns drawn with lithium at 1/2."""

import json
from pathlib import Path

import gemmi
import numpy as np
import pytest
from reduced_documents import data, documents
from worlds.drawn_alloy import EDGE, alloy, drawn

from lics_beamline.cli import main
from lics_beamline.data_folder import DataFolder
from lics_beamline.journal.writer import Journal
from lics_beamline.phases.phase import default_phases

RUN = "d-0123456789"


def record(root, points):
    journal = Journal(DataFolder(root).derived_journals)
    for number, (name, document) in enumerate(documents(points)):
        if name == "start":
            document["recipe"]["phases"] = [phase.model_dump(mode="json") for phase in default_phases()]
        journal(name, {"uid": f"event {number}", "run_start": RUN, **document})
    return root


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a data folder with one reduced run: the alloy, a point of something else, a point that failed."""
    pattern = drawn(alloy())
    points = [data(0, a=EDGE + 0.0005), data(1), data(2, reduced=False)]
    for point in points[:2]:
        point |= {"two_theta_deg": pattern.two_theta_deg, "intensity": pattern.intensity}
        point |= {"intensity_sigma": pattern.sigma, "graininess": np.zeros(pattern.sigma.size)}
    points[0]["phases"], points[1]["phases"] = "alloy", ""
    return record(tmp_path_factory.mktemp("data"), points)


def exported(folder, to, layout, capsys):
    assert main(["export", RUN, "--for", layout, "--data", str(folder), "--to", str(to), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    (name,) = told["files"]
    assert json.loads((to / "manifest.json").read_text())["layout"] == layout
    return name


def test_a_map_shows_the_caesium_at_the_corner_and_the_lithium_that_was_drawn_at_the_centre(folder, tmp_path, capsys):
    name = exported(folder, tmp_path, "density", capsys)
    assert name.endswith("point-000_3.01GPa_298K_alloy.ccp4")
    found = gemmi.read_ccp4_map(name)
    found.setup(float("nan"))
    assert found.grid.unit_cell.a == pytest.approx(EDGE, abs=3e-4)
    values = np.array(found.grid.array)
    centre = values.shape[0] // 2
    near = values[centre - 4 : centre + 5, centre - 4 : centre + 5, centre - 4 : centre + 5]
    assert values.max() == values[0, 0, 0]
    assert near.max() == near[4, 4, 4] > 3.0
    assert values.mean() * EDGE**3 == pytest.approx(55.0 + 0.7 * 3.0, rel=2e-3)


@pytest.mark.parametrize(("layout", "atoms"), [("cube", "    2"), ("xsf", "2 1")])
def test_other_programs_get_the_same_density_with_its_atoms(folder, tmp_path, capsys, layout, atoms):
    name = exported(folder, tmp_path, layout, capsys)
    assert name.endswith(f"_alloy.{layout}")
    assert any(line.startswith(atoms) for line in Path(name).read_text().splitlines()[:8])


def test_grains_make_the_density_smoother(folder, tmp_path, capsys):
    """A grainy ring has a larger error, so the entropy may draw less of what the rings say."""
    grainy = data(0, a=EDGE + 0.0005)
    pattern = drawn(alloy())
    grainy |= {"two_theta_deg": pattern.two_theta_deg, "intensity": pattern.intensity, "phases": "alloy"}
    grainy |= {"intensity_sigma": pattern.sigma, "graininess": np.full(pattern.sigma.size, 0.3)}
    record(tmp_path / "grainy", [grainy])
    smooth = gemmi.read_ccp4_map(exported(tmp_path / "grainy", tmp_path / "a", "density", capsys))
    sharp = gemmi.read_ccp4_map(exported(folder, tmp_path / "b", "density", capsys))
    assert np.array(smooth.grid.array).max() < 0.99 * np.array(sharp.grid.array).max()


def test_a_run_without_the_main_phase_has_no_density_to_export(tmp_path, capsys):
    nothing = data(0)
    nothing["phases"] = ""
    record(tmp_path, [nothing])
    assert main(["export", RUN, "--for", "density", "--data", str(tmp_path)]) == 4
    assert "no reduced point that shows" in capsys.readouterr().err
