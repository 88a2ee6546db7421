"""The verb that writes a reduced run for other programs: export."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from lics_beamline.cli.argument import pathname
from lics_beamline.cli.json_answer import tell_json


def add(verbs: Any, shared: argparse.ArgumentParser) -> None:
    """Add the verb to the command line."""
    from lics_beamline.exports.layouts import LAYOUTS

    machine = argparse.ArgumentParser(add_help=False)
    machine.add_argument("--json", action="store_true", help="print JSON for a program, nothing else")
    verb = verbs.add_parser(
        "export",
        parents=[shared, machine],
        formatter_class=argparse.RawDescriptionHelpFormatter,
        help="write a reduced run for other programs",
        description="Write a reduced run for another program, with a manifest: sha256 of every file, the whole\n"
        "recipe, wavelength and orientation. RUN is a raw run (its newest reduction is taken) or a reduced one.\n\n"
        "layouts:\n" + "\n".join(f"  {name:<9} {about}" for name, about in LAYOUTS.items()),
    )
    verb.add_argument("uid", metavar="RUN", nargs="?", default="last")
    verb.add_argument("--for", dest="layout", choices=tuple(LAYOUTS), default="xye", help="default: xye")
    verb.add_argument("--to", type=pathname, metavar="DIR", help="folder (default: exports below the data folder)")
    verb.set_defaults(run=export)


def export(options: argparse.Namespace) -> int:
    """Write a reduced run."""
    from lics_beamline.cli.argument import data_folder
    from lics_beamline.exports.layouts import NEEDS_RAW
    from lics_beamline.exports.package import pack
    from lics_beamline.exports.raw_point import raw_points
    from lics_beamline.exports.recorded_run import newest_reduction
    from lics_beamline.exports.reduced_run import reduced_run
    from lics_beamline.journal.reader import read
    from lics_beamline.replay import documents_of

    data = data_folder(options)
    head = newest_reduction(data, options.uid)
    raw = raw_points(documents_of(data, head.start["raw_uid"])) if options.layout in NEEDS_RAW else {}
    folder = options.to or data.exports / head.uid[:8] / options.layout
    package = pack(reduced_run(read(head.path)), folder, layout=options.layout, raw=raw, data_root=data.root)
    if options.json:
        found = {
            "run": head.uid,
            "files": [str(file) for file in package.files],
            "manifest": str(package.manifest),
        }
        tell_json(found)
    else:
        sys.stdout.write(f"{len(package.files)} files of run {head.uid[:8]} and their manifest in {package.folder}\n")
    return 0
