"""The image of a plate: logarithmic, its mask over it, and the rings of the phases that were found on it."""

from __future__ import annotations

from typing import Final

import numpy as np
from bokeh.models import ColorBar, ColumnDataSource, DataRange1d, LinearColorMapper, LogColorMapper
from contourpy import contour_generator

from lics_beamline.exports.panel_colours import MASKED
from lics_beamline.exports.panel_words import IMAGE_COLUMN, IMAGE_ROW
from lics_beamline.exports.phase_lines import PhaseLines
from lics_beamline.monitor.figure import DIM, PhaseStyles, dark_figure
from lics_beamline.monitor.plate_view import ANGLES_EVERY, PlateView

CLEAR: Final = "#00000000"
MASK_COLOURS: Final = (CLEAR, f"{MASKED}6e")  # of what is used, and of what is not
MOST_RINGS: Final = 12  # of one phase: more hide the image
NO_IMAGE: Final = {  # one black pixel: ranges without any data are complained of
    "counts": [np.ones((1, 1), np.float32)],
    "mask": [np.zeros((1, 1), np.uint8)],
    "columns": [1],
    "rows": [1],
}
NO_RINGS: Final[dict[str, list[object]]] = {"x": [], "y": [], "colour": [], "phase": []}


class PlatePanel:
    """A figure of the plate.

    Attributes
    ----------
    root : bokeh model
        What is put on the page.
    """

    def __init__(self) -> None:
        self.image = ColumnDataSource(NO_IMAGE)
        self.rings = ColumnDataSource(NO_RINGS)
        self._scale = LogColorMapper(palette="Inferno256", low=1.0, high=10.0, nan_color="#000000")
        self.root = dark_figure(
            *("Plate", IMAGE_COLUMN, IMAGE_ROW),
            match_aspect=True,
            x_range=DataRange1d(range_padding=0.0),
            y_range=DataRange1d(range_padding=0.0),
        )
        self.root.grid.visible = False
        self.root.xaxis.ticker.desired_num_ticks = 4  # more run into each other on a laptop
        place = {"x": 0, "y": 0, "dw": "columns", "dh": "rows", "source": self.image}
        self.root.image("counts", color_mapper=self._scale, **place)
        self.root.image("mask", color_mapper=LinearColorMapper(palette=MASK_COLOURS, low=0, high=1), **place)
        self.root.multi_line("x", "y", source=self.rings, color="colour", line_width=1.0, alpha=0.5)
        bar = ColorBar(color_mapper=self._scale, title="counts", width=8, padding=4, major_tick_line_color=DIM)
        self.root.add_layout(bar, "right")

    def waiting(self, says: str) -> None:
        """Say that a plate is being read, or that there is none."""
        self.root.title.text = f"Plate: {says}"

    def show(self, number: int, plate: PlateView, lines: tuple[PhaseLines, ...], styles: PhaseStyles) -> None:
        """Show a plate.

        Parameters
        ----------
        number : int
            Of its point, from 1.
        plate : PlateView
            As it was read.
        lines : tuple of PhaseLines
            Of the phases that were found on it.
        styles : PhaseStyles
            Their colours.
        """
        self.root.title.text = f"Plate {number}: {plate.says}"
        if not plate.counts.size:
            self.image.data, self.rings.data = NO_IMAGE, NO_RINGS
            return
        rows, columns = (side * plate.block_px for side in plate.counts.shape)
        low, high = plate.brightness
        self._scale.update(low=low, high=high)
        self.image.data = {
            "counts": [np.maximum(plate.counts, np.float32(low))],
            "mask": [plate.masked.astype(np.uint8)],
            "columns": [columns],
            "rows": [rows],
        }
        self._draw_rings(plate, lines, styles)

    def _draw_rings(self, plate: PlateView, lines: tuple[PhaseLines, ...], styles: PhaseStyles) -> None:
        drawn: dict[str, list[object]] = {"x": [], "y": [], "colour": [], "phase": []}
        if plate.angles_deg.size:
            places = [(np.arange(side)[::ANGLES_EVERY] + 0.5) * plate.block_px for side in plate.counts.shape]
            contours = contour_generator(places[1], places[0], plate.angles_deg)
            for each in lines:
                for angle in each.two_theta_deg[:MOST_RINGS]:
                    for ring in contours.lines(angle):
                        drawn["x"].append(ring[:, 0])
                        drawn["y"].append(ring[:, 1])
                        drawn["colour"].append(styles.colour(each.phase))
                        drawn["phase"].append(each.phase)
        self.rings.data = drawn
