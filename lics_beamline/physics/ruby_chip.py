"""The ruby chip in a cell, as it was read before the cell was loaded."""

from __future__ import annotations

from pydantic import Field

from lics_beamline.files.strict_toml import Strict


class RubyChip(Strict):
    """The chip in the cell itself, read at ambient pressure before it was loaded: no scatter from chip to chip is left.

    Parameters
    ----------
    wavelength_nm, temperature_k : float
        Its unshifted R1 in air [nm] and the temperature it was read at [K].
    sigma_nm : float
        Standard deviation of that reading [nm]; with `ambient_wavelength_nm`, of the difference to it.
    ambient_wavelength_nm : float, optional
        R1 of the ambient ruby outside the cell, read at the same time on the same axis [nm]. Then only the difference
        of the two chips is used, which no later drift of spectrometer or thermocouple touches. Without it the chip must
        have been read on an axis corrected by neon lines, and so must be the run.
    """

    wavelength_nm: float = Field(gt=690.0, lt=700.0)
    temperature_k: float = Field(298.0, gt=50.0, lt=900.0)
    sigma_nm: float = Field(ge=0.0, le=0.1)
    ambient_wavelength_nm: float | None = Field(None, gt=690.0, lt=700.0)
