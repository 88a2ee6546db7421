"""Cells that the lines of one phase at one point may have: every choice of low indices for a few lines, tried.

Nothing is chosen here: what is returned are cells that many lines agree with, among them supercells and cells by
chance. `lattice_evidence` says what each is worth.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.indexing.crystal_system import SYSTEMS
from lics_beamline.indexing.lattice_form import form

Array = npt.NDArray[np.float64]

LEAST_SPACING_ERROR: Final = 5e-5  # relative, that no counting removes: stress, shift of the sample
BASE_LINES: Final = {"cubic": 5, "hexagonal": 6, "tetragonal": 6, "orthorhombic": 6, "monoclinic": 6}
TESTED_LINES: Final = 16  # of the lowest: further ones are too far off by a cell that hangs on the lowest
MISSED_SHARE: Final = 0.25  # of the lines tested that a cell may leave: strays
SLACK_SHIFTS: Final = 1.4  # standard deviations of the shift that a line may be off a cell found by others
SLACK_ERRORS: Final = 2.5  # and of its own error
MOST_FOUND: Final = 60_000  # cells that are kept of a search
MOST_SETTLED: Final = 1500  # of these, fitted to all lines
MOST_RETURNED: Final = 60
SAME_RELATIVE: Final = 1.5e-3  # numbers of two cells that are one
LEAST_VOLUME_ANGSTROM3: Final = 8.0  # of a cell: an atom of hydrogen at a megabar has 2
# Families of planes below a sphere in reciprocal space: its volume times that of the cell over their mean multiplicity.
MEAN_MULTIPLICITY: Final = {"cubic": 20.0, "hexagonal": 12.0, "tetragonal": 9.0, "orthorhombic": 5.5, "monoclinic": 3.2}


@dataclass(frozen=True, kw_only=True, eq=False)  # without slots: what follows from it is kept
class Places:
    """Where the lines of a phase lie, by rising angle.

    Parameters
    ----------
    two_theta_deg, error_deg : ndarray of float64, shape (n,)
        Places and their standard deviations, with what no counting removes [deg].
    fwhm_deg : ndarray of float64, shape (n,)
        Widths [deg].
    wavelength_angstrom : float
        X-ray wavelength [angstrom].
    shift_sigma_deg : float
        Standard deviation of a shift of all angles, known beforehand [deg].
    """

    two_theta_deg: Array
    error_deg: Array
    fwhm_deg: Array
    wavelength_angstrom: float
    shift_sigma_deg: float

    @cached_property
    def q(self) -> Array:
        """1/d^2 [1/angstrom^2]."""
        return np.asarray((2.0 * np.sin(np.radians(self.two_theta_deg) / 2.0) / self.wavelength_angstrom) ** 2)

    @cached_property
    def steepness(self) -> Array:
        """Change of 1/d^2 by an angle [1/angstrom^2/deg]."""
        return np.asarray(2.0 * np.sin(np.radians(self.two_theta_deg)) / self.wavelength_angstrom**2 * math.pi / 180.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrialCell:
    """A cell that many lines agree with: the free numbers of its system in Q [1/angstrom^2], and a shift [deg]."""

    system: str
    numbers: Array
    shift_deg: float


def search(places: Places, system: str, *, volume_angstrom3: tuple[float, float]) -> tuple[TrialCell, ...]:
    """Try all choices of low indices for a few of the lowest lines.

    Parameters
    ----------
    places : Places
        The lines.
    system : str
        One of `lattice_form.SYSTEMS`.
    volume_angstrom3 : tuple of float
        Least and largest volume of the conventional cell [angstrom^3].

    Returns
    -------
    tuple of TrialCell
        The best first.
    """
    from lics_beamline.indexing.trial_cells import try_cells

    kind, q = SYSTEMS.index(system), places.q
    size = kind + 1 if kind < 2 else kind
    if len(q) < size + 1:
        return ()
    tested = min(len(q), TESTED_LINES)
    found = np.zeros((MOST_FOUND, size))
    scores = np.zeros(MOST_FOUND)
    kept = try_cells(
        kind,
        size,
        q,
        _slack(places),
        np.array(list(itertools.combinations(range(min(len(q), BASE_LINES[system])), size)), dtype=np.int64),
        _options(system),
        tested,
        max(1, math.floor(MISSED_SHARE * tested)) if tested > size + 2 else 0,
        np.array([max(volume_angstrom3[0], LEAST_VOLUME_ANGSTROM3), volume_angstrom3[1]]),
        2.0 * math.pi / MEAN_MULTIPLICITY[system],
        found,
        scores,
    )
    order = _different(found[:kept], scores[:kept], MOST_SETTLED)
    fitted, shifts, says = _settled(places, system, found[order], np.zeros(len(order)))
    return tuple(
        TrialCell(system=system, numbers=fitted[one], shift_deg=float(shifts[one]))
        for one in _different(fitted, says, MOST_RETURNED)
        if says[one] > 0.0
    )


def settled(places: Places, trial: TrialCell) -> TrialCell:
    """Fit a cell to the lines that lie near its reflections."""
    fitted, shifts, _ = _settled(places, trial.system, trial.numbers[None, :], np.array([trial.shift_deg]))
    return TrialCell(system=trial.system, numbers=fitted[0], shift_deg=float(shifts[0]))


def _settled(places: Places, system: str, numbers: Array, shifts_deg: Array) -> tuple[Array, Array, Array]:
    """Return cells and shifts fitted to all lines, and how much the lines say for each."""
    from lics_beamline.indexing.trial_cells import settle_cells

    numbers, shifts, says = numbers.copy(), shifts_deg.copy(), np.zeros(len(numbers))
    size = numbers.shape[1]
    settle_cells(
        SYSTEMS.index(system),
        size,
        places.q,
        _slack(places),
        places.error_deg * places.steepness,
        places.steepness,
        places.shift_sigma_deg,
        min(len(places.q), max(8, 3 * size)),
        2.0 * math.pi / MEAN_MULTIPLICITY[system],
        numbers,
        shifts,
        says,
    )
    return numbers, shifts, says


def _slack(places: Places) -> Array:
    """Return by how much Q of a line may be off a cell that is right but for the shift."""
    return (SLACK_SHIFTS * places.shift_sigma_deg + SLACK_ERRORS * places.error_deg) * places.steepness


def _options(system: str) -> Array:
    """Return the factors of the free numbers for each choice of indices of a low line."""
    most: dict[str, Sequence[int]] = {
        "cubic": (5, 5, 5),
        "hexagonal": (3, 3, 8),
        "tetragonal": (4, 4, 6),
        "orthorhombic": (3, 3, 3),
        "monoclinic": (2, 2, 2),
    }
    h, k, l = most[system]  # noqa: E741  the crystallographer's name
    low = -l if system == "monoclinic" else 0
    hkl = np.array(list(itertools.product(range(h + 1), range(k + 1), range(low, l + 1)))[1:], dtype=np.int64)
    hkl = hkl[np.any(hkl != 0, axis=1)]
    return np.unique(form(system, hkl)[np.any(form(system, hkl) != 0.0, axis=1)], axis=0)


def _different(numbers: Array, scores: Array, most: int) -> list[int]:
    """Return the places of the best cells, no two of them alike."""
    chosen: list[int] = []
    seen: set[tuple[int, ...]] = set()
    for one in np.argsort(-scores, kind="stable"):
        if len(chosen) == most:
            break
        scale = np.abs(numbers[one]).copy()
        steps = np.round(np.log(np.maximum(scale[: min(3, len(scale))], 1e-9)) / SAME_RELATIVE).astype(int)
        extra = [round(numbers[one][3] / scale[0] / SAME_RELATIVE)] if len(scale) > 3 else []
        key = (*steps.tolist(), *extra)
        if key in seen:
            continue
        seen.add(key)
        chosen.append(int(one))
    return chosen
