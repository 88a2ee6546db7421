"""Verb that refines structural models against a measured point and ranks them: refine."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lics_beamline.cli.argument import angle, count, pathname
from lics_beamline.cli.json_answer import tell_json
from lics_beamline.errors import RunNotFound

if TYPE_CHECKING:
    from lics_beamline.exports.reduced_run import ReducedPoint, ReducedRun
    from lics_beamline.refinement.rietveld import RietveldFit

MOST_RWP_DESCRIBED: Final = 0.4  # Rwp, background taken off, above which a pattern is not that of the model at all


def add(verbs: Any, shared: argparse.ArgumentParser) -> None:
    """Add the verb to the command line."""
    machine = argparse.ArgumentParser(add_help=False)
    machine.add_argument("--json", action="store_true", help="print JSON for a program, nothing else")
    verb = verbs.add_parser(
        "refine",
        parents=[shared, machine],
        help="refine rival structures at one point and rank them",
        description="Refine structural models by Rietveld's method against one point of a reduced run, rank them by "
        "the weighted R with the background taken off, and draw the differences. RUN is a raw run (its newest "
        "reduction is taken) or a reduced one. In a CIF, a number with a standard uncertainty - 0.7(1) - is refined, "
        "one without is held. A and B are the shipped models of the 2015 paper: lithium on the faces, at the centre.",
    )
    verb.add_argument("uid", metavar="RUN")
    verb.add_argument("point", metavar="POINT", type=count, help="number of the point, as lics show counts")
    verb.add_argument(
        "--models", type=pathname, nargs="+", default=[Path("A"), Path("B")], metavar="CIF", help="rival models"
    )
    verb.add_argument(
        "--beside",
        type=pathname,
        nargs="*",
        metavar="CIF",
        help="phases beside the model (default: the gasket, if found)",
    )
    verb.add_argument(
        "--range", type=angle, nargs=2, metavar=("LOW", "HIGH"), help="angles used (deg; default: to the seats' edge)"
    )
    verb.add_argument("--shared-b", action="store_true", help="one B for all atoms of a phase")
    verb.add_argument("--to", type=pathname, metavar="PNG", help="figure (default: figures below the data folder)")
    verb.set_defaults(run=refine)


def refine(options: argparse.Namespace) -> int:
    """Refine rival models against one point."""
    from lics_beamline.analysis.structure import rival_fits
    from lics_beamline.cli.argument import data_folder
    from lics_beamline.exports.difference_figure import draw_differences
    from lics_beamline.exports.recorded_run import newest_reduction
    from lics_beamline.exports.reduced_run import reduced_run
    from lics_beamline.journal.reader import read
    from lics_beamline.refinement.structural_model import read_model

    data = data_folder(options)
    head = newest_reduction(data, options.uid)
    run = reduced_run(read(head.path))
    point = _point(run, options.point)
    models = [read_model(path) for path in options.models]
    beside = None if options.beside is None else [read_model(path) for path in options.beside]
    fits = rival_fits(
        run,
        point,
        models,
        beside,
        two_theta_deg=tuple(options.range) if options.range else None,
        shared_b=options.shared_b,
    )
    title = (
        f"{run.sample}  run {head.uid[:8]}  point {options.point}  "
        f"{point.pressure_gpa:.2f} GPa  {point.temperature_k:.0f} K"
    )
    figure = draw_differences(
        fits, options.to or data.figures / f"refine-{head.uid[:8]}-{options.point:03d}.png", title=title
    )
    if options.json:
        ranked = [_plain(fit) for fit in fits]
        tell_json({"run": head.uid, "point": options.point, "ranked": ranked})
    else:
        sys.stdout.write("\n".join([title, *_lines(fits), f"figure: {figure}"]) + "\n")
    return 0


def _point(run: ReducedRun, number: int) -> ReducedPoint:
    run.require_points()
    points = {point.index + 1: point for point in run.points}
    if number not in points or not points[number].reduced:
        usable = ", ".join(str(each) for each, point in sorted(points.items()) if point.reduced)
        raise RunNotFound(f"point {number} has no pattern. Those that have: {usable or 'none'}.", point=number)
    return points[number]


def _lines(fits: tuple[RietveldFit, ...]) -> list[str]:
    from lics_beamline.analysis.quantity import written

    lines = [" rank  model       Rwp %  plain %   Rp %    chi2   a (A)          atoms: occupancy, B (A^2)"]
    for place, fit in enumerate(fits, start=1):
        found, phase = fit.agreement, fit.phases[0]
        atoms = ";  ".join(
            f"{each.site.label} {written(each.site.occupancy, each.occupancy_sigma)}, "
            f"{written(each.site.b_iso_angstrom2, each.b_sigma_angstrom2)}"
            for each in phase.sites
        )
        lines.append(
            f"{place:5d}  {fit.name:<10.10} {100 * found.r_wp_subtracted:6.2f}   {100 * found.r_wp:6.2f} "
            f"{100 * found.r_p_subtracted:6.2f} {found.chi_squared:7.2f}   "
            f"{written(phase.cell.a_angstrom, phase.cell_sigma.a_angstrom):<14} {atoms}"
            + ("" if fit.converged else "  [did not converge]")
        )
        lines += [f"       {remark}" for remark in fit.remarks]
        if not any(each.occupancy_sigma or each.b_sigma_angstrom2 for each in phase.sites):
            lines.append("       no B or occupancy is refined: the CIF gives none with an uncertainty")
    if fits[0].agreement.r_wp_subtracted > MOST_RWP_DESCRIBED:
        lines.append("no model describes this pattern: another phase is there, or the cell is another")
    elif len(fits) > 1:
        ratio = fits[1].agreement.r_wp_subtracted / fits[0].agreement.r_wp_subtracted
        lines.append(f"Rwp({fits[1].name})/Rwp({fits[0].name}) = {ratio:.2f}; Rwp and Rp with the background taken off")
    return lines


def _plain(fit: RietveldFit) -> dict[str, Any]:
    return {
        "model": fit.name,
        "agreement": asdict(fit.agreement),
        "converged": fit.converged,
        "error_factor": fit.error_factor,
        "phases": [
            {
                "name": phase.name,
                "cell": asdict(phase.cell),
                "cell_sigma": asdict(phase.cell_sigma),
                "sites": [asdict(each) for each in phase.sites],
            }
            for phase in fit.phases
        ],
        "remarks": list(fit.remarks),
    }
