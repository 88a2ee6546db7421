"""Figures of a density: slices through a site and an isosurface, drawn with the same levels for every density."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from lics_beamline.exports.density_maps import lattice_vectors
from lics_beamline.exports.figure_file import save_figure
from lics_beamline.exports.panel_colours import ON_WHITE
from lics_beamline.refinement.density import SiteFinding
from lics_beamline.refinement.max_entropy import Density

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FloatArray = npt.NDArray[np.float64]

SURFACE_LEVEL: Final = 3.25  # electrons/angstrom^3: Desgreniers et al., Sci. Adv. 1, e1500669 (2015), Fig. 4
CONTOUR_LEVELS: Final = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.25, 6.5, 13.0, 26.0, 52.0, 104.0, 208.0, 416.0)
SHOWN_CELLS: Final = 1.45  # cells along each axis of the isosurface: atoms on the faces are seen whole
VIEW_DEG: Final = (25.0, 18.0)  # azimuth and elevation of the eye
VIEW_RAYS: Final = 240  # across the picture, and steps along each
MARGIN_ANGSTROM: Final = 0.8


def draw_density(finding: SiteFinding, path: Path, *, level: float = SURFACE_LEVEL) -> Path:
    """Draw slices of a density through the site in question and an isosurface, as PNG.

    Parameters
    ----------
    finding : SiteFinding
        With a density.
    path : Path
        The file; its folder is made if absent.
    level : float
        Of the isosurface [electrons/angstrom^3].

    Raises
    ------
    ValueError
        The finding has no density.
    """
    density = finding.density
    if density is None:
        raise ValueError(f"there is no density to draw: {' '.join(finding.reasons)}")
    site = finding.question.site
    title = f"{finding.question.element} at ({', '.join(f'{x:g}' for x in site)}): {finding.verdict}"
    if finding.occupancy is not None:
        title += f", occupancy {finding.occupancy.value:.2f} ± {finding.occupancy.sigma:.2f}"
    return draw_slices(density, (site[2], 0.0), path, title=title, level=level)


def draw_slices(
    density: Density, heights: tuple[float, float], path: Path, *, title: str, level: float = SURFACE_LEVEL
) -> Path:
    """Draw slices of any density at two heights along c, 0 to 1, and an isosurface, as PNG; else as `draw_density`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14.0, 5.2), layout="constrained")
    FigureCanvasAgg(figure)
    left = figure.add_subplot(1, 3, 1)
    _slice(left, density, axis=2, at=heights[0])
    middle = figure.add_subplot(1, 3, 2)
    drawn = _slice(middle, density, axis=2, at=heights[1])
    figure.colorbar(drawn, ax=[left, middle], label="electrons/Å$^3$", shrink=0.8, format="%g")
    _surface(figure.add_subplot(1, 3, 3), density, level)
    figure.suptitle(f"{title}\nmaximum entropy, {density.convergence}", fontsize=11)
    return save_figure(figure, path)


def _slice(axes: Axes, density: Density, *, axis: int, at: float) -> Any:
    """Draw the plane at a fraction of an axis, the other two from 0 to 1."""
    from matplotlib.colors import LogNorm

    grid = density.grid
    plane = np.take(density.values, round(at * grid.shape[axis]) % grid.shape[axis], axis=axis)
    plane = np.pad(plane, ((0, 1), (0, 1)), mode="wrap")
    first, second = (index for index in range(3) if index != axis)
    u, v = np.meshgrid(np.linspace(0, 1, plane.shape[0]), np.linspace(0, 1, plane.shape[1]), indexing="ij")
    vectors = lattice_vectors(density)
    angle = np.radians(grid.cell.numbers[3 + axis])
    lengths = np.linalg.norm(vectors, axis=1)
    x = u * lengths[first] + v * lengths[second] * np.cos(angle)
    y = v * lengths[second] * np.sin(angle)
    norm = LogNorm(vmin=CONTOUR_LEVELS[0], vmax=CONTOUR_LEVELS[-1])
    drawn = axes.contourf(
        x, y, np.clip(plane, CONTOUR_LEVELS[0], CONTOUR_LEVELS[-1]), levels=CONTOUR_LEVELS, norm=norm, cmap="viridis"
    )
    axes.contour(x, y, plane, levels=[SURFACE_LEVEL], colors="white", linewidths=1.0)
    name = "xyz"[axis]
    axes.set(
        xlabel=f"{'abc'[first]} (Å)",
        ylabel=f"{'abc'[second]} (Å)",
        aspect="equal",
        title=f"{name} = {at:g}; white: {SURFACE_LEVEL:g} e/Å$^3$",
    )
    return drawn


def _surface(axes: Axes, density: Density, level: float) -> None:
    """Draw the isosurface as parallel light would show it: rays through the cell, shaded by the slope they meet."""
    from matplotlib.colors import LinearSegmentedColormap
    from scipy.ndimage import map_coordinates

    vectors = lattice_vectors(density)
    turned = vectors @ _turn(*VIEW_DEG)  # x to the right, y up, z towards the eye [angstrom]
    corners = np.array(list(itertools.product((0.0, 1.0), repeat=3)))
    placed = corners @ turned
    low, high = placed.min(axis=0) - MARGIN_ANGSTROM, placed.max(axis=0) + MARGIN_ANGSTROM
    x, y, z = (np.linspace(low[axis], high[axis], VIEW_RAYS) for axis in range(3))
    into_cell = np.linalg.inv(turned)
    logs = np.log(density.values)
    depth = np.full((VIEW_RAYS, VIEW_RAYS), np.nan)
    before = np.full((VIEW_RAYS, VIEW_RAYS), -np.inf)
    step, wanted = z[1] - z[0], np.log(level)
    for height in z[::-1]:  # from the eye into the cell
        place = np.stack(np.broadcast_arrays(x[None, :], y[:, None], height), axis=-1) @ into_cell
        inside = np.all(np.abs(place - 0.5) <= 0.5 * SHOWN_CELLS, axis=-1) & np.isnan(depth)
        if inside.any():
            at = place[inside].T * np.array(density.grid.shape)[:, None]
            found = map_coordinates(logs, at, order=1, mode="grid-wrap")
            back = np.clip(
                (found - wanted) / np.maximum(found - before[inside], 1e-9), 0.0, 1.0
            )  # where it was crossed
            depth[inside] = np.where(found >= wanted, height + step * back, np.nan)
            before[inside] = found
    slope_y, slope_x = np.gradient(depth, y, x)
    light = (0.35 * -slope_x + 0.45 * -slope_y + 0.82) / np.sqrt(1.0 + slope_x**2 + slope_y**2)
    shade = LinearSegmentedColormap.from_list("surface", ["#06304a", ON_WHITE.sky, "#eaf6fd"])
    axes.imshow(
        np.clip(light, 0.05, 1.0), origin="lower", extent=(low[0], high[0], low[1], high[1]), cmap=shade, vmin=0, vmax=1
    )
    for one, other in itertools.combinations(range(8), 2):
        if np.abs(corners[one] - corners[other]).sum() == 1.0:
            axes.plot(*placed[[one, other], :2].T, color="0.5", lw=0.8, zorder=0.5)
    axes.set(aspect="equal", title=f"isosurface at {level:g} e/Å$^3$")
    axes.set_axis_off()


def _turn(azimuth_deg: float, elevation_deg: float) -> FloatArray:
    """Rotation of row vectors into a view from an azimuth and an elevation."""
    a, e = np.radians(azimuth_deg), np.radians(elevation_deg)
    right = np.array([-np.sin(a), np.cos(a), 0.0])
    eye = np.array([np.cos(a) * np.cos(e), np.sin(a) * np.cos(e), np.sin(e)])
    return np.stack([right, np.cross(eye, right), eye], axis=1)
