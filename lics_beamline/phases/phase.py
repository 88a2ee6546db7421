"""A phase that may be in the beam, as data: a structure, an equation of state, and where it may be sought.

The library beside this module has the phases of the Li-Cs experiment. A user adds one by a TOML file that names a CIF
and gives the equation of state of its cell; nothing else is needed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Final, Literal

import numpy as np
from pydantic import Field, field_validator

from lics_beamline.errors import ProfileError
from lics_beamline.files.given_file import STRUCTURE_BYTES
from lics_beamline.files.strict_toml import Strict, parse, validate
from lics_beamline.physics.crystal import Reflection, powder_lines
from lics_beamline.physics.equation_of_state import EquationOfState
from lics_beamline.physics.structure import Structure
from lics_beamline.physics.structure_file import read_structure_text, structure_from_cif
from lics_beamline.physics.unit_cell import UnitCell, free_names, lattice_system

LIBRARY: Final = Path(__file__).parent / "library"
DEFAULT_NAMES: Final = ("alloy", "cs-bcc", "cs-fcc", "li-bcc", "re-hcp", "diamond")
# Ruby and sample differ by 0.02-0.1 GPa in a cell without medium; engineering estimate.
PRESSURE_DOUBT_GPA: Final = 0.15

SAME_D: Final = 1e-6  # relative: 300 and 221 of a cube are one line

Role = Literal["sample", "gasket", "anvil", "calibrant"]
Hkl = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a phase.

    Parameters
    ----------
    reflection : Reflection
        A representative of its planes; of the first family, where several have one spacing.
    strength : float
        m |F|^2 / (sin^2(theta) cos(theta)) [electrons^2]: its area, but for a factor common to the pattern.
    """

    reflection: Reflection
    strength: float

    @property
    def hkl(self) -> Hkl:
        """Miller indices."""
        return (self.reflection.h, self.reflection.k, self.reflection.l)


class CrystalPhase(Strict):
    """A phase that may be in the beam.

    Parameters
    ----------
    name : str
        Name in documents: ``alloy``, ``cs-bcc``, ``re-hcp``.
    role : {"sample", "gasket", "anvil", "calibrant"}
        What it is to the experiment: fractions are of the sample's phases.
    cif : str
        The structure; in a file, the name of a CIF beside it.
    volume0_angstrom3 : float, optional
        Volume of the cell at zero pressure and 298 K [angstrom^3]; default that of the CIF.
    bulk_modulus_gpa, bulk_modulus_slope, thermal_pressure_gpa_per_k, form
        Equation of state of the cell, see `EquationOfState`.
    markers : tuple of (h, k, l), optional
        Lines by which cells are proposed, none of which may be missing where it would be seen; default the strongest,
        four more than numbers of the cell are free.
    window : float
        Half width of the search as a fraction of the spacing: how far equation of state and calibration may be off.
    doubt_gpa : float
        Uncertainty of the pressure in the search [GPa]; widens the window of soft phases.
    lowest_gpa, highest_gpa : float
        Pressures between which the phase is sought [GPa]: outside it has become another one.
    highest_k : float
        Temperature up to which it is sought [K]: above it has melted at any of these pressures.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    role: Role = "sample"
    cif: str = Field(max_length=STRUCTURE_BYTES)
    volume0_angstrom3: Annotated[float, Field(gt=1.0)] | None = None
    bulk_modulus_gpa: Annotated[float, Field(gt=0.0)]
    bulk_modulus_slope: Annotated[float, Field(gt=1.0)]
    thermal_pressure_gpa_per_k: float = 0.0
    form: Literal["vinet", "birch-murnaghan-3"] = "vinet"
    markers: tuple[Hkl, ...] = ()
    window: Annotated[float, Field(gt=0.0, le=0.1)] = 0.015
    doubt_gpa: Annotated[float, Field(ge=0.0)] = PRESSURE_DOUBT_GPA
    lowest_gpa: float = -1.0
    highest_gpa: float = 1000.0
    highest_k: Annotated[float, Field(gt=0.0)] = 10_000.0

    @field_validator("cif")
    @classmethod
    def _is_a_structure(cls, text: str) -> str:
        structure_from_cif(text)
        return text

    @property
    def structure(self) -> Structure:
        """The structure, in the cell of the CIF."""
        return _structure(self.cif)

    @property
    def system(self) -> str:
        """Which numbers of the cell are free: a key of `physics.unit_cell.FREE`."""
        return lattice_system(self.structure.space_group)

    @property
    def field(self) -> str:
        """The name as the beginning of field names in documents."""
        return self.name.replace("-", "_")

    def equation_of_state(self) -> EquationOfState:
        """Return the equation of state of the cell."""
        return EquationOfState(
            volume0_angstrom3=self.volume0_angstrom3 or self.structure.cell.volume_angstrom3,
            bulk_modulus_gpa=self.bulk_modulus_gpa,
            bulk_modulus_slope=self.bulk_modulus_slope,
            thermal_pressure_gpa_per_k=self.thermal_pressure_gpa_per_k,
            form=self.form,
        )

    def expected(self, pressure_gpa: float, temperature_k: float) -> UnitCell:
        """Return the cell expected at a pressure [GPa] and temperature [K].

        Raises
        ------
        OutsideCalibration
            If the equation of state does not reach there.
        """
        cell = self.structure.cell
        volume = self.equation_of_state().volume_angstrom3(pressure_gpa, temperature_k)
        return cell.strained((volume / cell.volume_angstrom3) ** (1.0 / 3.0))

    def lines(self, cell: UnitCell, *, wavelength_angstrom: float, d_min_angstrom: float) -> tuple[Line, ...]:
        """Return the lines of the phase in a cell, largest spacing first; families of one spacing are one line.

        Parameters
        ----------
        cell : UnitCell
            Cell to compute them in.
        wavelength_angstrom : float
            X-ray wavelength [angstrom].
        d_min_angstrom : float
            Smallest spacing [angstrom].
        """
        return structure_lines(
            self.structure, cell, wavelength_angstrom=wavelength_angstrom, d_min_angstrom=d_min_angstrom
        )

    def marker_lines(self, lines: tuple[Line, ...]) -> tuple[Line, ...]:
        """Return the lines by which the phase is known, among `lines`, by falling spacing."""
        if self.markers:
            return tuple(line for line in lines if line.hkl in self.markers)
        return telling_lines(lines, self.system)


def structure_lines(
    structure: Structure, cell: UnitCell, *, wavelength_angstrom: float, d_min_angstrom: float
) -> tuple[Line, ...]:
    """Return the lines of a structure in a cell; parameters as of `CrystalPhase.lines`."""
    planes = powder_lines(cell, structure.space_group, d_min_angstrom)
    if not planes:
        return ()
    hkl = np.array([(p.reflection.h, p.reflection.k, p.reflection.l) for p in planes])
    squared = np.abs(structure.in_cell(cell).structure_factors(hkl)) ** 2
    sine = wavelength_angstrom / (2.0 * np.array([plane.d_angstrom for plane in planes]))
    lorentz = 1.0 / (sine**2 * np.sqrt(1.0 - sine**2))
    multiplicity = np.array([plane.multiplicity for plane in planes])
    found: list[Line] = []
    last = math.inf
    for plane, strength in zip(planes, multiplicity * squared * lorentz, strict=True):
        if found and last / plane.d_angstrom - 1.0 < SAME_D:
            found[-1] = Line(reflection=found[-1].reflection, strength=found[-1].strength + float(strength))
        else:
            found.append(Line(reflection=plane.reflection, strength=float(strength)))
            last = plane.d_angstrom
    return tuple(found)


def telling_lines(lines: tuple[Line, ...], system: str) -> tuple[Line, ...]:
    """Return the strongest lines, four more than numbers of the cell are free, by falling spacing.

    Parameters
    ----------
    lines : tuple of Line
        All lines.
    system : str
        Which numbers of the cell are free: a key of `physics.unit_cell.FREE`.
    """
    strongest = sorted(lines, key=lambda line: -line.strength)[: len(free_names(system)) + 4]
    return tuple(line for line in lines if line in strongest)


@lru_cache(maxsize=256)
def _structure(cif: str) -> Structure:
    return structure_from_cif(cif)


def read_phase(path: Path) -> CrystalPhase:
    """Read a phase from a TOML file; ``cif`` names a file beside it.

    Raises
    ------
    ProfileError
        If a file is missing or a value cannot be used; the message names file, key, value and what is allowed.
    """
    try:
        content = parse(path, what="a phase")
        if isinstance(content.get("cif"), str) and "\n" not in content["cif"]:
            content["cif"] = read_structure_text(path.parent / content["cif"])
    except ProfileError as error:
        raise ProfileError(
            f"{error} A phase is a TOML file that names a CIF beside it; the library has {', '.join(library())}.",
            **error.facts,
        ) from None
    return validate(content, CrystalPhase, source=str(path))


def library() -> tuple[str, ...]:
    """Return the names of the phases that come with the program."""
    return tuple(sorted(path.stem for path in LIBRARY.glob("*.toml")))


def named_phase(name: str, folder: Path = LIBRARY) -> CrystalPhase:
    """Return a phase by its name in the library, or by a file name relative to a folder.

    Raises
    ------
    ProfileError
        If there is neither.
    """
    if name in library():
        return read_phase(LIBRARY / f"{name}.toml")
    return read_phase(folder / name)


@lru_cache(maxsize=1)
def default_phases() -> tuple[CrystalPhase, ...]:
    """Return the phases sought where a recipe names none."""
    return tuple(named_phase(name) for name in DEFAULT_NAMES)
