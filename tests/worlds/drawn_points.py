"""``python -m tests.worlds.drawn_points --points N --seed S``: points of known phases, and the score of identification.

Cells, lines, strengths, widths and counts are drawn here: structures by gemmi from the files of the library, equations
of state by the numbers in them, nothing by the analysis but the class that holds a pattern. What an identification is
held against is the drawing: which phases a counter could tell, which are found, what is found or called new beside
them, and whether the errors of the shares cover the truth.
"""

import argparse
import cmath
import math
import time
import tomllib
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import gemmi
import numpy as np
from scipy.optimize import brentq
from scipy.special import voigt_profile

from lics_beamline.patterns.pattern import Pattern

LIBRARY = Path(__file__).parents[2] / "lics_beamline" / "phases" / "library"
NAMES = ("alloy", "cs-bcc", "cs-fcc", "li-bcc", "re-hcp", "diamond")
SAMPLE = ("alloy", "cs-bcc", "cs-fcc", "li-bcc")
WAVELENGTH_ANGSTROM = 0.41373
BINS = 2500
FIRST_DEG, LAST_DEG = 3.0, 31.0
LEAST_SHARE = 0.03  # of the light of all lines
GAIN = 6.0  # counts a photon
SURE_SIGMAS = 6.0  # a line above this is told by a counter who knows its place
FREE_SHARE = 0.2  # of its area: a stronger line of another phase within a width hides it
REACH_DEG = 2.5  # of a line on either side: some 40 widths
SYSTEMATIC = 3e-4  # relative, of a cell: place of the sample and lines that are not symmetric
FAR_SIGMAS = 3.0  # an error of a cell beyond that is worth a remark
SAMPLED = 5  # places in a bin over which a line is averaged


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnLine:
    """A line that was drawn; `sigmas`: as of `drawn_patterns`; `free`: no line of another phase hides it."""

    hkl: tuple[int, int, int]
    two_theta_deg: float
    fwhm_deg: float
    area: float
    sigmas: float = math.nan
    free: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnPhase:
    """A phase that was drawn.

    `light`: its share of the light of all lines; `mass_share`: of the mass of the sample, NaN of what is no sample;
    `tellable`: one line more than its cell has free numbers is free and sure.
    """

    name: str
    cell: tuple[float, ...]
    light: float
    mass_share: float
    lines: tuple[DrawnLine, ...]

    @property
    def tellable(self):
        free = [line for line in self.lines if line.free and line.sigmas > SURE_SIGMAS]
        return len(free) > (2 if self.name == "re-hcp" else 1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DrawnPoint:
    """A point: its pattern, what ruby and thermocouples say, and what is in the beam; `strange`: what nobody names."""

    pattern: Pattern
    pressure_gpa: float
    temperature_k: float
    phases: tuple[DrawnPhase, ...]
    strange: tuple[DrawnPhase, ...] = ()

    def without(self, name):
        """Return the same point for those who do not know of a phase."""
        (strange,) = (phase for phase in self.phases if phase.name == name)
        left = 1.0 - (0.0 if math.isnan(strange.mass_share) else strange.mass_share) or math.nan
        named = (replace(phase, mass_share=phase.mass_share / left) for phase in self.phases if phase is not strange)
        return replace(self, phases=tuple(named), strange=(*self.strange, strange))


@cache
def _settings(name):
    with (LIBRARY / f"{name}.toml").open("rb") as file:
        return tomllib.load(file)


@cache
def _crystal(name):
    return gemmi.read_small_structure(str(LIBRARY / f"{name}.cif"))


def _mass_u(name):
    return sum(site.element.weight * site.occ for site in _crystal(name).get_all_unit_cell_sites())


def sought(name, pressure_gpa, temperature_k):
    """Tell whether the library seeks a phase here."""
    settings = _settings(name)
    inside = settings.get("lowest_gpa", -1.0) <= pressure_gpa <= settings.get("highest_gpa", 1000.0)
    return inside and temperature_k <= settings.get("highest_k", 1e4)


def linear_size(name, pressure_gpa, temperature_k):
    """Return the cube root of the volume at pressure and temperature over that of the structure file."""
    settings = _settings(name)
    k0, slope = settings["bulk_modulus_gpa"], settings["bulk_modulus_slope"]
    cold = pressure_gpa - settings.get("thermal_pressure_gpa_per_k", 0.0) * (temperature_k - 298.0)

    def excess(x):
        if settings.get("form", "vinet") == "vinet":
            return 3.0 * k0 * (1.0 - x) / x**2 * math.exp(1.5 * (slope - 1.0) * (1.0 - x)) - cold
        return 1.5 * k0 * (x**-7 - x**-5) * (1.0 + 0.75 * (slope - 4.0) * (x**-2 - 1.0)) - cold

    volume = _crystal(name).cell.volume
    return brentq(excess, 0.6, 1.1) * (settings.get("volume0_angstrom3", volume) / volume) ** (1.0 / 3.0)


def _strengths(name, cell):
    """Return (hkl, two-theta in degrees, m F^2 / (sin^2 cos)) of each family in range, in a cell."""
    crystal = gemmi.read_small_structure(str(LIBRARY / f"{name}.cif"))
    atoms = crystal.get_all_unit_cell_sites()
    crystal.cell = gemmi.UnitCell(*cell)
    operations = crystal.spacegroup.operations()
    families = []
    d_min = WAVELENGTH_ANGSTROM / (2.0 * math.sin(math.radians(LAST_DEG + 0.3) / 2.0))
    for row in gemmi.make_miller_array(crystal.cell, crystal.spacegroup, d_min):
        hkl = [int(index) for index in row]
        sine = WAVELENGTH_ANGSTROM / (2.0 * crystal.cell.calculate_d(hkl))
        factor = abs(_structure_factor(atoms, hkl, (sine / WAVELENGTH_ANGSTROM) ** 2)) ** 2
        images = {tuple(op.apply_to_hkl(hkl)) for op in operations}
        images |= {tuple(-index for index in image) for image in images}
        angle = 2.0 * math.degrees(math.asin(sine))
        if angle > FIRST_DEG - 0.3 and factor > 1e-3:
            families.append((images, angle, len(images) * factor / (sine**2 * math.sqrt(1.0 - sine**2))))
    return crystal.cell, families


def _structure_factor(atoms, hkl, s_squared):
    """Return the sum over the atoms of a cell; `s_squared`: of sin(theta) / wavelength, in 1/angstrom."""
    total = 0j
    for atom in atoms:
        form = atom.element.it92.calculate_sf(s_squared) * math.exp(-8.0 * math.pi**2 * atom.u_iso * s_squared)
        total += atom.occ * form * cmath.exp(2j * math.pi * sum(h * x for h, x in zip(hkl, atom.fract, strict=True)))
    return total


def _march_dollase(cell, images, axis, ratio):
    """Return the mean weight of the planes of a family with texture about an axis (Dollase 1986)."""
    back = np.array(cell.frac.mat)  # rows of reciprocal vectors, transposed below
    planes = np.array(list(images), dtype=float) @ back
    about = np.array(axis, dtype=float) @ back
    cosine = planes @ about / np.linalg.norm(planes, axis=1) / np.linalg.norm(about)
    return float(np.mean((ratio**2 * cosine**2 + (1.0 - cosine**2) / ratio) ** -1.5))


def _drawn_lines(rng, name, cell, *, texture, grains):
    """Return (hkl, angle, strength, strength with texture and grains) of the lines of a phase."""
    unit_cell, families = _strengths(name, cell)
    axis = (0, 0, 1) if name == "re-hcp" else ((1, 0, 0), (1, 1, 0), (1, 1, 1))[rng.integers(3)]
    lines = []
    for images, angle, strength in families:
        made = strength * _march_dollase(unit_cell, images, axis, texture)
        made *= math.exp(rng.normal(0.0, grains * math.sqrt(12.0 / len(images))))
        lines.append((max(images), angle, strength, made))
    return lines


def _axis():
    edges = np.linspace(FIRST_DEG, LAST_DEG, BINS + 1)
    return 0.5 * (edges[1:] + edges[:-1]), (LAST_DEG - FIRST_DEG) / BINS


def draw(seed, *, state=None, lights=None):
    """Draw a point of two to four phases; `state` (GPa, K) and `lights` (share of the light by name) may be given."""
    rng = np.random.default_rng(seed)
    if state is None:
        pressure = rng.uniform(0.1, 4.4) if rng.uniform() < 0.7 else rng.uniform(4.4, 10.0)
        temperature = 298.0 if rng.uniform() < 0.6 else rng.uniform(300.0, 498.0)
    else:
        pressure, temperature = state
    said = pressure if state else pressure + float(np.clip(rng.normal(0.0, 0.03), -0.1, 0.1))
    lights = lights or _drawn_lights(rng, (pressure, said), temperature)
    x, step = _axis()
    gauss_0, gauss_slope = rng.uniform(0.035, 0.055) ** 2, rng.uniform(0.0, 0.006)
    tail, tail_slope = rng.uniform(0.004, 0.015), rng.uniform(0.02, 0.06)
    skew, shift = rng.uniform(0.0, 0.08), rng.normal(0.0, 1e-4)
    curves, drawn, scales = [], [], []
    for name, light in lights.items():
        texture = math.exp(rng.uniform(-math.log(1.33), math.log(1.33)))
        grains = math.exp(rng.uniform(math.log(0.01), math.log(0.12)))
        size_term, strain_term = rng.uniform(0.0, 0.015), rng.uniform(0.0, 0.06)
        size = linear_size(name, pressure, temperature) * (1.0 + float(np.clip(rng.normal(0.0, 0.002), -0.005, 0.005)))
        crystal = _crystal(name).cell
        ratio = 1.0 + rng.normal(0.0, 7e-4)
        edges = (crystal.a * size, crystal.b * size, crystal.c * size * (ratio if name == "re-hcp" else 1.0))
        cell = (*edges, crystal.alpha, crystal.beta, crystal.gamma)
        lines = _drawn_lines(rng, name, cell, texture=texture, grains=grains)
        scale = light / sum(strength for _, _, strength, _ in lines)
        scales.append(scale)
        parts = []
        for hkl, angle, _, made in lines:
            tangent = math.tan(math.radians(angle) / 2.0)
            angle += -2.0 * math.degrees(tangent) * (shift + rng.normal(0.0, 5e-5))
            gauss = math.sqrt(gauss_0 + gauss_slope * tangent**2)
            lorentz = tail + size_term + (tail_slope + strain_term) * tangent
            fwhm = 0.5346 * lorentz + math.sqrt(0.2166 * lorentz**2 + gauss**2)
            curve = np.zeros(x.size)
            here = np.abs(x - angle) < REACH_DEG
            u = (x[here, None] + step * ((np.arange(SAMPLED) + 0.5) / SAMPLED - 0.5)) - angle
            sigma = gauss / math.sqrt(8.0 * math.log(2.0))
            shape = (1.0 - skew) * voigt_profile(u, sigma, 0.5 * lorentz)
            shape += skew * voigt_profile(u + 0.5 * fwhm, sigma, 0.5 * lorentz)
            curve[here] = scale * made * shape.mean(axis=1)
            curves.append(curve)
            parts.append(DrawnLine(hkl=hkl, two_theta_deg=angle, fwhm_deg=fwhm, area=scale * made))
        drawn.append((name, cell, light, parts))
    top = math.exp(rng.uniform(math.log(8.0), math.log(60.0)))  # photons a pixel
    bright = np.sum(curves, axis=0)
    factor = top / bright.max()
    background = rng.uniform(3.0, 12.0) * (0.5 + np.exp(-(x - FIRST_DEG) / rng.uniform(4.0, 12.0)))
    for _ in range(rng.integers(0, 3)):
        background += rng.uniform(0.3, 3.0) * np.exp(-0.5 * ((x - rng.uniform(5.0, 25.0)) / rng.uniform(0.8, 3.0)) ** 2)
    pixels = 3600.0 * x / x.mean()
    curve = background + factor * bright
    counts = rng.poisson(pixels * curve).astype(float)
    pattern = Pattern(
        two_theta_deg=x,
        intensity=GAIN * counts / pixels,
        sigma=GAIN * np.sqrt(np.maximum(counts, 1.0)) / pixels,
        wavelength_angstrom=WAVELENGTH_ANGSTROM,
    )
    masses = {
        name: scale * _mass_u(name) * gemmi.UnitCell(*cell).volume
        for (name, cell, _, _), scale in zip(drawn, scales, strict=True)
        if name in SAMPLE
    }
    every = [line for _, _, _, parts in drawn for line in parts]
    told, place = [], 0
    for name, cell, light, parts in drawn:
        judged = []
        for line in parts:
            own = factor * curves[place]
            place += 1
            near = own > 0.5 * own.max() if own.max() > 0.0 else np.zeros(x.size, dtype=bool)
            others = float(np.sum((pixels * (curve - own))[near]))
            hidden = any(
                abs(other.two_theta_deg - line.two_theta_deg) < max(other.fwhm_deg, line.fwhm_deg)
                and other.area > FREE_SHARE * line.area
                for other in every
                if other not in parts
            )
            judged.append(
                DrawnLine(
                    hkl=line.hkl,
                    two_theta_deg=line.two_theta_deg,
                    fwhm_deg=line.fwhm_deg,
                    area=GAIN * factor * line.area,
                    sigmas=float(np.sum((pixels * own)[near])) / math.sqrt(max(others, 1.0)),
                    free=not hidden,
                )
            )
        share = masses[name] / sum(masses.values()) if name in masses else math.nan
        told.append(DrawnPhase(name=name, cell=cell, light=light, mass_share=share, lines=tuple(judged)))
    return DrawnPoint(pattern=pattern, pressure_gpa=said, temperature_k=temperature, phases=tuple(told))


def _drawn_lights(rng, pressures, temperature):
    """Draw two to four phases that are sought at the true and the read pressure, with shares above the least."""
    here = [name for name in SAMPLE if all(sought(name, pressure, temperature) for pressure in pressures)]
    while True:
        names = list(rng.permutation(here)[: rng.integers(1, 4)])
        names += [name for name, often in (("re-hcp", 0.85), ("diamond", 0.2)) if rng.uniform() < often]
        if not 2 <= len(names) <= 4:
            continue
        weights = np.exp(rng.uniform(math.log(LEAST_SHARE), 0.0, len(names)))
        weights /= weights.sum()
        if weights.min() >= LEAST_SHARE:
            return {name: float(weight) for name, weight in zip(names, weights, strict=True)}


@dataclass(slots=True, kw_only=True)
class Score:
    """What an identification got of many points."""

    points: int = 0
    drawn: int = 0
    found: int = 0
    tellable: int = 0
    tellable_found: int = 0
    false: int = 0
    called_new: int = 0  # known lines
    artefacts: int = 0  # peaks told as unknown where no line was drawn
    pulls: list[float] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    cell_errors: list[float] = field(default_factory=list)
    far_cells: int = 0  # whose error does not cover the truth
    seconds: list[float] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def __str__(self):
        pulls, errors, cells = (np.array(said or [math.nan]) for said in (self.pulls, self.errors, self.cell_errors))
        covers = [np.mean(np.abs(pulls) < sigmas) for sigmas in (1.0, 1.96)]
        return (
            f"{self.points} points: found {self.tellable_found} of {self.tellable} tellable phases "
            f"({self.tellable_found / max(self.tellable, 1):.2%}), {self.found} of all {self.drawn}; "
            f"false {self.false} ({self.false / max(self.points, 1):.2%} of points); known lines called new "
            f"{self.called_new}, artefacts {self.artefacts}; {pulls.size} shares: bias {np.mean(errors):+.4f}, "
            f"spread {np.std(errors):.4f}, 68 % intervals cover {covers[0]:.0%}, 95 % {covers[1]:.0%}; cells: "
            f"median error {np.median(np.abs(cells)):.1e}, largest {np.max(np.abs(cells)):.1e}, {self.far_cells} far; "
            f"identification {1e3 * np.median(self.seconds):.1f} ms (median), {1e3 * np.max(self.seconds):.0f} ms most"
        )


def score(points, identifying):
    """Return the score of `identifying`, which gives the identification of a point and the seconds it took."""
    total = Score()
    for number, point in enumerate(points):
        said, seconds = identifying(point)
        total.points += 1
        total.seconds.append(seconds)
        there = {phase.name: phase for phase in said.phases}
        for phase in point.phases:
            total.drawn += 1
            total.found += phase.name in there
            total.tellable += phase.tellable
            total.tellable_found += phase.tellable and phase.name in there
            if phase.tellable and phase.name not in there:
                total.remarks.append(f"point {number}: {phase.name} of {phase.light:.1%} of the light is lost")
            if phase.name in there:
                said_of = there[phase.name]
                free = [0, 2] if phase.name == "re-hcp" else [0]
                true, told = np.array(phase.cell)[free], np.array(said_of.cell.numbers)[free]
                total.cell_errors.append(float(np.max(np.abs(told / true - 1.0))))
                if np.any(np.abs(told - true) > SYSTEMATIC * true + FAR_SIGMAS * np.array(said_of.sigma)):
                    total.far_cells += 1
                    total.remarks.append(f"point {number}: cell of {phase.name} is off by {total.cell_errors[-1]:.1e}")
        names = {phase.name for phase in point.phases}
        wrong = [name for name in there if name not in names]
        total.false += len(wrong)
        if wrong:
            total.remarks.append(f"point {number}: {', '.join(wrong)} found in {', '.join(sorted(names))}")
        for peak in said.unknown:
            if any(_is_at(peak, phase) for phase in point.strange):
                continue
            known = any(_is_at(peak, phase) for phase in point.phases)
            total.called_new += known
            total.artefacts += not known
            total.remarks.append(
                f"point {number}: {'known line' if known else 'nothing'} at {peak.two_theta_deg:.3f} deg is called new"
            )
        truth = {phase.name: phase.mass_share for phase in point.phases if not math.isnan(phase.mass_share)}
        if len(truth) > 1 and set(truth) == {name for name in there if not math.isnan(there[name].fraction)}:
            for name in list(truth)[:-1]:  # shares add up to one: the last says nothing more
                error = there[name].fraction - truth[name]
                total.errors.append(error)
                total.pulls.append(error / there[name].fraction_sigma)
    return total


def _is_at(peak, phase):
    """Tell whether a peak is where a phase has a line that shows."""
    return any(
        abs(line.two_theta_deg - peak.two_theta_deg) < line.fwhm_deg for line in phase.lines if line.sigmas > 1.0
    )


def identified(point):
    """Identify a point as reduction does, and the processor's seconds that identification took."""
    from lics_beamline.lines.peaks import find_peaks
    from lics_beamline.phases.identification import identify
    from lics_beamline.phases.phase import default_phases

    peaks, strange = find_peaks(point.pattern), {phase.name for phase in point.strange}
    phases = [phase for phase in default_phases() if phase.name not in strange]
    started = time.process_time()
    said = identify(
        peaks,
        phases,
        pressure_gpa=point.pressure_gpa,
        temperature_k=point.temperature_k,
        pattern=point.pattern,
    )
    return said, time.process_time() - started


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.worlds.drawn_points", description=__doc__)
    parser.add_argument("--points", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    total = score((draw(options.seed + k) for k in range(options.points)), identified)
    print("\n".join([*total.remarks, str(total)]))  # noqa: T201


if __name__ == "__main__":
    main()
