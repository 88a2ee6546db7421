"""Documents of a run, raw and derived, folded into what the page shows: a document at a time, whatever came before."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np

from lics_beamline import schema
from lics_beamline.control.path import AnyLeg, HeatingLeg, HoldLeg, HuntLeg, PressureLeg, asked_points
from lics_beamline.errors import LicsError
from lics_beamline.exports.reduced_run import ReducedPoint, ReducedRun, reduced_point
from lics_beamline.files.strict_toml import validate
from lics_beamline.journal.events import StreamEvent, Streams
from lics_beamline.monitor.view import AskedPoint, Note, ReadPlate, RubyView, RunView, TrackReading, WalkView
from lics_beamline.physics.ruby_line import RubyLine

HOUR_S: Final = 3600.0
LEGS: Final[dict[str, type[AnyLeg]]] = {
    "pressure": PressureLeg,
    "heating": HeatingLeg,
    "hold": HoldLeg,
    "hunt": HuntLeg,
}
MOST_TEXT_CHARACTERS: Final = 2000  # of one text of a document: what is longer is for the journal, not for a page
ON_THE_WAY: Final = (schema.APPROACH, schema.HEATING, schema.PRIMARY)  # streams whose events hold a ruby reading
NOTHING: Final = np.empty(0, dtype=np.float64)


class RunFold:
    """Folds the documents of a raw run and of one reduction of it.

    Attributes
    ----------
    changes : int
        Rises with each document that changed what is shown.
    lacks_spectrum : bool
        Whether the spectrum of the newest ruby reading was left out of its document.
    spectra_left_out : int
        How many were.
    """

    def __init__(self) -> None:
        self.changes = 0
        self.lacks_spectrum = False
        self.spectra_left_out = 0
        self._raw = RunView(uid="")
        self._began_s = math.nan
        self._axis_offset_nm = 0.0
        self._streams = Streams()
        self._track: list[TrackReading] = []
        self._notes: list[Note] = []
        self._plates: list[ReadPlate] = []
        self._damage: list[str] = []
        self._hear: dict[str, Callable[[Mapping[str, Any], float], None]] = {
            schema.REFERENCE: self._reference,
            schema.APPROACH: self._approach,
            schema.HEATING: self._heating,
            schema.PRIMARY: self._primary,
            schema.READOUT: self._readout,
            schema.DECISIONS: lambda data, when: self._note("decision", when, f"{data['leg']}: {data['choice']}", data),
            schema.FAILURE: self._failure,
            schema.HOLDS: self._hold,
            schema.RESUMED: lambda data, when: self._note("resumed", when, str(data["does"]), data),
            schema.LOOK: self._look,
        }
        self.begin_reduction("")

    def begin_reduction(self, uid: str) -> None:
        """Take another reduction in place of the one before.

        Parameters
        ----------
        uid : str
            Its uid; empty for none.
        """
        self.changes += 1
        self._reduced_streams = Streams()
        self._reduced: list[ReducedPoint] = []
        self._raw = replace(self._raw, reduction_uid=uid, recipe={}, phases=())

    def view(self, *, being_written: bool, read_share: float = 1.0) -> RunView:
        """Return what is shown now.

        Parameters
        ----------
        being_written : bool
            Whether a living process writes the raw run.
        read_share : float
            Part of the journals that has been taken, 0 to 1.
        """
        return replace(
            self._raw,
            being_written=being_written,
            read_share=read_share,
            track=tuple(self._track),
            notes=tuple(self._notes),
            plates=tuple(self._plates),
            reduced=tuple(self._reduced),
            damage=tuple(self._damage),
        )

    def damaged(self, says: str) -> None:
        """Take note of something that is wrong with a journal; it is told once."""
        if says not in self._damage:
            self.changes += 1
            self._damage.append(says)

    def take(self, name: str, doc: Mapping[str, Any]) -> None:
        """Take the next document of the raw run; one that cannot be used is told, and the others are taken."""
        self.changes += 1
        try:
            if name == "start":
                self._start(doc)
            elif name == "stop":
                self._raw = replace(
                    self._raw, ended=str(doc.get("exit_status", "unknown")), reason=text(doc.get("reason", ""))
                )
            for number, event in enumerate(self._streams.take(name, doc)):
                self._event(event, _time(doc, number))
        except (LicsError, KeyError, TypeError, ValueError) as error:
            self.damaged(f"a document of kind {text(name)!r} was left out: {text(error)}")

    def take_spectrum(self, doc: Mapping[str, Any]) -> None:
        """Take the ruby spectrum of an event that was taken without it."""
        self.changes += 1
        try:
            self._read_ruby(doc.get("data", {}))
        except (LicsError, TypeError, ValueError) as error:
            self.damaged(f"a ruby spectrum was left out: {text(error)}")

    def take_reduced(self, name: str, doc: Mapping[str, Any]) -> None:
        """Take the next document of the reduction; one that cannot be used is told, and the others are taken."""
        self.changes += 1
        try:
            if name == "start":
                run = ReducedRun(start=dict(doc), points=())
                self._raw = replace(
                    self._raw,
                    recipe=dict(doc.get("recipe", {})),
                    phases=run.sought,
                    wavelength_angstrom=run.wavelength_angstrom,
                )
            for event in self._reduced_streams.take(name, doc):
                if event.stream == schema.REDUCED:
                    self._reduced.append(self._slim(reduced_point(event.data)))
        except (LicsError, KeyError, TypeError, ValueError) as error:
            self.damaged(f"a document of kind {text(name)!r} of the reduction was left out: {text(error)}")

    def _slim(self, point: ReducedPoint) -> ReducedPoint:
        """Return a point without what is not drawn, its angles shared with the one before: there may be thousands."""
        angles = point.two_theta_deg
        shapes = {angles.shape, point.intensity.shape, point.intensity_sigma.shape}
        if angles.ndim != 1 or len(shapes) > 1 or (point.reduced and not np.isfinite(angles).all()) or not angles.size:
            raise ValueError(f"angles and counts of shapes {sorted(shapes)} are no pattern")
        if self._reduced and np.array_equal(self._reduced[-1].two_theta_deg, angles):
            angles = self._reduced[-1].two_theta_deg
        return replace(point, two_theta_deg=angles, graininess=NOTHING)

    def _start(self, doc: Mapping[str, Any]) -> None:
        sample = doc.get("sample", {})
        self._raw = replace(
            self._raw,
            uid=str(doc["uid"]),
            title=text(doc.get("title", "")),
            sample=text(sample.get("name", "")) if isinstance(sample, Mapping) else "",
            operator=text(doc.get("operator", "")),
            began=float(doc["time"]),
            is_imported=schema.IMPORTED in doc,
            speed=_number(doc, "speed", 1.0),
            wavelength_angstrom=_number(doc, "wavelength_angstrom"),
            asked_points=int(_number(doc, "points", 0.0)),
        )
        self._raw = replace(self._raw, asked=tuple(_asked(doc.get("path", ()))))

    def _event(self, event: StreamEvent, when: float) -> None:
        hear = self._hear.get(event.stream)
        if hear is None:
            return
        if event.stream in ON_THE_WAY:
            self._read_cell(event.data, is_point=event.stream == schema.PRIMARY)
        hear(event.data, when)
        if event.stream in ON_THE_WAY:
            self._read_ruby(event.data)

    def _read_cell(self, data: Mapping[str, Any], *, is_point: bool) -> None:
        time_s = _number(data, schema.EXPERIMENT_TIME.name)
        if math.isnan(self._began_s):
            self._began_s = time_s
        known = (_number(data, "pressure_sigma_gpa"), _number(data, "pressure_systematic_gpa"))
        gasket_k = _number(data, schema.GASKET_TEMPERATURE)
        asked = "requested" if is_point else "target"
        index = int(_number(data, schema.POINT_INDEX.name, -1.0))
        path_k = self._raw.asked[index].temperature_k if 0 <= index < len(self._raw.asked) else math.nan
        self._track.append(
            TrackReading(
                hours=(time_s - self._began_s) / HOUR_S,
                pressure_gpa=_number(data, "pressure_gpa"),
                pressure_error_gpa=math.hypot(*(each for each in known if math.isfinite(each))),
                asked_gpa=_number(data, f"{asked}_pressure_gpa"),
                asked_k=_number(data, f"{asked}_temperature_k", path_k),
                temperature_k=gasket_k if math.isfinite(gasket_k) else _number(data, "temperature_k"),
                load_bar=_number(data, schema.LOAD),
                ending_gpa=_number(data, "final_pressure_gpa", _number(data, "ending_pressure_gpa")),
                ending_error_gpa=_number(data, "final_sigma_gpa"),
                is_point=is_point,
            )
        )

    def _read_ruby(self, data: Mapping[str, Any]) -> None:
        if schema.RUBY_SPECTRUM not in data or schema.RUBY_WAVELENGTH not in data:
            return
        wavelength_nm = np.asarray(data[schema.RUBY_WAVELENGTH], dtype=np.float64)
        counts = np.asarray(data[schema.RUBY_SPECTRUM], dtype=np.float64)
        self.lacks_spectrum = not counts.size
        if self.lacks_spectrum:
            self.spectra_left_out += 1
            return
        if wavelength_nm.ndim != 1 or wavelength_nm.shape != counts.shape:
            raise ValueError(f"{wavelength_nm.shape} wavelengths and {counts.shape} counts are no ruby spectrum")
        self._raw = replace(
            self._raw,
            ruby=RubyView(
                wavelength_nm=wavelength_nm - self._axis_offset_nm,
                counts=counts,
                line=RubyLine.of_record(data),
                r1_nm=_number(data, "ruby_r1_nm"),
                r1_sigma_nm=_number(data, "ruby_r1_sigma_nm"),
                temperature_k=_number(data, "ruby_temperature_k"),
                pressure_gpa=_number(data, "pressure_gpa"),
                pressure_sigma_gpa=_number(data, "pressure_sigma_gpa"),
                pressure_systematic_gpa=_number(data, "pressure_systematic_gpa"),
            ),
        )

    def _move(self, data: Mapping[str, Any], phase: str, says: str) -> None:
        point = int(data["point_index"]) + 1
        self._raw = replace(
            self._raw, motion=WalkView(point=point, leg=text(data["leg"]), phase=text(phase), says=text(says))
        )

    def _reference(self, data: Mapping[str, Any], when: float) -> None:
        offset_nm = _number(data, "axis_offset_nm")
        self._axis_offset_nm = offset_nm if math.isfinite(offset_nm) else 0.0

    def _approach(self, data: Mapping[str, Any], when: float) -> None:
        gain = f"{data['gain_gpa_per_bar']:.3f} GPa/bar ({data['gain_error']:.0%})"
        says = (
            f"asked {data['target_pressure_gpa']:.3f} GPa; read {data['pressure_gpa']:.3f} GPa at "
            f"{data[schema.LOAD]:.2f} bar; ends at {_said(data['ending_pressure_gpa'], '.3f', 'GPa')} by a gain "
            f"of {gain}; next load {data['next_load_bar']:.2f} bar"
        )
        self._move(data, str(data["phase_of_approach"]), says)

    def _heating(self, data: Mapping[str, Any], when: float) -> None:
        predicted = _said(data["final_pressure_gpa"], ".3f", "GPa", data["final_sigma_gpa"])
        says = (
            f"asked {data['target_temperature_k']:.1f} K, ruby at {data['ruby_temperature_k']:.1f} K; read "
            f"{data['pressure_gpa']:.3f} GPa, predicted for the end of the leg {predicted}; next load "
            f"{data['next_load_bar']:.2f} bar. {data['decided']}"
        )
        self._move(data, str(data["phase_of_heating"]), says.strip())

    def _primary(self, data: Mapping[str, Any], when: float) -> None:
        self._raw = replace(self._raw, measured=self._raw.measured + 1, measured_at=when)
        kelvin = _number(data, schema.GASKET_TEMPERATURE, _number(data, "temperature_k"))
        says = f"read {_said(_number(data, 'pressure_gpa'), '.3f', 'GPa')} at {_said(kelvin, '.1f', 'K')}"
        exposed = _number(data, schema.EXPOSURE_S.name)
        self._move(data, "point measured", f"{says}; exposed {_said(exposed, '.0f', 's')}")

    def _readout(self, data: Mapping[str, Any], when: float) -> None:
        self._plates.append(
            ReadPlate(
                index=int(data["point_index"]),
                exposure_uid=str(data[schema.EXPOSURE_UID.name]),
                path=str(data[schema.FRAME_PATH]),
                number=int(data.get(schema.FRAME_NUMBER, 1)),
                dataset=str(data.get(schema.FRAME_DATASET, "")),
            )
        )

    def _failure(self, data: Mapping[str, Any], when: float) -> None:
        self._note("failure", when, str(data["reason"]), data)

    def _hold(self, data: Mapping[str, Any], when: float) -> None:
        why = f": {data['hold_why']}" if data["hold_why"] else ""
        at = f"{_said(data['hold_load_bar'], '.2f', 'bar')}, {_said(data['hold_gasket_k'], '.1f', 'K')}"
        self._note("hold", when, f"{data['hold_did']} by {data['hold_who']}{why}; at {at}", data)

    def _look(self, data: Mapping[str, Any], when: float) -> None:
        limit = f", limited by {data['limit']}" if data["limit"] else ""
        says = f"a look chose {data['chosen_exposure_s']:.0f} s for {data['asked_counts']:.0f} counts{limit}"
        self._note("look", when, says, data)

    def _note(self, kind: Any, when: float, says: str, data: Mapping[str, Any]) -> None:
        point = f"point {int(data['point_index']) + 1}: " if "point_index" in data else ""
        self._notes.append(Note(kind=kind, time=when, says=text(f"{point}{says}")))


def text(value: object) -> str:
    """Return what a document says as one line of a length that a page can hold."""
    whole = " ".join(str(value).split())
    return whole if len(whole) <= MOST_TEXT_CHARACTERS else f"{whole[:MOST_TEXT_CHARACTERS]} ..."


def _said(value: float, digits: str, unit: str, sigma: float = math.nan) -> str:
    if not math.isfinite(value):
        return "not known"
    return f"{value:{digits}}{f' ± {sigma:{digits}}' if math.isfinite(sigma) else ''} {unit}"


def _number(data: Mapping[str, Any], name: str, missing: float = math.nan) -> float:
    value = data.get(name, missing)
    return missing if value is None else float(value)


def _time(doc: Mapping[str, Any], number: int) -> float:
    """Return when an event of a document, or of a page of them, was recorded [s since 1970]."""
    when = doc.get("time", 0.0)
    return float(when[number]) if isinstance(when, (list, tuple)) else float(when)


def _asked(path: Any) -> list[AskedPoint]:
    """Return the points of a path as data; none of a leg of a kind that nobody knows."""
    found: list[AskedPoint] = []
    for content in path if isinstance(path, (list, tuple)) else ():
        kind = LEGS.get(str(content.get("kind", ""))) if isinstance(content, Mapping) else None
        if kind is None:
            continue
        leg: AnyLeg = validate(dict(content), kind, source="path of the start document")
        found += [AskedPoint(leg=text(leg.name), pressure_gpa=gpa, temperature_k=k) for gpa, k in asked_points(leg)]
    return found
