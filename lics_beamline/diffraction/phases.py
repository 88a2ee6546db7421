"""Which phases made the peaks of a pattern, and with which cell.

A phase is data: the shape of its cell, an equation of state that says where its lines must be at the measured pressure
and temperature, and a few marker lines. It is found where all markers are found near where they must be and one cell
explains them. Two phases may explain the same peaks: the lines of a bcc cell of edge sqrt(2) a fall on those of a
primitive cubic one of edge a, to the sixth line. Then the one closer to its equation of state keeps them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from lics_beamline.diffraction.peaks import Peak
from lics_beamline.errors import OutsideCalibration
from lics_beamline.physics.crystal import Cell, Reflection
from lics_beamline.physics.crystal import two_theta_deg as bragg_deg
from lics_beamline.physics.equation_of_state import EquationOfState
from lics_beamline.strict_toml import Strict

AGREEMENT: Final = (
    1.0e-3  # spacings of one cell agree to this: 0.1 mm of sample shift is 3e-4, stress in a cell a little more
)
PRESSURE_DOUBT_GPA: Final = (
    0.15  # ruby and sample differ by 0.02-0.1 GPa in a cell without medium; engineering estimate
)


class Phase(Strict):
    """A phase that may be in the beam.

    Parameters
    ----------
    name : str
        Name in documents: ``alloy``, ``cs-bcc``, ``re-hcp``.
    system : {"cubic", "hexagonal"}
        Crystal system.
    c_over_a : float
        Of a hexagonal cell; starts the search, the fit finds its own.
    volume0_angstrom3, bulk_modulus_gpa, bulk_modulus_slope, thermal_pressure_gpa_per_k, form
        Equation of state of the cell, see `EquationOfState`.
    markers : tuple of (h, k, l)
        Lines that must all be found.
    window : float
        Half width of the search as a fraction of the spacing: how far equation of state and calibration may be off.
    doubt_gpa : float
        Uncertainty of the pressure in the search [GPa]; widens the window of soft phases.
    highest_gpa : float
        Pressure above which the phase is not sought [GPa]: it has become another one.
    """

    name: str
    system: Literal["cubic", "hexagonal"] = "cubic"
    c_over_a: float = 1.0
    volume0_angstrom3: float
    bulk_modulus_gpa: float
    bulk_modulus_slope: float
    thermal_pressure_gpa_per_k: float = 0.0
    form: Literal["vinet", "birch-murnaghan-3"] = "vinet"
    markers: tuple[tuple[int, int, int], ...]
    window: float = 0.015
    doubt_gpa: float = PRESSURE_DOUBT_GPA
    highest_gpa: float = 100.0

    def equation_of_state(self) -> EquationOfState:
        """Return the equation of state of the cell."""
        return EquationOfState(
            volume0_angstrom3=self.volume0_angstrom3,
            bulk_modulus_gpa=self.bulk_modulus_gpa,
            bulk_modulus_slope=self.bulk_modulus_slope,
            thermal_pressure_gpa_per_k=self.thermal_pressure_gpa_per_k,
            form=self.form,
        )

    def expected(self, pressure_gpa: float, temperature_k: float) -> Cell:
        """Return the cell expected at a pressure [GPa] and temperature [K].

        Raises
        ------
        OutsideCalibration
            If the equation of state does not reach there.
        """
        shape = Cell(system=self.system, a_angstrom=1.0, c_angstrom=self.c_over_a)
        return shape.scaled(self.equation_of_state().volume_angstrom3(pressure_gpa, temperature_k))


# The alloy: Vinet through the three printed cells 3.585(9) A at 3 GPa and 3.489(3) at 8 GPa, 298 K, and 3.572(3) at
# 5 GPa, 498 K (Desgreniers et al. 2015), K' fixed at 4: K' from 3 to 6 moves the cell by 0.3 % from 1.9 to 12 GPa.
ALLOY: Final = Phase(
    name="alloy",
    volume0_angstrom3=49.1134,
    bulk_modulus_gpa=41.389,
    bulk_modulus_slope=4.0,
    thermal_pressure_gpa_per_k=7.0595e-3,
    markers=((1, 1, 0), (2, 0, 0)),
)
# Caesium I: two atoms of 115.8 A^3, K0 1.70 GPa, K' 3.85, Vinet (Anderson and Swenson 1985); expansion 2.9e-4 /K x K0.
CAESIUM: Final = Phase(
    name="cs-bcc",
    volume0_angstrom3=231.6,
    bulk_modulus_gpa=1.70,
    bulk_modulus_slope=3.85,
    thermal_pressure_gpa_per_k=4.9e-4,
    markers=((1, 1, 0), (2, 0, 0)),
    window=0.01,
    highest_gpa=2.6,  # caesium II from 2.37 GPa (Jayaraman et al. 1967), plus what ruby and hysteresis may be off
)
# Rhenium of the gasket: 2.761, 4.456 A, K0 352.6 GPa, K' 4.56 (Anzellini et al., J. Appl. Phys. 115, 043511 (2014));
# expansion 1.9e-5 /K x K0.
RHENIUM: Final = Phase(
    name="re-hcp",
    system="hexagonal",
    c_over_a=1.6139,
    volume0_angstrom3=29.418,
    bulk_modulus_gpa=352.6,
    bulk_modulus_slope=4.56,
    thermal_pressure_gpa_per_k=6.7e-3,
    markers=((1, 0, 0), (0, 0, 2), (1, 0, 1)),
    window=0.01,
)
DEFAULT_PHASES: Final = (ALLOY, CAESIUM, RHENIUM)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPhase:
    """A phase found in a pattern.

    Parameters
    ----------
    name : str
        Name of the phase.
    cell : Cell
        Cell that fits its markers [angstrom].
    a_sigma_angstrom, c_sigma_angstrom : float
        Standard deviations from the errors of the peaks, enlarged where the lines disagree by more than these.
    peaks : tuple of Peak
        The marker lines, in the order of the phase's markers.
    significance : float
        Of all markers together.
    deviation : float
        Relative distance of the cell's volume^(1/3) from the equation of state.
    """

    name: str
    cell: Cell
    a_sigma_angstrom: float
    c_sigma_angstrom: float
    peaks: tuple[Peak, ...]
    significance: float
    deviation: float


def identify(
    peaks: Sequence[Peak],
    phases: Iterable[Phase],
    *,
    pressure_gpa: float,
    temperature_k: float,
    wavelength_angstrom: float,
) -> tuple[FoundPhase, ...]:
    """Find the phases of a pattern.

    Parameters
    ----------
    peaks : sequence of Peak
        Fitted peaks.
    phases : iterable of Phase
        What may be there.
    pressure_gpa, temperature_k : float
        Where the sample is.
    wavelength_angstrom : float
        X-ray wavelength [angstrom].

    Returns
    -------
    tuple of FoundPhase
        In the order of `phases`; a phase whose equation of state does not reach the point is not there.
    """
    found = []
    for phase in phases:
        match = _match(peaks, phase, pressure_gpa, temperature_k, wavelength_angstrom)
        if match is not None:
            found.append(match)
    kept: list[FoundPhase] = []
    for candidate in sorted(found, key=lambda phase: phase.deviation):
        if not _repeats(candidate, kept):
            kept.append(candidate)
    return tuple(phase for phase in found if phase in kept)


def _repeats(candidate: FoundPhase, kept: list[FoundPhase]) -> bool:
    """Tell whether a cubic phase repeats the lines of one already found: edges in the ratio sqrt(2)."""
    edges = [phase.cell.a_angstrom for phase in kept if phase.cell.system == "cubic"]
    if candidate.cell.system != "cubic":
        return False
    a = candidate.cell.a_angstrom
    return any(
        abs(a / edge / factor - 1.0) < 2.0 * AGREEMENT for edge in edges for factor in (math.sqrt(2.0), math.sqrt(0.5))
    )


def _match(
    peaks: Sequence[Peak], phase: Phase, pressure_gpa: float, temperature_k: float, wavelength: float
) -> FoundPhase | None:
    if pressure_gpa > phase.highest_gpa:
        return None
    try:
        expected = phase.expected(pressure_gpa, temperature_k)
        softer = phase.expected(pressure_gpa - phase.doubt_gpa, temperature_k)
        harder = phase.expected(pressure_gpa + phase.doubt_gpa, temperature_k)
    except OutsideCalibration:
        return None
    low = harder.a_angstrom / expected.a_angstrom * (1.0 - phase.window)
    high = softer.a_angstrom / expected.a_angstrom * (1.0 + phase.window)
    markers = [Reflection(*marker) for marker in phase.markers]
    choices = []
    for marker in markers:
        d = expected.d_angstrom(marker)
        first, last = bragg_deg(high * d, wavelength), bragg_deg(low * d, wavelength)
        choices.append([peak for peak in peaks if first <= peak.two_theta_deg <= last])
    best: FoundPhase | None = None
    for combination in itertools.product(*choices):
        candidate = _fit_cell(phase, markers, combination, expected)
        if candidate and (best is None or candidate.deviation < best.deviation):
            best = candidate
    return best


def _fit_cell(phase: Phase, markers: list[Reflection], peaks: tuple[Peak, ...], expected: Cell) -> FoundPhase | None:
    """Fit 1/d^2 of the peaks, which is linear in 1/a^2 and 1/c^2; None where no cell explains them all."""
    if phase.system == "cubic":
        design = np.array([[m.h**2 + m.k**2 + m.l**2] for m in markers], dtype=np.float64)
    else:
        design = np.array([[4.0 / 3.0 * (m.h**2 + m.h * m.k + m.k**2), m.l**2] for m in markers], dtype=np.float64)
    d = np.array([peak.d_angstrom for peak in peaks])
    sigma = np.array([peak.d_sigma_angstrom for peak in peaks]) * 2.0 / d**3  # of 1/d^2
    covariance = np.linalg.inv(design.T @ (design / sigma[:, None] ** 2))
    solution = covariance @ (design.T @ (d**-2 / sigma**2))
    if np.any(solution <= 0.0):
        return None
    residual = d**-2 - design @ solution
    tolerance = np.hypot(AGREEMENT * 2.0 / d**2, 3.0 * sigma)
    if np.any(np.abs(residual) > tolerance):
        return None
    freedom = len(markers) - solution.size
    inflation = max(1.0, float((residual / sigma) @ (residual / sigma)) / freedom) if freedom else 1.0
    edges = solution**-0.5
    errors = 0.5 * edges**3 * np.sqrt(np.diag(covariance) * inflation)
    cell = Cell(system=phase.system, a_angstrom=float(edges[0]), c_angstrom=float(edges[-1]))
    size = (cell.volume_angstrom3 / expected.volume_angstrom3) ** (1.0 / 3.0)
    return FoundPhase(
        name=phase.name,
        cell=cell,
        a_sigma_angstrom=float(errors[0]),
        c_sigma_angstrom=float(errors[-1]),
        peaks=peaks,
        significance=math.sqrt(sum(peak.significance**2 for peak in peaks)),
        deviation=abs(size - 1.0),
    )
