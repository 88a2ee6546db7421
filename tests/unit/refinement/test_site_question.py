from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from worlds.measured_alloy import CELL, QUESTION, WAVELENGTH_ANGSTROM, groups

import lics_beamline.refinement
from lics_beamline.errors import RefinementFailed
from lics_beamline.physics.crystal import powder_lines
from lics_beamline.physics.structure import Site, Structure
from lics_beamline.physics.structure_file import structure_from_cif
from lics_beamline.physics.unit_cell import UnitCell
from lics_beamline.refinement.density import judge
from lics_beamline.refinement.density_grid import DensityGrid
from lics_beamline.refinement.occupancy import SiteEstimator
from lics_beamline.refinement.powder_model import PowderModel
from lics_beamline.refinement.site_question import question_about
from lics_beamline.refinement.structure_factors import ReflectionGroup, StructureFactors

MODELS = Path(lics_beamline.refinement.__file__).with_name("models")
FACES = Structure(
    name="faces",
    space_group="P m -3 m",
    cell=CELL,
    sites=(
        Site(label="Cs1", element="Cs", x=0.0, y=0.0, z=0.0, b_iso_angstrom2=1.5),
        Site(label="Li1", element="Li", x=0.5, y=0.5, z=0.0, b_iso_angstrom2=3.0),
    ),
)
OXIDE = Structure(  # oxygen in the octahedral holes of rhenium: a made-up crystal of another system
    name="oxide",
    space_group="P 63/m m c",
    cell=UnitCell.hexagonal(2.85, 4.60),
    sites=(
        Site(label="Re1", element="Re", x=1 / 3, y=2 / 3, z=0.25, b_iso_angstrom2=0.6),
        Site(label="O1", element="O", x=0.0, y=0.0, z=0.0, occupancy=0.8, b_iso_angstrom2=1.0),
    ),
)


def measured(structure, rings, *, seed, relative=0.004):
    squared = 3.1 * PowderModel(structure, rings, WAVELENGTH_ANGSTROM).squares().total
    sigma = relative * squared
    return StructureFactors(
        space_group=structure.space_group,
        cell=structure.cell,
        wavelength_angstrom=WAVELENGTH_ANGSTROM,
        groups=rings,
        squared=squared + sigma * np.random.default_rng(seed).normal(size=squared.size),
        covariance=np.diag(sigma**2),
    )


def test_lithium_on_the_faces_shows_on_the_faces_and_not_at_the_centre():
    # Model A of Desgreniers et al., Sci. Adv. 1, e1500669 (2015)
    factors = measured(FACES, groups(), seed=1)
    asked = question_about(FACES, "Li1", b_low_angstrom2=1.5, b_high_angstrom2=5.0)
    grid = DensityGrid(cell=CELL, space_group="P m -3 m", shape=(32, 32, 32))
    assert asked.electrons == pytest.approx(55 + 9)
    assert len(asked.images) == 3
    found = judge(asked, factors, grid=grid, replicas=8)
    assert found.verdict == "supported"
    assert found.occupancy.value == pytest.approx(1.0, abs=3 * found.occupancy.sigma)
    assert found.density.values[16, 16, 0] > 5.0
    assert found.density.values[16, 16, 16] < 0.5
    assert judge(QUESTION, factors, grid=grid, replicas=8).verdict != "supported"


def test_another_element_in_another_space_group_is_asked_about_in_the_same_words():
    every = tuple(
        ReflectionGroup(
            reflections=(line.reflection,),
            multiplicities=(line.multiplicity,),
            s_per_angstrom=0.5 / line.d_angstrom,
        )
        for line in powder_lines(OXIDE.cell, OXIDE.space_group, 0.72)
    )
    strong = PowderModel(OXIDE, every, WAVELENGTH_ANGSTROM).squares().total > 100.0
    rings = tuple(ring for ring, is_strong in zip(every, strong, strict=True) if is_strong)
    asked = question_about(OXIDE, "O1", b_low_angstrom2=0.6, b_high_angstrom2=1.5, radius_angstrom=0.7)
    grid = DensityGrid(cell=OXIDE.cell, space_group=OXIDE.space_group, shape=(32, 32, 48))
    found = judge(asked, measured(OXIDE, rings, seed=2), grid=grid, replicas=8)
    assert found.verdict == "supported"
    assert found.occupancy.value == pytest.approx(0.8, abs=3 * found.occupancy.sigma)
    assert found.occupancy.sigma < 0.1


def test_dispersion_is_taken_off():
    rings = groups()
    alloy = replace(FACES, sites=FACES.sites[:1])
    factors = measured(alloy, rings, seed=3, relative=1e-9)
    grid = DensityGrid(cell=CELL, space_group="P m -3 m", shape=(16, 16, 16))
    found = SiteEstimator(QUESTION, factors, grid).amplitudes(factors.squared).amplitude
    model = PowderModel(alloy, rings, WAVELENGTH_ANGSTROM)
    np.testing.assert_allclose(found, np.sqrt(model.squares().density), rtol=1e-5)
    assert np.abs(np.sqrt(model.squares().total) / found - 1).max() > 0.03  # what it would have been


def test_a_question_comes_from_the_shipped_model_of_the_alloy():
    structure = structure_from_cif((MODELS / "B.cif").read_text())
    asked = question_about(structure, "Li1", b_low_angstrom2=1.0, b_high_angstrom2=6.0)
    assert asked.element == "Li"
    assert asked.site == (0.5, 0.5, 0.5)
    assert [site.element for site in asked.host.sites] == ["Cs"]


def test_a_site_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(RefinementFailed, match=r"0 sites 'Na1' and 2 others: .* one of Cs1, Li1"):
        question_about(FACES, "Na1", b_low_angstrom2=1.0, b_high_angstrom2=2.0)


def test_a_likely_b_outside_its_range_is_refused():
    with pytest.raises(ValueError, match="B of Li is 3 A"):
        question_about(FACES, "Li1", b_low_angstrom2=4.0, b_high_angstrom2=5.0)
