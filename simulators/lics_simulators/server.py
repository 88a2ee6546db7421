"""One process that serves every soft IOC of a world over Channel Access, on the loopback interface only."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import signal
import socket
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from caproto.asyncio.server import Context

from lics_simulators.beamline import Beamline
from lics_simulators.iocs.leasing import Address
from lics_simulators.saved_world import WorldKeeper

LOOPBACK = "127.0.0.1"
ANY_PORT = range(20000, 30000)  # below those that systems give to outgoing connections: free again when started again
ASK_AGAIN_S = 0.2  # between two attempts to end what runs [s]
WATCH_S = 0.5  # period at which the parent is looked for [s]


def free_port(wanted: int) -> int:
    """Return a port nobody else has on the loopback interface, for searches and connections alike.

    Parameters
    ----------
    wanted : int
        The port to use; 0 for any.

    Raises
    ------
    OSError
        If the wanted port is taken.
    """
    while True:
        port = wanted or random.choice(ANY_PORT)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            # What is left of the connections of a server that was killed keeps nobody from serving there again.
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                udp.bind((LOOPBACK, port))
                tcp.bind((LOOPBACK, port))
                tcp.listen()
            except OSError:
                if wanted:
                    raise
                continue
            return port


def isolate(port: int) -> None:
    """Keep this process' Channel Access on the loopback interface and on `port`."""
    os.environ.update(
        EPICS_CA_SERVER_PORT=str(port),
        EPICS_CAS_SERVER_PORT=str(port),
        EPICS_CA_ADDR_LIST=LOOPBACK,
        EPICS_CA_AUTO_ADDR_LIST="NO",
        EPICS_CAS_INTF_ADDR_LIST=LOOPBACK,
        EPICS_CAS_AUTO_BEACON_ADDR_LIST="no",
        EPICS_CAS_BEACON_ADDR_LIST=LOOPBACK,
    )


async def serve(beamline: Beamline, *, port: int, parent_pid: int | None, announce: Any) -> None:
    """Serve until SIGTERM, SIGINT or the end of the parent.

    Parameters
    ----------
    beamline : Beamline
        The beamline to serve.
    port : int
        Port for searches, from `free_port`.
    parent_pid : int or None
        Process without which this one must not live; None for a life of its own.
    announce : callable
        Called with `port` when the PVs answer.
    """
    isolate(port)
    _quieten()
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, over.set)
    await beamline.prepare()

    async def started(async_lib: Any) -> None:
        announce(port)

    context = beamline.faults.rig.network = _LoopbackContext(beamline.pvdb, [LOOPBACK])
    beamline.clients = context.clients
    keeper = WorldKeeper(beamline)
    tasks = [
        asyncio.create_task(context.run(startup_hook=started)),
        asyncio.create_task(beamline.run_clock(keeper.keep)),
        asyncio.create_task(over.wait()),
    ]
    if parent_pid is not None:
        tasks.append(asyncio.create_task(_watch(parent_pid)))
    done, running = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    await _end(running)
    keeper.keep(ended=over.is_set())
    beamline.world.close()
    await _end(asyncio.all_tasks() - {asyncio.current_task()})
    for task in done:
        task.result()


async def _end(tasks: Collection[asyncio.Task[Any]]) -> None:
    """End tasks, asking again whoever has not heard.

    Until Python 3.12 ``asyncio.wait_for`` loses a cancellation that comes while what it waits for is done, and caproto
    waits so for everything: asked once, a server went on to live for ever now and then.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        ended, left = await asyncio.wait(left, timeout=ASK_AGAIN_S)
        for task in ended:
            if not task.cancelled():
                task.exception()


async def _watch(parent_pid: int) -> None:
    """Return when the parent is gone: dead, or dead and not yet reaped, or no longer our parent."""
    was_parent = os.getppid() == parent_pid
    while not (was_parent and os.getppid() != parent_pid) and _is_alive(parent_pid):
        await asyncio.sleep(WATCH_S)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z")


class _LoopbackContext(Context):
    """A server without beacons, of which parts can vanish.

    Beacons would go to a repeater that other Channel Access servers here may use.
    """

    def __init__(self, pvdb: dict[str, Any], interfaces: Sequence[str]) -> None:
        super().__init__(pvdb, interfaces)
        self._hidden: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        if any(name.startswith(prefix) for prefix in self._hidden):
            raise KeyError(name)
        return super().__getitem__(name)

    def hide(self, prefix: str) -> None:
        """Let PVs vanish: nobody finds them, and who was connected to them is cut off, as by a process that ended."""
        self._hidden.add(prefix)
        for circuit in list(self.circuits):
            if any(channel.name.startswith(prefix) for channel in circuit.circuit.channels.values()):
                circuit.client.writer.close()

    def show(self, prefix: str) -> None:
        """Let PVs answer again."""
        self._hidden.discard(prefix)

    def clients(self) -> set[Address]:
        """Return host and port of each client that is connected."""
        return {circuit.circuit.address for circuit in self.circuits}

    async def broadcast_beacon_loop(self) -> None:
        await asyncio.Event().wait()


class _Expected(logging.Filter):
    """Drops what is no trouble: a put that was refused has its answer, and a client may go away at any time."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not str(record.msg).startswith("Invalid write request")


def _quieten() -> None:
    handler = logging.StreamHandler()
    handler.setLevel(logging.ERROR)
    handler.addFilter(_Expected())
    logger = logging.getLogger("caproto")
    logger.addHandler(handler)
    logger.propagate = False
