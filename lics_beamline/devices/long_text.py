"""A text that an IOC may hold as an array of characters, which has limits as numbers have, and as bytes."""

from __future__ import annotations

from typing import Any

from ophyd import EpicsSignalRO


class LongTextRO(EpicsSignalRO):
    """A text that is read; described as one, whether its record is a string or a waveform of characters.

    Parameters
    ----------
    *args, **options
        As of `ophyd.EpicsSignalRO`.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, string=True, **options)

    def describe(self) -> dict[str, Any]:
        """Describe it without the limits of its characters: they are bytes, which no document can carry."""
        described: dict[str, Any] = super().describe()
        return {
            name: {fact: said for fact, said in key.items() if not isinstance(said, bytes)}
            for name, key in described.items()
        }
