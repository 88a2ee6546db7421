"""What an IOC that is started again does to the threads of a client does not end them."""

import os
import socket
import threading

import pytest
from caproto.client import common
from caproto.threading.client import SharedBroadcaster

from lics_beamline.devices.lasting_context import LastingContext, lasts, search_addresses

from .conftest import HANG_S


@pytest.fixture
def context(prefix):
    context = LastingContext(SharedBroadcaster())  # both tests fail with a Context of caproto
    yield context
    context.disconnect()
    context.broadcaster.disconnect()


def refusing():
    """An address where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()


class Heard(threading.Event):
    """Set when a monitor of a PV tells something; caproto keeps no callback alive."""

    def __init__(self, pv):
        super().__init__()
        self.subscription = pv.subscribe()
        self.subscription.add_callback(self.tell)

    def tell(self, subscription, response):
        self.set()


class Somebody:
    """A PV that is looked for, of a server that is gone when its circuit is opened."""

    priority = 0


def test_a_circuit_that_is_refused_is_not_the_last_one(context, prefix):
    gone = refusing()
    context.broadcaster.server_protocol_versions[gone] = 13
    (pv,) = context.get_pvs(f"{prefix}PC1:Pressure_RBV")
    pv.wait_for_connection(timeout=HANG_S)
    context.pvs_needing_circuits["somebody"].add(Somebody())
    context._search_results_queue.put((gone, ["somebody"]))
    (other,) = context.get_pvs(f"{prefix}ET1:RBV_pvTemp")
    other.wait_for_connection(timeout=HANG_S)
    assert other.read().data[0] > 0.0


def test_a_subscription_whose_channel_is_gone_takes_no_other_with_it(context, prefix):
    (pv,) = context.get_pvs(f"{prefix}WORLD:Time_RBV")
    pv.wait_for_connection(timeout=HANG_S)
    (gone,) = context.get_pvs(f"{prefix}PC1:Setpoint_RBV")
    gone.wait_for_connection(timeout=HANG_S)
    channel, gone.channel = gone.channel, None  # as in the moment between circuit and channel
    late = Heard(gone)
    kept = Heard(pv)
    assert kept.wait(HANG_S)
    gone.channel = channel
    gone.connection_state_changed("connected", channel)
    assert late.wait(HANG_S), "it is subscribed once its channel is there"
    for heard in (late, kept):
        heard.subscription.clear()


def test_the_context_of_a_session_is_a_lasting_one_and_looks_for_what_is_gone_in_time_to_make_it_safe():
    assert lasts()
    assert common.MAX_RETRY_SEARCHES_INTERVAL <= 0.5, "it comes to twice that, of five seconds"
    assert common.RETRY_RETIRED_SEARCHES_INTERVAL <= 1.0, "also when it has been gone for long"


def test_a_search_goes_out_while_another_thread_changes_the_environment():
    over = threading.Event()

    def change():
        while not over.is_set():
            os.environ["LICS_PASSING"] = "1"
            os.environ.pop("LICS_PASSING")

    changing = threading.Thread(target=change)
    changing.start()
    try:
        found = {tuple(search_addresses()) for _ in range(5000)}  # some fail without asking again
    finally:
        over.set()
        changing.join()
    assert len(found) == 1
