"""Densities as files for other programs: CCP4, Gaussian cube and XSF, all of which VESTA opens.

Every map covers one unit cell. XSF repeats the planes at the end of each axis; CCP4 and cube do not.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.exports.ascii_lines import write_lines
from lics_beamline.physics.scattering_factor import electrons
from lics_beamline.physics.structure import Structure
from lics_beamline.physics.unit_cell import space_group
from lics_beamline.refinement.max_entropy import Density

FloatArray = npt.NDArray[np.float64]

BOHR_ANGSTROM: Final = 0.529177210544  # CODATA 2022
PER_LINE: Final = 6  # values a line of a cube or XSF file


def write_ccp4(density: Density, path: Path) -> Path:
    """Write a map as CCP4, mode 2 (single precision) [electrons/angstrom^3].

    Parameters
    ----------
    density : Density
        The density to write.
    path : Path
        The file; its folder is made if absent.
    """
    import gemmi

    grid = density.grid
    found = gemmi.Ccp4Map()
    found.grid = gemmi.FloatGrid(density.values.astype(np.float32))
    found.grid.set_unit_cell(gemmi.UnitCell(*grid.cell.numbers))
    found.grid.spacegroup = space_group(grid.space_group)
    found.update_ccp4_header(2, True)
    path.parent.mkdir(parents=True, exist_ok=True)
    found.write_ccp4_map(str(path))
    return path


def write_cube(density: Density, path: Path, structure: Structure) -> Path:
    """Write a map as a Gaussian cube [electrons/bohr^3, bohr].

    Parameters
    ----------
    density : Density
        The density to write.
    path : Path
        The file; its folder is made if absent.
    structure : Structure
        Atoms to show with it, all images in the cell.

    References
    ----------
    P. Bourke, Gaussian cube files (2003), https://paulbourke.net/dataformats/cube/.
    """
    vectors = lattice_vectors(density) / BOHR_ANGSTROM
    atoms = [(electrons(site.element), image @ vectors) for site in structure.sites for image in structure.orbit(site)]
    lines = [
        f"electron density of {density.grid.space_group}, {density.convergence}",
        "electrons/bohr^3; the third axis runs fastest",
        _row(len(atoms), np.zeros(3)),
        *(_row(count, vector / count) for count, vector in zip(density.grid.shape, vectors, strict=True)),
        *(f"{number:5d}{float(number):12.6f}" + "".join(f"{x:12.6f}" for x in place) for number, place in atoms),
    ]
    # a cube file ends its line where the third axis ends
    values = (density.values * BOHR_ANGSTROM**3).reshape(-1, density.grid.shape[2])
    lines += [line for row in values for line in _values(row)]
    return write_lines(path, lines)


def write_xsf(density: Density, path: Path, structure: Structure) -> Path:
    """Write a map as XSF [electrons/angstrom^3], a general grid with its end planes repeated.

    Parameters
    ----------
    density : Density
        The density to write.
    path : Path
        The file; its folder is made if absent.
    structure : Structure
        Atoms to show with it, all images in the cell.

    References
    ----------
    A. Kokalj, XCrySDen, http://www.xcrysden.org/doc/XSF.html.
    """
    vectors = lattice_vectors(density)
    rows = ["".join(f"{x:15.9f}" for x in vector) for vector in vectors]
    atoms = [
        f"{electrons(site.element):3d}" + "".join(f"{x:15.9f}" for x in image @ vectors)
        for site in structure.sites
        for image in structure.orbit(site)
    ]
    whole = np.pad(density.values, ((0, 1),) * 3, mode="wrap")
    lines = [
        "CRYSTAL",
        "PRIMVEC",
        *rows,
        "PRIMCOORD",
        f"{len(atoms)} 1",
        *atoms,
        "BEGIN_BLOCK_DATAGRID_3D",
        "electron_density",
        "BEGIN_DATAGRID_3D_electrons_per_angstrom3",
        " ".join(str(count) for count in whole.shape),
        "0.0 0.0 0.0",
        *rows,
        *_values(whole.ravel(order="F")),
        "END_DATAGRID_3D",
        "END_BLOCK_DATAGRID_3D",
    ]
    return write_lines(path, lines)


def lattice_vectors(density: Density) -> FloatArray:
    """Lattice vectors as rows [angstrom], a along x and b in the xy plane, shape (3, 3)."""
    a, b, c = density.grid.cell.numbers[:3]
    alpha, beta, gamma = (math.cos(math.radians(angle)) for angle in density.grid.cell.numbers[3:])
    sine = math.sqrt(1.0 - gamma**2)
    tilt = (alpha - beta * gamma) / sine
    rise = math.sqrt(max(1.0 - beta**2 - tilt**2, 0.0))
    return np.array([[a, 0.0, 0.0], [b * gamma, b * sine, 0.0], [c * beta, c * tilt, c * rise]])


def _row(number: int, vector: FloatArray) -> str:
    return f"{number:5d}" + "".join(f"{x:12.6f}" for x in vector)


def _values(row: FloatArray) -> list[str]:
    return [
        "".join(f"{value:13.5E}" for value in row[start : start + PER_LINE]) for start in range(0, row.size, PER_LINE)
    ]
