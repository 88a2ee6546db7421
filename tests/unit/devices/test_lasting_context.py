"""Who searches for PVs hears the answers: nobody else can have the port that they come to."""

import socket

import caproto
import pytest


def test_no_other_process_is_given_the_port_from_which_one_searches():
    with caproto.bcast_socket() as searching, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        searching.bind(("", 0))
        for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):  # as caproto makes it, and others do
            other.setsockopt(socket.SOL_SOCKET, option, 1)
        with pytest.raises(OSError, match="in use"):
            other.bind(searching.getsockname())
