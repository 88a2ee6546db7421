"""Values a plan knows and no device has, as a bluesky readable, so that they travel inside the event."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from lics_beamline.schema import Field, hints


class Noted:
    """A readable whose values the plan sets just before it reads it.

    One lives as long as one run and belongs to one stream: bluesky wants the same objects in every event of a stream.

    Parameters
    ----------
    name : str
        Name of the readable in descriptors.
    fields : iterable of Field
        The fields it always has, all of them.
    """

    parent = None

    def __init__(self, name: str, fields: Iterable[Field]) -> None:
        self.name = name
        self._fields = tuple(fields)
        self._values: dict[str, Any] = {}

    def note(self, **values: Any) -> Noted:
        """Set all the values; every field must be given, and no other.

        Raises
        ------
        ValueError
            If a field is missing or unknown.
        """
        names = {field.name for field in self._fields}
        if values.keys() != names:
            raise ValueError(
                f"{self.name}: missing {sorted(names - values.keys())}, unknown {sorted(values.keys() - names)}"
            )
        self._values = dict(values)
        return self

    def read(self) -> dict[str, dict[str, Any]]:
        """Return the readings for bluesky."""
        now = time.time()
        return {field.name: {"value": self._values[field.name], "timestamp": now} for field in self._fields}

    def describe(self) -> dict[str, dict[str, Any]]:
        """Return the data keys for bluesky."""
        return {field.name: field.data_key(source=f"plan:{self.name}") for field in self._fields}

    @property
    def hints(self) -> dict[str, list[str]]:
        """Which of the fields best-effort tables and plots show; without them they would show all."""
        return hints(self._fields)

    def read_configuration(self) -> dict[str, dict[str, Any]]:
        """Return nothing: a note has no configuration."""
        return {}

    def describe_configuration(self) -> dict[str, dict[str, Any]]:
        """Return nothing: a note has no configuration."""
        return {}
