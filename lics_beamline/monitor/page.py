"""One page of one person who looks: it draws a run as it is, and what has changed since."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Any, Final

from bokeh.core.templates import get_env
from bokeh.models import Column, Plot, Select
from bokeh.server.views.static_handler import StaticHandler

from lics_beamline.errors import LicsError
from lics_beamline.exports.phase_lines import lines_of
from lics_beamline.exports.reduced_run import ReducedPoint
from lics_beamline.monitor.cell_panel import CellPanel
from lics_beamline.monitor.control_panel import ControlPanel
from lics_beamline.monitor.figure import THEME, PhaseStyles, enlarge_on_a_wall
from lics_beamline.monitor.pattern_panel import PatternPanel
from lics_beamline.monitor.plate_panel import PlatePanel
from lics_beamline.monitor.plate_view import PlateView, PlateViews
from lics_beamline.monitor.ruby_panel import RubyPanel
from lics_beamline.monitor.status_panel import StatusPanel
from lics_beamline.monitor.track_panel import PlanePanel, TrackPanel
from lics_beamline.monitor.view import ReadPlate, RunView
from lics_beamline.monitor.watched_runs import NEWEST, ListedRun, WatchedRuns
from lics_beamline.monitor.waterfall_panel import WaterfallPanel

LOOKED_EVERY_MS: Final = 250  # between two looks at what is new [ms]
NEARLY_READ_SHARE: Final = 0.95  # of the journals of a run: from there on all that comes is drawn at once
SCRIPTS: Final = ("bokeh", "bokeh-widgets")  # of Bokeh: with its tables, its formulas and its GL 4 MB in place of 1.7
TEMPLATE: Final = Path(__file__).with_name("page.html")
SELECT_STYLE: Final = """
:host { color: #e6edf3; font: 0.8125rem system-ui, 'DejaVu Sans', sans-serif; }
select:not([multiple]).bk-input { appearance: auto; font-size: 0.8125rem; color-scheme: dark; }
select:not([multiple]).bk-input { background: #0d1117; color: #e6edf3; border-color: #30363d; }
select.bk-input:focus { outline: 2px solid #56b4e9; }
"""


class LivePage:
    """The page.

    Parameters
    ----------
    document : bokeh document
        What is shown in the browser.
    runs : WatchedRuns
        The runs there are.
    plates : PlateViews
        Their plates.
    reader : Executor
        Reads plates beside the page, which goes on meanwhile.
    uid : str
        Run that is shown first; empty for the newest.
    control : ControlPanel, optional
        Holds, continues and stops the sweep of the folder; by default the page cannot.
    """

    def __init__(
        self,
        document: Any,
        runs: WatchedRuns,
        plates: PlateViews,
        reader: Executor,
        *,
        uid: str = NEWEST,
        control: ControlPanel | None = None,
    ) -> None:
        self._document, self._runs, self._plates, self._reader = document, runs, plates, reader
        self._view: RunView | None = None
        self._styles = PhaseStyles(())
        self._drawn: object = None
        self._plate_asked: object = None
        self._trouble = ""
        self._listed: tuple[ListedRun, ...] | None = None
        self._named: frozenset[str] = frozenset()
        self.run = Select(title="Run", value=uid, options=[(uid, uid or "newest")], stylesheets=[SELECT_STYLE])
        self.point = Select(title="Plate and pattern", value="", options=[("", "newest")], stylesheets=[SELECT_STYLE])
        self.track, self.plane, self.ruby, self.plate = TrackPanel(), PlanePanel(), RubyPanel(), PlatePanel()
        self.waterfall, self.pattern = WaterfallPanel(self._choose), PatternPanel()
        self.cell, self.status = CellPanel(), StatusPanel()
        self.control = control
        for select in (self.run, self.point):
            select.sizing_mode = "stretch_width"
            select.on_change("value", lambda _name, _old, _new: self.refresh())
        roots = {
            "head": self.status.head,
            "run": self.run,
            "point": self.point,
            "track": self.track.root,
            "plane": self.plane.root,
            "ruby": self.ruby.root,
            "plate": self.plate.root,
            "waterfall": self.waterfall.root,
            "pattern": self.pattern.root,
            "cells": self.cell.cells,
            "shares": self.cell.shares,
            "story": self.status.story,
            "health": self.status.health,
        }
        if control is not None:
            roots["control"] = control.root
        document.template_variables["control"] = control is not None
        document.template_variables["scripts"] = [StaticHandler.append_version(f"js/{name}.min.js") for name in SCRIPTS]
        document.theme = THEME
        document.title = "lics monitor"
        document.template = get_env().from_string(TEMPLATE.read_text(encoding="utf-8"))
        self.refresh()  # before the figures belong to the document, which looks through all of them at each change
        with document.models.freeze():  # else it looks through those before at each that is added
            for name, root in roots.items():
                root.name = name
                document.add_root(root)
        enlarge_on_a_wall(document, [root for root in roots.values() if isinstance(root, (Plot, Column))])
        document.add_periodic_callback(self.refresh, LOOKED_EVERY_MS)

    def refresh(self) -> None:
        """Draw what is new."""
        self._list_runs()
        lost = ""
        try:
            view = self._runs.view(self.run.value)
        except (LicsError, OSError) as error:  # the run that was chosen is not there any more, or cannot be read
            view, lost = None, str(error)
        if view is not None and view is not self._view and self._is_worth_drawing(view):
            self._draw(view)
        self._show_point()
        health = self._runs.health()
        troubles = [one for one in (self._runs.missing() or lost, self._trouble) if one]
        self.status.update(view or self._view, health, now=time.time(), troubles=troubles)
        if self.control is not None:
            self.control.update(health.sweep)

    def _is_worth_drawing(self, view: RunView) -> bool:
        """Tell whether to draw a run anew: while it is read for the first time, only what was drawn and as much again.

        To draw takes a browser longer than to read some more, and a long run was shown late for that.
        """
        drawn = self._view
        is_same = drawn is not None and (drawn.uid, drawn.reduction_uid) == (view.uid, view.reduction_uid)
        if drawn is None or not is_same or view.read_share >= NEARLY_READ_SHARE:
            return True
        return view.read_share >= 2.0 * drawn.read_share

    def _list_runs(self) -> None:
        runs = self._runs.runs()
        if runs is self._listed and self.run.value in self._named:
            return
        self._listed = runs
        listed = [(NEWEST, "newest sweep, as it comes"), *((run.uid, run.says) for run in runs)]
        if self.run.value not in dict(listed):
            listed.append((self.run.value, f"run {self.run.value[:8]}"))
        if self.run.options != listed:
            self.run.options = listed
        self._named = frozenset(uid for uid, _ in listed)

    def _draw(self, view: RunView) -> None:
        if self._view is None or (view.uid, view.reduction_uid) != (self._view.uid, self._view.reduction_uid):
            self._plate_asked = None
            if self._view is not None and view.uid != self._view.uid:
                self.point.value = ""
        self._view = view
        self._styles = PhaseStyles([phase.name for phase in view.phases])
        self.track.update(view)
        self.plane.update(view)
        self.ruby.update(view)
        self.waterfall.update(view, self._styles)
        self.cell.update(view, self._styles)
        options = [("", "newest"), *((point.exposure_uid, _told(point)) for point in reversed(view.reduced))]
        reduced = {point.exposure_uid for point in view.reduced}
        options += [
            (plate.exposure_uid, f"point {plate.index + 1}, not reduced yet")
            for plate in reversed(view.plates)
            if plate.exposure_uid not in reduced
        ]
        if self.point.options != options:
            self.point.options = options

    def _show_point(self) -> None:
        """Show pattern and plate of the point that is chosen, where they are other ones than before."""
        view = self._view
        if view is None:
            return
        chosen = self.point.value
        point = next((each for each in reversed(view.reduced) if chosen in ("", each.exposure_uid)), None)
        drawn = (view.uid, view.reduction_uid, point.exposure_uid if point is not None else "")
        if drawn != self._drawn:
            self._drawn = drawn
            self.pattern.show(point, view, self._styles)
        uid = chosen or (point.exposure_uid if point is not None else "")
        plate = view.plate_of(uid) if uid else (view.plates[-1] if view.plates else None)
        asked = (*drawn, plate)
        if asked == self._plate_asked:
            return
        self._plate_asked = asked
        if plate is None:
            self.plate.waiting("none read yet")
            return
        self.plate.waiting(f"reading that of point {plate.index + 1} ...")
        come = partial(self._show_plate, asked, plate, point)
        reading = self._reader.submit(self._plates.view, plate, dict(view.recipe))
        reading.add_done_callback(lambda done: self._in_turn(lambda: come(done.result())))

    def _in_turn(self, does: Callable[[], None]) -> None:
        """Do something in the thread that draws, unless the page was left meanwhile."""
        if self._document.session_context is not None:
            self._document.add_next_tick_callback(does)

    def _show_plate(self, asked: object, plate: ReadPlate, point: ReducedPoint | None, drawn: PlateView) -> None:
        view = self._view
        if asked != self._plate_asked or view is None:
            return  # another one was chosen meanwhile
        self._trouble = f"plate of point {plate.index + 1}: {drawn.trouble}" if drawn.trouble else ""
        lines = lines_of(point, view.phases, view.wavelength_angstrom) if point is not None else ()
        self.plate.show(plate.index + 1, drawn, lines, self._styles)

    def _choose(self, row: int) -> None:
        """Choose the point of a row of the waterfall."""
        if self._view is not None and 0 <= row < len(self._view.reduced):
            self.point.value = self._view.reduced[row].exposure_uid


def _told(point: ReducedPoint) -> str:
    names = (*(phase.name for phase in point.phases), *point.unknown_phases)
    phases = ", ".join(names) or ("no phase" if point.reduced else "not reduced")
    return f"point {point.index + 1}: {point.pressure_gpa:.2f} GPa, {point.temperature_k:.0f} K, {phases}"
