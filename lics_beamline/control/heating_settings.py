"""How a cell is heated while its pressure is watched: the table ``[heating]`` of a profile."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lics_beamline.files.strict_toml import Fraction, NotNegative, Positive, Strict


class HeatingSettings(Strict):
    """How a cell is heated, and how far it may differ from its cell model before any of it is measured.

    What is common to all reading of pressure (how old a reading may be, how many may be doubted, how far the gas may be
    off) is said once, in the table of the approach.

    Parameters
    ----------
    read_every_s : float
        Wait between two ruby readings [s of experiment].
    first_readings : int
        Readings of the cell at rest before the ramp begins.
    teach_k : float
        After so many kelvin the prediction is said again [K].
    sigmas : float
        Half width of the interval that a prediction is held to, in standard deviations.
    most_held_s : float
        A ramp held longer has given up [s].
    band_gpa : float
        On an isobar the ramp yields to a pressure further above than this [GPa].
    lost_gpa : float
        On an isobar a pressure further below is lost where heat does not bring it back [GPa].
    curvature_doubt : float
        Standard deviation of how far the rise over 200 K may differ from a straight line through its beginning, as a
        fraction of the thermal pressure: it depends on the pressure it makes.
    release_doubt : float
        Standard deviation of the release of friction, as a fraction of what the cell model expects.
    lag_s, lag_doubt_s : float
        How far the sample's temperature is behind the thermocouple's on a ramp, and its standard deviation [s].
    creep_doubt_gpa : float
        Standard deviation of the creep that may still be to come without being known [GPa].
    """

    read_every_s: Positive = 15.0
    first_readings: Annotated[int, Field(ge=2)] = 4
    teach_k: Positive = 20.0
    sigmas: Positive = 3.0
    most_held_s: Positive = 1800.0
    band_gpa: Positive = 0.04
    lost_gpa: Positive = 0.15
    curvature_doubt: Fraction = 0.06
    release_doubt: Fraction = 0.5
    lag_s: NotNegative = 12.0
    lag_doubt_s: Positive = 4.0
    creep_doubt_gpa: Positive = 0.01
