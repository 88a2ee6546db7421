"""Asking a person for an experiment, question by question, within the limits of a profile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from lics_beamline.cli.answer import between, formula, one_of, several, span, text, whole
from lics_beamline.cli.question import Questions
from lics_beamline.control.path import LONGEST_WAIT_S, MOST_POINTS, HeatingLeg, HoldLeg, PressureLeg
from lics_beamline.errors import LicsError
from lics_beamline.experiment import Experiment
from lics_beamline.files.strict_toml import validate
from lics_beamline.processes.person import whoever_asks
from lics_beamline.profile import Profile

LEG_HELP: Final = "u up in pressure, d down, h heat, s stay where it is, e end of the path"
SOAK_S: Final = 300.0  # proposed: what a cell needs to be of one temperature
RAMP_K_PER_MIN: Final = 5.0  # proposed: the paper's


class Interview:
    """Asks for an experiment, question by question.

    Parameters
    ----------
    profile : Profile
        Whose limits the answers keep.
    """

    def __init__(self, profile: Profile) -> None:
        self._envelope = profile.values.envelope
        questions = Questions()
        self._ask, self._cannot = questions.ask, questions.cannot

    def experiment(self) -> Experiment:
        """Return what was asked for.

        Raises
        ------
        AnswersEnded
            If the input ends, or an answer of a program cannot be used.
        """
        values: dict[str, Any] = {
            "title": self._ask("what is the sweep for, in a line", text),
            "operator": self._ask("who answers for it", str, default=whoever_asks().split("@")[0]),
            "proposal": self._ask("proposal, empty for none", str, default=""),
            "sample": {
                "name": self._ask("name of the sample, by which its runs are found", text),
                "composition": self._ask("its chemical formula, as LiCs", formula),
            },
            "cell": {
                "kind": self._ask("the cell", str, default="membrane diamond-anvil cell, resistively heated"),
                "culet_um": self._ask("diameter of its culets [um]", between(1.0, 5000.0), default="350"),
            },
            "gasket": {"material": self._ask("material of the gasket, a chemical symbol", str, default="Re")},
        }
        chip_nm = self._ask(
            "R1 of the ruby chip in this cell before it was loaded, in air [nm]; empty if it was not read",
            lambda answer: between(690.0, 700.0)(answer) if answer else None,
            default="",
        )
        if chip_nm is not None:
            values["ruby_chip"] = {
                "wavelength_nm": chip_nm,
                "temperature_k": self._ask("temperature it was read at [K]", between(50.0, 900.0), default="298"),
                "sigma_nm": self._ask("standard deviation of that reading [nm]", between(0.0, 0.1), default="0.005"),
            }
        values["exposure"] = {
            "time_s": self._ask("exposure of each point [s]", between(0.1, 1e5), default="120"),
            "oscillation_deg": self._ask("turn of the cell during it [deg]", between(0.0, 20.0), default="6"),
        }
        values["legs"] = list(self._legs())
        return validate(values, Experiment, source="what was answered")

    def _legs(self) -> Iterator[dict[str, Any]]:
        """Ask for the legs of the path, until it ends; a leg that cannot be used is asked for again."""
        low_k, high_k = self._envelope.temperature_k
        asked, last_k = 0, f"{min(max(298.0, low_k), high_k):g}"
        while True:
            question = f"leg {asked + 1} of the path: {LEG_HELP}"
            kind = self._ask(question, one_of("udhse" if asked else "udhs"), default="e" if asked else "s")
            if kind == "e":
                return
            model: type[HeatingLeg | HoldLeg | PressureLeg]
            if kind == "h":
                leg, model = self._heating(last_k), HeatingLeg
            elif kind == "s":
                leg, model = self._stay(last_k), HoldLeg
            else:
                leg, model = self._pressures(kind, last_k), PressureLeg
            try:
                validate(leg, model, source=f"leg {asked + 1}")
            except LicsError as error:
                self._cannot(str(error))
                continue
            asked, last_k = asked + 1, f"{leg['temperatures_k'][-1] if kind == 'h' else leg['temperature_k']:g}"
            yield leg

    def _pressures(self, kind: str, last_k: str) -> dict[str, Any]:
        temperature_k = self._temperature(last_k)
        low, high = self._envelope.pressure_gpa
        stroke = "upstroke" if kind == "u" else "downstroke"
        question = f"pressures [GPa], {low:g} to {high:g}, with blanks between; 1:8:0.5 is each half"
        return {
            "kind": "pressure",
            "name": self._ask("its name", text, default=f"{temperature_k:g} K {stroke}"),
            "stroke": stroke,
            "temperature_k": temperature_k,
            "pressures_gpa": self._ask(question, several(low, high, down=kind == "d")),
        }

    def _heating(self, last_k: str) -> dict[str, Any]:
        low, high = self._envelope.temperature_k
        held = self._ask("what is held: l the load, p the pressure", one_of("lp"), default="l")
        leg: dict[str, Any] = {"kind": "heating", "name": self._ask("its name", text, default="heating")}
        if held == "p":
            question = f"pressure that is held by letting gas out [GPa], {span(self._envelope.pressure_gpa)}"
            leg |= {"hold": "pressure", "pressure_gpa": self._ask(question, between(*self._envelope.pressure_gpa))}
        question = (
            f"temperatures of the points [K], rising from {last_k}, {low:g} to {high:g}; 348:498:50 is each fifty"
        )
        return leg | {
            "temperatures_k": self._ask(question, several(low, high, down=False)),
            "ramp_rate_k_per_min": self._ask("ramp [K/min]", between(0.01, 20.0), default=f"{RAMP_K_PER_MIN:g}"),
            "soak_s": self._ask("wait before each point [s]", between(0.0, LONGEST_WAIT_S), default=f"{SOAK_S:g}"),
        }

    def _stay(self, last_k: str) -> dict[str, Any]:
        leg: dict[str, Any] = {
            "kind": "hold",
            "name": self._ask("its name", text, default="as loaded"),
            "temperature_k": self._temperature(last_k),
            "count": int(self._ask("points to measure", whole(1, MOST_POINTS), default="1")),
        }
        if leg["count"] > 1:
            leg["wait_s"] = self._ask("time between two of them [s]", between(0.0, LONGEST_WAIT_S), default="600")
        return leg

    def _temperature(self, last_k: str) -> float:
        low, high = self._envelope.temperature_k
        return float(
            self._ask(f"temperature of the gasket [K], {low:g} to {high:g}", between(low, high), default=last_k)
        )
