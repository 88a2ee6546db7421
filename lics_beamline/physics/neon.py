"""Neon lines as a check of a spectrometer's wavelength axis: they neither heat nor age.

The lines of a neon lamp are found whatever the axis is off by, fitted, and compared with their known wavelengths: an
offset and a slope, with errors. 0.05 nm of offset, if nobody looks, is 0.14 GPa.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import BadReading
from lics_beamline.physics.air import Medium, check_medium, from_air_nm
from lics_beamline.physics.spectral_line import SpectralLine, checked_spectrum, count_scale, fit_line, numbers, peaks_nm

# Ne I in air [nm]: NIST Atomic Spectra Database, from Saloman and Sansonetti, J. Phys. Chem. Ref. Data 33, 1113 (2004)
NEON_NM: Final = (692.94672, 702.40500, 703.24128, 705.91079, 717.39380, 724.51665, 743.88981)
PIVOT_NM: Final = 694.25  # where the offset is stated: R1 at ambient, Shen et al. 2020
FEWEST_LINES: Final = 3  # two leave nothing to check offset and slope with
LARGEST_OFFSET_NM: Final = 2.0  # searched to either side; a wrong grating is farther off
MATCH_NM: Final = 0.15  # two lines as far apart as on the list, within this, are those two
WIDEST_MEDIANS: Final = 1.8  # of the median width: lamp lines are as wide as the slit, a ruby line among them is not
CLOSEST_NM: Final = 1e-4  # neither list nor line shape is better than this


@dataclass(frozen=True, slots=True, kw_only=True)
class NeonLine:
    """One line of the lamp.

    Parameters
    ----------
    known_nm : float
        Wavelength of the list, in the medium of the axis [nm].
    line : SpectralLine
        The fitted line.
    """

    known_nm: float
    line: SpectralLine


@dataclass(frozen=True, slots=True, kw_only=True)
class WavelengthCheck:
    """Error of a wavelength axis.

    Parameters
    ----------
    offset_nm, offset_sigma_nm : float
        Axis minus truth at 694.25 nm and its standard deviation [nm].
    slope, slope_sigma : float
        Change of that difference along the axis, and its standard deviation [nm/nm].
    covariance_nm : float
        Covariance of offset and slope [nm].
    reduced_chi2 : float
        Scatter of the lines about the straight line, in units of their errors; errors are scaled by it above 1.
    lines : tuple of NeonLine
        The lines found, by rising wavelength.
    """

    offset_nm: float
    offset_sigma_nm: float
    slope: float
    slope_sigma: float
    covariance_nm: float
    reduced_chi2: float
    lines: tuple[NeonLine, ...]

    def corrected_nm(self, axis_nm: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return true wavelengths [nm] of wavelengths that the axis says [nm]."""
        axis = numbers(axis_nm)
        return np.asarray(PIVOT_NM + (axis - PIVOT_NM - self.offset_nm) / (1.0 + self.slope))

    def sigma_nm(self, axis_nm: float) -> float:
        """Return the standard deviation of a corrected wavelength [nm]; it grows away from the lines."""
        d = axis_nm - PIVOT_NM
        variance = self.offset_sigma_nm**2 + 2.0 * d * self.covariance_nm + (d * self.slope_sigma) ** 2
        return math.sqrt(max(variance, 0.0))


def check_wavelengths(
    wavelength_nm: npt.ArrayLike, counts: npt.ArrayLike, *, fwhm_nm: float = 0.15, medium: Medium = "air"
) -> WavelengthCheck:
    """Find the neon lines of a spectrum and compare them with their known wavelengths.

    Parameters
    ----------
    wavelength_nm, counts : array_like
        Spectrum of a neon lamp; rising wavelengths [nm].
    fwhm_nm : float
        Expected width of the spectrometer's lines [nm]; a factor of two does not matter.
    medium : {"air", "vacuum"}
        Medium that the wavelengths of the axis are stated in.

    Returns
    -------
    WavelengthCheck
        Offset and slope with their errors.

    Raises
    ------
    BadReading
        With ``facts["reason"]`` ``corrupt``, or ``neon lost`` where fewer than three lines are found.
    OutsideCalibration
        If there is no such medium.
    """
    check_medium(medium)
    x, y = checked_spectrum(wavelength_nm, counts)
    y = count_scale(y) * y  # only where lines are is asked for
    known = np.array([from_air_nm(air_nm, medium) for air_nm in NEON_NM])
    peaks = np.array([peak for peak, _ in peaks_nm(x, y, fwhm_nm=fwhm_nm)])
    lines = []
    if peaks.size:
        shift = _common_shift(peaks, known)
        for known_nm in known:
            start_nm = float(peaks[np.abs(peaks - known_nm - shift).argmin()])
            if abs(start_nm - known_nm - shift) < MATCH_NM:
                line = fit_line(x, y, start_nm=start_nm, fwhm_nm=fwhm_nm)
                if line is not None:
                    lines.append(NeonLine(known_nm=float(known_nm), line=line))
        width_nm = float(np.median([one.line.fwhm_nm for one in lines])) if lines else 0.0
        lines = [one for one in lines if one.line.fwhm_nm < WIDEST_MEDIANS * width_nm]
    if len(lines) < FEWEST_LINES:
        raise BadReading(
            f"neon spectrum shows {len(lines)} of its lines from {x[0]:.1f} to {x[-1]:.1f} nm, {FEWEST_LINES} are "
            "needed (neon lost). Check lamp, exposure and grating.",
            reason="neon lost",
            found=len(lines),
        )
    return _straight_line(tuple(lines))


def _common_shift(peaks: npt.NDArray[np.float64], known: npt.NDArray[np.float64]) -> float:
    """Shift of the axis [nm] under which most peaks are lines of the list; of equals, the tightest."""
    shifts = (peaks[:, None] - known[None, :]).ravel()
    best = (-1, -math.inf, 0.0)
    for shift in shifts[np.abs(shifts) < LARGEST_OFFSET_NM]:
        nearest = np.abs(peaks[:, None] - known[None, :] - shift).min(axis=0)
        matched = nearest[nearest < MATCH_NM]
        best = max(best, (int(matched.size), -float(matched.sum()), float(shift)))
    return best[2]


def _straight_line(lines: tuple[NeonLine, ...]) -> WavelengthCheck:
    """Weighted straight line through axis minus truth."""
    d = np.array([one.known_nm for one in lines]) - PIVOT_NM
    difference = np.array([one.line.centre_nm - one.known_nm for one in lines])
    weight = 1.0 / np.hypot([one.line.centre_sigma_nm for one in lines], CLOSEST_NM)
    design = np.column_stack([weight, weight * d])
    covariance = np.linalg.inv(design.T @ design)
    offset, slope = covariance @ design.T @ (weight * difference)
    residual = weight * (difference - offset - slope * d)
    reduced_chi2 = float(residual @ residual) / (len(lines) - 2)
    covariance *= max(reduced_chi2, 1.0)
    return WavelengthCheck(
        offset_nm=float(offset),
        offset_sigma_nm=float(np.sqrt(covariance[0, 0])),
        slope=float(slope),
        slope_sigma=float(np.sqrt(covariance[1, 1])),
        covariance_nm=float(covariance[0, 1]),
        reduced_chi2=reduced_chi2,
        lines=lines,
    )
