"""``python -m tests.worlds.drawn_series --series N --seed S``: sweeps with an unknown phase, and how well it is found.

Patterns of a sweep are drawn here with nothing of the analysis but the class that holds a pattern: caesium and a
rhenium gasket by their published equations of state, and in half of the sweeps a phase that nobody named: of a drawn
lattice, cell, compressibility, share and pressure of transition. Its lines are placed by gemmi. What is found is held
against the drawing: the point at which the phase is told, the lines that are put together, and what is told where there
is nothing.
"""

import argparse
import math
from dataclasses import dataclass

import gemmi
import numpy as np
from scipy.optimize import brentq

from lics_beamline.patterns.pattern import Pattern

WAVELENGTH_ANGSTROM = 0.41373
TWO_THETA_DEG = np.linspace(3.0, 31.0, 2500)
LEAST_D_ANGSTROM = WAVELENGTH_ANGSTROM / 2.0 / math.sin(math.radians(31.0 / 2.0))
SURE_SIGMAS = 12.0  # lines of the unknown above this are asked for
# Vinet: volume0, K0, K', and the relative expansion of an edge; as of the phases of the Li-Cs experiment.
CS_BCC = (231.6, 1.70, 3.85, 9.7e-5)
CS_FCC = (458.6, 1.70, 3.85, 9.7e-5)
RE = (29.418, 352.6, 4.56, 6e-6)
CS_TRANSITION_GPA = 2.37
GROUPS = {  # lattice: centrings by a space group of each
    "cubic": ("P m -3 m", "I m -3 m", "F m -3 m"),
    "tetragonal": ("P 4/m m m", "I 4/m m m"),
    "hexagonal": ("P 6/m m m", "R -3 m:H"),
    "orthorhombic": ("P m m m", "C m m m", "I m m m"),
    "monoclinic": ("P 1 2/m 1", "C 1 2/m 1"),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DrawnPoint:
    """A point: its pattern, what ruby says of its pressure, and the lines of the unknown that a counter could tell."""

    pattern: Pattern
    pressure_gpa: float
    temperature_k: float
    unknown_deg: tuple[float, ...]
    sure_deg: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DrawnSeries:
    """A sweep. `first`: index of the first point with the unknown, None where there is none; `last`: of the last."""

    points: tuple[DrawnPoint, ...]
    first: int | None
    last: int | None
    lattice: str
    compressibility_per_gpa: float


def vinet_volume(volume0, bulk_gpa, slope, pressure_gpa):
    def over(x):
        return 3.0 * bulk_gpa * (1.0 - x) / x**2 * math.exp(1.5 * (slope - 1.0) * (1.0 - x)) - pressure_gpa

    return volume0 * brentq(over, 0.3, 1.2) ** 3


def form_squared(element, d):
    return np.array([element.it92.calculate_sf(0.25 / value**2) for value in d]) ** 2


def lines_of(cell, group, element, rng=None, atoms=((0.0, 0.0, 0.0),)):
    """Indices, spacings and strengths of a cell; with `rng` the strengths are drawn, else they are those of atoms."""
    operations = gemmi.SpaceGroup(group).operations()
    hkl = gemmi.make_miller_array(cell, gemmi.SpaceGroup(group), LEAST_D_ANGSTROM * 0.98, 0.0)
    hkl = np.array([each for each in hkl if not operations.is_systematically_absent(list(each))])
    d = np.array([cell.calculate_d(list(each)) for each in hkl])
    many = np.array([equivalents(each, operations) for each in hkl])
    if rng is None:
        phase = np.exp(2j * math.pi * hkl @ np.array(atoms).T).sum(axis=1)
        squared = np.abs(phase) ** 2 * form_squared(element, d)
    else:
        squared = rng.exponential(size=d.size) * form_squared(element, d)
    sine = WAVELENGTH_ANGSTROM / 2.0 / d
    damping = np.exp(-2.0 * 1.5 * (0.5 / d) ** 2)
    return hkl, many * squared * damping / (sine**2 * np.sqrt(1.0 - sine**2))


def equivalents(hkl, operations):
    found = {tuple(op.apply_to_hkl(list(hkl))) for op in operations.sym_ops}
    return len(found | {tuple(-index for index in each) for each in found})


def drawn_cell(rng, lattice):
    """A cell whose volume suits two to eight atoms."""
    volume = math.exp(rng.uniform(math.log(40.0), math.log(220.0)))
    b, c = rng.uniform(0.75, 1.35, 2)
    edges = {
        "cubic": (1, 1, 1, 90, 90, 90),
        "tetragonal": (1, 1, c, 90, 90, 90),
        "hexagonal": (1, 1, 1.5 * c, 90, 90, 120),
        "orthorhombic": (1, b, c, 90, 90, 90),
        "monoclinic": (1, b, c, 90, rng.uniform(95.0, 115.0), 90),
    }[lattice]
    size = (volume / gemmi.UnitCell(*edges).volume) ** (1.0 / 3.0)
    return (*(size * edge for edge in edges[:3]), *edges[3:])


def is_like_caesium(numbers, group, pressures):
    """Whether one of the known phases would explain a cell somewhere: a phase like this is no unknown one."""
    equation = {"I m -3 m": CS_BCC, "F m -3 m": CS_FCC}.get(group)
    if equation is None:
        return False
    edges = [vinet_volume(*equation[:3], pressure) ** (1.0 / 3.0) for pressure in pressures]
    return bool(np.min(np.abs(np.array(edges) / numbers[0] - 1.0)) < 0.06)


class _Phase:
    """Where the lines of a phase are and how strong; strengths add up to 1."""

    def __init__(self, numbers, group, element, equation, rng, *, atoms=None, axes=(1.0, 1.0, 1.0), broadening=1.0):
        cell = gemmi.UnitCell(*numbers)
        self.numbers, self.equation, self.axes, self.broadening = numbers, equation, axes, broadening
        drawn = rng if atoms is None else None
        self.hkl, strength = lines_of(cell, group, element, drawn, atoms or ())
        self.strength = strength / strength.sum() * rng.lognormal(0.0, 0.15, strength.size)  # texture
        self.off_deg = rng.normal(0.0, 0.0015, strength.size)  # stress of single families of planes

    def angles(self, pressure_gpa, temperature_k):
        volume0, bulk, slope, expansion = self.equation
        reference = gemmi.UnitCell(*self.numbers).volume
        strain = math.log(vinet_volume(volume0, bulk, slope, pressure_gpa) / volume0)
        warm = expansion * (temperature_k - 298.0)
        size = (volume0 / reference) ** (1.0 / 3.0)
        edges = [
            edge * size * math.exp(strain * share / 3.0 + warm)
            for edge, share in zip(self.numbers[:3], self.axes, strict=True)
        ]
        cell = gemmi.UnitCell(*edges, *self.numbers[3:])
        d = np.array([cell.calculate_d(list(each)) for each in self.hkl])
        return np.degrees(2.0 * np.arcsin(np.minimum(WAVELENGTH_ANGSTROM / 2.0 / d, 0.9))) + self.off_deg


def draw(seed, *, unknown=True):
    """Draw a sweep of 15 to 30 points."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(15, 31))
    low = rng.uniform(0.3, 2.0)
    high = rng.uniform(low + 1.2, 4.3)
    pressures = np.linspace(low, high, count) + rng.normal(0.0, 0.01, count)
    temperatures = np.full(count, 298.0)
    if rng.uniform() < 0.25:  # the last third is heated where it is
        hot = count - count // 3
        pressures[hot:] = pressures[hot - 1] + 0.001 * np.arange(count - hot)
        temperatures[hot:] = np.linspace(310.0, 440.0, count - hot)
    cs = gemmi.Element("Cs")
    bcc = _Phase((6.141, 6.141, 6.141, 90, 90, 90), "I m -3 m", cs, CS_BCC, rng, atoms=((0, 0, 0), (0.5, 0.5, 0.5)))
    fcc_atoms = ((0, 0, 0), (0.5, 0.5, 0), (0.5, 0, 0.5), (0, 0.5, 0.5))
    fcc = _Phase((7.712, 7.712, 7.712, 90, 90, 90), "F m -3 m", cs, CS_FCC, rng, atoms=fcc_atoms)
    re_atoms = ((1 / 3, 2 / 3, 0.25), (2 / 3, 1 / 3, 0.75))
    rhenium = _Phase(
        (2.761, 2.761, 4.456, 90, 90, 120), "P 63/m m c", gemmi.Element("Re"), RE, rng, atoms=re_atoms,
        broadening=rng.uniform(1.0, 1.5),
    )  # fmt: skip
    first = int(rng.integers(3, count - 5)) if unknown else None
    lattice = str(rng.choice(list(GROUPS)))
    group = str(rng.choice(GROUPS[lattice]))
    numbers = drawn_cell(rng, lattice)
    while is_like_caesium(numbers, group, pressures):
        numbers = drawn_cell(rng, lattice)
    bulk = math.exp(rng.uniform(math.log(5.0), math.log(60.0)))
    axes = rng.uniform(0.7, 1.3, 3)
    axes = {"cubic": np.ones(3), "tetragonal": axes[[0, 0, 2]], "hexagonal": axes[[0, 0, 2]]}.get(lattice, axes)
    axes = tuple(3.0 * axes / axes.sum())
    new = _Phase(
        numbers, group, cs, (gemmi.UnitCell(*numbers).volume, bulk, rng.uniform(3.5, 5.5), rng.uniform(1e-5, 5e-5)),
        rng, axes=axes, broadening=rng.uniform(1.0, 1.5),
    )  # fmt: skip
    last = count - 1
    if unknown and rng.uniform() < 0.25:
        last = int(rng.integers(first + 4, count))
    share, growth = rng.uniform(0.1, 0.5), rng.uniform(0.0, 0.1)
    gasket = rng.uniform(0.05, 0.5)
    zero = rng.normal(0.0, 0.003)
    instrument = rng.uniform(0.05, 0.09)
    mixing = rng.uniform(0.2, 0.8)
    light = math.exp(rng.uniform(math.log(1500.0), math.log(10000.0)))  # counts of a bin of background, by pixels
    tall = math.exp(rng.uniform(math.log(3.0), math.log(12.0)))  # area of all lines [background x deg]
    grains = rng.uniform(0.02, 0.15)
    exposures = rng.uniform(0.5, 2.0, count) if rng.uniform() < 0.3 else np.ones(count)
    points = []
    for index in range(count):
        pressure, temperature = float(pressures[index]), float(temperatures[index])
        here = min(share + growth * (index - first), 0.9) if unknown and first <= index <= last else 0.0
        there = [(rhenium, gasket), (bcc if pressure < CS_TRANSITION_GPA else fcc, 1.0 - here), (new, here)]
        x = TWO_THETA_DEG
        background = 1.0 + 1.5 * np.exp(-(x - 3.0) / 4.0) + 0.3 * np.exp(-0.5 * ((x - 9.0) / 2.0) ** 2)
        curve = background.copy()
        told = []
        for phase, part in there:
            if part <= 0.0:
                continue
            angles = phase.angles(pressure, temperature) + zero
            areas = tall * part * phase.strength * rng.lognormal(0.0, grains, angles.size)
            for angle, area in zip(angles, areas, strict=True):
                width = instrument * phase.broadening * math.sqrt(1.0 + (angle / 25.0) ** 2)
                if 3.2 < angle < 30.8:
                    height = (
                        area / width / (mixing * math.pi / 2.0 + (1.0 - mixing) * math.sqrt(math.pi / math.log(16)))
                    )
                    u = 2.0 * (x - angle) / width
                    curve += height * (mixing / (1.0 + u**2) + (1.0 - mixing) * np.exp(-math.log(2.0) * u**2))
                    if phase is new:
                        told.append((float(angle), height, width))
        pixels = light * exposures[index] * x / x.mean()
        counts = rng.poisson(pixels * curve).astype(float)
        pattern = Pattern(
            two_theta_deg=x,
            intensity=counts / pixels * exposures[index] * 100.0,
            sigma=np.sqrt(np.maximum(counts, 1.0)) / pixels * exposures[index] * 100.0,
            wavelength_angstrom=WAVELENGTH_ANGSTROM,
        )
        step = x[1] - x[0]
        sure = [
            angle
            for angle, height, width in told
            if height * math.sqrt(np.interp(angle, x, pixels) * width / step / np.interp(angle, x, curve)) > SURE_SIGMAS
        ]
        points.append(
            DrawnPoint(
                pattern=pattern,
                pressure_gpa=pressure + rng.normal(0.0, 0.01),
                temperature_k=temperature,
                unknown_deg=tuple(angle for angle, _, _ in told),
                sure_deg=tuple(sure),
            )
        )
    return DrawnSeries(
        points=tuple(points),
        first=first,
        last=last if unknown else None,
        lattice=lattice,
        compressibility_per_gpa=1.0 / 3.0 / bulk,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What a survey got of one sweep.

    `noticed`: the unknown was told at its first point; `strays`: lines put with it that are none of it, and lines of it
    that were followed at half of its points and not put with it; `alarms`: other phases told.
    """

    noticed: bool
    strays: int
    alarms: int


def surveyed(series):
    """The survey of the analysis: after each point, the phases told there first; and all it puts together."""
    from lics_beamline.discovery.point_lines import PointLines, seen_lines
    from lics_beamline.discovery.survey import Survey
    from lics_beamline.lines.peaks import find_peaks
    from lics_beamline.phases.identification import identify
    from lics_beamline.phases.phase import named_phase

    known = [named_phase(name) for name in ("cs-bcc", "cs-fcc", "re-hcp")]
    survey, told = Survey(), []
    for index, point in enumerate(series.points):
        peaks = find_peaks(point.pattern)
        where = {"pressure_gpa": point.pressure_gpa, "temperature_k": point.temperature_k}
        found = identify(peaks, known, pattern=point.pattern, **where)
        lines = seen_lines(peaks, found, point.pattern)
        told.append(
            survey.take(
                PointLines(
                    lines=lines,
                    wavelength_angstrom=WAVELENGTH_ANGSTROM,
                    range_deg=(TWO_THETA_DEG[0], TWO_THETA_DEG[-1]),
                    number=index + 1,
                    **where,
                )
            ).new
        )
    return told, survey.grouping()


def is_of_unknown(series, track):
    """Whether a track follows a drawn line of the unknown at most of its points."""
    right = 0
    for place, line in zip(track.places, track.lines, strict=True):
        drawn = series.points[place].unknown_deg
        right += any(abs(line.peak.two_theta_deg - angle) < 0.5 * line.peak.fwhm_deg for angle in drawn)
    return 2 * right > len(track.places)


def score(series, told, grouped):
    alarms = sum(len(new) for new in told)
    if series.first is None:
        return Score(noticed=False, strays=0, alarms=alarms)
    noticed = bool(told[series.first])
    own = [[is_of_unknown(series, track) for track in phase.tracks] for phase in grouped.phases]
    best = max(range(len(own)), key=lambda index: sum(own[index]), default=None)
    strays = 99 if best is None else own[best].count(False)
    others = [
        *grouped.strays,
        *(t for index, phase in enumerate(grouped.phases) if index != best for t in phase.tracks),
    ]
    half = (series.last - series.first + 1) / 2
    strays += sum(len(track.places) >= half and is_of_unknown(series, track) for track in others)
    return Score(noticed=noticed, strays=strays, alarms=alarms - noticed)


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.worlds.drawn_series", description=__doc__)
    parser.add_argument("--series", type=int, default=40, help="with an unknown phase")
    parser.add_argument("--points", type=int, default=200, help="without one")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    scores = []
    for seed in range(options.seed, options.seed + options.series):
        series = draw(seed)
        scores.append(score(series, *surveyed(series)))
        print(f"{seed}: {series.lattice}, {scores[-1]}", flush=True)  # noqa: T201
    noticed, grouped = sum(each.noticed for each in scores), sum(each.strays <= 1 for each in scores)
    print(  # noqa: T201
        f"{len(scores)} unknowns: noticed at the right point {noticed}, at most one stray line {grouped}, "
        f"other alarms {sum(each.alarms for each in scores)}"
    )
    points = alarms = 0
    seed = options.seed
    while points < options.points:
        series = draw(seed, unknown=False)
        alarms += score(series, *surveyed(series)).alarms
        points, seed = points + len(series.points), seed + 1
    print(f"{points} points without an unknown: false alarms {alarms}")  # noqa: T201


if __name__ == "__main__":
    main()
