"""The second door to rietx: its three engines that search for lattices, as a second opinion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lics_beamline.indexing.lattice_form import numbers_of
from lics_beamline.indexing.lattice_search import Places, TrialCell, settled
from lics_beamline.indexing.line_set import LineSet
from lics_beamline.physics.unit_cell import UnitCell


def search_with_rietx(
    places: Places,
    lines: LineSet,
    *,
    systems: Sequence[str],
    volume_angstrom3: tuple[float, float],
    seconds: float,
) -> tuple[TrialCell, ...]:
    """Search for lattices with rietx's engines.

    Parameters
    ----------
    places, lines
        Lines of one point, with what no counting removes in their errors, and as they were found.
    systems : sequence of str
        Crystal systems sought.
    volume_angstrom3 : tuple of float
        Least and largest volume of the conventional cell [angstrom^3].
    seconds : float
        How long it may take [s].
    """
    from rietx.indexing import SearchSpec, index_pattern
    from rietx.schemas.indexing import ObservedPeak, PeakList

    peaks = [
        ObservedPeak(
            two_theta=float(angle),
            two_theta_esd=float(error),
            intensity=line.area,
            intensity_esd=line.area * line.height_sigma / max(line.height, 1e-12),
            q=float(q),
            q_esd=float(q_error),
            fwhm=line.fwhm_deg,
            eta=min(max(line.mixing, 0.0), 1.0),
            group=number,
            n_in_group=1,
            chi2_red=1.0,
        )
        for number, (line, angle, error, q, q_error) in enumerate(
            zip(
                lines.lines[: len(places.q)],
                places.two_theta_deg,
                places.error_deg,
                places.q,
                places.error_deg * places.steepness,
                strict=True,
            )
        )
    ]
    given = PeakList(
        peaks=peaks,
        wavelength=places.wavelength_angstrom,
        two_theta_min=lines.seen_deg[0][0],
        two_theta_max=float(places.two_theta_deg[-1]) + 1e-6,
    )
    found: list[TrialCell] = []
    spec = SearchSpec(
        systems=tuple(systems),
        min_volume=max(volume_angstrom3[0], 8.0),
        max_volume=volume_angstrom3[1],
        shift_allowance_deg=2.0 * places.shift_sigma_deg,
        total_budget_seconds=seconds,
    )
    result = index_pattern(given, spec=spec, validate=False)
    for candidate in result.candidates:
        cell = UnitCell(**dict(zip(_NAMES, candidate.cell, strict=True)))
        system = "hexagonal" if candidate.system in ("trigonal", "rhombohedral") else str(candidate.system)
        if system not in systems or (system == "hexagonal" and abs(cell.gamma_deg - 120.0) > 0.1):
            continue
        trial = TrialCell(system=system, numbers=np.abs(numbers_of(system, cell)), shift_deg=0.0)
        found.append(settled(places, trial))
    return tuple(found)


_NAMES = ("a_angstrom", "b_angstrom", "c_angstrom", "alpha_deg", "beta_deg", "gamma_deg")
