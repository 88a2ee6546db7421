"""Files of one-dimensional patterns from any program, read into a `Pattern` or refused by name.

A file says little of itself: what its abscissa is, its wavelength, whether a third column is an error. What it says is
used, what it does not say is asked for, and what could be read in two ways is refused. Errors are those of the file; a
file without them has counting errors where its intensities are counts, and else those of its own scatter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from lics_beamline.files.given_file import PATTERN_BYTES, read_bytes, regular_size
from lics_beamline.patterns.cif_pattern import parse_cif
from lics_beamline.patterns.error_column import (
    SECOND_DIFFERENCE,
    check_no_share,
    check_no_unit_weight,
    check_no_weight,
    check_unnamed,
    with_errors_of_none,
)
from lics_beamline.patterns.gsas_pattern import is_gsas, parse_gsas
from lics_beamline.patterns.nexus_pattern import parse_nexus
from lics_beamline.patterns.pattern import Pattern
from lics_beamline.patterns.pattern_columns import parse_columns
from lics_beamline.patterns.pattern_table import (
    LONGEST_WAVELENGTH_ANGSTROM,
    SHORTEST_WAVELENGTH_ANGSTROM,
    Abscissa,
    PatternTable,
    refused,
)
from lics_beamline.physics.robust_scatter import SIGMA_OVER_MAD
from lics_beamline.physics.scaled_counts import MOST_COUNTS_IN_TEXT, scaled_from_counts

Array = npt.NDArray[np.float64]
Errors = Literal["file", "counts", "scatter"]

WHAT: Final = "a pattern: .xy, .xye, .chi, .fxye, .gsa, .dat, .cif, NeXus"
LEAST_POINTS: Final = 50  # a fit of one line on a background needs 40
MOST_POINTS: Final = 500_000  # ten times those of the finest powder diffractometer
HDF5: Final = b"\x89HDF\r\n\x1a\n"
PICTURES: Final = {  # how files begin that people give for patterns
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"II*\0": "a TIFF image",
    b"MM\0*": "a TIFF image",
    b"GIF8": "a GIF picture",
    b"%PDF": "a PDF",
    b"###CBF": "a CBF image",
    b"R-AXIS": "an R-AXIS image",
    b"RAW1": "a Bruker RAW file",
    b"RAW4": "a Bruker RAW file",
    b"PK\x03\x04": "a ZIP archive or a spreadsheet",
    b"<?xml": "an XML file",
    b"{\n": "a header of an EDF image, or JSON",
    b"{\r\n": "a header of an EDF image, or JSON",
}
CONTROL_SHARE: Final = 0.01  # of the bytes: more control characters, and it is no text
DEGREES_FROM: Final = 3.2  # a 2theta pattern in degrees ends above it; in radians, pi is the end
SAME_WAVELENGTH: Final = 1e-4  # relative: of a recipe or a command line, and of a file
POINTS_BESIDE: Final = 5  # on either side of a zero that tell whether it is a gap
GAP_COUNTS: Final = 10.0  # that the least of them has, if it is
LEFT_OUT_SHARE: Final = 0.5  # of the points may be empty; more, and the file is something else


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenPattern:
    """A pattern as a person gave it.

    Parameters
    ----------
    pattern : Pattern
        The pattern; steps of 2theta are even only where the file's are (`evenly_spaced`).
    source, layout : str
        The file, and what it was read as.
    unit : {"2theta", "q", "q-nm", "d"}
        Its abscissa.
    errors : {"file", "counts", "scatter"}
        Where the standard errors come from.
    remarks : tuple of str
        What was taken for granted or left out.
    """

    pattern: Pattern
    source: str
    layout: str
    unit: Abscissa
    errors: Errors
    remarks: tuple[str, ...]


def read_pattern(
    path: Path,
    *,
    wavelength_angstrom: float | None = None,
    unit: Abscissa | None = None,
    errors: Errors | None = None,
    columns: tuple[int, ...] | None = None,
    chosen: str | None = None,
) -> GivenPattern:
    """Read a pattern from a file of any program.

    Parameters
    ----------
    path : Path
        Columns of text, .chi, GSAS, FullProf, powder CIF, NeXus.
    wavelength_angstrom : float, optional
        X-ray wavelength [angstrom]; default that of the file.
    unit : {"2theta", "q", "q-nm", "d"}, optional
        Abscissa; default what the file says.
    errors : {"file", "counts", "scatter"}, optional
        Standard errors; default those of the file, else of counting where intensities are whole numbers, else of the
        scatter of neighbouring points.
    columns : tuple of int, optional
        Numbers from 1 of the columns of abscissa, intensity and error in a text.
    chosen : str, optional
        Which pattern of a file that has several: number, bank, block or path.

    Raises
    ------
    ProfileError
        If the file is none, or cannot be believed: the message says why and what to do.
    """
    source = str(path)
    table = _table(path, columns, chosen, unit)
    remarks = list(table.remarks)
    _check_table(table, source)
    known = unit or table.unit or _assumed_unit(table, source, remarks)
    wavelength = _wavelength(wavelength_angstrom, table, source, remarks)
    two_theta = _two_theta(table.abscissa, known, wavelength, source)
    table = replace(table, abscissa=two_theta)
    if two_theta[0] > two_theta[-1]:
        table = replace(
            table,
            abscissa=two_theta[::-1],
            intensity=table.intensity[::-1],
            sigma=None if table.sigma is None else table.sigma[::-1],
        )
    table = _rising(table, source, remarks)
    table = replace(table, intensity=_without_gaps(table.intensity))
    sigma, origin = _errors(table, errors, source, remarks)
    empty = ~np.isfinite(table.intensity) | ~np.isfinite(sigma) | (sigma == 0.0)
    if np.mean(empty) > LEFT_OUT_SHARE:
        raise refused(
            source,
            f"has no intensity or no error in {np.mean(empty):.0%} of its points. Export it again, or give --errors.",
            share=float(np.mean(empty)),
        )
    if empty.any():
        remarks.append(f"{np.count_nonzero(empty)} of {empty.size} points are empty and left out")
    pattern = Pattern(
        two_theta_deg=table.abscissa,
        intensity=np.where(empty, np.nan, table.intensity),
        sigma=np.where(empty, np.nan, sigma),
        wavelength_angstrom=wavelength,
    )
    return GivenPattern(
        pattern=pattern, source=source, layout=table.layout, unit=known, errors=origin, remarks=tuple(remarks)
    )


def _table(path: Path, columns: tuple[int, ...] | None, chosen: str | None, unit: Abscissa | None) -> PatternTable:
    source = str(path)
    regular_size(path, most_bytes=PATTERN_BYTES, what=WHAT)
    content = read_bytes(path, most_bytes=PATTERN_BYTES, what=WHAT)
    if content.startswith(HDF5):
        return parse_nexus(path, chosen=chosen, given=unit)
    kind = next((kind for head, kind in PICTURES.items() if content.startswith(head)), None)
    control = sum(content.count(byte) for byte in range(32) if byte not in (9, 10, 12, 13, 26))
    if kind is not None or (
        control > CONTROL_SHARE * max(len(content), 1) and content[:2] not in (b"\xff\xfe", b"\xfe\xff")
    ):
        raise refused(
            source,
            f"is {kind or 'no text'}, not a pattern. Give {WHAT}; an image of a detector goes to lics reduce.",
            reason=kind or "no text",
        )
    text = _decoded(content)
    if is_gsas(text):
        return parse_gsas(text, source=source, chosen=chosen)
    if path.suffix.lower() in (".cif", ".rtv", ".pcif") or text.lstrip().startswith("data_"):
        return parse_cif(text, source=source, chosen=chosen)
    return parse_columns(text, source=source, ending=path.suffix.lower(), columns=columns, given=unit)


def _decoded(content: bytes) -> str:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig").replace("\0", " ")
    except UnicodeDecodeError:
        return content.decode("latin-1").replace("\0", " ")  # of a title that a program did not clear


def _check_table(table: PatternTable, source: str) -> None:
    count = table.abscissa.size
    if not LEAST_POINTS <= count <= MOST_POINTS:
        raise refused(
            source,
            f"has {count} points; {LEAST_POINTS} to {MOST_POINTS} are a pattern. Give a whole one.",
            points=count,
        )
    wild = np.flatnonzero(~np.isfinite(table.abscissa))
    if wild.size:
        raise refused(source, f"has no abscissa in its point {wild[0] + 1}. Export it again.", point=int(wild[0]) + 1)
    if not np.isfinite(table.intensity).any() or np.nanmax(table.intensity) == np.nanmin(table.intensity):
        raise refused(source, "has the same intensity everywhere, or none. Export it again.", reason="flat")
    if np.nanmax(table.intensity) <= 0.0:
        raise refused(
            source, "has no intensity above zero. Export it again, or choose by --columns.", reason="negative"
        )
    seen = table.intensity[np.isfinite(table.intensity)]
    if what := scaled_from_counts(seen, most_counts=MOST_COUNTS_IN_TEXT):
        raise refused(
            source,
            f"has for intensities {what.name} of whole counts. Lines and errors need counts: export these, or undo it "
            f"(numpy: {what.undo}).",
            reason="scaled counts",
        )
    if table.sigma is not None and np.any(table.sigma < 0.0):
        first = int(np.flatnonzero(table.sigma < 0.0)[0])
        raise refused(
            source,
            f"has the error {table.sigma[first]:g} in its point {first + 1}, and no error is below zero. If its third "
            "column is something else, give --columns 1 2.",
            reason="negative error",
            point=first + 1,
        )


def _assumed_unit(table: PatternTable, source: str, remarks: list[str]) -> Abscissa:
    """Take an abscissa that nothing is said of for 2theta in degrees, where it can be no other."""
    low, high = float(np.min(table.abscissa)), float(np.max(table.abscissa))
    if high <= DEGREES_FROM:
        raise refused(
            source,
            f"runs from {low:g} to {high:g} and does not say over what: radians, q or d. Integrate it again in "
            "degrees, or give --unit q, q-nm, d or 2theta.",
            reason="radians",
            high=high,
        )
    if high > 180.0:
        raise refused(
            source,
            f"runs to {high:g}, which is no 2theta in degrees: time of flight, channels or q in 1/nm. Export "
            "2theta, or give --unit.",
            reason="abscissa",
            high=high,
        )
    remarks.append("the file does not say its abscissa: taken for 2theta in degrees (--unit says otherwise)")
    return "2theta"


def _wavelength(given: float | None, table: PatternTable, source: str, remarks: list[str]) -> float:
    said = table.wavelengths_angstrom
    if given is None:
        if not said:
            raise refused(source, "names no wavelength. Give it: --wavelength ANGSTROM.", reason="no wavelength")
        if len(said) > 1 and max(said) / min(said) - 1.0 > SAME_WAVELENGTH:
            listed = ", ".join(f"{value:g}" for value in said)
            raise refused(
                source,
                f"names the wavelengths {listed} angstrom, and its lines of a doublet may have been stripped. Give the "
                f"one that is left, or both to lics fit: --wavelength {','.join(f'{value:g}' for value in said[:2])}.",
                reason="several wavelengths",
            )
        given = said[0]
    elif said and all(abs(given / value - 1.0) > SAME_WAVELENGTH for value in said):
        remarks.append(f"the file names {said[0]:g} angstrom; {given:g} was given and is used")
    if not SHORTEST_WAVELENGTH_ANGSTROM < given < LONGEST_WAVELENGTH_ANGSTROM:
        raise refused(
            source,
            f"the wavelength {given:g} angstrom is not between {SHORTEST_WAVELENGTH_ANGSTROM:g} and "
            f"{LONGEST_WAVELENGTH_ANGSTROM:g}. Give it in angstrom: --wavelength 0.4133.",
            wavelength_angstrom=given,
        )
    return float(given)


def _two_theta(x: Array, unit: Abscissa, wavelength: float, source: str) -> Array:
    if unit == "2theta":
        if np.max(np.abs(x)) > 180.0:
            raise refused(source, f"has 2theta up to {np.max(np.abs(x)):g} deg; 180 is the end. Give --unit.")
        return x
    if np.min(x) < 0.0 or (unit == "d" and np.min(x) == 0.0):
        raise refused(source, f"has {np.min(x):g} on its axis of {unit}, which is above zero. Give --unit.")
    per_nm = 0.1 if unit == "q-nm" else 1.0
    sine = wavelength / (2.0 * x) if unit == "d" else per_nm * x * wavelength / (4.0 * math.pi)
    if np.max(sine) >= 1.0:
        raise refused(
            source,
            f"reaches {'d' if unit == 'd' else 'q'} = {np.min(x) if unit == 'd' else np.max(x):g}, which no "
            f"angle shows at {wavelength:g} angstrom. Give the right --wavelength and --unit (q or q-nm).",
            wavelength_angstrom=wavelength,
        )
    return np.asarray(2.0 * np.degrees(np.arcsin(sine)), dtype=np.float64)


def _rising(table: PatternTable, source: str, remarks: list[str]) -> PatternTable:
    """Refuse points out of order; leave out those at or below zero, and what was never measured at both ends."""
    back = np.flatnonzero(np.diff(table.abscissa) <= 0.0)
    if back.size:
        place = int(back[0])
        raise refused(
            source,
            f"neither rises nor falls throughout: {table.abscissa[place]:.6g} and {table.abscissa[place + 1]:.6g} deg "
            f"follow each other at point {place + 2}. Give one pattern, with enough digits.",
            reason="not rising",
            point=place + 2,
        )
    seen = np.flatnonzero(np.nan_to_num(table.intensity) != 0.0)
    first, last = int(seen[0]), int(seen[-1]) + 1
    first = max(first, int(np.searchsorted(table.abscissa, 0.0, side="right")))
    left = first + table.abscissa.size - last
    if left:
        remarks.append(f"{left} points at the ends are zero, empty or at no positive angle and left out")
    if last - first < LEAST_POINTS:
        raise refused(source, f"has {max(last - first, 0)} points that are not zero. Give a whole pattern.")
    cut: dict[str, Any] = {"abscissa": table.abscissa[first:last], "intensity": table.intensity[first:last]}
    return replace(table, **cut, sigma=None if table.sigma is None else table.sigma[first:last])


def _without_gaps(intensity: Array) -> Array:
    """Return intensities without the zeros among points of which none is near zero: there nothing was measured.

    Programs write 0 for a bin without pixels, and for what was masked. How far points scatter tells what one count is
    worth; where the least of the points beside has 10, none is zero by chance.
    """
    seen = np.flatnonzero((intensity != 0.0) & np.isfinite(intensity))
    place = np.flatnonzero(intensity == 0.0)
    if not place.size or seen.size < LEAST_POINTS:
        return intensity
    lit = intensity[seen]
    level = lit[1:-1] > 0.0
    scatter = (np.diff(lit, 2)[level] / SECOND_DIFFERENCE) ** 2 / lit[1:-1][level]
    worth = SIGMA_OVER_MAD**2 * float(np.median(scatter)) if level.any() else np.inf
    beside = np.lib.stride_tricks.sliding_window_view(np.pad(lit, POINTS_BESIDE, mode="edge"), 2 * POINTS_BESIDE)
    least = beside.min(axis=1)[np.searchsorted(seen, place)]
    without = intensity.copy()
    without[place[least > GAP_COUNTS * worth]] = np.nan
    return without


def _errors(table: PatternTable, asked: Errors | None, source: str, remarks: list[str]) -> tuple[Array, Errors]:
    """Return standard errors and where they come from."""
    y = table.intensity
    if asked == "file" and table.sigma is None:
        raise refused(source, "has no errors. Give --errors counts or --errors scatter.", reason="no errors")
    if table.sigma is not None and asked in (None, "file"):
        if asked is None:
            check_no_weight(y, table.sigma, source=source)
            check_no_share(y, table.sigma, source=source)
            (check_no_unit_weight if table.sigma_said else check_unnamed)(y, table.sigma, source=source)
        return with_errors_of_none(y, table.sigma), "counts" if table.counted else "file"
    finite = y[np.isfinite(y)]
    whole = bool(np.all(finite == np.round(finite)) and finite.min() >= 0.0)
    if asked == "counts" or (asked is None and (table.counted or whole)):
        if finite.min() < 0.0:
            raise refused(
                source,
                f"has the intensity {finite.min():g}, which is no count. Give --errors scatter.",
                reason="negative counts",
            )
        remarks.append("the file has no errors: those of counting are taken (--errors scatter for its own scatter)")
        return np.sqrt(np.maximum(y, 1.0)), "counts"
    remarks.append(
        "the file has no errors: those of the scatter of neighbouring points are taken"
        + ("" if asked else " (--errors counts if intensities are counts)")
    )
    return _scatter(y, source), "scatter"


def _scatter(y: Array, source: str) -> Array:
    """Return standard errors from the scatter of neighbours: as of counting, or alike where some are below zero."""
    finite = np.flatnonzero(np.isfinite(y))
    filled = np.interp(np.arange(y.size), finite, y[finite])  # an empty point leaves its neighbours theirs
    level = np.convolve(np.pad(filled, 1, mode="edge"), np.full(3, 1.0 / 3.0), "valid")
    odd = np.abs(np.diff(y, 2)) / SECOND_DIFFERENCE
    inner = level[1:-1]
    usable = np.isfinite(odd)
    if float(np.nanmin(level)) > 0.0:
        sigma = SIGMA_OVER_MAD * float(np.median(odd[usable] / np.sqrt(inner[usable]))) * np.sqrt(level)
    else:
        sigma = np.where(np.isfinite(y), SIGMA_OVER_MAD * float(np.median(odd[usable])), np.nan)
    if not np.nanmax(sigma) > 0.0:
        raise refused(
            source, "has no scatter: it was calculated or smoothed. Give --errors counts.", reason="no scatter"
        )
    return np.asarray(sigma, dtype=np.float64)
