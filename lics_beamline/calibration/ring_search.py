"""Finding a calibrant's rings on a frame with nobody pointing at them: centre first, then distance, then tilt.

Refinements converge on whatever rings are nearest, so a start that is 10 % or 5 mm off ends, silently, on wrong ones.
This search asks for no start: the flanks of all rings face one point, which a vote finds even where it lies beyond the
edge of the frame; the radii of the rings then stand in ratios that only one distance gives; and the rings are sharp
only for the right tilt. Pure numpy; nothing here is more precise than a fraction of a ring's width.

References
----------
The vote along gradients: C. Kimme, D. Ballard and J. Sklansky, Commun. ACM 18, 120 (1975).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.calibration.calibrant import Calibrant
from lics_beamline.frames.counts import Counts
from lics_beamline.geometry.detector_plane import DetectorPlane
from lics_beamline.physics.crystal import two_theta_deg
from lics_beamline.physics.robust_scatter import scatter_of

Array = npt.NDArray[np.float64]

LONGEST_SIDE: Final = 1000  # blocks along the longer side: 0.3 mm on a plate, about the width of a ring
LOCAL_MM: Final = 4.0  # contrast is measured against this neighbourhood: wider than a ring, narrower than their spacing
DIMMEST_SIGMAS: Final = -4.0  # contrast is cut to this ...
BRIGHTEST_SIGMAS: Final = 8.0  # ... and this, in robust standard deviations, so that spots weigh no more than rings
VOTING_BLOCKS: Final = 30_000  # steepest blocks, which is 3 % of them
VOTE_MM: Final = 2.0  # cells of the vote; a tilt of 1 deg moves the middle of the outermost ring by as much
NEARBY_MM: Final = 4.0  # two cells of the vote
BEAM_REACH_FRAMES: Final = 1.0  # the beam is looked for up to this many frame sizes beyond the frame
SHARPNESS_BLOCKS: Final = 60_000  # blocks by which sharpness is judged
DISTANCE_STEP: Final = 1e-3  # relative; a ring at 150 mm moves by half of its width
DISTANCES_MM: Final = (40.0, 5000.0)  # searched where nobody says better
OTHER_DISTANCE: Final = 1.03  # factor from which a distance is another one
RING_WIDTH: Final = 4e-3  # relative standard deviation of a ring: one block at 75 mm, and what a tilt of 1 deg leaves
FEWEST_BLOCKS: Final = 10  # samples that make a radius known


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contrast:
    """Brightness of each block of a frame against its neighbourhood.

    Parameters
    ----------
    p1_mm, p2_mm : ndarray, shape (rows,), (columns,)
        Centres of the blocks [mm from the outer corner of the first pixel].
    value : ndarray, shape (rows, columns)
        Contrast in robust standard deviations, cut to `DIMMEST_SIGMAS`-`BRIGHTEST_SIGMAS`; 0 where nothing is known.
    known : ndarray of bool, shape (rows, columns)
        Blocks with enough live pixels, far enough from dead ones.
    """

    p1_mm: Array
    p2_mm: Array
    value: Array
    known: npt.NDArray[np.bool_]

    @property
    def step_mm(self) -> float:
        """Larger edge of a block [mm]."""
        return float(max(self.p1_mm[1] - self.p1_mm[0], self.p2_mm[1] - self.p2_mm[0]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Result of the search.

    Parameters
    ----------
    plane : DetectorPlane
        Where the detector stands, about.
    likeness : float
        Correlation of the frame's rings with the calibrant's, 1 at best.
    next_likeness : float
        The same for the best distance that is another one (more than 3 % away); as high as `likeness`, the distance is
        anybody's guess.
    """

    plane: DetectorPlane
    likeness: float
    next_likeness: float


def contrast_of(frame: Counts, bad: npt.NDArray[np.bool_], pixel_mm: tuple[float, float]) -> Contrast:
    """Return the contrast of a frame.

    Parameters
    ----------
    frame : ndarray of int32 or float32, shape (rows, columns)
        Counts.
    bad : ndarray of bool
        Pixels to leave out: dead, saturated.
    pixel_mm : tuple of float
        Height and width of a pixel [mm].
    """
    from scipy.ndimage import uniform_filter

    block = max(1, max(frame.shape) // LONGEST_SIDE)
    live = _blocks(~bad, block)
    mean = _blocks(np.where(bad, 0, frame), block) / np.maximum(live, 1.0)
    known = live >= 0.5 * block**2
    size = tuple(2 * max(1, round(LOCAL_MM / (2 * block * edge))) + 1 for edge in pixel_mm)

    def nearby(image: Array) -> Array:
        return np.asarray(uniform_filter(image, size, mode="constant"))

    weight = known.astype(np.float64)
    share = nearby(weight)
    around = nearby(mean * weight) / np.maximum(share, 1e-9)
    noise = np.sqrt(np.maximum(around, 0.05 * float(np.median(mean[known])) if known.any() else 1.0) + 1e-9)
    known &= share > 0.3  # the neighbourhood of the rest is mostly dead
    value = np.where(known, (mean - around) / noise, 0.0)
    scale = scatter_of(value[known]) if known.any() else 1.0
    rows, columns = known.shape
    return Contrast(
        p1_mm=block * pixel_mm[0] * (np.arange(rows) + 0.5),
        p2_mm=block * pixel_mm[1] * (np.arange(columns) + 0.5),
        value=np.clip(value / max(scale, 1e-9), DIMMEST_SIGMAS, BRIGHTEST_SIGMAS),
        known=known,
    )


def find_rings(
    contrast: Contrast,
    calibrant: Calibrant,
    wavelength_angstrom: float,
    *,
    distance_mm: tuple[float, float] = DISTANCES_MM,
) -> Found:
    """Find centre, distance and tilt from the rings of a calibrant.

    Parameters
    ----------
    contrast : Contrast
        From `contrast_of`.
    calibrant : Calibrant
        Whose rings they are.
    wavelength_angstrom : float
        Wavelength [angstrom].
    distance_mm : tuple of float
        Shortest and longest distance that is thought of [mm].
    """
    samples = _Samples.of(contrast)
    step_mm = contrast.step_mm
    beam1_mm, beam2_mm = _voted_centre(contrast)
    # Only angles count until the distance is known, so any distance serves.
    plane = DetectorPlane.through(beam1_mm=beam1_mm, beam2_mm=beam2_mm, beam_distance_mm=float(np.mean(distance_mm)))
    plane = _sharpest_nearby(samples, plane, 4.0 * step_mm)
    for width in (4.0, 2.0):
        plane = _sharpest(samples, plane, width * step_mm, tilts=False)
    lines = calibrant.lines(wavelength_angstrom)
    comb = _Comb.of(
        np.radians([two_theta_deg(line.d_angstrom, wavelength_angstrom) for line in lines]),
        np.array([line.multiplicity for line in lines], dtype=np.float64),
    )
    far = _best_distance(samples, plane, comb, step_mm, distance_mm)
    plane = far.plane
    for width in (3.0, 1.5):
        plane = _sharpest(samples, plane, width * step_mm, tilts=True)
    about = plane.beam_distance_mm
    near = _best_distance(samples, plane, comb, step_mm, (about / OTHER_DISTANCE, about * OTHER_DISTANCE))
    return Found(plane=near.plane, likeness=near.likeness, next_likeness=far.next_likeness)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Samples:
    """Some of the blocks: places [mm] and contrast."""

    p1_mm: Array
    p2_mm: Array
    value: Array

    @classmethod
    def of(cls, contrast: Contrast) -> _Samples:
        rows, columns = np.nonzero(contrast.known)
        # a regular choice would make moires
        chosen = np.random.default_rng(0).permutation(len(rows))[:SHARPNESS_BLOCKS]
        rows, columns = rows[chosen], columns[chosen]
        return cls(p1_mm=contrast.p1_mm[rows], p2_mm=contrast.p2_mm[columns], value=contrast.value[rows, columns])

    def radii_mm(self, plane: DetectorPlane) -> Array:
        """Radius at which each would be seen on an untilted detector where the beam hits [mm]."""
        x1, x2, x3 = plane.rays(self.p1_mm, self.p2_mm)
        # In place, and without hypot's care for numbers beyond 1e154: a search asks for this some hundred times.
        x1 *= x1
        x2 *= x2
        x1 += x2
        np.sqrt(x1, out=x1)
        x1 *= plane.beam_distance_mm
        x1 /= x3
        return np.asarray(x1)

    def profile(self, plane: DetectorPlane, width_mm: float) -> tuple[Array, Array]:
        """Sum of the contrast, and number of blocks, in bins of radius that begin at 0."""
        bins = (self.radii_mm(plane) / width_mm).astype(np.intp)
        total = np.bincount(bins, weights=self.value).astype(np.float64)
        return total, np.bincount(bins).astype(np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Comb:
    """The calibrant's rings over the logarithm of tan(two theta), where another distance is a shift."""

    first: float
    value: Array

    @classmethod
    def of(cls, two_theta_rad: Array, multiplicity: Array) -> _Comb:
        seen = two_theta_rad < 0.45 * math.pi
        position = np.log(np.tan(two_theta_rad[seen]))
        theta = two_theta_rad[seen] / 2.0
        # What a powder of heavy atoms does: multiplicity and Lorentz factor. The contrast of rings grows with its root.
        weight = np.sqrt(multiplicity[seen] / (np.sin(theta) ** 2 * np.cos(theta)))
        grid = np.arange(position[0] - 5.0, position[-1] + 0.5, DISTANCE_STEP)
        value = np.zeros_like(grid)
        for place, height in zip(position, weight / weight.max(), strict=True):
            value += height * np.exp(-0.5 * ((grid - place) / RING_WIDTH) ** 2)
        return cls(first=float(grid[0]), value=value)


def _voted_centre(contrast: Contrast) -> tuple[float, float]:
    """Return where most lines along the steepest gradients cross [mm]."""
    from scipy.ndimage import gaussian_filter, sobel, uniform_filter

    smooth = gaussian_filter(contrast.value, 1.0)
    step1, step2 = contrast.p1_mm[1] - contrast.p1_mm[0], contrast.p2_mm[1] - contrast.p2_mm[0]
    slope1, slope2 = sobel(smooth, 0) / step1, sobel(smooth, 1) / step2
    inside = uniform_filter(contrast.known.astype(np.float64), 5, mode="constant") > 0.999
    steepness = np.hypot(slope1, slope2) * inside
    count = min(VOTING_BLOCKS, steepness.size // 10)
    voters = np.argpartition(steepness.ravel(), -count)[-count:]
    voters = voters[steepness.ravel()[voters] > 0.0]
    rows, columns = np.unravel_index(voters, steepness.shape)
    towards1 = slope1.ravel()[voters] / steepness.ravel()[voters]
    towards2 = slope2.ravel()[voters] / steepness.ravel()[voters]
    extent = (contrast.p1_mm[-1], contrast.p2_mm[-1])
    shape = tuple(int((1.0 + 2.0 * BEAM_REACH_FRAMES) * side / VOTE_MM) + 1 for side in extent)
    longest = (1.0 + BEAM_REACH_FRAMES) * math.hypot(*extent)
    along = np.arange(-longest, longest, VOTE_MM)
    votes = np.zeros(shape[0] * shape[1])
    for start in range(0, len(voters), 2000):  # a few MB at a time
        part = slice(start, start + 2000)
        row = (
            contrast.p1_mm[rows[part], None] + towards1[part, None] * along + BEAM_REACH_FRAMES * extent[0]
        ) / VOTE_MM
        column = (
            contrast.p2_mm[columns[part], None] + towards2[part, None] * along + BEAM_REACH_FRAMES * extent[1]
        ) / VOTE_MM
        cast = (row >= 0.0) & (row < shape[0]) & (column >= 0.0) & (column < shape[1])
        places = row[cast].astype(np.intp) * shape[1] + column[cast].astype(np.intp)
        votes += np.bincount(places, minlength=votes.size)
    smoothed = gaussian_filter(votes.reshape(shape), 1.0)
    best = np.unravel_index(int(smoothed.argmax()), shape)
    return (
        (float(best[0]) + 0.5) * VOTE_MM - BEAM_REACH_FRAMES * float(extent[0]),
        (float(best[1]) + 0.5) * VOTE_MM - BEAM_REACH_FRAMES * float(extent[1]),
    )


def _sharpness(samples: _Samples, plane: DetectorPlane, width_mm: float) -> float:
    """Return how much the mean contrast differs from ring to ring of this width, weighted by their blocks."""
    total, count = samples.profile(plane, width_mm)
    return float(np.sum(total**2 / np.maximum(count, 1.0)))


def _sharpest_nearby(samples: _Samples, plane: DetectorPlane, width_mm: float) -> DetectorPlane:
    """Look on a grid around the voted place: next to the highest maximum of sharpness lie lesser ones."""
    steps = np.arange(-NEARBY_MM, NEARBY_MM + 0.5 * width_mm, 0.75 * width_mm)
    places = [
        DetectorPlane.through(
            beam1_mm=plane.beam1_mm + float(along1),
            beam2_mm=plane.beam2_mm + float(along2),
            beam_distance_mm=plane.beam_distance_mm,
        )
        for along1 in steps
        for along2 in steps
    ]
    return max(places, key=lambda place: _sharpness(samples, place, width_mm))


def _sharpest(samples: _Samples, plane: DetectorPlane, width_mm: float, *, tilts: bool) -> DetectorPlane:
    """Move the beam's place, and the tilts if asked, until the rings are sharpest."""
    from scipy.optimize import minimize

    def moved(change: Array) -> DetectorPlane:
        return DetectorPlane.through(
            beam1_mm=plane.beam1_mm + change[0],
            beam2_mm=plane.beam2_mm + change[1],
            beam_distance_mm=plane.beam_distance_mm,
            rot1_rad=plane.rot1_rad + (math.radians(change[2]) if tilts else 0.0),
            rot2_rad=plane.rot2_rad + (math.radians(change[3]) if tilts else 0.0),
        )

    def blur(change: Array) -> float:
        return -_sharpness(samples, moved(change), width_mm)

    free = 4 if tilts else 2
    reach = np.array([width_mm, width_mm, 0.6, 0.6][:free])  # mm and deg: what one step of the simplex tries first
    simplex = np.vstack([np.zeros(free), np.diag(reach)])
    options = {"initial_simplex": simplex, "xatol": 0.02, "fatol": 0.0, "maxfev": 120 * free}
    best = minimize(blur, np.zeros(free), method="Nelder-Mead", options=options)
    return moved(np.asarray(best.x))


def _best_distance(
    samples: _Samples, plane: DetectorPlane, comb: _Comb, step_mm: float, distance_mm: tuple[float, float]
) -> Found:
    """Shift the comb along the profile, in logarithms, and take the distance where they are most alike."""
    total, count = samples.profile(plane, step_mm)
    centre_mm = step_mm * (np.arange(len(total)) + 0.5)
    filled = np.flatnonzero(count >= FEWEST_BLOCKS)
    if len(filled) < 20:
        return Found(plane=plane, likeness=0.0, next_likeness=0.0)
    grid = np.arange(math.log(centre_mm[filled[0]]), math.log(centre_mm[filled[-1]]), DISTANCE_STEP)
    radius = np.exp(grid)
    seen = np.interp(radius, centre_mm[filled], total[filled] / count[filled])
    weight = radius / radius.sum()  # each millimetre of radius counts the same
    seen = seen - float(weight @ seen)
    norm = math.sqrt(float(weight @ seen**2))
    shifts = np.arange(math.log(distance_mm[0]), math.log(distance_mm[1]) + DISTANCE_STEP / 2, DISTANCE_STEP)
    likeness = np.zeros(len(shifts))
    for index, shift in enumerate(shifts):
        start = round((float(grid[0]) - shift - comb.first) / DISTANCE_STEP)
        if start < 0 or start + len(grid) > len(comb.value):
            continue
        teeth = comb.value[start : start + len(grid)]
        teeth = teeth - float(weight @ teeth)
        spread = math.sqrt(float(weight @ teeth**2))
        likeness[index] = float(weight @ (seen * teeth)) / max(norm * spread, 1e-12)
    best = int(likeness.argmax())
    others = likeness[np.abs(shifts - shifts[best]) > math.log(OTHER_DISTANCE)]
    return Found(
        plane=DetectorPlane.through(
            beam1_mm=plane.beam1_mm,
            beam2_mm=plane.beam2_mm,
            beam_distance_mm=math.exp(float(shifts[best])),
            rot1_rad=plane.rot1_rad,
            rot2_rad=plane.rot2_rad,
        ),
        likeness=float(likeness[best]),
        next_likeness=float(others.max()) if others.size else 0.0,
    )


def _blocks(image: npt.NDArray[np.generic], block: int) -> Array:
    """Sum over square blocks of pixels; what does not fill a block is left out."""
    rows, columns = (side // block for side in image.shape)
    cut = image[: rows * block, : columns * block]
    lines = cut.reshape(rows, block, columns * block).sum(axis=1, dtype=np.float64)
    return np.asarray(lines.reshape(rows, columns, block).sum(axis=2))
