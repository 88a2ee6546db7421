"""From a simulated world at 8 GPa and 298 K to a verdict on its lithium: plate, pattern, structure factors, density.

Used by the scores of the density. The simulator's truth leaves this file as one number, for the score alone.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from lics_beamline.geometry.geometry import Geometry
from lics_beamline.integration.integration import Integration, Integrator
from lics_beamline.integration.ring_scatter import on_bins
from lics_beamline.lines.peaks import find_peaks
from lics_beamline.physics.unit_cell import UnitCell
from lics_beamline.refinement.density import judge
from lics_beamline.refinement.pattern_fit import FitChoice, fit_pattern
from lics_beamline.refinement.powder_phase import PowderPhase
from lics_simulators.equation_of_state import re_cell
from lics_simulators.plate.frame import PlateModel
from lics_simulators.plate.scene import Light
from lics_simulators.plate.settings import read_settings
from lics_simulators.preset import read_preset
from lics_simulators.sample import PhaseState, SampleState
from worlds.measured_alloy import QUESTION

EXPOSURES = 4.0  # nominal ones: 60 photons a pixel on the strongest ring
OSCILLATION_DEG = 20.0  # averages grains: 1 % of a ring without it
PRESSURE_GPA, TEMPERATURE_K = 8.0, 298.0
PONI = Path(__file__).parents[2] / "profiles" / "simulated" / "geometry.poni"
PHASES = (
    PowderPhase(name="alloy", space_group="P m -3 m", cell=UnitCell.cubic(3.489)),
    PowderPhase(name="re", space_group="P 63/m m c", cell=UnitCell.hexagonal(2.741, 4.423), own_strain=True),
)


class Chain:
    """Exposes a world and asks its plate for lithium."""

    def __init__(self):
        self.models = {}
        self.integrator = Integrator(
            Geometry(poni=PONI.read_text()), Integration(two_theta_deg=(4.0, 30.5)), shape=(3000, 3000)
        )

    def ask(self, world, seed, *, oscillation_deg=OSCILLATION_DEG, grid=None):
        """Return the finding and the true occupancy."""
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
        prepared = self.integrator.prepare(counts)
        pattern = self.integrator.pattern(prepared)
        rings = self.integrator.ring_scatter(prepared, pattern, find_peaks(pattern))
        pattern = replace(pattern, graininess=on_bins(rings, pattern.two_theta_deg))
        fit = fit_pattern(pattern, PHASES, FitChoice(two_theta_deg=(5.0, 30.0)))
        alloy = fit.phases[0]
        errors = alloy.grain_errors(pattern)
        found = judge(
            QUESTION,
            alloy.structure_factors.enlarged(errors),
            grain_error=float(np.median(errors)),
            grid=grid,
            replicas=20,
            seed=seed,
        )
        return found, preset.contents.li_occupancy
