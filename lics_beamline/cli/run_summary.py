"""A run told in words: a line a point, for ``lics show`` and for the lines of a dry run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lics_beamline import schema
from lics_beamline.data_folder import DataFolder
from lics_beamline.exports.reduced_run import ARRAYS, ReducedPoint, reduced_run
from lics_beamline.journal.duty import Duty, duty
from lics_beamline.journal.events import events
from lics_beamline.journal.head import Head, heads
from lics_beamline.journal.reader import read
from lics_beamline.journal.whole_sweep import sweep_documents

HEADING = (
    "   #  leg                      asked GPa        K  load bar   ruby GPa (stat, syst)    "
    "sample K   a (A)         phases"
)
NARROW_HEADING = "  #   asked  GPa             K  load bar  a (A)         phases"
WIDE_COLUMNS = 120  # of a terminal, from which on the whole line fits in most cases


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What happened in a run.

    Parameters
    ----------
    head : Head
        Start and stop.
    events : dict
        Number of events by stream.
    reductions : tuple of Head
        Derived runs made from it, oldest first.
    points : tuple of ReducedPoint
        Of the newest reduction, or of the run itself where it is a reduced one.
    failures : tuple of str
        What did not come, and why.
    decisions : tuple of str
        What the plan did because of what it saw.
    duty : Duty
        Time exposed and time elapsed; none exposed where the run is a reduced one.
    """

    head: Head
    events: dict[str, int]
    reductions: tuple[Head, ...]
    points: tuple[ReducedPoint, ...]
    failures: tuple[str, ...]
    decisions: tuple[str, ...]
    duty: Duty

    def lines(self, columns: int = WIDE_COLUMNS) -> Iterator[str]:
        """Yield the story line by line, those of points for a terminal of so many columns."""
        start = self.head.start
        state = self.head.exit_status or "not ended"
        yield f"run {self.head.uid}  {start.get('purpose', '')}  {state}"
        if self.head.stop and self.head.stop.get("reason"):
            yield f"  reason    {self.head.stop['reason']}"
        said = ("title", "operator", "proposal", "speed", "geometry_digest", "recipe_digest", "sweep_uid", "resumes")
        for name in said:
            if start.get(name):
                yield f"  {name:<9} {start[name]}"
        if schema.IMPORTED in start:
            yield from _origin(start[schema.IMPORTED])
        yield f"  events    {', '.join(f'{count} {stream}' for stream, count in self.events.items()) or 'none'}"
        yield f"  journal   {self.head.path}"
        if self.duty.exposing_s:
            yield (
                f"  duty      {self.duty.fraction:.1%}: {self.duty.exposing_s:.0f} s exposed of "
                f"{self.duty.elapsed_s:.0f} s"
            )
        for derived in self.reductions:
            revision = derived.start.get("reduction_revision", "not said")
            by = f"by recipe {str(derived.start.get('recipe_digest', ''))[:8]}, revision {revision}"
            yield f"  reduced   {derived.uid} {by}"
        for failure in self.failures:
            yield f"  failed    {failure}"
        for decision in self.decisions:
            yield f"  decided   {decision}"
        if self.points:
            yield heading_of(self.points[0], columns)
            yield from (point_line(point, columns) for point in self.points)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values for JSON."""
        return {
            "start": {key: value for key, value in self.head.start.items() if key != "recipe"},
            "stop": self.head.stop,
            "journal": str(self.head.path),
            "events": self.events,
            "reductions": [derived.uid for derived in self.reductions],
            "failures": list(self.failures),
            "decisions": list(self.decisions),
            "duty": {"exposing_s": self.duty.exposing_s, "elapsed_s": self.duty.elapsed_s},
            "points": [_plain(point) for point in self.points],
        }


HEADING_AS_GIVEN = "   #   GPa as given       K        a (A)         phases"


def heading(columns: int = WIDE_COLUMNS) -> str:
    """Return what stands above the lines of points of a sweep, as wide as a terminal of so many columns takes."""
    return HEADING if columns >= WIDE_COLUMNS else NARROW_HEADING


def heading_of(point: ReducedPoint, columns: int = WIDE_COLUMNS) -> str:
    """Return what stands above the lines of points of the kind of this one."""
    return HEADING_AS_GIVEN if _is_given(point) else heading(columns)


def _is_given(point: ReducedPoint) -> bool:
    """Tell whether nothing was asked of a point, so that its pressure and temperature were given."""
    return point.leg == schema.IMPORTED_LEG and math.isnan(point.requested_temperature_k)


def _origin(imported: Mapping[str, Any]) -> Iterator[str]:
    """Yield where an imported run came from, line by line."""
    yield f"  imported  {imported.get('table', '')} (sha256 {str(imported.get('table_sha256', ''))[:12]})"
    yield f"            frames from {imported.get('frames_from', '')}"
    for name in ("pressure_by", "temperature_by"):
        yield f"            {name.removesuffix('_by')} by {imported.get(name) or 'a way not said'}"


def _given_line(point: ReducedPoint, cell: str, phases: str) -> str:
    """Return one line about a point of an imported run."""
    known = math.isfinite(point.pressure_sigma_gpa)
    pressure = f"{point.pressure_gpa:7.3f}{f' +- {point.pressure_sigma_gpa:.3f}' if known else ''}"
    pressure = pressure if math.isfinite(point.pressure_gpa) else "      -"
    kelvin = f"{point.temperature_k:.1f}" if math.isfinite(point.temperature_k) else "-"
    return f"{point.index + 1:4d}  {pressure:<16}  {kelvin:>7}   {cell:<12}  {phases}"


def point_line(point: ReducedPoint, columns: int = WIDE_COLUMNS) -> str:
    """Return one line about one reduced point, with what fits into a terminal of so many columns."""
    asked = "  held" if math.isnan(point.requested_pressure_gpa) else f"{point.requested_pressure_gpa:6.2f}"
    cell = point.main_phase.edge_told if point.main_phase else "      -     "
    phases = point.phases_told
    phases += f"  [{point.note}]" if point.note else ""
    phases += f"  [{point.changes}]" if point.changes else ""
    if _is_given(point):
        return _given_line(point, cell, phases)
    if columns < WIDE_COLUMNS:
        pressure = f"{point.pressure_gpa:.3f}({1000 * point.pressure_sigma_gpa:.0f})"
        there = f"{pressure:<9}  {point.temperature_k:6.1f}  {point.load_bar:8.2f}"
        return f"{point.index + 1:3d}  {asked}  {there}  {cell:<12}  {phases}"
    return (
        f"{point.index + 1:4d}  {point.leg:<26.26}  {asked}   {point.requested_temperature_k:6.1f}   "
        f"{point.load_bar:7.2f}   {point.pressure_gpa:7.3f} ({point.pressure_sigma_gpa:.3f}, "
        f"{point.pressure_systematic_gpa:.3f})   {point.temperature_k:8.1f}   {cell:<12}  "
        f"{phases}"
    )


def story(data: DataFolder, head: Head) -> Story:
    """Read what happened in a run from its journal and those derived from it."""
    counted: dict[str, int] = {}
    failures: list[str] = []
    decisions: list[str] = []
    for event in events(sweep_documents(head)):
        counted[event.stream] = counted.get(event.stream, 0) + 1
        if event.stream == schema.FAILURE:
            failures.append(f"point {event.data['point_index'] + 1}: {event.data['reason']}")
        elif event.stream == schema.DECISIONS:
            decisions.append(f"point {event.data['point_index'] + 1}: {event.data['choice']}")
    if head.start.get("purpose") == schema.REDUCTION:
        reductions: tuple[Head, ...] = ()
        points = reduced_run(read(head.path)).points
        used = Duty(exposing_s=0.0, elapsed_s=0.0)
    else:
        used = duty(sweep_documents(head))
        reductions = tuple(found for found in heads(data.derived_journals) if found.start.get("raw_uid") == head.uid)
        points = reduced_run(read(reductions[-1].path)).points if reductions else ()
    return Story(
        head=head,
        events=counted,
        reductions=reductions,
        points=points,
        failures=tuple(failures),
        decisions=tuple(decisions),
        duty=used,
    )


def _plain(point: ReducedPoint) -> dict[str, Any]:
    """Return a point without its arrays, NaN as null."""
    values: dict[str, Any] = {}
    for name in point.__dataclass_fields__:
        value = getattr(point, name)
        if name in ARRAYS or name == "lines":
            continue
        if name == "phases":
            values[name] = [asdict(phase) for phase in value]
            continue
        values[name] = None if isinstance(value, float) and math.isnan(value) else value
    return values
