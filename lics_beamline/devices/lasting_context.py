"""A client of Channel Access by caproto whose threads outlive what an IOC that is started again does to them.

caproto 1.3 has one thread that opens circuits and one that subscribes. Either ends, without a word and for as long as
the process lives, when it meets a server that has just gone: a search was answered and the circuit is refused or comes
late, a channel is gone when its subscription is made. From then on nothing is connected again, or no monitor of a new
channel tells anything: signals show their last values for ever. Here both go on, and begin again what was under way.

Its searches go out from a port that other processes may share, and Linux, which picks the port, now and then gives
one to two of them: of 900 such sockets 15 had the port of another when it was tried. Only one of the two hears the
answers, and the other finds no PV for as long as both live. Here a port has one owner.

Each search asks the environment where to, and ends its thread when another thread takes a variable out of the
environment just then. Here it asks again.

What is not found is looked for again after 9 s, and once it was not found for 8 minutes, once a minute: so long nobody
could make safe what an IOC brings back. Here it is looked for twice a second, and in the end every second.

This must be in place before ophyd is imported, which makes the one context of a process; `control_layer.choose` sees to
it.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from collections.abc import Iterable
from typing import Any, Final

import caproto
from caproto import CaprotoError, batch_requests, bcast_socket, get_client_address_list
from caproto.client import common
from caproto.client.common import EVENT_ADD_BATCH_MAX_BYTES, RESTART_SUBS_PERIOD
from caproto.threading import pyepics_compat
from caproto.threading.client import Context

LOOKED_FOR_EVERY_S: Final = 0.5  # a PV that was there [s]: of five it takes one; four small packets for a beamline
LOOKED_FOR_LATE_EVERY_S: Final = 1.0  # the same after 8 minutes, SEARCH_RETIREMENT_AGE of caproto [s]
CHANGES_AT_MOST: Final = 100  # of the environment, while one search is sent
REST_S: Final = 0.5  # after a circuit that could not be opened: its server is being started

logger = logging.getLogger("caproto.lics")  # kept with the words of caproto, off the terminal


class LastingContext(Context):
    """The context of caproto, but for how two of its threads meet trouble."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._subscribing = threading.Lock()  # before the threads of the context begin
        super().__init__(*arguments, **options)

    def cancel_monitors(self, circuit: Any) -> None:
        """Cancel the monitors of a circuit, those too that are waiting to be subscribed or being so just now."""
        with self._subscribing:
            with self.subscriptions_lock:
                self.subscriptions_to_activate.pop(circuit, None)
            for channel in list(circuit.pvs.values()):
                for subscription in list(channel.subscriptions.values()):
                    with contextlib.suppress(CaprotoError):  # its number is of a circuit that is gone: not this one's
                        subscription.clear()

    def _process_search_results_loop(self) -> None:
        """Open circuits, for as long as the context lasts."""
        while not self._close_event.is_set():
            try:
                super()._process_search_results_loop()
            except Exception as error:  # whatever it is: a process that connects to nothing any more is worse
                logger.warning("circuits are opened again after: %s: %s", type(error).__name__, error)
                if not self._close_event.wait(REST_S):
                    self._search_again()

    def _search_again(self) -> None:
        """Look once more for all that is not connected; the loop that ended had taken some of it off its list."""
        with self.pv_cache_lock:
            lost = [key for key, pv in self.pvs.items() if not pv.connected]
        if lost:
            self.reconnect(lost)

    def _activate_subscriptions(self) -> None:
        """Subscribe what is new and what has come back, for as long as the context lasts."""
        while not self._close_event.is_set():
            with self._subscribing:
                with self.subscriptions_lock:
                    waiting = list(self.subscriptions_to_activate.items())
                    self.subscriptions_to_activate.clear()
                for manager, subscriptions in waiting:
                    self._subscribe(manager, subscriptions)
            self.activate_subscriptions_now.wait(RESTART_SUBS_PERIOD)
            self.activate_subscriptions_now.clear()

    def _subscribe(self, manager: Any, subscriptions: Iterable[Any]) -> None:
        """Send the requests of one circuit; what is gone meanwhile is subscribed when it is connected again."""
        requests = []
        for subscription in subscriptions:
            try:
                request = subscription.compose_command()
            except Exception as error:  # its channel is not there, or not any more
                logger.info("%s: not subscribed yet: %s: %s", subscription, type(error).__name__, error)
                self._later(subscription)
            else:
                if request is not None:
                    requests.append(request)
        try:
            for batch in batch_requests(requests, EVENT_ADD_BATCH_MAX_BYTES):
                manager.send(*batch)
        except Exception as error:
            logger.info("%s: not subscribed yet: %s: %s", manager, type(error).__name__, error)

    def _later(self, subscription: Any) -> None:
        """Subscribe when the channel is connected, which may have come about meanwhile."""
        with self.subscriptions_lock, subscription.callback_lock:
            manager = subscription.pv.circuit_manager
            if subscription.pv.connected and manager is not None:
                self.subscriptions_to_activate[manager].add(subscription)
            else:
                subscription.needs_reactivation = True


def own_socket() -> socket.socket:
    """Return a socket for searches whose port no other process is given."""
    own = bcast_socket()
    for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
        own.setsockopt(socket.SOL_SOCKET, option, 0)
    return own


def search_addresses() -> list[tuple[str, int]]:
    """Return where searches go to, by the environment as it is once nobody changes it."""
    for _ in range(CHANGES_AT_MOST):
        with contextlib.suppress(KeyError):
            return list(get_client_address_list())
    return list(get_client_address_list())


def lasts() -> bool:
    """Whether the context of ophyd's signals is a lasting one."""
    return isinstance(pyepics_compat.PV.default_context(), LastingContext)


def last() -> None:
    """Let the context that is made next, the one of ophyd's signals, last, own its port, and find soon what is back."""
    pyepics_compat.Context = LastingContext
    common.MAX_RETRY_SEARCHES_INTERVAL = min(common.MAX_RETRY_SEARCHES_INTERVAL, LOOKED_FOR_EVERY_S)
    common.RETRY_RETIRED_SEARCHES_INTERVAL = min(common.RETRY_RETIRED_SEARCHES_INTERVAL, LOOKED_FOR_LATE_EVERY_S)
    caproto.bcast_socket = own_socket
    caproto.get_client_address_list = search_addresses
