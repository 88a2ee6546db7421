"""Settings of a pattern fit: range, background, widths, shift."""

from __future__ import annotations

from dataclasses import dataclass, field

from lics_beamline.refinement.line_width import LineWidths
from lics_beamline.refinement.pattern_model import Shift


@dataclass(frozen=True, slots=True, kw_only=True)
class FitChoice:
    """Settings of a pattern fit.

    Parameters
    ----------
    two_theta_deg : tuple of float, optional
        Range [deg]; default the whole pattern.
    excluded_deg : tuple of tuple of float
        Ranges left out [deg].
    background_terms : int
        Chebyshev terms; air and Compton scattering over 25 deg need 10 to 12.
    widths : LineWidths
        Widths that start the search.
    refined_widths : tuple of str
        Those of u, v, w, x, y that are refined.
    shift : {"none", "zero", "off-axis", "along-beam"}
        Whether to refine a shift of all lines. An area detector's calibration leaves none; a sample that moved along
        the beam needs a phase of known cell beside it; one beside the axis of a diffractometer does not.
    shift_start : float
        Where the search for the shift starts, in its unit.
    reach : float
        Lines are drawn this many FWHM to either side; a Lorentzian has 1 % of its area beyond 32.
    second_angstrom : float, optional
        A second wavelength, half as strong: K-alpha 2 of a tube, whose K-alpha 1 is the pattern's [angstrom].
    """

    two_theta_deg: tuple[float, float] | None = None
    excluded_deg: tuple[tuple[float, float], ...] = ()
    background_terms: int = 12
    widths: LineWidths = field(default_factory=LineWidths)
    refined_widths: tuple[str, ...] = ("w", "x", "y")
    shift: Shift = "none"
    shift_start: float = 0.0
    reach: float = 60.0
    second_angstrom: float | None = None
