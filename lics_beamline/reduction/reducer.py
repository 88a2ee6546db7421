"""Documents of a raw run in, documents of its derived run out. The same for a run that is going on and for a replay.

The uid of the derived run follows from what it was made of, and the uids of its events from it and the exposure. So
reducing twice gives the same run, and a reducer that begins again after a crash writes nothing twice.

What a raw document causes is known at once, what comes of a point only when somebody has reduced it: `Reducer.steps`
gives the one, `Reducer.finish` takes the other and gives documents. Calling the reducer does both, here and now.
"""

from __future__ import annotations

import importlib.metadata
import logging
import math
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from lics_beamline import schema
from lics_beamline.discovery.point_lines import point_lines
from lics_beamline.discovery.survey import REMEMBERED_POINTS, Survey
from lics_beamline.errors import JournalError, LicsError, ProfileError, ReductionFailed
from lics_beamline.journal.events import Streams
from lics_beamline.physics.gauge import Gauge
from lics_beamline.reduction.event import fields_of, finding_data
from lics_beamline.reduction.image_record import ImageRecord
from lics_beamline.reduction.pattern_reading import PatternReading, patterns_of
from lics_beamline.reduction.plate_history import PlateHistory
from lics_beamline.reduction.point import GivenState, PointReading, warm_up
from lics_beamline.reduction.recipe import REDUCTION_REVISION, Recipe, recipe_of
from lics_beamline.reduction.reference import Reference, reading_of, refer
from lics_beamline.reduction.step import Document, Ending, Pending, Skipped, Step, work_of
from lics_beamline.reduction.work import Work, WorkOutcome, outcome

logger = logging.getLogger(__name__)

NAMESPACE: Final = uuid.UUID("6d0a2c0e-6f0b-5c0f-9b53-0d6f2f1f7a11")  # of derived uids: arbitrary, never to be changed
PACKAGES: Final = ("lics_beamline", "pyFAI", "fabio", "numpy", "scipy", "peritheos")  # what a number depends on
NUMBERS_OF_POINT: Final = (schema.EXPERIMENT_TIME.name, "requested_pressure_gpa", "requested_temperature_k")
WORDS_OF_POINT: Final = (schema.LEG.name, schema.STROKE.name)


def derived_uid(*, sweep_uid: str, raw_uid: str, recipe_digest: str, attempt: int) -> str:
    """Return the uid of the derived run of a raw run, a recipe and an attempt."""
    made_of = (sweep_uid, raw_uid, recipe_digest, str(REDUCTION_REVISION), str(attempt))
    return str(uuid.uuid5(NAMESPACE, "/".join(made_of)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Point:
    """A point that waits for its plate, with what its pressure rests on: the plate may be read a leg later."""

    data: Mapping[str, Any]
    gauge: Gauge | LicsError | None


class Reducer:
    """Reduces one raw run; called with each of its documents, in order.

    A point is reduced when its `readout` event comes: then the plate is a complete file. A point that cannot be reduced
    becomes an event with ``reduced`` False, NaN arrays and a note, and the others go on.

    Parameters
    ----------
    recipe : Recipe or None
        How; None takes the recipe in the raw run's start document.
    data_root : Path
        The data folder: frame paths in documents are relative to it.
    done : mapping of str to mapping, optional
        Values of exposures that the derived run holds already, without arrays: they are counted, not reduced again.
    known : mapping of str to mapping, optional
        Values of exposures that another derived run of the same sweep and recipe holds: they are taken over.
    attempt : int
        1 for the first derived run of a raw run and a recipe; a later one supersedes the one before.
    """

    def __init__(
        self,
        recipe: Recipe | None,
        *,
        data_root: Path,
        done: Mapping[str, Mapping[str, Any]] | None = None,
        known: Mapping[str, Mapping[str, Any]] | None = None,
        attempt: int = 1,
    ) -> None:
        self._recipe = recipe
        self._root = data_root.resolve()
        self._done = dict(done or {})
        self._known = known or {}
        self._attempt = attempt
        self._uid = ""
        self._streams = Streams()
        self._points: dict[str, _Point] = {}
        self._reference: Reference | None = None  # the first of the run
        self._gauge: Gauge | LicsError | None = None  # of the leg; why there is none
        self._plates = PlateHistory(self._root)
        self._patterns: PatternReading | None = None  # how files are read that hold patterns and no images
        self._imported = False  # pressure and temperature of its points were given
        self._events = 0
        self._phases: dict[str, None] = {}  # in the order found
        self._survey = Survey(remembered_points=REMEMBERED_POINTS)
        self._described = False
        self._open = False

    def __call__(self, name: str, doc: dict[str, Any]) -> Iterator[Document]:
        """Yield the derived documents that one raw document causes.

        Parameters
        ----------
        name : str
            Kind of document: ``start``, ``descriptor``, ``event``, ``event_page``, ``stop``; others cause nothing.
        doc : dict
            The document. It is not changed.

        Raises
        ------
        ProfileError
            If neither the reducer nor the start document has a recipe.
        """
        if name == "descriptor":
            self.warm_up()
        yield from self._now(self.steps(name, doc))

    def warm_up(self) -> None:
        """Spend the seconds that the first point would wait for while it is still being approached; once a run."""
        if self._open and not self._streams.names:
            warm_up(self._chosen())

    def steps(self, name: str, doc: dict[str, Any]) -> Iterator[Step]:
        """Yield the steps that one raw document causes, each to be handed to `finish` in this order, sooner or later.

        Parameters and errors as of a call.
        """
        if name == "start":
            yield from self._start(doc)
        elif not self._open:
            return
        elif name == "stop":
            yield from self._end(doc.get("exit_status", "fail"), doc.get("reason", ""))
        else:
            for event in self._streams.take(name, doc):
                yield from self._event(event.stream, event.data)

    def close(self, reason: str) -> Iterator[Document]:
        """Yield the stop document of a derived run whose raw run never stopped; nothing where it has.

        Parameters
        ----------
        reason : str
            Reason of the end, for people.
        """
        yield from self._now(self.end(reason))

    def end(self, reason: str) -> Iterator[Step]:
        """Yield what `close` does as a step."""
        if self._open:
            yield from self._end("abort", reason)

    def finish(self, step: Step, came: WorkOutcome | None) -> Iterator[Document]:
        """Yield the documents of a step.

        Parameters
        ----------
        step : Step
            The steps of a run are finished in their order.
        came : WorkOutcome or None
            What came of the work of the step; None where it has none.
        """
        if isinstance(step, Pending):
            yield "event", self._finished(step, came)
        elif isinstance(step, Skipped):
            self._remember(step.values)
            self._found(step.values)
        elif isinstance(step, Ending):
            yield "stop", self._stop(step)
        else:
            yield step

    def _now(self, steps: Iterator[Step]) -> Iterator[Document]:
        for step in steps:
            work = work_of(step)
            yield from self.finish(step, None if work is None else outcome(work))

    def _chosen(self) -> Recipe:
        if self._recipe is None:
            raise ProfileError("the raw run carries no recipe and none was given. Give one: lics replay --recipe FILE.")
        return self._recipe

    def _start(self, raw: dict[str, Any]) -> Iterator[Step]:
        if self._recipe is None and "recipe" in raw:
            self._recipe = recipe_of(raw["recipe"], source=f"start document of {raw['uid']}")
        recipe = self._chosen()
        raw_uid = str(raw["uid"])
        self._imported = schema.IMPORTED in raw
        self._patterns = patterns_of(raw.get(schema.IMPORTED, {}), source=f"start document of {raw['uid']}")
        identity = {
            "sweep_uid": str(raw.get("sweep_uid", raw_uid)),
            "raw_uid": raw_uid,
            "recipe_digest": recipe.digest,
        }
        self._uid = derived_uid(**identity, attempt=self._attempt)
        self._open = True
        kept = ("title", "sample", "cell", "gasket", "operator", "proposal", "profile", "path", schema.IMPORTED)
        start = {
            "uid": self._uid,
            "time": time.time(),
            "purpose": schema.REDUCTION,
            "plan_name": "reduction",
            "plan_type": "reduction",
            "scan_id": raw.get("scan_id", 0),
            "hints": schema.dimensions(_kinds(raw.get("path")), temperature="temperature_k"),
            **identity,
            "recipe": recipe.model_dump(mode="json"),
            "reduction_revision": REDUCTION_REVISION,
            "attempt": self._attempt,
            "wavelength_angstrom": recipe.geometry.wavelength_angstrom,
            "geometry_digest": recipe.geometry.digest,
            "versions": {package: importlib.metadata.version(package) for package in PACKAGES},
            **{key: raw[key] for key in kept if key in raw},
        }
        if self._attempt > 1:
            start["supersedes"] = derived_uid(**identity, attempt=self._attempt - 1)
        yield "start", start

    def _event(self, stream: str, data: Mapping[str, Any]) -> Iterator[Step]:
        exposure: Any = data.get(schema.EXPOSURE_UID.name)
        if stream == schema.REFERENCE:
            self._refer(data)
        elif stream == schema.LOOK:
            self._plates.look(data)
        elif stream == schema.PRIMARY:
            self._points[str(data[schema.EXPOSURE_UID.name])] = _Point(data=data, gauge=self._gauge)
        elif stream == schema.READOUT:
            yield from self._emit(str(data[schema.EXPOSURE_UID.name]), data, failure=None)
        elif stream == schema.FAILURE:
            self._plates.forget()
            if exposure in self._points:
                yield from self._emit(exposure, data, failure=f"no plate: {data.get('reason', 'unknown reason')}")

    def _refer(self, data: Mapping[str, Any]) -> None:
        """Take over what the pressures of the next leg rest on, or why they rest on nothing."""
        ruby = self._chosen().ruby
        if ruby.axis == "none":
            return
        try:
            reference = refer(reading_of(data), ruby, first=self._reference)
            self._reference = self._reference or reference
            self._gauge = reference.gauge(ruby)
        except LicsError as error:
            logger.warning("the reference reading of leg %s is no reading: %s", data.get(schema.LEG.name), error)
            self._gauge = error
        except KeyError as error:
            self._gauge = ReductionFailed(f"the record of the reference reading lacks {error}.")

    def _emit(self, exposure: str, data: Mapping[str, Any], *, failure: str | None) -> Iterator[Step]:
        """Yield the step of one exposure, after the descriptor where it is the first."""
        if not self._described:
            self._described = True
            yield "descriptor", self._descriptor()
        self._events += 1
        point = self._points.pop(exposure, None)
        taken = self._plates.take(data, exposure_s=float(point.data.get("exposure_s", math.nan)) if point else math.nan)
        if exposure in self._done:
            yield Skipped(values=self._done[exposure])
            return
        if exposure in self._known:
            yield Pending(exposure_uid=exposure, number=self._events, values=dict(self._known[exposure]), work=None)
            return
        values = self._unreduced(exposure, data, point.data if point else {})
        work = None
        try:
            if failure is not None:
                raise ReductionFailed(failure)
            if point is None:
                raise ReductionFailed(
                    "the point of this plate is not in this run: it was measured by the run before it."
                )
            work = self._work(point, taken)
        except (LicsError, KeyError) as error:
            values["note"] = f"the record lacks {error}" if isinstance(error, KeyError) else str(error)
        except Exception as error:  # one point must not take the others with it: reduce or note
            logger.exception("%s is not reduced", _named(values))
            values["note"] = f"{type(error).__name__}: {error}"
        yield Pending(exposure_uid=exposure, number=self._events, values=values, work=work)

    def _finished(self, pending: Pending, came: WorkOutcome | None) -> dict[str, Any]:
        """Return the event of a point: reduced, or failed and noted."""
        values = pending.values
        if came is not None:
            values = values | came.values | ({"note": came.note} if came.note else {})
        if not values["reduced"]:
            level = logging.ERROR if came is not None and came.trace else logging.WARNING
            logger.log(
                level,
                "%s is not reduced: %s",
                _named(values),
                (came.trace if came else "") or values["note"],
            )
        self._remember(values)
        values |= self._found(values)
        now = time.time()
        return {
            "uid": str(uuid.uuid5(uuid.UUID(self._uid), pending.exposure_uid)),
            "descriptor": self._descriptor_uid,
            "time": now,
            "seq_num": pending.number,
            "data": values,
            "timestamps": dict.fromkeys(values, now),
            "filled": {},
        }

    def _unreduced(self, exposure: str, data: Mapping[str, Any], point: Mapping[str, Any]) -> dict[str, Any]:
        """Return every field as it is where nothing could be reduced."""
        blank: dict[str, Any] = {"number": math.nan, "string": "", "integer": -1, "boolean": False}
        values = {
            field.name: np.full(field.shape, math.nan) if field.dtype == "array" else blank[field.dtype]
            for field in fields_of(self._chosen())
        }
        values[schema.EXPOSURE_UID.name] = exposure
        values[schema.POINT_INDEX.name] = int(point.get(schema.POINT_INDEX.name, data.get(schema.POINT_INDEX.name, -1)))
        values |= {key: float(point.get(key, math.nan)) for key in NUMBERS_OF_POINT}
        values |= {key: str(point.get(key, "")) for key in WORDS_OF_POINT}
        values["load_bar"] = float(point.get(schema.LOAD, math.nan))
        return values

    def _work(self, recorded: _Point, taken: ImageRecord) -> Work:
        """Return what reducing a point takes.

        Raises
        ------
        LicsError
            If its pressure rests on nothing.
        KeyError
            If the record lacks a reading.
        """
        recipe = self._chosen()
        reading = self._given(recorded.data) if self._imported else self._reading(recorded)
        before = self._plates.before if recipe.plate.ghosts else None
        gauge = recorded.gauge if isinstance(recorded.gauge, Gauge) else None
        return Work(taken=taken, before=before, reading=reading, recipe=recipe, gauge=gauge, patterns=self._patterns)

    def _reading(self, recorded: _Point) -> PointReading:
        """Return ruby spectrum and thermocouples of a point; errors as of `_work`."""
        recipe, point, gauge = self._chosen(), recorded.data, recorded.gauge
        if isinstance(gauge, LicsError):
            raise gauge
        if gauge is None and recipe.ruby.axis != "none":
            raise ReductionFailed(
                f"the record has no reference reading before this point, and the recipe says axis = "
                f'"{recipe.ruby.axis}". Reduce it with axis = "none".'
            )
        return PointReading(
            ruby_wavelength_nm=np.asarray(point[schema.RUBY_WAVELENGTH], dtype=np.float64),
            ruby_counts=np.asarray(point[schema.RUBY_SPECTRUM], dtype=np.float64),
            gasket_k=float(point[schema.GASKET_TEMPERATURE]),
            ambient_k=float(point[schema.AMBIENT_TEMPERATURE]),
        )

    def _given(self, point: Mapping[str, Any]) -> GivenState:
        """Return pressure and temperature of a point as they were given."""
        return GivenState(
            pressure_gpa=float(point["pressure_gpa"]),
            pressure_sigma_gpa=float(point["pressure_sigma_gpa"]),
            temperature_k=float(point["temperature_k"]),
        )

    @property
    def _descriptor_uid(self) -> str:
        return str(uuid.uuid5(uuid.UUID(self._uid), "descriptor"))

    def _descriptor(self) -> dict[str, Any]:
        fields = fields_of(self._chosen())
        keys = {field.name: field.data_key(source=f"reduction:{field.name}") for field in fields}
        for field in fields:
            if field.dtype == "array":
                keys[field.name]["dtype_numpy"] = "<f8"
        return {
            "uid": self._descriptor_uid,
            "run_start": self._uid,
            "time": time.time(),
            "name": schema.REDUCED,
            "data_keys": keys,
            "object_keys": {"reduction": list(keys)},
            "configuration": {},
            "hints": {"reduction": schema.hints(fields)},
        }

    def _end(self, exit_status: str, reason: str) -> Iterator[Step]:
        self._open = False
        yield Ending(exit_status=exit_status, reason=reason)

    def _stop(self, ending: Ending) -> dict[str, Any]:
        return {
            "uid": str(uuid.uuid5(uuid.UUID(self._uid), "stop")),
            "run_start": self._uid,
            "time": time.time(),
            "exit_status": ending.exit_status,
            "reason": ending.reason,
            "num_events": {schema.REDUCED: self._events} if self._described else {},
            "phases_found": list(self._phases),
        }

    def _remember(self, values: Mapping[str, Any]) -> None:
        self._phases.update(dict.fromkeys(phase for phase in values.get("phases", "").split(",") if phase))

    def _found(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a point adds to what those before it told of unknown phases; nothing where it was not reduced."""
        recipe = self._chosen()
        try:
            lines = point_lines(
                values,
                number=int(values.get(schema.POINT_INDEX.name, -1)) + 1,
                wavelength_angstrom=recipe.geometry.wavelength_angstrom,
                range_deg=recipe.frames.two_theta_deg,
            )
        except JournalError as error:  # of a point that was recorded before; the others are surveyed without it
            logger.warning("the lines of a point are left out: %s", error)
            return {}
        return {} if lines is None else finding_data(self._survey.take(lines), recipe)


def _named(values: Mapping[str, Any]) -> str:
    """Return a point's name for people, who count from 1."""
    index = int(values[schema.POINT_INDEX.name])
    return f"point {index + 1}" if index >= 0 else "a point without a number"


def _kinds(path: Any) -> tuple[str, ...]:
    """Return the kinds of the legs of a path as a start document has it; of none where it has no such path."""
    return tuple(str(leg.get("kind", "")) for leg in path if isinstance(leg, dict)) if isinstance(path, list) else ()
