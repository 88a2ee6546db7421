"""The live page beside a sweep: ``python -m lics_beamline.monitor --data DIR --port N``, a process of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from typing import Final

from lics_beamline.data_folder import DataFolder
from lics_beamline.processes import background_process
from lics_beamline.processes.background_process import BackgroundProcess

NAME: Final = "monitor"  # of its log
MODULE: Final = "lics_beamline.monitor"


def start(data: DataFolder, *, port: int) -> subprocess.Popen[bytes]:
    """Start the page of a data folder; it lives as long as this process.

    Parameters
    ----------
    data : DataFolder
        The data folder.
    port : int
        Where it listens, on this computer only.

    Returns
    -------
    subprocess.Popen
        Its handle. ``terminate()`` ends it.
    """
    return background_process.start(MODULE, ["--port", str(port)], name=NAME, data=data)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the page until told to end, or the process that started it has ended.

    Parameters
    ----------
    arguments : sequence of str, optional
        Default: those of the process.
    """
    parser = background_process.parser_of(MODULE, "Show the newest sweep in a browser.", parent="ends with this one")
    parser.add_argument("--port", type=int, required=True, metavar="N", help="where to listen, on this computer only")
    asked = parser.parse_args(arguments)

    def work(process: BackgroundProcess) -> int:
        from lics_beamline.monitor.server import serve

        serve(process.data, port=asked.port, over=lambda: process.told_to_end.is_set() or process.parent_gone())
        return 0

    return background_process.run(NAME, asked, work)
