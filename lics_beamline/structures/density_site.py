"""Where the electron density has its maxima, the heavy atoms alone giving the signs: a test that the rest did not make.

The density starts uniform and has the largest entropy that agrees with the rings. Rings in which the heavy atoms cancel
have no sign from them and are left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import RefinementFailed
from lics_beamline.physics.scattering_factor import form_factor
from lics_beamline.physics.structure import Structure
from lics_beamline.physics.unit_cell import space_group
from lics_beamline.refinement.basins import basins
from lics_beamline.refinement.density import default_grid
from lics_beamline.refinement.host_fit import HostFit, observed
from lics_beamline.refinement.max_entropy import Density, MaxEntropy
from lics_beamline.refinement.maxima import Maximum, maxima
from lics_beamline.refinement.powder_model import PowderModel
from lics_beamline.refinement.site_charge import basin_charge
from lics_beamline.refinement.structure_factors import StructureFactors
from lics_beamline.structures.ring_intensities import RingIntensities
from lics_beamline.structures.structure_search import StructureCandidate

Array = npt.NDArray[np.float64]

FINEST_ANGSTROM: Final = 0.06  # step of the grid: 64 points along 3.5 angstrom
MOST_POINTS: Final = 64**3  # of a grid: some seconds
LEAST_OF_HEAVY: Final = 0.02  # of the strongest |F|^2 of the heavy atoms: less is no sign
SAME_SITE_ANGSTROM: Final = 0.4  # between an atom and its maximum
MORE_MAXIMA: Final = 2  # told beside one for each atom


@dataclass(frozen=True, slots=True, kw_only=True)
class DensitySite:
    """A maximum of the density.

    Parameters
    ----------
    position : tuple of float
        Fractional coordinates.
    height : float
        Density there [electrons/angstrom^3].
    electrons : float
        In its basin; of a light atom beside heavy ones fewer than it has. NaN of a ripple whose basin is another's.
    atom : str
        Label of the atom of the model there; empty where there is none.
    """

    position: tuple[float, float, float]
    height: float
    electrons: float
    atom: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DensityFinding:
    """What a density shows.

    Parameters
    ----------
    density : Density
        The density.
    sites : tuple of DensitySite
        Its maxima, the highest first: as many as atoms, and a few more.
    rings, signed : int
        Rings that were seen, and those whose sign the heavy atoms decide whatever the light ones do.
    shows_light : bool
        Whether the highest maxima off the heavy atoms are the light ones of the model.
    """

    density: Density
    sites: tuple[DensitySite, ...]
    rings: int
    signed: int
    shows_light: bool


def density_sites(candidate: StructureCandidate, rings: RingIntensities) -> DensityFinding:
    """Find the maxima of the density that rings and heavy atoms give.

    Parameters
    ----------
    candidate : StructureCandidate
        The model: its lightest element is what the density is not told of.
    rings : RingIntensities
        Of one point.

    Raises
    ------
    RefinementFailed
        If the model has one element, or a lattice symmetry that its atoms lack makes unlike planes share rings; and
        where there is no density.
    """
    from threadpoolctl import threadpool_limits

    arrangement = candidate.arrangement
    light = arrangement.elements[-1]
    structure = arrangement.structure(rings.cell, candidate.fitted.b_angstrom2)
    structure = replace(
        structure,
        sites=tuple(replace(site, occupancy=candidate.fitted.occupancy[site.element]) for site in structure.sites),
    )
    if len(arrangement.elements) < 2:
        raise RefinementFailed("the model has one element: the density would show what was put into it.")
    if _laue_class(arrangement.space_group) != _laue_class(rings.factors.space_group):
        raise RefinementFailed(
            f"unlike planes of {arrangement.space_group} share rings: a powder does not tell their signs. A crystal "
            "would."
        )
    host = replace(structure, sites=tuple(site for site in structure.sites if site.element != light))
    with threadpool_limits(limits=1, user_api="blas"):
        return _found(structure, host, light, replace(rings.factors, space_group=arrangement.space_group))


def _found(structure: Structure, host: Structure, light: str, factors: StructureFactors) -> DensityFinding:
    strong = observed(factors)
    alone = PowderModel(host, strong.groups, strong.wavelength_angstrom).squares().total
    filled = PowderModel(structure, strong.groups, strong.wavelength_angstrom).squares().total
    kept = np.flatnonzero(alone > LEAST_OF_HEAVY * alone.max())
    strong = replace(
        strong,
        groups=tuple(strong.groups[k] for k in kept),
        squared=strong.squared[kept],
        covariance=strong.covariance[np.ix_(kept, kept)],
    )
    change = np.abs(filled - alone)[kept]
    heavy = HostFit(strong, host, 0.5 * change)
    amplitudes = heavy.amplitudes(strong.squared, heavy.fit(strong.squared), structure.electrons)
    step = max(FINEST_ANGSTROM, (strong.cell.volume_angstrom3 / MOST_POINTS) ** (1.0 / 3.0))
    grid = default_grid(strong, step)
    density = MaxEntropy(amplitudes, grid).solve()
    tops = maxima(density.values, grid)
    of_heavy = [top for top in tops if atom_at(structure, top, light=light, of_light=False)]
    others = [top for top in tops if top not in of_heavy]
    wanted = [site for site in structure.sites if site.element == light]
    divided = basins(density.values, grid)
    told = sorted([*of_heavy, *others[: len(wanted) + MORE_MAXIMA]], key=lambda top: -top.height)
    labels = [int(divided.label[top.point]) for top in told]
    owners = [labels.index(label) for label in labels]  # the highest maximum of a basin owns it
    return DensityFinding(
        density=density,
        sites=tuple(
            DensitySite(
                position=top.position,
                height=top.height,
                electrons=math.nan if owner != place else basin_charge(divided, grid, top.position),
                atom=atom_at(structure, top, light=light, of_light=None),
            )
            for place, (top, owner) in enumerate(zip(told, owners, strict=True))
        ),
        rings=len(strong.groups),
        signed=int(np.count_nonzero(np.sqrt(alone[kept]) > _most_of(structure, light, strong.s_per_angstrom))),
        shows_light=all(
            any(atom_at(structure, top, light=light, of_light=True) == site.label for top in others[: len(wanted)])
            for site in wanted
        ),
    )


def atom_at(structure: Structure, top: Maximum, *, light: str, of_light: bool | None) -> str:
    """Return the label of the atom at a maximum: of any element, or of the light one alone, or of the others alone."""
    for site in structure.sites:
        if of_light is not None and (site.element == light) is not of_light:
            continue
        apart = structure.orbit(site) - np.array(top.position)
        apart -= np.rint(apart)
        if np.sqrt(np.einsum("ni,ij,nj->n", apart, structure.cell.metric, apart).min()) < SAME_SITE_ANGSTROM:
            return site.label
    return ""


def _most_of(structure: Structure, element: str, s_per_angstrom: Array) -> Array:
    """Return the largest |F| that the atoms of an element can have, wherever they are [electrons]."""
    found = np.zeros_like(s_per_angstrom)
    for site in structure.sites:
        if site.element == element:
            number = site.occupancy * len(structure.orbit(site))
            damped = np.exp(-site.b_iso_angstrom2 * s_per_angstrom**2)
            found += number * form_factor(element, s_per_angstrom) * damped
    return found


def _laue_class(symbol: str) -> str:
    return str(space_group(symbol).laue_str())
