"""A calibration as it is kept: dated, with a digest of its own, and everything that says how good it is.

A record is a JSON file that nobody edits: its digest is that of its content, so a changed one is seen. Beside it lies
the PONI file for other programs. Runs carry the digest of the geometry, by which the record is found again.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, field_validator

from lics_beamline.calibration.calibration import Calibration
from lics_beamline.errors import ProfileError
from lics_beamline.files.given_file import RECORD_BYTES, parse_json, read_text
from lics_beamline.files.strict_toml import Digested, Strict, validate
from lics_beamline.files.whole_file import write_whole
from lics_beamline.geometry.geometry import Geometry

logger = logging.getLogger(__name__)

SHORTEST_DIGEST: Final = 6  # characters by which a person names one


class Source(Strict):
    """Origin of the calibrated frame.

    Parameters
    ----------
    image : str
        Path of the frame; relative to the data folder where it lies in it.
    sha256 : str
        SHA-256 of the file.
    run : str
        Uid of the run that exposed it; empty where it came as a file.
    """

    image: str
    sha256: str
    run: str = ""


class RingRecord(Strict):
    """One ring, as `RingFit` says."""

    name: str
    d_angstrom: float
    found_d_angstrom: float
    points: int
    mean_px: float
    rms_px: float


class CalibrationRecord(Digested):
    """Record of a calibration.

    Parameters
    ----------
    made : str
        Date and time, ISO 8601 in UTC.
    geometry : Geometry
        The result.
    geometry_digest : str
        Its SHA-256, as start documents carry it.
    calibrant, calibrant_source : str
        Name and certificate.
    source : Source
        The frame.
    free_wavelength : bool
        Whether the wavelength was refined too.
    sigma : dict of float
        Standard deviations of the physical quantities.
    rings : tuple of RingRecord
        Every ring used.
    points : int
        Points on them.
    rms_px, rms_deg : float
        Residual [pixels], [deg in two theta].
    displacement, displacement_sigma : float
        Of all lines, in fractions of their width.
    notes : tuple of str
        Notes for the user.
    kind : str
        Tells it from other calibrations.
    """

    made: str
    geometry: Geometry
    geometry_digest: str
    calibrant: str
    calibrant_source: str
    source: Source
    free_wavelength: bool
    sigma: dict[str, float]
    rings: tuple[RingRecord, ...] = Field(min_length=1)
    points: int
    rms_px: float
    rms_deg: float
    displacement: float
    displacement_sigma: float
    notes: tuple[str, ...] = ()
    kind: Literal["geometry"] = "geometry"

    @field_validator("made")
    @classmethod
    def _is_a_date(cls, text: str) -> str:
        datetime.fromisoformat(text)
        return text

    @property
    def made_at(self) -> datetime:
        """When it was made."""
        return datetime.fromisoformat(self.made)

    @property
    def name(self) -> str:
        """Name of its files, without ending: kind, date, beginning of the digest."""
        return f"geometry-{self.made_at:%Y%m%dT%H%M%S}-{self.digest[:12]}"


def record_of(calibration: Calibration, source: Source, *, made: datetime) -> CalibrationRecord:
    """Return the record of a calibration.

    Parameters
    ----------
    calibration : Calibration
        The calibration to be recorded.
    source : Source
        The frame.
    made : datetime
        Date and time, with its time zone.
    """
    return CalibrationRecord(
        made=made.astimezone(UTC).isoformat(timespec="seconds"),
        geometry=calibration.geometry,
        geometry_digest=calibration.geometry.digest,
        calibrant=calibration.calibrant.name,
        calibrant_source=calibration.calibrant.source,
        source=source,
        free_wavelength=calibration.free_wavelength,
        sigma=dict(sorted(calibration.sigma.items())),
        rings=tuple(RingRecord(**asdict(ring)) for ring in calibration.rings),
        points=len(calibration.points),
        rms_px=calibration.rms_px,
        rms_deg=calibration.rms_deg,
        displacement=calibration.displacement,
        displacement_sigma=calibration.displacement_sigma,
        notes=calibration.notes,
    )


def write_record(record: CalibrationRecord, folder: Path) -> Path:
    """Write a record and, beside it, its PONI file; return the path of the record."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{record.name}.json"
    content = {"digest": record.digest, **record.model_dump(mode="json")}
    record.geometry.write(path.with_suffix(".poni"))
    write_whole(path, json.dumps(content, indent=1) + "\n")  # last: who finds the record finds its PONI file
    return path


def read_record(path: Path) -> CalibrationRecord:
    """Read a record.

    Raises
    ------
    ProfileError
        If it is not there, is no record, or was changed since it was written.
    """
    text = read_text(path, most_bytes=RECORD_BYTES, what="a calibration")
    content = parse_json(text, source=str(path), what="a calibration")
    digest = content.pop("digest", None)
    record = validate(content, CalibrationRecord, source=str(path))
    if digest != record.digest or record.geometry_digest != record.geometry.digest:
        raise ProfileError(
            f"{path}: its content has the digest {record.digest[:12]} and it says {str(digest)[:12]}: it was changed "
            "after it was written. Calibrate again.",
            file=str(path),
        )
    return record


def records(folder: Path) -> list[CalibrationRecord]:
    """Return the geometries kept in a folder, oldest first; the folder need not exist.

    One that cannot be read is left out, with a warning: the others can be used.
    """
    found = []
    for path in folder.glob("geometry-*.json"):
        try:
            found.append(read_record(path))
        except ProfileError as error:
            logger.warning("a calibration is left out: %s", error)
    return sorted(found, key=lambda record: record.made)


def find_record(folder: Path, name: str) -> CalibrationRecord:
    """Find a calibration by what a person calls it.

    Parameters
    ----------
    folder : Path
        Folder of calibrations.
    name : str
        ``last``, or the first characters of the digest of a calibration or of its geometry.

    Raises
    ------
    ProfileError
        If none or several answer.
    """
    known = records(folder)
    if name == "last" and known:
        return known[-1]
    matching = []
    if len(name) >= SHORTEST_DIGEST:
        matching = [each for each in known if each.digest.startswith(name) or each.geometry_digest.startswith(name)]
    if len(matching) == 1:
        return matching[0]
    listed = ", ".join(f"{each.digest[:8]} of {each.made}" for each in known) or "none"
    raise ProfileError(
        f"{len(matching)} calibrations in {folder} answer to {name!r}; there are: {listed}. Give 'last' or "
        f"{SHORTEST_DIGEST} characters or more of a digest, or calibrate: lics calibrate --help.",
        name=name,
    )
