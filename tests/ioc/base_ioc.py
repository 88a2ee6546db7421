"""An IOC of EPICS base as a process of its own: the records of stock supports, with no instrument behind them."""

import contextlib
import os
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lics_beamline.profile import shipped
from lics_beamline.session.simulation import loopback

DATABASES = Path(__file__).parent / "base_databases"
START_S = 300.0  # for hangs only


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseIoc:
    """A running IOC of EPICS base.

    Parameters
    ----------
    process : subprocess.Popen
        It ends when its input is closed: by us, or because whoever started it is dead.
    prefix : str
        Prefix of its PVs.
    addresses : dict of str to str
        Variables of the environment by which a client of Channel Access finds it and nothing else.
    pv_access : dict of str to str
        The same for a client of PVAccess.
    """

    process: subprocess.Popen[str]
    prefix: str
    addresses: dict[str, str]
    pv_access: dict[str, str]


def free_port() -> int:
    """Return a port that is free for UDP and TCP at this moment."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams, socket.socket() as stream:
            datagrams.bind(("127.0.0.1", 0))
            port = int(datagrams.getsockname()[1])
            with contextlib.suppress(OSError):
                stream.bind(("127.0.0.1", port))
                return port


def databases(prefix: str, *, lease: bool = True, folder: Path = DATABASES) -> list[str]:
    """Return the arguments that load the records of every instrument but the stage, whose motors base has not."""
    loaded = [
        ("pace5000.db", f"P={prefix}"),
        ("eurotherm2k.db", f"P={prefix}"),
        *(("thermocouple.db", f"P={prefix},R=Ti{number}") for number in range(1, 5)),
        ("ruby.db", f"P={prefix}"),
        ("raxis.db", f"P={prefix}"),
        ("beam.db", f"P={prefix}"),
    ]
    words = [word for name, macros in loaded for word in ("-m", macros, "-d", str(folder / name))]
    if lease:
        words += ["-m", f"P={prefix},R=PC1:", "-d", str(shipped() / "bl10xu" / "epics" / "lease.db")]
    return words


@contextlib.contextmanager
def base_ioc(
    log: Path, *, prefix: str | None = None, port: int | None = None, lease: bool = True, folder: Path = DATABASES
) -> Iterator[BaseIoc]:
    """Run an IOC of EPICS base while the context lasts; the same prefix and port again are the same IOC, restarted."""
    prefix, port = prefix or f"B{uuid.uuid4().hex[:6]}:", port or free_port()
    pv_access = {
        "EPICS_PVA_BROADCAST_PORT": str(free_port()),
        "EPICS_PVA_SERVER_PORT": str(free_port()),
        "EPICS_PVA_ADDR_LIST": "127.0.0.1",
        "EPICS_PVA_AUTO_ADDR_LIST": "NO",
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EPICS_")}
    environment |= loopback(port) | pv_access
    environment |= {
        "EPICS_CAS_SERVER_PORT": str(port),
        "EPICS_CAS_INTF_ADDR_LIST": "127.0.0.1",
        "EPICS_CAS_BEACON_ADDR_LIST": "127.0.0.1",
        "EPICS_CAS_AUTO_BEACON_ADDR_LIST": "NO",
        "EPICS_PVAS_INTF_ADDR_LIST": "127.0.0.1",
        "EPICS_PVAS_BEACON_ADDR_LIST": "127.0.0.1",
        "EPICS_PVAS_AUTO_BEACON_ADDR_LIST": "NO",
    }
    with log.open("a", encoding="utf-8") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "epicscorelibs.ioc", *databases(prefix, lease=lease, folder=folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            env=environment,
            start_new_session=True,
        )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write("print('ready', flush=True)\n")
        process.stdin.flush()
        while "ready" not in (line := process.stdout.readline()):
            assert line, f"the IOC ended: {log.read_text(encoding='utf-8', errors='replace')[-2000:]}"
        yield BaseIoc(process=process, prefix=prefix, addresses=loopback(port), pv_access=pv_access)
    finally:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        process.wait(START_S)
        process.stdout.close()
