"""Rings of a powder drawn from structure factors of gemmi, as a fit of its pattern would give them.

Nothing here is the project's but the classes that hold what is drawn.
"""

import math

import gemmi
import numpy as np

from lics_beamline.patterns.pattern import Pattern
from lics_beamline.physics.crystal import Reflection
from lics_beamline.physics.unit_cell import UnitCell
from lics_beamline.refinement.structure_factors import ReflectionGroup, StructureFactors
from lics_beamline.structures.ring_intensities import RingIntensities, UnknownPattern

WAVELENGTH_ANGSTROM = 0.41373
D_MIN_ANGSTROM = 0.85
SAME_D = 1e-6
SAME_FRACTION = 1e-4


def structure_of(space_group, edges, sites):
    """Return a structure of gemmi; sites are element, place, occupancy and B."""
    structure = gemmi.SmallStructure()
    a, b, c = edges
    structure.cell = gemmi.UnitCell(
        a, b, c, 90, 90, 120 if space_group.startswith(("P 6", "P -6", "P 3", "R ")) else 90
    )
    structure.spacegroup_hm = space_group
    structure.determine_and_set_spacegroup("S.H2")
    operations = list(gemmi.SpaceGroup(space_group).operations())
    for number, (element, place, occupancy, b_iso) in enumerate(sites):
        site = gemmi.SmallStructure.Site()
        site.label = f"{element}{number}"
        site.type_symbol = element
        site.element = gemmi.Element(element)
        site.fract = gemmi.Fractional(*place)
        images = np.array([operation.apply_to_xyz(list(place)) for operation in operations])
        here = np.abs(images - place - np.rint(images - place)).max(axis=1) < SAME_FRACTION
        site.occ = occupancy / int(here.sum())  # gemmi adds up all images of an atom, also those that coincide
        site.u_iso = b_iso / (8 * math.pi**2)
        structure.add_site(site)
    structure.setup_cell_images()
    return structure


def squares_of(structure, hkl):
    """|F|^2 of planes by gemmi, dispersion included [electrons^2]."""
    energy_ev = 12398.4198 / WAVELENGTH_ANGSTROM
    calculator = gemmi.StructureFactorCalculatorX(structure.cell)
    for element in {site.element.name for site in structure.sites}:
        f_prime, _ = gemmi.cromer_liberman(z=gemmi.Element(element).atomic_number, energy=energy_ev)
        calculator.addends.set(gemmi.Element(element), f_prime)
    return np.array([abs(calculator.calculate_sf_from_small_structure(structure, list(h))) ** 2 for h in hkl])


def drawn_rings(space_group, edges, sites, *, relative_error=0.01, floor=0.002, points=2, pressure_gpa=4.8, seed=1):
    """Draw the rings of a structure at some points; errors are parts of each ring and of the strongest."""
    random = np.random.default_rng(seed)
    found = []
    for number in range(points):
        smaller = tuple(edge * (1.0 - 0.004 * number) for edge in edges)
        structure = structure_of(space_group, smaller, sites)
        group = gemmi.SpaceGroup(space_group)
        cell = UnitCell(**dict(zip(UnitCell.__dataclass_fields__, structure.cell.parameters, strict=True)))
        families = []
        for row in gemmi.make_miller_array(structure.cell, group, D_MIN_ANGSTROM).tolist():
            planes = {tuple(operation.apply_to_hkl(row)) for operation in group.operations()}
            planes |= {tuple(-index for index in plane) for plane in planes}
            families.append((structure.cell.calculate_d(row), tuple(row), len(planes)))
        families.sort(reverse=True)
        rings = []
        for d, plane, count in families:
            if rings and rings[-1][0] / d - 1.0 < SAME_D:
                rings[-1][1].append((plane, count))
            else:
                rings.append((d, [(plane, count)]))
        groups = tuple(
            ReflectionGroup(
                reflections=tuple(Reflection(*plane) for plane, _ in members),
                multiplicities=tuple(count for _, count in members),
                s_per_angstrom=0.5 / d,
            )
            for d, members in rings
        )
        squared = np.array(
            [
                np.average(squares_of(structure, [plane for plane, _ in members]), weights=[m for _, m in members])
                for _, members in rings
            ]
        )
        sigma = np.hypot(relative_error * squared, floor * squared.max())
        factors = StructureFactors(
            space_group=str(group.xhm()),
            cell=cell,
            wavelength_angstrom=WAVELENGTH_ANGSTROM,
            groups=groups,
            squared=0.003 * (squared + sigma * random.standard_normal(squared.size)),
            covariance=np.diag((0.003 * sigma) ** 2),
        )
        nothing = np.zeros(1)
        at = UnknownPattern(
            number=number + 1,
            pattern=Pattern(
                two_theta_deg=nothing, intensity=nothing, sigma=nothing, wavelength_angstrom=WAVELENGTH_ANGSTROM
            ),
            pressure_gpa=pressure_gpa + 0.7 * number,
            pressure_sigma_gpa=0.005,
            temperature_k=298.0,
            cell=cell,
            known=(),
        )
        found.append(
            RingIntensities(
                at=at, cell=cell, cell_sigma=cell.strained(1e-5), factors=factors, chi_squared=1.0, grain_error=0.0
            )
        )
    return tuple(found)
