"""What describes the plate, its light and its reader, read strictly from ``plate.toml`` beside this file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from lics_simulators.plate.geometry import PlateGeometry
from lics_simulators.plate.scattering import Widths

FILE: Final = Path(__file__).with_name("plate.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Nominal:
    """What the control program believes and writes into headers: distance [mm], direct beam [px], wavelength [A]."""

    distance_mm: float
    beam_column_px: float
    beam_row_px: float
    wavelength_angstrom: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureSettings:
    """How much light there is.

    Parameters
    ----------
    seconds : float
        Length of the nominal exposure [s], at the full monitor rate.
    photons_per_electron_unit : float
        Photons on a pixel at the nearest point of the plate for one electron unit a steradian, at that exposure.
    air : float
        Scale of the background formula [photons a pixel] at that exposure.
    polarisation : float
        Degree of horizontal polarisation, -1 to 1.
    """

    seconds: float
    photons_per_electron_unit: float
    air: float
    polarisation: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GrainSettings:
    """How unevenly a powder fills its rings; all relative to the mean.

    Parameters
    ----------
    contrast : float
        Spread along a ring in bins of 0.5 deg without oscillation.
    ring_error : float
        Error of a whole ring without oscillation.
    averaging_deg : float
        Oscillation [deg] at which both have fallen by the square root of 2.
    fibre_texture : float
        Spread of whole rings that no oscillation removes and no azimuth shows.
    """

    contrast: float
    ring_error: float
    averaging_deg: float
    fibre_texture: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AnvilSettings:
    """Spots of the diamonds: how many, how bright [photons], how wide [px], how they move [deg]."""

    spots: int
    photons_median: float
    photons_spread: float
    core_px: float
    tail: float
    tail_px: float
    azimuth_deg_per_gpa: float
    two_theta_deg_per_gpa: float
    azimuth_deg_per_omega_deg: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowSettings:
    """What stands in the way: beam stop and holder [mm], opening of the seats [deg], absorption (mu t)."""

    stop_radius_mm: float
    stop_edge_mm: float
    holder_azimuth_deg: float
    holder_width_mm: float
    holder_transmission: float
    seat_opening_deg: float
    seat_offset_deg: float
    seat_edge_deg: float
    seat_transmission: float
    absorption: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingSettings:
    """What a plate makes of photons: counts a photon, point spread [px], photomultiplier ratio, radiation [1/s]."""

    gain: float
    point_spread_px: float
    point_spread_tail: float
    ratio: int
    dark_photons_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderSettings:
    """Times of the two-plate cycle [s], fading [fraction, s, s], what scanning and erasing leave of an image."""

    scan_s: float
    erase_s: float
    swap_s: float
    abort_s: float
    fast_fading: float
    fast_s: float
    slow_s: float
    left_by_scan: float
    left_by_erasing: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateSettings:
    """Everything about one image-plate detector and the light it gets."""

    geometry: PlateGeometry
    nominal: Nominal
    exposure: ExposureSettings
    lines: Widths
    grains: GrainSettings
    anvils: AnvilSettings
    shadows: ShadowSettings
    recording: RecordingSettings
    reader: ReaderSettings


SECTIONS: Final[dict[str, Any]] = {
    "geometry": PlateGeometry,
    "nominal": Nominal,
    "exposure": ExposureSettings,
    "lines": Widths,
    "grains": GrainSettings,
    "anvils": AnvilSettings,
    "shadows": ShadowSettings,
    "recording": RecordingSettings,
    "reader": ReaderSettings,
}


def read_settings(source: str | Path = FILE) -> PlateSettings:
    """Read a plate description.

    A file may say ``like = "plate"``: it then says only what differs from that description.

    Parameters
    ----------
    source : str or Path
        Name of a description beside this file, or a TOML file with one table for each field of `PlateSettings`.

    Raises
    ------
    ValueError
        There is no such description, or a table or a key is missing or unknown; the message names it.
    """
    path = source if isinstance(source, Path) else FILE.with_name(f"{source}.toml")
    tables = _read(path)
    if wrong := sorted(set(tables) ^ set(SECTIONS)):
        raise ValueError(f"{path.name}: tables {wrong} are missing or unknown. Mend the file.")
    sections: dict[str, Any] = {}
    for name, kind in SECTIONS.items():
        known = {field.name for field in fields(kind)}
        try:
            sections[name] = kind(**tables[name])
        except TypeError as error:
            wrong = sorted(set(tables[name]) ^ known)
            raise ValueError(f"{path.name}: [{name}] keys {wrong} are missing or unknown. Mend the file.") from error
    return PlateSettings(**sections)


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        names = ", ".join(sorted(each.stem for each in FILE.parent.glob("*.toml")))
        raise ValueError(f"no plate {path.stem!r}. Choose one of {names}, or give a .toml file.")
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    like = tables.pop("like", None)
    if like is None:
        return tables
    under = _read(FILE.with_name(f"{like}.toml"))
    return {**under, **{name: {**under.get(name, {}), **table} for name, table in tables.items()}}
