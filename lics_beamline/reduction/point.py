"""One measured point becomes one reduced point: a pure function of frame, readings and recipe."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from lics_beamline.discovery.point_lines import SeenLine, seen_lines
from lics_beamline.frames.counts import Counts
from lics_beamline.frames.plate import PlateState
from lics_beamline.geometry.geometry import Geometry
from lics_beamline.integration.integration import Integration, Integrator
from lics_beamline.integration.ring_scatter import on_bins
from lics_beamline.lines.peaks import Peak, find_peaks
from lics_beamline.patterns.pattern import Pattern
from lics_beamline.phases.identification import FoundPhase, Identification, identify
from lics_beamline.phases.phase import default_phases
from lics_beamline.physics.crystal import two_theta_deg
from lics_beamline.physics.gauge import Gauge, GaugeReading
from lics_beamline.reduction.image_doubts import doubt_of_full_rings, doubt_of_pedestal
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


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenState:
    """Pressure and temperature of a point as somebody determined them elsewhere; NaN for what nobody gave.

    Parameters
    ----------
    pressure_gpa, pressure_sigma_gpa : float
        Pressure and its standard deviation [GPa].
    temperature_k : float
        Of the sample [K].
    """

    pressure_gpa: float
    pressure_sigma_gpa: float
    temperature_k: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PointReduction:
    """A reduced point.

    Parameters
    ----------
    pattern : Pattern
        The integrated frame.
    state : GaugeReading or GivenState
        The doublet, fitted anew, and what the recipe's scale and correction make of it; or what was given instead.
    peaks : tuple of Peak
        Peaks of the pattern.
    phases : tuple of FoundPhase
        Phases among the recipe's that were found.
    unknown : tuple of Peak
        Peaks that none of the recipe's phases explains.
    lines : tuple of SeenLine
        The peaks with what explains each.
    warnings : tuple of str
        What a person should look at before the numbers are believed, as `lics reduce` says it of an image alone.
    """

    pattern: Pattern
    state: GaugeReading | GivenState
    peaks: tuple[Peak, ...]
    phases: tuple[FoundPhase, ...]
    unknown: tuple[Peak, ...]
    lines: tuple[SeenLine, ...]
    warnings: tuple[str, ...] = ()


@lru_cache(maxsize=2)
def integrator(geometry: Geometry, integration: Integration, shape: tuple[int, int]) -> Integrator:
    """Return the integrator of a geometry, made once: that takes seconds, using it a fraction of one."""
    return Integrator(geometry, integration, shape=shape)


def reduce_point(
    frame: Counts,
    reading: PointReading | GivenState,
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
    reading : PointReading or GivenState
        Ruby spectrum and thermocouples of the same point, or its pressure and temperature. Where one of these was not
        given, no phase is sought: nobody knows where its lines should be.
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
    state = reading if isinstance(reading, GivenState) else _read(reading, recipe, gauge)
    shape = (int(frame.shape[0]), int(frame.shape[1]))
    engine = integrator(recipe.geometry, recipe.integration(), shape)
    full = saturation_counts if recipe.frames.mask_saturated else None
    prepared = engine.prepare(frame, saturation_counts=full, plate=plate)
    pattern = engine.pattern(prepared)
    peaks = find_peaks(pattern, significance=recipe.peak_significance)
    if recipe.frames.graininess:
        rings = engine.ring_scatter(prepared, pattern, peaks)
        pattern = replace(pattern, graininess=on_bins(rings, pattern.two_theta_deg))
    warnings = doubt_of_full_rings(frame, full, engine.two_theta_deg, pattern)
    return replace(
        _reduced(pattern, peaks, state, recipe), warnings=warnings + doubt_of_pedestal(pattern.pedestal_counts)
    )


def reduce_pattern(pattern: Pattern, reading: PointReading | GivenState, recipe: Recipe) -> PointReduction:
    """Reduce a point whose frame another program integrated; parameters and errors as of `reduce_point`.

    Parameters
    ----------
    pattern : Pattern
        On the bins of the recipe.
    """
    state = reading if isinstance(reading, GivenState) else _read(reading, recipe, None)
    return _reduced(pattern, find_peaks(pattern, significance=recipe.peak_significance), state, recipe)


def _reduced(
    pattern: Pattern, peaks: tuple[Peak, ...], state: GaugeReading | GivenState, recipe: Recipe
) -> PointReduction:
    found = _found(peaks, state, recipe, pattern)
    return PointReduction(
        pattern=pattern,
        state=state,
        peaks=peaks,
        phases=found.phases,
        unknown=found.unknown,
        lines=seen_lines(peaks, found, pattern),
    )


def _read(reading: PointReading, recipe: Recipe, gauge: Gauge | None) -> GaugeReading:
    return (gauge or recipe.ruby.gauge()).read(
        reading.ruby_wavelength_nm, reading.ruby_counts, gasket_k=reading.gasket_k, ambient_k=reading.ambient_k
    )


def _found(
    peaks: tuple[Peak, ...], state: GaugeReading | GivenState, recipe: Recipe, pattern: Pattern
) -> Identification:
    if isinstance(state, GivenState):
        pressure_gpa, temperature_k = state.pressure_gpa, state.temperature_k
    else:
        pressure_gpa, temperature_k = state.pressure.gpa, state.temperature.kelvin
    if not (math.isfinite(pressure_gpa) and math.isfinite(temperature_k)):
        return Identification(phases=(), unknown=())
    return identify(
        peaks,
        recipe.phases,
        pattern=pattern,
        pressure_gpa=pressure_gpa,
        temperature_k=temperature_k,
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
    _compile_loops()


@lru_cache(maxsize=1)
def _compile_loops() -> None:
    """Compile what looks for lines and for phases, or load it, by a pattern of one phase."""
    phase, pressure_gpa, temperature_k = default_phases()[0], 3.0, 298.0
    cell = phase.expected(pressure_gpa, temperature_k)
    angle = np.arange(5.0, 20.0, 0.01)
    light = np.ones(angle.size)
    for line in phase.lines(cell, wavelength_angstrom=0.4, d_min_angstrom=1.2):
        centre = two_theta_deg(cell.d_angstrom(line.hkl), 0.4)
        light += 1e-3 * line.strength * np.exp(-(((angle - centre) / 0.03) ** 2))
    pattern = Pattern(two_theta_deg=angle, intensity=light, sigma=np.sqrt(light), wavelength_angstrom=0.4)
    identify(find_peaks(pattern), (phase,), pattern=pattern, pressure_gpa=pressure_gpa, temperature_k=temperature_k)
