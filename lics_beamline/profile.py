"""What a beamline is, as data: prefixes, limits, times, geometry. Read strictly from ``profile.toml``.

A profile differs from another in data only; code never asks which beamline it is at.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from lics_beamline.diffraction.geometry import Geometry
from lics_beamline.diffraction.plate import Fading
from lics_beamline.errors import ProfileError
from lics_beamline.strict_toml import Fraction, NotNegative, Positive, Strict, load


class Simulators(Strict):
    """How to start the simulated beamline; absent in the profile of a real one."""

    world: str = "volumetric"
    seed: Annotated[int, Field(ge=0)] = 1
    speed: Annotated[float, Field(ge=1, le=300)] = 300.0


class Clock(Strict):
    """Which clock plans and documents live by."""

    kind: Literal["world", "wall"]
    prefix: str = "WORLD:"


class Membrane(Strict):
    """The gas controller of the membrane."""

    prefix: str
    limits_bar: tuple[NotNegative, Positive]
    slew_bar_per_s: Positive
    tolerance_bar: Positive
    dwell_s: NotNegative
    stall_s: Positive


class Heater(Strict):
    """The temperature controller of the cell."""

    prefix: str
    limits_k: tuple[Positive, Positive]
    ramp_rate_k_per_min: Positive
    tolerance_k: Positive
    dwell_s: NotNegative
    stall_s: Positive
    ambient_k: Positive = 298.0
    break_trip: bool = False  # whether the controller itself cuts the power when its sensor breaks


class Thermocouples(Strict):
    """The thermocouple reader; the type is checked at connection."""

    prefix: str
    type: Literal["J", "K", "T", "E", "R", "S", "B", "N"] = "K"


class Ruby(Strict):
    """The ruby spectrometer and how a spectrum is taken."""

    prefix: str
    acquire_time_s: Positive
    accumulations: Annotated[int, Field(ge=1, le=100)] = 1
    laser_power_mw: Positive
    drift_warn_nm: Positive = 0.02  # 0.05 GPa
    drift_stop_nm: Positive = 0.5  # 1.4 GPa: no drift, somebody moved the grating


class Plate(Strict):
    """The image plate: its times are engineering values of this instrument."""

    prefix: str
    read_s: Positive
    erase_s: Positive
    swap_s: Positive
    overlapped: bool = True  # expose one plate while the other is read; false waits for each
    most_fading: Fraction = 0.08  # of an image lost before it is read: half an hour of exposure at the usual fading
    fading: Fading = Fading(fast_share=0.15, fast_s=1200.0, slow_s=4.1e5)  # engineering values: 15 % in an hour


class Beam(Strict):
    """Ring, shutter, monitor and attenuator."""

    prefix: str
    least_ring_ma: Positive = 10.0
    patience_s: Positive = 7200.0


class Stage(Strict):
    """Sample stage. A named position is a map of axis to millimetres or degrees."""

    prefix: str
    positions: dict[str, dict[str, float]] = Field(default_factory=dict)


class Envelope(Strict):
    """Where the cell may go."""

    pressure_gpa: tuple[NotNegative, Positive]
    temperature_k: tuple[Positive, Positive]
    load_bar: tuple[NotNegative, Positive]
    supply_fraction: Fraction = 0.8
    safety_gpa: Positive | None = None  # what anvils and gasket must never see; the envelope ends short of it


class Approach(Strict):
    """How a pressure is approached: one side only, by steps that shrink with the distance."""

    tolerance_gpa: Positive = 0.03
    overshoot_gpa: Positive = 0.05
    reapproach_gpa: Positive = 0.15
    step_fraction: Fraction = 0.9
    gain_gpa_per_bar: Positive = 0.22
    gain_range: tuple[Positive, Positive] = (0.1, 3.3)
    smallest_step_bar: Positive = 0.02
    largest_step_bar: Positive = 6.0
    silent_below_bar: NotNegative = 0.0
    wait_s: NotNegative = 0.0
    most_readings: Annotated[int, Field(ge=1)] = 60
    dead_time_s: NotNegative = 60.0
    settle_s: Positive = 75.0
    slope_gpa_per_min: Positive = 0.01
    creep_fraction: Fraction = 0.12
    creep_s: Positive = 240.0
    slip_gpa: Positive = 0.04
    collapse_gpa: Positive = 0.5
    stale_s: Positive = 150.0
    most_doubts: Annotated[int, Field(ge=1)] = 4
    temperature_band_k: Positive = 5.0
    temperature_jump_k: Positive = 5.0
    load_band_bar: Positive = 0.3
    most_gpa_per_min: Positive = 0.5
    budget_bar: Positive = 12.0
    budget_s: Positive = 600.0


class Heating(Strict):
    """How a cell is heated while its pressure is watched, and what is usual besides the cell model."""

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


class Live(Strict):
    """How long a plan that acts on reduced points waits for one, from its plate being read [s of wall clock]."""

    deadline_s: Positive = 60.0  # then the sweep is held
    most_held_s: Positive = 1800.0  # and so much later it ends in the safe state


class CellModel(Strict):
    """What is expected of this kind of cell before it is measured: a prior, with one standard deviation of each term.

    It serves forecasts and checks only; a pressure is always measured. The model is in ``control/cell_model.py``.
    """

    start_gpa: NotNegative = 0.1
    free_travel_bar: NotNegative = 6.0
    gain_gpa_per_bar: Positive = 0.2
    ceiling_gpa: Positive = 40.0
    friction_bar: NotNegative = 3.0
    friction_per_bar: Annotated[float, Field(ge=0, lt=1)] = 0.06
    friction_relief_per_k: NotNegative = 0.00125
    thermal_gpa_per_k: NotNegative = 0.007
    thermal_full_gpa: Positive = 2.0
    creep_s: NotNegative = 240.0
    gain_doubt: Fraction = 0.3
    friction_doubt: Fraction = 0.4
    thermal_doubt: Fraction = 0.35


class ProfileFile(Strict):
    """The content of ``profile.toml``."""

    name: str
    beamline: str
    prefix: str
    clock: Clock
    simulators: Simulators | None = None
    membrane: Membrane
    heater: Heater
    thermocouples: Thermocouples
    ruby: Ruby
    plate: Plate
    beam: Beam
    stage: Stage
    envelope: Envelope
    approach: Approach = Approach()
    heating: Heating = Heating()
    cell_model: CellModel = CellModel()
    live: Live = Live()
    recipe: str = "recipe.toml"

    @model_validator(mode="after")
    def _limits_rise(self) -> ProfileFile:
        for key, pair in (
            ("membrane.limits_bar", self.membrane.limits_bar),
            ("heater.limits_k", self.heater.limits_k),
            ("envelope.pressure_gpa", self.envelope.pressure_gpa),
            ("envelope.temperature_k", self.envelope.temperature_k),
            ("envelope.load_bar", self.envelope.load_bar),
        ):
            if pair[0] >= pair[1]:
                raise ValueError(f"{key} = {list(pair)}: the lower limit must be below the upper one")
        if self.envelope.load_bar[1] > self.membrane.limits_bar[1]:
            raise ValueError(
                f"envelope.load_bar reaches {self.envelope.load_bar[1]} bar, the membrane only "
                f"{self.membrane.limits_bar[1]} bar (membrane.limits_bar)"
            )
        if self.simulators is None and self.clock.kind == "world":
            raise ValueError('clock.kind = "world" needs a [simulators] table; a real beamline lives by "wall"')
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A profile and where it lies.

    Parameters
    ----------
    folder : Path
        Folder of ``profile.toml``, the geometry and the experiments.
    values : ProfileFile
        What the file says.
    digest : str
        SHA-256 of the file's bytes: which profile a run was made with.
    geometry : Geometry, optional
        Instead of the recipe's.
    """

    folder: Path
    values: ProfileFile
    digest: str
    geometry: Geometry | None = None

    def with_geometry(self, geometry: Geometry) -> Profile:
        """Return the same profile with another geometry than its recipe's, such as a calibration of today."""
        return replace(self, geometry=geometry)

    def with_one_plate(self) -> Profile:
        """Return the same profile for a sweep that waits for each plate before it goes on."""
        plate = self.values.plate.model_copy(update={"overlapped": False})
        return replace(self, values=self.values.model_copy(update={"plate": plate}))

    @property
    def recipe_file(self) -> Path:
        """The recipe by which runs made with this profile are reduced live."""
        return self.folder / self.values.recipe

    @property
    def experiments(self) -> Path:
        """The folder of experiment files."""
        return self.folder / "experiments"


def shipped() -> Path:
    """Return the folder of the profiles that come with the project."""
    packaged = Path(__file__).parent / "profiles"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent / "profiles"


def read_profile(name: str) -> Profile:
    """Read a profile by its name or its folder.

    Parameters
    ----------
    name : str
        ``simulated``, ``bl10xu``, or the path of a folder which holds a ``profile.toml``.

    Raises
    ------
    ProfileError
        If there is none, or its content cannot be used.
    """
    folder = Path(name)
    if not (folder / "profile.toml").is_file():
        folder = shipped() / name
    file = folder / "profile.toml"
    if not file.is_file():
        known = ", ".join(sorted(found.parent.name for found in shipped().glob("*/profile.toml")))
        raise ProfileError(
            f"there is no profile {name!r}: neither a folder with a profile.toml nor one of {known}. "
            "Give one of these names or the path of a profile folder.",
            profile=name,
        )
    values = load(file, ProfileFile)
    return Profile(folder=folder.resolve(), values=values, digest=hashlib.sha256(file.read_bytes()).hexdigest())
