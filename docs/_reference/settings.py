"""Keys of the TOML files, walked from the tables that read them: type, limits, default, meaning."""

from __future__ import annotations

import dataclasses
import inspect
import re
import types
import typing
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Union

from _reference.markdown import code, first_sentence, plain, table

MISSING: Final = object()
SIGNS: Final = {"gt": "> ", "ge": "≥ ", "lt": "< ", "le": "≤ ", "min_length": "at least ", "pattern": "matches "}
HEADING: Final = ("key", "type", "default", "meaning")
COMMENT: Final = re.compile(r"^\s+(\w+)\s*:.*?\s#\s(.*)$")
TABLE: Final = re.compile(r"^\[([\w.]+)\]")
COMMENTED: Final = re.compile(r"^(\w+) = .*?\s#\s(\S.*)$")
EMPTY: Final[Mapping[str, Mapping[str, str]]] = {}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of a table."""

    name: str
    annotation: Any
    limits: tuple[Any, ...]
    default: Any


def profile_page() -> str:
    """Return the page of profile.toml."""
    from lics_beamline.profile import ProfileFile, shipped

    return _page(
        "# Profile",
        "`profile.toml`: a beamline as data. Unknown keys, wrong types and values outside their limits are refused "
        "with file, key, value and what is allowed. Nothing is converted silently.",
        ProfileFile,
        comments_in(shipped() / "simulated" / "profile.toml"),
    )


def recipe_page() -> str:
    """Return the page of recipe.toml."""
    from lics_beamline.reduction.recipe import Recipe

    return _page(
        "# Recipe",
        "`recipe.toml`: everything that turns a frame into a pattern and a ruby spectrum into a pressure. In a file, "
        "`geometry` is the name of a PONI file or of a calibration record beside it, and `phases` are names of the "
        "library or of phase files. The recipe travels whole in start documents; its digest is that of its content.",
        Recipe,
    )


def experiment_page() -> str:
    """Return the page of an experiment file."""
    from lics_beamline.experiment import Experiment

    return _page(
        "# Experiment",
        "An experiment file: what is in the cell, how it is exposed, and the legs of the path in their order. A leg is "
        "a table `[[legs]]`; its `kind` says which of the tables below it is.",
        Experiment,
    )


def _page(title: str, introduction: str, root: type, comments: Mapping[str, Mapping[str, str]] = EMPTY) -> str:
    parts = [title + "\n", introduction + "\n"]
    for path, kind in _tables(root, ""):
        parts.append(f"## {code(f'[{path}]') if path else 'top level'}\n")
        if path:
            parts.append(first_sentence(kind.__doc__) + "\n")
        said = meanings(kind, comments.get(path, {}))
        rows = [(code(key.name), _type(key), _default(key.default), _meaning(key, said)) for key in keys(kind)]
        parts.append(table(HEADING, rows))
    return "\n".join(parts)


def _meaning(key: Key, said: Mapping[str, str]) -> str:
    """Return what a key means: what was said of it, or of the table that it is."""
    below = next(_within(key.annotation), None)
    return said.get(key.name) or (first_sentence(below.__doc__) if below else "")


def comments_in(path: Path) -> dict[str, dict[str, str]]:
    """Return the comments of a shipped TOML file, by table and key; those that begin with a number explain a value."""
    found: dict[str, dict[str, str]] = {}
    table_name = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if match := TABLE.match(line):
            table_name = match[1]
        elif (match := COMMENTED.match(line)) and not match[2][0].isdigit():
            found.setdefault(table_name, {})[match[1]] = sentence(match[2])
    return found


def sentence(comment: str) -> str:
    """Return a comment as a sentence begins."""
    comment = comment.strip()
    return plain(comment[:1].upper() + comment[1:])


def keys(kind: type) -> Iterator[Key]:
    """Yield the keys of a table: a pydantic model or a dataclass."""
    fields: Mapping[str, Any] = getattr(kind, "model_fields", {})
    for name, field in fields.items():
        default = field.get_default(call_default_factory=True) if not field.is_required() else MISSING
        yield Key(name=name, annotation=field.annotation, limits=tuple(field.metadata), default=default)
    if not fields:
        hints = typing.get_type_hints(kind, include_extras=True)
        for field in dataclasses.fields(kind):
            made = field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default
            default = MISSING if made is dataclasses.MISSING else made
            yield Key(name=field.name, annotation=hints[field.name], limits=(), default=default)


def meanings(kind: type, comments: Mapping[str, str]) -> dict[str, str]:
    """Return what the docstring of a table says of its keys; else the comment in a file, or that in the code."""
    from numpydoc.docscrape import NumpyDocString

    bases = [base for base in reversed(kind.__mro__) if _is_table(base) and base.__module__.startswith("lics_")]
    lines = [line for base in bases for line in inspect.getsource(base).splitlines()]
    found = {match[1]: sentence(match[2]) for line in lines if (match := COMMENT.match(line))}
    found.update(comments)
    for base in bases:
        for parameter in NumpyDocString(inspect.cleandoc(base.__doc__ or ""))["Parameters"]:
            for name in parameter.name.split(","):
                found[name.strip()] = plain(" ".join(parameter.desc))
    return found


def _is_table(kind: Any) -> bool:
    return isinstance(kind, type) and (hasattr(kind, "model_fields") or dataclasses.is_dataclass(kind))


def _tables(kind: type, path: str) -> Iterator[tuple[str, type]]:
    """Yield a table and, below it, those of its keys, each once."""
    yield path, kind
    for key in keys(kind):
        below = f"{path}.{key.name}" if path else key.name
        for table_kind in _within(key.annotation):
            name = _kind_of(table_kind)
            yield from _tables(table_kind, f"{below} {name}".strip() if name else below)


def _within(annotation: Any) -> Iterator[type]:
    """Yield the tables that an annotation names."""
    if _is_table(annotation):
        yield annotation
    for part in typing.get_args(annotation):
        yield from _within(part)


def _kind_of(kind: type) -> str:
    """Return how one of several tables is told from the others in the file."""
    for key in keys(kind):
        if key.name == "kind" and key.default is MISSING and typing.get_origin(key.annotation) is Literal:
            names = typing.get_args(key.annotation)
            return f'kind = "{names[0]}"' if len(names) == 1 else ""
    return ""


def _type(key: Key) -> str:
    limits = [text for limit in key.limits for text in _limits(limit)]
    return ", ".join([_written(key.annotation), *limits])


def _written(annotation: Any) -> str:
    """Return an annotation as a person who writes TOML understands it."""
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        limits = [text for limit in parts[1:] for text in _limits(limit)]
        return " ".join([_written(parts[0]), *limits])
    if origin is Literal:
        return " or ".join(code(f'"{part}"') for part in parts)
    if origin in (Union, types.UnionType):
        named = [_written(part) for part in parts if part is not type(None)]
        return " or ".join(dict.fromkeys(named))
    if origin is tuple:
        if len(parts) == 2 and parts[1] is Ellipsis:
            return f"list of {_written(parts[0])}"
        return f"[{', '.join(_written(part) for part in parts)}]"
    if origin in (dict, Mapping):
        return "table"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " or ".join(code(str(member.value)) for member in annotation)
    if _is_table(annotation):
        return "table"
    return {float: "number", int: "integer", str: "text", bool: "true or false"}.get(annotation, str(annotation))


def _limits(limit: Any) -> Iterator[str]:
    for part in getattr(limit, "metadata", (limit,)):
        for name, sign in SIGNS.items():
            value = getattr(part, name, None)
            if value is not None:
                yield f"{sign}{code(value) if name == 'pattern' else f'{value:g}'}"


def _default(value: Any) -> str:
    if value is MISSING:
        return "required"
    if value is None or value in ("", (), {}):
        return ""
    if _is_table(type(value)) or (isinstance(value, tuple) and _is_table(type(value[0]))):
        return "as below"
    if isinstance(value, bool):
        return code(str(value).lower())
    if isinstance(value, tuple):
        return code(str(list(value)))
    return code(f'"{value}"' if isinstance(value, str) else f"{value:g}")
