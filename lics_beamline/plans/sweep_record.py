"""What the earlier runs of a sweep hold: which points are whole, which plates unread, what was learned and decided."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from lics_beamline import schema
from lics_beamline.control.cell_estimate import PressureReading
from lics_beamline.control.path import MOST_POINTS, AnyLeg, HuntLeg, asked_points
from lics_beamline.control.recorded_approach import RecordedReading
from lics_beamline.errors import BadReading, JournalError, RunNotFound
from lics_beamline.experiment import Experiment, experiment_of
from lics_beamline.journal.events import StreamEvent, events
from lics_beamline.journal.whole_sweep import RESUMES, Document
from lics_beamline.plans.measure import Measured
from lics_beamline.reduction.recipe import Recipe, recipe_of
from lics_beamline.reduction.reference import Reference, reading_of, refer

WAY_BACK: Final = "back to "  # begins the name of the heating that brings a cell back to where it was cut off
DOUBTED: Final = "pause"  # phase of an approach whose reading was not believed, or that a person held


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitedPoint:
    """A point that was exposed, or given up, in an earlier run.

    Parameters
    ----------
    measured : Measured
        Its exposure.
    arrived_s : float
        Since when the cell had been at its pressure [s of experiment].
    """

    measured: Measured
    arrived_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadPlate:
    """A plate that was exposed whole, and whose image was not recorded any more.

    Parameters
    ----------
    point_index : int
        The point it belongs to.
    exposure_uid : str
        Its exposure.
    file : PurePosixPath
        File that its image becomes, below the data folder; empty where an older record does not say.
    plate : int
        Plate, 1 or 2; 0 where an older record does not say.
    exposure_s : float
        Time it saw X-rays [s of experiment].
    previous_exposure_uid : str
        What the plate held before; empty where nobody knows.
    """

    point_index: int
    exposure_uid: str
    file: PurePosixPath
    plate: int
    exposure_s: float
    previous_exposure_uid: str


class SweepRecord:
    """The record of a sweep that was cut off.

    Parameters
    ----------
    documents : iterable of (str, dict)
        Of all its runs, as one (`journal.whole_sweep`).

    Attributes
    ----------
    start : dict
        Start document of the newest run.
    experiment : Experiment
        The experiment as it was begun.
    recipe : Recipe
        How it is reduced.
    readings : list of RecordedReading
        Of its approaches, in order.
    first_reference : Reference or None
        What its first leg rested on.
    decided : set of str
        Exposures after which the plan decided something, and said so.
    heated_to_k : float
        Gasket in the last reading of a heating leg [K]; NaN where there was none, or another leg came after it.
    last_s : float
        Time of its last event [s of experiment]; 0 where there is none.

    Raises
    ------
    RunNotFound
        If they are no sweep.
    JournalError
        If the start document or an event cannot be used.
    """

    def __init__(self, documents: Iterable[Document]) -> None:
        name, self.start = next(iter_ := iter(documents), ("", {}))
        if name != "start" or self.start.get("purpose") != schema.SWEEP:
            raise RunNotFound(
                f"run {self.start.get('uid', '')} is no sweep but {self.start.get('purpose', 'unknown')!r}: only a "
                "sweep can be resumed."
            )
        if not isinstance(self.start.get("sweep_uid"), str) or not isinstance(self.start.get("resumed_times", 0), int):
            raise JournalError(
                f"the start document of run {self.start.get('uid', '')} does not say which sweep it is of "
                "(sweep_uid, resumed_times). Take the journal from a copy."
            )
        self.experiment: Experiment = experiment_of(self.start)
        self.recipe: Recipe = recipe_of(self.start["recipe"], source=f"start document of {self.start['uid']}")
        self.readings: list[RecordedReading] = []
        self.first_reference: Reference | None = None
        self.decided: set[str] = set()
        self.heated_to_k = math.nan
        self.last_s = 0.0
        self._visited: dict[int, VisitedPoint] = {}
        self._unread: dict[str, UnreadPlate] = {}
        self._read: set[str] = set()  # exposures whose plates were read
        self._held: dict[int, str] = {}  # newest exposure of each plate
        self._legs: dict[int, str] = {}  # name of the leg of each point
        self._farthest = -1  # index of the point that the cell was on its way to, or at
        for event in events(iter_):
            try:
                self._take(event)
            except (TypeError, ValueError, OverflowError) as error:
                raise JournalError(
                    f"an event of stream {event.stream!r} of run {self.uid} cannot be used: {error}. lics verify says "
                    "what is wrong; take the journal from a copy.",
                    stream=event.stream,
                ) from error

    @property
    def uid(self) -> str:
        """Uid of the newest run."""
        return str(self.start["uid"])

    @property
    def goes_on(self) -> dict[str, Any]:
        """What the start document of the run that goes on says of it: the same sweep, the run before, plates apart."""
        sweep_uid, times = str(self.start["sweep_uid"]), int(self.start.get("resumed_times", 0)) + 1
        return {
            "sweep_uid": sweep_uid,
            RESUMES: self.uid,
            "resumed_times": times,
            "plate_folder": f"{sweep_uid[:8]}r{times}",
        }

    @property
    def unread(self) -> tuple[UnreadPlate, ...]:
        """Plates that were exposed whole and not read, oldest first."""
        return tuple(self._unread.values())

    @property
    def whole(self) -> int:
        """How many points are whole: exposed, and read."""
        return len(self._read)

    @property
    def next_index(self) -> int:
        """Index of the first point that is to be measured, counted as its runs count them."""
        index = 0
        while self.visited(index) is not None:
            index += 1
        return index

    @property
    def position(self) -> tuple[int, int]:
        """Leg of the path that is next, and how many of its points are done; the number of legs where none is left.

        A leg that ends by what is seen is next until a point of the leg after it has been visited.
        """
        legs, leg, done = self.experiment.legs, 0, 0
        for index in range(self.next_index):
            name = self._legs.get(index, "")
            while leg + 1 < len(legs) and (done >= _most_points(legs[leg]) or (name and name != legs[leg].name)):
                leg, done = leg + 1, 0
            done += 1
        if legs and leg < len(legs) and done >= _most_points(legs[leg]):
            leg, done = leg + 1, 0
        return leg, done

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left: neither a point nor a plate."""
        return self.position[0] >= len(self.experiment.legs) and not self._unread

    def visited(self, index: int) -> VisitedPoint | None:
        """Return how a point was measured; None where it is still to be.

        A point that could not be exposed, and that the cell has left behind, is not gone back to.
        """
        found = self._visited.get(index)
        if found is None and index < self._farthest:
            return VisitedPoint(measured=Measured(exposure_uid="", dose_counts=0.0, middle_s=0.0), arrived_s=0.0)
        return found

    def settle(self, plate: UnreadPlate, *, came: bool) -> None:
        """Take note that an unread plate was read, or is lost: its point is measured again if the cell is there."""
        self._unread.pop(plate.exposure_uid, None)
        if not came and plate.point_index >= self._farthest:
            del self._visited[plate.point_index]

    def _take(self, event: StreamEvent) -> None:
        data = event.data
        if schema.LEG.name in data and not str(data[schema.LEG.name]).startswith(WAY_BACK):
            self._legs[_index(data)] = str(data[schema.LEG.name])
        self.last_s = max(self.last_s, float(data.get(schema.EXPERIMENT_TIME.name, 0.0)))
        if event.stream == schema.REFERENCE and self.first_reference is None:
            self._refer(data)
        elif event.stream == schema.APPROACH:
            self._farthest = max(self._farthest, _index(data))
            self.readings.append(_recorded(data))
            self.heated_to_k = math.nan
        elif event.stream == schema.HEATING:
            self._farthest = max(self._farthest, _index(data))
            self.heated_to_k = float(data[schema.GASKET_TEMPERATURE])
        elif event.stream == schema.PRIMARY:
            self._expose(data)
        elif event.stream in (schema.READOUT, schema.FAILURE):
            if event.stream == schema.READOUT:
                self._read.add(str(data["exposure_uid"]))
            self._unread.pop(str(data["exposure_uid"]), None)
            plate = int(data.get("plate", data.get(schema.FRAME_PLATE, 0)))
            self._held[plate] = str(data["exposure_uid"])
        elif event.stream == schema.LOOK:
            self._held.clear()  # nobody wrote down which plate it was
        elif event.stream == schema.DECISIONS:
            self.decided.add(str(data["exposure_uid"]))

    def _refer(self, data: Mapping[str, Any]) -> None:
        if self.recipe.ruby.axis != "none":
            try:
                self.first_reference = refer(reading_of(data), self.recipe.ruby)
            except BadReading:
                return  # the plan ended there, or read it again

    def _expose(self, data: Mapping[str, Any]) -> None:
        index, exposure_uid = _index(data), str(data["exposure_uid"])
        over_s, exposure_s = float(data["experiment_time_s"]), float(data["exposure_s"])
        plate = int(data.get("exposed_plate", 0))
        self._farthest = max(self._farthest, index)
        self._visited[index] = VisitedPoint(
            measured=Measured(
                exposure_uid=exposure_uid, dose_counts=float(data["dose_counts"]), middle_s=over_s - 0.5 * exposure_s
            ),
            arrived_s=float(data.get("arrived_s", over_s - exposure_s)),
        )
        self._unread[exposure_uid] = UnreadPlate(
            point_index=index,
            exposure_uid=exposure_uid,
            file=PurePosixPath(str(data.get("exposed_path", ""))),
            plate=plate,
            exposure_s=exposure_s,
            previous_exposure_uid=self._held.get(plate, "") if plate else "",
        )
        if plate:
            self._held[plate] = exposure_uid


def _index(data: Mapping[str, Any]) -> int:
    """Return the index of the point of an event.

    Raises
    ------
    ValueError
        If no path has such a point.
    """
    index = int(data["point_index"])
    if not 0 <= index < MOST_POINTS:
        raise ValueError(f"point_index is {index}, and a path has {MOST_POINTS} points at most")
    return index


def _most_points(leg: AnyLeg) -> float:
    return math.inf if isinstance(leg, HuntLeg) else sum(1 for _ in asked_points(leg))


def _recorded(data: Mapping[str, Any]) -> RecordedReading:
    load_bar, phase = float(data[schema.LOAD]), str(data["phase_of_approach"])
    return RecordedReading(
        reading=PressureReading(
            time_s=float(data["experiment_time_s"]),
            load_bar=load_bar,
            pressure_gpa=float(data["pressure_gpa"]),
            sigma_gpa=float(data["pressure_sigma_gpa"]),
            temperature_k=float(data["ruby_temperature_k"]),
        ),
        direction=1 if data["stroke"] == "upstroke" else -1,
        believed=phase != DOUBTED,
        commanded_bar=float(data["next_load_bar"]),
    )
