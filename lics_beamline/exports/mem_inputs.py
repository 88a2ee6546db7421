"""Amplitudes as inputs of other maximum-entropy programs: .mem and .prf of Dysnomia and PRIMA, .fos of RIETAN.

Signs and phases are those of the model of the host; groups of overlapping reflections become G constraints, whose error
stands with their first reflection.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from lics_beamline.exports.ascii_lines import write_lines
from lics_beamline.physics.unit_cell import space_group
from lics_beamline.refinement.amplitudes import Amplitudes

TITLE_LETTERS: Final = 70  # RIETAN-2000, subroutine FOURMEM: TITMEM*70
NO_TEXTURE: Final = "      0.0000000      0.0000000     -1    0    0    0     P"  # no preferred orientation, primitive
MOST_CYCLES: Final = 10_000  # most passes that a .prf allows; PRIMA needs hundreds to thousands
FIRST_MULTIPLIER: Final = 0.01  # first Lagrange multiplier; both programs adapt it

Algorithm = Literal["L-BFGS", "ZSPA"]


def write_mem(amplitudes: Amplitudes, path: Path, *, shape: tuple[int, int, int], title: str) -> Path:
    """Write the ``.mem`` of Dysnomia and PRIMA.

    Parameters
    ----------
    amplitudes : Amplitudes
        F and G constraints.
    path : Path
        The file; its folder is made if absent.
    shape : tuple of int
        Grid of the density.
    title : str
        First line.

    References
    ----------
    K. Momma, T. Ikeda, A. A. Belik and F. Izumi, Powder Diffr. 28, 184-193 (2013), doi:10.1017/S088571561300002X;
    laid out as GSAS-II writes it (makeMEMfile).
    """
    group = space_group(amplitudes.space_group)
    lines = [
        title[:TITLE_LETTERS],
        "".join(f"{number:10.5f}" for number in amplitudes.cell.numbers),
        NO_TEXTURE,
        "".join(f"{number:5d}" for number in (group.number, _setting(group), *shape)),
        f"{amplitudes.electrons:10.2f}  0.001",
        *_constraints(amplitudes, width=10, decimals=3, numbered=True),
        "0",
    ]
    return write_lines(path, lines)


def write_fos(
    amplitudes: Amplitudes, path: Path, *, shape: tuple[int, int, int], title: str, wavelength_angstrom: float
) -> Path:
    """Write the ``.fos`` of RIETAN: the same with captions, which VESTA's and PRIMA's readers skip.

    Parameters
    ----------
    amplitudes, path, shape, title
        The same as of `write_mem`.
    wavelength_angstrom : float
        Of the line of totals; amplitudes are free of dispersion and do not depend on it [angstrom].

    References
    ----------
    F. Izumi and T. Ikeda, Mater. Sci. Forum 321-324, 198-205 (2000), doi:10.4028/www.scientific.net/MSF.321-324.198;
    laid out as RIETAN-2000 writes it (FOURMEM).
    """
    group = space_group(amplitudes.space_group)
    body = _constraints(amplitudes, width=15, decimals=7, numbered=False)
    singles = int(body[0])
    lines = [
        "# These data were recorded by lics_beamline in the layout of RIETAN",
        "#",
        "# Title (up to 70 characters)",
        title[:TITLE_LETTERS],
        "#        a         b         c     alpha      beta     gamma",
        "".join(f"{number:10.5f}" for number in amplitudes.cell.numbers),
        "#          POP1           POP2  IPTYP  JPH  JPK  JPL",
        NO_TEXTURE,
        "#  NX   NY   NZ  SPG  ORG  VOL",
        "".join(f"{number:5d}" for number in (*shape, group.number, _setting(group))) + f"    {group.centring_type()}",
        "# Total electrons       lambda",
        f"{amplitudes.electrons:17.3f}{wavelength_angstrom:13.7f}",
        "# NREF1",
        f"{singles:5d}",
        "#   h    k    l     F'o'(R)         F'o'(I)        sigma(F)",
        *body[1 : 1 + singles],
        "# NREF2",
        f"{int(body[1 + singles]):5d}",
        "#   h    k    l     G'o'            sigma(G)     M",
        *body[2 + singles :],
        "# NREF3",
        f"{0:5d}",
    ]
    return write_lines(path, lines)


def write_prf(
    path: Path,
    *,
    algorithm: Algorithm = "L-BFGS",
    weight_exponent: int = 0,
    target: float = 1.0,
    cycles: int = MOST_CYCLES,
) -> Path:
    """Write the ``.prf`` of Dysnomia, which tells it what to do with the ``.mem`` of the same name.

    Parameters
    ----------
    path : Path
        The file; the names in it follow its own.
    algorithm : {"L-BFGS", "ZSPA"}
        Dysnomia's own, or the single-pixel iteration of PRIMA.
    weight_exponent : int
        n of the weights d^n.
    target : float
        Wanted C.
    cycles : int
        Most passes.

    References
    ----------
    Laid out as GSAS-II writes it (makePRFfile); numbers in the order of the manual of Dysnomia, chapter 4.
    """
    name = path.stem
    lines = [
        "$PREFERENCES",
        *(f"{name}{ending}" for ending in (".mem", ".out", ".pgrid", ".fba", "_eps.raw")),
        "0",  # X-rays, or neutrons without negative scattering lengths
        "0",  # start from a uniform density
        "0" if algorithm == "ZSPA" else "1",
        "1",
        "1",  # the program adapts the multiplier
        f"{FIRST_MULTIPLIER:.4f} {weight_exponent:d}",
        f"{0.05:.3f}",  # by this fraction a pass
        f"{target:.2f}",
        "1",
        "0",
        f"{cycles:d}",
        "1",
        "1 0 0 0 0 0 0 0",
        "0",  # uniform prior
    ]
    return write_lines(path, lines)


def _constraints(amplitudes: Amplitudes, *, width: int, decimals: int, numbered: bool) -> list[str]:
    """Count and lines of single reflections, then of groups."""
    singles: list[str] = []
    shared: list[str] = []
    count = 0

    def number(value: float) -> str:
        return f"{value:{width}.{decimals}f}"

    for group, amplitude, sigma, phased in zip(
        amplitudes.groups, amplitudes.amplitude, amplitudes.sigma, amplitudes.phased, strict=True
    ):
        indices = [f"{one.h:5d}{one.k:5d}{one.l:5d}" for one in group.reflections]
        if len(indices) == 1:
            factor = complex(amplitude * phased[0] / np.abs(phased[0]))
            singles.append(indices[0] + number(factor.real) + number(factor.imag) + number(sigma))
            continue
        if numbered:
            shared.append(f"#{count:5d}")
        count += 1
        shared.append(f"{len(indices):5d}")
        gap = "" if numbered else 2 * width * " "
        for rank, (index, planes) in enumerate(zip(indices, group.multiplicities, strict=True)):
            measured = number(amplitude) + number(sigma) if rank == 0 else gap
            shared.append(f"{index}{measured}{planes:5d}")
    return [f"{len(singles):5d}", *singles, f"{count:5d}", *shared]


def _setting(group: Any) -> int:
    """Choice of origin in International Tables A, 1 or 2."""
    return 2 if group.ext == "2" else 1
