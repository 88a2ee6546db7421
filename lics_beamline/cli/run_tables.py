"""What was recorded, at hand at a prompt: the newest run as tables, and the catalog, opened when it is first asked."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lics_beamline.errors import RunNotFound
from lics_beamline.journal.events import Streams
from lics_beamline.journal.head import Head, find
from lics_beamline.journal.reader import read

if TYPE_CHECKING:
    import pandas as pd

    from lics_beamline.data_folder import DataFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTables:
    """A run as it is in its journal, any plan's: also while it goes on.

    Parameters
    ----------
    head : Head
        Its start document, and its stop document where it has ended.
    """

    head: Head

    @property
    def start(self) -> dict[str, Any]:
        """Start document."""
        return self.head.start

    @property
    def stop(self) -> dict[str, Any] | None:
        """Stop document; None while the run goes on."""
        return self.head.stop

    def documents(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield its documents, as the engine gave them."""
        yield from read(self.head.path)

    def table(self, stream: str = "primary") -> pd.DataFrame:
        """Return the events of a stream, a row an event; spectra and patterns stand in their cells.

        Parameters
        ----------
        stream : str
            Its name.

        Raises
        ------
        RunNotFound
            If the run has no such stream.
        """
        import pandas as pd

        streams = Streams()
        rows = [event for name, doc in self.documents() for event in streams.take(name, doc)]
        if stream not in (names := list(streams.names)):
            raise RunNotFound(
                f"run {self.head.uid} has no stream {stream!r}; it has {', '.join(names) or 'none'}.", stream=stream
            )
        return pd.DataFrame([event.data for event in rows if event.stream == stream])


def newest_run(data: DataFolder, name: str = "last") -> RunTables:
    """Return the newest run of a data folder, or the one of a name.

    Raises
    ------
    RunNotFound
        If there is none.
    """
    return RunTables(head=find(data.raw_journals, name))


class LateCatalog:
    """The databroker catalog of a data folder, which is opened when something is asked of it: that takes seconds.

    Parameters
    ----------
    data : DataFolder
        The data folder.
    stack : ExitStack
        Closes it.
    """

    def __init__(self, data: DataFolder, stack: contextlib.ExitStack) -> None:
        self._data = data
        self._stack = stack
        self._opened: Any = None

    def _open(self) -> Any:
        if self._opened is None:
            from lics_beamline.catalog.store import open_catalog

            self._opened = self._stack.enter_context(open_catalog(self._data)).client.v3
        return self._opened

    def __getitem__(self, key: Any) -> Any:
        return self._open()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._open())

    def __len__(self) -> int:
        return len(self._open())

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # what completion and display look for is not worth seconds
            raise AttributeError(name)
        return getattr(self._open(), name)

    def __repr__(self) -> str:
        return f"<catalog of {self._data.root}>"
