"""Where the cell may go, judged before each move: pressure, temperature, load, and how far one step could take it."""

from __future__ import annotations

from lics_beamline.errors import OutsideEnvelope
from lics_beamline.files.strict_toml import Fraction, NotNegative, Positive, Strict


class Envelope(Strict):
    """The region of the path that a plan may walk.

    Parameters
    ----------
    pressure_gpa, temperature_k, load_bar : tuple of float
        Lower and upper limit.
    supply_fraction : float
        Fraction of the gas supply that a load may use, 0 to 1.
    safety_gpa : float, optional
        What anvils and gasket must never see; the envelope ends short of it [GPa].
    """

    pressure_gpa: tuple[NotNegative, Positive]
    temperature_k: tuple[Positive, Positive]
    load_bar: tuple[NotNegative, Positive]
    supply_fraction: Fraction = 0.8
    safety_gpa: Positive | None = None

    def check_pressure(self, pressure_gpa: float) -> None:
        """Raise `OutsideEnvelope` if a requested pressure lies outside."""
        _within("pressure", pressure_gpa, self.pressure_gpa, "GPa", "Change the path, or envelope.pressure_gpa")

    def check_temperature(self, temperature_k: float) -> None:
        """Raise `OutsideEnvelope` if a requested temperature lies outside."""
        _within("temperature", temperature_k, self.temperature_k, "K", "Change the path, or envelope.temperature_k")

    def check_load(
        self,
        load_bar: float,
        *,
        now_bar: float,
        pressure_gpa: float,
        supply_bar: float,
        steepest_gain_gpa_per_bar: float,
    ) -> None:
        """Judge a move of the load.

        Parameters
        ----------
        load_bar, now_bar : float
            Load asked for and present load [bar].
        pressure_gpa : float
            Pressure just measured [GPa].
        supply_bar : float
            Gas supply [bar]; NaN where the controller does not tell.
        steepest_gain_gpa_per_bar : float
            The most that a bar may ever change the pressure of this cell [GPa/bar].

        Raises
        ------
        OutsideEnvelope
            If the load lies outside; or if it is to rise and needs more than the allowed fraction of the supply, or
            could, at the steepest gain, take the sample beyond the highest pressure. Letting gas out needs no supply.
        """
        _within("load", load_bar, self.load_bar, "bar", "Change the path, or envelope.load_bar")
        if load_bar <= now_bar:
            return
        if load_bar > self.supply_fraction * supply_bar:
            raise OutsideEnvelope(
                f"load {load_bar:.2f} bar needs more than {self.supply_fraction:.0%} of the supply of {supply_bar:.1f} "
                "bar. Raise the supply, or ask for less.",
                load_bar=load_bar,
                supply_bar=supply_bar,
            )
        rise_gpa = (load_bar - now_bar) * steepest_gain_gpa_per_bar
        highest_gpa = self.pressure_gpa[1]
        if pressure_gpa + rise_gpa > highest_gpa:
            raise OutsideEnvelope(
                f"a step from {now_bar:.2f} to {load_bar:.2f} bar could take the sample from {pressure_gpa:.3f} to "
                f"{pressure_gpa + rise_gpa:.3f} GPa, the limit is {highest_gpa:.3f} GPa. Ask for a lower pressure.",
                pressure_gpa=pressure_gpa + rise_gpa,
                limit_gpa=highest_gpa,
            )


def _within(what: str, value: float, limits: tuple[float, float], unit: str, remedy: str) -> None:
    if not limits[0] <= value <= limits[1]:  # NaN is refused too
        raise OutsideEnvelope(
            f"{what} {value:g} {unit} is outside {limits[0]:g} to {limits[1]:g} {unit}. {remedy}.",
            value=value,
            limits=limits,
        )
