"""The figure of a refinement: rival models, one below the other, each with its pattern, difference and lines.

A fit without structures is drawn the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lics_beamline.exports.figure_file import save_figure
from lics_beamline.exports.figure_text import plain
from lics_beamline.exports.panel_colours import ON_WHITE
from lics_beamline.exports.panel_words import ANGLE
from lics_beamline.refinement.pattern_fit import FittedPhase, PatternFit
from lics_beamline.refinement.rietveld import RefinedPhase, RietveldFit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PHASE_COLOURS: Final = ON_WHITE.phases


def draw_differences(
    fits: Sequence[RietveldFit | PatternFit],
    path: Path,
    *,
    title: str,
    intensity_unit: str = "counts a pixel",
) -> Path:
    """Draw observed, calculated and difference patterns of refinements as PNG, background taken off.

    Parameters
    ----------
    fits : sequence of RietveldFit or PatternFit
        Refinements of one pattern, the best first.
    path : Path
        The PNG to write; its folder is made if absent.
    title : str
        Above the panels.
    intensity_unit : str
        Unit of the pattern.

    Returns
    -------
    Path
        `path`.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 1.0 + 4.0 * len(fits)), layout="constrained")
    FigureCanvasAgg(figure)
    axes: Any = figure.subplots(len(fits), 1, sharex=True, sharey=True, squeeze=False)
    for place, fit in zip(axes[:, 0], fits, strict=True):
        _draw(place, fit)
        place.set_ylabel(f"intensity ({plain(intensity_unit)})")
    axes[-1, 0].set_xlabel(ANGLE)
    figure.suptitle(plain(title))
    return save_figure(figure, path, dpi=120)


def _draw(axes: Axes, fit: RietveldFit | PatternFit) -> None:
    name = f"model {plain(fit.name)}" if isinstance(fit, RietveldFit) else "calculated"
    observed, calculated = fit.observed - fit.background, fit.calculated - fit.background
    top = float(np.max(observed))
    axes.plot(fit.two_theta_deg, observed, ".", color="0.25", ms=2.5, label="observed")
    axes.plot(fit.two_theta_deg, calculated, color=ON_WHITE.blue, lw=1.0, label=name)
    offset = -(0.25 + 0.05 * len(fit.phases)) * top
    axes.plot(fit.two_theta_deg, observed - calculated + offset, color="0.45", lw=0.8)
    axes.text(
        fit.two_theta_deg[-1],
        offset + 0.03 * top,
        "difference ",
        ha="right",
        va="bottom",
        fontsize="small",
        color="0.35",
    )
    phases: tuple[RefinedPhase | FittedPhase, ...] = fit.phases
    for index, phase in enumerate(phases):
        angles = _angles(phase, float(fit.two_theta_deg[-1]))
        height = -(0.05 + 0.05 * index) * top
        colour = PHASE_COLOURS[index % len(PHASE_COLOURS)]
        axes.plot(angles, np.full(len(angles), height), "|", color=colour, ms=7, label=plain(phase.name))
    found = fit.agreement
    axes.set_title(
        f"{name}: Rwp {100 * found.r_wp_subtracted:.2f} % (background taken off), "
        f"{100 * found.r_wp:.2f} % plain, χ² {found.chi_squared:.2f}",
        fontsize="medium",
    )
    axes.legend(loc="upper right", fontsize="small", ncols=2)
    axes.margins(x=0.01)


def _angles(phase: RefinedPhase | FittedPhase, highest_deg: float) -> list[float]:
    """Return where the lines of a phase are [deg]."""
    if isinstance(phase, RefinedPhase):
        return [each.two_theta_deg for each in phase.reflections if each.two_theta_deg <= highest_deg]
    return [float(angle) for angle in phase.two_theta_deg if angle <= highest_deg]
