"""Assumptions under which pressures and cells of a run were read, and others that could as well have been made.

A scale or a correction is a choice among a few; a chip, a thermocouple or the place of the sample are off by an unknown
amount that all points share. Both are propagated the same way: everything is computed again under the other assumption.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

from lics_beamline.errors import OutsideCalibration
from lics_beamline.exports.reduced_run import ReducedPoint, ReducedRun
from lics_beamline.physics.ruby import RubyRuler
from lics_beamline.reduction.recipe import recipe_of
from lics_beamline.reduction.ruby import RubyReduction

UNHEATED_K: Final = 5.0  # nearer to the temperature of the unshifted line than this, nothing was heated
# Sample along the beam: 0.1 mm over 200 K, engineering estimate for a resistively heated membrane cell whose holder
# grows; nothing in a run tells it from expansion but the gasket's lines, whose own pressure is not known well enough.
SHIFT_ON_HEATING_MM_PER_K: Final = 5.0e-4
PLACEMENT_MM: Final = 0.02  # sample against calibrant, both centred by rotation; engineering estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption:
    """Another way to read pressures and cells of all points.

    Parameters
    ----------
    term : str
        Which error this explores: the name in a budget.
    name : str
        Name of what is assumed.
    is_choice : bool
        Whether it is one of several choices, not a step of one standard deviation.
    scale, correction : str
        Of ruby; empty for those of the recipe.
    line_nm : float
        Added to every unshifted line [nm].
    rise_sigmas : float
        By how many standard deviations every heated point was hotter.
    pressure_gpa : float
        Added to every pressure [GPa].
    shift_mm, shift_mm_per_k : float
        How much nearer to the detector the sample was than believed [mm], and more when heated [mm/K].
    """

    term: str
    name: str
    is_choice: bool = False
    scale: str = ""
    correction: str = ""
    line_nm: float = 0.0
    rise_sigmas: float = 0.0
    pressure_gpa: float = 0.0
    shift_mm: float = 0.0
    shift_mm_per_k: float = 0.0


RECORDED: Final = Assumption(term="", name="as recorded")


@dataclass(frozen=True, slots=True, kw_only=True)
class AssumedState:
    """Pressure and temperature of a point, and what its cell edges are to be multiplied by, under an assumption.

    Parameters
    ----------
    pressure_gpa, temperature_k : float
        State of the sample.
    stretch : float
        Factor on every cell edge.
    """

    pressure_gpa: float
    temperature_k: float
    stretch: float


class Reader:
    """Reads the states of a run's points anew.

    Parameters
    ----------
    run : ReducedRun
        With its recipe.
    """

    def __init__(self, run: ReducedRun) -> None:
        recipe = recipe_of(run.start["recipe"])
        self._ruby: RubyReduction = recipe.ruby
        self._ruler: RubyRuler = recipe.ruby.ruler()
        self._is_imported = run.is_imported
        self._distance_mm = recipe.geometry.distance_mm

    def state(self, point: ReducedPoint, under: Assumption) -> AssumedState:
        """Return the state of a point under an assumption.

        The unshifted line a point rests on is worked out from its pressure, so whatever the record corrected - axis,
        reference of the leg - stays corrected.

        Raises
        ------
        OutsideCalibration
            If a scale or correction does not hold there.
        """
        kelvin = point.temperature_k
        pressure = point.pressure_gpa
        rise = kelvin - self._ruler.reference_temperature_k
        heated = abs(rise) > UNHEATED_K
        if heated:
            kelvin += under.rise_sigmas * self.rise_sigma_k(rise)
        if under.scale or under.correction or under.line_nm or kelvin != point.temperature_k:
            pressure = self._reread(point, under, kelvin)
        toward_mm = under.shift_mm + (under.shift_mm_per_k * rise if heated else 0.0)
        return AssumedState(
            pressure_gpa=pressure + under.pressure_gpa,
            temperature_k=kelvin,
            # A sample nearer to the detector makes smaller rings, which were read as a larger cell.
            stretch=1.0 - toward_mm / self._distance_mm,
        )

    def rise_sigma_k(self, rise_k: float) -> float:
        """Return the standard deviation of a sample's rise above its room [K], for a rise [K].

        Notes
        -----
        Slope of the cell's gradient, and a gasket thermocouple that deviates by its class over the first 100 K.
        """
        over = rise_k / self._ruby.gasket_to_sample
        own = self._ruby.gasket_to_sample * self._ruby.thermocouple_sigma_k * min(abs(over) / 100.0, 1.0)
        return math.hypot(self._ruby.gasket_to_sample_sigma * over, own)

    def assumptions(self, points: tuple[ReducedPoint, ...]) -> tuple[Assumption, ...]:
        """Return what else could be assumed of these points; of pressures that were given, nothing."""
        placement = Assumption(term="sample placement", name=f"{PLACEMENT_MM:g} mm", shift_mm=PLACEMENT_MM)
        if self._is_imported:
            return (placement,)
        ruler = self._ruler
        coldest, hottest = (pick(point.temperature_k for point in points) for pick in (min, max))
        rivals = set(_names(ruler, coldest)) & set(_names(ruler, hottest))
        found = [
            Assumption(term="ruby scale", name=scale, scale=scale, is_choice=True)
            for scale, correction in sorted(rivals)
            if correction == ruler.correction
        ]
        found += [
            Assumption(term="temperature correction", name=correction, correction=correction, is_choice=True)
            for scale, correction in sorted(rivals)
            if scale == ruler.scale
        ]
        steps = (
            ("chip to chip", ruler.chip_to_chip_nm),
            ("reference line", ruler.reference_sigma_nm),
            ("line shape", ruler.line_shape_nm),
        )
        found += [Assumption(term=term, name=f"{nm * 1e3:.1f} pm", line_nm=nm) for term, nm in steps if nm > 0.0]
        gpa = ruler.ruby_to_sample_gpa
        if gpa > 0.0:
            found.append(Assumption(term="ruby to sample", name=f"{gpa:g} GPa", pressure_gpa=gpa))
        found.append(placement)
        if hottest - ruler.reference_temperature_k > UNHEATED_K:
            found.append(Assumption(term="thermocouple", name="one standard deviation", rise_sigmas=1.0))
            each = SHIFT_ON_HEATING_MM_PER_K
            found.append(Assumption(term="sample moves on heating", name=f"{1e3 * each:g} um/K", shift_mm_per_k=each))
        return tuple(found)

    def _reread(self, point: ReducedPoint, under: Assumption, kelvin: float) -> float:
        ruler = self._ruler
        recorded_k = point.ruby_temperature_k
        pressure = max(point.pressure_gpa, 0.0)
        unshifted = point.ruby_r1_nm * ruler.unshifted_nm(recorded_k) / ruler.wavelength_nm(pressure, recorded_k)
        effective = unshifted - (ruler.unshifted_nm(recorded_k) - ruler.reference_wavelength_nm)
        asked = replace(ruler, reference_wavelength_nm=effective + under.line_nm)
        wanted = (under.scale or ruler.scale, under.correction or ruler.correction)
        if wanted != (ruler.scale, ruler.correction):
            others = {(each.scale, each.correction): each for each in asked.rivals(kelvin)}
            if wanted not in others:
                raise OutsideCalibration(
                    f"{wanted[0]} with {wanted[1]} does not hold at {kelvin:.1f} K. Choose another.",
                    temperature_k=kelvin,
                )
            asked = others[wanted]
        return asked.gpa(point.ruby_r1_nm, kelvin)


def _names(ruler: RubyRuler, temperature_k: float) -> tuple[tuple[str, str], ...]:
    return tuple((rival.scale, rival.correction) for rival in ruler.rivals(temperature_k))
