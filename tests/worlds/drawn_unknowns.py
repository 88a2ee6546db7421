"""``python -m tests.worlds.drawn_unknowns --seed S``: patterns of a series with phases nobody named, without plates.

The powder of the simulators (structure factors, profile, background, errors of rings) seen by a detector of rings that
counts: what a plate and its integration would give, in a hundredth of the time. What it leaves out: spots, shadows,
tilt, fading. What is true of a series leaves this file by `truth` of each point alone, for scores.
"""

import argparse
import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import gaussian_filter1d

from lics_beamline.patterns.pattern import Pattern
from lics_simulators.mixture import MixtureParameters
from lics_simulators.plate.scattering import profile, rings
from lics_simulators.plate.scene import background
from lics_simulators.plate.settings import read_settings
from lics_simulators.preset import read_preset
from lics_simulators.world import World

KELVIN = 298.0
PRESSURES_GPA = (0.3, 0.8, 1.3, 1.8, 2.3, 2.8, 3.3, 3.8, 4.1)
DWELL_S = 1200.0  # of experiment between points: what a step of pressure and an exposure take
TWO_THETA_DEG = (3.0, 31.0)
BINS = 2500
FINE = 4  # points in a bin
OSCILLATION_DEG = 6.0
SEEN_SHARE = 0.8  # of a ring: the rest is under the holder and the spots
RUBY_SIGMA_GPA = 0.005
REACH_DEG = 2.0  # a line is drawn this far from its centre
ELEMENTS = ("cs-bcc", "cs-fcc", "cs-iii", "cs-iv", "li-bcc", "re-hcp")


@dataclass(frozen=True, kw_only=True)
class TruePhase:
    """A phase as it is: its share is of the mass of what lies in the hole; lines are (hkl, 2theta [deg], area)."""

    name: str
    cell: tuple
    share: float
    lines: tuple


@dataclass(frozen=True, kw_only=True, eq=False)
class Point:
    """A pattern, the pressure that a ruby gives for it, and for scores alone the pressure and the phases."""

    pattern: Pattern
    ruby_gpa: float
    true_gpa: float
    truth: tuple

    def of(self, name):
        """The phase of that name, or None."""
        return next((phase for phase in self.truth if phase.name == name), None)


@dataclass(frozen=True, kw_only=True, eq=False)
class Series:
    """The points of a seed, and its constituents as the world was made of them."""

    seed: int
    points: tuple
    constituents: tuple

    @property
    def unknowns(self):
        """Constituents that are no element."""
        return tuple(each for each in self.constituents if each.phase not in ELEMENTS)

    def first(self, name, *, share=0.05):
        """Index of the first point where a phase has that share; None where there is none."""
        found = (k for k, point in enumerate(self.points) if (phase := point.of(name)) and phase.share >= share)
        return next(found, None)


def unknown_of(*systems):
    """The world `unknown` with a compound of one of these lattice systems."""
    preset = read_preset("unknown")
    return replace(preset, contents=replace(preset.contents, systems=systems))


def elements_alone():
    """The same without any compound: what is found beside the elements there is a false alarm."""
    preset = read_preset("unknown")
    drawn = preset.contents
    contents = MixtureParameters(
        li_per_cs=drawn.li_per_cs,
        transition_s=drawn.transition_s,
        hysteresis_gpa=drawn.hysteresis_gpa,
        shift_mm_per_k=drawn.shift_mm_per_k,
        constituents=drawn.constituents,
    )
    return replace(preset, contents=contents)


def series(seed, *, preset="unknown", pressures_gpa=PRESSURES_GPA, exposures=1.0):
    """Return the series of a world: `preset` is the name of one, or one of the above."""
    world = World(seed=seed, preset=preset)
    settings = read_settings(world.preset.plate)
    points = []
    for count, gpa in enumerate(pressures_gpa):
        for _ in range(int(DWELL_S / 20.0)):
            world.contents.step(20.0, gpa, KELVIN)
        points.append(_point(world, settings, gpa, count, exposures))
    return Series(seed=seed, points=tuple(points), constituents=world.preset.contents.constituents)


def _point(world, settings, gpa, count, exposures):
    random = world.random("drawn patterns", count)
    step = (TWO_THETA_DEG[1] - TWO_THETA_DEG[0]) / (BINS * FINE)
    fine = TWO_THETA_DEG[0] + step * (np.arange(BINS * FINE) + 0.5)
    curve = background(fine, exposures * settings.exposure.air)
    per_unit = exposures * settings.exposure.photons_per_electron_unit
    ring_error = settings.grains.ring_error / math.sqrt(1 + OSCILLATION_DEG / settings.grains.averaging_deg)
    wavelength = 12.398419843320026 / world.preset.beam.energy_kev
    truth, mass = [], {}
    for phase in world.contents.state(0.0, gpa, KELVIN).phases:
        structure = world.structures[phase.phase].filled(phase.occupancy)
        lines = rings(
            structure,
            phase.cell_angstrom,
            cells=phase.cells,
            temperature_k=KELVIN,
            wavelength_angstrom=wavelength,
            two_theta_max_deg=TWO_THETA_DEG[1],
        )
        for ring in lines:
            first, last = np.searchsorted(fine, (ring.two_theta_deg - REACH_DEG, ring.two_theta_deg + REACH_DEG))
            area = math.degrees((1 - structure.coarse) * per_unit * ring.intensity)
            area *= max(1.0 + ring_error * random.standard_normal(), 0.0)
            curve[first:last] += area * profile(fine[first:last], ring.two_theta_deg, settings.lines)
        mass[phase.phase] = phase.cells * sum(
            site.occupancy * len(site.positions) * {"Cs": 132.905, "Li": 6.94}.get(site.element, 0.0)
            for site in structure.sites
        )
        truth.append((phase, tuple((ring.hkl, ring.two_theta_deg, ring.intensity) for ring in lines)))
    pixel_deg = math.degrees(settings.geometry.pixel_mm / settings.geometry.distance_mm)
    curve = gaussian_filter1d(curve, settings.recording.point_spread_px * pixel_deg / step)
    mean = curve.reshape(BINS, FINE).mean(axis=1)  # photons a pixel
    two_theta = fine.reshape(BINS, FINE).mean(axis=1)
    around = SEEN_SHARE * 2 * math.pi * np.tan(np.radians(two_theta)) * settings.geometry.distance_mm
    pixels = np.maximum(around * (FINE * step / pixel_deg) / settings.geometry.pixel_mm, 1.0)
    counts = random.poisson(pixels * mean)
    gain = settings.recording.gain
    ruby = world.ruby.pressure_at_ruby_gpa(gpa) + RUBY_SIGMA_GPA * random.standard_normal()
    return Point(
        pattern=Pattern(
            two_theta_deg=two_theta,
            intensity=gain * counts / pixels,
            sigma=gain * np.sqrt(np.maximum(counts, 1.0)) / pixels,
            wavelength_angstrom=wavelength,
        ),
        ruby_gpa=float(ruby),
        true_gpa=gpa,
        truth=tuple(
            TruePhase(
                name=phase.phase,
                cell=(*phase.cell_angstrom, *world.structures[phase.phase].angles_deg),
                share=mass[phase.phase] / sum(mass.values()),
                lines=lines,
            )
            for phase, lines in truth
        ),
    )


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.worlds.drawn_unknowns", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--world", default="unknown")
    options = parser.parse_args()
    drawn = series(options.seed, preset=options.world)
    for unknown in drawn.unknowns:
        print(f"{unknown.phase}: {unknown.space_group}, first at point {drawn.first(unknown.phase)}")  # noqa: T201
    for point in drawn.points:
        shares = ", ".join(f"{phase.name} {phase.share:.2f}" for phase in point.truth)
        print(f"{point.true_gpa:5.2f} GPa, ruby {point.ruby_gpa:6.3f}: {shares}")  # noqa: T201


if __name__ == "__main__":
    main()
