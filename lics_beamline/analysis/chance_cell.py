"""A cell that lies well by chance: a search among many cells always finds one that explains some lines.

The strongest lines of a phase tell: where it is, they have peaks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from lics_beamline.lines.peaks import Peak
from lics_beamline.phases.identification import EXPLAINED_FWHM
from lics_beamline.phases.phase import structure_lines, telling_lines
from lics_beamline.physics.unit_cell import lattice_system
from lics_beamline.refinement.structural_model import StructuralModel

SEEN_SHARE: Final = 0.5  # of the strongest lines of a phase must have a peak
LEAST_SEEN: Final = 2


def doubt_of_cell(model: StructuralModel, peaks: Sequence[Peak], wavelength_angstrom: float) -> str:
    """Return why a cell that was found is taken for chance; empty where half of its strongest lines have a peak.

    Parameters
    ----------
    model : StructuralModel
        The structure, in the cell that was found.
    peaks : sequence of Peak
        All peaks of the pattern.
    wavelength_angstrom : float
        X-ray wavelength [angstrom].
    """
    lowest = min((peak.d_angstrom for peak in peaks), default=np.inf)
    lines = structure_lines(model.structure, model.cell, wavelength_angstrom=wavelength_angstrom, d_min_angstrom=lowest)
    markers = telling_lines(lines, lattice_system(model.space_group))
    d = model.cell.inverse_d_squared(np.array([line.hkl for line in markers]).reshape(-1, 3)) ** -0.5
    angles = 2.0 * np.degrees(np.arcsin(wavelength_angstrom / (2.0 * d)))
    there = sum(
        any(abs(peak.two_theta_deg - angle) < EXPLAINED_FWHM * peak.fwhm_deg for peak in peaks) for angle in angles
    )
    if there >= max(LEAST_SEEN, SEEN_SHARE * len(markers)):
        return ""
    return f"{model.name}: the cell that lies best has a peak at {there} of {len(markers)} strongest lines."
