"""Figures of the page: dark, colour-blind safe, each with its units; and data that grow as a run grows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from bokeh.models import ColumnDataSource, CustomJS, HoverTool
from bokeh.plotting import figure
from bokeh.themes import Theme

from lics_beamline.exports.panel_colours import ON_DARK

BLUE, ORANGE, GREEN, YELLOW, PINK, RED = (
    *(ON_DARK.blue, ON_DARK.orange, ON_DARK.green, ON_DARK.yellow, ON_DARK.pink, ON_DARK.red),
)
GROUND, RAISED, EDGE, TEXT, DIM = "#0d1117", "#151b23", "#30363d", "#e6edf3", "#9aa4af"
PHASE_MARKERS: Final = ("circle", "square", "triangle", "diamond", "inverted_triangle", "hex", "star", "plus")
Column = list[Any] | npt.NDArray[np.float64]
AXIS_FONT, SMALL_FONT = "12px", "11px"  # on a laptop; a wall is read from across the hutch
FONT: Final = "system-ui, 'DejaVu Sans', sans-serif"

THEME: Final = Theme(
    json={
        "attrs": {
            "Plot": {
                "background_fill_color": GROUND,
                "border_fill_color": RAISED,
                "outline_line_color": EDGE,
                "min_border": 6,
            },
            "Axis": {
                "major_label_text_color": TEXT,
                "axis_label_text_color": TEXT,
                "axis_line_color": DIM,
                "major_tick_line_color": DIM,
                "minor_tick_line_color": EDGE,
                "major_label_text_font": FONT,
                "axis_label_text_font": FONT,
                "axis_label_text_font_style": "normal",
                "axis_label_text_font_size": AXIS_FONT,
                "major_label_text_font_size": SMALL_FONT,
            },
            "Grid": {"grid_line_color": EDGE, "grid_line_alpha": 0.6},
            "Title": {
                "text_color": TEXT,
                "text_font": FONT,
                "text_font_size": AXIS_FONT,
                "text_font_style": "bold",
            },
            "Legend": {
                "background_fill_color": RAISED,
                "background_fill_alpha": 0.75,
                "border_line_color": EDGE,
                "label_text_color": TEXT,
                "label_text_font": FONT,
                "label_text_font_size": SMALL_FONT,
                "padding": 4,
                "spacing": 0,
                "glyph_height": 14,
                "glyph_width": 14,
            },
            "BaseColorBar": {
                "background_fill_color": RAISED,
                "major_label_text_color": TEXT,
                "title_text_color": TEXT,
                "major_label_text_font_size": SMALL_FONT,
            },
        }
    }
)


LARGER_ON_A_WALL: Final = """
if (window.innerWidth < 2000) return
const letters = ["text", "title_text", "axis_label_text", "major_label_text", "label_text"]
const sizes = letters.map(name => `${name}_font_size`)
for (const figure of figures)
  for (const each of figure.references())
    for (const name of sizes)
      if (name in each.properties && /^[0-9.]+px$/.test(each[name])) each[name] = `${1.3 * parseFloat(each[name])}px`
"""  # by as much as the words of `page.html`


def enlarge_on_a_wall(document: Any, figures: Sequence[Any]) -> None:
    """Let a browser that is as wide as a wall screen draw figures with larger letters."""
    document.js_on_event("document_ready", CustomJS(args={"figures": list(figures)}, code=LARGER_ON_A_WALL))


def dark_figure(
    title: str, x_label: str, y_label: str, *, tools: str = "pan,wheel_zoom,box_zoom,reset,save", **more: Any
) -> Any:
    """Return an empty figure that fills its place.

    Parameters
    ----------
    title : str
        What it shows; never text of a document, which may be mistaken for a formula.
    x_label, y_label : str
        What stands at the axes, with units.
    tools : str
        Bokeh's tools.
    **more
        For Bokeh's figure.
    """
    made = figure(
        title=title,
        x_axis_label=x_label,
        y_axis_label=y_label,
        tools=tools,
        sizing_mode="stretch_both",
        toolbar_location="right",
        output_backend="canvas",
        **more,
    )
    made.toolbar.logo = None
    made.toolbar.autohide = True
    return made


def place_legend(made: Any, location: str = "top_left") -> None:
    """Let the legend of a figure hide what is clicked, and keep it where it covers least."""
    for legend in made.legend:
        legend.location = location
        legend.click_policy = "hide"


def hover(made: Any, renderers: Sequence[Any], tips: Sequence[tuple[str, str]]) -> None:
    """Tell the numbers of what is pointed at; Bokeh takes what a field holds for text, never for markup."""
    made.add_tools(HoverTool(renderers=list(renderers), tooltips=list(tips)))


class GrowingSource:
    """The data of a glyph, which grow with a run: only what is new is sent to the page.

    Parameters
    ----------
    columns : sequence of str
        Names of the columns.
    most : int, optional
        Rows of a run beyond which they are thinned: more than a screen has pixels only make a browser slow.
    thin : callable, optional
        Returns half of `most` of some rows, or fewer, in their order; the newest is among them.
    """

    def __init__(
        self,
        columns: Sequence[str],
        *,
        most: int = 0,
        thin: Callable[[Sequence[Any]], Sequence[Any]] = lambda rows: rows,
    ) -> None:
        self.source = ColumnDataSource({name: [] for name in columns})
        self._most, self._thin = most, thin
        self._of: object = None
        self._taken = 0
        self._shown = 0

    def grow(
        self, of: object, rows: Sequence[Any], columns_of: Callable[[Sequence[Any]], Mapping[str, Column]]
    ) -> None:
        """Show some rows.

        Parameters
        ----------
        of : object
            What they belong to; where it is another than before, or there are fewer rows, all are sent anew.
        rows : sequence
            All rows; those shown before come first.
        columns_of : callable
            Gives the columns of some rows; numbers as arrays, which are sent as they lie in memory.
        """
        new = len(rows) - self._taken
        if of == self._of and new == 0:
            return
        is_more = of == self._of and new > 0 and self._taken > 0
        if is_more and not (self._most and self._shown + new > self._most):
            self.source.stream(dict(columns_of(rows[self._taken :])))
            self._shown += new
        else:
            shown = self._thin(rows) if self._most and len(rows) > self._most else rows
            self.source.data = dict(columns_of(shown))
            self._shown = len(shown)
        self._of, self._taken = of, len(rows)


class PhaseStyles:
    """Which colour and marker each phase has, the same in all panels."""

    def __init__(self, names: Sequence[str]) -> None:
        self._place = {name: number for number, name in enumerate(names)}

    def colour(self, phase: str) -> str:
        """Return the colour of a phase."""
        return ON_DARK.phases[self._place.get(phase, -1) % len(ON_DARK.phases)]

    def marker(self, phase: str) -> str:
        """Return the marker of a phase."""
        return PHASE_MARKERS[self._place.get(phase, -1) % len(PHASE_MARKERS)]
