"""Tiled's service inside this process: its routes are built once, and every data folder has its own tree behind them.

To build them FastAPI looks at three thousand functions, which takes ten times as long as all else of an opening.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import deepcopy
from functools import cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from fastapi import FastAPI

EXPORTER: Final = "bluesky_tiled_plugins.exporters:json_seq_exporter"


def application(tree: Any) -> FastAPI:
    """Return a service of a tree, for one client inside this process.

    Parameters
    ----------
    tree : CatalogContainerAdapter
        What is served; its database is opened when the client comes, and closed when it goes.
    """
    from fastapi import FastAPI

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        for task in tree.startup_tasks:
            await task()
        try:
            yield
        finally:
            for task in tree.shutdown_tasks:
                await task()

    common = _without_tree()
    made = FastAPI(
        lifespan=lifespan,
        routes=common.routes,
        middleware=common.user_middleware,
        exception_handlers=common.exception_handlers,
        openapi_url=None,
    )
    made.dependency_overrides = common.dependency_overrides
    made.state.root_tree = tree  # what a request finds of its tree, and what it may
    made.state.access_policy = common.state.access_policy
    made.state.authenticated = common.state.authenticated
    return made


@cache
def _without_tree() -> Any:
    """Return a service of nothing, whose routes ask each request for the tree it is about."""
    from tiled.adapters.mapping import MapAdapter
    from tiled.media_type_registration import default_serialization_registry
    from tiled.server.app import build_app
    from tiled.utils import import_object

    written = deepcopy(default_serialization_registry)
    written.register("BlueskyRun", "application/json-seq", import_object(EXPORTER))
    return build_app(MapAdapter({}), serialization_registry=written)
