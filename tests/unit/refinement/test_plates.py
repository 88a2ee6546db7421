"""Scores on one simulated plate, from photons to models: the only test here that knows the simulator's truth."""

from pathlib import Path

import numpy as np
import pytest

from lics_beamline.geometry.geometry import read_geometry
from lics_beamline.integration.integration import Integration, Integrator
from lics_beamline.refinement.cell_search import find_cell
from lics_beamline.refinement.fit_choice import FitChoice
from lics_beamline.refinement.lit_range import lit_range
from lics_beamline.refinement.pattern_fit import fit_pattern
from lics_beamline.refinement.rietveld import RietveldChoice, rank
from lics_beamline.refinement.structural_model import read_model
from lics_simulators.equation_of_state import re_cell
from lics_simulators.plate.frame import PlateModel
from lics_simulators.plate.scene import Light
from lics_simulators.plate.settings import read_settings
from lics_simulators.sample import PhaseState, SampleState
from lics_simulators.world import World

WAVELENGTH = 0.41373
EDGE = 3.5692  # truth of the default world at 5 GPa and 498 K
PONI = Path(__file__).parents[3] / "profiles/simulated/geometry.poni"
FACES, CENTRE, GASKET = read_model(Path("A")), read_model(Path("B")), read_model(Path("rhenium"))


@pytest.fixture(scope="module")
def pattern():
    """Return the pattern of the alloy at 5 GPa and 498 K on a plate of the default exposure, found geometry."""
    sample = SampleState(
        time_s=0.0,
        pressure_gpa=5.0,
        temperature_k=498.0,
        phases=(
            PhaseState(phase="alloy", cell_angstrom=(EDGE, EDGE, EDGE), cells=1.0),
            PhaseState(phase="re-hcp", cell_angstrom=re_cell(5.0, 498.0), cells=1.0),
        ),
        shift_along_beam_mm=0.0,
    )
    model = PlateModel(read_settings(), WAVELENGTH)
    stored = model.stored_counts(
        Light(sample=sample, exposures=1.0, oscillation_deg=6.0), random=World(seed=1).random, count=0
    )
    frame = model.read_counts(stored, remaining=np.ones(3000))
    choice = Integration(bins=2500, two_theta_deg=(3.0, 31.0))
    return Integrator(read_geometry(PONI), choice, shape=(3000, 3000)).integrate(frame, saturation_counts=262_136)


@pytest.fixture(scope="module")
def choice(pattern):
    return FitChoice(two_theta_deg=lit_range(pattern))


@pytest.fixture(scope="module")
def alloy(pattern, choice):
    return CENTRE.in_cell(find_cell(pattern, CENTRE.phase(), choice=choice).cell)


@pytest.fixture(scope="module")
def gasket(pattern, choice, alloy):
    near = find_cell(pattern, GASKET.phase(), (alloy.phase(),), within=0.02, choice=choice)
    return GASKET.in_cell(near.cell)


def test_the_cell_is_that_of_the_world(pattern, choice, alloy, gasket):
    fit = fit_pattern(pattern, (alloy.phase(), gasket.phase()), choice)
    assert fit.cell.a_angstrom == pytest.approx(EDGE, abs=1e-3)
    assert fit.cell_sigma.a_angstrom < 5e-5
    assert fit.phase("rhenium").cell.a_angstrom == pytest.approx(re_cell(5.0, 498.0)[0], abs=1e-3)


def test_lithium_at_the_centre_is_preferred_at_the_declared_exposure(pattern, choice, alloy, gasket):
    faces = FACES.in_cell(alloy.cell)
    assert faces.sites[1].b_iso_angstrom2 == 2.0
    best, worst = rank(pattern, (faces, alloy), (gasket,), RietveldChoice(pattern=choice))
    assert (best.name, worst.name) == ("B", "A")
    assert worst.agreement.r_wp_subtracted / best.agreement.r_wp_subtracted > 1.6
    lithium = best.phases[0].site("Li1")
    assert lithium.site.occupancy == pytest.approx(0.7, abs=3 * lithium.occupancy_sigma)
