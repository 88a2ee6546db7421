"""A mixture in the beam: constituents that share the caesium, each stable between two pressures.

Made for room temperature: cells have a thermal pressure, but nothing melts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Final

from lics_simulators.equation_of_state import REFERENCE_K, compression_at, li_volume, re_cell, vinet_gpa
from lics_simulators.plate.structures import STRUCTURES, Site, Structure, orbit
from lics_simulators.sample import GASKET, PhaseState, SampleState

WARM_K: Final = 498.0  # where sites have their second B: in proportion to the temperature, as of classical oscillators
FAINTEST_SHARE: Final = 1.0e-3  # of the caesium: less of a phase than this is nothing that a plate can show
Edges = tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteParameters:
    """Atoms of one kind that symmetry makes of one.

    Parameters
    ----------
    element : str
        Chemical symbol.
    at : tuple of float
        Fractional coordinates of one of them.
    b_angstrom2 : float
        Isotropic B at 298 K [A^2].
    occupancy : float
        0 to 1.
    """

    element: str
    at: tuple[float, float, float]
    b_angstrom2: float
    occupancy: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstituentParameters:
    """One phase of a mixture: when it is there, its cell, and its atoms.

    Parameters
    ----------
    phase : str
        Its name; one of the structures of the plate where it has no `sites`.
    weight : float
        Its part of the caesium beside the weights of the others that are stable at the same pressure.
    edges_angstrom : tuple of float
        a, b, c at zero pressure and 298 K [angstrom].
    k0_gpa, k0_prime : float
        Vinet isotherm of the cell at 298 K.
    from_gpa, to_gpa : float
        Pressures between which it is stable [GPa].
    thermal_gpa_per_k : float
        Rise of pressure with temperature at constant volume.
    edge_parts : tuple of float
        Parts of a, b and c in the compression of the cell: an edge goes with this power of the volume. Their sum is 1.
    space_group : str
        Hermann-Mauguin symbol, as gemmi reads it, of a phase with `sites`.
    angles_deg : tuple of float
        alpha, beta, gamma [deg], the same at all pressures.
    sites : tuple of SiteParameters
        Its atoms; none for a structure of the plate.
    """

    phase: str
    weight: float
    edges_angstrom: tuple[float, float, float]
    k0_gpa: float
    k0_prime: float
    from_gpa: float = 0.0
    to_gpa: float = 1000.0
    thermal_gpa_per_k: float = 0.0
    edge_parts: tuple[float, float, float] = (1 / 3, 1 / 3, 1 / 3)
    space_group: str = ""
    angles_deg: tuple[float, float, float] = (90.0, 90.0, 90.0)
    sites: tuple[SiteParameters, ...] = ()

    def structure(self) -> Structure:
        """Return its structure: that of its sites, or that of its name."""
        if not self.sites:
            if self.phase not in STRUCTURES:
                raise ValueError(
                    f"phase {self.phase!r} has no sites and is none of {', '.join(STRUCTURES)}. Mend the preset."
                )
            return STRUCTURES[self.phase]
        return Structure(
            phase=self.phase,
            space_group=self.space_group,
            angles_deg=self.angles_deg,
            sites=tuple(
                Site(
                    element=site.element,
                    positions=orbit(self.space_group, site.at),
                    occupancy=site.occupancy,
                    b_cold_angstrom2=site.b_angstrom2,
                    b_hot_angstrom2=site.b_angstrom2 * WARM_K / REFERENCE_K,
                )
                for site in self.sites
            ),
        )

    def cell_angstrom(self, pressure_gpa: float, temperature_k: float) -> Edges:
        """Edges of the cell [angstrom] at a pressure [GPa] and a temperature [K]."""
        cold_gpa = pressure_gpa - self.thermal_gpa_per_k * (temperature_k - REFERENCE_K)
        compression = compression_at(lambda v: vinet_gpa(v, self.k0_gpa, self.k0_prime), cold_gpa)
        a, b, c = (edge * compression**part for edge, part in zip(self.edges_angstrom, self.edge_parts, strict=True))
        return a, b, c


@dataclass(frozen=True, slots=True, kw_only=True)
class MixtureParameters:
    """What was loaded: caesium and lithium, and what they make of each other.

    Parameters
    ----------
    li_per_cs : float
        Lithium atoms loaded per caesium atom; those in no constituent are bcc lithium.
    transition_s : float
        Time constant of every change [s].
    hysteresis_gpa : float
        How much lower the changes come on the way down [GPa].
    shift_mm_per_k : float
        Movement along the beam on heating [mm/K].
    constituents : tuple of ConstituentParameters
        The phases that hold caesium.
    """

    form: ClassVar[str] = "mixture"
    li_per_cs: float
    transition_s: float
    hysteresis_gpa: float
    shift_mm_per_k: float
    constituents: tuple[ConstituentParameters, ...]


class Mixture:
    """A loaded mixture: remembers how much of the caesium is where. What it is loaded as is stable already.

    Parameters
    ----------
    parameters : MixtureParameters
        Numbers of the loaded mixture.

    Raises
    ------
    ValueError
        If the parts of the edges of a constituent do not make 1, or it holds no caesium.
    """

    def __init__(self, parameters: MixtureParameters) -> None:
        self.parameters = parameters
        self.parts: list[float] = []  # of the caesium, in the order of the constituents; empty before the first moment
        self.lagging_gpa = -math.inf  # the pressure that the phases go by: it follows a fall late
        self._contents = [_contents(each) for each in parameters.constituents]
        for each in parameters.constituents:
            if not math.isclose(sum(each.edge_parts), 1.0, abs_tol=1e-6):
                raise ValueError(
                    f"edge_parts of {each.phase} make {sum(each.edge_parts):.6f} and must make 1. Mend the preset."
                )

    def structures(self) -> dict[str, Structure]:
        """Return the structures of its constituents by their names."""
        return {each.phase: each.structure() for each in self.parameters.constituents}

    def step(self, dt_s: float, pressure_gpa: float, temperature_k: float) -> None:
        """Let the mixture change for `dt_s` seconds."""
        self._load(pressure_gpa)
        lowest, highest = pressure_gpa, pressure_gpa + self.parameters.hysteresis_gpa
        self.lagging_gpa = min(max(self.lagging_gpa, lowest), highest)
        moved = -math.expm1(-dt_s / self.parameters.transition_s)
        stable = self._stable(self.lagging_gpa)
        self.parts = [part + moved * (aim - part) for part, aim in zip(self.parts, stable, strict=True)]

    def state(self, time_s: float, pressure_gpa: float, temperature_k: float) -> SampleState:
        """Return what lies in the beam at a pressure [GPa] and a temperature [K]."""
        self._load(pressure_gpa)
        phases = [PhaseState(phase=GASKET, cell_angstrom=re_cell(pressure_gpa, temperature_k), cells=1.0)]
        free_li = self.parameters.li_per_cs
        for each, part, (cs, li) in zip(self.parameters.constituents, self.parts, self._contents, strict=True):
            if part < FAINTEST_SHARE:
                continue
            cells = part / cs
            free_li -= li * cells
            edges = each.cell_angstrom(pressure_gpa, temperature_k)
            phases.append(PhaseState(phase=each.phase, cell_angstrom=edges, cells=cells))
        if free_li > 0.0:
            a = math.cbrt(2.0 * li_volume(pressure_gpa, temperature_k))
            phases.append(PhaseState(phase="li-bcc", cell_angstrom=(a, a, a), cells=free_li / 2.0))
        return SampleState(
            time_s=time_s,
            pressure_gpa=pressure_gpa,
            temperature_k=temperature_k,
            phases=tuple(phases),
            shift_along_beam_mm=self.parameters.shift_mm_per_k * (temperature_k - REFERENCE_K),
        )

    def _load(self, pressure_gpa: float) -> None:
        if not self.parts:
            self.parts = self._stable(pressure_gpa)

    def _stable(self, pressure_gpa: float) -> list[float]:
        """Return the parts of the caesium at rest at a pressure."""
        weights = [
            each.weight if each.from_gpa <= pressure_gpa < each.to_gpa else 0.0 for each in self.parameters.constituents
        ]
        if not sum(weights) > 0.0:
            raise ValueError(f"no constituent is stable at {pressure_gpa:.3f} GPa. Mend the preset.")
        return [weight / sum(weights) for weight in weights]


def _contents(constituent: ConstituentParameters) -> tuple[float, float]:
    """Return how many atoms of caesium and of lithium a cell holds."""
    held = {"Cs": 0.0, "Li": 0.0}
    for site in constituent.structure().sites:
        held[site.element] = held.get(site.element, 0.0) + site.occupancy * len(site.positions)
    if held["Cs"] == 0.0:
        raise ValueError(f"phase {constituent.phase!r} holds no caesium, of which it is a part. Mend the preset.")
    return held["Cs"], held["Li"]
