"""How the pressure of a cell goes when it is heated: a prediction with its error, from a prior and readings.

Three things raise the pressure at a gas load that is held: thermal pressure, friction that lets go and so lets more of
the load through, and creep still to come. Before the ramp their sizes are those of the cell model, each with its
uncertainty; each reading of the ramp then weighs in. Twenty kelvin cannot tell thermal pressure from friction, and need
not: only their sum goes on. What they cannot show is curvature, which therefore stays in the error.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from lics_beamline.control import approach
from lics_beamline.control.approach_settings import ApproachSettings
from lics_beamline.control.cell_estimate import PressureReading
from lics_beamline.control.cell_model import CellModel, Grip
from lics_beamline.control.gain import Gain
from lics_beamline.control.heating_settings import HeatingSettings
from lics_beamline.control.settings import ControlSettings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RUBY_GPA_PER_K: Final = 0.0205  # what 1 K moves a ruby pressure: Datchi et al. (2007) with Ruby2020, at 498 K
CURVATURE_SPAN_K: Final = 200.0  # over which the uncertainty of the curvature is declared
TEMPERATURE_NOISE_K: Final = 0.05  # of one reading of the gasket; thermocouple readers resolve 0.01 K
SURPRISE_SIGMAS: Final = 5.0  # standard deviations beyond which a reading surprises
SURPRISE_MARGIN_GPA: Final = 0.015  # besides them: small slips, and a ramp that does not run evenly
FIT_NOISE_GPA: Final = 0.002  # noise that the fit of a line does not know of; engineering value
SHAPE_COUNT: Final = 5  # thermal pressure, curvature, release, creep, lag
FAR_BAR: Final = 100.0  # beyond any dead band
JUMP_GPA: Final = 0.5  # standard deviation of where the pressure stands after a jump: it is read, not foreseen


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """A pressure that is expected.

    Parameters
    ----------
    temperature_k : float
        At which temperature of the sample [K].
    gpa, sigma_gpa : float
        The pressure and its standard deviation [GPa].
    """

    temperature_k: float
    gpa: float
    sigma_gpa: float

    def is_met_by(self, reading: PressureReading) -> bool:
        """Whether a reading lies where it was to be expected."""
        return abs(reading.pressure_gpa - self.gpa) <= SURPRISE_SIGMAS * self.sigma_gpa + SURPRISE_MARGIN_GPA

    def low_gpa(self, sigmas: float) -> float:
        """Return the lower end of the interval of `sigmas` standard deviations [GPa]."""
        return self.gpa - sigmas * self.sigma_gpa

    def high_gpa(self, sigmas: float) -> float:
        """Return the upper end of the interval of `sigmas` standard deviations [GPa]."""
        return self.gpa + sigmas * self.sigma_gpa

    def __str__(self) -> str:
        return f"{self.gpa:.2f} +- {self.sigma_gpa:.2f} GPa at {self.temperature_k:.0f} K"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """How a pressure rises with temperature.

    Parameters
    ----------
    gpa_per_k, sigma_gpa_per_k : float
        The slope and its standard deviation [GPa/K].
    """

    gpa_per_k: float
    sigma_gpa_per_k: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Parameters of a linear model, found by least squares with a prior.

    Parameters
    ----------
    found, covariance : array
        The parameters, (n,), and their covariance, (n, n).
    """

    found: NDArray[np.float64]
    covariance: NDArray[np.float64]

    def value(self, row: NDArray[np.float64]) -> Prediction:
        """Return what the parameters make of a row, with its error."""
        variance = float(row @ self.covariance @ row)
        return Prediction(temperature_k=math.nan, gpa=float(row @ self.found), sigma_gpa=math.sqrt(max(variance, 0.0)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """What is believed of one cell before it is heated.

    Parameters
    ----------
    cell : CellModel
        Thermal pressure and friction, and the uncertainty of each.
    heating : HeatingSettings
        How far else such a cell may differ from its model, and the lag of the sample on a ramp.
    approach : ApproachSettings
        The creep that is usual for this kind of cell.
    gain : Gain
        Of the cell at this pressure [GPa/bar].
    edge : int
        +1 where the last move of the gas was up and friction holds the cell back, -1 where it was down and friction
        holds it up, 0 where that is not known.
    coming_gpa : float
        Creep believed to be still to come [GPa].
    """

    cell: CellModel
    heating: HeatingSettings
    approach: ApproachSettings
    gain: Gain
    edge: int
    coming_gpa: float = 0.0

    def share(self, pressure_gpa: float) -> float:
        """Return which part of the thermal pressure a cell at `pressure_gpa` makes, 0 to 1."""
        return min(pressure_gpa / self.cell.thermal_full_gpa, 1.0)

    def release_gpa(self, load_bar: float, from_k: float, to_k: float) -> float:
        """Return what friction lets go between two temperatures [K] at a held load [bar] and edge [GPa]."""
        if self.edge == 0:
            return 0.0
        far_bar = 0.0 if self.edge > 0 else 2.0 * load_bar + FAR_BAR
        through_bar = [  # coming from far away on its side, the grip stands at the edge of its band
            self.cell.moved(
                Grip(gas_bar=load_bar, transmitted_bar=far_bar, temperature_k=at_k),
                gas_bar=load_bar,
                temperature_k=at_k,
            ).transmitted_bar
            for at_k in (from_k, to_k)
        ]
        return self.gain.gpa_per_bar * (through_bar[1] - through_bar[0])


def prior_of(settings: ControlSettings, approached: approach.ApproachState | None) -> Prior:
    """Return what is believed of a cell that is to be heated.

    Parameters
    ----------
    settings : ControlSettings
        The cell as its profile expects it.
    approached : approach.ApproachState, optional
        Where the approach before ended: what it learned of the gain, which way it went, what still creeps.
    """
    cell, heating, rules = settings.cell_model, settings.heating, settings.approach
    last = approached.estimate.last if approached else None
    if approached is None or last is None:  # as loaded: no friction has been worked against
        gain = Gain(gpa_per_bar=cell.gain_at(cell.start_gpa), error=cell.gain_doubt)
        return Prior(cell=cell, heating=heating, approach=rules, gain=gain, edge=0)
    estimate = approached.estimate
    learned = estimate.gains.at(last.pressure_gpa, estimate.direction)
    return Prior(
        cell=cell,
        heating=heating,
        approach=rules,
        gain=learned or Gain(gpa_per_bar=cell.gain_at(last.pressure_gpa), error=cell.gain_doubt),
        edge=estimate.direction if estimate.moving else 0,
        coming_gpa=estimate.creep.coming_gpa(rules.creep_fraction),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """What heating at a held load does to one cell, as far as it is known.

    Parameters
    ----------
    prior : Prior
        What was believed of the cell before any reading of the ramp.
    readings : tuple of PressureReading
        Since just before the ramp; at least one.
    jumps : tuple of int
        Indices of the readings at which the pressure was found to have jumped.

    Attributes
    ----------
    fit : Fit
        What the readings make of the prior.

    Notes
    -----
    Linear least squares with a prior (Gauss-Markov with random parameters) of
    ``P(T) = P0 + b (T-T0) + c b0 (T-T0)^2/200 K + f R(T) + w (1 - exp(-t/tau)) - l k dT/dt``:
    thermal pressure b, curvature c, release R of the friction in the cell model, creep w, lag l of the sample, with k
    what a kelvin of it does to the reading. P0 begins anew at a jump.
    """

    prior: Prior
    readings: tuple[PressureReading, ...]
    jumps: tuple[int, ...] = ()
    fit: Fit = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fit", self._fitted())

    @property
    def newest(self) -> PressureReading:
        """The last reading believed."""
        return self.readings[-1]

    @property
    def learned_gain(self) -> Gain | None:
        """What a bar does: at a held load nothing is learned of it."""
        return None

    def at(self, temperature_k: float) -> Prediction:
        """Return the pressure expected at rest at a temperature of the sample [K], creep over and the ramp ended."""
        row = self._row(
            temperature_k, after_s=math.inf, slope_k_per_s=0.0, release_gpa=self._released_gpa(temperature_k)
        )
        return self._predict(row, temperature_k)

    def next(self, reading: PressureReading) -> Prediction:
        """Return what was to be expected of a reading, by those before it; its own noise is part of the error."""
        row = self._rows((*self.readings, reading))[-1]
        expected = self._predict(row, reading.temperature_k)
        noise = self._noises_gpa((self.newest, reading) if len(self.readings) < 2 else (*self.readings[-2:], reading))[
            -1
        ]
        return replace(expected, sigma_gpa=math.hypot(expected.sigma_gpa, noise))

    def soon(self, temperature_k: float, time_s: float) -> Prediction:
        """Return what is expected to be read on the ramp, at a temperature [K] and time [s] not far ahead."""
        return self.next(replace(self.newest, temperature_k=temperature_k, time_s=time_s))

    def expects(self, reading: PressureReading) -> bool:
        """Whether a reading lies where it was to be expected."""
        return self.next(reading).is_met_by(reading)

    def after(self, reading: PressureReading, *, jumped: bool = False) -> Drift:
        """Return what is known after a reading that is believed; `jumped`: the pressure has left its way for good."""
        jumps = (*self.jumps, len(self.readings)) if jumped else self.jumps
        return replace(self, readings=(*self.readings, reading), jumps=jumps)

    def slope(self) -> Slope:
        """Return how the pressure rises now at a held load."""
        here_k = self.newest.temperature_k
        release_gpa = self._released_gpa(here_k + 1.0) - self._released_gpa(here_k)
        row = self._row(here_k + 1.0, after_s=0.0, slope_k_per_s=0.0, release_gpa=release_gpa)
        row -= self._row(here_k, after_s=0.0, slope_k_per_s=0.0, release_gpa=0.0)
        row[-1] = 0.0
        rise = self.fit.value(row)
        return Slope(gpa_per_k=rise.gpa, sigma_gpa_per_k=rise.sigma_gpa)

    def taught_k(self) -> float:
        """Return over how many kelvin the readings reach [K]."""
        temperatures_k = [reading.temperature_k for reading in self.readings]
        return max(temperatures_k) - min(temperatures_k)

    def _predict(self, row: NDArray[np.float64], temperature_k: float) -> Prediction:
        value = self.fit.value(row)
        return Prediction(
            temperature_k=temperature_k, gpa=self.readings[0].pressure_gpa + value.gpa, sigma_gpa=value.sigma_gpa
        )

    def _released_gpa(self, temperature_k: float) -> float:
        first = self.readings[0]
        return self.prior.release_gpa(first.load_bar, first.temperature_k, temperature_k)

    def _row(
        self, temperature_k: float, *, after_s: float, slope_k_per_s: float, release_gpa: float
    ) -> NDArray[np.float64]:
        """Return the coefficients of thermal pressure, curvature, release, creep, lag, then of one offset a stretch."""
        import numpy as np

        rise_k = temperature_k - self.readings[0].temperature_k
        share = self.prior.share(self.readings[0].pressure_gpa)
        thermal_gpa_per_k = self.prior.cell.thermal_gpa_per_k * share
        row = np.zeros(SHAPE_COUNT + 1 + len(self.jumps))
        row[:SHAPE_COUNT] = (
            rise_k * share,
            thermal_gpa_per_k * rise_k * rise_k / CURVATURE_SPAN_K,
            release_gpa,
            -math.expm1(-after_s / self.prior.approach.creep_s),
            -(RUBY_GPA_PER_K + thermal_gpa_per_k) * slope_k_per_s,
        )
        row[-1] = 1.0
        return row

    def _rows(self, readings: tuple[PressureReading, ...]) -> NDArray[np.float64]:
        """Return the coefficients of each reading; what friction lets go creeps like any other load."""
        import numpy as np

        first, before = readings[0], readings[0]
        crept_gpa = 0.0
        rows = []
        for index, (reading, slope) in enumerate(zip(readings, _ramps_k_per_s(readings), strict=True)):
            elapsed_s = reading.time_s - before.time_s
            release_gpa = self._released_gpa(reading.temperature_k)
            crept_gpa += (release_gpa - crept_gpa) * -math.expm1(-elapsed_s / self.prior.approach.creep_s)
            row = self._row(
                reading.temperature_k,
                after_s=reading.time_s - first.time_s,
                slope_k_per_s=slope,
                release_gpa=release_gpa - self.prior.approach.creep_fraction * (release_gpa - crept_gpa),
            )
            row[SHAPE_COUNT:] = 0.0
            row[SHAPE_COUNT + sum(index >= jump for jump in self.jumps)] = 1.0
            rows.append(row)
            before = reading
        return np.array(rows)

    def _noises_gpa(self, readings: tuple[PressureReading, ...]) -> list[float]:
        """Return the noise of each reading; while a ramp begins or ends, the lag of the sample is not known well."""
        ramps = _ramps_k_per_s(readings)
        changed = [0.0, *(after - before for before, after in pairwise(ramps))]
        lag = RUBY_GPA_PER_K * self.prior.heating.lag_s
        return [math.hypot(noise_gpa(one), lag * change) for one, change in zip(readings, changed, strict=True)]

    def _fitted(self) -> Fit:
        import numpy as np

        cell, heating, offsets = self.prior.cell, self.prior.heating, 1 + len(self.jumps)
        means = np.array([cell.thermal_gpa_per_k, 0.0, 1.0, self.prior.coming_gpa, heating.lag_s] + [0.0] * offsets)
        sigmas = np.array(
            [
                cell.thermal_gpa_per_k * cell.thermal_doubt,
                heating.curvature_doubt,
                math.hypot(heating.release_doubt, self.prior.gain.error),
                heating.creep_doubt_gpa,
                heating.lag_doubt_s,
            ]
            + [JUMP_GPA] * offsets
        )
        rows = self._rows(self.readings)
        read_gpa = np.array([reading.pressure_gpa - self.readings[0].pressure_gpa for reading in self.readings])
        # What the shapes cannot follow is left to the readings near by: the further back, the less one says of here.
        bend = 2.0 * heating.curvature_doubt * cell.thermal_gpa_per_k / CURVATURE_SPAN_K
        past_k = np.array([self.newest.temperature_k - reading.temperature_k for reading in self.readings])
        noises_gpa = np.hypot(self._noises_gpa(self.readings), bend * past_k**2)
        scaled = rows * sigmas / noises_gpa[:, None]  # in units of the prior and of the noise
        covariance = np.linalg.inv(scaled.T @ scaled + np.eye(len(means)))
        found = means + sigmas * (covariance @ (scaled.T @ ((read_gpa - rows @ means) / noises_gpa)))
        return Fit(found=found, covariance=covariance * np.outer(sigmas, sigmas))


def _ramps_k_per_s(readings: tuple[PressureReading, ...]) -> list[float]:
    """Return how fast the temperature rose before each reading."""
    return [
        0.0,
        *(
            (after.temperature_k - before.temperature_k) / max(after.time_s - before.time_s, 1e-3)
            for before, after in pairwise(readings)
        ),
    ]


def noise_gpa(reading: PressureReading) -> float:
    """Return the standard deviation of a reading, with what its own fit does not know of [GPa]."""
    return math.hypot(reading.sigma_gpa, RUBY_GPA_PER_K * TEMPERATURE_NOISE_K, FIT_NOISE_GPA)
