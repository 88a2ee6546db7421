"""A reduced run as a value, read from its documents."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lics_beamline.errors import JournalError, RunNotFound
from lics_beamline.exports.panel_words import GIVEN_PRESSURE, RUBY_PRESSURE
from lics_beamline.files.given_file import one_line
from lics_beamline.files.strict_toml import validate
from lics_beamline.journal.events import Streams
from lics_beamline.journal.safe_name import safe_name
from lics_beamline.patterns.pattern import Pattern
from lics_beamline.phases.phase import CrystalPhase
from lics_beamline.physics.unit_cell import NAMES
from lics_beamline.schema import IMPORTED, REDUCED, REDUCTION

MOST_WAVELENGTH_ANGSTROM: Final = 100.0  # as of a geometry
UNNAMED: Final = ("unknown_phases", "unknown_fraction", "unknown_fraction_sigma")  # of phases that nobody named
OF_UNKNOWN: Final = (*UNNAMED, "lines", "new_phases", "changes")  # not always recorded
ARRAYS: Final = ("two_theta_deg", "intensity", "intensity_sigma", "graininess")


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseInPoint:
    """A phase found at a point.

    Parameters
    ----------
    name : str
        Its name in the recipe.
    cell : mapping of str to float
        Free numbers of its cell, ``a``, ``c`` [angstrom], ``beta`` [deg].
    cell_sigma : mapping of str to float
        Their standard deviations.
    fraction, fraction_sigma : float
        Its part of the sample's mass; NaN where it is not of the sample.
    scale, scale_sigma : float
        Area of its lines over their strength.
    """

    name: str
    cell: Mapping[str, float]
    cell_sigma: Mapping[str, float]
    fraction: float
    fraction_sigma: float
    scale: float
    scale_sigma: float

    @property
    def told(self) -> str:
        """Its name, with its part where it shares the sample with another."""
        alone = math.isnan(self.fraction) or self.fraction == 1.0
        return self.name if alone else f"{self.name} {self.fraction:.0%}"

    @property
    def edge_told(self) -> str:
        """Its edge a [angstrom], with the standard deviation of the last digit: ``3.54080(10)``."""
        return f"{self.cell['a']:.5f}({100000 * self.cell_sigma['a']:.0f})"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReducedPoint:
    """One point of a reduced run.

    Parameters
    ----------
    index : int
        Index in the path.
    exposure_uid : str
        Joins the point, its plate and its pattern.
    leg, stroke : str
        Its place on the path.
    requested_pressure_gpa, requested_temperature_k : float
        Asked for; the pressure is NaN where the load was held.
    pressure_gpa, pressure_sigma_gpa, pressure_systematic_gpa : float
        From ruby, by the recipe; of an imported run as given, where a systematic error is not known.
    ruby_r1_nm, ruby_r1_sigma_nm, ruby_temperature_k : float
        Fitted line and temperature [K] that the pressure was read from; NaN where it could not be.
    temperature_k : float
        Of the sample.
    load_bar : float
        Of the membrane.
    two_theta_deg, intensity, intensity_sigma : ndarray of float64, shape (bins,)
        The pattern; NaN where the point failed.
    graininess : ndarray of float64, shape (bins,)
        Azimuthal scatter of the ring that each bin belongs to, beyond counting; NaN between rings.
    phases : tuple of PhaseInPoint
        Phases found.
    unknown_d_angstrom : tuple of float
        Spacings of peaks that no phase explains [angstrom].
    reduced : bool
        False where the frame could not be reduced.
    note : str
        Reason for which it was not reduced, or what to look at.
    lines : str
        Its lines, as `discovery.point_lines.lines_text` tells them; empty where they were not recorded.
    unknown_phases, new_phases : tuple of str
        Phases there that no phase of the recipe explains; those of them that no earlier point told.
    unknown_fraction, unknown_fraction_sigma : float
        Their part of the area of the sample's lines, and its standard deviation. Fractions of phases are without it.
    changes : str
        Lines that came, went or split since the point before, for people.
    image : str
        Name of the image, where it was reduced by itself and is no point of a run; else empty.
    """

    index: int
    exposure_uid: str
    leg: str
    stroke: str
    requested_pressure_gpa: float
    requested_temperature_k: float
    pressure_gpa: float
    pressure_sigma_gpa: float
    pressure_systematic_gpa: float
    ruby_r1_nm: float
    ruby_r1_sigma_nm: float
    ruby_temperature_k: float
    temperature_k: float
    load_bar: float
    two_theta_deg: npt.NDArray[np.float64]
    intensity: npt.NDArray[np.float64]
    intensity_sigma: npt.NDArray[np.float64]
    graininess: npt.NDArray[np.float64]
    phases: tuple[PhaseInPoint, ...]
    unknown_d_angstrom: tuple[float, ...]
    reduced: bool
    note: str
    image: str = ""
    lines: str = ""
    unknown_phases: tuple[str, ...] = ()
    new_phases: tuple[str, ...] = ()
    unknown_fraction: float = 0.0
    unknown_fraction_sigma: float = 0.0
    changes: str = ""

    @property
    def phases_sought(self) -> bool:
        """Whether phases were sought in it: where pressure or temperature were not given, none can be."""
        return self.reduced and math.isfinite(self.pressure_gpa) and math.isfinite(self.temperature_k)

    @property
    def pressure_error_gpa(self) -> float:
        """Standard deviation of the pressure, of what is known of it: statistical and systematic [GPa]; 0 for none."""
        known = (self.pressure_sigma_gpa, self.pressure_systematic_gpa)
        return math.hypot(*(each for each in known if math.isfinite(each)))

    @property
    def main_phase(self) -> PhaseInPoint | None:
        """The first phase of the sample that was found; None for none."""
        return next((phase for phase in self.phases if not math.isnan(phase.fraction)), None)

    @property
    def phases_told(self) -> str:
        """Its phases in a line, those that nobody named last; ``-`` for none."""
        named = ", ".join(phase.told for phase in self.phases) or "-"
        return named + "".join(f", {name}{' (new)' if name in self.new_phases else ''}" for name in self.unknown_phases)

    def phase(self, name: str) -> PhaseInPoint | None:
        """Return a phase by its name; None where it was not found."""
        return next((phase for phase in self.phases if phase.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReducedRun:
    """A reduced run.

    Parameters
    ----------
    start : dict
        Its start document, with the recipe and the uid of the raw run.
    points : tuple of ReducedPoint
        In the order they were reduced.
    """

    start: dict[str, Any]
    points: tuple[ReducedPoint, ...]

    def require_points(self) -> None:
        """Refuse a run without any point, before something else is said to be wrong with it.

        Raises
        ------
        RunNotFound
            If it has none.
        """
        if not self.points:
            raise RunNotFound(
                f"run {str(self.start.get('uid', ''))[:8]} has no point: its sweep was ended before one was exposed "
                "and read. Name another run; lics runs lists them.",
                uid=str(self.start.get("uid", "")),
            )

    @property
    def wavelength_angstrom(self) -> float:
        """X-ray wavelength of the run [angstrom]."""
        wavelength = self.start.get("wavelength_angstrom")
        if not isinstance(wavelength, (int, float)) or not 0.0 < wavelength < MOST_WAVELENGTH_ANGSTROM:
            raise JournalError(
                f"start document of run {self.start.get('uid', '')} has wavelength_angstrom = {wavelength!r:.60}, "
                f"which is none: above 0 and below {MOST_WAVELENGTH_ANGSTROM:g} angstrom. Take the journal from "
                "a copy.",
                field="wavelength_angstrom",
            )
        return float(wavelength)

    @property
    def is_imported(self) -> bool:
        """Whether its frames were recorded elsewhere, with pressures and temperatures as somebody gave them."""
        return IMPORTED in self.start

    @property
    def pressure_by(self) -> str:
        """How its pressures were determined, in words: by ruby, or as was said of them where they were given."""
        if not self.is_imported:
            return "ruby"
        return one_line(str(self.start[IMPORTED].get("pressure_by", ""))) or "not said how"

    @property
    def pressure_axis(self) -> str:
        """What stands at the axis of its pressures."""
        return GIVEN_PRESSURE if self.is_imported else RUBY_PRESSURE

    @property
    def sample(self) -> str:
        """Name of the sample; empty where it was not given."""
        return one_line(str(self.start.get("sample", {}).get("name", "")))

    @property
    def sought(self) -> tuple[CrystalPhase, ...]:
        """Phases that the recipe looked for; empty where the start document has no recipe."""
        source = f"start document of run {self.start.get('uid', '')}"
        phases = self.start.get("recipe", {}).get("phases", ())
        if not isinstance(phases, (list, tuple)) or not all(isinstance(phase, Mapping) for phase in phases):
            raise JournalError(
                f"{source}: recipe.phases = {phases!r:.60} is not a list of phases. Take the journal from a copy.",
                field="recipe.phases",
            )
        return tuple(validate(dict(phase), CrystalPhase, source=source) for phase in phases)

    @property
    def main_phase(self) -> str:
        """Name of the sample's phase that was found at most points, the first of the recipe among equals; or empty."""
        names = [phase.name for phase in self.sought if phase.role == "sample"]
        names = names or sorted({phase.name for point in self.points for phase in point.phases})
        counts = {name: sum(point.phase(name) is not None for point in self.points) for name in names}
        return max(counts, key=lambda name: counts[name], default="") if any(counts.values()) else ""

    def pattern(self, point: ReducedPoint) -> Pattern:
        """Return the pattern of a reduced point."""
        return Pattern(
            two_theta_deg=point.two_theta_deg,
            intensity=point.intensity,
            sigma=point.intensity_sigma,
            graininess=point.graininess,
            wavelength_angstrom=self.wavelength_angstrom,
        )


def reduced_point(data: Mapping[str, Any]) -> ReducedPoint:
    """Return the point that the data of one event describe."""
    derived = ("index", "phases", "unknown_d_angstrom", "image", *ARRAYS, *OF_UNKNOWN)
    values: dict[str, Any] = {
        name: one_line(data[name]) if isinstance(data[name], str) else data[name]
        for name in ReducedPoint.__dataclass_fields__
        if name not in derived
    }
    for name in ARRAYS:
        older = np.full(np.shape(data["two_theta_deg"]), np.nan)  # graininess was not always measured
        values[name] = np.asarray(data.get(name, older), dtype=np.float64)
    return ReducedPoint(
        index=data["point_index"],
        phases=tuple(_phase(name, data) for name in data["phases"].split(",") if name),
        unknown_d_angstrom=_spacings(data["unknown_d_angstrom"]),
        lines=str(data.get("lines", "")),
        unknown_phases=_names(data.get("unknown_phases", "")),
        new_phases=_names(data.get("new_phases", "")),
        unknown_fraction=float(data.get("unknown_fraction", 0.0)),
        unknown_fraction_sigma=float(data.get("unknown_fraction_sigma", 0.0)),
        changes=one_line(str(data.get("changes", ""))),
        **values,
    )


def _names(text: object) -> tuple[str, ...]:
    return tuple(one_line(name) for name in str(text).split(",") if name)


def _spacings(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(d) for d in text.split())
    except ValueError as error:
        raise JournalError(
            f"event of a reduced run: unknown_d_angstrom = {text!r:.60} are no spacings: {error}. Take the journal "
            "from a copy.",
            field="unknown_d_angstrom",
        ) from None


def _phase(name: str, data: Mapping[str, Any]) -> PhaseInPoint:
    begins = safe_name(name, what="phase", where="event of a reduced run").replace("-", "_")  # figures are named by it
    numbers: dict[str, float] = {}
    sigmas: dict[str, float] = {}
    for free in NAMES:
        unit = "angstrom" if free in ("a", "b", "c") else "deg"
        if f"{begins}_{free}_{unit}" in data:
            numbers[free] = data[f"{begins}_{free}_{unit}"]
            sigmas[free] = data[f"{begins}_{free}_sigma_{unit}"]
    return PhaseInPoint(
        name=name,
        cell=numbers,
        cell_sigma=sigmas,
        fraction=data.get(f"{begins}_fraction", math.nan),
        fraction_sigma=data.get(f"{begins}_fraction_sigma", math.nan),
        scale=data[f"{begins}_scale"],
        scale_sigma=data[f"{begins}_scale_sigma"],
    )


def reduced_run(documents: Iterable[tuple[str, dict[str, Any]]]) -> ReducedRun:
    """Collect the documents of a derived run.

    Raises
    ------
    RunNotFound
        If the documents are not those of a derived run.
    """
    start: dict[str, Any] = {}
    streams = Streams()
    points: list[ReducedPoint] = []
    for name, doc in documents:
        if name == "start":
            start = {key: one_line(value) if isinstance(value, str) else value for key, value in doc.items()}
        points += [reduced_point(event.data) for event in streams.take(name, doc) if event.stream == REDUCED]
    if start.get("purpose") != REDUCTION:
        raise RunNotFound(
            f"run {start.get('uid', '(no start document)')} is not a reduced run but "
            f"{start.get('purpose', 'unknown')!r}. Reduce it first: lics replay.",
        )
    return ReducedRun(start=start, points=tuple(points))
