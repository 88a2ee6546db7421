"""Patterns of the alloy drawn from structure factors of gemmi and Voigt lines of scipy, not by the project."""

import math

import gemmi
import numpy as np
from scipy.special import voigt_profile

from lics_beamline.patterns.pattern import Pattern

WAVELENGTH = 0.41373
EDGE = 3.5692
X = np.arange(4.0, 28.5, 0.0112)


def alloy(*, occupancy=0.7, edge=EDGE):
    structure = gemmi.SmallStructure()
    structure.cell = gemmi.UnitCell(edge, edge, edge, 90, 90, 90)
    structure.spacegroup_hm = "P m -3 m"
    for element, at, share, b in (("Cs", 0.0, 1.0, 2.5), ("Li", 0.5, occupancy, 4.0)):
        site = gemmi.SmallStructure.Site()
        site.label = site.type_symbol = element
        site.element = gemmi.Element(element)
        site.fract = gemmi.Fractional(at, at, at)
        site.occ = share
        site.u_iso = b / (8 * math.pi**2)
        structure.add_site(site)
    structure.setup_cell_images()
    return structure


def drawn(structure, *, counts=60.0, seed=1):
    """Poisson pattern by Warren's formula: m |F|^2 / (sin^2 cos V^2), Voigt lines, a curved background."""
    calculator = gemmi.StructureFactorCalculatorX(structure.cell)
    for element in ("Cs", "Li"):
        f_prime, _ = gemmi.cromer_liberman(z=gemmi.Element(element).atomic_number, energy=12398.4198 / WAVELENGTH)
        calculator.addends.set(gemmi.Element(element), f_prime)
    group = gemmi.SpaceGroup("P m -3 m")
    mean = 8 + 60 * np.exp(-X / 3) + 45 * (1 - np.exp(-((X / 9) ** 2))) * np.exp(-X / 60)
    for row in gemmi.make_miller_array(structure.cell, group, 0.76):
        hkl = [int(index) for index in row]
        family = {tuple(operation.apply_to_hkl(hkl)) for operation in group.operations()}
        planes = len(family | {tuple(-i for i in h) for h in family})
        squared = abs(calculator.calculate_sf_from_small_structure(structure, hkl)) ** 2
        theta = math.asin(WAVELENGTH * math.sqrt(structure.cell.calculate_1_d2(hkl)) / 2)
        strength = planes * squared / (math.sin(theta) ** 2 * math.cos(theta) * structure.cell.volume**2)
        width = math.sqrt(0.004 * math.tan(theta) ** 2 + 0.0016) / math.sqrt(8 * math.log(2))
        tail = (0.01 / math.cos(theta) + 0.05 * math.tan(theta)) / 2
        mean = mean + 0.012 * strength * voigt_profile(X - 2 * math.degrees(theta), width, tail)
    return Pattern(
        two_theta_deg=X,
        intensity=np.random.default_rng(seed).poisson(counts * mean) / counts,
        sigma=np.sqrt(mean / counts),
        wavelength_angstrom=WAVELENGTH,
    )
