"""Follows the journals of a data folder, raw and derived, and keeps its catalog equal to them.

A run is whole in the catalog when its stop document is there, because that is written last. One that is not whole when
the cataloguer begins (it was killed, or the run is still growing) is deleted and fed again from its journal: the only
continuation that is right whatever was half written.
"""

from __future__ import annotations

import logging
import math
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from lics_beamline.catalog.birth import whole_runs
from lics_beamline.catalog.lock_wait import LockWait
from lics_beamline.catalog.place import CatalogPlace, catalog_place
from lics_beamline.catalog.reach import require_answer
from lics_beamline.catalog.soundness import set_damaged_aside, wait_until_free
from lics_beamline.catalog.store import Catalog, open_catalog
from lics_beamline.data_folder import DataFolder
from lics_beamline.journal import lock
from lics_beamline.journal.following import Following
from lics_beamline.journal.head import Head
from lics_beamline.journal.head import head as read_head
from lics_beamline.journal.writer import SUFFIX

if TYPE_CHECKING:
    from lics_beamline.catalog.run_writer import RunWriter

LOCK_NAME: Final = "catalog.lock"
FLUSH_S: Final = 2.0  # how old rows of a live run may be in the catalog; one flush costs about 0.1 s a stream

FLUSH_SHARE: Final = 5.0  # a live run rests five times as long as its last flush took

logger = logging.getLogger(__name__)


class Cataloguer:
    """The one process that writes the catalog of a data folder; a context manager.

    Parameters
    ----------
    data : DataFolder
        The data folder. Its catalog is made where there is none, and made anew where the folder was moved or copied, or
        where its files are damaged; those are then kept aside.
    flush_s : float
        How long rows of a live run may be held back [s].
    opened : callable
        Called when the catalog has been opened for the first run to be fed.
    given_up : callable
        Says that the catalog is wanted no more while another process keeps it locked; else it is waited for.

    Raises
    ------
    Busy
        On entering: another process catalogues this folder, ``facts["pid"]`` names it; or it was given up.
    RunNotFound
        On entering: the path of the folder is one that Tiled cannot name.
    """

    def __init__(
        self,
        data: DataFolder,
        *,
        flush_s: float = FLUSH_S,
        opened: Callable[[], object] = lambda: None,
        given_up: Callable[[], bool] = lambda: False,
    ) -> None:
        self._data = DataFolder(data.root.resolve())
        self._flush_s = flush_s
        self._given_up = given_up
        self._held = ExitStack()
        self._tell_opened = opened
        self._place = CatalogPlace()
        self._wait = LockWait(self._data, self._place)
        self._whole: dict[str, str] = {}
        self._opened: Catalog | None = None

    def __enter__(self) -> Self:
        with ExitStack() as held:
            what = f"cataloguing of {self._data.root}"
            held.enter_context(lock.sole(self._data.logs / LOCK_NAME, what=what))
            self._place = catalog_place(self._data)
            if self._place.is_embedded:
                wait_until_free(self._data, patience_s=math.inf, given_up=self._given_up)
            set_damaged_aside(self._data)
            self._whole = whole_runs(self._data)
            self._wait = held.enter_context(LockWait(self._data, self._place))
            self._held = held.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.close()

    def following(self, **options: float) -> Following:
        """Return what follows all journals into the catalog.

        Parameters
        ----------
        **options : float
            ``grace_s`` and ``retry_s`` of `Following`.
        """
        return Following((self._data.raw_journals, self._data.derived_journals), self.begin, **options)

    def _catalog(self) -> Catalog:
        """Return the catalog, opened when the first run is to be fed: Tiled takes seconds of work to begin."""
        if self._opened is None:
            self._opened = self._held.enter_context(open_catalog(self._data, writable=True))
            self._tell_opened()
        return self._opened

    def begin(self, head: Head) -> _Feed | None:
        """Return what feeds a run into the catalog; None where the catalog has it whole."""
        if head.stop is not None and self._whole.get(head.uid) == head.stop.get("uid"):
            return None  # as when this began
        require_answer(self._place)
        with self._wait.writing():
            return self._feed(head)

    def _feed(self, head: Head) -> _Feed | None:
        client = self._catalog().client
        from tiled.queries import Key

        from lics_beamline.catalog.run_writer import RunWriter

        for known in client.v3.search(Key("uid") == head.uid).values():
            stop = known.metadata.get("stop")
            if head.stop is not None and stop is not None and stop.get("uid") == head.stop.get("uid"):
                return None
            logger.info("run %s is not whole in the catalog; it is fed again", head.uid)
            client.delete_contents([head.uid], recursive=True, external_only=False)
        if not self._place.is_server:  # a cataloguer killed while deleting may have left arrays that no run owns
            shutil.rmtree(self._data.catalog / "arrays" / head.uid, ignore_errors=True)
        is_server = self._place.is_server
        writer = RunWriter(client, self._data, tags=self._tags(head) if is_server else (), has_subscribers=is_server)
        return _Feed(writer, self._flush_s, self._wait)

    def _tags(self, head: Head) -> tuple[str, ...]:
        """Return who may read a run besides those who read all: the group whose proposal it, or its sweep, is of."""
        from lics_beamline.catalog.readers import group_tag

        start = head.start
        raw = self._data.raw_journals / f"{start.get('raw_uid', '')}{SUFFIX}"
        if not start.get("proposal") and raw.is_file() and (sweep := read_head(raw)) is not None:
            start = sweep.start
        group = start.get("proposal")
        return (group_tag(group),) if group and isinstance(group, str) else ()


class _Feed:
    """Feeds one run."""

    def __init__(self, writer: RunWriter, flush_s: float, wait: LockWait) -> None:
        self._writer = writer
        self._wait = wait
        self._flush_s = flush_s
        self._pause_s = flush_s
        self._flushed = time.monotonic()
        self._held = 0

    def take(self, name: str, doc: Mapping[str, Any]) -> None:
        with self._wait.writing():
            self._writer(name, doc)
        self._held = 0 if name == "stop" else self._held + 1

    def pause(self) -> None:
        if self._held and time.monotonic() - self._flushed >= self._pause_s:
            self._flush()

    def abandoned(self) -> None:
        self._flush()

    def close(self) -> None:
        if self._held:
            self._flush()

    def _flush(self) -> None:
        began = time.monotonic()
        with self._wait.writing():
            self._writer.flush()
        self._held = 0
        self._flushed = time.monotonic()
        # Registering hundreds of frames takes longer each time: the catalog is not to eat a core for being fresh.
        self._pause_s = max(self._flush_s, FLUSH_SHARE * (self._flushed - began) if self._flush_s else 0.0)
