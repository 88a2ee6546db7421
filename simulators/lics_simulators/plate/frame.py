"""The forward model: what one exposure of the sample leaves on a plate, and what the reader makes of it.

What depends only on the geometry is computed once (`PlateModel`); each frame is then a look-up in a map over scattering
angle and azimuth, counting noise and point spread.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from lics_simulators.plate.counting import Counter, FrameArray, point_spread, spread_light
from lics_simulators.plate.geometry import polarisation
from lics_simulators.plate.osc import largest
from lics_simulators.plate.scene import ANGLE_STEP_DEG, GRAIN_SECTORS, Draws, Light, map_angles_deg, scene
from lics_simulators.plate.settings import PlateSettings
from lics_simulators.plate.shadows import cell_transmission, stop_transmission
from lics_simulators.plate.spots import draw

FloatArray = npt.NDArray[np.float64]

BLOCK_ROWS: Final = 10  # rows handled at a time: they stay in the processor's cache


class PlateModel:
    """Turns the state of the sample into an image.

    Parameters
    ----------
    settings : PlateSettings
        Plate, light and shadows.
    wavelength_angstrom : float
        Wavelength [A].

    Notes
    -----
    Making one takes about two seconds of one core and keeps 200 MB: place in the map, solid angle, polarisation and
    transmission of nine million pixels.
    """

    def __init__(self, settings: PlateSettings, wavelength_angstrom: float) -> None:
        self.settings = settings
        self.wavelength_angstrom = wavelength_angstrom
        recording, shape = settings.recording, (settings.geometry.pixels, settings.geometry.pixels)
        self._kernel = point_spread(recording.point_spread_px, recording.point_spread_tail)
        self._counter = Counter()
        self._place = np.empty(shape, dtype=np.int32)
        self._share = np.empty(shape, dtype=np.float32)
        self._open = np.empty(shape, dtype=np.float32)
        self._in_cell = np.empty(shape, dtype=np.float32)
        angles = map_angles_deg().size
        for start in range(0, shape[0], BLOCK_ROWS):
            self._prepare(slice(start, start + BLOCK_ROWS), angles)

    def _prepare(self, rows: slice, angles: int) -> None:
        geometry, shadows = self.settings.geometry, self.settings.shadows
        rays = geometry.rays(rows)
        two_theta = rays.two_theta()
        position = two_theta * (np.degrees(1.0) / ANGLE_STEP_DEG)
        node = position.astype(np.int32)
        sector = np.floor(rays.azimuth() * (GRAIN_SECTORS / (2.0 * np.pi))).astype(np.int32)
        sector[sector < 0] += GRAIN_SECTORS
        self._place[rows] = sector * angles + node
        self._share[rows] = position - node
        light = geometry.relative_solid_angle(rays)
        light *= polarisation(rays, self.settings.exposure.polarisation)
        light *= stop_transmission(rays, shadows)
        self._open[rows] = light
        self._in_cell[rows] = light * cell_transmission(rays, two_theta, shadows)

    def expected_photons(self, light: Light, *, random: Draws, count: int) -> FrameArray:
        """Return the expected photons of an exposure.

        Parameters
        ----------
        light : Light
            Sample and dose.
        random : callable
            `World.random`.
        count : int
            Number of the exposure: the same seed and count give the same image.

        Returns
        -------
        ndarray of float32, shape (rows, columns)
        """
        dark = light.dark_s * self.settings.recording.dark_photons_per_s
        if light.exposures <= 0.0:
            return np.full(self._place.shape, dark, dtype=np.float32)
        sent = scene(light, self.settings, wavelength_angstrom=self.wavelength_angstrom, random=random, count=count)
        transmission = self._in_cell if light.is_in_cell else self._open
        photons = self._look_up(sent.polar, transmission)
        draw(photons, sent.spots, self.settings.geometry, transmission)
        photons += np.float32(dark)
        return photons

    def stored_counts(self, light: Light, *, random: Draws, count: int) -> FrameArray:
        """Return the counts that an exposure would give if it were read at once: photons drawn, spread, amplified.

        Parameters as of `expected_photons`.

        Returns
        -------
        ndarray of float32, shape (rows, columns)
        """
        expected = self.expected_photons(light, random=random, count=count)
        photons = self._counter.count(expected, random("plate photons", count))
        counts = spread_light(photons, self._kernel)
        counts *= np.float32(self.settings.recording.gain)
        return counts

    def read_counts(
        self, stored: FrameArray, *, remaining: FloatArray, ghost: FrameArray | None = None, ghost_share: float = 0.0
    ) -> npt.NDArray[np.int32]:
        """Return the counts of the file.

        Parameters
        ----------
        stored : ndarray of float32
            From `stored_counts`.
        remaining : ndarray, shape (rows,)
            What fading has left when each line was read, 0 to 1.
        ghost : ndarray of float32 or None
            The last image on the same plate.
        ghost_share : float
            Share of it that erasure has left, 0 to 1.

        Returns
        -------
        ndarray of int32, shape (rows, columns)
            Clipped where both photomultipliers saturate.
        """
        counts = stored * remaining.astype(np.float32)[:, None]
        if ghost is not None and ghost_share > 0.0:
            counts += np.float32(ghost_share) * ghost
        np.rint(counts, out=counts)
        np.minimum(counts, np.float32(largest(self.settings.recording.ratio)), out=counts)
        return counts.astype(np.int32)

    def _look_up(self, polar: npt.NDArray[np.float32], transmission: FrameArray) -> FrameArray:
        flat = polar.ravel()
        photons = np.empty_like(transmission)
        for start in range(0, photons.shape[0], BLOCK_ROWS):
            rows = slice(start, start + BLOCK_ROWS)
            below = flat.take(self._place[rows], mode="clip")
            step = flat.take(self._place[rows] + 1, mode="clip")
            step -= below
            step *= self._share[rows]
            below += step
            np.multiply(below, transmission[rows], out=photons[rows])
        return photons
