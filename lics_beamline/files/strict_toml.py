"""Reading a TOML file strictly: whatever is wrong is said with file, key, value and what is allowed."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from datetime import date, time
from itertools import takewhile
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from lics_beamline.errors import ProfileError
from lics_beamline.files.given_file import MOST_NESTED, SETTINGS_BYTES, check_nesting, read_text

LEAST_KEYS = 3  # of a file, by which can be told that it is of another kind
MOST_FINDINGS = 20  # told of one file; who mends these sees the others next time
MOST_CHARACTERS = 1000  # of any text but those that say otherwise: a title, a name, a condition, a path of a file

MOST_NUMBER = 1e15  # what is far beyond any quantity with a unit, and can still be squared and multiplied
LEAST_NUMBER = 1e-100  # what can still be divided by
# Control characters but tab and ends of lines; marks that turn the order of letters round, so that a text is not read
# as it is written (Trojan Source, CVE-2021-42574).
NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

# A key of more tables than any of ours; tomllib takes the square of them in time and memory.
DEEP_KEY = re.compile(rf"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){{{MOST_NESTED}}}""")

MOST_PREFIX_CHARACTERS = 40  # of a PV's name, which has 60 at most (EPICS base, PVNAME_STRINGSZ)
PV_CHARACTERS = re.compile(r"[A-Za-z0-9_\-+:\[\]<>;{}]*")  # of record names in EPICS base; NSLS-II has braces too


def _prefix(text: str) -> str:
    if len(text) > MOST_PREFIX_CHARACTERS or not PV_CHARACTERS.fullmatch(text):
        raise ValueError(
            f"no name of a PV begins so: at most {MOST_PREFIX_CHARACTERS} letters, digits and any of _-+:[]<>;{{}}"
        )
    return text


PvPrefix = Annotated[str, AfterValidator(_prefix)]
# By what pydantic calls an error: what is said of it to who wrote the file, where its own words are for programmers.
_WORDS = {
    "dict_type": "it should be a table",
    "extra_forbidden": "there is no such key; leave it out, or mend its name",
    "missing": "it is required, and missing",
    "model_type": "it should be a table",
    "union_tag_invalid": "{discriminator} = '{tag}' is none; it should be {expected_tags}",
    "union_tag_not_found": "it lacks {discriminator}, which says what it is",
    "value_error": "{error}",
}
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(gt=0, le=1)]


class Strict(BaseModel):
    """A value read from a file: frozen, no unknown keys, no silent conversions but integer to float."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, str_max_length=MOST_CHARACTERS
    )


class Digested(Strict):
    """A value that is known by its content."""

    @property
    def digest(self) -> str:
        """SHA-256 of the content, in hexadecimal."""
        content = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(content.encode()).hexdigest()


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
    return validate(parse(path), kind, source=str(path))


def parse(path: Path, *, what: str = "a TOML file") -> dict[str, Any]:
    """Return what a TOML file says, unjudged.

    Parameters
    ----------
    path : Path
        The file.
    what : str
        What it should be, for messages.

    Raises
    ------
    ProfileError
        If the file is not there, is no regular file, is too large, no UTF-8, no TOML, or nested too deep.
    """
    text = read_text(path, most_bytes=SETTINGS_BYTES, what=what)
    if DEEP_KEY.search(text):
        raise ProfileError(f"{path}: a key is nested more than {MOST_NESTED} deep. Write it flat.", file=str(path))
    try:
        values = tomllib.loads(text)
    except ValueError as error:  # of TOML itself, and of integers with thousands of digits
        says = "a whole number has thousands of digits" if "integer string" in str(error) else error
        raise ProfileError(f"{path}: not readable as TOML: {says}. Mend that line.", file=str(path)) from None
    except RecursionError:
        raise ProfileError(f"{path}: not readable as TOML: nested too deep. Write it flat.", file=str(path)) from None
    return values


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
    check_nesting(values, source=source)
    try:
        # JSON mode of validation: arrays may stand for tuples and integers for floats, nothing else is converted.
        return kind.model_validate(_plain(values, at="", source=source))
    except ValidationError as error:
        _refuse_another_kind(values, kind, source)
        found = _causes(error.errors(include_url=False))
        findings = [f"  {_told(finding)}" for finding in found[:MOST_FINDINGS]]
        if len(found) > MOST_FINDINGS:
            findings.append(f"  and {len(found) - MOST_FINDINGS} more")
        raise ProfileError(
            f"{source}: {len(found)} value(s) cannot be used:\n" + "\n".join(findings), file=source
        ) from error


def _refuse_another_kind(values: dict[str, Any], kind: type[BaseModel], source: str) -> None:
    """Refuse in a sentence what most keys say is something else, as a recipe where an experiment is asked for."""
    foreign = [key for key in values if key not in kind.model_fields]
    if len(values) >= LEAST_KEYS and 2 * len(foreign) > len(values):
        name = re.sub(r"(?<!^)(?=[A-Z])", " ", kind.__name__).lower()
        raise ProfileError(
            f"{source} is no {name}: it has {_cut(', '.join(foreign), 100)} where "
            f"{_cut(', '.join(kind.model_fields), 100)} should be. Give another file.",
            file=source,
        )


def _causes(found: list[ErrorDetails]) -> list[ErrorDetails]:
    """Return findings without those that only say that an array is too short without the values refused in it."""
    return [
        each
        for each in found
        if each["type"] != "too_short"
        or not any(len(other["loc"]) > len(each["loc"]) == _shared(other, each) for other in found)
    ]


def _shared(one: ErrorDetails, other: ErrorDetails) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one["loc"], other["loc"], strict=False)))


def _told(finding: ErrorDetails) -> str:
    """Return key, value and what is allowed, in words for who wrote the file."""
    key = _cut(".".join(str(part) for part in finding["loc"]), 100) or "(file)"
    given = finding["input"]
    shown = list(given) if isinstance(given, tuple) else str(given) if isinstance(given, date | time) else given
    own = re.sub(r"^\w+ should", "it should", finding["msg"]).replace(" after validation", "")
    says = _WORDS[finding["type"]].format_map(finding.get("ctx", {})) if finding["type"] in _WORDS else own
    if finding["type"] == "missing" or isinstance(given, dict):
        return f"{key}: {_cut(says, 400)}"
    return f"{key} = {_cut(repr(shown), 60)}: {_cut(says, 400)}"


def _plain(value: Any, *, at: str, source: str) -> Any:
    """Return `value` with every list as a tuple: TOML has arrays only, our values are immutable.

    Raises
    ------
    ProfileError
        At a number or a text that nothing of ours can be.
    """
    if isinstance(value, dict):
        return {key: _plain(item, at=f"{at}.{key}" if at else str(key), source=source) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return tuple(_plain(item, at=f"{at}.{index}", source=source) for index, item in enumerate(value))
    fault = ""
    if isinstance(value, str) and (wrong := NO_TEXT.search(value)):
        fault = f"has the character U+{ord(wrong.group()):04X}, which no text has"
    elif isinstance(value, int) and abs(value) > MOST_NUMBER:
        fault = f"is a whole number of {value.bit_length()} bits, and {MOST_NUMBER:g} is the most"
    elif isinstance(value, float) and (abs(value) > MOST_NUMBER or 0 < abs(value) < LEAST_NUMBER):
        fault = f"is {value:g}, and the numbers of anything here lie between {LEAST_NUMBER:g} and {MOST_NUMBER:g}"
    if fault:
        raise ProfileError(f"{source}: {_cut(at, 100)} {fault}. Mend it.", file=source, key=at)
    return value


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."
