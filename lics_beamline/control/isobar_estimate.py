"""A Kalman filter of an isobar: pressure, its rise by the kelvin and its fall by the bar, while both are moved."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from lics_beamline.control.cell_estimate import PressureReading
from lics_beamline.control.gain import Gain
from lics_beamline.control.heating import (
    JUMP_GPA,
    RUBY_GPA_PER_K,
    Prediction,
    Prior,
    Slope,
    noise_gpa,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WANDER_IN_A_MINUTE_GPA: Final = (
    0.002  # the pressure goes its own way by so much in a minute: creep, the wander of a ramp
)
CREEP_SHARE: Final = 0.12  # part of what the gas does that does not come at once
SLOPE_DRIFT_OVER_20_K: Final = 0.05  # relative change of the slope over 20 K: friction does not let go evenly
GAIN_DRIFT_OVER_A_BAR: Final = 0.03  # relative change of the gain over a bar


@dataclass(frozen=True, slots=True, kw_only=True)
class IsobarEstimate:
    """What holds a cell at its pressure, as far as it is known: mean and covariance of a Kalman filter.

    Parameters
    ----------
    newest : PressureReading
        The last reading believed.
    ramp_k_per_s : float
        How fast the temperature rose before it [K/s].
    interval_s : float
        Time between it and the one before [s].
    lag_s : float
        How far the sample is behind the thermocouple on a ramp [s].
    mean, covariance : array
        Of the sample's pressure [GPa], its rise [GPa/K] at a held load, and the gain [GPa/bar].

    Notes
    -----
    The model is ``P += slope dT + gain dload``; slope and gain wander slowly, the pressure by what creeps.
    """

    newest: PressureReading
    ramp_k_per_s: float
    interval_s: float
    lag_s: float
    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]

    @classmethod
    def begin(cls, reading: PressureReading, prior: Prior, *, pressure_gpa: float, sigma_gpa: float) -> IsobarEstimate:
        """Return what is believed before the ramp.

        Parameters
        ----------
        reading : PressureReading
            The last one at rest.
        prior : Prior
            Of the cell; the edge is that on which gas is let out.
        pressure_gpa, sigma_gpa : float
            Pressure at rest and its standard deviation [GPa].
        """
        import numpy as np

        cell, gain = prior.cell, prior.gain
        release = prior.release_gpa(reading.load_bar, reading.temperature_k, reading.temperature_k + 1.0)
        thermal = cell.thermal_gpa_per_k * prior.share(reading.pressure_gpa)
        slope_sigma = math.hypot(
            thermal * cell.thermal_doubt, release * math.hypot(prior.heating.release_doubt, gain.error)
        )
        return cls(
            newest=reading,
            ramp_k_per_s=0.0,
            interval_s=0.0,
            lag_s=prior.heating.lag_s,
            mean=np.array([pressure_gpa, thermal + release, gain.gpa_per_bar]),
            covariance=np.diag([sigma_gpa**2, slope_sigma**2, (gain.error * gain.gpa_per_bar) ** 2]),
        )

    @property
    def pressure(self) -> Prediction:
        """Pressure of the sample now."""
        return Prediction(
            temperature_k=self.newest.temperature_k,
            gpa=float(self.mean[0]),
            sigma_gpa=math.sqrt(float(self.covariance[0, 0])),
        )

    def slope(self) -> Slope:
        """Return the rise of the pressure with temperature at a held load."""
        return Slope(gpa_per_k=float(self.mean[1]), sigma_gpa_per_k=math.sqrt(float(self.covariance[1, 1])))

    @property
    def gain(self) -> Gain:
        """Fall of the pressure with the load."""
        gain = float(self.mean[2])
        return Gain(gpa_per_bar=gain, error=math.sqrt(float(self.covariance[2, 2])) / gain)

    @property
    def learned_gain(self) -> Gain | None:
        """What a bar does, as it is believed now."""
        return self.gain

    def at(self, temperature_k: float) -> Prediction:
        """Return the pressure expected at a temperature [K], at the load of now."""
        import numpy as np

        row = np.array([1.0, temperature_k - self.newest.temperature_k, 0.0])
        return Prediction(
            temperature_k=temperature_k,
            gpa=float(row @ self.mean),
            sigma_gpa=math.sqrt(float(row @ self.covariance @ row)),
        )

    def needed_bar(self, temperature_k: float, pressure_gpa: float) -> float:
        """Return the load that makes a pressure [GPa] at a temperature [K], as believed now [bar]."""
        return self.newest.load_bar + (pressure_gpa - self.at(temperature_k).gpa) / float(self.mean[2])

    def next(self, reading: PressureReading) -> Prediction:
        """Return what was to be expected of a reading; its own noise is part of the error."""
        later = self._moved(reading)
        return Prediction(
            temperature_k=reading.temperature_k,
            gpa=float(later.mean[0]) - self._unseen_gpa(later),
            sigma_gpa=math.hypot(math.sqrt(float(later.covariance[0, 0])), self._noise_gpa(later)),
        )

    def expects(self, reading: PressureReading) -> bool:
        """Whether a reading lies where it was to be expected."""
        return self.next(reading).is_met_by(reading)

    def after(self, reading: PressureReading, *, jumped: bool = False) -> IsobarEstimate:
        """Return what is believed after a reading; `jumped`: the pressure has left its way for good."""
        import numpy as np

        later = self._moved(reading)
        covariance = later.covariance + np.diag([JUMP_GPA**2 if jumped else 0.0, 0.0, 0.0])
        expected_gpa = float(later.mean[0]) - self._unseen_gpa(later)
        weights = covariance[:, 0] / (covariance[0, 0] + self._noise_gpa(later) ** 2)
        mean = later.mean + weights * (reading.pressure_gpa - expected_gpa)
        mean[2] = max(mean[2], 0.3 * self.mean[2])  # gas that is let out never raises the pressure
        return replace(later, mean=mean, covariance=covariance - np.outer(weights, covariance[0]))

    def _moved(self, reading: PressureReading) -> IsobarEstimate:
        import numpy as np

        elapsed_s = max(reading.time_s - self.newest.time_s, 1e-3)
        rise_k = reading.temperature_k - self.newest.temperature_k
        moved_bar = reading.load_bar - self.newest.load_bar
        forward = np.array([[1.0, rise_k, moved_bar], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
        slope, gain = float(self.mean[1]), float(self.mean[2])
        wander = np.diag(
            [
                WANDER_IN_A_MINUTE_GPA**2 * elapsed_s / 60.0 + (CREEP_SHARE * gain * moved_bar) ** 2,
                (SLOPE_DRIFT_OVER_20_K * max(abs(slope), 0.002)) ** 2 * abs(rise_k) / 20.0,
                (GAIN_DRIFT_OVER_A_BAR * gain) ** 2 * abs(moved_bar),
            ]
        )
        return replace(
            self,
            newest=reading,
            ramp_k_per_s=rise_k / elapsed_s,
            interval_s=elapsed_s,
            mean=forward @ self.mean,
            covariance=forward @ self.covariance @ forward.T + wander,
        )

    def _unseen_gpa(self, later: IsobarEstimate) -> float:
        """Return by how much a ruby behind its thermocouple reads too little [GPa]."""
        return RUBY_GPA_PER_K * self.lag_s * later.ramp_k_per_s

    def _noise_gpa(self, later: IsobarEstimate) -> float:
        changed_k_per_s = later.ramp_k_per_s - self.ramp_k_per_s
        return math.hypot(noise_gpa(later.newest), RUBY_GPA_PER_K * self.lag_s * changed_k_per_s)
