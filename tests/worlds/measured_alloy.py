"""Squared structure factors of a cubic alloy as a pattern fit would give them: own sums over xraydb's form factors."""

import itertools

import numpy as np
import xraydb

from lics_beamline.physics.crystal import Reflection
from lics_beamline.physics.structure import Site, Structure
from lics_beamline.physics.unit_cell import UnitCell
from lics_beamline.refinement.site_question import SiteQuestion
from lics_beamline.refinement.structure_factors import ReflectionGroup, StructureFactors

WAVELENGTH_ANGSTROM = 0.41373
ENERGY_EV = 12398.419843320026 / WAVELENGTH_ANGSTROM
CELL = UnitCell.cubic(3.489)
SCALE = 7.3
CAESIUM = Site(label="Cs1", element="Cs", x=0.0, y=0.0, z=0.0, b_iso_angstrom2=1.0)
HOST = Structure(name="host", space_group="P m -3 m", cell=CELL, sites=(CAESIUM,))
QUESTION = SiteQuestion(
    host=HOST,
    element="Li",
    site=(0.5, 0.5, 0.5),
    b_angstrom2=3.0,
    b_low_angstrom2=1.5,
    b_high_angstrom2=5.0,
)


def planes(hkl):
    signs = itertools.product((1, -1), repeat=3)
    orders = set(itertools.permutations(hkl))
    return len({tuple(s * i for s, i in zip(sign, order, strict=True)) for sign in signs for order in orders})


def groups(largest=20):
    found = []
    for n in range(1, largest + 1):
        families = [
            hkl
            for hkl in itertools.product(range(5), repeat=3)
            if list(hkl) == sorted(hkl, reverse=True) and sum(index * index for index in hkl) == n
        ]
        if families:
            found.append(
                ReflectionGroup(
                    reflections=tuple(Reflection(*hkl) for hkl in families),
                    multiplicities=tuple(planes(hkl) for hkl in families),
                    s_per_angstrom=np.sqrt(n) / (2 * CELL.a_angstrom),
                )
            )
    return tuple(found)


def squares(occupancy, *, b_lithium=3.0, b_caesium=1.5, rings=None):
    """Mean |F|^2 with f' and f'' of both atoms, by the definition."""
    values = []
    for group in rings or groups():
        s = group.s_per_angstrom
        total = 0.0
        for one, count in zip(group.reflections, group.multiplicities, strict=True):
            caesium, lithium = (
                (
                    xraydb.f0(element, s)[0]
                    + xraydb.f1_chantler(element, ENERGY_EV)
                    + 1j * xraydb.f2_chantler(element, ENERGY_EV)
                )
                * np.exp(-b * s * s)
                for element, b in (("Cs", b_caesium), ("Li", b_lithium))
            )
            total += count * abs(caesium + occupancy * lithium * (-1) ** (one.h + one.k + one.l)) ** 2
        values.append(total / group.multiplicity)
    return np.array(values)


def measured(occupancy, *, seed, relative=0.005, whole_rings=0.0, b_lithium=3.0, rings=None):
    """Squares with counting noise (`relative` of a middling ring's) and rings scaled by `whole_rings` at random."""
    generator = np.random.default_rng(seed)
    rings = rings or groups()
    exact = SCALE * squares(occupancy, b_lithium=b_lithium, rings=rings)
    strength = exact * np.array([one.multiplicity / one.s_per_angstrom**2 for one in rings])
    sigma = relative * exact * np.sqrt(np.median(strength) / strength)
    noisy = (exact + sigma * generator.normal(size=exact.size)) * (1 + whole_rings * generator.normal(size=exact.size))
    return StructureFactors(
        space_group="P m -3 m",
        cell=CELL,
        wavelength_angstrom=WAVELENGTH_ANGSTROM,
        groups=rings,
        squared=noisy,
        covariance=np.diag(sigma**2),
    )
