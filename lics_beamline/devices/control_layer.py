"""Which library speaks Channel Access, and where it looks: chosen before ophyd is imported, because ophyd chooses then.

ophyd takes pyepics where it is installed, and EPICS' own library reads addresses once, when it is loaded. So whoever
talks to instruments calls `choose` first, and imports devices and plans after that. This module imports neither.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from lics_beamline.errors import NotConnected
from lics_beamline.extras import require
from lics_beamline.processes.log_file import LogFile

VARIABLE: Final = "OPHYD_CONTROL_LAYER"
DEFAULT_LAYER: Final = "caproto"  # comes with the extra; pyepics crashed when devices were made and let go in turn
LOG_NAME: Final = "channel-access.log"  # below the logs of a data folder
TALKATIVE: Final = ("caproto", "ophyd")  # loggers whose words are for developers: late answers, tracebacks of threads
PACKAGES: Final = {"caproto": "caproto", "pyepics": "epics"}  # what each layer imports

logger = logging.getLogger(__name__)


def choose(addresses: Mapping[str, str] | None = None) -> str:
    """Choose the control layer and where it looks; said in the log. Asked again, it says what was chosen.

    Parameters
    ----------
    addresses : mapping of str to str, optional
        Variables of the environment (``EPICS_CA_...``) by which a simulated beamline is found; default those there are.

    Returns
    -------
    str
        ``caproto``, or ``pyepics`` where ``OPHYD_CONTROL_LAYER`` says so.

    Raises
    ------
    NotConnected
        If that layer is unknown or not installed, or was loaded before and looks elsewhere.
    NotInstalled
        If the extra of beamlines is not installed.
    """
    addresses = dict(addresses or {})
    differing = {name: value for name, value in addresses.items() if os.environ.get(name) != value}
    if "ophyd" in sys.modules:
        from ophyd import get_cl

        layer = str(get_cl().name)
        if differing and layer == "pyepics":  # caproto looks at the environment whenever it searches
            raise NotConnected(
                f"pyepics was loaded before the beamline's addresses were known ({', '.join(sorted(differing))}), and "
                f"reads them once. Begin a new Python and open the session before ophyd is imported, or set "
                f"{VARIABLE}=caproto.",
                layer=layer,
            )
        if layer == "caproto":
            from lics_beamline.devices.lasting_context import lasts

            if not lasts():
                logger.warning(
                    "ophyd was imported before the session was opened: after an IOC has been started again, values may "
                    "stay as they were. Open the session first, or import lics_beamline.devices.control_layer and call "
                    "choose()."
                )
    else:
        layer = os.environ.get(VARIABLE, "").lower() or DEFAULT_LAYER
        _require(layer)
        os.environ[VARIABLE] = layer
        if layer == "caproto":
            from lics_beamline.devices.lasting_context import last
            from lics_beamline.devices.update_order import keep_in_caproto

            last()
            keep_in_caproto()
    os.environ.update(differing)
    if layer == "pyepics":  # it warns of each answer that came late; who waits for one says so in words of our own
        warnings.filterwarnings("ignore", message=r"ca\.\w+\(.*\) timed out", category=UserWarning)
    logger.info("Channel Access by %s, looking at %s", layer, _where())
    return layer


@contextlib.contextmanager
def logged_in(logs: Path) -> Iterator[None]:
    """Keep what the libraries of Channel Access say in a file, off the terminal, while the context lasts.

    A person who asked for everything (the root logger at DEBUG) sees it as well.

    Parameters
    ----------
    logs : Path
        Folder of the file `LOG_NAME`; where there is no such folder nothing is kept.
    """
    handler = LogFile(logs / LOG_NAME) if logs.is_dir() else logging.NullHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    handler.setLevel(logging.WARNING)
    loggers = [logging.getLogger(name) for name in TALKATIVE]
    before = [each.propagate for each in loggers]
    for each in loggers:
        each.addHandler(handler)
        each.propagate = logging.getLogger().isEnabledFor(logging.DEBUG)
    try:
        yield
    finally:
        for each, propagate in zip(loggers, before, strict=True):
            each.removeHandler(handler)
            each.propagate = propagate
        handler.close()


def _require(layer: str) -> None:
    if layer not in PACKAGES:
        raise NotConnected(
            f"{VARIABLE} is {layer!r}; it may be {' or '.join(PACKAGES)}. Unset it for {DEFAULT_LAYER}.", layer=layer
        )
    if layer == DEFAULT_LAYER:
        require(PACKAGES[layer], what="a beamline")
    if importlib.util.find_spec(PACKAGES[layer]) is None:
        raise NotConnected(
            f"{VARIABLE} is {layer!r}, which is not installed here. pip install {layer}, or unset it for "
            f"{DEFAULT_LAYER}.",
            layer=layer,
        )


def _where() -> str:
    """Return in words where Channel Access looks."""
    listed = os.environ.get("EPICS_CA_ADDR_LIST", "").strip()
    broadcast = os.environ.get("EPICS_CA_AUTO_ADDR_LIST", "YES").strip().upper() != "NO"
    places = ([listed] if listed else []) + (["all hosts of this network"] if broadcast else [])
    return f"{' and '.join(places) or 'no address'}, port {os.environ.get('EPICS_CA_SERVER_PORT', '5064')}"


def as_heard(path: str) -> str:
    """Return a path as the control layer says it: caproto takes each byte of an IOC's UTF-8 for a letter."""
    from ophyd import get_cl

    takes_bytes = get_cl().name == "caproto" and os.environ.get("CAPROTO_STRING_ENCODING", "latin-1") == "latin-1"
    return path.encode("utf-8").decode("latin-1") if takes_bytes else path
