"""The verb ``check``: judge an experiment before the first move, say why, and draw what is expected."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lics_beamline.cli.argument import pathname, real
from lics_beamline.cli.fault import tell_fault
from lics_beamline.cli.json_answer import tell_json
from lics_beamline.files.given_file import one_line

if TYPE_CHECKING:
    from lics_beamline.checks.case import Case
    from lics_beamline.checks.finding import CheckFinding
    from lics_beamline.control.cell_estimate import PressureReading
    from lics_beamline.control.forecast import ExpectedArrival
    from lics_beamline.data_folder import DataFolder
    from lics_beamline.profile import Profile

DEFAULT_FIGURE: Final = Path()  # --figure without a file: below the data folder
HEADINGS: Final = {"refused": "REFUSED", "warning": "WARNINGS", "ok": "IN ORDER"}
STYLES: Final = {"refused": "bold red", "warning": "bold yellow", "ok": "bold green"}
PIPED_WIDTH: Final = 160  # columns where nobody looks at a terminal


def add_options(verb: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    verb.add_argument(
        "--figure",
        type=pathname,
        nargs="?",
        const=DEFAULT_FIGURE,
        metavar="FILE",
        help="draw the forecast of pressure, load and temperature as PNG (default below DIR/figures)",
    )
    verb.add_argument(
        "--live",
        action="store_true",
        help="connect to the beamline and judge it too: supply, temperatures, shutter, plates, one ruby spectrum; "
        "nothing is moved",
    )
    verb.add_argument(
        "--hours", type=real(0.01, 1e6, "h"), default=math.inf, metavar="H", help="beam time there is [h]"
    )
    verb.add_argument("--brief", action="store_true", help="leave out the rules that are in order")


def run(options: argparse.Namespace, case: Case, data: DataFolder) -> int:
    """Judge a case, print and draw what was asked for.

    Returns
    -------
    int
        0 where nothing is refused, 2 where something is, 3 where the beamline does not answer.
    """
    from lics_beamline.checks.judgement import judge, refusals

    findings, supply_bar, answers = judge(case), None, True
    if options.live:
        live, supply_bar, answers = _live(case, data)
        findings += live
    figure: Path | None = None
    if options.figure is not None:
        from lics_beamline.cli.track_figure import draw_track

        by_itself = data.figures / f"check-{_stem(options.experiment)}.png"
        named = by_itself if options.figure == DEFAULT_FIGURE else options.figure
        figure = draw_track(case, named, supply_bar=supply_bar)
    if options.json:
        tell_json(as_json(case, findings, figure))
    else:
        _tell(case, findings, figure, brief=options.brief)
    if not answers:
        return 3
    return 2 if refusals(findings) else 0


def tell_refused(refused: Sequence[CheckFinding], options: argparse.Namespace) -> int:
    """Say for which reasons a sweep is not begun, and return the exit code."""
    lines = [f"{finding.verdict}: {finding.rule}: {finding.says}" for finding in refused]
    says = " ".join(f"{finding.rule}: {finding.says}" for finding in refused)
    return tell_fault(says, 2, kind="refused", verb=options.verb, as_json=options.json, lines=lines)


def as_json(case: Case, findings: Iterable[CheckFinding], figure: Path | None) -> dict[str, Any]:
    """Return everything a check found as plain values."""
    listed = [finding.as_dict() for finding in findings]
    return {
        "title": case.experiment.title,
        "profile": {"name": case.profile.values.name, "digest": case.profile.digest},
        "counts": {verdict: sum(each["verdict"] == verdict for each in listed) for verdict in HEADINGS},
        "findings": listed,
        "duration_s": case.track.duration_s,
        "forecast": [
            {
                "point": arrival.point.index + 1,
                "leg": arrival.point.leg.name,
                "stroke": arrival.point.stroke,
                "begins_s": arrival.before.time_s,
                "duration_s": arrival.duration_s,
                "pressure_gpa": arrival.at.pressure_gpa,
                "pressure_sigma_gpa": arrival.at.pressure_sigma_gpa,
                "load_bar": arrival.at.load_bar,
                "load_sigma_bar": arrival.at.load_sigma_bar,
                "temperature_k": arrival.at.temperature_k,
            }
            for arrival in case.track.arrivals
        ],
        "figure": str(figure) if figure else None,
    }


def _live(case: Case, data: DataFolder) -> tuple[tuple[CheckFinding, ...], float | None, bool]:
    """Connect, look, let go. Returns findings, the supply [bar], and whether every PV answers."""
    from lics_beamline.checks.judgement import judge_live
    from lics_beamline.devices.assembly import assemble
    from lics_beamline.devices.beamline import be_patient, connect, disconnect
    from lics_beamline.devices.control_layer import logged_in
    from lics_beamline.session.session import CONNECT_S

    with logged_in(data.logs):
        be_patient()
        beamline = assemble(case.profile, data)
        try:
            report = connect(beamline, timeout_s=CONNECT_S, strict=False)
            findings = judge_live(beamline, report, case)
            supply_bar = None if report.dead else float(beamline.membrane.source_bar.get())
        finally:
            disconnect(beamline)
    return findings, supply_bar, not report.dead


def heating_lines(case: Case) -> list[str]:
    """Return what heating is expected to do to the pressure, a line a leg."""
    lines = []
    for _, of_leg in groupby(case.track.heating(), key=lambda arrival: id(arrival.point.leg)):
        arrivals = list(of_leg)
        first, last = arrivals[0].before, arrivals[-1].at
        lines.append(
            f"{arrivals[0].point.leg.name}: {first.pressure_gpa:.2f} GPa at {first.temperature_k:.0f} K -> "
            f"{last.pressure_gpa:.2f} +- {last.pressure_sigma_gpa:.2f} GPa at {last.temperature_k:.0f} K expected, at "
            f"{last.load_bar:.0f} bar"
            + (f", from {first.load_bar:.0f} bar" if first.load_bar - last.load_bar > 0.5 else "")
        )
    return lines


def _tell(case: Case, findings: tuple[CheckFinding, ...], figure: Path | None, *, brief: bool) -> None:
    from lics_beamline.cli.terminal import Table, Text, console

    terminal = console(piped_width=PIPED_WIDTH)
    terminal.print(Text(one_line(case.experiment.title), style="bold"))
    terminal.print(_expected(case))
    for verdict, heading in HEADINGS.items():
        chosen = [finding for finding in findings if finding.verdict == verdict]
        if not chosen or (brief and verdict == "ok"):
            continue
        terminal.print()
        terminal.print(Text(f"{heading} ({len(chosen)})", style=STYLES[verdict]))
        table = Table(box=None, padding=(0, 2, 0, 0), expand=True)
        table.add_column("", no_wrap=True, style="dim", min_width=10)
        for column, ratio in (("rule", 12), ("found", 15), ("allowed", 14)):
            table.add_column(column, ratio=ratio, overflow="fold")
        group = ""
        for finding in chosen:
            table.add_row(
                finding.group if finding.group != group else "",
                Text(finding.rule),
                Text(finding.found),
                Text(finding.limit),
            )
            if finding.remedy:
                table.add_row("", "", Text(f"-> {finding.remedy}", style=STYLES[verdict].removeprefix("bold ")), "")
            group = finding.group
        terminal.print(table)
    counts = {verdict: sum(finding.verdict == verdict for finding in findings) for verdict in HEADINGS}
    terminal.print()
    terminal.print(
        f"{len(findings)} rules: {counts['ok']} in order, {counts['warning']} warnings, {counts['refused']} refused"
        + (f"; forecast drawn in {figure}" if figure else "")
    )


def _expected(case: Case) -> Any:
    """Return a table of the legs as they are expected."""
    from lics_beamline.cli.terminal import Table, Text

    table = Table(box=None, padding=(0, 3, 0, 0))
    table.add_column("expected")
    for column in ("points", "GPa", "bar", "K", "h"):
        table.add_column(column, justify="right")
    for _, of_leg in groupby(case.track.arrivals, key=lambda arrival: id(arrival.point.leg)):
        arrivals: list[ExpectedArrival] = list(of_leg)
        last = arrivals[-1].at
        table.add_row(
            Text(one_line(arrivals[0].point.leg.name)),
            str(len(arrivals)),
            _range(
                arrivals[0].before.pressure_gpa,
                last.pressure_gpa,
                last.pressure_sigma_gpa if last.pressure_sigma_gpa > 0.005 else 0.0,
                2,
            ),
            _range(arrivals[0].before.load_bar, last.load_bar, last.load_sigma_bar, 0),
            _range(arrivals[0].before.temperature_k, last.temperature_k, 0.0, 0),
            f"{sum(arrival.duration_s for arrival in arrivals) / 3600:.1f}",
        )
    table.add_row("all", str(len(case.points)), "", "", "", f"{case.track.duration_s / 3600:.1f}", style="bold")
    return table


def _range(begin: float, end: float, sigma: float, digits: int) -> str:
    doubt = f" +- {sigma:.{digits}f}" if sigma else ""
    return (
        f"{begin:.{digits}f} -> {end:.{digits}f}{doubt}"
        if f"{begin:.{digits}f}" != f"{end:.{digits}f}"
        else (f"{end:.{digits}f}{doubt}")
    )


def _stem(experiment: str) -> str:
    return Path(experiment).stem


def case_for(
    options: argparse.Namespace,
    profile: Profile,
    data: DataFolder,
    experiment: Any,
    *,
    begins: PressureReading | None = None,
) -> Case:
    """Return the case that a command line asks about, from the cell as loaded or as it `begins`."""
    from lics_beamline.checks.judgement import case_of
    from lics_beamline.checks.place import look_at
    from lics_beamline.reduction.recipe import read_recipe

    return case_of(
        experiment,
        profile,
        read_recipe(profile.recipe_file, geometry=profile.geometry),
        place=look_at(data),
        beam_time_h=getattr(options, "hours", math.inf),
        speed=getattr(options, "speed", None),
        begins=begins,
    )
