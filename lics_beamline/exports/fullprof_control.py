"""The control file that FullProf starts from: phases found, cells, widths, background, nothing refined but the scales.

References
----------
J. Rodriguez-Carvajal, FullProf manual (2001) and its .pcr examples: one pattern, constant wavelength, Npr 7
(Thompson-Cox-Hastings), Ilo 3 with K = 0, that is a Lorentz factor and no polarisation. Occ is the occupancy times the
multiplicity of the site over that of a general one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.exports.ascii_lines import write_lines
from lics_beamline.exports.provenance import point_name, title
from lics_beamline.exports.reduced_run import ReducedPoint, ReducedRun
from lics_beamline.exports.starting_model import StartingModel, starting_models
from lics_beamline.exports.starting_width import starting_width
from lics_beamline.physics.structure import Structure
from lics_beamline.physics.unit_cell import space_group

BACKGROUND_POINTS: Final = 20
FIT_CYCLES: Final = 10
FIRST_SCALE: Final = 1.0e-4  # first guess; FullProf finds it in the first cycle
TITLE_LETTERS: Final = 60
RULE: Final = "!" + "-" * 79


def write_control(run: ReducedRun, point: ReducedPoint, folder: Path) -> Path:
    """Write the ``.pcr`` of a point, for the ``.dat`` of the same name.

    Parameters
    ----------
    run : ReducedRun
        The run.
    point : ReducedPoint
        A reduced point of it.
    folder : Path
        Folder of the file.
    """
    models = starting_models(run, point)
    x, y = _background(point)
    step = run.pattern(point).step_deg
    wavelength = run.wavelength_angstrom
    good = point.two_theta_deg[np.isfinite(point.intensity)]
    lines = [
        f"COMM {title(run, point)[:TITLE_LETTERS]}",
        "!Job Npr Nph Nba Nex Nsc Nor Dum Iwg Ilo Ias Res Ste Nre Cry Uni Cor Opt Aut",
        f"   0   7 {len(models):3d} {len(x):3d}   0   0   0   0   0   3   0   0   0   0   0   0   0   0   1",
        "!Ipr Ppl Ioc Mat Pcr Ls1 Ls2 Ls3 NLI Prf Ins Rpa Sym Hkl Fou Sho Ana",
        "   0   0   1   0   1   0   4   0   0   3  10   0   0   0   0   0   0",
        "! Lambda1  Lambda2    Ratio    Bkpos    Wdt    Cthm     muR   AsyLim   Rpolarz  2nd-muR",
        f" {wavelength:.6f} {wavelength:.6f}  0.00000   12.000 20.0000  1.0000  0.0000    1.00    0.0000  0.0000",
        "!NCY  Eps  R_at  R_an  R_pr  R_gl     Thmin       Step       Thmax    PSD    Sent0",
        f" {FIT_CYCLES:3d}  0.10  1.00  1.00  1.00  1.00 {good[0]:11.5f} {step:10.6f} {good[-1]:11.5f}   0.000   0.000",
        "!2Theta   Background",
        *(f"{angle:12.4f} {level:14.4f}  0.00" for angle, level in zip(x, y, strict=True)),
        f"{len(models):7d}    !Number of refined parameters",
        "!  Zero    Code    SyCos    Code   SySin    Code  Lambda     Code MORE",
        "  0.00000    0.0  0.00000    0.0  0.00000    0.0 0.000000    0.00   0",
    ]
    width = starting_width(run.pattern(point)).caglioti_w_deg2
    for number, model in enumerate(models, start=1):
        lines += _phase(model, number, width)
    lines += [
        "!  2Th1/TOF1    2Th2/TOF2  Pattern to plot",
        f" {good[0]:11.3f} {good[-1]:11.3f}       1",
    ]
    path = folder / f"{point_name(point)}.pcr"
    return write_lines(path, lines)


def _background(point: ReducedPoint) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Points below the lines of a pattern: the lower quarter of each of equal stretches."""
    good = np.isfinite(point.intensity)
    parts = np.array_split(np.flatnonzero(good), BACKGROUND_POINTS)
    x = np.array([np.mean(point.two_theta_deg[part]) for part in parts])
    y = np.array([np.percentile(point.intensity[part], 25.0) for part in parts])
    x[0], x[-1] = point.two_theta_deg[parts[0][0]], point.two_theta_deg[parts[-1][-1]]
    return x, y


def _phase(model: StartingModel, number: int, width_deg2: float) -> list[str]:
    structure = model.structure
    code = 10.0 * number + 1.0
    cell = structure.cell.numbers
    atoms = []
    for site, share in zip(structure.sites, site_shares(structure), strict=True):
        atoms.append(
            f"{site.label:<6} {site.element.upper():<4} {site.x:9.5f} {site.y:9.5f} {site.z:9.5f} "
            f"{site.b_iso_angstrom2:9.5f} {site.occupancy * share:9.6f}   0   0   0    0"
        )
        atoms.append("                 0.00      0.00      0.00      0.00      0.00")
    return [
        RULE,
        f"!  Data for PHASE number: {number:3d}  ==> Current R_Bragg for Pattern#  1:     0.00",
        RULE,
        model.name,
        "!Nat Dis Ang Pr1 Pr2 Pr3 Jbt Irf Isy Str Furth       ATZ    Nvk Npr More",
        f"{len(structure.sites):4d}   0   0 0.0 0.0 1.0   0   0   0   0   0 {structure.mass_u:12.3f}   0   7   0",
        f"{structure.space_group.split(':')[0]:<24} <--Space group symbol",
        "!Atom   Typ       X        Y        Z     Biso       Occ     In Fin N_t Spc /Codes",
        *atoms,
        "!-------> Profile Parameters for Pattern #  1",
        "!  Scale        Shape1      Bov      Str1      Str2      Str3   Strain-Model",
        f"  {FIRST_SCALE:.5E}   0.00000   0.00000   0.00000   0.00000   0.00000       0",
        f"    {code:.5f}     0.000     0.000     0.000     0.000     0.000",
        "!       U         V          W           X          Y        GauSiz   LorSiz Size-Model",
        f"   0.000000   0.000000   {width_deg2:.6f}   0.000000   0.000000   0.000000   0.000000    0",
        "      0.000      0.000      0.000      0.000      0.000      0.000      0.000",
        "!     a          b         c        alpha      beta       gamma      #Cell Info",
        "   " + " ".join(f"{value:10.6f}" for value in cell),
        "      0.00000    0.00000    0.00000    0.00000    0.00000    0.00000",
        "!  Pref1    Pref2      Asy1     Asy2     Asy3     Asy4      S_L      D_L",
        "  1.00000  0.00000  0.00000  0.00000  0.00000  0.00000  0.00000  0.00000",
        "     0.00     0.00     0.00     0.00     0.00     0.00     0.00     0.00",
    ]


def site_shares(structure: Structure) -> tuple[float, ...]:
    """Multiplicity of each site over that of a general one."""
    general = len(list(space_group(structure.space_group).operations()))
    return tuple(len(structure.orbit(site)) / general for site in structure.sites)
