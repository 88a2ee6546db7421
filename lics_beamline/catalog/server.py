"""A server of Tiled for everybody's runs: its configuration, its keys, and the process itself.

Everything that it needs lies in one folder: configuration, users' keys (hashed, in SQLite), arrays, and where there is
no PostgreSQL the index and the tables too. Keys go from here into files that only their owner can read; they are never
part of a command line, a log or a journal.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lics_beamline.catalog.application import EXPORTER
from lics_beamline.catalog.place import key_path, write_key
from lics_beamline.catalog.store import make_database, quiet, uncollected
from lics_beamline.files.whole_file import write_whole

CONFIG_NAME: Final = "config.yml"
_TREE: Final = "lics_beamline.catalog.tree:served"
_POLICY: Final = "lics_beamline.catalog.readers:GroupPolicy"
_NOBODY: Final = "tiled.authenticators:DictionaryAuthenticator"  # Tiled asks for one; here nobody has a password
_SECRET_BYTES: Final = 36  # as Tiled makes its own keys: 32 of entropy, 4 that it keeps to find them by
_WRITER: Final = "admin"  # Tiled's role that may delete a run, to write it again
_READER: Final = "user"


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogServer:
    """A server of Tiled.

    Parameters
    ----------
    folder : Path
        Where it keeps what is its own.
    database : str
        ``postgresql://...`` of its index and tables; empty for SQLite in `folder`.
    readable : tuple of Path
        Folders of images that it may read: the data folders whose runs it has.
    host : str
        Address on which it listens.
    port : int
        Port on which it listens.
    """

    folder: Path
    database: str
    readable: tuple[Path, ...]
    host: str
    port: int

    @property
    def uri(self) -> str:
        """What a profile says of it."""
        return f"http://{self.host}:{self.port}"

    @property
    def _accounts(self) -> str:
        return f"sqlite:///{self.folder.resolve() / 'accounts.db'}"

    def prepare(self) -> Path:
        """Write its configuration, make its databases and the key of who writes where they are not there yet.

        Returns
        -------
        Path
            The configuration, as ``tiled serve config`` takes it; only its owner can read it.
        """
        self._prepare_accounts()
        (self.folder / "arrays").mkdir(exist_ok=True)
        path = self.folder / CONFIG_NAME
        sealing = self.folder / "sealing.key"  # of the tokens that Tiled gives to browsers
        if not sealing.exists():
            write_key(sealing, secrets.token_hex(32))
        with uncollected(), quiet():
            make_database(self._index)
        write_whole(path, json.dumps(self._config(sealing.read_text().strip()), indent=2) + "\n")  # JSON is YAML
        path.chmod(0o600)
        if not key_path(self.uri).exists():
            self.new_key(key_path(self.uri))
        return path

    def new_key(self, path: Path, *, groups: Sequence[str] | None = None) -> None:
        """Make a key, and write it into a file that only its owner can read.

        Parameters
        ----------
        path : Path
            The file.
        groups : sequence of str, optional
            For a key that reads: the groups whose runs it sees, or ``()`` for all. None for one that writes.
        """
        self._prepare_accounts()
        secret = secrets.token_bytes(_SECRET_BYTES)
        with uncollected(), quiet():
            asyncio.run(_add_key(self._accounts, secret, groups))
        write_key(path, secret.hex())

    def _prepare_accounts(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        with uncollected(), quiet():
            asyncio.run(_make_accounts(self._accounts))

    def run(self) -> None:
        """Serve until told to end."""
        with uncollected(), quiet():
            import uvicorn
            from tiled.config import parse_configs
            from tiled.server.app import build_app_from_config

            app = build_app_from_config(parse_configs(self.folder / CONFIG_NAME))
        # No line a request: it would hold the key of a browser that gave it in the address.
        uvicorn.run(app, host=self.host, port=self.port, access_log=False, log_level="warning")

    @property
    def _index(self) -> str:
        return self.database or f"sqlite:///{self.folder.resolve() / 'catalog.db'}"

    def _config(self, sealing: str) -> dict[str, Any]:
        tables = self.database or f"sqlite:///{self.folder.resolve() / 'tables.db'}"
        args = {
            "database": self._index,
            "storage": [str(self.folder.resolve() / "arrays"), tables],
            "readable": [str(each.resolve()) for each in self.readable],
        }
        nobody = {"provider": "lics", "authenticator": _NOBODY, "args": {"users_to_passwords": {}}}
        return {
            "trees": [{"path": "/", "tree": _TREE, "args": args}],
            "media_types": {"BlueskyRun": {"application/json-seq": EXPORTER}},
            "authentication": {"providers": [nobody], "secret_keys": [sealing], "allow_anonymous_access": False},
            "database": {"uri": self._accounts},
            "access_control": {"access_policy": _POLICY, "args": {}},
            "expose_raw_assets": False,
        }


async def _make_accounts(uri: str) -> None:
    from sqlalchemy import inspect
    from tiled.alembic_utils import stamp_head
    from tiled.authn_database.alembic_constants import ALEMBIC_DIR, ALEMBIC_INI_TEMPLATE_PATH
    from tiled.authn_database.core import initialize_database
    from tiled.server.connection_pool import create_async_engine
    from tiled.utils import ensure_specified_sql_driver

    engine = create_async_engine(ensure_specified_sql_driver(uri))
    try:
        async with engine.connect() as connection:
            names = await connection.run_sync(lambda plain: inspect(plain).get_table_names())
        if not names:
            await initialize_database(engine)
    finally:
        await engine.dispose()
    if not names:
        await asyncio.to_thread(stamp_head, ALEMBIC_INI_TEMPLATE_PATH, ALEMBIC_DIR, ensure_specified_sql_driver(uri))


async def _add_key(uri: str, secret: bytes, groups: Sequence[str] | None) -> None:
    from sqlalchemy.ext.asyncio import AsyncSession
    from tiled.authn_database.core import create_service
    from tiled.authn_database.orm import APIKey
    from tiled.server.connection_pool import create_async_engine
    from tiled.utils import ensure_specified_sql_driver

    from lics_beamline.catalog.readers import READ_SCOPES, group_tag

    writes = groups is None
    engine = create_async_engine(ensure_specified_sql_driver(uri))
    try:
        async with AsyncSession(engine, expire_on_commit=False) as session:
            owner = await create_service(session, _WRITER if writes else _READER)
            session.add(
                APIKey(
                    principal_id=owner.id,
                    first_eight=secret.hex()[:8],
                    hashed_secret=hashlib.sha256(secret).digest(),
                    note="writes" if writes else f"reads {', '.join(groups) if groups else 'all'}",
                    scopes=["inherit"] if writes else sorted(READ_SCOPES),
                    access_tags=[group_tag(group) for group in groups] if groups else None,
                )
            )
            await session.commit()
    finally:
        await engine.dispose()
