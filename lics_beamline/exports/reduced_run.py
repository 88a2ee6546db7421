"""A reduced run as a value, read from its documents."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lics_beamline.diffraction.pattern import Pattern
from lics_beamline.errors import RunNotFound
from lics_beamline.schema import REDUCED, REDUCTION

ARRAYS: Final = ("two_theta_deg", "intensity", "intensity_sigma")


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
        Where on the path.
    requested_pressure_gpa, requested_temperature_k : float
        Asked for; the pressure is NaN where the load was held.
    pressure_gpa, pressure_sigma_gpa, pressure_systematic_gpa : float
        From ruby, by the recipe.
    temperature_k : float
        Of the sample.
    load_bar : float
        Of the membrane.
    two_theta_deg, intensity, intensity_sigma : ndarray of float64, shape (bins,)
        The pattern; NaN where the point failed.
    alloy_a_angstrom, alloy_a_sigma_angstrom : float
        Cubic cell; NaN where it was not found.
    phases : tuple of str
        Phases found.
    reduced : bool
        False where the frame could not be reduced.
    note : str
        Why not, or what to look at.
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
    temperature_k: float
    load_bar: float
    two_theta_deg: npt.NDArray[np.float64]
    intensity: npt.NDArray[np.float64]
    intensity_sigma: npt.NDArray[np.float64]
    alloy_a_angstrom: float
    alloy_a_sigma_angstrom: float
    phases: tuple[str, ...]
    reduced: bool
    note: str


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

    @property
    def wavelength_angstrom(self) -> float:
        """X-ray wavelength of the run [angstrom]."""
        return float(self.start["wavelength_angstrom"])

    @property
    def sample(self) -> str:
        """Name of the sample; empty where it was not given."""
        return str(self.start.get("sample", {}).get("name", ""))

    def pattern(self, point: ReducedPoint) -> Pattern:
        """Return the pattern of a reduced point."""
        return Pattern(
            two_theta_deg=point.two_theta_deg,
            intensity=point.intensity,
            sigma=point.intensity_sigma,
            wavelength_angstrom=self.wavelength_angstrom,
        )


def reduced_point(data: dict[str, Any]) -> ReducedPoint:
    """Return the point that the data of one event describe."""
    values: dict[str, Any] = {name: data[name] for name in ReducedPoint.__dataclass_fields__ if name != "index"}
    values["phases"] = tuple(name for name in values["phases"].split(",") if name)
    for name in ARRAYS:
        values[name] = np.asarray(values[name], dtype=np.float64)
    return ReducedPoint(index=data["point_index"], **values)


def reduced_run(documents: Iterable[tuple[str, dict[str, Any]]]) -> ReducedRun:
    """Collect the documents of a derived run.

    Raises
    ------
    RunNotFound
        If the documents are not those of a derived run.
    """
    start: dict[str, Any] = {}
    streams: dict[str, str] = {}
    points: list[ReducedPoint] = []
    for name, doc in documents:
        if name == "start":
            start = doc
        elif name == "descriptor":
            streams[doc["uid"]] = doc["name"]
        elif name == "event" and streams.get(doc["descriptor"]) == REDUCED:
            points.append(reduced_point(doc["data"]))
    if start.get("purpose") != REDUCTION:
        raise RunNotFound(
            f"run {start.get('uid', '(no start document)')} is not a reduced run but "
            f"{start.get('purpose', 'unknown')!r}. Reduce it first: lics replay.",
        )
    return ReducedRun(start=start, points=tuple(points))
