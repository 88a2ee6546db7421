"""Patterns for GSAS and GSAS-II: an FXYE file a point and the instrument file that goes with it.

References
----------
A. C. Larson and R. B. Von Dreele, General Structure Analysis System, LAUR 86-748 (2004): one 80-character title, one
BANK record, one 80-character record a point, angles in centidegrees. Instrument parameters: GSAS-II documentation,
"Instrument parameters", constant-wavelength X-rays (PXC).
"""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap
from typing import Final

from lics_beamline.exports.columns import rows
from lics_beamline.exports.provenance import CORRECTED, orientation, point_name, says, title
from lics_beamline.exports.reduced_run import ReducedPoint, ReducedRun
from lics_beamline.exports.starting_width import starting_width
from lics_beamline.patterns.gsas_pattern import RECORD_CHARACTERS

NO_POLARISATION: Final = 1.0  # with azimuth 0 GSAS-II then multiplies by 1: the pattern is corrected already


def write_gsas(run: ReducedRun, folder: Path) -> tuple[Path, ...]:
    """Write ``.fxye`` and ``.instprm`` of each reduced point.

    Parameters
    ----------
    run : ReducedRun
        The run to write.
    folder : Path
        Folder to write to; made if absent.

    Returns
    -------
    tuple of Path
        The files, two a point.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return tuple(
        path
        for point in run.points
        if point.reduced
        for path in (_fxye(run, point, folder), _instprm(run, point, folder))
    )


def _fxye(run: ReducedRun, point: ReducedPoint, folder: Path) -> Path:
    table = rows((point.two_theta_deg, point.intensity, point.intensity_sigma))
    centidegrees = 100.0 * table[:, 0]
    step = 100.0 * run.pattern(point).step_deg
    lines = [
        title(run, point)[:RECORD_CHARACTERS],
        *(f"# {part}" for line in says(run, point) for part in wrap(line, RECORD_CHARACTERS - 2)),
        f"BANK 1 {len(table)} {len(table)} CONS {centidegrees[0]:.5f} {step:.7f} 0 0 FXYE",
        *(f"{x:15.6f}{y:18.7g}{e:18.7g}" for x, (_, y, e) in zip(centidegrees, table, strict=True)),
    ]
    path = folder / f"{point_name(point)}.fxye"
    path.write_text("".join(f"{line:<{RECORD_CHARACTERS}}\n" for line in lines), encoding="ascii", errors="replace")
    return path


def _instprm(run: ReducedRun, point: ReducedPoint, folder: Path) -> Path:
    width = starting_width(run.pattern(point))
    entries = {
        "Type": "PXC",
        "Bank": 1.0,
        "Lam": round(run.wavelength_angstrom, 6),
        "Polariz.": NO_POLARISATION,
        "Azimuth": 0.0,
        "Zero": 0.0,
        "U": 0.0,
        "V": 0.0,
        "W": round(width.gsas_w_centideg2, 4),
        "X": 0.0,
        "Y": 0.0,
        "Z": 0.0,
        "SH/L": 0.002,  # GSAS-II's own smallest asymmetry: an area detector has none
    }
    said = f"W from {width.lines} lines of the pattern" if width.lines else "W assumed: the pattern has no line"
    # One line of comment only: GSAS-II begins another bank at each.
    lines = [f"#GSAS-II instrument parameter file; {orientation(run)}; {CORRECTED}; {said}"]
    path = folder / f"{point_name(point)}.instprm"
    path.write_text("\n".join([*lines, *(f"{key}:{value}" for key, value in entries.items())]) + "\n", encoding="utf-8")
    return path
