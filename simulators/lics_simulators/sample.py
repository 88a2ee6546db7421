"""What lies in the beam: phases with their cells and amounts, at the pressure and temperature of the moment."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from lics_simulators.equation_of_state import (
    CS_FCC_COLLAPSE,
    CS_FCC_FROM_GPA,
    CS_MELT_SWELLING,
    REFERENCE_K,
    ThermalPressureAlloy,
    TwoIsothermAlloy,
    cs_melting_k,
    cs_volume,
    li_volume,
    re_cell,
)
from lics_simulators.kinetics import Grains, KineticsParameters

if TYPE_CHECKING:
    import numpy as np

AMBIENT_PRESSURE_GPA: Final = 1.01325e-4  # standard atmosphere, CODATA

GASKET: Final = "re-hcp"  # the phase that is not inside the hole


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseState:
    """One phase in the beam.

    Parameters
    ----------
    phase : str
        alloy, li-bcc, cs-bcc, cs-fcc, cs-liquid, re-hcp, or a calibrant: ceo2, lab6.
    cell_angstrom : tuple of float
        Cell edges a, b, c [angstrom]; for the liquid the edge of a cube that holds one atom.
    cells : float
        Unit cells in the beam per Cs atom loaded; rhenium and calibrants: 1.
    occupancy : float, optional
        Of the site that is not full; None where the structure says it.
    """

    phase: str
    cell_angstrom: tuple[float, float, float]
    cells: float
    occupancy: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleState:
    """The sample at one moment.

    Parameters
    ----------
    time_s : float
        Time of the experiment [s].
    pressure_gpa, temperature_k : float
        Of the sample.
    phases : tuple of PhaseState
        Phases in the beam.
    shift_along_beam_mm : float
        How far the sample is from where it was aligned, towards the detector [mm].
    """

    time_s: float
    pressure_gpa: float
    temperature_k: float
    phases: tuple[PhaseState, ...]
    shift_along_beam_mm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleParameters:
    """What was loaded.

    Parameters
    ----------
    li_occupancy : float
        Lithium atoms in a cell of alloy, 0 to 1.
    li_per_cs : float
        Lithium atoms loaded per caesium atom.
    shift_mm_per_k, shift_sd_mm_per_k : float
        Movement along the beam on heating [mm/K]: mean over seeds and spread.
    alloy : ThermalPressureAlloy or TwoIsothermAlloy
        Its cell.
    kinetics : KineticsParameters
        Numbers of its formation and decay.
    """

    form: ClassVar[str] = "sample"
    li_occupancy: float
    li_per_cs: float
    shift_mm_per_k: float
    shift_sd_mm_per_k: float
    alloy: ThermalPressureAlloy | TwoIsothermAlloy
    kinetics: KineticsParameters


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrantParameters:
    """A powder of known cell in place of the pressure cell.

    Parameters
    ----------
    phase : str
        Its name.
    a_angstrom : float
        Cubic lattice parameter [angstrom].
    """

    form: ClassVar[str] = "calibrant"
    phase: str
    a_angstrom: float


class Sample:
    """The loaded sample: remembers how much of it has reacted.

    Parameters
    ----------
    parameters : SampleParameters
        Numbers of the loaded sample.
    generator : numpy.random.Generator
        Draws the grains and the movement on heating.
    """

    REACTION_S = (
        5.0  # the grains are advanced in steps of this length: slow against their time constants, fast to compute
    )

    def __init__(self, parameters: SampleParameters, generator: np.random.Generator) -> None:
        self.parameters = parameters
        self.grains = Grains(parameters.kinetics, generator)
        self.shift_mm_per_k = parameters.shift_mm_per_k + parameters.shift_sd_mm_per_k * float(
            generator.standard_normal()
        )
        self._pending_s = 0.0

    def step(self, dt_s: float, pressure_gpa: float, temperature_k: float) -> None:
        """Let the sample react for `dt_s` seconds."""
        self._pending_s += dt_s
        if self._pending_s >= self.REACTION_S:
            self.grains.step(self._pending_s, pressure_gpa, temperature_k)
            self._pending_s = 0.0

    def state(self, time_s: float, pressure_gpa: float, temperature_k: float) -> SampleState:
        """Return what lies in the beam at a pressure [GPa] and a temperature [K]."""
        p = self.parameters
        alloyed = self.grains.alloy_fraction
        free_li = max(p.li_per_cs - p.li_occupancy * alloyed, 0.0)
        phases = [PhaseState(phase=GASKET, cell_angstrom=re_cell(pressure_gpa, temperature_k), cells=1.0)]
        if alloyed > 0.0:
            a = p.alloy.a_angstrom(pressure_gpa, temperature_k)
            phases.append(PhaseState(phase="alloy", cell_angstrom=(a, a, a), cells=alloyed, occupancy=p.li_occupancy))
        if free_li > 0.0:
            a = math.cbrt(2.0 * li_volume(pressure_gpa, temperature_k))
            phases.append(PhaseState(phase="li-bcc", cell_angstrom=(a, a, a), cells=free_li / 2.0))
        if alloyed < 1.0:
            phases.append(_caesium(1.0 - alloyed, pressure_gpa, temperature_k))
        return SampleState(
            time_s=time_s,
            pressure_gpa=pressure_gpa,
            temperature_k=temperature_k,
            phases=tuple(phases),
            shift_along_beam_mm=self.shift_mm_per_k * (temperature_k - REFERENCE_K),
        )


def _caesium(atoms: float, pressure_gpa: float, temperature_k: float) -> PhaseState:
    volume = cs_volume(pressure_gpa, temperature_k)
    if temperature_k > cs_melting_k(pressure_gpa):
        a = math.cbrt(volume * CS_MELT_SWELLING)
        return PhaseState(phase="cs-liquid", cell_angstrom=(a, a, a), cells=atoms)
    if pressure_gpa > CS_FCC_FROM_GPA:
        a = math.cbrt(4.0 * volume * CS_FCC_COLLAPSE)
        return PhaseState(phase="cs-fcc", cell_angstrom=(a, a, a), cells=atoms / 4.0)
    a = math.cbrt(2.0 * volume)
    return PhaseState(phase="cs-bcc", cell_angstrom=(a, a, a), cells=atoms / 2.0)


class Calibrant:
    """A calibrant at ambient conditions: never changes.

    Parameters
    ----------
    parameters : CalibrantParameters
        Numbers of the powder.
    """

    def __init__(self, parameters: CalibrantParameters) -> None:
        self.parameters = parameters

    def step(self, dt_s: float, pressure_gpa: float, temperature_k: float) -> None:
        """Do nothing: the powder is in no cell."""

    def state(self, time_s: float, pressure_gpa: float, temperature_k: float) -> SampleState:
        """Return the powder at ambient conditions, whatever the cell does."""
        a = self.parameters.a_angstrom
        phase = PhaseState(phase=self.parameters.phase, cell_angstrom=(a, a, a), cells=1.0)
        return SampleState(
            time_s=time_s,
            pressure_gpa=AMBIENT_PRESSURE_GPA,
            temperature_k=REFERENCE_K,
            phases=(phase,),
            shift_along_beam_mm=0.0,
        )
