"""From a frame to a pattern: mask, corrections, spots out, errors. The only door to pyFAI.

pyFAI says where each pixel is and what it weighs; `ring_mean` takes the diamonds' spots out of each ring, and the
azimuthal scatter that is left gives the standard error of the mean. Pixels are not split: a pixel counts in one bin, so
bins are independent, which a refinement needs. Polarisation and solid angle are corrected here, so nothing downstream
may correct them again.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import ReductionFailed
from lics_beamline.files.given_file import READER_FAULTS
from lics_beamline.frames.counts import Counts
from lics_beamline.frames.plate import PlateState
from lics_beamline.frames.point_spread import Correlation, Patches
from lics_beamline.frames.static_image import StaticImage, StaticMask
from lics_beamline.geometry.frame_shape import check_shape
from lics_beamline.geometry.geometry import Geometry
from lics_beamline.geometry.pixel_table import PixelTable, pixel_table
from lics_beamline.geometry.poni import SPLINE_KEY
from lics_beamline.integration.cake import Cake, cake_of
from lics_beamline.integration.ring_scatter import RING_SECTORS, AzimuthalMap, RingScatter, sector_of
from lics_beamline.integration.shadow import BLOCK_PX, BlockRings, bad_pixels
from lics_beamline.lines.peaks import Peak
from lics_beamline.patterns.pattern import Pattern

MASKED_COUNTS: Final = -(2**31)  # value written into masked pixels: no count, and exact in both types of frame
GHOST_ROWS: Final = 16  # one row in so many tells how strong a ghost is in each bin


@dataclass(frozen=True, slots=True, kw_only=True)
class Integration:
    """Settings of the integration of a frame.

    Parameters
    ----------
    bins : int
        Number of bins.
    two_theta_deg : tuple of float, optional
        Range [deg]; default what the detector sees.
    polarisation : float
        Degree of linear polarisation in the horizontal plane, -1 to 1.
    clip_sigma : float
        A pixel farther than this from the mean of its bin, in standard deviations, is a spot, unless counting explains
        it. 5 leaves a flat ring's chi2 at 1. 0 rejects nothing.
    clip_iterations : int
        Most passes; a frame with spots is stable after three.
    shadow_fraction : float
        Blocks dimmer than this fraction of their ring are shadow: beam stop, seat, dead zones. 0 looks for none.
    point_spread : bool
        Measure how a plate's point spread correlates its pixels and enlarge the errors accordingly.
    mask : StaticMask, optional
        Pixels never to be used.
    dark, flat : StaticImage, optional
        Taken off every frame [counts], and the relative response by which every pixel is divided.
    """

    bins: int = 2500
    two_theta_deg: tuple[float, float] | None = None
    polarisation: float = 0.99  # horizontal bending magnet or undulator; engineering value
    clip_sigma: float = 5.0
    clip_iterations: int = 5
    shadow_fraction: float = 0.5
    point_spread: bool = True
    mask: StaticMask | None = None
    dark: StaticImage | None = None
    flat: StaticImage | None = None


def detector_of(geometry: Geometry, shape: tuple[int, int]) -> Any:
    """Return pyFAI's detector of a geometry; a plain one that does not say its shape takes that of the frame.

    Raises
    ------
    ReductionFailed
        If pyFAI knows no such detector, or cannot make it with these settings.
    """
    logging.getLogger("silx.opencl").setLevel(logging.ERROR)  # warns that there is no OpenCL, which is not used
    from pyFAI.detectors import ALL_DETECTORS, detector_factory

    name, config = geometry.detector, geometry.detector_config
    spline = config.pop(SPLINE_KEY, "")
    if name == "Detector" and not config.get("max_shape"):
        config["max_shape"] = list(shape)
    try:
        # A name that is not in the list would be taken for a file and opened.
        known = {name.lower(), name.lower().replace(" ", "_")} & set(ALL_DETECTORS)
        detector = detector_factory(name, config=config) if known else None
        if spline and detector is not None:
            with TemporaryDirectory() as folder:
                file = Path(folder) / "detector.spline"
                file.write_text(spline)
                detector.splinefile = str(file)  # read at once
    except READER_FAULTS as error:
        raise ReductionFailed(
            f"pyFAI cannot make the detector {name!r} of the geometry with the settings {json.dumps(config)}: {error}. "
            "Mend Detector_config in the PONI file.",
            detector=name,
        ) from error
    if detector is None or detector.shape is None or not detector.pixel1 or not detector.pixel2:
        raise ReductionFailed(
            f"pyFAI knows no detector {name!r}, or not its pixels. Write Detector: Detector in the PONI file, with "
            "pixel1, pixel2 and max_shape in Detector_config.",
            detector=name,
        )
    return detector


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """A frame ready to be integrated.

    Parameters
    ----------
    frame : ndarray of int32 or float32, shape (rows, columns)
        Counts, `MASKED_COUNTS` where a pixel is not to be used.
    masked : int
        Pixels in range masked in this frame.
    offset, response : ndarray of float32 or None, shape (rows, columns)
        Counts that are none of the sample, and counts read of each one exposed; None for 0 and 1.
    plate : PlateState
        Fading and ghost.
    """

    frame: Counts
    masked: int
    offset: npt.NDArray[np.float32] | None
    response: npt.NDArray[np.float32] | None
    plate: PlateState


class Integrator:
    """Integrates frames of one geometry. Making one takes seconds, using it a quarter of one: keep it.

    Parameters
    ----------
    geometry : Geometry
        Calibrated geometry.
    integration : Integration
        Settings of the integration.
    shape : tuple of int
        Rows and columns of the frames.

    Raises
    ------
    ReductionFailed
        If the detector of the geometry, the mask, the dark or the flat image has another shape, or a file is not the
        one it was.
    """

    def __init__(self, geometry: Geometry, integration: Integration, *, shape: tuple[int, int]) -> None:
        from lics_beamline.integration.ring_mean import RingTable  # compiles, which takes a second to import

        if min(shape) < BLOCK_PX:
            raise ReductionFailed(
                f"the frame has {shape[0]} x {shape[1]} pixels, and {BLOCK_PX} x {BLOCK_PX} are the least of an image. "
                "What a strip detector measured is a pattern: give it to lics fit or lics import as columns of text.",
                frame_shape=shape,
            )
        self.geometry = geometry
        self.integration = integration
        self.shape = shape
        pixels = pixel_table(
            geometry, shape, polarisation=integration.polarisation, sectors=RING_SECTORS, make=self._new_pixels
        )
        angle_deg, self._weight, self._sector = pixels.two_theta_deg, pixels.weight, pixels.sector
        self.two_theta_deg: npt.NDArray[np.float32] = angle_deg.astype(np.float32)
        low, high = integration.two_theta_deg or (0.0, math.inf)
        inside = (angle_deg >= low) & (angle_deg <= high)
        self._static_mask: npt.NDArray[np.bool_] | None = None
        if pixels.masked.any():
            self._static_mask = pixels.masked
        if integration.mask is not None:
            given = integration.mask.array(shape)
            self._static_mask = given if self._static_mask is None else self._static_mask | given
        if self._static_mask is not None:
            inside &= ~self._static_mask
        self._dark = integration.dark.array(shape) if integration.dark else None
        self._flat = integration.flat.array(shape) if integration.flat else None
        if self._flat is not None and integration.flat is not None and not np.any(self._flat > 0.0):
            raise ReductionFailed(
                f"the flat image {Path(integration.flat.file).name} is above zero in no pixel. It is the relative "
                "response of the pixels, about 1: give another.",
                path=integration.flat.file,
            )
        self._in_range = inside
        self._rings = BlockRings.of(self.two_theta_deg)
        self._pixels_in_range = int(np.count_nonzero(inside))
        seen = angle_deg[inside] if self._pixels_in_range else angle_deg
        self._table = RingTable.of(
            angle_deg,
            inside,
            self._weight,
            rings=integration.bins,
            range_deg=integration.two_theta_deg or (float(seen.min()), float(seen.max())),
        )
        # A blank frame compiles what works on frames, or loads it, so that the first frame is as fast.
        blank = np.zeros(shape, dtype=np.int32)
        self._rings.shadows(blank, None, 0.5)
        self._table.means(blank, clip_sigma=5.0, clip_rounds=1)
        self._patches = Patches.over(self.two_theta_deg, inside, self._weight)
        self._map: AzimuthalMap | None = None

    def integrate(
        self, frame: Counts, *, saturation_counts: int | None = None, plate: PlateState | None = None
    ) -> Pattern:
        """Integrate one frame.

        Parameters
        ----------
        frame : ndarray of int32 or float32, shape (rows, columns)
            Counts; NaN is dead, and so is what is negative, unless it is the noise of a dark that was taken off.
        saturation_counts : int, optional
            Count from which a pixel is full.
        plate : PlateState, optional
            Fading and ghost of this frame; default none.

        Returns
        -------
        Pattern
            Mean corrected counts with standard errors.

        Raises
        ------
        ReductionFailed
            If the frame has another shape, or nothing of it is left.
        """
        return self.pattern(self.prepare(frame, saturation_counts=saturation_counts, plate=plate))

    def prepare(
        self, frame: Counts, *, saturation_counts: int | None = None, plate: PlateState | None = None
    ) -> Prepared:
        """Mask a frame and say what is to be taken off and divided out; parameters and errors as of `integrate`."""
        if frame.shape != self.shape:
            raise ReductionFailed(
                f"the frame has {frame.shape[0]} x {frame.shape[1]} pixels, {self.shape[0]} x {self.shape[1]} are "
                "expected. Use the geometry of this scan resolution.",
                frame_shape=frame.shape,
            )
        plate = plate or PlateState()
        bad = self.mask(frame, saturation_counts=saturation_counts)
        if plate.residue is not None and plate.residue.unknown is not None:
            bad = plate.residue.unknown if bad is None else bad | plate.residue.unknown
        return Prepared(
            frame=frame if bad is None else np.where(bad, frame.dtype.type(MASKED_COUNTS), frame),
            masked=0 if bad is None else int(np.count_nonzero(bad & self._in_range)),
            offset=self._offset(plate),
            response=self._response(plate),
            plate=plate,
        )

    def pattern(self, prepared: Prepared) -> Pattern:
        """Integrate a prepared frame; errors as of `integrate`."""
        frame, masked = prepared.frame, prepared.masked
        offset, response = prepared.offset, prepared.response
        choice, two_theta_deg = self.integration, self._table.two_theta_deg
        rings = self._table.means(
            frame,
            clip_sigma=choice.clip_sigma,
            clip_rounds=choice.clip_iterations,
            offset=offset,
            response=response,
        )
        if not rings.counted.any():
            raise ReductionFailed("every pixel of the frame is masked: it is dead or saturated. Look at the image.")
        spread = Correlation()
        if choice.point_spread:
            spread = self._patches.correlation(frame, two_theta_deg, rings.mean, offset=offset, response=response)
        usable = max(self._pixels_in_range - masked, 1)
        return Pattern(
            two_theta_deg=two_theta_deg,
            intensity=rings.mean,
            sigma=np.hypot(rings.sigma * math.sqrt(spread.in_bin), self._ghost_sigma(prepared.plate)),
            correlation=math.sqrt(spread.in_peak / spread.in_bin),
            pixel_correlation=spread.in_peak,
            wavelength_angstrom=self.geometry.wavelength_angstrom,
            counted=rings.counted,
            rejected=rings.rejected,
            rejected_fraction=float(rings.rejected.sum()) / usable,
            masked_fraction=masked / self._pixels_in_range,
            pedestal_counts=rings.pedestal_counts,
        )

    def ring_scatter(self, prepared: Prepared, pattern: Pattern, peaks: Sequence[Peak]) -> tuple[RingScatter, ...]:
        """Measure the azimuthal scatter of the strongest rings beyond counting.

        Parameters
        ----------
        prepared : Prepared
            The frame.
        pattern, peaks : Pattern, sequence of Peak
            Its pattern and the peaks found in it.
        """
        return self.sort_by_azimuth().scatter(
            prepared.frame, pattern, peaks, offset=prepared.offset, response=prepared.response
        )

    def used(self, prepared: Prepared) -> npt.NDArray[np.bool_]:
        """Return the pixels of a prepared frame that count: within the range, and neither masked nor without response.

        Parameters
        ----------
        prepared : Prepared
            The frame.
        """
        used = self._in_range & (prepared.frame != MASKED_COUNTS)
        return used if prepared.response is None else used & (prepared.response > 0.0)

    def cake(self, prepared: Prepared, cells: tuple[int, int]) -> Cake:
        """Sort a prepared frame into cells of scattering angle and azimuth, spots and all.

        Parameters
        ----------
        prepared : Prepared
            The frame.
        cells : tuple of int
            Over the range of angles, and over a whole turn of azimuth.
        """
        used = self.used(prepared)
        frame: Counts = prepared.frame if prepared.offset is None else prepared.frame - prepared.offset
        seen = self.two_theta_deg[self._in_range]  # not of the frame: the cakes of a series have one axis
        return cake_of(
            frame,
            used,
            self._weight if prepared.response is None else self._weight * prepared.response,
            two_theta_deg=self.two_theta_deg,
            azimuth_deg=np.degrees(self._engine.center_array(self.shape, unit="chi_rad", scale=False)),
            range_deg=self.integration.two_theta_deg or (float(seen.min()), float(seen.max())),
            cells=cells,
            wavelength_angstrom=self.geometry.wavelength_angstrom,
        )

    def sort_by_azimuth(self) -> AzimuthalMap:
        """Return what measuring the scatter along rings needs, made once: that takes half a second."""
        if self._map is None:
            self._map = AzimuthalMap.of(self.two_theta_deg, self._sector, self._in_range, self._weight)
        return self._map

    @property
    def _engine(self) -> Any:
        """A new engine of pyFAI: needed only where no table of this geometry was kept, and full of arrays when used."""
        detector = detector_of(self.geometry, self.shape)
        from pyFAI.integrator.azimuthal import AzimuthalIntegrator

        check_shape(self.shape, (int(detector.shape[0]), int(detector.shape[1])))
        entries = dict(line.split(": ", 1) for line in self.geometry.poni.splitlines())
        return AzimuthalIntegrator(
            dist=float(entries["Distance"]),
            poni1=float(entries["Poni1"]),
            poni2=float(entries["Poni2"]),
            rot1=float(entries["Rot1"]),
            rot2=float(entries["Rot2"]),
            rot3=float(entries["Rot3"]),
            detector=detector,
            wavelength=float(entries["Wavelength"]),
        )

    def _new_pixels(self) -> PixelTable:
        """Ask pyFAI where each pixel is."""
        engine = self._engine
        angle_rad, azimuth_rad = (
            engine.center_array(self.shape, unit=unit, scale=False) for unit in ("2th_rad", "chi_rad")
        )
        weight = engine.solidAngleArray(self.shape) * engine.polarization(
            self.shape, factor=self.integration.polarisation
        )
        return PixelTable(
            two_theta_deg=np.degrees(angle_rad),
            weight=np.asarray(weight, dtype=np.float32),
            sector=sector_of(azimuth_rad),
            masked=np.zeros(self.shape, bool) if engine.detector.mask is None else engine.detector.mask != 0,
        )

    def mask(self, frame: Counts, *, saturation_counts: int | None = None) -> npt.NDArray[np.bool_] | None:
        """Pixels of a frame that are not to be used: dead, saturated or in a shadow; None where there are none."""
        return bad_pixels(
            frame,
            self._rings,
            shadow_fraction=self.integration.shadow_fraction,
            saturation_counts=saturation_counts,
        )

    def _offset(self, plate: PlateState) -> npt.NDArray[np.float32] | None:
        """Return the counts that are no image of the sample: ghost and dark; None where there are none."""
        if plate.residue is None:
            return self._dark
        return plate.residue.counts if self._dark is None else plate.residue.counts + self._dark

    def _response(self, plate: PlateState) -> npt.NDArray[np.float32] | None:
        """Return the counts read of each count exposed: what fading left, times the flat; None where that is 1."""
        if plate.remaining is None:
            return self._flat
        rows = plate.remaining.astype(np.float32)[:, None]
        return np.broadcast_to(rows, self.shape).copy() if self._flat is None else self._flat * rows

    def _ghost_sigma(self, plate: PlateState) -> npt.NDArray[np.float64] | float:
        """Return the error of each bin from the share of the ghost, by a sample of the rows, enough for an error."""
        ghost = plate.residue
        if ghost is None or ghost.relative_sigma == 0.0:
            return 0.0
        some = slice(GHOST_ROWS // 2, None, GHOST_ROWS)
        place = self._table.ring.reshape(self.shape)[some].ravel()
        bins = self.integration.bins
        counts = np.bincount(place, minlength=bins + 1)[:bins]
        sums = np.bincount(place, weights=ghost.counts[some].ravel(), minlength=bins + 1)[:bins]
        return ghost.relative_sigma * sums / np.maximum(counts, 1)
