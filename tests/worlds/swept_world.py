"""A simulated world swept without its IOCs: plates, ruby spectra and thermocouples of chosen states, reduced as a run.

Used by the scores of the analysis. What is true of the world leaves this file by `truth` alone.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lics_beamline.exports.reduced_run import ReducedRun, reduced_run
from lics_beamline.reduction.event import event_data
from lics_beamline.reduction.point import PointReading, reduce_point
from lics_beamline.reduction.recipe import read_recipe
from lics_beamline.reduction.reference import ReferenceReading, refer
from lics_simulators.plate.frame import PlateModel
from lics_simulators.plate.scene import Light
from lics_simulators.plate.settings import read_settings
from lics_simulators.preset import read_preset
from lics_simulators.world import World

RECIPE = Path(__file__).parents[2] / "profiles" / "simulated" / "recipe.toml"
DWELL_S = 1200.0  # of experiment between points: what a step of pressure and an exposure take
COLD_LEG, HEATING, HOT_LEG = "298 K upstroke", "heating at constant load", "498 K downstroke"


@dataclass(frozen=True, kw_only=True)
class Stop:
    """A state on the path: leg, stroke, pressure of the sample [GPa], its temperature [K]."""

    leg: str
    stroke: str
    gpa: float
    kelvin: float


def stops(cold_gpa, heated=(), hot_gpa=(), *, hot_k=495.0):
    """Up at 298 K, heated, down while hot; `heated` are pairs of pressure and temperature."""
    return (
        *(Stop(leg=COLD_LEG, stroke="upstroke", gpa=gpa, kelvin=298.05) for gpa in cold_gpa),
        *(Stop(leg=HEATING, stroke="heating", gpa=gpa, kelvin=kelvin) for gpa, kelvin in heated),
        *(Stop(leg=HOT_LEG, stroke="downstroke", gpa=gpa, kelvin=hot_k) for gpa in hot_gpa),
    )


PAPER = stops(
    (0.12, 0.5, 1.0, 2.0, 2.6, 2.9, 3.1, 3.4, 4.0, 4.8, 5.5, 6.5, 7.95),
    ((8.34, 347.4), (8.72, 396.7), (9.1, 445.9), (9.49, 495.0)),
    (9.0, 8.0, 6.5, 5.0, 4.0, 3.0, 2.2, 1.95, 1.5),
)


@dataclass(frozen=True, kw_only=True)
class Swept:
    """A reduced run of a world and, for scores alone, the world's own law of the cell."""

    run: ReducedRun
    truth: object

    def edge(self, gpa, kelvin):
        """True edge of the alloy [angstrom]."""
        return self.truth.a_angstrom(gpa, kelvin)


class Sweeper:
    """Sweeps worlds; the tables of the detector are made once."""

    def __init__(self, recipe=RECIPE):
        self.recipe = read_recipe(recipe)
        self.model = None

    def by(self, recipe):
        """Return the same sweeper with another recipe."""
        other = Sweeper(recipe)
        other.model = self.model
        return other

    def sweep(self, preset, path, *, seed=1, exposures=1.0):
        """Return what a sweep of a world along a path is reduced to."""
        described = read_preset(preset)
        world = World(seed=seed, preset=described)
        settings = read_settings(described.plate)
        if self.model is None:
            self.model = PlateModel(settings, 12.398419843320026 / described.beam.energy_kev)
        self.model.settings = settings
        instruments = world.random("score", 0)
        recipe, gauge = self._referred(world, instruments)
        events = []
        for index, stop in enumerate(path):
            reduced = self._point(world, stop, index, gauge, recipe, exposures, instruments)
            events.append(reduced)
        return Swept(
            run=reduced_run(_documents(events, recipe)), truth=getattr(described.contents, "alloy", described.contents)
        )

    def _referred(self, world, instruments):
        optics = world.ruby
        optics.switch_laser(on=True)
        optics.lamp_is_on = True
        dark = {"sample_gpa": 0.0, "sample_k": 298.05, "ambient_k": world.preset.ambient_k}
        neon = optics.spectrum(optics.rate_cps(**dark), 1.0, 10, instruments)
        optics.lamp_is_on, optics.shutter_is_open, optics.ambient_chip_is_selected = False, True, True
        outside = optics.spectrum(optics.rate_cps(**dark), 1.0, 10, instruments)
        optics.ambient_chip_is_selected = False
        reading = ReferenceReading(
            axis_nm=optics.wavelength_nm,
            neon_counts=neon,
            ruby_counts=outside,
            gasket_k=world.thermocouples.read_k(0, instruments),
            cell_k=world.thermocouples.read_k(1, instruments),
            ambient_k=world.thermocouples.read_k(3, instruments),
            heater_percent=0.0,
        )
        reference = refer(reading, self.recipe.ruby)
        recipe = self.recipe.with_reference(reference.r1_nm, reference.temperature_k, reference.r1_sigma_nm)
        return recipe, reference.gauge(recipe.ruby)

    def _point(self, world, stop, index, gauge, recipe, exposures, instruments):
        for _ in range(int(DWELL_S / 5.0)):
            world.contents.step(5.0, stop.gpa, stop.kelvin)
        state = world.contents.state(index * DWELL_S, stop.gpa, stop.kelvin)
        light = Light(sample=state, exposures=exposures, oscillation_deg=6.0, structures=world.structures)
        stored = self.model.stored_counts(light, random=world.random, count=index)
        counts = self.model.read_counts(stored, remaining=np.ones(stored.shape[0]))
        optics = world.ruby
        rate = optics.rate_cps(sample_gpa=stop.gpa, sample_k=stop.kelvin, ambient_k=world.preset.ambient_k)
        gradient = world.preset.heater.sample_gradient
        world.thermocouples.true_k[0] = world.preset.ambient_k + (stop.kelvin - world.preset.ambient_k) / gradient
        reading = PointReading(
            ruby_wavelength_nm=optics.wavelength_nm,
            ruby_counts=optics.spectrum(rate, 1.0, 4, instruments),
            gasket_k=world.thermocouples.read_k(0, instruments),
            ambient_k=world.thermocouples.read_k(3, instruments),
        )
        reduced = reduce_point(counts, reading, recipe, gauge=gauge)
        return event_data(reduced, recipe) | {
            "point_index": index,
            "exposure_uid": f"e{index}",
            "leg": stop.leg,
            "stroke": stop.stroke,
            "requested_pressure_gpa": stop.gpa,
            "requested_temperature_k": stop.kelvin,
            "load_bar": 0.0,
        }


def _documents(events, recipe):
    yield (
        "start",
        {
            "uid": "swept-world",
            "purpose": "reduction",
            "raw_uid": "raw-0123",
            "recipe_digest": recipe.digest,
            "recipe": recipe.model_dump(mode="json"),
            "wavelength_angstrom": 0.41373,
            "sample": {"name": "simulated"},
            "profile": {"name": "simulated"},
        },
    )
    yield "descriptor", {"uid": "s", "name": "primary"}
    for event in events:
        yield "event", {"descriptor": "s", "data": event}
