"""The verb that serves everybody's runs: serve."""

from __future__ import annotations

import argparse
import sys
from typing import Any, Final

from lics_beamline.cli.argument import LOOPBACK, pathname, whole
from lics_beamline.cli.running_text import tell_line
from lics_beamline.errors import ProfileError

SERVER_PORT: Final = 8000  # where Tiled's servers listen by custom


def add(verbs: Any, shared: argparse.ArgumentParser) -> None:
    """Add the verb to the command line."""
    verb = verbs.add_parser(
        "serve",
        parents=[shared],
        help="serve a catalog to everybody: Tiled on PostgreSQL or SQLite",
        description="Write the configuration of a Tiled server and start it, until Ctrl-C. Runs of any data folder may "
        "be added, by a line of their profile: catalog = 'http://HOST:PORT'. The key of who writes lies in a file, "
        "never in a log or a command line. With --new-key a key for readers is made instead, and nothing is started.",
    )
    verb.add_argument(
        "--folder", type=pathname, metavar="DIR", help="where the server keeps what is its own (default: DATA/server)"
    )
    verb.add_argument(
        "--database", default="", metavar="URI", help="postgresql://HOST/DATABASE (default: SQLite in the folder)"
    )
    verb.add_argument(
        "--images",
        type=pathname,
        action="append",
        default=[],
        metavar="DIR",
        help="another data folder whose plates it reads; may be given again",
    )
    verb.add_argument("--address", default=LOOPBACK, metavar="HOST", help="address to listen at (default 127.0.0.1)")
    verb.add_argument(
        "--port",
        type=whole(1, 65535),
        default=SERVER_PORT,
        metavar="N",
        help=f"port (default {SERVER_PORT})",
    )
    verb.add_argument(
        "--new-key", type=pathname, metavar="FILE", help="make a key that reads, write it into FILE, and end"
    )
    verb.add_argument(
        "--group",
        action="append",
        default=[],
        metavar="NAME",
        help="with --new-key: a proposal whose runs it reads; may be given again (default: all runs)",
    )
    verb.set_defaults(run=serve)


def serve(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C, or make a key."""
    from lics_beamline.catalog.place import key_path
    from lics_beamline.catalog.server import CatalogServer
    from lics_beamline.cli.argument import data_folder
    from lics_beamline.profile import check_catalog_uri

    if options.group and options.new_key is None:
        raise ProfileError("--group says whose runs a new key reads; give --new-key FILE too.")
    if options.database:
        try:
            check_catalog_uri(options.database)
        except ValueError as cause:
            raise ProfileError(f"--database: {cause}.") from cause
    data = data_folder(options)
    server = CatalogServer(
        folder=(options.folder or data.root / "server").expanduser().resolve(),
        database=options.database,
        readable=(data.plates, *(folder.expanduser().resolve() / "plates" for folder in options.images)),
        host=options.address,
        port=options.port,
    )
    if options.new_key is not None:
        server.new_key(options.new_key.expanduser(), groups=options.group)
        whose = f"of {', '.join(options.group)}" if options.group else "of all"
        sys.stdout.write(
            f"a key that reads the runs {whose} is in {options.new_key}; only its owner can read the file\n"
        )
        return 0
    server.prepare()
    tell_line(
        f"serving at {server.uri}, its web page at {server.uri}/ui/\n"
        f'in a profile: catalog = "{server.uri}"\n'
        f"the key of who writes is in {key_path(server.uri)}\nCtrl-C ends it."
    )
    try:
        server.run()
    except KeyboardInterrupt:
        return 0
    return 0
