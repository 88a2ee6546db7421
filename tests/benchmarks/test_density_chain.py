"""The whole chain from plates to a verdict, over twenty loadings of four kinds of worlds at 298 K and 8 GPa.

Run apart: ``python -m pytest -n0 -s -o timeout=3000 tests/benchmarks/test_density_chain.py``. Prints each verdict and
the means. A world's seed draws its form factors, grains, texture, diamonds and photons. The truth is read here, in the
score, and nowhere else.
"""

import sys
from pathlib import Path

import numpy as np
import pytest
from measured_alloy import QUESTION

from lics_beamline.diffraction.geometry import Geometry
from lics_beamline.diffraction.graininess import cake, graininess
from lics_beamline.diffraction.integration import Integration, Integrator
from lics_beamline.physics.unit_cell import UnitCell
from lics_beamline.refinement.density import judge
from lics_beamline.refinement.fit_choice import FitChoice
from lics_beamline.refinement.pattern_fit import fit_pattern
from lics_beamline.refinement.powder_phase import PowderPhase
from lics_simulators.equation_of_state import re_cell
from lics_simulators.plate.frame import PlateModel
from lics_simulators.plate.scene import Light
from lics_simulators.plate.settings import read_settings
from lics_simulators.preset import read_preset
from lics_simulators.sample import PhaseState, SampleState

SEEDS = range(20)
EXPOSURES = 4.0  # nominal ones: 60 photons a pixel on the strongest ring
OSCILLATION_DEG = 20.0  # averages grains: 1 % of a ring without it
PRESSURE_GPA, TEMPERATURE_K = 8.0, 298.0
PONI = Path(__file__).parents[2] / "profiles" / "simulated" / "geometry.poni"


class Chain:
    """Exposes a world and asks its plate for lithium."""

    def __init__(self):
        self.models = {}
        self.integrator = Integrator(
            Geometry(poni=PONI.read_text()), Integration(two_theta_deg=(4.0, 30.5)), shape=(3000, 3000)
        )

    def ask(self, world, seed, *, oscillation_deg=OSCILLATION_DEG):
        preset = read_preset(world)
        settings = read_settings(preset.plate)
        wavelength = 12.398419843320026 / preset.beam.energy_kev
        if not self.models:  # the geometry is the same in all worlds and takes seconds
            self.models["plate"] = PlateModel(settings, wavelength)
        model = self.models["plate"]
        model.settings = settings
        a = preset.contents.alloy.a_angstrom(PRESSURE_GPA, TEMPERATURE_K)
        compound = PhaseState(phase="alloy", cell_angstrom=(a, a, a), cells=1.0, occupancy=preset.contents.li_occupancy)
        gasket = PhaseState(phase="re-hcp", cell_angstrom=re_cell(PRESSURE_GPA, TEMPERATURE_K), cells=1.0)
        sample = SampleState(
            time_s=0.0,
            pressure_gpa=PRESSURE_GPA,
            temperature_k=TEMPERATURE_K,
            phases=(compound, gasket),
            shift_along_beam_mm=0.0,
        )
        light = Light(sample=sample, exposures=EXPOSURES, oscillation_deg=oscillation_deg)

        def random(instrument, count):
            return np.random.default_rng([seed, *instrument.encode(), count])

        stored = model.stored_counts(light, random=random, count=0)
        counts = model.read_counts(stored, remaining=np.ones(stored.shape[0]))
        pattern = self.integrator.integrate(counts)
        fit = fit_pattern(
            pattern,
            (
                PowderPhase(name="alloy", space_group="P m -3 m", cell=UnitCell.cubic(3.489)),
                PowderPhase(
                    name="re", space_group="P 63/m m c", cell=UnitCell.hexagonal(2.741, 4.423), own_strain=True
                ),
            ),
            FitChoice(two_theta_deg=(5.0, 30.0)),
        )
        alloy, width_deg = fit.phases[0], float(np.median(fit.phases[0].fwhm_deg))
        whole = cake(counts, self.integrator.two_theta_deg, self.integrator.mask(counts))
        grains = graininess(whole, alloy.two_theta_deg, fwhm_deg=width_deg)
        found = judge(
            QUESTION,
            alloy.with_grains(whole),
            grain_error=float(np.median([ring.relative_sigma for ring in grains])),
            replicas=20,
            seed=seed,
        )
        return found, preset.contents.li_occupancy


def say(findings):
    lines = [f"{found} chi^2 of the rings {found.chi_squared:.2f}" for found in findings]
    sys.stdout.write("\n" + "\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def chain():
    return Chain()


def test_lithium_is_supported_in_twenty_of_twenty_worlds_and_its_occupancy_is_right(chain):
    findings = [chain.ask("volumetric", seed) for seed in SEEDS]
    values = np.array([found.occupancy.value if found.occupancy else np.nan for found, _ in findings])
    say([found for found, _ in findings])
    truth = findings[0][1]
    sys.stdout.write(f"mean {np.nanmean(values):.3f}, scatter {np.nanstd(values):.3f}, truth {truth}\n")
    assert [found.verdict for found, _ in findings] == ["supported"] * len(SEEDS)
    assert all(found.maximum.position == pytest.approx((0.5, 0.5, 0.5), abs=0.02) for found, _ in findings)
    assert np.mean(values) == pytest.approx(truth, abs=0.03)


def test_no_lithium_is_claimed_in_twenty_of_twenty_worlds_without_it(chain):
    findings = [chain.ask("no_lithium", seed)[0] for seed in SEEDS]
    say(findings)
    assert not [found for found in findings if found.verdict == "supported"]


def test_texture_of_three_percent_is_not_decided_in_twenty_of_twenty_worlds(chain):
    findings = [chain.ask("textured", seed)[0] for seed in SEEDS]
    say(findings)
    assert [found.verdict for found in findings] == ["not decided by these data"] * len(SEEDS)
    assert [found.occupancy for found in findings] == [None] * len(SEEDS)


def test_grains_of_three_percent_are_not_decided_in_twenty_of_twenty_worlds(chain):
    findings = [chain.ask("grainy", seed, oscillation_deg=0.0)[0] for seed in SEEDS]
    say(findings)
    assert [found.verdict for found in findings] == ["not decided by these data"] * len(SEEDS)
    assert [found.occupancy for found in findings] == [None] * len(SEEDS)
