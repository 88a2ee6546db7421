"""A simulated detector without its IOC: exposures, waits and scans by the clock, the images as its files would be."""

from dataclasses import dataclass, replace

import numpy as np

from lics_beamline.geometry.geometry import flat_geometry
from lics_simulators.plate.exposure import Order
from lics_simulators.plate.frame import PlateModel
from lics_simulators.plate.reader import PlateReader
from lics_simulators.plate.scene import Light
from lics_simulators.plate.settings import read_settings
from lics_simulators.sample import PhaseState, SampleState
from lics_simulators.world import World

WAVELENGTH = 0.41373
FLUX = 1.0e6  # monitor counts a second of the full beam
ALLOY = PhaseState(phase="alloy", cell_angstrom=(3.4863,) * 3, cells=1.0)  # at 8 GPa and 298 K
RHENIUM = PhaseState(phase="re-hcp", cell_angstrom=(2.7240, 2.7240, 4.3962), cells=1.0)


def settings(*, pixels=1000, **changes):
    """The plate of the simulators with other parameters: ``reader=dict(fast_s=...)``; fewer and larger pixels."""
    full = read_settings()
    scale = full.geometry.pixels / pixels
    geometry = replace(
        full.geometry,
        pixels=pixels,
        pixel_mm=full.geometry.pixel_mm * scale,
        beam_column_px=full.geometry.beam_column_px / scale,
        beam_row_px=full.geometry.beam_row_px / scale,
        tilt_deg=0.0,
    )
    tables = {name: replace(getattr(full, name), **values) for name, values in changes.items()}
    return replace(full, geometry=geometry, **tables)


@dataclass(kw_only=True)
class Read:
    """What came out of the reader: counts, and what a file header and the documents say of them."""

    counts: np.ndarray
    plate: int
    exposure_s: float
    waited_s: float
    scan_s: float
    dose_counts: float  # monitor counts while it was exposed
    stored: np.ndarray  # the truth: counts without fading, ghost and rounding
    remaining: np.ndarray  # the truth: what fading left of each row


class Detector:
    """Two plates, a beam and a sample.

    Parameters
    ----------
    plate : PlateSettings
        From `settings`.
    model : PlateModel, optional
        Made for the same geometry, light and grains; making one takes a second.
    phases : tuple of PhaseState
        The sample.
    """

    def __init__(self, plate, *, model=None, phases=(ALLOY, RHENIUM), seed=1):
        self.plate = plate
        self.model = model or PlateModel(plate, WAVELENGTH)
        self.world = World(seed=seed)
        self.phases = phases
        self.now_s, self.is_open, self.strength = 0.0, True, 1.0
        self.oscillation_deg = 10.0  # [deg]
        self.reads, self._last = [], {}
        self.reader = PlateReader(plate.reader, flux=self._flux, sample=self._sample, on_scanned=self._scanned)

    @property
    def saturation_counts(self):
        return 0x7FFF * self.plate.recording.ratio

    def wait(self, seconds):
        """Let time pass, in steps of half a second."""
        end_s = self.now_s + seconds
        while self.now_s < end_s - 1e-9:
            dt_s = min(0.5, end_s - self.now_s)
            self.now_s += dt_s
            self.reader.step(self.now_s, dt_s)

    def expose(self, open_s, *, then_wait_s=0.0, strength=1.0):
        """Expose a plate with the shutter open at first, read it, and return what was read."""
        self.strength, self.is_open = strength, open_s > 0.0
        before = len(self.reads)
        self.reader.expose(
            Order(exposure_s=max(open_s + then_wait_s, 1.0), path="a.osc", oscillation_deg=self.oscillation_deg)
        )
        self.wait(open_s)
        self.is_open = False
        while len(self.reads) == before:
            self.wait(5.0)
        read = self.reads[-1]
        read.exposure_s, read.waited_s = open_s, read.waited_s + then_wait_s
        return read

    def _flux(self):
        return FLUX * self.strength if self.is_open else 0.0

    def _sample(self):
        return SampleState(
            time_s=self.now_s, pressure_gpa=8.0, temperature_k=298.0, phases=self.phases, shift_along_beam_mm=0.0
        )

    def _scanned(self, scan):
        light = Light(
            sample=scan.sample,
            exposures=scan.dose_counts / (FLUX * self.plate.exposure.seconds),
            oscillation_deg=scan.order.oscillation_deg,
            dark_s=scan.dark_s,
        )
        stored = self.model.stored_counts(light, random=self.world.random, count=len(self.reads))
        counts = self.model.read_counts(
            stored,
            remaining=scan.remaining(stored.shape[0]),
            ghost=self._last.get(scan.plate),
            ghost_share=scan.ghost_share,
        )
        self._last[scan.plate] = stored
        self.reads.append(
            Read(
                counts=counts,
                plate=scan.plate,
                exposure_s=scan.ended_s - scan.began_s,
                waited_s=scan.waited_s,
                scan_s=scan.scan_ended_s - scan.scan_began_s,
                dose_counts=scan.dose_counts,
                stored=stored,
                remaining=scan.remaining(stored.shape[0]),
            )
        )


def geometry_of(plate):
    """The geometry of a plate, exactly, by the analysis' own word for it."""
    own = plate.geometry
    return flat_geometry(
        distance_mm=own.distance_mm,
        wavelength_angstrom=WAVELENGTH,
        shape=(own.pixels, own.pixels),
        pixel_mm=own.pixel_mm,
        centre_px=(own.beam_row_px, own.beam_column_px),
    )
