"""The verb ``monitor``, the live page of a run; and ``--monitor``, the same page beside a sweep."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any, Final

from lics_beamline.cli.argument import LOOPBACK, whole
from lics_beamline.cli.running_text import tell_line
from lics_beamline.extras import require

if TYPE_CHECKING:
    from lics_beamline.data_folder import DataFolder

MONITOR_PORT: Final = 5006  # where Bokeh's servers listen by custom


def add(verbs: Any, shared: argparse.ArgumentParser) -> None:
    """Add the verb to the command line."""
    verb = verbs.add_parser(
        "monitor",
        parents=[shared],
        help="show a run in a browser, as it goes on or as it was",
        description="Serve a page that shows a run: track, ruby, plate, patterns, cells, shares, decisions, "
        "interlocks. It follows journals and, without --control, moves nothing. RUN is 'last', a uid, or its first six "
        "characters or more; without it, the newest sweep is shown, and the next as it begins. Ctrl-C ends it.",
    )
    verb.add_argument("uid", metavar="RUN", nargs="?", help="run to show first (default: the newest, as it comes)")
    verb.add_argument(
        "--port",
        type=whole(1, 65535),
        default=MONITOR_PORT,
        metavar="N",
        help=f"port to listen at (default {MONITOR_PORT})",
    )
    verb.add_argument(
        "--address",
        default=LOOPBACK,
        metavar="HOST",
        help="address to listen at (default 127.0.0.1: this computer only); at another one, such as 0.0.0.0, only who "
        "has the address with its token, which is printed once, is let in",
    )
    verb.add_argument(
        "--control",
        action="store_true",
        help="let who has the address with its token, which is printed once, hold, continue and stop a sweep of the "
        "data folder, and write notes in its record, by name",
    )
    verb.set_defaults(run=monitor)


def monitor_option() -> argparse.ArgumentParser:
    """Return the option of every verb that runs a sweep."""
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument(
        "--monitor", action="store_true", help="show it in a browser as it goes on, at an address that is printed"
    )
    options.add_argument(
        "--control",
        action="store_true",
        help="as --monitor, and let who has the address with its token hold, continue and stop the sweep, and write "
        "notes in its record, by name",
    )
    return options


def monitor(options: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C."""
    require("bokeh", what="the live page")
    from lics_beamline.cli.argument import data_folder
    from lics_beamline.exports.recorded_run import find_any
    from lics_beamline.journal.lock import require_all_seen
    from lics_beamline.monitor.access import is_loopback, new_token
    from lics_beamline.monitor.server import serve

    data = data_folder(options)
    require_all_seen(data)
    uid = find_any(data, options.uid).uid if options.uid else ""

    def begun(url: str) -> None:
        tell_line(f"{data.root} is shown at {url}\nCtrl-C ends it.")

    token = "" if is_loopback(options.address) and not options.control else new_token()
    try:
        serve(
            data, uid=uid, address=options.address, port=options.port, token=token, control=options.control, begun=begun
        )
    except KeyboardInterrupt:
        return 0
    return 0


def start_beside(options: argparse.Namespace, data: DataFolder) -> None:
    """Start the page beside a sweep, where it was asked for, and say where; it ends with this process."""
    if not (options.monitor or options.control):
        return
    require("bokeh", what="the live page")
    from lics_beamline.monitor.access import ASKED, free_port, new_token
    from lics_beamline.monitor.process import start

    port = free_port(LOOPBACK, MONITOR_PORT)
    token = new_token() if options.control else ""
    start(data, port=port, token=token)
    address = f"http://{LOOPBACK}:{port}/" + (f"?{ASKED}={token}" if token else "")
    sys.stderr.write(f"in a few seconds the sweep is shown at {address}\n")
