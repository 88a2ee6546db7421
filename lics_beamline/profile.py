"""What a beamline is, as data: prefixes, limits, times, geometry. Read strictly from ``profile.toml``.

A profile differs from another in data only; code never asks which beamline it is at. Each table is frozen and used as
it is by whoever needs it; those by which decisions are made belong to ``control`` and are gathered here.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from lics_beamline.control.settings import ControlSettings
from lics_beamline.errors import ProfileError
from lics_beamline.files.given_file import is_there
from lics_beamline.files.strict_toml import Positive, PvPrefix, Strict, load
from lics_beamline.geometry.geometry import Geometry


class SimulatorSettings(Strict):
    """How to start the simulated beamline; absent in the profile of a real one.

    Parameters
    ----------
    world : str
        Preset of the hidden world, or the path of a TOML file of one's own; ``python -m lics_simulators --help`` lists
        the presets.
    seed : int
        Keys every random draw.
    speed : float
        Seconds of experiment in a second of wall clock, at most.
    """

    world: str = "volumetric"
    seed: Annotated[int, Field(ge=0)] = 1
    speed: Annotated[float, Field(ge=1, le=300)] = 300.0


class ClockSettings(Strict):
    """Which clock plans and documents live by.

    Parameters
    ----------
    kind : {"world", "wall"}
        The clock of a simulated world, or that on the wall.
    prefix : str
        Prefix of the world's PVs.
    """

    kind: Literal["world", "wall"]
    prefix: PvPrefix = "WORLD:"


class ThermocoupleSettings(Strict):
    """The thermocouple reader.

    Parameters
    ----------
    prefix : str
        Prefix of its PVs, after that of the beamline.
    type : str
        Type of all four thermocouples, checked when connecting.
    """

    prefix: PvPrefix
    type: Literal["J", "K", "T", "E", "R", "S", "B", "N"] = "K"


class BeamSettings(Strict):
    """Ring, shutter, monitor and attenuator, and what an exposure asks of the ring.

    Parameters
    ----------
    prefix : str
        Prefix of the PVs.
    least_ring_ma : float
        Below this the ring stores no beam for users [mA].
    patience_s : float
        How long a lost beam is waited for [s of experiment].
    """

    prefix: PvPrefix
    least_ring_ma: Positive = 10.0  # engineering value
    patience_s: Positive = 7200.0  # a dumped ring is filled within an hour or two


class StageSettings(Strict):
    """The sample stage.

    Parameters
    ----------
    prefix : str
        Prefix of its PVs, after that of the beamline.
    positions : dict
        Named positions, each a table of axis (``x``, ``y``, ``z`` [mm], ``omega`` [deg]) to value; axes left out stay.
    """

    prefix: PvPrefix
    positions: dict[str, dict[str, float]] = Field(default_factory=dict)


class WatchdogSettings(Strict):
    """What makes the beamline safe when engine and guard are both dead.

    Parameters
    ----------
    kind : {"ioc", "controller", "none"}
        Who does: a watchdog behind PVs, armed and fed by a sweep; the controllers' own communication time-out, which
        nothing here can read; or nobody.
    prefix : str
        Prefix of the watchdog's PVs, after that of the beamline.
    timeout_s : float
        Silence after which it acts at the latest [s of wall clock].
    reason : str
        What was set at the controllers, or why there is nothing; needed where there are no PVs.
    """

    kind: Literal["ioc", "controller", "none"] = "none"
    prefix: PvPrefix = "SAFE:"
    timeout_s: Annotated[float, Field(ge=5, le=600)] = 10.0  # above the 3.5 s a guard takes to miss an engine
    reason: str = ""

    @model_validator(mode="after")
    def _says_why(self) -> WatchdogSettings:
        if self.kind != "ioc" and not self.reason.strip():
            raise ValueError(f'kind = "{self.kind}" needs a reason: what was set at the controllers, or why nothing')
        return self


class LiveSettings(Strict):
    """How long a plan that acts on reduced points waits for one, from its plate being read [s of wall clock].

    Parameters
    ----------
    deadline_s : float
        Then the sweep is held.
    most_held_s : float
        And so much later it ends in the safe state.
    """

    deadline_s: Positive = 60.0
    most_held_s: Positive = 1800.0


class AlertSettings(Strict):
    """Who is told when a sweep is held, trips or ends: a command that sends a message to where people are.

    Parameters
    ----------
    command : tuple of str
        A program and its words; ``{says}`` in one is replaced by what happened, which also is its input. Empty: nobody
        is told.
    """

    command: Annotated[tuple[str, ...], Field(max_length=100)] = ()


class ShellSettings(Strict):
    """What a session at a prompt begins with.

    Parameters
    ----------
    experiment : str
        The profile's experiment that it has at hand.
    best_effort : bool
        Whether bluesky's best-effort callback tells of each run, and plots it where there is a display.
    progress : bool
        Whether motions that are waited for show how far they are.
    """

    experiment: str = "lics-2015"
    best_effort: bool = True
    progress: bool = True


class ProfileFile(ControlSettings):
    """The content of ``profile.toml``: the tables that decisions rest on, and those that only instruments need.

    Parameters
    ----------
    name : str
        Name of the profile, in documents.
    beamline : str
        Name of the beamline, for people.
    prefix : str
        Prefix of all PVs.
    recipe : str
        File of the recipe by which runs are reduced live, beside the profile.
    catalog : str
        Where runs are catalogued: ``https://...`` of a server that `lics serve` started, or ``postgresql://...``; empty
        for files of the data folder.
    """

    name: str
    beamline: str
    prefix: PvPrefix
    clock: ClockSettings
    simulators: SimulatorSettings | None = None
    thermocouples: ThermocoupleSettings
    beam: BeamSettings
    stage: StageSettings
    live: LiveSettings = LiveSettings()
    watchdog: WatchdogSettings = WatchdogSettings(reason="the profile says nothing of one")
    alerts: AlertSettings = AlertSettings()
    shell: ShellSettings = ShellSettings()
    recipe: str = "recipe.toml"
    catalog: str = ""

    @field_validator("catalog")
    @classmethod
    def _catalog_is_a_place(cls, uri: str) -> str:
        return check_catalog_uri(uri) if uri else uri

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
        if self.envelope.temperature_k[1] > self.heater.limits_k[1]:
            raise ValueError(
                f"envelope.temperature_k reaches {self.envelope.temperature_k[1]} K, the heater only "
                f"{self.heater.limits_k[1]} K (heater.limits_k)"
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

    def with_recipe(self, path: Path) -> Profile:
        """Return the same profile with another recipe than its own, for runs that are reduced by it live."""
        return replace(self, values=self.values.model_copy(update={"recipe": str(path.resolve())}))

    def with_one_plate(self) -> Profile:
        """Return the same profile for a sweep that waits for each plate before it goes on."""
        plate = self.values.plate.model_copy(update={"overlapped": False})
        return replace(self, values=self.values.model_copy(update={"plate": plate}))

    @property
    def reference(self) -> dict[str, str]:
        """Name and digest, as documents carry them."""
        return {"name": self.values.name, "digest": self.digest}

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


def read_profile(name: str | Path) -> Profile:
    """Read a profile by its name or its folder.

    Parameters
    ----------
    name : str or Path
        ``simulated``, ``bl10xu``, or the path of a folder which holds a ``profile.toml``.

    Raises
    ------
    ProfileError
        If there is none, or its content cannot be used.
    """
    folder = Path(name)
    if not is_there(folder / "profile.toml"):
        folder = shipped() / name
    file = folder / "profile.toml"
    if not is_there(file):
        known = ", ".join(sorted(found.parent.name for found in shipped().glob("*/profile.toml")))
        raise ProfileError(
            f"there is no profile {str(name)!r:.100}: neither a folder with a profile.toml nor one of {known}. "
            "Give one of these names or the path of a profile folder.",
            profile=str(name),
        )
    values = load(file, ProfileFile)
    return Profile(folder=folder.resolve(), values=values, digest=hashlib.sha256(file.read_bytes()).hexdigest())


def check_catalog_uri(uri: str) -> str:
    """Return the URI of a catalog as it is, if it names a place and no secret.

    Parameters
    ----------
    uri : str
        The URI.

    Raises
    ------
    ValueError
        If it is of another kind, names no host or database, or holds a password or key: profiles and data folders are
        copied and shown.
    """
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https", "postgresql") or not (parts.netloc or parts.scheme == "postgresql"):
        raise ValueError(
            f"catalog = {parts.scheme or uri!r} is no place; https://HOST or postgresql://HOST/DATABASE is"
        )
    if parts.password or "key=" in parts.query or "password=" in parts.query:
        raise ValueError(
            "catalog holds a password or key, which all who read the profile would have. A password of PostgreSQL "
            "belongs in ~/.pgpass, the key of a server in a file (docs: how-to, serve)"
        )
    if parts.scheme == "postgresql" and not parts.path.strip("/"):
        raise ValueError("catalog = postgresql://... names no database; postgresql://HOST/DATABASE does")
    return uri
