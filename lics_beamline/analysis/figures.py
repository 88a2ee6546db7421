"""Figures of an analysis: compression of a phase with its isotherms, and thermal expansion against pressure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from lics_beamline.analysis.compression import Compressions
from lics_beamline.analysis.paper_values import PRINTED_CELLS, PRINTED_EXPANSION
from lics_beamline.exports.figure_file import save_figure
from lics_beamline.exports.figure_text import plain
from lics_beamline.exports.panel_colours import ON_WHITE
from lics_beamline.exports.panel_words import RUBY_PRESSURE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS: Final = ON_WHITE.temperatures
PAPER: Final = "black"
CURVE_POINTS: Final = 60  # points of a curve
BUDGET_CURVE_POINTS: Final = 25  # points of one whose budget is computed


def draw_compression(
    found: Sequence[Compressions], path: Path, *, paper: bool = False, pressure_axis: str = RUBY_PRESSURE
) -> Path:
    """Draw the cell of each phase against pressure, with its isotherms and what they leave, as PNG.

    Parameters
    ----------
    found : sequence of Compressions
        Phases with at least one isotherm.
    path : Path
        The PNG to write; its folder is made if absent.
    paper : bool
        Draw the printed cells with the first phase.
    pressure_axis : str
        What stands at the axis of pressures.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6 * len(found) + 2.0, 6.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, len(found), height_ratios=(3.0, 1.0), sharex="col", squeeze=False)
    for column, each in enumerate(found):
        _draw_cell(axes[0, column], axes[1, column], each, paper=paper and column == 0)
        axes[1, column].set_xlabel(pressure_axis)
    return save_figure(figure, path)


def _draw_cell(above: Axes, below: Axes, found: Compressions, *, paper: bool) -> None:
    recorded = found.recorded
    on_isotherm = {id(reading) for isotherm in recorded.isotherms for reading in isotherm.readings}
    between = [reading for reading in recorded.readings if id(reading) not in on_isotherm]
    if between:
        above.plot(
            [reading.pressure_gpa for reading in between],
            [math.cbrt(reading.volume_angstrom3) for reading in between],
            "o",
            mfc="white",
            color="0.5",
            ms=5,
            label="other temperatures",
        )
    for index, isotherm in enumerate(recorded.isotherms):
        colour = _colour(index, len(recorded.isotherms))
        pressures = np.array([reading.pressure_gpa for reading in isotherm.readings])
        edges = np.cbrt([reading.volume_angstrom3 for reading in isotherm.readings])
        equation, sigmas = isotherm.equation, isotherm.sigmas
        curve = np.linspace(*isotherm.pressures_gpa, CURVE_POINTS)
        above.plot(curve, [math.cbrt(isotherm.volume_angstrom3(float(p))) for p in curve], color=colour, lw=1.2)
        above.plot(
            pressures,
            edges,
            "o",
            color=colour,
            ms=5,
            label=f"{isotherm.temperature_k:.0f} K: K$_0$ {equation.bulk_modulus_gpa:.1f} ± {sigmas[1]:.1f} GPa, "
            f"K' {equation.bulk_modulus_slope:.1f}{f' ± {sigmas[2]:.1f}' if sigmas[2] else ' (held)'}",
        )
        left = edges - np.cbrt([isotherm.volume_angstrom3(float(p)) for p in pressures])
        errors = [
            reading.volume_sigma_angstrom3 / 3.0 / edge**2
            for reading, edge in zip(isotherm.readings, edges, strict=True)
        ]
        below.errorbar(pressures, 1e3 * left, yerr=1e3 * np.array(errors), fmt="o", color=colour, ms=4, lw=1)
    if paper:
        above.errorbar(
            [pressure for _, pressure, _, _ in PRINTED_CELLS],
            [a for _, _, a, _ in PRINTED_CELLS],
            yerr=[sigma for _, _, _, sigma in PRINTED_CELLS],
            fmt="s",
            mfc="none",
            color=PAPER,
            ms=8,
            capsize=3,
            label="printed, Desgreniers et al. (2015)",
        )
    below.axhline(0.0, color="0.7", lw=0.8)
    above.set(ylabel="V$^{1/3}$ (Å), the edge a of a cube", title=plain(recorded.phase))
    below.set_ylabel("left over (mÅ)")
    above.legend(fontsize="small", loc="upper right")


def draw_expansion(found: Compressions, path: Path, *, paper: bool = False, pressure_axis: str = RUBY_PRESSURE) -> Path:
    """Draw volumetric and linear expansion of a phase against pressure with their errors, as PNG.

    Parameters
    ----------
    found : Compressions
        A phase with two isotherms.
    path : Path
        The PNG to write; its folder is made if absent.
    paper : bool
        Draw the printed numbers.
    pressure_axis : str
        What stands at the axis of pressures.

    Raises
    ------
    ValueError
        The phase has no two isotherms.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    expansion = found.recorded.expansion
    if expansion is None:
        raise ValueError(f"{found.recorded.phase} has no two isotherms: there is no expansion to draw.")
    figure = Figure(figsize=(7.6, 4.8), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    curve = np.linspace(*expansion.pressures_gpa, BUDGET_CURVE_POINTS)
    for times, name, colour in (
        (3.0, r"$\alpha_V$ (volumetric)", COLOURS[0]),
        (1.0, r"$\alpha_L$ (linear)", COLOURS[3]),
    ):
        numbers = [
            found.quantity(
                lambda each, p=float(p), times=times: times * each.expansion.linear_per_k(p),  # type: ignore[misc]
                times * expansion.linear_sigma_per_k(float(p)),
            )
            for p in curve
        ]
        values = 1e4 * np.array([number.value for number in numbers])
        for sigmas, alpha in (([n.sigma for n in numbers], 0.18), ([n.statistical for n in numbers], 0.5)):
            width = 1e4 * np.array(sigmas)
            axes.fill_between(curve, values - width, values + width, color=colour, alpha=alpha, lw=0)
        axes.plot(curve, values, color=colour, lw=1.5, label=name)
    if paper:
        axes.plot(
            [pressure for pressure, _ in PRINTED_EXPANSION],
            [1e4 * value for _, value in PRINTED_EXPANSION],
            "s",
            mfc="none",
            color=PAPER,
            ms=9,
            label="printed as linear, Desgreniers et al. (2015)",
        )
    axes.set(
        xlabel=pressure_axis,
        ylabel="expansion (10$^{-4}$/K)",
        ylim=(0.0, None),
        title=f"{plain(found.recorded.phase)}, mean from {expansion.cold.temperature_k:.0f} to "
        f"{expansion.hot.temperature_k:.0f} K; dark: statistical, light: with all systematic terms",
    )
    axes.title.set_fontsize("medium")
    axes.legend(fontsize="small", loc="upper right")
    return save_figure(figure, path)


def _colour(index: int, count: int) -> str:
    place = 0 if count == 1 else round(index * (len(COLOURS) - 1) / (count - 1))
    return COLOURS[place]
