"""A structural model as a CIF tells it: cell, atoms, and which of their numbers are refined.

A CIF writes a refined number with its standard uncertainty, ``0.70(2)``, and a fixed one without, ``0.70``. The same
convention says here what is free: a number with an uncertainty is refined, one without is held.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lics_beamline.errors import RefinementFailed
from lics_beamline.physics.unit_cell import UnitCell, space_group
from lics_beamline.refinement.powder_phase import PowderPhase

SHIPPED: Final = Path(__file__).with_name("models")
B_PER_U: Final = 8.0 * math.pi**2  # B = 8 pi^2 U, International Tables C, section 6.1.1.5
DEFAULT_B_ANGSTROM2: Final = 1.0  # engineering value, for a file that gives none
PRINTED: Final = 6e-5  # a coordinate printed with four digits
SITE_TAGS: Final = (
    "label", "type_symbol", "fract_x", "fract_y", "fract_z", "?occupancy", "?B_iso_or_equiv", "?U_iso_or_equiv",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """An atom of the asymmetric unit.

    Parameters
    ----------
    label : str
        ``Li1``.
    element : str
        Chemical symbol or ion: ``Li``, ``Cs1+``.
    x, y, z : float
        Fractional coordinates.
    occupancy : float
        0 to 1.
    b_angstrom2 : float
        Isotropic B [angstrom^2].
    refined : frozenset of str
        Which of x, y, z, occupancy, b are refined.
    """

    label: str
    element: str
    x: float
    y: float
    z: float
    occupancy: float = 1.0
    b_angstrom2: float = DEFAULT_B_ANGSTROM2
    refined: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class StructuralModel:
    """A model of one phase.

    Parameters
    ----------
    name : str
        Name in results.
    space_group : str
        Hermann-Mauguin symbol.
    cell : UnitCell
        Cell that starts the search; always refined.
    sites : tuple of Site
        Its atoms.
    """

    name: str
    space_group: str
    cell: UnitCell
    sites: tuple[Site, ...]

    def phase(self, *, own_strain: bool = False) -> PowderPhase:
        """Return what a pattern fit needs to know of it."""
        return PowderPhase(name=self.name, space_group=self.space_group, cell=self.cell, own_strain=own_strain)


def read_model(path: Path) -> StructuralModel:
    """Read a model from a CIF; a name without a file is looked for among the shipped models.

    Parameters
    ----------
    path : Path
        ``mine.cif``, or the name of a shipped one: ``rhenium``.

    Raises
    ------
    RefinementFailed
        If there is no such file, or it is no structure.
    """
    found = path if path.exists() else SHIPPED / f"{path.name.removesuffix('.cif')}.cif"
    if not found.is_file():
        shipped = ", ".join(sorted(each.stem for each in SHIPPED.glob("*.cif")))
        raise RefinementFailed(
            f"there is no model {path}. Give the path of a CIF, or one of the shipped: {shipped}.", path=str(path)
        )
    return model_from_cif(found.read_text(encoding="utf-8"), name=found.stem)


def model_from_cif(text: str, *, name: str = "") -> StructuralModel:
    """Read a model from the text of a CIF.

    Parameters
    ----------
    text : str
        The file; its first block with atoms counts.
    name : str
        Name in results; default that of the block.

    Raises
    ------
    RefinementFailed
        If the text is no CIF, or lacks cell, space group or atoms.
    """
    from gemmi import cif

    try:
        document = cif.read_string(text)
    except (ValueError, RuntimeError) as error:
        raise RefinementFailed(f"the model is no CIF: {error}. Mend the file.") from error
    block = next((block for block in document if block.find_loop("_atom_site_fract_x")), None)
    if block is None:
        raise RefinementFailed("the CIF lists no atoms (_atom_site_fract_x). Give a file with a structure.")
    symbol = _text(block, "_space_group_name_H-M_alt") or _text(block, "_symmetry_space_group_name_H-M")
    if not symbol:
        raise RefinementFailed("the CIF names no space group (_space_group_name_H-M_alt). Add it.")
    group = space_group(symbol)
    return StructuralModel(
        name=name or str(block.name),
        space_group=str(group.xhm()),
        cell=UnitCell(
            a_angstrom=_number(block, "_cell_length_a"),
            b_angstrom=_number(block, "_cell_length_b"),
            c_angstrom=_number(block, "_cell_length_c"),
            alpha_deg=_number(block, "_cell_angle_alpha"),
            beta_deg=_number(block, "_cell_angle_beta"),
            gamma_deg=_number(block, "_cell_angle_gamma"),
        ),
        sites=tuple(_sites(block)),
    )


def _sites(block: Any) -> Iterator[Site]:
    from gemmi import cif

    for row in block.find("_atom_site_", list(SITE_TAGS)):
        written = {tag.removeprefix("?"): row[k] for k, tag in enumerate(SITE_TAGS) if row.has(k)}
        values = {tag: cif.as_number(word) for tag, word in written.items() if tag not in ("label", "type_symbol")}
        free = {tag for tag, word in written.items() if "(" in word}
        b = values.get("B_iso_or_equiv", math.nan)
        if math.isnan(b):
            b = B_PER_U * values.get("U_iso_or_equiv", math.nan)
        yield Site(
            label=cif.as_string(written["label"]),
            element=_element(cif.as_string(written["type_symbol"])),
            x=_fraction(values["fract_x"]),
            y=_fraction(values["fract_y"]),
            z=_fraction(values["fract_z"]),
            occupancy=_or(values.get("occupancy", math.nan), 1.0),
            b_angstrom2=_or(b, DEFAULT_B_ANGSTROM2),
            refined=frozenset(
                name
                for name, tags in (
                    ("x", {"fract_x"}),
                    ("y", {"fract_y"}),
                    ("z", {"fract_z"}),
                    ("occupancy", {"occupancy"}),
                    ("b", {"B_iso_or_equiv", "U_iso_or_equiv"}),
                )
                if tags & free
            ),
        )


def _element(symbol: str) -> str:
    """``Cs+1``, ``Cs1+`` and ``Cs+`` of other programs as ``Cs1+``."""
    letters = "".join(letter for letter in symbol if letter.isalpha())
    sign = next((letter for letter in symbol if letter in "+-"), "")
    digits = "".join(letter for letter in symbol if letter.isdigit())
    return f"{letters}{digits or '1'}{sign}" if sign else letters


def _fraction(value: float) -> float:
    """Return thirds and sixths that a file prints with a few digits as what they are."""
    nearest = round(12.0 * value) / 12.0
    return nearest if abs(value - nearest) < PRINTED else value


def _or(value: float, default: float) -> float:
    return default if math.isnan(value) else value


def _text(block: Any, tag: str) -> str:
    from gemmi import cif

    value = block.find_value(tag)
    return cif.as_string(value) if value else ""


def _number(block: Any, tag: str) -> float:
    from gemmi import cif

    value = cif.as_number(block.find_value(tag) or "?")
    if math.isnan(value):
        raise RefinementFailed(f"the CIF gives no {tag}. Add it.", tag=tag)
    return float(value)
