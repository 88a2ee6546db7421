"""The X-ray beam: ring current with top-up, attenuator, fast shutter, incident-beam monitor."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BeamParameters:
    """One beamline.

    Parameters
    ----------
    energy_kev : float
        Photon energy [keV].
    ring_current_ma : float
        Current right after a top-up [mA].
    lifetime_s, top_up_s : float
        Lifetime of the stored beam [s] and time between top-ups [s].
    i0_cps : float
        Monitor counts per second at 100 mA with no attenuator.
    shutter_s : float
        Time the shutter takes to move [s].
    """

    energy_kev: float
    ring_current_ma: float
    lifetime_s: float
    top_up_s: float
    i0_cps: float
    shutter_s: float


class Beam:
    """The state of the beam.

    Parameters
    ----------
    parameters : BeamParameters
        Numbers of this beamline.

    Attributes
    ----------
    shutter_commanded_open, shutter_is_open : bool
        What was asked of the shutter and where it is.
    attenuator : int
        Steps of absorber in the beam, 0 to 7; each halves it.
    is_dumped, shutter_is_stuck : bool
        Whether the ring is empty, and whether the shutter stays where it is.
    """

    MAX_ATTENUATOR = 7

    def __init__(self, parameters: BeamParameters) -> None:
        self.parameters = parameters
        self.ring_current_ma = parameters.ring_current_ma
        self.attenuator = 0
        self.shutter_commanded_open = False
        self.shutter_is_open = False
        self.is_dumped = False
        self.shutter_is_stuck = False
        self._shutter_left_s = 0.0

    def command_shutter(self, *, is_open: bool) -> None:
        """Ask the shutter to open or close; it arrives after its travel time."""
        if is_open != self.shutter_commanded_open:
            self.shutter_commanded_open = is_open
            self._shutter_left_s = self.parameters.shutter_s

    def step(self, now_s: float, dt_s: float) -> None:
        """Advance by `dt_s` seconds to the time `now_s` of the experiment."""
        p = self.parameters
        self.ring_current_ma = p.ring_current_ma * (1.0 - (now_s % p.top_up_s) / p.lifetime_s)
        if self.is_dumped:
            self.ring_current_ma = 0.0
        if not self.shutter_is_stuck and self.shutter_is_open != self.shutter_commanded_open:
            self._shutter_left_s -= dt_s
            if self._shutter_left_s <= 0.0:
                self.shutter_is_open = self.shutter_commanded_open

    def flux(self) -> float:
        """Monitor counts per second now; 0 when the shutter is closed."""
        if not self.shutter_is_open:
            return 0.0
        return self.parameters.i0_cps * self.ring_current_ma / 100.0 / 2.0**self.attenuator
