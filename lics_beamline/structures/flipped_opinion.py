"""Whether phases that nobody gave are those of a model: a second opinion where the heavy atoms give no signs.

Charge flipping is told of no atom. The density of its starts that has most of the symmetry of the model's group is put
on the model's origin, by hand and shift; then it must have its highest maxima where the model has its atoms.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from lics_beamline.structures.charge_flipping import Waves
from lics_beamline.structures.density_site import DensitySite, atom_at
from lics_beamline.structures.flipped_search import settled_density
from lics_beamline.structures.flipped_sites import density_maxima
from lics_beamline.structures.plane_family import Planes
from lics_beamline.structures.ring_intensities import RingIntensities
from lics_beamline.structures.structure_search import StructureCandidate

SHIFT_POINTS: Final = 48  # of an edge, at which the shift between two origins is sought
MORE_MAXIMA: Final = 2  # told beside one for each atom


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FlippedOpinion:
    """What charge flipping says of a model.

    Parameters
    ----------
    residual : float
        Of the amplitudes of the density, 0 to 1.
    agreement : float
        Of the density with the symmetry of the model's group, about 0 to 1.
    correlation : float
        Of the density and that of the model, both sharpened, about 0 to 1.
    sites : tuple of DensitySite
        Maxima, the highest first, at the model's origin; heights of that of the highest.
    shows_atoms : bool
        Whether the highest maxima are the model's atoms, one for each of its places.
    """

    residual: float
    agreement: float
    correlation: float
    sites: tuple[DensitySite, ...]
    shows_atoms: bool


def flipped_opinion(candidate: StructureCandidate, rings: RingIntensities) -> FlippedOpinion:
    """Ask charge flipping whether it ends in the atoms of a model.

    Parameters
    ----------
    candidate : StructureCandidate
        The model.
    rings : RingIntensities
        Of one point.
    """
    arrangement = candidate.arrangement
    structure = arrangement.structure(rings.cell, candidate.fitted.b_angstrom2)
    found = settled_density(rings, arrangement.space_group, arrangement.elements)
    planes = found.phases.planes
    model = structure.structure_factors(planes)
    # The density is sharpened, the model is made so: by phases times amplitudes of the density
    model = np.abs(found.waves) * np.exp(1j * np.angle(model))
    moved = [_moved(planes, model, waves) for waves in (found.waves, found.waves.conj())]
    correlation, waves = max(moved, key=lambda one: one[0])
    tops = density_maxima(planes, waves, rings.factors, arrangement.space_group)
    count = len(structure.sites)
    at = [atom_at(structure, top, light="", of_light=None) for top in tops]
    return FlippedOpinion(
        residual=found.phases.residual,
        agreement=found.agreement,
        correlation=correlation,
        sites=tuple(
            DensitySite(position=top.position, height=top.height / tops[0].height, electrons=math.nan, atom=atom)
            for top, atom in zip(tops, at[: count + MORE_MAXIMA], strict=False)
        ),
        shows_atoms=set(at[:count]) == {site.label for site in structure.sites},
    )


def _moved(planes: Planes, model: Waves, waves: Waves) -> tuple[float, Waves]:
    """Return how well waves agree with a model at the best shift of the origin, and the waves there."""
    shape = (SHIFT_POINTS,) * 3
    product = np.zeros(shape, dtype=np.complex128)
    product.flat[np.ravel_multi_index(tuple(planes.T), shape, mode="wrap")] = model.conj() * waves
    overlap = np.fft.fftn(product).real
    shift = np.array(np.unravel_index(int(np.argmax(overlap)), shape)) / SHIFT_POINTS
    size = math.sqrt(float(np.sum(np.abs(model) ** 2)) * float(np.sum(np.abs(waves) ** 2)))
    return float(overlap.max()) / max(size, 1e-300), waves * np.exp(-2j * np.pi * planes @ shift)
