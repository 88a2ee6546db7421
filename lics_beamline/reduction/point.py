"""One measured point becomes one reduced point: a pure function of frame, readings and recipe."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from lics_beamline.diffraction.frame import Counts
from lics_beamline.diffraction.geometry import Geometry
from lics_beamline.diffraction.identification import FoundPhase, identify
from lics_beamline.diffraction.integration import Integration, Integrator
from lics_beamline.diffraction.pattern import Pattern
from lics_beamline.diffraction.peaks import Peak, find_peaks
from lics_beamline.diffraction.plate import PlateState
from lics_beamline.diffraction.ring_scatter import on_bins
from lics_beamline.physics.gauge import Gauge
from lics_beamline.physics.ruby import Pressure
from lics_beamline.physics.ruby_line import RubyLine
from lics_beamline.reduction.recipe import Recipe

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PointReading:
    """Readings of a point beside its frame.

    Parameters
    ----------
    ruby_wavelength_nm, ruby_counts : ndarray, shape (pixels,)
        The recorded spectrum: wavelength in air [nm] and counts.
    gasket_k, ambient_k : float
        Thermocouples [K].
    """

    ruby_wavelength_nm: Array
    ruby_counts: Array
    gasket_k: float
    ambient_k: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PointReduction:
    """A reduced point.

    Parameters
    ----------
    pattern : Pattern
        The integrated frame.
    line : RubyLine
        The doublet, fitted anew.
    pressure : Pressure
        By the recipe's scale and correction, at `temperature_k`.
    temperature_k : float
        Of the sample and the ruby beside it [K].
    peaks : tuple of Peak
        Peaks of the pattern.
    phases : tuple of FoundPhase
        Phases among the recipe's that were found.
    unknown : tuple of Peak
        Peaks that none of the recipe's phases explains.
    """

    pattern: Pattern
    line: RubyLine
    pressure: Pressure
    temperature_k: float
    peaks: tuple[Peak, ...]
    phases: tuple[FoundPhase, ...]
    unknown: tuple[Peak, ...]


@lru_cache(maxsize=2)
def integrator(geometry: Geometry, integration: Integration, shape: tuple[int, int]) -> Integrator:
    """Return the integrator of a geometry, made once: that takes seconds, using it a fraction of one."""
    return Integrator(geometry, integration, shape=shape)


def reduce_point(
    frame: Counts,
    reading: PointReading,
    recipe: Recipe,
    *,
    gauge: Gauge | None = None,
    saturation_counts: int | None = None,
    plate: PlateState | None = None,
) -> PointReduction:
    """Reduce one point.

    Parameters
    ----------
    frame : ndarray of int32 or float32, shape (rows, columns)
        Counts of the plate.
    reading : PointReading
        Ruby spectrum and thermocouples of the same point.
    recipe : Recipe
        The recipe to reduce it by.
    gauge : Gauge, optional
        What the pressures of this leg rest on; without it, the reference line of the recipe.
    saturation_counts : int, optional
        Count of a full pixel of this plate, from its header.
    plate : PlateState, optional
        Fading and ghost of the frame; default none.

    Returns
    -------
    PointReduction
        Pattern, pressure, temperature, peaks and phases.

    Raises
    ------
    BadReading
        If a thermocouple or the ruby spectrum cannot be believed.
    OutsideCalibration
        If temperature or pressure is outside the range of scale or correction.
    ReductionFailed
        If the frame cannot be integrated.
    """
    ruby = (gauge or recipe.ruby.gauge()).read(
        reading.ruby_wavelength_nm, reading.ruby_counts, gasket_k=reading.gasket_k, ambient_k=reading.ambient_k
    )
    shape = (int(frame.shape[0]), int(frame.shape[1]))
    engine = integrator(recipe.geometry, recipe.integration(), shape)
    prepared = engine.prepare(
        frame, saturation_counts=saturation_counts if recipe.frames.mask_saturated else None, plate=plate
    )
    pattern = engine.pattern(prepared)
    peaks = find_peaks(pattern, significance=recipe.peak_significance)
    if recipe.frames.graininess:
        rings = engine.ring_scatter(prepared, pattern, peaks)
        pattern = replace(pattern, graininess=on_bins(rings, pattern.two_theta_deg))
    found = identify(
        peaks,
        recipe.phases,
        pressure_gpa=ruby.pressure.gpa,
        temperature_k=ruby.temperature.kelvin,
        wavelength_angstrom=pattern.wavelength_angstrom,
    )
    return PointReduction(
        pattern=pattern,
        line=ruby.line,
        pressure=ruby.pressure,
        temperature_k=ruby.temperature.kelvin,
        peaks=peaks,
        phases=found.phases,
        unknown=found.unknown,
    )


def warm_up(recipe: Recipe) -> None:
    """Load the libraries and build the tables that the first point would otherwise wait for."""
    import fabio  # noqa: F401
    import scipy.optimize
    import scipy.signal  # noqa: F401

    recipe.ruby.ruler().gpa(recipe.ruby.reference_wavelength_nm, recipe.ruby.reference_temperature_k)
    shape = recipe.geometry.detector_config.get("max_shape")
    if shape:
        engine = integrator(recipe.geometry, recipe.integration(), (int(shape[0]), int(shape[1])))
        if recipe.frames.graininess:
            engine.sort_by_azimuth()
    _compile_search_for_lines()


@lru_cache(maxsize=1)
def _compile_search_for_lines() -> None:
    """Compile what looks for lines, or load it, by a pattern of one line."""
    angle = np.linspace(5.0, 6.0, 200)
    line = 1.0 + 100.0 * np.exp(-(((angle - 5.5) / 0.03) ** 2))
    find_peaks(Pattern(two_theta_deg=angle, intensity=line, sigma=np.sqrt(line), wavelength_angstrom=0.4))
