"""What the page shows of a run, as one frozen value: nothing of it knows how it is drawn."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from lics_beamline.exports.panel_words import run_state
from lics_beamline.exports.reduced_run import ReducedPoint
from lics_beamline.phases.phase import CrystalPhase
from lics_beamline.physics.ruby_line import RubyLine

Array = npt.NDArray[np.float64]
NoteKind = Literal["decision", "hold", "failure", "resumed", "look"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedPoint:
    """A point of the path as it was asked for.

    Parameters
    ----------
    leg : str
        Name of its leg.
    pressure_gpa, temperature_k : float
        What was asked for; the pressure is NaN where the load is held.
    """

    leg: str
    pressure_gpa: float
    temperature_k: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackReading:
    """The cell at one moment: a ruby reading on the way, or of a measured point.

    Parameters
    ----------
    hours : float
        Time of the experiment since the first reading [h]; NaN where it is not known.
    pressure_gpa, pressure_error_gpa : float
        Pressure and its standard deviation, statistical and systematic [GPa].
    asked_gpa, asked_k : float
        What was asked for at this moment; NaN where that is nothing.
    temperature_k : float
        Of the gasket; of the sample as given, where the run was imported [K].
    load_bar : float
        Membrane gas pressure [bar]; NaN where nobody knows.
    ending_gpa, ending_error_gpa : float
        Where the controller believed the pressure to end [GPa]; NaN where it believed nothing, or gave no error.
    is_point : bool
        Whether a point was measured there.
    """

    hours: float
    pressure_gpa: float
    pressure_error_gpa: float
    asked_gpa: float
    asked_k: float
    temperature_k: float
    load_bar: float
    ending_gpa: float
    ending_error_gpa: float
    is_point: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RubyView:
    """The newest ruby spectrum, and what was read from it.

    Parameters
    ----------
    wavelength_nm, counts : ndarray, shape (pixels,)
        The spectrum, on the axis as the reference of its leg found it.
    line : RubyLine or None
        The fit that was recorded with it; None where only R1 was.
    r1_nm, r1_sigma_nm : float
        Line as it was recorded [nm].
    temperature_k : float
        Of the ruby [K].
    pressure_gpa, pressure_sigma_gpa, pressure_systematic_gpa : float
        What followed from it [GPa].
    """

    wavelength_nm: Array
    counts: Array
    line: RubyLine | None
    r1_nm: float
    r1_sigma_nm: float
    temperature_k: float
    pressure_gpa: float
    pressure_sigma_gpa: float
    pressure_systematic_gpa: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPlate:
    """A plate that has been read.

    Parameters
    ----------
    index : int
        Index of its point in the path.
    exposure_uid : str
        Joins it to its point.
    path : str
        The file, relative to the data folder.
    number, dataset : int, str
        Which frame of its file, from 1, 0 for the sum of all; data set inside an HDF5 file, empty for the only one.
    """

    index: int
    exposure_uid: str
    path: str
    number: int = 1
    dataset: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkView:
    """What the approach or the ramp does now.

    Parameters
    ----------
    point : int
        Number of the point it goes to, from 1.
    leg : str
        Name of the leg.
    phase : str
        ``approach``, ``settle``, ``ramp``, ``soak``, or ``point measured``.
    says : str
        What is asked, believed and done next, with units.
    """

    point: int
    leg: str
    phase: str
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something that was decided, failed, or was asked by a person.

    Parameters
    ----------
    kind : {"decision", "hold", "failure", "resumed", "look"}
        What it is.
    time : float
        When it was recorded [s since 1970].
    says : str
        For people.
    """

    kind: NoteKind
    time: float
    says: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RunView:
    """A run as far as its journals tell.

    Parameters
    ----------
    uid : str
        Of the raw run.
    title, sample, operator : str
        From its start document.
    began : float
        When it began [s since 1970].
    ended : str
        How it ended: ``success``, ``abort``, ``fail``; empty while it has no stop document.
    reason : str
        What was said about that.
    being_written : bool
        Whether a living process writes it.
    read_share : float
        Part of its journals that has been read so far, 0 to 1; 1 where all of them has.
    is_imported : bool
        Whether its frames were recorded elsewhere.
    speed : float
        Seconds of experiment in a second of wall clock, as asked for.
    wavelength_angstrom : float
        X-ray wavelength [angstrom]; NaN where it is not known.
    asked_points : int
        Points that the path asks for; 0 where nobody knows.
    asked : tuple of AskedPoint
        The path.
    track : tuple of TrackReading
        In the order of time; it only grows.
    measured : int
        Points measured, or given up.
    measured_at : float
        When the last of them was [s since 1970].
    ruby : RubyView or None
        The newest spectrum.
    motion : WalkView or None
        What is done now.
    notes : tuple of Note
        In the order of time; it only grows.
    plates : tuple of ReadPlate
        In the order they were read; it only grows.
    reduction_uid : str
        Uid of the reduction that is shown; empty while there is none.
    recipe : mapping
        Its recipe, as the start document has it.
    phases : tuple of CrystalPhase
        Phases that the recipe looks for.
    reduced : tuple of ReducedPoint
        In the order they were reduced; it only grows while the reduction stays.
    damage : tuple of str
        What is wrong with the journals.
    """

    uid: str
    title: str = ""
    sample: str = ""
    operator: str = ""
    began: float = 0.0
    ended: str = ""
    reason: str = ""
    being_written: bool = False
    read_share: float = 1.0
    is_imported: bool = False
    speed: float = 1.0
    wavelength_angstrom: float = float("nan")
    asked_points: int = 0
    asked: tuple[AskedPoint, ...] = ()
    track: tuple[TrackReading, ...] = ()
    measured: int = 0
    measured_at: float = 0.0
    ruby: RubyView | None = None
    motion: WalkView | None = None
    notes: tuple[Note, ...] = ()
    plates: tuple[ReadPlate, ...] = ()
    reduction_uid: str = ""
    recipe: dict[str, object] = field(default_factory=dict)
    phases: tuple[CrystalPhase, ...] = ()
    reduced: tuple[ReducedPoint, ...] = ()
    damage: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        """How it stands, in a word: ``running``, ``whole``, ``abandoned``, or how it was ended."""
        return run_state(self.ended, being_written=self.being_written)

    def left_s(self, now: float) -> float | None:
        """Return the time left until the last point is measured [s of wall clock]; None where nothing tells it.

        Parameters
        ----------
        now : float
            Time of day [s since 1970].

        Notes
        -----
        As many points as are left, each as long as those before took in the mean, less what has passed since the last.
        """
        left = self.asked_points - self.measured
        if self.state != "running" or left <= 0 or self.measured < 1:
            return None
        each = (self.measured_at - self.began) / self.measured
        return max(left * each - (now - self.measured_at), 0.0)

    def plate_of(self, exposure_uid: str) -> ReadPlate | None:
        """Return the plate of an exposure; None while it has not been read."""
        return next((plate for plate in reversed(self.plates) if plate.exposure_uid == exposure_uid), None)
