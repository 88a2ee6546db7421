"""The only door to databroker and Tiled: open the catalog of a data folder, look runs up, read them.

The catalog lives in files of the data folder and is served inside the process that opens it: no server to install. One
process writes (the cataloguer), any number read at the same time. Imports happen inside the functions, because Tiled
takes seconds to import.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lics_beamline.catalog.birth import BIRTH_NAME, database, is_built
from lics_beamline.catalog.place import catalog_place
from lics_beamline.catalog.reach import connect
from lics_beamline.catalog.soundness import INDEX_NAME, TABLES_NAME, wait_until_free
from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import RunNotFound
from lics_beamline.files.whole_file import write_whole
from lics_beamline.schema import FRAME_IMAGE, READOUT

if TYPE_CHECKING:
    import xarray


@dataclass(frozen=True, slots=True)
class Catalog:
    """An open catalog.

    Parameters
    ----------
    client : CatalogOfBlueskyRuns
        What databroker gives; use ``client.v3``, because touching ``client.v1`` changes what ``client[uid]`` returns.
    """

    client: Any

    @property
    def uids(self) -> tuple[str, ...]:
        """Uids of all runs, raw and derived, in the order in which they were added."""
        return tuple(self.client.v3)

    def run(self, name: str) -> Any:
        """Return one run.

        Parameters
        ----------
        name : str
            A full uid, or its first five characters or more.

        Raises
        ------
        RunNotFound
            If none or several answer.
        """
        try:
            return self.client.v3[name]
        except (KeyError, ValueError) as cause:
            raise RunNotFound(
                f"no run answers to {name!r} among {len(self.client.v3)} in the catalog. `lics runs` lists them.",
                name=name,
            ) from cause

    def search(
        self,
        *,
        sample: str | None = None,
        operator: str | None = None,
        purpose: str | None = None,
        phase: str | None = None,
        since: float | None = None,
        until: float | None = None,
    ) -> list[str]:
        """Return uids of the runs that fulfil all that is given, in the order in which they were added.

        Parameters
        ----------
        sample, operator, purpose : str, optional
            Equal to ``sample.name``, ``operator``, ``purpose`` of the start document.
        phase : str, optional
            Among the phases found (derived runs) or declared in ``sample.phases`` (raw runs).
        since, until : float, optional
            Start time from, and before [s since 1970].
        """
        from bluesky_tiled_plugins.queries import TimeRange
        from tiled.queries import Contains, Key

        found = self.client.v3
        for key, value in (("sample.name", sample), ("operator", operator), ("purpose", purpose)):
            if value is not None:
                found = found.search(Key(key) == value)
        if since is not None or until is not None:
            found = found.search(TimeRange(since=since, until=until))
        if phase is None:
            return list(found)
        having = {
            uid for key in ("stop.phases_found", "start.sample.phases") for uid in found.search(Contains(key, phase))
        }
        return [uid for uid in found if uid in having]

    def streams(self, name: str) -> tuple[str, ...]:
        """Names of the streams of a run."""
        return tuple(self.run(name))

    def dataset(self, name: str, stream: str) -> xarray.Dataset:
        """Return the fields of a stream with one row an event; images are left out (`image` reads them).

        Parameters
        ----------
        name : str
            The run.
        stream : str
            For example ``primary``.

        Raises
        ------
        RunNotFound
            If there is no such run, or it has no such stream.
        """
        run = self.run(name)
        try:
            node = run[stream]
        except KeyError as cause:
            raise RunNotFound(
                f"run {name} has no stream {stream!r}; it has {', '.join(run) or 'none'}.", name=name, stream=stream
            ) from cause
        keys = [key for key, about in node.metadata["data_keys"].items() if "external" not in about]
        # Named and not asked for: to list what a stream has is one more question to the server.
        dataset: xarray.Dataset = node.read(["seq_num", "time", *keys, *(f"ts_{key}" for key in keys)])
        return dataset

    def image(self, name: str, index: int) -> npt.NDArray[np.int32]:
        """Return the frame of one readout.

        Parameters
        ----------
        name : str
            A raw run.
        index : int
            Index of the event in the stream ``readout``, from 0.

        Returns
        -------
        ndarray
            Shape (ny, nx), counts.

        Raises
        ------
        RunNotFound
            If there is no such run, or it has no such frame.
        """
        run = self.run(name)
        try:
            frames = run[READOUT][FRAME_IMAGE]
        except KeyError:
            frames = None
        count = 0 if frames is None else int(frames.shape[0])
        if frames is None or not 0 <= index < count:
            raise RunNotFound(f"run {name} has {count} frames; number {index} is none of them.", name=name, count=count)
        frame: npt.NDArray[np.int32] = frames[index]
        return frame


@contextmanager
def open_catalog(data: DataFolder, *, writable: bool = False) -> Iterator[Catalog]:
    """Open the catalog of a data folder inside this process.

    Parameters
    ----------
    data : DataFolder
        The data folder.
    writable : bool
        Whether to add runs. Only the cataloguer does, and it makes the catalog where there is none.

    Raises
    ------
    RunNotFound
        If there is no catalog for the place where the data folder is now.
    Busy
        If another process keeps it locked for longer than a reader waits.
    """
    client = _client(data, writable=writable)
    try:
        yield Catalog(client)
    finally:
        client.context.close()


def _client(data: DataFolder, *, writable: bool) -> Any:
    """Return a client of the catalog of a data folder: of a server, or of a service inside this process."""
    place = catalog_place(data)
    with uncollected():
        from tiled.client import Context, from_context

        if place.is_server:
            return connect(place)
        from lics_beamline.catalog.application import application
        from lics_beamline.catalog.tree import runs

        if writable:
            _build(data)
        elif place.is_embedded:
            wait_until_free(data)
        with quiet():
            return from_context(Context.from_app(application(runs(str(data.root), writable=writable))))


@contextmanager
def uncollected() -> Iterator[None]:
    """Look for no garbage meanwhile: imports leave none, and looking took 8 and 20 % of those of Tiled in two tries."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def quiet() -> Iterator[None]:
    """Keep from the operator what Tiled's own dependencies tell its developers."""
    greeter = logging.getLogger("tiled.server.app")  # says its version at every opening
    level = greeter.level
    greeter.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            # starlette wants a successor of httpx, which Tiled 0.2 does not use yet; alembic a line in its settings.
            warnings.filterwarnings("ignore", message="Using `httpx` with `starlette.testclient`")
            warnings.filterwarnings("ignore", message="No path_separator found in configuration")
            yield
    finally:
        greeter.setLevel(level)


def make_database(uri: str) -> None:
    """Make the tables of an index where there are none.

    Parameters
    ----------
    uri : str
        ``sqlite:///...`` or ``postgresql://...``.
    """
    from sqlalchemy import inspect
    from tiled.alembic_utils import stamp_head
    from tiled.catalog.alembic_constants import ALEMBIC_DIR, ALEMBIC_INI_TEMPLATE_PATH
    from tiled.catalog.core import initialize_database
    from tiled.server.connection_pool import create_async_engine
    from tiled.utils import ensure_specified_sql_driver

    uri = ensure_specified_sql_driver(uri)

    async def make_tables() -> bool:
        engine = create_async_engine(uri)
        try:
            async with engine.connect() as connection:
                names = await connection.run_sync(lambda plain: inspect(plain).get_table_names())
            if "nodes" in names:
                return False
            await initialize_database(engine)
        finally:
            await engine.dispose()
        return True

    if asyncio.run(make_tables()):
        with quiet():
            stamp_head(ALEMBIC_INI_TEMPLATE_PATH, ALEMBIC_DIR, uri)


def _build(data: DataFolder) -> None:
    """Make an empty catalog, unless there is one that was built for this place."""
    if is_built(data):
        return
    (data.catalog / BIRTH_NAME).unlink(missing_ok=True)
    shutil.rmtree(data.catalog, ignore_errors=True)
    data.catalog.mkdir()  # not the data folder: one that was moved away is not begun anew
    (data.catalog / "arrays").mkdir()
    if catalog_place(data).is_embedded:
        for name in (INDEX_NAME, TABLES_NAME):
            (data.catalog / name).touch()  # by the umask, as all else: SQLite would let its owner alone write
    make_database(database(data))
    write_whole(data.catalog / BIRTH_NAME, json.dumps({"root": str(data.root.resolve())}))
