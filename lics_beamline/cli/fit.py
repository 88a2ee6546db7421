"""Verb that fits a pattern integrated elsewhere with phases a person names: fit."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lics_beamline.cli.argument import angle, pathname, real
from lics_beamline.cli.json_answer import tell_json
from lics_beamline.cli.pattern_options import add_reading, wavelengths

if TYPE_CHECKING:
    from lics_beamline.analysis.phase_fit import PhaseFit
    from lics_beamline.patterns.pattern import Pattern
    from lics_beamline.patterns.pattern_file import GivenPattern
    from lics_beamline.physics.unit_cell import UnitCell

MOST_PEAKS_TOLD = 12  # unexplained peaks that are listed


def add(verbs: Any, shared: argparse.ArgumentParser) -> None:
    """Add the verb to the command line."""
    verb = verbs.add_parser(
        "fit",
        parents=[shared],
        help="fit a pattern of any program with phases",
        description="Find the peaks of a one-dimensional pattern, the phases that explain them, and fit these: cells "
        "with errors, agreement, peaks that nothing explains. Patterns are columns of text (.xy, .xye, .chi, .csv), "
        "GSAS (.fxye, .gsa), FullProf (.dat), powder CIF or NeXus, over 2theta, q or d; time of flight is refused. An "
        "unknown cell is not indexed: each phase is a CIF whose cell is within --within of the pattern's.",
    )
    verb.add_argument("pattern", type=pathname, metavar="PATTERN")
    verb.add_argument(
        "--phases",
        type=pathname,
        nargs="+",
        required=True,
        metavar="PHASE",
        help="phases that may be there: CIF files, or phases as recipes name them (re-hcp, mine.toml)",
    )
    verb.add_argument(
        "--wavelength",
        type=wavelengths,
        default=(),
        metavar="ANGSTROM",
        help="default: what the file says; two with a comma between (1.54056,1.54439), or a tube by name (CuKa), where "
        "lines come twice and the second is half as strong",
    )
    verb.add_argument(
        "--method",
        choices=("pawley", "le-bail", "rietveld"),
        default="pawley",
        help="pawley (default) and le-bail: free intensities; rietveld: those of the atoms, for patterns corrected for "
        "polarisation",
    )
    verb.add_argument("--range", type=angle, nargs=2, metavar=("LO", "HI"), help="angles used (deg; default all)")
    verb.add_argument(
        "--within",
        type=real(1e-4, 0.1, ""),
        default=0.02,
        metavar="F",
        help="how far cells may be from those of the CIFs, as a fraction of the edges (default 0.02)",
    )
    verb.add_argument(
        "--shift",
        choices=("found", "none", "zero", "off-axis"),
        default="found",
        help="shift of all lines that is refined too: off-axis, as of a sample beside the axis of a diffractometer; "
        "zero, a constant angle; none. found (default): off-axis where a tube's pattern shows it; else none",
    )
    verb.add_argument("--shared-b", action="store_true", help="rietveld: one B for all atoms of a phase")
    add_reading(verb)
    verb.add_argument("--pattern", dest="chosen", metavar="NAME", help="which pattern of a file that has several")
    verb.add_argument(
        "--figure", type=pathname, metavar="FILE", help="PNG of observed, calculated, difference and lines"
    )
    verb.add_argument("--json", action="store_true", help="print JSON for a program, nothing else")
    verb.set_defaults(run=fit)


def fit(options: argparse.Namespace) -> int:
    """Fit a pattern with phases."""
    from lics_beamline.analysis.phase_fit import fit_phases
    from lics_beamline.errors import ProfileError
    from lics_beamline.exports.difference_figure import draw_differences
    from lics_beamline.patterns.pattern_file import read_pattern

    if options.columns and len(options.columns) not in (2, 3):
        raise ProfileError(
            f"--columns has {len(options.columns)} numbers. Give two or three: abscissa, intensity, error."
        )
    if options.range and not options.range[0] < options.range[1]:
        raise ProfileError(f"--range {options.range[0]:g} {options.range[1]:g} does not rise. Give LO below HI.")
    given = read_pattern(
        options.pattern,
        wavelength_angstrom=options.wavelength[0] if options.wavelength else None,
        unit=options.unit,
        errors=options.errors,
        columns=tuple(options.columns) if options.columns else None,
        chosen=options.chosen,
    )
    found = fit_phases(
        given,
        options.phases,
        method=options.method,
        two_theta_deg=tuple(options.range) if options.range else None,
        within=options.within,
        shift=options.shift,
        shared_b=options.shared_b,
        second_angstrom=options.wavelength[1] if len(options.wavelength) > 1 else None,
    )
    for note in found.notes:
        sys.stderr.write(f"note: {note}\n")
    figure = None
    if options.figure:
        title = f"{options.pattern.name}   {options.method}   {given.pattern.wavelength_angstrom:g} Å"
        figure = draw_differences([found.fit], options.figure, title=title, intensity_unit="as in the file")
    if options.json:
        tell_json(_plain(options, given, found, figure))
    else:
        sys.stdout.write("\n".join(_lines(options, given, found, figure)) + "\n")
    return 0


def _lines(options: argparse.Namespace, given: GivenPattern, found: PhaseFit, figure: Path | None) -> list[str]:
    pattern, agreed = given.pattern, found.agreement
    errors = {"file": "of the file", "counts": "of counting", "scatter": "of the scatter of neighbours"}[given.errors]
    lines = [
        f"{given.source}: {given.layout}, {pattern.two_theta_deg.size} points, {pattern.two_theta_deg[0]:.3f} to "
        f"{pattern.two_theta_deg[-1]:.3f} deg, {_said(pattern, options)} angstrom, errors {errors}",
        *(f"  {remark}" for remark in given.remarks),
        f"{len(found.peaks)} peaks, {len(found.unknown)} of them ({found.unknown_share:.0%} of the area) of no "
        "phase" + (", left out of the fit:" if found.unknown else ""),
        *(f"  {peak.two_theta_deg:10.4f} deg  {peak.d_angstrom:9.5f} A" for peak in found.unknown[:MOST_PEAKS_TOLD]),
    ]
    if len(found.unknown) > MOST_PEAKS_TOLD:
        lines.append(f"  and {len(found.unknown) - MOST_PEAKS_TOLD} more")
    cells = {phase.name: phase for phase in found.fit.phases}
    for sought in found.sought:
        name = sought.model.name
        if sought.reason:
            lines.append(f"{name}: not found. {sought.reason}")
            continue
        phase = cells[name]
        indexed = f"   {len(sought.found.lines)} peaks" if sought.found else ""
        lines.append(f"{name}: {_cell(phase.cell, phase.cell_sigma, sought.model.space_group)}{indexed}")
    lines.append(
        f"{options.method}: Rwp {100 * agreed.r_wp:.2f} %, Rp {100 * agreed.r_p:.2f} %; background taken off "
        f"{100 * agreed.r_wp_subtracted:.2f} and {100 * agreed.r_p_subtracted:.2f} % (expected "
        f"{100 * agreed.r_expected_subtracted:.2f} %); chi2 {agreed.chi_squared:.2f}, {agreed.bins} points"
    )
    if found.shift.kind != "none":
        lines.append(f"  lines are off by {found.shift}")
    lines += [f"  {remark}" for remark in getattr(found.fit, "remarks", ())]
    if not getattr(found.fit, "converged", True):
        lines.append("  it did not converge")
    return [*lines, *([f"figure: {figure}"] if figure else [])]


def _cell(cell: UnitCell, sigma: UnitCell, group: str) -> str:
    from lics_beamline.analysis.quantity import written
    from lics_beamline.physics.unit_cell import FREE, NAMES, lattice_system

    places = FREE[lattice_system(group)]
    told = []
    for number, name in enumerate(NAMES):
        entry = places[number]
        if isinstance(entry, int) and entry not in places[:number]:
            unit = "angstrom" if number < 3 else "deg"
            told.append(f"{name} {written(cell.numbers[number], sigma.numbers[number])} {unit}")
    return f"{group}   " + "   ".join(told) + f"   V {cell.volume_angstrom3:.3f} angstrom^3"


def _plain(options: argparse.Namespace, given: GivenPattern, found: PhaseFit, figure: Path | None) -> dict[str, Any]:
    cells = {phase.name: phase for phase in found.fit.phases}
    phases = []
    for sought in found.sought:
        name = sought.model.name
        phase = cells.get(name)
        phases.append(
            {
                "name": name,
                "found": phase is not None,
                "reason": sought.reason,
                "light_at_most": sought.light.most if sought.light else None,
                "space_group": sought.model.space_group,
                "cell": asdict(phase.cell) if phase else None,
                "cell_sigma": asdict(phase.cell_sigma) if phase else None,
                "peaks": [
                    {"hkl": indexed.line.hkl, "two_theta_deg": indexed.peak.two_theta_deg}
                    for indexed in (sought.found.lines if sought.found and phase else ())
                ],
                "sites": [asdict(each.site) for each in getattr(phase, "sites", ())],
                "fraction": sought.found.fraction if sought.found and phase else None,
            }
        )
    return {
        "pattern": given.source,
        "layout": given.layout,
        "unit": given.unit,
        "errors": given.errors,
        "remarks": list(given.remarks),
        "wavelength_angstrom": found.wavelength_angstrom,
        "method": options.method,
        "peaks": [asdict(peak) for peak in found.peaks],
        "unknown": [peak.two_theta_deg for peak in found.unknown],
        "unknown_share": found.unknown_share,
        "phases": phases,
        "shift": asdict(found.shift),
        "agreement": asdict(found.agreement),
        "error_factor": found.fit.error_factor,
        "notes": list(found.notes),
        "fit_remarks": list(getattr(found.fit, "remarks", ())),
        "figure": str(figure) if figure else None,
    }


def _said(pattern: Pattern, options: argparse.Namespace) -> str:
    """Return the wavelengths of a pattern as they were said."""
    return " and ".join(f"{value:g}" for value in (pattern.wavelength_angstrom, *options.wavelength[1:]))
