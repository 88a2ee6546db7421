"""Reading a TOML file strictly: whatever is wrong is said with file, key, value and what is allowed."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lics_beamline.errors import ProfileError

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(gt=0, le=1)]


class Strict(BaseModel):
    """A value read from a file: frozen, no unknown keys, no silent conversions but integer to float."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


Model = TypeVar("Model", bound=BaseModel)


def load(path: Path, kind: type[Model]) -> Model:
    """Read a TOML file as a model.

    Parameters
    ----------
    path : Path
        The file.
    kind : type
        The model it must satisfy.

    Raises
    ------
    ProfileError
        If the file is not there, is not TOML, or does not satisfy the model. The message names file, key and value of
        every finding, and what is allowed.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ProfileError(f"{path}: there is no such file. Give the path of a TOML file.", file=str(path)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProfileError(f"{path}: not readable as TOML: {error}. Mend that line.", file=str(path)) from error
    return validate(values, kind, source=str(path))


def validate(values: dict[str, Any], kind: type[Model], *, source: str) -> Model:
    """Turn plain values into a model, or raise `ProfileError` with every finding.

    Parameters
    ----------
    values : dict
        What a file or a document said.
    kind : type
        The model it must satisfy.
    source : str
        Where the values come from, for the message.
    """
    try:
        # JSON mode of validation: arrays may stand for tuples and integers for floats, nothing else is converted.
        return kind.model_validate(_tuples(values))
    except ValidationError as error:
        findings = [
            f"  {'.'.join(str(part) for part in finding['loc']) or '(file)'} = {_shown(finding.get('input'))}: "
            f"{finding['msg']}"
            for finding in error.errors(include_url=False)
        ]
        raise ProfileError(
            f"{source}: {len(findings)} value(s) cannot be used:\n" + "\n".join(findings), file=source
        ) from error


def _tuples(value: Any) -> Any:
    """Return `value` with every list as a tuple: TOML has arrays only, our values are immutable."""
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return tuple(_tuples(item) for item in value)
    return value


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
