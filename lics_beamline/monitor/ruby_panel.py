"""The newest ruby spectrum with the doublet that was fitted to it."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from bokeh.models import ColumnDataSource, Range1d, Span

from lics_beamline.errors import BadReading, OutsideCalibration
from lics_beamline.exports.panel_words import WAVELENGTH_IN_AIR
from lics_beamline.monitor.figure import BLUE, ORANGE, RED, dark_figure, place_legend
from lics_beamline.monitor.view import Array, RubyView, RunView
from lics_beamline.physics.ruby_spectrum import fit_doublet

SHOWN_NM: Final = (5.0, 4.0)  # below and above R1: what is fitted


class RubyPanel:
    """A figure of the spectrum.

    Attributes
    ----------
    root : bokeh model
        What is put on the page.
    """

    def __init__(self) -> None:
        self.spectrum = ColumnDataSource({"nm": [], "counts": []})
        self.fit = ColumnDataSource({"nm": [], "counts": []})
        self.root = dark_figure("Ruby", WAVELENGTH_IN_AIR, "counts", x_range=Range1d(690.0, 700.0))
        self.root.scatter("nm", "counts", source=self.spectrum, color=BLUE, size=3, legend_label="read")
        self.root.line("nm", "counts", source=self.fit, color=ORANGE, line_width=2, legend_label="fit")
        self._r1 = Span(location=math.nan, dimension="height", line_color=RED, line_dash="dashed")
        self.root.add_layout(self._r1)
        place_legend(self.root)
        self._shown: RubyView | None = None

    def update(self, view: RunView) -> None:
        """Show the newest spectrum, if it is another one."""
        ruby = view.ruby
        if ruby is self._shown:
            return
        self._shown = ruby
        if ruby is None or not (math.isfinite(ruby.r1_nm) and math.isfinite(ruby.temperature_k)):
            self.spectrum.data = self.fit.data = {"nm": [], "counts": []}
            self.root.title.text, self._r1.location = "Ruby: no line was read", math.nan
            return
        low, high = ruby.r1_nm - SHOWN_NM[0], ruby.r1_nm + SHOWN_NM[1]
        near = (ruby.wavelength_nm > low) & (ruby.wavelength_nm < high)
        axis, counts = ruby.wavelength_nm[near], ruby.counts[near]
        self.spectrum.data = {"nm": axis, "counts": counts}
        self.root.x_range.update(start=low, end=high)
        self._r1.location = ruby.r1_nm
        fitted, trouble = curve(ruby, axis)
        self.fit.data = {"nm": axis if fitted.size else [], "counts": fitted}
        r1 = f"R1 {ruby.r1_nm:.4f} ± {ruby.r1_sigma_nm:.4f} nm"
        self.root.xaxis.axis_label = f"{WAVELENGTH_IN_AIR}\n{r1}{trouble}"
        self.root.title.text = (
            f"Ruby {ruby.pressure_gpa:.3f} GPa\n± {ruby.pressure_sigma_gpa:.3f} stat "
            f"± {ruby.pressure_systematic_gpa:.3f} syst"
        )


def curve(ruby: RubyView, axis_nm: Array) -> tuple[Array, str]:
    """Return the doublet as it was fitted to a spectrum, over an axis, and why there is none.

    A run of an earlier version recorded R1 alone: its spectrum is fitted anew.

    Parameters
    ----------
    ruby : RubyView
        The spectrum.
    axis_nm : ndarray
        Wavelengths [nm].
    """
    try:
        line = ruby.line or fit_doublet(ruby.wavelength_nm, ruby.counts, temperature_k=ruby.temperature_k)
    except (BadReading, OutsideCalibration) as error:
        return np.empty(0), f"; no fit drawn: {error.facts.get('reason', 'outside the calibration')}"
    return line.curve_counts(axis_nm), ""
