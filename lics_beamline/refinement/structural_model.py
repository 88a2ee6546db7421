"""A structural model as a CIF tells it: the structure, and which of its numbers are refined.

A CIF writes a refined number with its standard uncertainty, ``0.70(2)``, and a fixed one without, ``0.70``. The same
convention says here what is free: a number with an uncertainty is refined, one without is held.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from lics_beamline.errors import ProfileError
from lics_beamline.files.given_file import is_there
from lics_beamline.phases.phase import LIBRARY, library, read_phase
from lics_beamline.physics.structure import Site, Structure
from lics_beamline.physics.structure_file import names_structure_file, read_structure_file, read_structure_text
from lics_beamline.physics.unit_cell import UnitCell
from lics_beamline.refinement.powder_phase import PowderPhase

SHIPPED: Final = Path(__file__).with_name("models")
PHASE_ENDING: Final = ".toml"  # of a phase as recipes name it, with its CIF beside it
DEFAULT_B_ANGSTROM2: Final = 1.0  # engineering value, for a file that gives none
PRINTED_COORDINATE_STEP: Final = 6e-5  # a coordinate printed with four digits


@dataclass(frozen=True, slots=True, kw_only=True)
class StructuralModel:
    """A model of one phase.

    Parameters
    ----------
    name : str
        Name in results.
    structure : Structure
        Cell and atoms that start the refinement; the cell is always refined.
    refined : tuple of frozenset of str
        For each atom, which of x, y, z, occupancy, b are refined.
    """

    name: str
    structure: Structure
    refined: tuple[frozenset[str], ...]

    @property
    def cell(self) -> UnitCell:
        """Cell that starts the refinement."""
        return self.structure.cell

    @property
    def space_group(self) -> str:
        """Hermann-Mauguin symbol."""
        return self.structure.space_group

    @property
    def sites(self) -> tuple[Site, ...]:
        """Atoms of the asymmetric unit."""
        return self.structure.sites

    def in_cell(self, cell: UnitCell) -> StructuralModel:
        """Return the same model in another cell."""
        return replace(self, structure=self.structure.in_cell(cell))

    def phase(self, *, own_strain: bool = False) -> PowderPhase:
        """Return what a pattern fit needs to know of it."""
        return PowderPhase(name=self.name, space_group=self.space_group, cell=self.cell, own_strain=own_strain)


def read_model(path: Path) -> StructuralModel:
    """Read a model from a CIF or a phase; a name without a file is looked for among the shipped models and phases.

    Parameters
    ----------
    path : Path
        ``mine.cif``, ``mine.cif::block`` of one with several blocks, ``mine.toml`` of a phase as recipes name it, or
        the name of a shipped model or phase: ``rhenium``, ``cs-bcc``.

    Raises
    ------
    ProfileError
        If there is no such file, or it is no structure.
    """
    name = _file_of(path).name.rpartition("::")[2].removesuffix(".cif").removesuffix(PHASE_ENDING)
    return model_from_cif(read_model_text(path), name=name)


def read_model_text(path: Path) -> str:
    """Read the CIF of a model; parameters and errors as of `read_model`."""
    found = _file_of(path)
    if not is_there(found):
        shipped = ", ".join((*sorted(each.stem for each in SHIPPED.glob("*.cif")), *library()))
        raise ProfileError(
            f"there is no model {path}. Give the path of a CIF, or one of the shipped: {shipped}.", path=str(path)
        )
    if found.suffix == PHASE_ENDING:
        return read_phase(found).cif
    return read_structure_text(found)


def _file_of(path: Path) -> Path:
    if names_structure_file(path):
        return path
    name = path.name.removesuffix(".cif")
    return (LIBRARY if name in library() else SHIPPED) / f"{name}.cif"


def model_from_cif(text: str, *, name: str = "") -> StructuralModel:
    """Read a model from the text of a CIF.

    Parameters
    ----------
    text : str
        The file, one data block.
    name : str
        Name in results; default that of the block.

    Raises
    ------
    ProfileError
        If the text is no CIF, or lacks cell, space group or atoms.
    """
    found = read_structure_file(text, source=name or "CIF")
    structure = found.structure
    sites = tuple(
        replace(
            site,
            x=_fraction(site.x),
            y=_fraction(site.y),
            z=_fraction(site.z),
            b_iso_angstrom2=site.b_iso_angstrom2 if displaced else DEFAULT_B_ANGSTROM2,
        )
        for site, displaced in zip(structure.sites, found.displaced, strict=True)
    )
    return StructuralModel(
        name=name or structure.name, structure=replace(structure, sites=sites), refined=found.uncertain
    )


def _fraction(value: float) -> float:
    """Return thirds and sixths that a file prints with a few digits as what they are."""
    nearest = round(12.0 * value) / 12.0
    return nearest if abs(value - nearest) < PRINTED_COORDINATE_STEP else value
