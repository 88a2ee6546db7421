"""The hidden world: one clock, one seed, and the parts that the instruments look at.

Nothing here knows of Channel Access: ``world.advance(seconds)`` steps everything in pure Python.
"""

from __future__ import annotations

import math
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from lics_simulators.beam import Beam
from lics_simulators.cell import Cell
from lics_simulators.heater import Heater
from lics_simulators.membrane import Membrane
from lics_simulators.mixture import Mixture, MixtureParameters
from lics_simulators.plate.structures import STRUCTURES
from lics_simulators.polymorph import Compound, CompoundParameters
from lics_simulators.preset import Preset, read_preset
from lics_simulators.ruby import Ruby
from lics_simulators.sample import GASKET, Calibrant, CalibrantParameters, Sample, SampleState
from lics_simulators.stage import Stage
from lics_simulators.thermocouples import Thermocouples
from lics_simulators.truth import Truth
from lics_simulators.unknown import UnknownParameters, draw


class World:
    """A seeded world in experiment time.

    Parameters
    ----------
    seed : int
        Keys every random draw; the same seed gives the same draws, not the same trajectory.
    preset : Preset or str
        The world, or the name of one.
    speed : float
        Seconds of experiment per second of wall clock, for whoever steps the world by the wall clock.
    folder : Path or None
        Where ``truth.jsonl`` is written; None keeps no record.

    Attributes
    ----------
    preset : Preset
        The world's parameters; what a preset leaves to the seed has been drawn.
    structures : dict of str to Structure
        What the phases that may lie in the beam are made of.
    steppers : list of callable
        Each is called as ``stepper(now_s, dt_s)`` after every substep: instruments that integrate something.
    """

    SUBSTEP_S = 0.5  # longest substep of experiment time [s]
    MAX_SPEED = 300.0  # seconds of experiment per second of wall clock
    TRUTH_S = 30.0  # period of the world's own entries in the truth [s]

    def __init__(
        self, *, seed: int, preset: Preset | str = "volumetric", speed: float = 1.0, folder: Path | None = None
    ) -> None:
        self.seed = seed
        self.speed = speed
        self.preset = preset if isinstance(preset, Preset) else read_preset(preset)
        contents = self.preset.contents
        if isinstance(contents, UnknownParameters):
            contents = draw(contents, self.random("unknown", 0))
            self.preset = replace(self.preset, contents=contents)
        self.time_s = 0.0
        self.steppers: list[Callable[[float, float], None]] = []
        self._holds = 0
        self._lock = threading.Lock()
        p, ambient_k = self.preset, self.preset.ambient_k
        self.beam = Beam(p.beam)
        self.stage = Stage()
        self.membrane = Membrane(p.membrane)
        self.heater = Heater(p.heater, ambient_k)
        self.thermocouples = Thermocouples(p.thermocouples, ambient_k, self.random("thermocouples", 0))
        self.ruby = Ruby(p.ruby, self.random("ruby", 0))
        self.cell = Cell(p.cell, self.random("cell", 0))
        self.structures = STRUCTURES
        self.contents: Sample | Compound | Mixture | Calibrant
        if isinstance(contents, CalibrantParameters):
            self.contents = Calibrant(contents)
        elif isinstance(contents, CompoundParameters):
            self.contents = Compound(contents)
        elif isinstance(contents, MixtureParameters):
            self.contents = Mixture(contents)
            self.structures = STRUCTURES | self.contents.structures()
        else:
            self.contents = Sample(contents, self.random("sample", 0))
        self.truth = Truth(folder, lambda: self.time_s)
        self._next_truth_s = 0.0
        self._record_seed()

    def random(self, instrument: str, count: int) -> np.random.Generator:
        """Return the generator of an instrument's `count`-th draw: the same for the same seed, whatever else runs."""
        return np.random.default_rng([self.seed, zlib.crc32(instrument.encode()), count])

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Stop the clock while something slow is computed. May be nested, and entered from any thread."""
        with self._lock:
            self._holds += 1
        try:
            yield
        finally:
            with self._lock:
                self._holds -= 1

    @property
    def is_held(self) -> bool:
        """Whether somebody holds the clock."""
        return self._holds > 0

    def advance(self, seconds: float) -> float:
        """Step everything by `seconds` of experiment, in equal substeps; return how far the clock went.

        Stops after the substep in which somebody begins to hold the clock; a held world does not move.
        """
        substeps = math.ceil(seconds / self.SUBSTEP_S - 1e-9)
        began_s = self.time_s
        for _ in range(substeps):
            if self._holds > 0:
                break
            self._step(seconds / substeps)
        return self.time_s - began_s

    def sample_state(self) -> SampleState:
        """Return what lies in the beam now."""
        state = self.contents.state(self.time_s, self.cell.pressure_gpa, self.heater.sample_k)
        overlap, along_mm = self.stage.overlap(), self.stage.axes["z"].position
        if overlap == 1.0 and along_mm == 0.0:
            return state
        return replace(
            state,
            shift_along_beam_mm=state.shift_along_beam_mm + along_mm,
            phases=tuple(
                phase if phase.phase == GASKET else replace(phase, cells=phase.cells * overlap)
                for phase in state.phases
            ),
        )

    def power_up(self) -> None:
        """Be as after a power cut: the gas is shut in, no heat, no laser, the shutter closed; the cell is as it was."""
        self.membrane.set_control(on=False)
        self.heater.power_up()
        self.ruby.switch_laser(on=False)
        self.ruby.shutter_is_open = False
        self.ruby.lamp_is_on = False
        self.beam.command_shutter(is_open=False)

    def close(self) -> None:
        """Close the truth."""
        self.truth.close()

    def _step(self, dt_s: float) -> None:
        now_s = self.time_s = self.time_s + dt_s
        self.beam.step(now_s, dt_s)
        self.stage.step(dt_s)
        self.membrane.step(dt_s)
        self.heater.step(dt_s)
        self.thermocouples.step(dt_s, self.heater.gasket_k)
        self.cell.step(dt_s, self.membrane.load_bar, self.heater.sample_k)
        self.contents.step(dt_s, self.cell.pressure_gpa, self.heater.sample_k)
        for stepper in self.steppers:
            stepper(now_s, dt_s)
        if now_s >= self._next_truth_s:
            self._next_truth_s = now_s + self.TRUTH_S
            if self.truth.is_kept:
                self._record()

    def _record_seed(self) -> None:
        self.truth.record(
            "seed",
            seed=self.seed,
            preset=asdict(self.preset),
            thermocouple_offsets_k=self.thermocouples.offsets_k,
            ruby_reference_nm=self.ruby.reference_nm,
            ruby_offset_gpa=self.ruby.offset_gpa,
            spectrometer_calibration_nm=self.ruby.calibration_nm,
            spectrometer_dispersion=self.ruby.dispersion,
        )

    def _record(self) -> None:
        state = asdict(self.sample_state())
        self.truth.record(
            "world",
            **state,
            load_bar=self.membrane.load_bar,
            transmitted_bar=self.cell.transmitted_bar,
            ruby_gpa=self.ruby.pressure_at_ruby_gpa(self.cell.pressure_gpa),
            gasket_k=self.heater.gasket_k,
        )
