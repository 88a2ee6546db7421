"""A preset is a world as data: one TOML file in ``worlds``, read strictly into frozen parameter sets."""

from __future__ import annotations

import tomllib
import types
import typing
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

from lics_simulators.beam import BeamParameters
from lics_simulators.cell import CellParameters
from lics_simulators.heater import HeaterParameters
from lics_simulators.membrane import MembraneParameters
from lics_simulators.mixture import MixtureParameters
from lics_simulators.polymorph import CompoundParameters
from lics_simulators.ruby import RubyParameters
from lics_simulators.sample import CalibrantParameters, SampleParameters
from lics_simulators.thermocouples import ThermocoupleParameters
from lics_simulators.unknown import UnknownParameters

FOLDER = Path(__file__).parent / "worlds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Everything that tells one simulated world from another, except the seed.

    Parameters
    ----------
    name : str
        Name of the file without its ending.
    ambient_k : float
        Temperature of the hutch [K].
    plate : str
        Which description of the plate and of how the powder fills its rings.
    membrane, cell, heater, thermocouples, ruby, beam, contents
        Parameters of the parts; `contents` is what lies in the beam.
    """

    name: str
    ambient_k: float
    plate: str
    membrane: MembraneParameters
    cell: CellParameters
    heater: HeaterParameters
    thermocouples: ThermocoupleParameters
    ruby: RubyParameters
    beam: BeamParameters
    contents: SampleParameters | CompoundParameters | MixtureParameters | UnknownParameters | CalibrantParameters


def preset_names() -> tuple[str, ...]:
    """Names of the presets that come with the simulators."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def read_preset(source: str | Path) -> Preset:
    """Read a preset by its name, or a TOML file of one's own.

    A file may say ``like = "volumetric"``: it then says only what differs from that preset.

    Parameters
    ----------
    source : str or Path
        One of `preset_names`, or the path of a file that ends in ``.toml``.

    Raises
    ------
    ValueError
        If there is no such preset, a key is unknown or missing, or a value has the wrong type; the message names it.
    """
    path = Path(source) if str(source).endswith(".toml") else FOLDER / f"{source}.toml"
    table = _read(path)
    preset: Preset = _build(Preset, {**table, "name": path.stem}, path.stem)
    return preset


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ValueError(f"no world {path.stem!r}. Choose one of {', '.join(preset_names())}, or name a .toml file.")
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    like = table.pop("like", None)
    return table if like is None else _merge(_read(FOLDER / f"{like}.toml"), table)


def _merge(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Lay one table over another; a table with another ``form`` replaces the one below whole."""
    merged = dict(under)
    for key, value in over.items():
        below = under.get(key)
        if isinstance(value, dict) and isinstance(below, dict) and value.get("form") in (None, below.get("form")):
            merged[key] = _merge(below, value)
        else:
            merged[key] = value
    return merged


def _build(kind: Any, value: Any, where: str) -> Any:
    if isinstance(kind, types.UnionType):
        return _build(_chosen(kind, value, where), {k: v for k, v in value.items() if k != "form"}, where)
    if is_dataclass(kind):
        return _build_dataclass(kind, value, where)
    if typing.get_origin(kind) is tuple:
        return _build_tuple(typing.get_args(kind), value, where)
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    raise ValueError(f"{where} is {value!r} and must be a {kind.__name__}. Mend the preset.")


def _build_dataclass(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"{where} is {value!r} and must be a table. Mend the preset.")
    hints = typing.get_type_hints(kind)
    names = {field.name for field in fields(kind)}
    needed = {field.name for field in fields(kind) if field.default is MISSING}
    unknown, missing = sorted(set(value) - names), sorted(needed - set(value))
    if unknown or missing:
        raise ValueError(f"{where}: unknown keys {unknown}, missing keys {missing}. Mend the preset.")
    return kind(**{name: _build(hints[name], value[name], f"{where}.{name}") for name in value})


def _build_tuple(kinds: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    """Build each entry of a list; kinds are those of a tuple: one for each, or one for all and an ellipsis."""
    if not isinstance(value, list):
        raise ValueError(f"{where} is {value!r} and must be a list. Mend the preset.")
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    if len(value) != len(kinds):
        raise ValueError(f"{where} has {len(value)} entries and must have {len(kinds)}. Mend the preset.")
    return tuple(_build(kind, each, f"{where}[{n}]") for n, (kind, each) in enumerate(zip(kinds, value, strict=True)))


def _chosen(kind: types.UnionType, value: Any, where: str) -> Any:
    """Return the member of a union that a table means by its ``form``."""
    forms = {member.form: member for member in typing.get_args(kind)}
    if not isinstance(value, dict) or value.get("form") not in forms:
        raise ValueError(f"{where} must be a table whose form is one of {sorted(forms)}. Mend the preset.")
    return forms[value["form"]]
