"""The web server of the live page: Bokeh's own, which loads nothing from elsewhere."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from bokeh.application import Application
from bokeh.application.handlers.function import FunctionHandler
from bokeh.core.validation import silence
from bokeh.core.validation.warnings import MISSING_RENDERERS
from bokeh.server.auth_provider import NullAuth
from bokeh.server.server import Server
from tornado.ioloop import IOLoop, PeriodicCallback

from lics_beamline.data_folder import DataFolder
from lics_beamline.errors import Busy
from lics_beamline.monitor.access import ASKED, TokenAccess
from lics_beamline.monitor.control_panel import ControlPanel
from lics_beamline.monitor.page import LivePage
from lics_beamline.monitor.plate_view import PlateViews
from lics_beamline.monitor.watched_runs import NEWEST, WatchedRuns

LOOKED_EVERY_MS: Final = 250  # between two questions whether to end [ms]
EVERYWHERE: Final = ("0.0.0.0", "::")  # listens at all addresses of this computer
FORGOTTEN_AFTER_MS: Final = 15_000  # a page that was closed takes memory no longer than that [ms]


def serve(
    data: DataFolder,
    *,
    uid: str = NEWEST,
    address: str = "127.0.0.1",
    port: int,
    token: str = "",
    control: bool = False,
    begun: Callable[[str], None] = lambda url: None,
    over: Callable[[], bool] = lambda: False,
) -> None:
    """Serve the page until told to end.

    Parameters
    ----------
    data : DataFolder
        Where the journals are.
    uid : str
        Run that a page shows first; empty for the newest.
    address, port : str, int
        Where it listens.
    token : str
        What those must bring who look; empty where everybody may.
    control : bool
        Whether who is let in may hold, continue and stop a sweep of the folder.
    begun : callable
        Told the address of the page, with its token, once it can be opened.
    over : callable
        Asked whether to end.

    Raises
    ------
    Busy
        If another program listens there.
    ValueError
        If everybody at this computer could stop the sweep.
    """
    if control and not token:
        raise ValueError("a page that holds and stops sweeps needs a token; give one")
    for log in ("tornado.access", "tornado.application", "bokeh.server.views"):
        logging.getLogger(log).setLevel(logging.CRITICAL)  # they log whole addresses, and with them the token
    silence(MISSING_RENDERERS)  # cells and shares have none before the first phase is found
    _require_free(address, port)
    plates = PlateViews(data)
    with WatchedRuns(data) as runs, ThreadPoolExecutor(1, thread_name_prefix="plates") as reader:

        def show(document: Any) -> None:
            LivePage(document, runs, plates, reader, uid=uid, control=ControlPanel(data) if control else None)

        loop = IOLoop.current()
        server = Server(
            {"/": Application(FunctionHandler(show))},
            io_loop=loop,
            address=address,
            port=port,
            allow_websocket_origin=_origins(address, port),
            auth_provider=TokenAccess(token, port=port) if token else NullAuth(),
            unused_session_lifetime_milliseconds=FORGOTTEN_AFTER_MS,
            check_unused_sessions_milliseconds=FORGOTTEN_AFTER_MS,
        )
        try:
            server.start()
            host = socket.gethostname() if address in EVERYWHERE else f"[{address}]" if ":" in address else address
            begun(f"http://{host}:{server.port}/" + (f"?{ASKED}={token}" if token else ""))
            ending = PeriodicCallback(lambda: loop.stop() if over() else None, LOOKED_EVERY_MS)
            ending.start()
            loop.start()
        finally:
            server.stop(wait=False)
            reader.shutdown(cancel_futures=True)


def _require_free(address: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        socket.create_server((address, port), family=family).close()
    except OSError as error:
        raise Busy(
            f"nobody can listen at {address}:{port}: {error.strerror}. Give another --port or --address, or end who "
            "listens there.",
            address=address,
            port=port,
        ) from error


def _origins(address: str, port: int) -> list[str]:
    """Return the pages that may speak to the server: its own, by any of the names of this computer."""
    if address in EVERYWHERE:
        return [f"*:{port}"]  # which names lead here nobody knows; the token is asked for all the same
    names = ("127.0.0.1", "localhost", socket.gethostname(), socket.getfqdn(), address)
    return [f"{name}:{port}" for name in dict.fromkeys(names) if ":" not in name]
